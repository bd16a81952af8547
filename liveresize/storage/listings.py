"""List the folders of originals and renditions, without the index.

The layouts are those of `originals.DiskOriginals` and `disk.DiskRenditions`.
"""

import asyncio
import contextlib
import hashlib
import os
import stat
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import ParamSpec, TypeVar

from liveresize import errors
from liveresize.core import names
from liveresize.core.names import ImageId
from liveresize.core.originals import GENERATION, Link
from liveresize.core.ports import RenditionFile

T = TypeVar("T")
P = ParamSpec("P")


class OriginalFiles:
    """The files of all generations in the folder of `DiskOriginals`.

    Files of the published service are not included.
    """

    def __init__(self, directory: Path) -> None:
        self._root = directory

    async def entries(self) -> AsyncIterator[tuple[Path, str, int, ImageId | None]]:
        """Yield (path, generation, bytes, image) of every file. Raises SettingsError.

        The image is None if its name is too long for a path, or if the path does not match the
        name.
        """
        for base, bucket in await _read(self._bases):
            for folder in await _read(_folders, base, 2):
                for path, info in await _read(_below, folder, 2):
                    name, _, generation = path.name.rpartition("~")
                    if GENERATION.fullmatch(generation):
                        yield path, generation, info.st_size, _image(path, name, base, bucket)

    def _bases(self) -> list[tuple[Path, str]]:
        """Return (folder, bucket) of all folders with subfolders by hash."""
        buckets = [(path, path.name) for path in _folders(self._root / "_bucket")]
        spread = [(self._root / "_main", ""), *buckets]
        return spread + [(path / "_long", bucket) for path, bucket in spread]


class RenditionFiles:
    """The files in the folder of `DiskRenditions`; the parts are its subfolders."""

    parts = 256

    def __init__(self, directory: Path) -> None:
        self._root = directory

    async def part(self, number: int) -> list[RenditionFile]:
        """Return the files of one part, including half-written ones. Raises SettingsError."""
        return [
            RenditionFile(path=path, generation=path.parent.name, modified_at=info.st_mtime)
            for path, info in await _read(_below, self._root / f"{number:02x}", 28)
            if GENERATION.fullmatch(path.parent.name)
        ]

    async def discard(self, files: Sequence[RenditionFile]) -> None:
        """Remove files that have not changed since, and empty folders."""
        await asyncio.to_thread(_discard, files)

    async def entries(self) -> AsyncIterator[tuple[str, int, float]]:
        """Yield (key, bytes, Unix seconds of the last change) of every file. Raises SettingsError.

        Half-written files are included. The keys are paths below the folder, without the name of
        the picture.
        """
        for folder in await _read(_folders, self._root, 2):
            for path, info in await _read(_below, folder, 28):
                yield str(path.relative_to(self._root)), info.st_size, info.st_mtime

    async def size(self, link: Link) -> int | None:
        """Return the size of the object of `link`; None if there is none."""
        generation = link.generation
        path = self._root / generation[-2:] / generation / link.key.rpartition("/")[2]
        with contextlib.suppress(OSError):
            return (await asyncio.to_thread(path.stat)).st_size
        return None


def _folders(base: Path, length: int = 0) -> list[Path]:
    """Return the folders in `base`, with names of `length` characters if it is not 0."""
    try:
        with os.scandir(base) as entries:
            return [
                Path(entry)
                for entry in entries
                if length in (0, len(entry.name)) and entry.is_dir(follow_symlinks=False)
            ]
    except FileNotFoundError:
        return []


def _below(folder: Path, length: int) -> list[tuple[Path, os.stat_result]]:
    """Return the regular files in the subfolders, without those removed meanwhile."""
    files = []
    for inner in _folders(folder, length):
        with contextlib.suppress(FileNotFoundError), os.scandir(inner) as entries:
            for entry in entries:
                with contextlib.suppress(FileNotFoundError):
                    info = entry.stat(follow_symlinks=False)
                    if stat.S_ISREG(info.st_mode):
                        files.append((Path(entry), info))
    return files


def _discard(files: Sequence[RenditionFile]) -> None:
    for file in files:
        with contextlib.suppress(OSError):
            if file.path.stat().st_mtime == file.modified_at:
                file.path.unlink()
                file.path.parent.rmdir()  # succeeds with the last one of its generation


def _image(path: Path, name: str, base: Path, bucket: str) -> ImageId | None:
    try:
        digest = hashlib.sha256(names.check_name(name).encode()).hexdigest()
    except errors.MalformedUrl:
        return None
    # Never so in `_long`, where the hash of the name stands for the name.
    return ImageId(name, bucket) if path.parent == base / digest[:2] / digest[2:4] else None


async def _read(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    try:
        return await asyncio.to_thread(work, *args, **kwargs)
    except OSError as error:
        raise errors.SettingsError("A folder of pictures cannot be read.", str(error)) from error
