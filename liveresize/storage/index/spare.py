"""Space that is reserved for deletions on a full disk.

SQLite writes before it frees anything, so that a deletion fails on a full disk, although it would
free space. A file beside the database reserves some space, and is removed when a deletion needs
it.
"""

import contextlib
import os
from pathlib import Path

SIZE = 4 << 20
"""Reserved bytes. The write-ahead log is copied into the database when it has about this size, and
the database may grow by all of it."""

_LEAST = 64 << 10
"""The smallest useful size of the file: a deletion needs about 40 KB."""


class SpareFile:
    """A file that reserves space. All methods block."""

    def __init__(self, path: Path, size: int = SIZE) -> None:
        self._path = path
        self._size = size

    @property
    def complete(self) -> bool:
        """Whether the file has its full size."""
        return self._reserved() >= self._size

    def give_up(self) -> bool:
        """Remove the file; return whether there was one."""
        try:
            self._path.unlink()
        except OSError:
            return False
        return True

    def keep(self) -> None:
        """Reserve as much space as the disk has, up to the full size; failures are ignored.

        Space that is already reserved stays reserved meanwhile.
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
