"""Decide about originals without a row, and rows without an original, picture by picture.

A picture may have an older version on disk and a newer one in its row, or the other way round. All
versions of a picture are decided together, so that no usable version is removed for an unusable
one.
"""

import asyncio
from pathlib import Path

from liveresize.core.names import ImageId
from liveresize.core.originals import Original, born, ended
from liveresize.core.ports import Kept
from liveresize.maintenance.reconcile.adoption import Adoption, NotAdopted
from liveresize.maintenance.reconcile.findings import Kind, Report
from liveresize.maintenance.reconcile.parts import Options, OrphanPolicy, Parts, age_order
from liveresize.maintenance.reconcile.places import LOST, MIRROR, ON_DISK, Entry
from liveresize.maintenance.reconcile.rows import label

MAYBE_ELSEWHERE = (
    "Lost pictures may be on the disk of another instance, or this one's may not be mounted. "
    "--this-is-all says that it is not so, and has them taken out."
)
KEPT = (
    "Lost pictures stay in the database: bring their files back from a backup, or delete them "
    "for good with `reconcile --repair`."
)
IN_BUCKETS = (
    "Lost pictures of the buckets of vip are not taken out here, for their buckets would "
    "hear of it: DELETE takes each out."
)
UNDECIDED = (
    "Of some lost pictures another version is stored: --adopt puts it in their place, "
    "--remove gives up both."
)

Versions = dict[str, list[Entry]]
"""The stored versions of one picture without a row: generation → entries, the newest generation
first."""


class Pictures:
    """Decides about pictures, also several at once.

    `certain`: bytes that were not found are lost. `moving` are generations of recent uploads,
    `announced` those with a recorded deletion.
    """

    def __init__(
        self,
        parts: Parts,
        options: Options,
        report: Report,
        *,
        certain: bool,
        moving: set[str],
        announced: set[str],
    ) -> None:
        self._parts = parts
        self._options = options
        self._report = report
        self._certain = certain
        self._moving = moving
        self._announced = announced
        self._adoption = Adoption(parts, announced)
        self._removing = options.repair and options.strays is OrphanPolicy.REMOVE
        self._adopting = options.repair and options.strays is OrphanPolicy.ADOPT

    async def decide(self, entries: list[Entry]) -> None:
        """Decide about all versions of one picture."""
        image = entries[0].image
        versions = await self._versions(entries)
        if image is None:
            await self._decide_unnamed(versions)
            return
        standing = await self._parts.rows.find(image)
        lost = standing is not None and any(
            entry.place == LOST and entry.generation == standing.generation for entry in entries
        )
        if standing is not None:
            versions.pop(standing.generation, None)  # recorded since
        if versions or lost:
            await self._decide_named(image, versions, standing, lost)

    async def _versions(self, entries: list[Entry]) -> Versions:
        """Return the versions that still exist, without uploads in progress."""
        versions: Versions = {}
        for entry in sorted(entries, key=lambda one: age_order(one.generation), reverse=True):
            if entry.place == LOST or not await self._exists(entry):
                continue
            age = self._parts.clock.time() - born(entry.generation)
            if age < self._options.grace or entry.generation in self._moving:
                self._report.young += 1
                continue
            versions.setdefault(entry.generation, []).append(entry)
        return versions

    async def _exists(self, entry: Entry) -> bool:
        if entry.place in ON_DISK:
            return await asyncio.to_thread(Path(entry.key).exists)
        assert entry.place == MIRROR
        assert entry.image is not None
        assert self._parts.mirror is not None
        # Whatever its size: what is asked is whether there is anything to decide about.
        listed = Original(
            image=entry.image,
            generation=entry.generation,
            format="",
            width=0,
            height=0,
            bytes=entry.bytes,
            sha256="",
        )
        return await self._parts.mirror.exists(listed)

    async def _decide_unnamed(self, versions: Versions) -> None:
        for generation, entries in versions.items():
            if await self._parts.rows.of(generation) is None:
                removed = self._removing and await self._discard(entries)
                self._report.add(Kind.UNNAMED, entries[0].key, repaired=removed)

    async def _decide_named(
        self, image: ImageId, versions: Versions, standing: Original | None, lost: bool
    ) -> None:
        adopted = undecided = False
        for generation, entries in versions.items():
            name = label(ended(image, generation))
            if adopted or self._over(generation, standing, lost):
                removed = self._options.repair and await self._remove(image, entries)
                self._report.add(Kind.ENDED, name, repaired=removed)
                continue
            if self._adopting and self._may_follow(generation, standing, lost):
                refusal = await self._adopt(image, entries, standing)
                adopted, name = not refusal, f"{name} {refusal}".rstrip()
            done = adopted or (self._removing and await self._remove(image, entries))
            undecided = undecided or not done
            self._report.add(Kind.UNRECORDED, name, repaired=done)
        if lost and standing is not None:
            given_up = adopted or await self._give_up(standing, undecided)
            self._report.add(Kind.LOST, label(standing), repaired=given_up)

    def _over(self, generation: str, standing: Original | None, lost: bool) -> bool:
        """Whether a version without a row is known to have been replaced or deleted.

        If the version in the row is lost, any other one may be useful.
        """
        if lost:
            return False
        older = standing is not None and not _newer(generation, standing)
        return older or generation in self._announced

    def _may_follow(self, generation: str, standing: Original | None, lost: bool) -> bool:
        """Whether a version may replace the row, whose own version may be on another disk."""
        return standing is None or not lost or self._certain or _newer(generation, standing)

    async def _adopt(self, image: ImageId, entries: list[Entry], older: Original | None) -> str:
        """Record a version; return an empty text, or the reason why it is not possible."""
        try:
            await self._adoption.adopt(image, entries, older)
        except NotAdopted as refusal:
            return str(refusal)
        return ""

    async def _give_up(self, lost: Original, undecided: bool) -> bool:
        """Delete a row of a lost original if the options allow it; return whether it is gone."""
        if not self._certain:
            self._report.remark(MAYBE_ELSEWHERE)
        elif undecided:
            self._report.remark(UNDECIDED)
        elif self._parts.borrowed(lost.image):
            self._report.remark(IN_BUCKETS)
        elif self._options.keep_lost:
            self._report.remark(KEPT)
        elif self._options.repair:
            if await self._parts.rows.end(lost):
                await self._parts.retire(lost)
            return True
        return False

    async def _remove(self, image: ImageId, entries: list[Entry]) -> bool:
        """Remove a version without a row; return whether its files are gone."""
        stored = ended(image, entries[0].generation)
        if await self._parts.rows.of(stored.generation) is not None:
            return False  # recorded this moment
        removed = await self._discard(entries)
        await self._parts.retire(stored)
        return removed

    async def _discard(self, entries: list[Entry]) -> bool:
        """Remove files from this disk; return whether they are gone."""
        paths = [Path(entry.key) for entry in entries if entry.place in ON_DISK]
        for path in paths:
            await self._parts.originals.discard(
                Kept(path=path, generation=entries[0].generation, bytes=0, used_at=0.0)
            )
        return not any(path.exists() for path in paths)


def _newer(generation: str, standing: Original) -> bool:
    return age_order(generation) > age_order(standing.generation)
