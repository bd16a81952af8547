"""Originals on this disk without a row (strays).

Some are deleted pictures with a deletion that this instance has not processed, and some are
acknowledged uploads that a restored database lacks. They cannot be distinguished, so nothing is
deleted: strays are noted, not served while the index does not answer, and set aside after a long
time without a row. `reconcile` lists them, and can adopt them.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import structlog

from liveresize import errors
from liveresize.core import ports
from liveresize.core.originals import born
from liveresize.core.ports import StrayNote
from liveresize.maintenance.deletions import Deletions

_log = structlog.get_logger("liveresize.strays")

_BATCH = 100
"""Generations in one query."""

_WALK_EVERY = 86_400.0
"""Seconds from one walk through all originals to the next."""

GenerationFile = tuple[str, Path]
"""A generation and its file."""


class Strays:
    """Finds them, and decides what becomes of them.

    After `lost_after` seconds without a row an original is set aside; below `grace` seconds
    of age it may be on its way to its row. `pause` is in seconds, between two questions of
    a walk: a million originals take an hour and a half, and hits do not notice.
    """

    def __init__(
        self,
        *,
        lost_after: float,
        grace: float = 3600.0,
        pause: float = 0.5,
        files: ports.StrayOriginals,
        originals: ports.Originals,
        rows: ports.OriginalRows,
        memory: ports.Memory,
        deletions: Deletions,
        clock: ports.Clock,
    ) -> None:
        self._lost_after = lost_after
        self._grace = grace
        self._pause = pause
        self._files = files
        self._originals = originals
        self._rows = rows
        self._memory = memory
        self._deletions = deletions
        self._clock = clock
        self._turn = asyncio.Lock()
        self._walked: tuple[int, float] | None = None  # in which beginning, and when
        self.noted = 0
        """The number of notes at the last count."""

    async def confirm(self) -> None:
        """Confirm or forget originals that were found while the index did not answer.

        Raises IndexUnavailable.
        """
        while assumed := self._memory.assumed(_BATCH):
            async with self._turn:
                beginning = self._deletions.beginnings
                known = await self._rows.known([one.generation for one in assumed])
                missing: list[GenerationFile] = []
                for original in assumed:
                    if original.generation in known:
                        self._memory.confirm(original)
                        continue
                    self._memory.drop(original.image, original.generation)
                    if not self._originals.foreign(original.generation):
                        missing.append((original.generation, self._originals.path(original)))
                if missing and await self._same(beginning):
                    await self._note(missing)

    async def look(self) -> None:
        """Review the notes, and search all originals if it is time for that.

        Raises IndexUnavailable, DiskFull, and SettingsError for folders that cannot be read.
        """
        await self._deletions.listen()
        beginning, now = self._deletions.beginnings, self._clock.monotonic()
        async with self._turn:
            if not await self._review(beginning):
                return
        if self._walked is not None:
            in_beginning, at = self._walked
            if in_beginning == beginning and now < at + _WALK_EVERY:
                return
        if await self._walk(beginning):
            self._walked = beginning, now

    async def _same(self, beginning: int) -> bool:
        """Whether the database is still the same, so that the last results are valid."""
        await self._deletions.listen()
        return self._deletions.beginnings == beginning

    async def _review(self, beginning: int) -> bool:
        """Review all notes; return False if the database was replaced meanwhile."""
        noted = 0
        async for notes in self._files.notes():
            for start in range(0, len(notes), _BATCH):
                batch = notes[start : start + _BATCH]
                known = await self._rows.known([note.generation for note in batch])
                lacking = [note for note in batch if note.generation not in known]
                if known:
                    await self._files.withdraw(list(known))
                due = [note for note in lacking if self._is_due(note)]
                if due and not await self._same(beginning):
                    return False
                for note in due:
                    await self._set_aside(note)
                noted += len(lacking) - len(due)
        self.noted = noted
        return True

    def _is_due(self, note: StrayNote) -> bool:
        return self._clock.time() - note.noted_at >= self._lost_after

    async def _set_aside(self, note: StrayNote) -> None:
        place = await self._files.set_aside(note)
        if place is not None:
            _log.warning("original_set_aside", generation=note.generation, file=str(place))

    async def _walk(self, beginning: int) -> bool:
        """Note originals without a row; return False if the database was replaced meanwhile."""
        new = 0
        async for batch in self._batches():
            async with self._turn:
                known = await self._rows.known([generation for generation, _ in batch])
                missing = [one for one in batch if one[0] not in known]
                if missing and not await self._same(beginning):
                    return False
                new += await self._note(missing)
            await asyncio.sleep(self._pause)
        if new:
            _log.warning("originals_without_row", count=new)
        return await self._same(beginning)

    async def _batches(self) -> AsyncIterator[list[GenerationFile]]:
        batch: list[GenerationFile] = []
        async for item in self._files.files():
            batch.append(item)
            if len(batch) == _BATCH:
                yield batch
                batch = []
        if batch:
            yield batch

    async def _note(self, originals: Sequence[GenerationFile]) -> int:
        """Note the originals that are old enough; return how many are new.

        On a full disk nothing is noted until the next search.
        """
        now = self._clock.time()
        old = [one for one in originals if now - born(one[0]) >= self._grace]
        if not old:
            return 0
        try:
            new = await self._files.note(old, now)
        except errors.DiskFull as error:
            _log.warning("strays_not_noted", count=len(old), reason=error.detail)
            return 0
        self.noted += new
        return new
