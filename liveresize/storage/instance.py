"""The name of this instance, by which receipts of erasures tell which disk is meant."""

import re
import secrets
import socket
from pathlib import Path

import structlog

from liveresize.storage import files

_log = structlog.get_logger("liveresize.instance")

_LONGEST = 200
"""Bytes of the name of a machine."""

_NAME = re.compile(rf"[\x21-\x7e]{{1,{_LONGEST}}}/[0-9a-f]{{8}}")


class InstanceFile:
    """The name of the machine and eight digits, which a file in the data folder keeps.

    It belongs to the folder: a container whose machine has another name after each start is still
    the same instance.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._name = ""

    def name(self) -> str:
        """Return the name; made at the first time, and kept across restarts."""
        if not self._name:
            self._name = self._read() or self._make()
        return self._name

    def _read(self) -> str:
        try:
            text = self._path.read_bytes()[: 2 * _LONGEST].decode("ascii", "replace").strip()
        except FileNotFoundError:
            return ""
        except OSError as error:
            _log.warning("instance_unreadable", file=self._path.name, error=str(error))
            return ""
        return text if _NAME.fullmatch(text) else ""

    def _make(self) -> str:
        host = re.sub(r"[^\x21-\x7e]", "-", socket.gethostname())[:_LONGEST] or "unknown"
        made = f"{host}/{secrets.token_hex(4)}"
        try:
            files.write_whole(self._path, made.encode())
        except OSError as error:
            _log.warning("instance_not_written", file=self._path.name, error=str(error))
        return made
