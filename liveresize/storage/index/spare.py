"""Room that is kept for deletions on a disk that is full.

SQLite writes before it frees anything: a deletion is refused on a disk without one free
block, although it would make room. A file beside the database holds some, and is removed
when a deletion needs it.
"""

import contextlib
import os
from pathlib import Path

SIZE = 4 << 20
"""Bytes that are kept. A write-ahead log is copied into the database when it has about as
many, and the database may have to grow by all of them."""

_LEAST = 64 << 10
"""Bytes for which it is worth having the file at all: a deletion takes about 40 KB."""


class SpareFile:
    """A file that holds room. Everything here blocks."""

    def __init__(self, path: Path, size: int = SIZE) -> None:
        self._path = path
        self._size = size

    @property
    def complete(self) -> bool:
        """Whether it holds all that it should."""
        return self._reserved() >= self._size

    def give_up(self) -> bool:
        """Remove the file; whether that made room."""
        try:
            self._path.unlink()
        except OSError:
            return False
        return True

    def keep(self) -> None:
        """Hold as much as the disk has, up to the size; nothing happens where that fails.

        What is held already stays so, whatever else takes room meanwhile.
        """
        with contextlib.suppress(OSError):
            reserved = self._reserved()
            usage = os.statvfs(self._path.parent)
            size = min(self._size, reserved + usage.f_bavail * usage.f_frsize)
            if reserved < size and size >= _LEAST:
                self._grow(reserved, size)

    def _reserved(self) -> int:
        try:
            return self._path.stat().st_size
        except OSError:
            return 0

    def _grow(self, reserved: int, size: int) -> None:
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o640)
        try:
            os.posix_fallocate(descriptor, 0, size)
        except OSError:
            # Others were faster: what could be had beyond the old size is given back.
            os.ftruncate(descriptor, reserved)
            raise
        finally:
            os.close(descriptor)
