"""Compare every row of an original with the disk and the mirror.

Originals without a row and rows without an original are collected, to be decided picture by
picture.
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
    """Compares generations, also several at once.

    The listings are older than the rows, so that every difference is checked again before it
    counts.
    """

    def __init__(
        self, parts: Parts, options: Options, report: Report, open_cases: ExternalSorter
    ) -> None:
        self._parts = parts
        self._options = options
        self._report = report
        self._open_cases = open_cases

    async def compare(self, item: tuple[str, Row | None, list[Entry] | None]) -> None:
        """Compare the row of a generation with its stored files."""
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
        """Compare the mirror with the row; return whether the mirror has the original."""
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
        """Whether the row still exists and is unchanged."""
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
            await parts.mirror_queue.requeue(original.generation)
        kind = Kind.UNNOTED if present else Kind.UNMIRRORED
        self._report.add(kind, label(original), repaired=repair)

    async def _put_back(self, original: Original, entries: list[Entry]) -> None:
        """Move an original back that was set aside and has a row again."""
        for entry in entries:
            if entry.place != ASIDE or self._parts.originals.exists(original):
                continue
            if await self._parts.rows.of(original.generation) is None:
                continue
            if self._options.repair:
                await self._parts.originals.restore(Path(entry.key), original)
            self._report.add(Kind.ASIDE, label(original), repaired=self._options.repair)

    async def _size(self, original: Original, entries: list[Entry]) -> int | None:
        """Return the size of the file on this disk, as listed if it is in the right place."""
        for entry in entries:
            if entry.place == HERE and entry.image == original.image:
                return entry.bytes
            if entry.place == ASIDE and not self._options.repair:
                return entry.bytes  # reported already
        return await self._parts.size_here(original)

    async def _lose(self, original: Original, noted: bool) -> None:
        """Collect an original that is neither here nor in the mirror, or report it as lost."""
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
        """Report a file of the wrong size; remove it if it can be fetched from the mirror."""
        if await self._parts.rows.of(original.generation) is None:
            return
        repair = self._options.repair and mirrored
        if repair:
            await self._parts.originals.remove(original)
        removed = repair and not self._parts.originals.exists(original)
        self._report.add(Kind.DAMAGED, label(original), repaired=removed)


def label(original: Original) -> str:
    """Return the text for an original in the report."""
    return f"{original.image.key} ({original.generation})"
