"""Record a stored original that has no row."""

import asyncio
import dataclasses
from pathlib import Path

from liveresize.core import ports
from liveresize.core.jobs import Facts, ProbeJob
from liveresize.core.names import ImageId
from liveresize.core.originals import Original, born, described, ended, new_generation
from liveresize.core.records import Record
from liveresize.maintenance.reconcile.parts import NOT_ADOPTABLE, Parts
from liveresize.maintenance.reconcile.places import ON_DISK, Described, Entry


class NotAdopted(Exception):
    """This original cannot be recorded; the message gives the reason."""


class Adoption:
    """Adopts originals. `announced` are generations with a recorded deletion.

    Those are adopted under a new generation: a server that starts processes the deletion again,
    and would remove their files.
    """

    def __init__(self, parts: Parts, announced: set[str]) -> None:
        self._parts = parts
        self._announced = announced

    async def adopt(self, image: ImageId, entries: list[Entry], older: Original | None) -> None:
        """Record a generation, stored as `entries`, in place of the row of `older`.

        Raises NotAdopted for this original, and DiskFull, IndexUnavailable and
        ObjectStoreUnavailable, which would also affect others.
        """
        stored = ended(image, entries[0].generation)
        local = [Path(entry.key) for entry in entries if entry.place in ON_DISK]
        path = local[0] if local else await self._fetch(stored)
        try:
            await self._record(stored, path, older, fetched=not local)
        finally:
            if not local:
                await asyncio.to_thread(path.unlink, missing_ok=True)

    async def _fetch(self, stored: Original) -> Path:
        """Fetch the copy in the mirror to this disk. Raises NotAdopted."""
        mirror = self._parts.mirror
        facts = await mirror.facts(stored) if isinstance(mirror, Described) else None
        if mirror is None or facts is None:
            raise NotAdopted("It is in the mirror alone, which does not tell its SHA-256.")
        size, sha256 = facts
        target = self._parts.originals.staging(f"{stored.generation}.adopted")
        if not await mirror.fetch(dataclasses.replace(stored, bytes=size, sha256=sha256), target):
            raise NotAdopted("Its copy in the mirror is damaged.")
        return target

    async def _record(
        self, stored: Original, path: Path, older: Original | None, *, fetched: bool
    ) -> None:
        parts = self._parts
        facts = await self._probe(path)
        renewed = stored.generation in self._announced
        generation = new_generation(parts.clock.time()) if renewed else stored.generation
        original = dataclasses.replace(
            described(stored.image, generation, facts), uploaded_at=born(stored.generation)
        )
        if parts.originals.is_hidden(stored.generation):  # its row is lost, and not the hold
            record = Record(held_at=parts.clock.time())
            original = dataclasses.replace(original, record=record)
        if await parts.occupied(original):
            raise NotAdopted("In its bucket another picture has that id.")
        if renewed or (not fetched and path != parts.originals.path(original)):
            await parts.originals.restore(path, original)  # under its new name, or from aside
        standing = await parts.rows.supersede(original, older.generation if older else "")
        if standing.generation != generation:
            if renewed:
                await parts.originals.remove(original)
            raise NotAdopted("Another version was uploaded meanwhile.")
        if renewed:
            await parts.retire(stored)
        else:
            await self._settle(original)
        if older is not None:
            await parts.retire(older)

    async def _settle(self, original: Original) -> None:
        """Record whether the mirror has the original, and drop the notes about its file."""
        if await self._parts.mirror_has(original):
            await self._parts.mirror_queue.done(original.generation)
        self._parts.originals.settle(original.generation)

    async def _probe(self, path: Path) -> Facts:
        job, handle = ProbeJob(path=str(path)), ports.JobHandle(ports.Priority.BACKGROUND)
        try:
            return await self._parts.renderer.run(job, handle=handle)
        except NOT_ADOPTABLE as error:
            raise NotAdopted(error.public) from error
