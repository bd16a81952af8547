"""The file with the last deletion that this instance has processed."""

import asyncio
import dataclasses
import json
from pathlib import Path

import structlog

from liveresize.core.names import ImageId
from liveresize.core.ports import Heard, Purged
from liveresize.storage import files

_log = structlog.get_logger("liveresize.deletions")

UNREADABLE = Heard("unreadable")
"""Matches no index, so that all deletions are processed again."""


class HeardFile:
    """ports.HeardRecord in one file, which holds JSON."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def read(self) -> Heard | None:
        """Return the last record; None if there is no file."""
        try:
            text = await asyncio.to_thread(self._path.read_bytes)
            return _parse(text)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError, KeyError) as error:
            _log.warning("heard_unreadable", file=self._path.name, error=str(error))
            return UNREADABLE

    async def write(self, heard: Heard) -> None:
        """Write the record atomically; a failure is logged.

        Some deletions are then processed again after a restart.
        """
        try:
            await asyncio.to_thread(files.write_whole, self._path, _text(heard))
        except OSError as error:
            _log.warning("heard_not_written", file=self._path.name, error=str(error))


def _text(heard: Heard) -> bytes:
    last = None
    if heard.last is not None:
        image = {"name": heard.last.image.name, "bucket": heard.last.image.bucket}
        last = {**dataclasses.asdict(heard.last), "image": image}
    return json.dumps({"identity": heard.identity, "last": last}).encode()


def _parse(text: bytes) -> Heard:
    """Parse the file. Raises ValueError, TypeError or KeyError if it is invalid."""
    document = json.loads(text)
    last = document["last"]
    if last is not None:
        image = ImageId(str(last["image"]["name"]), str(last["image"]["bucket"]))
        variant, at = str(last["variant"]), float(last["at"])
        last = Purged(int(last["serial"]), image, str(last["generation"]), variant, at)
    return Heard(str(document["identity"]), last)
