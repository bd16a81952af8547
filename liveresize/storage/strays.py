"""Originals without a row: notes of when that was first noticed, and a folder to set them aside.

    <root>/_unrecorded/<xx>/<generation>    a note; xx: the last two digits of the generation
    <root>/_lost/_main/<ab>/<cd>/…          what was set aside, laid out as in <root>

A note holds the path of its original below the root, and Unix seconds.
"""

import asyncio
import contextlib
import os
import shutil
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from liveresize.core.originals import GENERATION
from liveresize.core.ports import StrayNote
from liveresize.settings.server import Disk
from liveresize.storage import files
from liveresize.storage.listings import OriginalFiles

LOST = "_lost"
_NOTES = "_unrecorded"


def note_of(root: Path, generation: str) -> Path:
    """Return the path of the note of a generation, whether or not it exists."""
    return root / _NOTES / generation[-2:] / generation


def aside(root: Path, path: Path) -> Path:
    """Return the path of an original after it was set aside, for its normal `path`."""
    return root / LOST / path.relative_to(root)


class StrayFiles:
    """ports.StrayOriginals in the folder of `DiskOriginals`."""

    def __init__(self, directory: Path, disk: Disk) -> None:
        """Notes take the room of originals, whose reserve is that of `disk`."""
        self._root = directory
        self._notes = directory / _NOTES
        self._reserve = files.Reserve(directory, disk)

    async def files(self) -> AsyncIterator[tuple[str, Path]]:
        """Yield (generation, path) of originals that are not set aside. Raises SettingsError."""
        async for path, generation, _, _ in OriginalFiles(self._root).entries():
            yield generation, path

    async def notes(self) -> AsyncIterator[list[StrayNote]]:
        """Yield all notes, those of one folder at a time."""
        for folder in await asyncio.to_thread(_listed, self._notes):
            yield await asyncio.to_thread(self._read, folder)

    def _read(self, folder: Path) -> list[StrayNote]:
        notes = []
        for path in _listed(folder):
            try:
                if not GENERATION.fullmatch(path.name):
                    raise ValueError(path.name)
                place, _, noted_at = path.read_text(errors="surrogateescape").rpartition("\n")
                note = StrayNote(
                    generation=path.name, path=self._root / place, noted_at=float(noted_at)
                )
            except (OSError, ValueError):  # half-written when the power failed: noted again
                with contextlib.suppress(OSError):
                    path.unlink(missing_ok=True)
                continue
            notes.append(note)
        return notes

    async def note(self, originals: Sequence[tuple[str, Path]], now: float) -> int:
        """Note originals; return how many notes are new. Raises DiskFull."""
        return await asyncio.to_thread(self._note, originals, now)

    def _note(self, originals: Sequence[tuple[str, Path]], now: float) -> int:
        new = 0
        for generation, path in originals:
            note = note_of(self._root, generation)
            unsettled = self._root / "_staging" / f"{generation}.moving"
            if note.exists() or unsettled.exists():
                continue
            self._reserve.check()
            try:
                note.parent.mkdir(parents=True, exist_ok=True)
                text = f"{path.relative_to(self._root)}\n{now}"
                files.write_whole(note, os.fsencode(text))
            except OSError as error:
                raise files.full(error) from error
            new += 1
        return new

    async def withdraw(self, generations: Sequence[str]) -> None:
        """Remove the notes of these generations."""
        await asyncio.to_thread(self._withdraw, generations)

    def _withdraw(self, generations: Sequence[str]) -> None:
        for generation in generations:
            with contextlib.suppress(OSError):  # the next review comes back to it
                note_of(self._root, generation).unlink(missing_ok=True)

    async def set_aside(self, note: StrayNote) -> Path | None:
        """Move a noted original to `_lost`, and remove its note. Raises DiskFull."""
        return await asyncio.to_thread(self._set_aside, note)

    def _set_aside(self, note: StrayNote) -> Path | None:
        place: Path | None = aside(self._root, note.path)
        try:
            if note.path.is_file():
                assert place is not None
                files.make_directory(place.parent.absolute())
                note.path.rename(place)
                files.sync_directory(place.parent)
            else:
                place = None
        except OSError as error:
            raise files.full(error) from error
        self._withdraw([note.generation])
        return place

    async def forget(self) -> None:
        """Remove every note."""
        await asyncio.to_thread(shutil.rmtree, self._notes, ignore_errors=True)


def _listed(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []
