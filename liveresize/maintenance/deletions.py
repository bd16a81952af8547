"""Hearing of deletions by other instances, and noticing a database that is not the same.

A database that was restored from a dump, or another one, gives serials out again that this
process has heard already. So more is compared than serials: the identity of the index, and
the last row that was heard of, which must still be there. Where it is not, everything that
this process remembers may be wrong: it is forgotten, and all deletions are heard again.
"""

import asyncio

import structlog

from liveresize.core import ports
from liveresize.core.originals import ended
from liveresize.core.ports import Heard, Purged
from liveresize.uploads.generation_cleanup import GenerationCleanup
from liveresize.uploads.token_uploads import Uploads

_log = structlog.get_logger("liveresize.deletions")

_PAGE = 500
"""Deletions that are read at once."""

_OWED = 86_400.0
"""Seconds for which the objects of a deleted picture are removed by whoever hears of it. Every
instance that ran at the time has done so since; a new one would ask the store once for each
picture that was deleted in a month."""


class Deletions:
    """Hears of deletions, each at least once, across restarts."""

    def __init__(
        self,
        *,
        rows: ports.OriginalRows,
        purges: ports.Purges,
        memory: ports.Memory,
        strays: ports.StrayOriginals,
        cleanup: GenerationCleanup,
        uploads: Uploads,
        record: ports.HeardRecord,
        clock: ports.Clock,
    ) -> None:
        self._rows = rows
        self._purges = purges
        self._memory = memory
        self._strays = strays
        self._cleanup = cleanup
        self._uploads = uploads
        self._record = record
        self._clock = clock
        self._turn = asyncio.Lock()
        self._heard: Heard | None = None
        self._deletion: Purged | None = None  # the last one that was no purge of a rendition
        self._written: Heard | None = None
        self.beginnings = 0
        """How often everything was heard from the first deletion on."""
        self.restores = 0
        """How often the database was not the one that was heard of before."""

    async def listen(self) -> None:
        """Hear of what was deleted since the last time. Raises IndexUnavailable.

        After it returns, the database is the one that this instance knows.
        """
        async with self._turn:
            identity = await self._purges.identity()
            page = await self._news(identity)
            while page:
                await self._hear(page)
                self._heard = Heard(identity, page[-1])
                page = await self._purges.since(page[-1].serial, _PAGE)
            await self._remember(Heard(identity, self._deletion))

    async def _news(self, identity: str) -> list[Purged]:
        """The first of what was not heard yet, from the beginning where that is needed."""
        if self._heard is None:
            self._heard = self._written = await self._record.read()
            self._deletion = self._heard.last if self._heard else None
        heard = self._heard
        if heard is not None and heard.identity == identity:
            if heard.last is None:
                return await self._purges.since(0, _PAGE)
            page = await self._purges.since(heard.last.serial - 1, _PAGE)
            if page and page[0].is_row(heard.last):
                return page[1:]
        page = await self._purges.since(0, _PAGE)
        await self._begin_again(heard)
        self._heard = Heard(identity)
        return page

    async def _begin_again(self, heard: Heard | None) -> None:
        """Forget what another database said; `heard` is None where this instance is new."""
        self.beginnings += 1
        self._deletion = self._written = None
        await self._strays.forget()
        if heard is None:
            return
        self.restores += 1
        _log.warning(
            "index_restored",
            generation=heard.last.generation if heard.last else "",
            hint="Where the database was restored: run `liveresize reconcile`.",
        )
        self._memory.clear()
        self._cleanup.forget()
        await self._uploads.keep_unsettled()

    async def _hear(self, page: list[Purged]) -> None:
        """Remove what is left of what was ended, unless it has a row again."""
        generations = [purged.generation for purged in page if not purged.variant]
        living = await self._rows.known(generations) if generations else set()
        for purged in page:
            if purged.variant:
                self._memory.drop(purged.image, purged.generation, purged.variant)
                continue
            if purged.generation not in living:
                original = ended(purged.image, purged.generation)
                await self._cleanup.on_remote_delete(original)
                if self._clock.time() - purged.at < _OWED:
                    self._cleanup.defer(original)  # whoever ended it may have died over it
            self._deletion = purged

    async def _remember(self, settled: Heard) -> None:
        """Write down how far this came, once nothing of it is left to be done."""
        if settled != self._written and not self._cleanup.owed:
            await self._record.write(settled)
            self._written = settled
