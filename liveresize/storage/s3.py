"""The rendition store on S3: objects that clients are redirected to.

The key of a rendition is `<prefix><name>/<generation>/<file>`; for the file see
`core.originals.file_name`. An imported link of the published service has an absolute URL as its
key, which is not changed; its object is read or removed only if the URL is below the public URL of
our own bucket.
"""

import functools
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from urllib.parse import quote, unquote

import structlog

from liveresize import errors
from liveresize.core.names import ImageId
from liveresize.core.originals import Link, Original, file_name
from liveresize.settings.backends import Aws
from liveresize.storage import files
from liveresize.storage.bucket_health import BucketHealth
from liveresize.storage.connection import trusted_file
from liveresize.storage.objects import Body, Objects

_log = structlog.get_logger("liveresize.s3")

IMMUTABLE = "public, max-age=31536000, immutable"
"""Generation and engine are parts of the key, so that an object never changes."""

_ABSOLUTE = ("http://", "https://")


class S3Renditions:
    """ports.RenditionStore on a bucket. `objects` must be started first and closed last.

    `presign` redirects to signed URLs, `robots` is the text of the bucket's robots.txt
    (empty: none is put there). `probe_budget` is seconds for one sign of life, `read_budget`
    for the first byte of an object.
    """

    shared = True

    def __init__(
        self,
        aws: Aws,
        objects: Objects,
        *,
        presign: bool = False,
        robots: str = "",
        probe_budget: float = 2.0,
        read_budget: float = 5.0,
    ) -> None:
        self._aws = aws
        self._objects = objects
        self._presign = presign
        self._robots = robots
        self._probe_budget = probe_budget
        self._read_budget = read_budget
        self._robots_due = bool(robots)
        self._robots_error = ""

    @functools.cached_property
    def _address(self) -> str:
        """The public address, without a slash at its end."""
        return self._aws.public_url.rstrip("/") or self._objects.address(self._aws.bucket)

    @functools.cached_property
    def _health(self) -> BucketHealth:
        return BucketHealth(
            self._robots_address,
            self._put_tiny,
            self._probe_budget,
            ca=trusted_file(self._aws.ca),
            advice=self._objects.advice,
        )

    def _robots_address(self) -> str:
        """Where clients find the bucket's robots.txt."""
        if self._presign:
            return self._presigned("robots.txt")
        return f"{self._address}/robots.txt"

    def _presigned(self, key: str) -> str:
        return self._objects.presigned(self._aws.bucket, key, self._aws.presign_lifetime)

    def prepare(self) -> None:
        """Do nothing: this store needs no folder."""

    async def start(self) -> None:
        """Start the health checks, and try to store robots.txt; `probe` tries again."""
        await self._health.start()
        await self._put_robots()

    async def close(self) -> None:
        """Close what `start` opened."""
        await self._health.close()

    @property
    def healthy(self) -> bool:
        """Whether clients may be redirected there now."""
        signing = self._objects.can_sign or not self._presign
        return signing and self._health.healthy

    async def probe(self) -> None:
        """Update `healthy`; to be called every few seconds. Never raises."""
        await self._health.probe()
        self._robots_due |= self._health.gone and bool(self._robots)
        if self._health.answering:
            await self._put_robots()

    async def push_robots(self, text: str) -> None:
        """Store robots.txt at the bucket's root. Raises ObjectStoreUnavailable."""
        await self._objects.put_bytes(
            self._aws.bucket,
            "robots.txt",
            text.encode(),
            mime="text/plain",
            budget=self._probe_budget,
        )

    async def _put_robots(self) -> None:
        """Store robots.txt, if that is still to be done; each new error is logged once."""
        if not self._robots_due:
            return
        try:
            await self.push_robots(self._robots)
        except errors.ObjectStoreUnavailable as error:
            if error.detail != self._robots_error:
                self._robots_error = error.detail
                _log.warning("robots_not_put", error=error.detail)
        else:
            self._robots_due = False

    async def _put_tiny(self) -> None:
        """Store a tiny object under the prefix, the only place where we may be allowed to write."""
        await self._objects.put_bytes(
            self._aws.bucket,
            f"{self._aws.prefix}_probe",
            b"alive\n",
            mime="text/plain",
            budget=self._probe_budget,
        )

    def url(self, link: Link) -> str:
        """Return the target of redirects."""
        if link.key.startswith(_ABSOLUTE):
            return link.key
        if self._presign:
            return self._presigned(link.key)
        return f"{self._address}/{quote(link.key, safe='/~')}"

    def key(self, original: Original, variant: str, engine: str, extension: str) -> str:
        """Return the key of a rendition."""
        return self._folder(original) + file_name(variant, engine, extension)

    def local_path(self, key: str) -> Path | None:
        """Return None: this server does not serve the objects."""
        return None

    def direct(self, image: ImageId) -> None:
        """Return None: renditions must not stay in memory during an outage."""

    async def publish(self, source: Path, link: Link) -> None:
        """Store a spooled file under `link.key`; the spooled file stays.

        Raises ObjectStoreUnavailable, and DiskFull if the spooled file is incomplete.
        """
        try:
            with self._health.guarded():
                await self._objects.put_file(
                    self._aws.bucket,
                    link.key,
                    source,
                    size=link.size,
                    sha256=link.etag,
                    mime=link.mime,
                    cache_control=IMMUTABLE,
                )
        except OSError as error:
            raise files.full(error) from error

    async def read(self, link: Link) -> bytes | None:
        """Return the bytes of a link; None if they are missing, incomplete or not ours.

        Raises ObjectStoreUnavailable.
        """
        key = self._own_key(link)
        if key is None:
            return None
        with self._health.guarded():
            data = await self._objects.read(self._aws.bucket, key, budget=self._read_budget)
        return data if data is not None and len(data) == (link.size or len(data)) else None

    async def open(self, link: Link, first: int = 0, last: int | None = None) -> Body | None:
        """Open bytes `first` to `last` of a link, as `read` but as a stream."""
        key = self._own_key(link)
        if key is None:
            return None
        with self._health.guarded():
            return await self._objects.open(
                self._aws.bucket, key, first, last, budget=self._read_budget
            )

    async def find_foreign(self, original: Original, variant: str) -> tuple[str, bytes] | None:
        """Return None: no other service stores renditions here."""
        return None

    async def remove(self, links: Sequence[Link]) -> None:
        """Remove objects; one that is missing, or not ours, is not an error.

        Raises ObjectStoreUnavailable.
        """
        keys = [key for key in map(self._own_key, links) if key is not None]
        await self._remove(keys)

    async def remove_generation(self, original: Original) -> None:
        """Remove every object of one generation. Raises ObjectStoreUnavailable."""
        self._check_answering()
        listing = self._objects.list_prefix(self._aws.bucket, self._folder(original))
        await self._remove([key async for key, _ in listing])

    async def entries(self) -> AsyncIterator[tuple[str, int, float]]:
        """Yield (key, bytes, Unix seconds of storing) of every object under the prefix.

        Raises ObjectStoreUnavailable.
        """
        bucket, prefix = self._aws.bucket, self._aws.prefix
        async for key, size, stored_at in self._objects.list_dated(bucket, prefix):
            yield key, size, stored_at

    async def size(self, link: Link) -> int | None:
        """Return the size of the object of a link; None if there is none, or it is not ours.

        Raises ObjectStoreUnavailable.
        """
        key = self._own_key(link)
        head = await self._objects.head(self._aws.bucket, key) if key else None
        return head.size if head else None

    async def _remove(self, keys: Sequence[str]) -> None:
        # What a key may not do, remove, says nothing about where clients may be sent.
        self._check_answering()
        await self._objects.remove(self._aws.bucket, keys)

    def _check_answering(self) -> None:
        if not self._health.answering:
            raise errors.ObjectStoreUnavailable("", "the breaker is open")

    def _folder(self, original: Original) -> str:
        return f"{self._aws.prefix}{original.image.key}/{original.generation}/"

    def _own_key(self, link: Link) -> str | None:
        """Return the key of a link in our bucket; None if it leads elsewhere."""
        if not link.key.startswith(_ABSOLUTE):
            return link.key
        address = f"{self._address}/"
        if not link.key.startswith(address):
            return None
        path = link.key[len(address) :].partition("#")[0].partition("?")[0]
        key = unquote(path)
        # A dot segment may be resolved on the way, out of the bucket.
        dotted = any(part in (".", "..") for part in key.split("/"))
        return key if key and not dotted else None
