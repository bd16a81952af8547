"""Uploads that arrive in parts, on the local disk.

    <folder>/<key>        the bytes that have arrived
    <folder>/<key>.json   the note

The size of the bytes is the offset of the upload: nothing else has to be written while they
arrive. A note without bytes is that of an upload that was stored. Bytes without a note, of a crash
while an upload was created or removed, are removed by `load`.
"""

import asyncio
import contextlib
import dataclasses
import hashlib
import json
import os
from pathlib import Path

import structlog

from liveresize.core.names import ImageId
from liveresize.core.ports import PartialNote
from liveresize.core.records import Given
from liveresize.core.tokens import Claim, Grant
from liveresize.settings.server import Disk
from liveresize.storage import files

_log = structlog.get_logger("liveresize.uploads")

_NOTE = ".json"


class DiskPartials:
    """ports.PartialFiles on a directory."""

    def __init__(self, directory: Path, disk: Disk) -> None:
        self._root = directory
        self._reserve = files.Reserve(directory, disk)

    def prepare(self) -> None:
        """Create the folder. Raises DiskFull if that fails."""
        try:
            files.make_directory(self._root.absolute())
        except OSError as error:
            raise files.full(error) from error

    def path(self, key: str) -> Path:
        """Return the path of the bytes, whether or not they exist."""
        return self._root / key

    def check(self, need: int) -> None:
        """Raise DiskFull if `need` more bytes would leave less than the reserve."""
        self._reserve.check(need)

    async def load(self) -> list[tuple[PartialNote, int | None]]:
        """Return every note with the number of its durable bytes; None if they are gone."""
        return await asyncio.to_thread(self._load)

    def _load(self) -> list[tuple[PartialNote, int | None]]:
        found: list[tuple[PartialNote, int | None]] = []
        with contextlib.suppress(FileNotFoundError):
            for entry in sorted(os.listdir(self._root)):
                path = self._root / entry
                if path.suffix == _NOTE:
                    note = _read(path)
                    if note is not None:
                        found += self._kept(note)
                elif not path.with_name(entry + _NOTE).exists():
                    _unlink(path)
        return found

    def _kept(self, note: PartialNote) -> list[tuple[PartialNote, int | None]]:
        """Return the note with the number of durable bytes; nothing if they cannot be had now.

        Bytes that were not checked are cut off.
        """
        path = self.path(note.key)
        try:
            if note.unchecked is not None and path.stat().st_size > note.unchecked:
                os.truncate(path, note.unchecked)
            files.sync_file(path)
            return [(note, path.stat().st_size)]
        except FileNotFoundError:
            return [(note, None)]
        except OSError as error:
            _log.error("unfinished_upload_unreadable", file=path.name, error=str(error))
            return []

    async def create(self, note: PartialNote) -> None:
        """Write a note and an empty file, durably. Raises DiskFull."""
        await asyncio.to_thread(self._create, note)

    def _create(self, note: PartialNote) -> None:
        try:
            self.path(note.key).touch(mode=0o640)
            self._write(note)
        except OSError as error:
            self._remove(note.key)
            raise files.full(error) from error

    async def write_note(self, note: PartialNote) -> None:
        """Replace a note, durably. Raises DiskFull."""
        await asyncio.to_thread(self._rewrite, note)

    def _rewrite(self, note: PartialNote) -> None:
        try:
            self._write(note)
        except OSError as error:
            raise files.full(error) from error

    def _write(self, note: PartialNote) -> None:
        path = self.path(note.key + _NOTE)
        partial = path.with_suffix(".part")
        partial.write_text(json.dumps(_fields(note), ensure_ascii=False), "utf-8")
        files.sync_file(partial)
        partial.rename(path)
        files.sync_directory(self._root)

    async def append(self, key: str, offset: int, data: bytes) -> None:
        """Write `data` from `offset` on. Raises DiskFull; part of it may have been written."""
        await asyncio.to_thread(self._append, key, offset, data)

    def _append(self, key: str, offset: int, data: bytes) -> None:
        try:
            descriptor = os.open(self.path(key), os.O_WRONLY)
            try:
                rest = memoryview(data)
                while rest:
                    written = os.pwrite(descriptor, rest, offset)
                    rest, offset = rest[written:], offset + written
            finally:
                os.close(descriptor)
        except OSError as error:
            raise files.full(error) from error

    async def sync(self, key: str) -> int:
        """Make the bytes durable, and return their number. Raises DiskFull."""
        return await asyncio.to_thread(self._sync, key)

    def _sync(self, key: str) -> int:
        try:
            files.sync_file(self.path(key))
            return self.path(key).stat().st_size
        except OSError as error:
            raise files.full(error) from error

    async def truncate(self, key: str, size: int) -> None:
        """Cut the bytes off behind `size`, durably. Raises DiskFull."""
        await asyncio.to_thread(self._truncate, key, size)

    def _truncate(self, key: str, size: int) -> None:
        try:
            os.truncate(self.path(key), size)
            files.sync_file(self.path(key))
        except OSError as error:
            raise files.full(error) from error

    async def sha256(self, key: str) -> str:
        """Return the SHA-256 of the bytes in hex. Raises DiskFull if they cannot be read."""
        return await asyncio.to_thread(self._sha256, key)

    def _sha256(self, key: str) -> str:
        try:
            with self.path(key).open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise files.full(error) from error

    async def remove_bytes(self, key: str) -> None:
        """Remove the bytes, and leave the note; missing ones are not an error."""
        await asyncio.to_thread(_unlink, self.path(key))

    async def remove(self, key: str) -> None:
        """Remove note and bytes; missing ones are not an error."""
        await asyncio.to_thread(self._remove, key)

    def _remove(self, key: str) -> None:
        """Remove the note first: one without bytes says that they were stored."""
        _unlink(self.path(key + _NOTE))
        _unlink(self.path(key))


def _fields(note: PartialNote) -> dict[str, object]:
    """Return a note as JSON knows it; of the claim only what an upload needs to end."""
    fields = {each.name: getattr(note, each.name) for each in dataclasses.fields(note)}
    claim = note.claim
    return {
        **fields,
        "claim": {
            "image": claim.grant.image.name,
            "lifetime": claim.grant.lifetime,
            "formats": claim.grant.formats,
            "given": dataclasses.asdict(claim.grant.given),
            "digest": claim.digest,
            "nonce": claim.nonce,
        },
    }


def _read(path: Path) -> PartialNote | None:
    """Return a note; None, and no file, if it cannot be read."""
    try:
        fields = json.loads(path.read_text("utf-8"))
        if fields["key"] != path.stem:
            raise ValueError("the note of another upload")
        claim = fields.pop("claim")
        given = claim["given"]
        grant = Grant(
            image=ImageId(claim["image"]),
            lifetime=claim["lifetime"],
            formats=tuple(claim["formats"]),
            given=Given(**{**given, "focus": given["focus"] and tuple(given["focus"])}),
        )
        return PartialNote(
            **{
                **fields,
                "claim": Claim(grant=grant, digest=claim["digest"], nonce=claim["nonce"]),
                "crop": fields["crop"] and tuple(fields["crop"]),
            }
        )
    except (ValueError, TypeError, KeyError, OSError) as error:
        _log.error("unfinished_upload_unreadable", file=path.name, error=str(error))
        _unlink(path)
        _unlink(path.with_suffix(""))
        return None


def _unlink(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        _log.error("unfinished_upload_not_removed", file=path.name, error=str(error))
