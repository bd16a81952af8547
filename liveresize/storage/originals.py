"""Originals on the local disk, one immutable file for each generation.

    <root>/_main/<ab>/<cd>/<name>~<generation>      ab, cd: SHA-256 of the name
    <root>/_bucket/<bucket>/<ab>/<cd>/<name>~<generation>
    <root>/_main/_long/<ab>/<cd>/<SHA-256>~…         names too long for the above
    <root>/_staging/…                               uploads on their way
    <root>/_unrecorded/…, <root>/_lost/…            see strays
    <root>/_hidden/<xx>/<generation>                a note that the picture is hidden
    <root>/<name>                                   read through: the published service's

The generation is part of the file's name, so that an overwrite never changes a file that is being
rendered, and a crash between file and row leaves the old picture intact.
"""

import asyncio
import contextlib
import hashlib
import os
import stat
import time
from pathlib import Path

import structlog

from liveresize.core.names import ImageId
from liveresize.core.originals import GENERATION, Original
from liveresize.core.ports import Kept
from liveresize.settings.server import Disk
from liveresize.storage import files, strays

_log = structlog.get_logger("liveresize.originals")

_LONG = 255 - len("~") - 28

FOREIGN = "f"
"""First digit of the generations of files of the published service (ours begin with 0 until the
year 10889)."""


