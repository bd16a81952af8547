"""Atomic and durable file operations, and the reserve of free space."""

import errno
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from liveresize import errors
from liveresize.settings.server import Disk

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE)

_REFUSED = (errno.EACCES, errno.EPERM, errno.EROFS)


def full(error: OSError) -> errors.DiskFull:
    """Return our own error for a failed write."""
    reason = "no room" if error.errno in _FULL else "cannot be written"
    public = "The server has no permission to write there." if error.errno in _REFUSED else ""
    return errors.DiskFull(public, f"{reason}: {error.strerror} ({error.filename})")


def sync_directory(directory: Path) -> None:
    """Make the entries of `directory` durable. Raises OSError."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_directory(directory: Path) -> None:
    """Create `directory` and its parents durably. Raises OSError."""
    if directory.is_dir():
        return
    make_directory(directory.parent)
    directory.mkdir(mode=0o750, exist_ok=True)
    sync_directory(directory.parent)


def write_whole(path: Path, data: bytes) -> None:
    """Write `data` atomically: `path` either does not exist or has all of it. Raises OSError.

    Not synced: for files that can be created again. Two writers of one path use different
    temporary files.
    """
    partial = path.with_name(f"{path.name}.{secrets.token_hex(4)}.part")
    try:
        # Python's own files take four system calls more, and each one waits for the event loop.
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
        try:
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(descriptor, rest) :]
        finally:
            os.close(descriptor)
        partial.rename(path)
    except OSError:
        partial.unlink(missing_ok=True)
        raise


def sync_file(path: Path) -> None:
    """Make the contents of `path` durable. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """The free space of a file system: bytes, and inodes if they are counted. `lacking` is the
    reason if it is below the reserve, otherwise empty."""

    free_bytes: int
    free_inodes: int | None
    lacking: str


class Reserve:
    """The free space of a file system that must not be used.

    File systems that do not count inodes have none to run out of.
    """

    def __init__(self, directory: Path, disk: Disk) -> None:
        self._directory = directory
        self._disk = disk

    def check(self, need: int = 0, share: float = 1.0) -> None:
        """Raise DiskFull if storing `need` bytes would leave less than the reserve.

        `share` scales the reserve: 2 for renditions, 1 for uploads, and 0.5 for originals that
        are fetched for a request.
        """
        reason = self._lacking(self._usage(), need, share)
        if reason:
            raise errors.DiskFull("", reason)

    def room(self) -> Room:
        """Return the free space, and whether it is below the reserve. Raises DiskFull if that is
        unknown."""
        usage = self._usage()
        return Room(
            free_bytes=usage.f_bavail * usage.f_frsize,
            free_inodes=usage.f_favail if usage.f_files else None,
            lacking=self._lacking(usage, 0, 1.0),
        )

    def _usage(self) -> os.statvfs_result:
        try:
            return os.statvfs(self._directory)
        except OSError as error:
            raise full(error) from error

    def _lacking(self, usage: os.statvfs_result, need: int, share: float) -> str:
        if usage.f_bavail * usage.f_frsize - need < self._disk.reserve * share:
            return "the free space is down to disk.reserve"
        percent = self._disk.reserve_inodes * share
        if usage.f_files and usage.f_favail * 100 < usage.f_files * percent:
            return "the free inodes are down to disk.reserve_inodes"
        return ""
