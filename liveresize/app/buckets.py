"""What is kept in S3, where that is configured: renditions, a mirror of originals, and the
buckets of vip."""

from typing import TYPE_CHECKING

from liveresize.config import Settings
from liveresize.core.ports import ForeignOriginals, Mirror, RenditionStore
from liveresize.http.handlers.status import robots
from liveresize.settings.backends import Aws
from liveresize.storage.disk import DiskRenditions

if TYPE_CHECKING:
    from liveresize.compat.vip.buckets import VipOriginals, VipRenditions
    from liveresize.storage.mirror import S3Mirror
    from liveresize.storage.objects import Objects
    from liveresize.storage.s3 import S3Renditions


class Buckets:
    """The rendition store, the mirror, and the client of S3 that they share.

    Without `aws.bucket` renditions are kept on disk, and without `aws.originals_bucket`
    there is no mirror; `main` is the store of the main namespace, `vip` says whether buckets
    have stores of their own. What speaks S3 is imported only where it is used, for it takes
    half a second and 30 MB.
    """

    def __init__(self, settings: Settings) -> None:
        aws = settings.aws
        self.vip = _vip(settings)
        used = aws.bucket or aws.originals_bucket or self.vip
        self._objects = make_objects(aws) if used else None
        self._renditions = _renditions(settings, self._objects) if self._objects else None
        self._disk = (
            None if self._renditions else DiskRenditions(settings.renditions_folder, settings.disk)
        )
        main = self._renditions or self._disk
        assert main is not None
        self.main: S3Renditions | DiskRenditions = main
        self.store: RenditionStore = self.main
        mirror = _mirror(aws, self._objects) if self._objects else None
        self.mirror: Mirror | None = mirror
        self.taken: ForeignOriginals | None = None
        self._of_vip: tuple[VipOriginals, VipRenditions] | tuple[()] = ()
        if self.vip and self._objects:
            self._add_vip(self._objects, mirror)

    def _add_vip(self, objects: "Objects", mirror: "S3Mirror | None") -> None:
        from liveresize.compat.vip.buckets import Access, VipOriginals, VipRenditions
        from liveresize.compat.vip.routed import RoutedMirror, RoutedRenditions

        originals, renditions = VipOriginals(objects, Access()), VipRenditions(objects, Access())
        self.taken = originals
        self.mirror = RoutedMirror(mirror, originals)
        self.store = RoutedRenditions(self.main, renditions)
        self._of_vip = (originals, renditions)

    @property
    def healthy(self) -> bool:
        """Whether the store of the main namespace and the buckets of vip answer."""
        return self.main.healthy and all(each.healthy for each in self._of_vip)

    async def start(self) -> None:
        """Connect. Raises SettingsError for keys that no client can be made of."""
        if self._disk:
            await self._disk.begin()
        if self._objects:
            await self._objects.start()
        if self._renditions:
            await self._renditions.start()

    async def probe(self) -> None:
        """Find out whether clients may be sent to the bucket. Never raises."""
        if self._renditions:
            await self._renditions.probe()

    async def close(self) -> None:
        """Close every connection, and have on the disk what was stored there."""
        if self._disk:
            await self._disk.end()
        if self._renditions:
            await self._renditions.close()
        if self._objects:
            await self._objects.close()


def _vip(settings: Settings) -> bool:
    """Whether the buckets of vip are those of S3."""
    aws = settings.aws
    if not settings.vip.buckets:
        return False
    if settings.vip.s3 is not None:
        return settings.vip.s3
    return bool(aws.access_key or aws.endpoint_url or aws.bucket or aws.originals_bucket)


def make_objects(aws: Aws) -> "Objects":
    """The client of the store, not yet started."""
    from liveresize.storage.objects import Objects

    return Objects(aws)


def _renditions(settings: Settings, objects: "Objects") -> "S3Renditions | None":
    from liveresize.storage.s3 import S3Renditions

    aws = settings.aws
    if not aws.bucket:
        return None
    return S3Renditions(
        aws,
        objects,
        presign=settings.delivery == "presign",
        robots=robots(settings.allow_indexing),
    )


def _mirror(aws: Aws, objects: "Objects") -> "S3Mirror | None":
    from liveresize.storage.mirror import S3Mirror

    if not aws.originals_bucket:
        return None
    return S3Mirror(objects, bucket=aws.originals_bucket, prefix=aws.prefix)
