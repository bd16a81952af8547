"""What lies in the folders of originals and renditions, listed without the index.

The layouts are those that `originals.DiskOriginals` and `disk.DiskRenditions` write.
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
    """Every generation of every original in the folder of `DiskOriginals`.

    Files of the published service, which are read through, are not among them.
    """

    def __init__(self, directory: Path) -> None:
        self._root = directory

    async def entries(self) -> AsyncIterator[tuple[Path, str, int, ImageId | None]]:
        """(path, generation, bytes, image) of every file. Raises SettingsError.

        The image is None for one whose name is too long for a path, and for a file that
        does not lie where its name says.
        """
        for base, bucket in await _read(self._bases):
            for folder in await _read(_folders, base, 2):
                for path, info in await _read(_below, folder, 2):
                    name, _, generation = path.name.rpartition("~")
                    if GENERATION.fullmatch(generation):
                        yield path, generation, info.st_size, _image(path, name, base, bucket)

    def _bases(self) -> list[tuple[Path, str]]:
        """(folder, bucket) of all folders that spread originals by their hash."""
        buckets = [(path, path.name) for path in _folders(self._root / "_bucket")]
        spread = [(self._root / "_main", ""), *buckets]
        return spread + [(path / "_long", bucket) for path, bucket in spread]


class RenditionFiles:
    """Every rendition in the folder of `DiskRenditions`; its parts are the folders there."""

    parts = 256

    def __init__(self, directory: Path) -> None:
        self._root = directory

    async def part(self, number: int) -> list[RenditionFile]:
        """The files of one part, half-written ones included. Raises SettingsError."""
        return [
            RenditionFile(path=path, generation=path.parent.name, modified_at=info.st_mtime)
            for path, info in await _read(_below, self._root / f"{number:02x}", 28)
            if GENERATION.fullmatch(path.parent.name)
        ]

    async def discard(self, files: Sequence[RenditionFile]) -> None:
        """Remove those that have not changed since, and folders that are empty then."""
        await asyncio.to_thread(_discard, files)

    async def entries(self) -> AsyncIterator[tuple[str, int, float]]:
        """(key, bytes, Unix seconds of its last change) of every file. Raises SettingsError.

        Half-written files are among them. The keys are paths below the folder: the name of
        the picture is not known here.
        """
        for folder in await _read(_folders, self._root, 2):
            for path, info in await _read(_below, folder, 28):
                yield str(path.relative_to(self._root)), info.st_size, info.st_mtime

    async def size(self, link: Link) -> int | None:
        """How many bytes the object of `link` has; None where there is none."""
        generation = link.generation
        path = self._root / generation[-2:] / generation / link.key.rpartition("/")[2]
        with contextlib.suppress(OSError):
            return (await asyncio.to_thread(path.stat)).st_size
        return None


def _folders(base: Path, length: int = 0) -> list[Path]:
    """The folders in `base`, with names of `length` characters if that is given."""
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
    """The regular files one folder further down, what is removed meanwhile left out."""
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
