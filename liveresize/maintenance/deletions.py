"""Process deletions by other instances, and detect a database that was replaced.

A database that was restored from a dump, or another one, reuses serials that this process has
already processed. So the identity of the index is compared, too, and the last processed row must
still exist. If not, everything in the caches of this process may be wrong: they are cleared, and
all deletions are processed again.
"""

import asyncio
import contextlib
from collections.abc import Callable

import structlog

from liveresize import errors
from liveresize.core import ports
from liveresize.core.originals import ended
from liveresize.core.ports import FACTS, HIDDEN, RECORD, Heard, Purged
from liveresize.uploads.generation_cleanup import GenerationCleanup
from liveresize.uploads.token_uploads import Uploads

_log = structlog.get_logger("liveresize.deletions")

_PAGE = 500
"""Deletions that are read at once."""

_OWED = 86_400.0
"""Seconds for which every instance removes the objects of a deleted picture. All instances that
ran at the time have done so by then; a new one would otherwise send a request to the store for
each picture that was deleted in a month."""


class Deletions:
    """Processes every deletion at least once, across restarts."""

    def __init__(
        self,
        *,
        rows: ports.OriginalRows,
        purges: ports.Purges,
        erasures: ports.Erasures,
        instance: Callable[[], str],
        memory: ports.Memory,
        strays: ports.StrayOriginals,
        cleanup: GenerationCleanup,
        uploads: Uploads,
        pause: ports.ExpiryPause,
        record: ports.HeardRecord,
        clock: ports.Clock,
    ) -> None:
        self._rows = rows
        self._purges = purges
        self._erasures = erasures
        self._instance = instance
        self._memory = memory
        self._strays = strays
        self._cleanup = cleanup
        self._uploads = uploads
        self._pause = pause
        self._record = record
        self._clock = clock
        self._turn = asyncio.Lock()
        self._heard: Heard | None = None
        self._deletion: Purged | None = None  # the last one that is remembered for long
        self._written: Heard | None = None
        self._unpaused = False  # expiry, after a restore
        self._gone: set[str] = set()  # and the index does not know that yet
        self.beginnings = 0
        """How often all deletions were processed from the first one on."""
        self.restores = 0
        """How often the database had been replaced."""

    async def listen(self) -> None:
        """Process the deletions since the last call. Raises IndexUnavailable.

        When it returns, the state of this instance belongs to the current database.
        """
        async with self._turn:
            identity = await self._purges.identity()
            page = await self._news(identity)
            while page:
                await self._hear(page)
                self._heard = Heard(identity, page[-1])
                page = await self._purges.since(page[-1].serial, _PAGE)
            if self._unpaused:  # before the restore is remembered as seen
                await self._pause.begin()
                self._unpaused = False
            await self._remember(Heard(identity, self._deletion))

    async def _news(self, identity: str) -> list[Purged]:
        """Return the first page of new deletions, or of all deletions in a replaced database."""
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
        """Clear everything from another database; `heard` is None on a new instance."""
        self.beginnings += 1
        self._deletion = self._written = None
        await self._strays.forget()
        if heard is None:
            return
        self.restores += 1
        self._unpaused = True  # claims since the backup are missing
        _log.warning(
            "index_restored",
            generation=heard.last.generation if heard.last else "",
            hint="Where the database was restored: run `liveresize reconcile`.",
        )
        self._memory.clear()
        self._cleanup.forget()
        await self._uploads.keep_unsettled()

    async def _hear(self, page: list[Purged]) -> None:
        """Remove the remains of deleted generations, unless they have a row again."""
        generations = [purged.generation for purged in page if not purged.variant]
        living = await self._rows.known(generations) if generations else set()
        changed = [purged.generation for purged in page if purged.variant in (HIDDEN, RECORD)]
        hidden = await self._rows.hidden(changed) if changed else set()
        for purged in page:
            if purged.variant in (HIDDEN, RECORD):
                await self._hear_change(purged, hidden)
                continue
            if purged.variant == FACTS:
                self._memory.forget(purged.image)
                continue
            if purged.variant:
                self._memory.drop(purged.image, purged.generation, purged.variant)
                continue
            if purged.generation not in living:
                original = ended(purged.image, purged.generation)
                await self._cleanup.on_remote_delete(original)
                if self._clock.time() - purged.at < _OWED:
                    self._cleanup.defer(original)  # whoever ended it may have died over it
            self._deletion = purged
        self._gone.update(each for each in generations if each not in living)

    async def _hear_change(self, purged: Purged, hidden: set[str]) -> None:
        """Hide a picture, or show it again, or only forget what its record was.

        Whoever hid it may have died before its objects were removed, so each instance does that.
        """
        original = ended(purged.image, purged.generation)
        if purged.generation not in hidden:
            self._cleanup.show(original)
        elif purged.variant == HIDDEN:
            await self._cleanup.hide_here(original, owed=self._clock.time() - purged.at < _OWED)
        else:
            self._memory.drop(purged.image, purged.generation)
        if purged.variant == HIDDEN:
            self._deletion = purged

    async def _remember(self, settled: Heard) -> None:
        """Record what was removed here; then the position, once no removal is pending."""
        if self._gone:
            with contextlib.suppress(errors.IndexUnavailable):  # it may still be read
                await self._erasures.removed_here(self._instance(), list(self._gone))
                self._gone.clear()
        if self._gone:
            return
        if settled != self._written and not self._cleanup.owed:
            await self._record.write(settled)
            self._written = settled
