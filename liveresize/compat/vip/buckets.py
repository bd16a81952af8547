"""vip's buckets, which hold originals under their ids, and renditions beside them.

The keys of one picture are `<id>` for the original, `<id>/s/<width>` and `<id>/c/s/<width>` for
renditions of vip, and `<id>/<generation>/<file>` for all others, see `core.originals.file_name`.
A key of vip says nothing about what made its object: vip, or any engine. Without the permission
`ListBucket` a store responds with AccessDenied for a missing key, so that counts as missing here.
"""

import contextlib
from collections import OrderedDict
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

import structlog

from liveresize import errors
from liveresize.compat.vip import requests as vip
from liveresize.core import byte_limit
from liveresize.core.formats import Format, sniff
from liveresize.core.names import ImageId
from liveresize.core.originals import Link, Original, file_name
from liveresize.core.rendition import Rendition
from liveresize.storage import connection, files
from liveresize.storage.breaker import Breaker
from liveresize.storage.mirror import S3Mirror, write
from liveresize.storage.objects import Body, Objects

_log = structlog.get_logger("liveresize.vip")

_BREAKERS = 1000
"""The largest number of buckets with a circuit breaker in memory."""

_LATELY = 30.0
"""Seconds for which a failure counts without further requests."""

_LARGEST = 16 << 20
"""Bytes above which no rendition of vip is read: its largest ones are far smaller."""

CACHE_CONTROL = "public, max-age=31536000"
"""The `Cache-Control` of objects, as in responses."""

READ_BUDGET = 5.0
"""Seconds until the first byte of an object."""

LOOK_BUDGET = 2.0
"""Seconds for looking up a rendition of vip, before it is rendered instead."""


class Access:
    """Access to buckets: a circuit breaker for each, and the meaning of their errors.

    Originals and renditions have separate instances: some stores accept no key below that of an
    object, and failures of renditions must not block originals.
    """

    def __init__(self) -> None:
        self._breakers: OrderedDict[str, Breaker] = OrderedDict()

    @property
    def healthy(self) -> bool:
        """Whether no bucket has failed recently."""
        return not any(breaker.opened_within(_LATELY) for breaker in self._breakers.values())

    @contextlib.contextmanager
    def asking(self, bucket: str) -> Iterator[None]:
        """Access `bucket` inside this block. Raises BucketMissing if it does not exist."""
        breaker = self._breakers.pop(bucket, None) or Breaker(errors.ObjectStoreUnavailable)
        self._breakers[bucket] = breaker
        if len(self._breakers) > _BREAKERS:
            self._breakers.popitem(last=False)
        with breaker.guarded():
            try:
                yield
            except errors.ObjectStoreUnavailable as error:
                if _error_code(error) == "NoSuchBucket":
                    raise errors.BucketMissing("", f"the store has no bucket {bucket}") from error
                raise

    @contextlib.contextmanager
    def looking(self, bucket: str) -> Iterator[None]:
        """Access a key that may be missing. Raises OriginalMissing if access is denied."""
        with self.asking(bucket):
            try:
                yield
            except errors.ObjectStoreUnavailable as error:
                if _error_code(error) == "AccessDenied":
                    raise errors.OriginalMissing("", f"access denied in {bucket}") from error
                raise


def _error_code(error: errors.ObjectStoreUnavailable) -> str:
    return connection.code(error.__cause__) if error.__cause__ else ""


class VipOriginals(S3Mirror):
    """ports.Mirror and ports.ForeignOriginals on vip's buckets."""

    def __init__(self, objects: Objects, access: Access) -> None:
        super().__init__(objects, bucket="", read_budget=READ_BUDGET)
        self._access = access

    @property
    def healthy(self) -> bool:
        """Whether no bucket is known to be failing."""
        return self._access.healthy

    def takes(self, image: ImageId) -> bool:
        """Whether the picture is in a bucket."""
        return bool(image.bucket)

    def key(self, original: Original) -> str:
        """The key of an original, which is its id."""
        return original.image.name

    def _bucket(self, image: ImageId) -> str:
        return image.bucket

    def _asking(self, bucket: str) -> contextlib.AbstractContextManager[None]:
        return self._access.asking(bucket)

    def _looking(self, bucket: str) -> contextlib.AbstractContextManager[None]:
        return self._access.looking(bucket)

    async def fetch(self, original: Original, target: Path) -> bool:
        """See S3Mirror. Raises BucketMissing, too."""
        try:
            return await super().fetch(original, target)
        except errors.BucketMissing:
            raise
        except errors.OriginalMissing as error:
            return _not_readable(original.image, error)

    async def facts(self, original: Original) -> tuple[int, str] | None:
        """Return (bytes, SHA-256 in hex) of the copy; one without a hash counts as intact."""
        copy = await super().facts(original)
        return copy if copy is None or copy[1] else (copy[0], original.sha256)

    async def entries(self) -> AsyncIterator[tuple[str, int]]:
        """Yield nothing: keys have no generation, and objects without a row belong to vip."""
        nothing: tuple[tuple[str, int], ...] = ()
        for entry in nothing:
            yield entry

    async def take(self, image: ImageId, target: Path, max_bytes: int) -> bool:
        """Write the bytes of a picture to `target`, durably; return False if there is none.

        Raises BucketMissing, UploadTooLarge, ObjectStoreUnavailable and DiskFull.
        """
        try:
            with self._access.looking(image.bucket):
                body = await self._objects.open(image.bucket, image.name, budget=READ_BUDGET)
                if body is None:
                    return False
                if body.size > max_bytes:
                    await body.close()
                    raise byte_limit.exceeded(
                        "The original", max_bytes, byte_limit.UPLOADS, body.size
                    )
                await write(body, target)
                return True
        except errors.BucketMissing:
            raise
        except errors.OriginalMissing as error:
            return _not_readable(image, error)


