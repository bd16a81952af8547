"""The embedded rendition store: finished renditions on the local disk, served by this server.

A rendition is stored at `<root>/<last two digits of its generation>/<generation>/<file>`, its
key is `<name>/<generation>/<file>` and its URL `/_renditions/<key>`; for the file see
`core.originals.file_name`.
"""

import asyncio
import contextlib
import hashlib
import os
import shutil
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import BinaryIO, Self
from urllib.parse import quote

from liveresize import errors
from liveresize.core import names, originals
from liveresize.core.formats import Format
from liveresize.core.names import ImageId
from liveresize.core.originals import GENERATION, Link, Original
from liveresize.core.rendition import Rendition
from liveresize.settings.server import Disk
from liveresize.storage import files
from liveresize.storage.unclean_stop import Doubt, UncleanStop

PREFIX = "/_renditions/"

_ABSOLUTE = ("http://", "https://")
"""Prefixes of imported keys; our own keys never begin with them."""

_CHUNK = 64 * 1024

_CHECKED = 100_000
"""Objects that are remembered as whole after an unclean stop."""


class DiskRenditions:
    """ports.RenditionStore on a directory."""

    healthy = True
    shared = False

    def __init__(self, directory: Path, disk: Disk) -> None:
        self._root = directory
        self._reserve = files.Reserve(directory, disk)
        self._stops = UncleanStop(self._root.parent)
        self._marked = False
        self._doubt: Doubt | None = None
        self._checked: set[tuple[str, str]] = set()

    def prepare(self) -> None:
        """Create the folder. Raises DiskFull if that fails."""
        try:
            files.make_directory(self._root.absolute())
        except OSError as error:
            raise files.full(error) from error

    async def begin(self) -> None:
        """Mark this run. After an unclean stop, check renditions before their first use."""
        self._doubt = await asyncio.to_thread(self._stops.take_note)
        with contextlib.suppress(OSError):  # a full disk: tried again before anything is stored
            await asyncio.to_thread(self._mark)

    def _mark(self) -> None:
        if not self._marked:
            self._stops.mark()
            self._marked = True

    async def end(self) -> None:
        """Sync the disk and remove the mark. If that fails, the next start checks renditions."""
        with contextlib.suppress(OSError):
            await asyncio.to_thread(self._stops.end, self._root)

    def url(self, link: Link) -> str:
        """Return the target of redirects, relative to this server.

        An imported link keeps its URL.
        """
        return link.key if link.key.startswith(_ABSOLUTE) else PREFIX + quote(link.key)

    def key(self, original: Original, variant: str, engine: str, extension: str) -> str:
        """Return the key of a rendition."""
        file = originals.file_name(variant, engine, extension)
        return f"{original.image.key}/{original.generation}/{file}"

    def local_path(self, key: str) -> Path | None:
        """Return the path of the object of `key`; None for an invalid key."""
        *image, generation, file = ("", "", *key.split("/"))
        if len(image) not in (3, 4) or not GENERATION.fullmatch(generation):
            return None
        try:
            for name in image[2:]:
                names.check_name(name)
            variant, _, extension = originals.parse_file_name(file)
            output = Rendition.from_variant(variant).format
        except (errors.MalformedUrl, ValueError):
            return None
        written = (output,) if isinstance(output, Format) else tuple(Format)
        if extension not in [each.extension for each in written]:
            return None
        return self._folder(generation) / file

    def direct(self, image: ImageId) -> Self:
        """Return this store: the disk takes bytes at once."""
        return self

    async def publish(self, source: Path, link: Link) -> None:
        """Store a spooled file under `link.key`. Raises DiskFull."""
        try:
            data = await asyncio.to_thread(source.read_bytes)
        except OSError as error:
            raise files.full(error) from error
        (failed,) = await self.publish_all([(link, data)])
        if failed is not None:
            raise failed

    async def publish_all(
        self, renditions: Sequence[tuple[Link, bytes]]
    ) -> list[errors.DiskFull | None]:
        """Store bytes under the keys of their links, each whole or not at all, in one thread.

        They are not synced: see `begin` and `end`.
        """
        return await asyncio.to_thread(self._publish_all, renditions)

    def _publish_all(
        self, renditions: Sequence[tuple[Link, bytes]]
    ) -> list[errors.DiskFull | None]:
        try:
            self._reserve.check(sum(link.size for link, _ in renditions), share=2.0)
            self._mark()
        except errors.DiskFull as error:
            return [error] * len(renditions)
        except OSError as error:
            return [files.full(error)] * len(renditions)
        return [self._publish(link, data) for link, data in renditions]

    def _publish(self, link: Link, data: bytes) -> errors.DiskFull | None:
        place = self._path(link)
        try:
            try:
                files.write_whole(place, data)
            except FileNotFoundError:  # the first of its generation
                _write_first(place, data)
        except OSError as error:
            return files.full(error)
        return None

    async def read(self, link: Link) -> bytes | None:
        """Return the bytes of a link; None if they are missing or incomplete."""
        with contextlib.suppress(OSError):
            return await asyncio.to_thread(self._read, link)
        return None

    def _read(self, link: Link) -> bytes | None:
        data = self._path(link).read_bytes()
        whole = len(data) == link.size and (
            not self._in_doubt(link) or self._is_whole(link, hashlib.sha256(data).hexdigest())
        )
        return data if whole else None

    def _in_doubt(self, link: Link) -> bool:
        """Whether an unclean stop may have damaged an object that was not checked since.

        A link without a time was written by this run.
        """
        if self._doubt is None or not self._doubt.covers(link.rendered_at):
            return False
        return (link.generation, link.variant) not in self._checked

    def _is_whole(self, link: Link, digest: str) -> bool:
        if digest != link.etag:
            return False
        if len(self._checked) >= _CHECKED:
            self._checked.clear()
        self._checked.add((link.generation, link.variant))
        return True

    async def open(self, link: Link, first: int = 0, last: int | None = None) -> "FileBody | None":
        """Open bytes `first` to `last` of a link, or to its end; None if they are missing."""
        with contextlib.suppress(OSError):
            return await asyncio.to_thread(self._open, link, first, last)
        return None

    def _open(self, link: Link, first: int, last: int | None) -> "FileBody | None":
        with contextlib.ExitStack() as closed:
            file = closed.enter_context(self._path(link).open("rb"))
            end = link.size if last is None else min(last + 1, link.size)
            whole = os.fstat(file.fileno()).st_size == link.size and (
                not self._in_doubt(link)
                or self._is_whole(link, hashlib.file_digest(file, "sha256").hexdigest())
            )
            if whole and first < end:
                closed.pop_all()
                return FileBody(file, first, end - first)
        return None

    async def find_foreign(self, original: Original, variant: str) -> tuple[str, bytes] | None:
        """Return None: no other service stores renditions here."""
        return None

    async def remove(self, links: Sequence[Link]) -> None:
        """Remove objects; a missing one is not an error."""
        await asyncio.to_thread(self._remove, [self._path(link) for link in links])

    def _remove(self, paths: Sequence[Path]) -> None:
        for path in paths:
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)
                path.parent.rmdir()  # succeeds with the last one of its generation

    async def remove_generation(self, original: Original) -> None:
        """Remove every object of one generation."""
        folder = self._folder(original.generation)
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)

    def _path(self, link: Link) -> Path:
        return self._folder(link.generation) / link.key.rpartition("/")[2]

    def _folder(self, generation: str) -> Path:
        return self._root / generation[-2:] / generation


def _write_first(place: Path, data: bytes) -> None:
    """Write a file with its folder; leave no empty folder on a disk that is full."""
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        files.write_whole(place, data)
    except OSError:
        with contextlib.suppress(OSError):  # others have files there
            for folder in (place.parent, place.parent.parent):
                if folder.exists():
                    folder.rmdir()
        raise


class FileBody:
    """ports.ObjectBody of `size` bytes of an open file."""

    def __init__(self, file: BinaryIO, first: int, size: int) -> None:
        self._file = file
        self._first = first
        self.size = size

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the bytes, up to 64 KiB at a time. Raises ObjectStoreUnavailable."""
        at, end = self._first, self._first + self.size
        while at < end:
            try:
                chunk = await asyncio.to_thread(
                    os.pread, self._file.fileno(), min(_CHUNK, end - at), at
                )
            except OSError as error:
                raise errors.ObjectStoreUnavailable("", str(error)) from error
            if not chunk:
                raise errors.ObjectStoreUnavailable("", f"{self._file.name} was cut short")
            at += len(chunk)
            yield chunk

    async def close(self) -> None:
        """Close the file."""
        await asyncio.to_thread(self._file.close)
