"""Stores that use vip's buckets for pictures of buckets, and the main store for all others."""

from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from liveresize.compat.vip.buckets import VipOriginals, VipRenditions
from liveresize.core import ports
from liveresize.core.names import ImageId
from liveresize.core.originals import Link, Original
from liveresize.storage.mirror import S3Mirror


class RoutedMirror:
    """ports.Mirror; with `main` None the main namespace has no mirror."""

    def __init__(self, main: S3Mirror | None, buckets: VipOriginals) -> None:
        self._main = main
        self._buckets = buckets

    def takes(self, image: ImageId) -> bool:
        """Whether originals of that namespace belong there."""
        return bool(image.bucket) or self._main is not None

    @property
    def healthy(self) -> bool:
        """Whether both stores answer."""
        return self._buckets.healthy and (self._main is None or self._main.healthy)

    def _of(self, original: Original) -> S3Mirror:
        """Return the mirror of an original; callers check `takes` first."""
        return self._buckets if original.image.bucket or self._main is None else self._main

    def key(self, original: Original) -> str:
        """The key of the bytes of this generation."""
        return self._of(original).key(original)

    async def put(self, path: Path, original: Original) -> None:
        """See ports.Mirror."""
        await self._of(original).put(path, original)

    async def fetch(self, original: Original, target: Path) -> bool:
        """See ports.Mirror."""
        return await self._of(original).fetch(original, target)

    async def remove(self, original: Original) -> None:
        """See ports.Mirror."""
        await self._of(original).remove(original)

    async def exists(self, original: Original) -> bool:
        """See ports.Mirror."""
        return await self._of(original).exists(original)

    async def facts(self, original: Original) -> tuple[int, str] | None:
        """See S3Mirror.facts."""
        return await self._of(original).facts(original)

    async def entries(self) -> AsyncIterator[tuple[str, int]]:
        """Yield those of the main namespace: objects of buckets without a row belong to vip."""
        if self._main is not None:
            async for entry in self._main.entries():
                yield entry


class RoutedRenditions:
    """ports.RenditionStore; redirects are only for the main namespace."""

    def __init__(self, main: ports.RenditionStore, buckets: VipRenditions) -> None:
        self.main = main
        self._buckets = buckets

    @property
    def healthy(self) -> bool:
        """Whether clients may be redirected there now."""
        return self.main.healthy

    @property
    def shared(self) -> bool:
        """Whether other instances see the same objects of the main namespace."""
        return self.main.shared

    def url(self, link: Link) -> str:
        """Where a client is redirected to."""
        return self.main.url(link)

    def local_path(self, key: str) -> Path | None:
        """Where we serve the object of `key` from."""
        return self.main.local_path(key)

    def _of(self, image: ImageId) -> ports.RenditionStore | VipRenditions:
        return self._buckets if image.bucket else self.main

    def key(self, original: Original, variant: str, engine: str, extension: str) -> str:
        """The key of an object."""
        return self._of(original.image).key(original, variant, engine, extension)

    def direct(self, image: ImageId) -> ports.DirectStore | None:
        """See ports.RenditionStore."""
        return self._of(image).direct(image)

    async def publish(self, source: Path, link: Link) -> None:
        """See ports.RenditionStore."""
        await self._of(link.image).publish(source, link)

    async def read(self, link: Link) -> bytes | None:
        """See ports.RenditionStore."""
        return await self._of(link.image).read(link)

    async def open(
        self, link: Link, first: int = 0, last: int | None = None
    ) -> ports.ObjectBody | None:
        """See ports.RenditionStore."""
        return await self._of(link.image).open(link, first, last)

    async def find_foreign(self, original: Original, variant: str) -> tuple[str, bytes] | None:
        """See ports.RenditionStore."""
        return await self._of(original.image).find_foreign(original, variant)

    async def remove(self, links: Sequence[Link]) -> None:
        """See ports.RenditionStore."""
        await self._buckets.remove([link for link in links if link.image.bucket])
        await self.main.remove([link for link in links if not link.image.bucket])

    async def remove_generation(self, original: Original) -> None:
        """Remove every object of one generation; of a bucket, of the picture."""
        if original.image.bucket:
            await self._buckets.remove_picture(original.image)
        else:
            await self.main.remove_generation(original)
