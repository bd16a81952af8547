"""The spool: a folder with the queue of renditions for the store.

A file is `<generation>.<file>`, for the file see `core.originals.file_name`. If the engine has
chosen the quality of the rendition, `.q` and the quality follow. A file with such a name is
complete. Earlier releases remove one with a quality; it is rendered again.
"""

import asyncio
import contextlib
import re
from collections.abc import Sequence
from pathlib import Path

import structlog

from liveresize.core import numbers
from liveresize.core.formats import EXTENSIONS
from liveresize.core.originals import GENERATION, file_name, parse_file_name
from liveresize.settings.server import Disk
from liveresize.storage import files

_log = structlog.get_logger("liveresize.spool")


_QUALITY = re.compile(r"\.q([0-9]{1,3})\Z")


class DiskSpool:
    """ports.Spool on a directory. Above `max_bytes` the oldest renditions are dropped."""

    def __init__(self, directory: Path, disk: Disk, *, max_bytes: int) -> None:
        self._folder = directory
        self._max_bytes = max_bytes
        self._reserve = files.Reserve(directory, disk)
        self._names: dict[tuple[str, str], str] = {}
        self._sizes: dict[str, int] = {}
        self.bytes = 0
        self.dropped = 0

    @property
    def files(self) -> int:
        """The number of renditions in the spool."""
        return len(self._sizes)

    @property
    def oldest(self) -> Path | None:
        """The oldest file; None if there is none."""
        return self._folder / next(iter(self._sizes)) if self._sizes else None

    def prepare(self) -> None:
        """Create the folder, and load the files of an earlier run. Raises DiskFull."""
        try:
            files.make_directory(self._folder.absolute())
            entries = [(path, path.stat()) for path in self._folder.iterdir()]
        except OSError as error:
            raise files.full(error) from error
        for path, info in sorted(entries, key=lambda each: each[1].st_mtime):
            try:
                generation, variant, _, _ = self.parse(path)
            except ValueError:
                with contextlib.suppress(OSError):  # a folder, such as lost+found
                    path.unlink(missing_ok=True)  # half-written when the process died
                continue
            self._enter(generation, variant, path.name, info.st_size)

    async def put(
        self,
        generation: str,
        variant: str,
        engine: str,
        extension: str,
        data: bytes,
        quality: int | None = None,
    ) -> Path:
        """Store a rendition completely, or not at all. Raises DiskFull."""
        self._reserve.check(len(data), share=2.0)
        name = f"{generation}.{file_name(variant, engine, extension)}"
        path = self._folder / (name if quality is None else f"{name}.q{quality}")
        try:
            await asyncio.to_thread(files.write_whole, path, data)
        except OSError as error:
            raise files.full(error) from error
        self._enter(generation, variant, path.name, len(data))
        while self.bytes > self._max_bytes and len(self._sizes) > 1:
            oldest = next(iter(self._sizes))
            self.dropped += 1
            _log.warning("spool_dropped", file=oldest, spool_bytes=self.bytes)
            await self.remove(self._folder / oldest)
        return path

    def holds(self, generation: str, variant: str) -> bool:
        """Whether a rendition is in the spool."""
        return (generation, variant) in self._names

    async def read(self, generation: str, variant: str) -> bytes | None:
        """Return the bytes of a rendition in the spool; None if it is not there."""
        name = self._names.get((generation, variant))
        if name is None:
            return None
        with contextlib.suppress(OSError):
            return await asyncio.to_thread((self._folder / name).read_bytes)
        return None

    def quality(self, generation: str, variant: str) -> int | None:
        """Return the quality of a rendition in the spool, if the engine has chosen it."""
        found = _QUALITY.search(self._names.get((generation, variant), ""))
        return numbers.digits(found[1]) if found else None

    async def entries(self) -> list[Path]:
        """Return all files, the oldest first."""
        return [self._folder / name for name in self._sizes]

    def parse(self, path: Path) -> tuple[str, str, str, str]:
        """Return (generation, variant, engine, extension) of a spooled file. Raises ValueError."""
        generation, _, file = path.name.partition(".")
        variant, engine, extension = parse_file_name(_QUALITY.sub("", file))
        if not GENERATION.fullmatch(generation) or extension not in EXTENSIONS:
            raise ValueError(f"not a spooled rendition: {path.name}")
        return generation, variant, engine, extension

    async def remove(self, path: Path) -> None:
        """Remove a file; a missing one is not an error."""
        with contextlib.suppress(ValueError):
            generation, variant, _, _ = self.parse(path)
            if self._names.get((generation, variant)) == path.name:
                del self._names[generation, variant]
        self.bytes -= self._sizes.pop(path.name, 0)
        await asyncio.to_thread(_unlink, [path])

    async def remove_generation(self, generation: str) -> None:
        """Remove every rendition of one generation."""
        ended = [key for key in self._names if key[0] == generation]
        names = [self._names.pop(key) for key in ended]
        for name in names:
            self.bytes -= self._sizes.pop(name, 0)
        if names:
            await asyncio.to_thread(_unlink, [self._folder / name for name in names])

    def _enter(self, generation: str, variant: str, name: str, size: int) -> None:
        self.bytes += size - self._sizes.pop(name, 0)
        self._sizes[name] = size
        self._names[generation, variant] = name


def _unlink(paths: Sequence[Path]) -> None:
    for path in paths:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)
