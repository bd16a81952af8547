"""Whether files that nobody synced may have been lost, with a machine that went down.

Renditions are written without fsync, for each costs more than all the rest of publishing. A
marker says that they may not be on the disk yet: `running` is made before the first one is
written, and goes after a sync of the file system. A start that finds it notes in `unclean`
which time is in doubt. That note stays: it costs one look at each file of that time.
"""

import contextlib
import ctypes
import dataclasses
import json
import os
import time
from dataclasses import dataclass
from pathlib import Path

from liveresize.storage import files

_CLOCKS = 60.0
"""Seconds that the clocks of this machine and of the database may differ."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """A time in Unix seconds: what was written in it may not be whole."""

    since: float
    until: float

    def covers(self, written_at: float) -> bool:
        """Whether something that was written then may not be whole."""
        return self.since - _CLOCKS <= written_at <= self.until + _CLOCKS


class UncleanStop:
    """The marker of a run, and the note of earlier runs that did not end well."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._running = folder / "running"
        self._note = folder / "unclean"

    def take_note(self) -> Doubt | None:
        """Return the time that is in doubt, and note it.

        On a full disk the marker of the earlier run stays for this one, and covers both.
        """
        doubt = self._noted()
        try:
            since = self._running.stat().st_mtime
        except OSError:
            return doubt
        doubt = Doubt(min(since, doubt.since) if doubt else since, time.time())
        with contextlib.suppress(OSError):
            files.write_whole(self._note, json.dumps(dataclasses.asdict(doubt)).encode())
            files.sync_file(self._note)
            files.sync_directory(self._folder)
            self._running.unlink()
        return doubt

    def mark(self) -> None:
        """Make the marker of this run, durably; one that is still there stays. Raises OSError."""
        if not self._running.exists():
            self._running.touch()
        files.sync_file(self._running)
        files.sync_directory(self._folder)

    def end(self, written: Path) -> None:
        """Sync the file system of `written`, then remove the marker. Raises OSError."""
        _sync_file_system(written)
        self._running.unlink(missing_ok=True)

    def _noted(self) -> Doubt | None:
        """Return the note; one that cannot be read puts all of the past in doubt."""
        try:
            note = json.loads(self._note.read_bytes())
            return Doubt(note["since"] + 0.0, note["until"] + 0.0)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError, KeyError):
            return Doubt(0.0, time.time())


def _sync_file_system(folder: Path) -> None:
    """Make everything on the file system of `folder` durable; raises OSError."""
    syncfs = getattr(ctypes.CDLL(None, use_errno=True), "syncfs", None)
    if syncfs is None:
        os.sync()
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        if syncfs(descriptor):
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), str(folder))
    finally:
        os.close(descriptor)