def _not_readable(image: ImageId, error: errors.OriginalMissing) -> bool:
    """Log that an original cannot be read, and return False."""
    _log.warning("original_not_readable", image_id=image.key, error=error.detail)
    return False


class VipRenditions:
    """The methods of ports.RenditionStore for pictures of vip's buckets."""

    def __init__(self, objects: Objects, access: Access) -> None:
        self._objects = objects
        self._access = access

    @property
    def healthy(self) -> bool:
        """Whether no bucket is known to be failing."""
        return self._access.healthy

    def key(self, original: Original, variant: str, engine: str, extension: str) -> str:
        """Return the key of a rendition: that of vip, if vip makes the same."""
        vip_key = vip.rendition_key(original.image, variant)
        file = file_name(variant, engine, extension)
        return vip_key or f"{original.image.name}/{original.generation}/{file}"

    def direct(self, image: ImageId) -> None:
        """Return None: renditions must not stay in memory during an outage."""

    async def publish(self, source: Path, link: Link) -> None:
        """Store a spooled file under `link.key`; the spooled file stays.

        Raises ObjectStoreUnavailable, and DiskFull if the spooled file is incomplete.
        """
        bucket = link.image.bucket
        try:
            with self._access.asking(bucket):
                await self._objects.put_file(
                    bucket,
                    link.key,
                    source,
                    size=link.size,
                    sha256=link.etag,
                    mime=link.mime,
                    cache_control=CACHE_CONTROL,
                )
        except errors.BucketMissing as error:
            raise errors.ObjectStoreUnavailable("", error.detail) from error
        except OSError as error:
            raise files.full(error) from error

    async def open(self, link: Link, first: int = 0, last: int | None = None) -> Body | None:
        """Open bytes `first` to `last` of a link as a stream; None if they are gone.

        vip may have replaced the object: one of another size counts as gone. Raises
        ObjectStoreUnavailable.
        """
        with self._looking(link.image.bucket):
            body = await self._objects.open(
                link.image.bucket, link.key, first, last, budget=READ_BUDGET
            )
            is_whole = first == 0 and last is None
            if body is None or not is_whole or body.size == link.size:
                return body
            await body.close()
        return None

    async def read(self, link: Link) -> bytes | None:
        """Return the bytes of a link; None if they are gone. Raises ObjectStoreUnavailable."""
        with self._looking(link.image.bucket):
            data = await self._objects.read(link.image.bucket, link.key, budget=READ_BUDGET)
            return data if data is not None and len(data) == link.size else None
        return None

    async def find_foreign(self, original: Original, variant: str) -> tuple[str, bytes] | None:
        """Return the key and the bytes of a rendition that vip made; None if there is none.

        A PNG that this server has stored there does not count where vip makes a JPEG. Raises
        ObjectStoreUnavailable.
        """
        bucket, key = original.image.bucket, vip.rendition_key(original.image, variant)
        if key is None:
            return None
        bare = Rendition.from_variant(variant).bare
        with self._looking(bucket):
            body = await self._objects.open(bucket, key, budget=LOOK_BUDGET)
            if body is None:
                return None
            try:
                if body.size > _LARGEST:
                    return None
                data = b"".join([chunk async for chunk in body.chunks()])
                return None if bare and sniff(data) is not Format.JPEG else (key, data)
            finally:
                await body.close()
        return None

    async def remove(self, links: Sequence[Link]) -> None:
        """Remove objects; a missing one is not an error.

        Raises ObjectStoreUnavailable.
        """
        for bucket in {link.image.bucket for link in links}:
            with self._looking(bucket):
                keys = [link.key for link in links if link.image.bucket == bucket]
                await self._objects.remove(bucket, keys)

    async def remove_picture(self, image: ImageId) -> None:
        """Remove every rendition of a picture, including those of vip.

        Raises ObjectStoreUnavailable.
        """
        with self._missing_is_gone(), self._access.asking(image.bucket):
            listing = self._objects.list_prefix(image.bucket, f"{image.name}/")
            await self._objects.remove(image.bucket, [key async for key, _ in listing])

    @contextlib.contextmanager
    def _looking(self, bucket: str) -> Iterator[None]:
        """Access keys that may be missing; a missing one ends the block."""
        with self._missing_is_gone(), self._access.looking(bucket):
            yield

    @contextlib.contextmanager
    def _missing_is_gone(self) -> Iterator[None]:
        with contextlib.suppress(errors.OriginalMissing):
            yield
