"""Import originals: copy and clean them, link them, or leave them in place.

A copy is processed like an upload. A run that was killed leaves the same files as an upload, which
the server removes: a staged file, or a moved one with its note.
"""

import asyncio
import dataclasses
import enum
import itertools
import os
from pathlib import Path

from liveresize import errors
from liveresize.core import names, ports
from liveresize.core.jobs import Facts, IntakeJob, ProbeJob
from liveresize.core.names import ImageId
from liveresize.core.originals import Original, new_generation
from liveresize.storage.index import originals as index_originals
from liveresize.storage.index.database import Database

ATTEMPTS = 5
"""The number of tries of a link. The housekeeping of a server may remove a staged link, which has
the age of its file, as an old upload. It runs every half minute, and a try takes milliseconds."""

GONE = "The file has gone meanwhile."


class Taking(enum.StrEnum):
    """How an original is imported.

    Metadata is removed from a copy, as from an upload. A link is one file with two names, so that
    removing metadata would change a file that is not ours; like an original left in place it is
    only inspected, and is served as a rendition if it has private metadata.
    """

    COPY = "copy"
    LINK = "link"
    IN_PLACE = "in-place"


class NotTaken(Exception):
    """This original cannot be imported; the message gives the reason."""


def check_name(name: str) -> None:
    """Raise NotTaken if no URL can have this name."""
    try:
        names.check_name(name)
    except errors.MalformedUrl as error:
        raise NotTaken(error.public) from None
    if name.startswith("_"):
        raise NotTaken("A name must not start with an underscore.")


class OriginalImporter:
    """Imports originals, one at a time."""

    def __init__(
        self,
        taking: Taking,
        *,
        originals: ports.Originals,
        renderer: ports.Renderer,
        database: Database,
        clock: ports.Clock,
    ) -> None:
        self._taking = taking
        self._originals = originals
        self._renderer = renderer
        self._database = database
        self._clock = clock

    async def take(self, path: Path, uploaded_at: float | None) -> None:
        """Import the file at `path` under its own name; the default time is that of the file.

        Raises NotTaken for this original, and DiskFull, SettingsError and IndexUnavailable,
        which would also affect others.
        """
        image = ImageId(path.name)
        at = await asyncio.to_thread(_age, path) if uploaded_at is None else uploaded_at
        try:
            if self._taking is Taking.IN_PLACE:
                await self._adopt_in_place(image, at)
            else:
                await self._bring_in(image, path, at)
        except (errors.ImageError, errors.WorkerDied) as error:
            raise NotTaken(error.public) from error
        except errors.OriginalMissing:
            raise NotTaken(GONE) from None

    async def _adopt_in_place(self, image: ImageId, at: float) -> None:
        located = self._originals.find(image)
        if located is None or not self._originals.foreign(located[0]):
            raise NotTaken(GONE)
        generation, path = located
        facts = await self._renderer.run(
            ProbeJob(path=str(path)), handle=ports.JobHandle(ports.Priority.BACKGROUND)
        )
        await self._record(_described(image, generation, facts, at))

    async def _bring_in(self, image: ImageId, path: Path, at: float) -> None:
        generation = new_generation(self._clock.time())
        staged = self._originals.staging(f"{generation}.moved-in")
        handle = ports.JobHandle(ports.Priority.BACKGROUND)
        try:
            if self._taking is Taking.COPY:
                job = IntakeJob(source=str(path), target=str(staged))
                facts = await self._renderer.run(job, handle=handle)
                original = _described(image, generation, facts, at)
                await self._originals.keep(staged, original)
            else:
                probe = ProbeJob(path=str(path))
                facts = await self._renderer.run(probe, handle=handle)
                original = _described(image, generation, facts, at)
                await self._link(path, staged, original)
        finally:
            await asyncio.to_thread(staged.unlink, missing_ok=True)
        # Where this fails nobody knows whether the row is there. The note is: the server
        # settles it or removes the file, and the next run finds the row or begins again.
        recorded = await self._record(original)
        if recorded.generation != generation:
            await self._originals.remove(original)
        self._originals.settle(generation)

    async def _link(self, path: Path, staged: Path, original: Original) -> None:
        for attempt in itertools.count(1):
            await asyncio.to_thread(_hard_link, path, staged)
            try:
                await self._originals.keep(staged, original)
            except errors.DiskFull:
                if attempt == ATTEMPTS or staged.exists():
                    raise
            else:
                return

    async def _record(self, original: Original) -> Original:
        return await self._database.write(index_originals.adopt, original)


def _described(image: ImageId, generation: str, facts: Facts, at: float) -> Original:
    fields = {field.name: getattr(facts, field.name) for field in dataclasses.fields(facts)}
    return Original(image=image, generation=generation, uploaded_at=at, **fields)


def _hard_link(path: Path, staged: Path) -> None:
    """Create a hard link. Raises NotTaken, and SettingsError if no file can be linked."""
    try:
        os.link(path.resolve(), staged)
    except FileNotFoundError:
        raise NotTaken(GONE) from None
    except OSError as error:
        raise errors.SettingsError(
            "The originals cannot be linked from there: copy them instead.", str(error)
        ) from error


def _age(path: Path) -> float:
    """Return when the file was written, in Unix seconds. Raises NotTaken."""
    try:
        return path.stat().st_mtime
    except OSError as error:
        raise NotTaken(f"The file cannot be read ({error.strerror}).") from error
