"""The embedded rendition store: finished renditions on the local disk, served by this server.

A rendition is stored at `<root>/<last two digits of its generation>/<generation>/<file>`, its
key is `<name>/<generation>/<file>` and its URL `/_renditions/<key>`.
"""

import asyncio
import contextlib
import errno
import os
import shutil
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote

from liveresize import errors
from liveresize.core import names
from liveresize.core.formats import Format
from liveresize.core.originals import GENERATION, Link, Original
from liveresize.core.rendition import Rendition
from liveresize.settings.server import Disk
from liveresize.storage import files

PREFIX = "/_renditions/"

_ABSOLUTE = ("http://", "https://")
"""Prefixes of imported keys; our own keys never begin with them."""

_CHUNK = 64 * 1024

_UNLINKABLE = (errno.EXDEV, errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK)
"""Errors of `link` for another file system than the spool's, or one without hard links."""


class DiskRenditions:
    """ports.RenditionStore on a directory."""

    healthy = True
    shared = False

    def __init__(self, directory: Path, disk: Disk) -> None:
        self._root = directory
        self._reserve = files.Reserve(directory, disk)

    def prepare(self) -> None:
        """Create the folder. Raises DiskFull if that fails."""
        try:
            files.make_directory(self._root.absolute())
        except OSError as error:
            raise files.full(error) from error

    def url(self, link: Link) -> str:
        """Return the target of redirects, relative to this server.

        An imported link keeps its URL.
        """
        return link.key if link.key.startswith(_ABSOLUTE) else PREFIX + quote(link.key)

    def key(self, original: Original, variant: str, extension: str) -> str:
        """Return the key of a rendition."""
        return f"{original.image.key}/{original.generation}/{variant}.{extension}"

    def local_path(self, key: str) -> Path | None:
        """Return the path of the object of `key`; None for an invalid key."""
        *image, generation, file = ("", "", *key.split("/"))
        variant, _, extension = file.rpartition(".")
        if len(image) not in (3, 4) or not GENERATION.fullmatch(generation):
            return None
        try:
            for name in image[2:]:
                names.check_name(name)
            output = Rendition.from_variant(variant).format
        except (errors.MalformedUrl, ValueError):
            return None
        written = (output,) if isinstance(output, Format) else tuple(Format)
        if extension not in [each.extension for each in written]:
            return None
        return self._folder(generation) / file

    async def publish(self, spooled: Path, link: Link) -> None:
        """Store the spooled bytes durably under `link.key`; the spooled file stays.

        Raises DiskFull.
        """
        self._reserve.check(link.size, share=2.0)
        try:
            await asyncio.to_thread(self._publish, spooled, self._path(link))
        except OSError as error:
            raise files.full(error) from error

    def _publish(self, spooled: Path, place: Path) -> None:
        files.sync_file(spooled)
        place.parent.mkdir(parents=True, exist_ok=True)
        fresh = place.with_name(place.name + ".part")
        fresh.unlink(missing_ok=True)
        try:
            os.link(spooled, fresh)
        except OSError as error:
            if error.errno not in _UNLINKABLE:
                raise
            _copy(spooled, fresh)
        fresh.rename(place)
        # Where a crash came between this and the link, both are names of one file by now,
        # and then `rename` does nothing.
        fresh.unlink(missing_ok=True)

    async def read(self, link: Link) -> bytes | None:
        """Return the bytes of a link; None if they are missing or incomplete."""
        with contextlib.suppress(OSError):
            data = await asyncio.to_thread(self._path(link).read_bytes)
            return data if len(data) == link.size else None
        return None

    async def open(self, link: Link, first: int = 0, last: int | None = None) -> "FileBody | None":
        """Open bytes `first` to `last` of a link, or to its end; None if they are missing."""
        with contextlib.suppress(OSError):
            file = await asyncio.to_thread(self._path(link).open, "rb")
            end = link.size if last is None else min(last + 1, link.size)
            if first < end and os.fstat(file.fileno()).st_size == link.size:
                return FileBody(file, first, end - first)
            await asyncio.to_thread(file.close)
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


def _copy(source: Path, target: Path) -> None:
    """Copy a file durably, or leave none. Raises OSError."""
    try:
        shutil.copyfile(source, target)
        files.sync_file(target)
    except OSError:
        target.unlink(missing_ok=True)
        raise
