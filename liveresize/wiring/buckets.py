"""What is kept in S3, where that is configured: renditions, and a mirror of originals."""

from typing import TYPE_CHECKING

from liveresize.ports import Mirror
from liveresize.settings import Settings
from liveresize.stores.disk import DiskRenditions
from liveresize.web.status import robots
from liveresize.wiring.options import renditions_options

if TYPE_CHECKING:
    from liveresize.stores.objects import Objects
    from liveresize.stores.s3 import S3Renditions


class Buckets:
    """The rendition store, the mirror, and the client of S3 that they share.

    Without `aws.bucket` renditions are kept on disk, and without `aws.originals_bucket`
    there is no mirror. What speaks S3 is imported only where it is used, for it takes half
    a second and 30 MB.
    """

    def __init__(self, settings: Settings) -> None:
        aws = settings.aws
        self._objects = _objects(settings) if aws.bucket or aws.originals_bucket else None
        self._renditions = _renditions(settings, self._objects) if self._objects else None
        self.store: S3Renditions | DiskRenditions = self._renditions or DiskRenditions(
            renditions_options(settings)
        )
        self.mirror = _mirror(settings, self._objects) if self._objects else None

    async def start(self) -> None:
        """Connect. Raises SettingsError for keys that no client can be made of."""
        if self._objects:
            await self._objects.start()
        if self._renditions:
            await self._renditions.start()

    async def probe(self) -> None:
        """Find out whether clients may be sent to the bucket. Never raises."""
        if self._renditions:
            await self._renditions.probe()

    async def close(self) -> None:
        """Close every connection."""
        if self._renditions:
            await self._renditions.close()
        if self._objects:
            await self._objects.close()


def _objects(settings: Settings) -> "Objects":
    from liveresize.stores.objects import Objects, ObjectsOptions

    aws = settings.aws
    return Objects(
        ObjectsOptions(
            access_key=aws.access_key,
            secret_key=aws.secret_key,
            region=aws.region,
            endpoint_url=aws.endpoint_url,
            path_style=aws.path_style,
            concurrency=aws.concurrency,
        )
    )


def _renditions(settings: Settings, objects: "Objects") -> "S3Renditions | None":
    from liveresize.stores.s3 import S3Options, S3Renditions

    aws = settings.aws
    if not aws.bucket:
        return None
    options = S3Options(
        bucket=aws.bucket,
        prefix=aws.prefix,
        public_url=aws.cache_host or aws.bucket_url,
        presign=aws.presign_lifetime if settings.delivery == "presign" else 0,
        robots=robots(settings.allow_indexing),
    )
    return S3Renditions(options, objects)


def _mirror(settings: Settings, objects: "Objects") -> Mirror | None:
    from liveresize.stores.mirror import MirrorOptions, S3Mirror

    aws = settings.aws
    if not aws.originals_bucket:
        return None
    return S3Mirror(MirrorOptions(bucket=aws.originals_bucket, prefix=aws.prefix), objects)
