"""The name of this instance, by which receipts of erasures tell which disk is meant."""

import secrets
import socket
from pathlib import Path

import structlog

from liveresize.storage import files

_log = structlog.get_logger("liveresize.instance")

_LONGEST = 200
"""Characters of a name."""


class InstanceFile:
    """The name of the machine, and digits that a file in the data folder keeps."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._name = ""

    def name(self) -> str:
        """Return the name; made at the first time, and kept across restarts."""
        if not self._name:
            self._name = f"{socket.gethostname()[:_LONGEST]}/{self._digits()}"
        return self._name

    def _digits(self) -> str:
        made = secrets.token_hex(4)
        try:
            known = self._path.read_bytes()[:16].decode("ascii", "replace").strip()
            if known.isalnum():
                return known
        except FileNotFoundError:
            pass
        except OSError as error:
            _log.warning("instance_unreadable", file=self._path.name, error=str(error))
            return made
        try:
            files.write_whole(self._path, made.encode())
        except OSError as error:
            _log.warning("instance_not_written", file=self._path.name, error=str(error))
        return made
