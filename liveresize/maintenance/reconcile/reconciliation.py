"""Compare rows, files, mirror and links, and repair differences.

Nothing is stored between runs, and each repair is complete by itself: a run that was stopped can
be started again. Servers may run meanwhile. Listings are taken before the rows are read, sorted on
disk, and joined with the rows page by page, so that memory use is constant.
"""

import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from typing import TypeVar

from liveresize.core.originals import Link
from liveresize.core.streams import for_each, joined
from liveresize.maintenance.reconcile import places
from liveresize.maintenance.reconcile.external_sorter import ExternalSorter
from liveresize.maintenance.reconcile.findings import Report
from liveresize.maintenance.reconcile.links import Links
from liveresize.maintenance.reconcile.links import Row as LinkRow
from liveresize.maintenance.reconcile.parts import PAGE, WIDTH, Options, OrphanPolicy, Parts
from liveresize.maintenance.reconcile.pictures import Pictures
from liveresize.maintenance.reconcile.places import Entry
from liveresize.maintenance.reconcile.rows import Row, Rows
from liveresize.observe.progress import Progress, bar

T = TypeVar("T")

_ASIDE = "originals set aside"

UNLISTED = "Links were not compared: this store of renditions cannot be listed."


class Reconciliation:
    """One run. `report` has the findings so far if it raises."""

    def __init__(
        self,
        parts: Parts,
        options: Options,
        report: Report,
        progress: Callable[[str, int | None], Progress] = bar,
    ) -> None:
        self._parts = parts
        self._options = options
        self._progress = progress
        self.report = report

    async def run(self) -> Report:
        """Compare everything, and repair differences as the options say.

        Raises IndexUnavailable, ObjectStoreUnavailable, DiskFull, SettingsError for folders
        that cannot be read, and Overload.
        """
        await self._compare_originals()
        if self._parts.objects is None:
            self.report.remark(UNLISTED)
        else:
            await self._compare_links(self._parts.objects)
        return self.report

    async def _compare_originals(self) -> None:
        with _scratch() as stored, _scratch() as cases:
            await self._list("originals here", places.files(self._parts.files), stored)
            aside = places.files(self._parts.aside, places.ASIDE)
            await self._list(_ASIDE, aside, stored)
            if not self.report.looked[_ASIDE]:
                del self.report.looked[_ASIDE]  # as nearly always
            if self._parts.mirror is not None:
                mirrored = places.mirrored(self._parts.mirror)
                await self._list("originals in the mirror", mirrored, stored)
            rows = Rows(self._parts, self._options, self.report, cases)
            both = joined(self._originals(), stored.by_generation())
            with self._progress("originals", stored.size or None) as progress:
                await for_each(_counted(both, progress), rows.compare, WIDTH)
            # A disk that is not mounted looks as if everything were lost.
            alone = self._options.alone and stored.size > 0
            await self._decide(cases, certain=self._options.this_is_all or alone)

    async def _decide(self, cases: ExternalSorter, *, certain: bool) -> None:
        """Decide the cases that need all versions of a picture."""
        pictures = Pictures(
            self._parts,
            self._options,
            self.report,
            certain=certain,
            moving=await self._moving(),
            announced=await self._announced(),
        )
        adopting = self._options.strays is OrphanPolicy.ADOPT
        width = self._options.slots if adopting else WIDTH
        with self._progress("pictures to decide about", None) as progress:
            await for_each(_counted(cases.by_image(), progress), pictures.decide, width)

    async def _moving(self) -> set[str]:
        """Return the generations of recent uploads that are not settled."""
        noted = await self._parts.originals.unsettled(-self._options.grace)
        old = await self._parts.originals.unsettled(self._options.grace)
        return {generation for _, generation, _ in noted} - {each[1] for each in old}

    async def _announced(self) -> set[str]:
        ended: set[str] = set()
        serial = 0
        while page := await self._parts.purges.since(serial, PAGE):
            ended.update(purged.generation for purged in page if not purged.variant)
            serial = page[-1].serial
        return ended

    async def _compare_links(self, objects: places.Objects) -> None:
        links = Links(self._parts, objects, self._options, self.report)
        with _scratch() as stored:
            await self._list("objects", places.renditions(objects), stored)
            both = joined(self._links(), stored.by_generation())
            with self._progress("originals with links", None) as progress:
                await for_each(_counted(both, progress), links.compare, WIDTH)

    async def _list(self, what: str, entries: AsyncIterator[Entry], target: ExternalSorter) -> None:
        before = target.size
        with self._progress(what, None) as progress:
            async for entry in _counted(entries, progress):
                await target.add(entry)
        self.report.looked[what] = target.size - before

    async def _originals(self) -> AsyncIterator[tuple[str, Row]]:
        """Yield every row of an original with its generation, a page at a time."""
        self.report.looked["originals recorded"] = 0
        after = ""
        while page := await self._parts.rows.after(after, PAGE):
            self.report.looked["originals recorded"] += len(page)
            after = page[-1][0].generation
            for row in page:
                yield row[0].generation, row

    async def _links(self) -> AsyncIterator[tuple[str, list[LinkRow]]]:
        """Yield the links of each generation, a page at a time."""
        self.report.looked["links"] = 0
        group: list[LinkRow] = []
        last: Link | None = None
        while True:
            position = (last.generation, last.variant) if last else ("", "")
            page = await self._parts.links.after(*position, PAGE)
            self.report.looked["links"] += len(page)
            for row in page:
                if group and group[0][0].generation != row[0].generation:
                    yield group[0][0].generation, group
                    group = []
                group.append(row)
            if not page:
                break
            last = page[-1][0]
        if group:
            yield group[0][0].generation, group


@contextlib.contextmanager
def _scratch() -> Iterator[ExternalSorter]:
    scratch = ExternalSorter()
    try:
        yield scratch
    finally:
        scratch.close()


async def _counted(items: AsyncIterator[T], progress: Progress) -> AsyncIterator[T]:
    async for item in items:
        yield item
        progress.update(1)
