"""Originals: every row against the disk and the mirror.

What cannot be decided by its row alone is gathered, to be decided picture by picture:
originals without a row, and rows whose bytes are nowhere.
"""

from pathlib import Path

from liveresize.core.originals import Original
from liveresize.maintenance.reconcile.external_sorter import ExternalSorter
from liveresize.maintenance.reconcile.findings import Kind, Report
from liveresize.maintenance.reconcile.parts import Options, Parts
from liveresize.maintenance.reconcile.places import ASIDE, HERE, LOST, MIRROR, Entry

Row = tuple[Original, bool]
"""An original, and whether its row says that the mirror has it."""

NO_MIRROR = (
    "Lost pictures are said to be in a mirror, but none is configured: see "
    "aws.originals_bucket. They are only taken out with --this-is-all."
)


class Rows:
    """Compares one generation after the other; several may be compared at once.

    The listings are older than the rows, so that whatever looks wrong is looked at again
    before it counts.
    """

    def __init__(
        self, parts: Parts, options: Options, report: Report, open_cases: ExternalSorter
    ) -> None:
        self._parts = parts
        self._options = options
        self._report = report
        self._open_cases = open_cases

    async def compare(self, item: tuple[str, Row | None, list[Entry] | None]) -> None:
        """Compare the row of a generation with what is stored of it."""
        _, row, stored = item
        entries = stored or []
        if row is None:
            for entry in entries:
                await self._open_cases.add(entry)
            return
        original, noted = row
        await self._put_back(original, entries)
        mirrored = await self._compare_mirror(original, noted, entries)
        size = await self._size(original, entries)
        if size is None:
            if not mirrored:
                await self._lose(original, noted)
        elif size != original.bytes and not self._parts.originals.foreign(original.generation):
            await self._distrust(original, mirrored)

    async def _compare_mirror(self, original: Original, noted: bool, entries: list[Entry]) -> bool:
        """Whether the mirror has the original, having found out what its row says of that."""
        if not self._parts.mirrors(original.image):
            return False
        sizes = [entry.bytes for entry in entries if entry.place == MIRROR]
        present = original.bytes in sizes
        if present == noted and not self._parts.borrowed(original.image):
            return present  # what was borrowed is not listed
        present = await self._parts.mirror_has(original)
        if present != noted and await self._is_unchanged(original, noted):
            await self._note(original, present)
        return present

    async def _is_unchanged(self, original: Original, noted: bool) -> bool:
        """Whether there is still a row, and says the same."""
        parts = self._parts
        if await parts.rows.of(original.generation) is None:
            return False
        return bool(await parts.mirror_queue.done_of([original.generation])) == noted

    async def _note(self, original: Original, present: bool) -> None:
        parts = self._parts
        repair = self._options.repair and (present or not await self._parts.occupied(original))
        if repair and present:
            await parts.mirror_queue.done(original.generation)
        elif repair:
            await parts.mirror_queue.again(original.generation)
        kind = Kind.UNNOTED if present else Kind.UNMIRRORED
        self._report.add(kind, label(original), repaired=repair)

    async def _put_back(self, original: Original, entries: list[Entry]) -> None:
        """Put back what was set aside, and has a row again."""
        for entry in entries:
            if entry.place != ASIDE or self._parts.originals.exists(original):
                continue
            if await self._parts.rows.of(original.generation) is None:
                continue
            if self._options.repair:
                await self._parts.originals.restore(Path(entry.key), original)
            self._report.add(Kind.ASIDE, label(original), repaired=self._options.repair)

    async def _size(self, original: Original, entries: list[Entry]) -> int | None:
        """The bytes of the file here: as listed where it lies where it should, or as it is."""
        for entry in entries:
            if entry.place == HERE and entry.image == original.image:
                return entry.bytes
            if entry.place == ASIDE and not self._options.repair:
                return entry.bytes  # reported already
        return await self._parts.size_here(original)

    async def _lose(self, original: Original, noted: bool) -> None:
        """Neither here nor in the mirror: what becomes of it depends on its other versions."""
        if await self._parts.rows.of(original.generation) is None:
            return
        if noted and not self._parts.mirrors(original.image) and not self._options.this_is_all:
            self._report.add(Kind.LOST, label(original))
            self._report.remark(NO_MIRROR)
            return
        await self._open_cases.add(
            Entry(
                key="",
                generation=original.generation,
                bytes=original.bytes,
                image=original.image,
                place=LOST,
            )
        )

    async def _distrust(self, original: Original, mirrored: bool) -> None:
        """A file of another size: it is fetched again once it is gone, or it is all there is."""
        if await self._parts.rows.of(original.generation) is None:
            return
        repair = self._options.repair and mirrored
        if repair:
            await self._parts.originals.remove(original)
        removed = repair and not self._parts.originals.exists(original)
        self._report.add(Kind.DAMAGED, label(original), repaired=removed)


def label(original: Original) -> str:
    """How an original is named in the report."""
    return f"{original.image.key} ({original.generation})"
