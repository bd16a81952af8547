"""Import originals: copy and clean them, link them, or leave them in place.

A copy is processed like an upload. A run that was killed leaves the same files as an upload, which
the server removes: a staged file, or a moved one with its note.
"""

import asyncio
import dataclasses
import enum
import hashlib
import itertools
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from liveresize import errors
from liveresize.compat.iaas import kinds
from liveresize.core import names, ports
from liveresize.core.jobs import Facts, IntakeJob, ProbeJob
from liveresize.core.names import ImageId
from liveresize.core.originals import Original, new_generation
from liveresize.storage import files
from liveresize.storage.index import originals as index_originals
from liveresize.storage.index.database import Database
from liveresize.storage.index.originals import SqlOriginalRows

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
    """This original cannot be imported; the message gives the reason.

    `harmless` means that nobody misses it.
    """

    harmless = False


class NoFile(NotTaken):
    """A folder, or a file that is no image and whose name begins with a dot."""

    harmless = True


class NotDecoded(NotTaken):
    """This original cannot be decoded here; `kind` is what it claims to be, "" for no image."""

    def __init__(self, reason: str, kind: str) -> None:
        super().__init__(reason)
        self.kind = kind


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
        formats: Sequence[str],
        originals: ports.Originals,
        renderer: ports.Renderer,
        database: Database,
        clock: ports.Clock,
    ) -> None:
        """`formats` are those that uploads may have."""
        self._taking = taking
        self._formats = formats
        self._originals = originals
        self._renderer = renderer
        self._database = database
        self._rows = SqlOriginalRows(database)
        self._clock = clock

    async def take(self, path: Path, uploaded_at: float | None, generation: str = "") -> None:
        """Import the file at `path` under its own name; the default time is that of the file.

        `generation` is that of `hold`, if an earlier run has held the name. Raises NotTaken for
        this original (NotDecoded if it could be held), and DiskFull, SettingsError and
        IndexUnavailable, which would also affect others.
        """
        image = ImageId(path.name)
        at = await asyncio.to_thread(_age, path) if uploaded_at is None else uploaded_at
        try:
            if self._taking is Taking.IN_PLACE:
                await self._adopt_in_place(image, at)
            else:
                await self._bring_in(image, path, at, generation)
        except errors.ImageError as error:
            raise await asyncio.to_thread(self._explained, path, error) from error
        except errors.WorkerDied as error:
            raise NotTaken(error.public) from error
        except errors.OriginalMissing:
            raise NotTaken(GONE) from None

    def _explained(self, path: Path, error: errors.ImageError) -> NotTaken:
        try:
            found = kinds.explained(path, error, self._formats)
        except OSError as unreadable:
            return NotTaken(_unreadable(unreadable))
        if path.name.startswith(".") and not found.kind:
            return NoFile("It is no image, and its name begins with a dot.")
        return NotDecoded(found.reason, found.kind)

    async def hold(self, path: Path, uploaded_at: float | None, kind: str) -> None:
        """Record an original that cannot be decoded: its links work, and its id is taken.

        Its size is 0x0, and it has no renditions but those. Raises what `take` raises.
        """
        image = ImageId(path.name)
        at = await asyncio.to_thread(_age, path) if uploaded_at is None else uploaded_at
        if self._taking is Taking.IN_PLACE:
            await self._record(
                await self._undecoded(image, path, self._in_place(image)[0], kind, at)
            )
            return
        generation = new_generation(self._clock.time())
        original = await self._undecoded(image, path, generation, kind, at)
        staged = self._originals.staging(f"{generation}.moved-in", need=original.bytes)
        try:
            if self._taking is Taking.COPY:
                await asyncio.to_thread(_copy, path, staged)
                await self._originals.keep(staged, original)
            else:
                await self._link(path, staged, original)
        finally:
            await asyncio.to_thread(staged.unlink, missing_ok=True)
        await self._commit(original)

    async def _undecoded(
        self, image: ImageId, path: Path, generation: str, kind: str, at: float
    ) -> Original:
        try:
            size, sha256 = await asyncio.to_thread(digest, path)
        except OSError as error:
            raise NotTaken(_unreadable(error)) from error
        return Original(
            image=image,
            generation=generation,
            format=kind.lower().replace(" ", "-") or "unknown",
            width=0,
            height=0,
            bytes=size,
            sha256=sha256,
            clean=False,
            uploaded_at=at,
        )

    def _in_place(self, image: ImageId) -> tuple[str, Path]:
        located = self._originals.find(image)
        if located is None or not self._originals.foreign(located[0]):
            raise NotTaken(GONE)
        return located

    async def _adopt_in_place(self, image: ImageId, at: float) -> None:
        generation, path = self._in_place(image)
        facts = await self._renderer.run(
            ProbeJob(path=str(path)), handle=ports.JobHandle(ports.Priority.BACKGROUND)
        )
        await self._record(_described(image, generation, facts, at))

    async def _bring_in(self, image: ImageId, path: Path, at: float, held: str) -> None:
        generation = held or new_generation(self._clock.time())
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
        await self._commit(original)

    async def _commit(self, original: Original) -> None:
        # Where this fails nobody knows whether the row is there. The note is: the server
        # settles it or removes the file, and the next run finds the row or begins again.
        recorded = await self._record(original)
        if recorded.generation != original.generation:
            await self._originals.remove(original)
        self._originals.settle(original.generation)

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
        recorded = await self._database.write(
            index_originals.adopt, self._database.applications, original
        )
        if not original.decoded or recorded.decoded:
            return recorded
        if recorded.generation == original.generation:  # held by an earlier run
            await self._rows.update_facts(original)
            return original
        return await self._rows.supersede(original, recorded.generation)


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
        raise NotTaken(_unreadable(error)) from error


def _unreadable(error: OSError) -> str:
    return f"The file cannot be read ({error.strerror})."


def digest(path: Path) -> tuple[int, str]:
    """Return the size of a file in bytes and its SHA-256 in hex. Raises OSError."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return file.tell(), digest


def _copy(path: Path, staged: Path) -> None:
    """Copy a file durably. Raises DiskFull."""
    try:
        shutil.copyfile(path, staged)
        files.sync_file(staged)
    except OSError as error:
        raise files.full(error) from error