class DiskOriginals:
    """ports.Originals on a directory."""

    def __init__(self, directory: Path, disk: Disk) -> None:
        self._root = directory
        self._staging = self._root / "_staging"
        self._notes = self._root / "_hidden"
        self._reserve = files.Reserve(directory, disk)

    def prepare(self) -> None:
        """Create the folders. Raises DiskFull if that fails."""
        try:
            files.make_directory(self._root.absolute())
            files.make_directory(self._staging.absolute())
        except OSError as error:
            raise files.full(error) from error

    def path(self, original: Original) -> Path:
        """Return the path of this generation, whether or not the file exists."""
        if self.foreign(original.generation):
            return self._root / original.image.name
        folder, stem = self._place(original.image)
        return folder / f"{stem}~{original.generation}"

    def exists(self, original: Original) -> bool:
        """Whether those bytes are on this disk."""
        return os.path.isfile(self.path(original))

    def find(self, image: ImageId) -> tuple[str, Path] | None:
        """Return the newest generation of `image` on this disk, without a query of the index.

        Unsettled generations are ignored, because their upload may have failed, and so are
        strays, which may be deleted pictures. None is found of a picture that is hidden.
        """
        folder, stem = self._place(image)
        newest = ""
        with contextlib.suppress(OSError), os.scandir(folder) as entries:
            for entry in entries:
                name, _, generation = entry.name.rpartition("~")
                if name != stem or not GENERATION.fullmatch(generation):
                    continue
                if generation > newest and not self._doubtful(generation):
                    newest = generation
        if newest:
            return None if self.is_hidden(newest) else (newest, folder / f"{stem}~{newest}")
        foreign = self._find_foreign(image)
        return None if foreign is None or self.is_hidden(foreign[0]) else foreign

    def _doubtful(self, generation: str) -> bool:
        return self._note(generation).exists() or strays.note_of(self._root, generation).exists()

    def _find_foreign(self, image: ImageId) -> tuple[str, Path] | None:
        """Return a file of the published service, with a generation made from its time."""
        if image.bucket or image.name.startswith("_"):
            return None
        path = self._root / image.name
        with contextlib.suppress(OSError):
            info = path.stat(follow_symlinks=False)
            if path.is_file():
                age = int(info.st_mtime * 1000) & 0xFFF_FFFF_FFFF
                return f"{FOREIGN}{age:011x}{_hash(image.name)[:16]}", path
        return None

    def foreign(self, generation: str) -> bool:
        """Whether that generation is a file of the published service."""
        return generation.startswith(FOREIGN)

    def staging(self, name: str, *, need: int = 0, share: float = 1.0) -> Path:
        """Return a path for a temporary file, in the file system of the originals.

        Raises DiskFull if `need` more bytes would leave less than `share` times the reserve.
        """
        self._reserve.check(need, share)
        return self._staging / name

    async def keep(self, staged: Path, original: Original) -> None:
        """Move a staged, fsynced file to its place, durably. Raises DiskFull.

        A note of the move stays until `settle`, so that `unsettled` finds files that a crash has
        left without a row.
        """
        await asyncio.to_thread(self._keep, staged, original)

    def _keep(self, staged: Path, original: Original) -> None:
        place = self.path(original)
        note = self._note(original.generation)
        try:
            files.make_directory(place.parent.absolute())
            written = f"{place.relative_to(self._root)}\n{original.image.key}"
            files.write_whole(note, os.fsencode(written))
            files.sync_file(note)
            files.sync_directory(self._staging)
            staged.rename(place)
            files.sync_directory(place.parent)
        except OSError as error:
            with contextlib.suppress(OSError):
                place.unlink(missing_ok=True)
                note.unlink(missing_ok=True)
            raise files.full(error) from error

    async def restore(self, staged: Path, original: Original) -> None:
        """Move a copy from the mirror to its place. Raises DiskFull."""
        await asyncio.to_thread(self._restore, staged, original)

    def _restore(self, staged: Path, original: Original) -> None:
        place = self.path(original)
        if original.record.hidden:
            self._hide(original.generation)
        try:
            if self.foreign(original.generation):
                # Of another age it would be another picture: found again once deleted.
                age = int(original.generation[1:12], 16) * 1_000_000 + 500_000
                os.utime(staged, ns=(age, age))
            files.make_directory(place.parent.absolute())
            staged.rename(place)
        except OSError as error:
            raise files.full(error) from error

    async def kept(self) -> list[Kept]:
        """Return our own files, the least recently read ones first.

        The times of reads are only accurate to a day with the mount option `relatime`, and with
        `noatime` they are those of creation.
        """
        return await asyncio.to_thread(self._kept)

    def _kept(self) -> list[Kept]:
        files: list[Kept] = []
        for folder in ("_main", "_bucket"):
            for path in (self._root / folder).rglob("*~*"):
                generation = path.name.rpartition("~")[2]
                with contextlib.suppress(OSError):
                    info = path.stat(follow_symlinks=False)
                    if GENERATION.fullmatch(generation) and stat.S_ISREG(info.st_mode):
                        used_at = max(info.st_atime, info.st_mtime)
                        files.append(
                            Kept(
                                path=path,
                                generation=generation,
                                bytes=info.st_size,
                                used_at=used_at,
                            )
                        )
        return sorted(files, key=lambda one: one.used_at)

    async def discard(self, file: Kept) -> None:
        """Remove a file; a missing one is not an error."""
        await asyncio.to_thread(_unlink, file.path)

    def settle(self, generation: str) -> None:
        """Remove the notes of a generation: its row is committed, or its file is gone."""
        with contextlib.suppress(OSError):  # whoever reads the notes comes back to it
            self._note(generation).unlink(missing_ok=True)
            strays.note_of(self._root, generation).unlink(missing_ok=True)

    async def hide(self, generation: str) -> None:
        """Note durably that a generation is hidden, so that `find` does not. Raises DiskFull."""
        await asyncio.to_thread(self._hide, generation)

    def _hide(self, generation: str) -> None:
        note = self._hidden_note(generation)
        if note.exists():
            return
        try:
            files.make_directory(note.parent.absolute())
            note.touch()  # the entry is all that counts
            files.sync_directory(note.parent)
        except OSError as error:
            raise files.full(error) from error

    def show(self, generation: str) -> None:
        """Remove the note of `hide`."""
        with contextlib.suppress(OSError):  # `hidden` leads to it again
            self._hidden_note(generation).unlink(missing_ok=True)

    def is_hidden(self, generation: str) -> bool:
        """Whether a generation is noted as hidden."""
        return self._hidden_note(generation).exists()

    async def hidden(self, older_than: float) -> list[str]:
        """Return the generations that were noted as hidden more than `older_than` seconds ago, and
        are settled."""
        return await asyncio.to_thread(self._hidden, older_than)

    def _hidden(self, older_than: float) -> list[str]:
        since = time.time() - older_than
        found = []
        for note in self._notes.glob("*/*"):
            with contextlib.suppress(FileNotFoundError):  # shown meanwhile
                aged = note.stat().st_mtime <= since and not self._note(note.name).exists()
                if aged and GENERATION.fullmatch(note.name):
                    found.append(note.name)
        return found

    async def unsettled(self, older_than: float) -> list[tuple[ImageId, str, Path]]:
        """Return (image, generation, path) of moves noted more than `older_than` seconds ago."""
        return await asyncio.to_thread(self._unsettled, older_than)

    def _unsettled(self, older_than: float) -> list[tuple[ImageId, str, Path]]:
        moves: list[tuple[ImageId, str, Path]] = []
        for note in self._aged(older_than):
            if note.suffix != ".moving":
                continue
            with contextlib.suppress(FileNotFoundError):
                place, _, key = note.read_text(errors="surrogateescape").partition("\n")
                if place:
                    bucket, _, name = key.rpartition("/")
                    moves.append((ImageId(name, bucket), note.stem, self._root / place))
                else:  # power failed before the note was durable: nothing was moved
                    note.unlink()
        return moves

    async def sweep(self, older_than: float) -> int:
        """Remove staged files unchanged for `older_than` seconds; return how many."""
        return await asyncio.to_thread(self._sweep, older_than)

    def _sweep(self, older_than: float) -> int:
        bodies = [p for p in self._aged(older_than) if p.suffix != ".moving"]
        for body in bodies:
            body.unlink(missing_ok=True)
        return len(bodies)

    def _aged(self, older_than: float) -> list[Path]:
        aged: list[Path] = []
        with contextlib.suppress(FileNotFoundError), os.scandir(self._staging) as entries:
            # By the clock of the file system, which need not be ours: who dates its files
            # later or earlier must not lose the uploads under way. It alone sets the ctime.
            os.utime(self._staging)
            since = self._staging.stat().st_ctime - older_than
            for entry in entries:
                with contextlib.suppress(FileNotFoundError):
                    if entry.stat().st_mtime <= since:
                        aged.append(Path(entry))
        return aged

    async def remove(self, original: Original) -> None:
        """Remove the file of this generation, even if it was set aside."""
        path = self.path(original)
        if self.foreign(original.generation):
            located = self._find_foreign(original.image)
            if located is None or located[0] != original.generation:
                return  # another file has been put there since
            await asyncio.to_thread(_unlink, path)
        else:
            await asyncio.to_thread(_unlink, path, strays.aside(self._root, path))
        self.show(original.generation)

    def _hidden_note(self, generation: str) -> Path:
        return self._notes / generation[-2:] / generation

    def _note(self, generation: str) -> Path:
        return self._staging / f"{generation}.moving"

    def _place(self, image: ImageId) -> tuple[Path, str]:
        digest = _hash(image.name)
        stem = image.name
        base = self._root / "_main"
        if image.bucket:
            base = self._root / "_bucket" / image.bucket
        if len(stem.encode()) > _LONG:
            base, stem = base / "_long", digest
        return base / digest[:2] / digest[2:4], stem


def _unlink(*paths: Path) -> None:
    for path in paths:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            _log.error("original_not_removed", file=path.name, error=str(error))


def _hash(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()
