"""End pictures whose time is over: those that nobody has claimed, and those past `keep_until`.

First a picture is hidden for EXPIRED_FOR, so that whoever misses it can have it back; then it is
deleted as by DELETE. Each step is one transaction, which looks again whether it is due: several
instances at once do it once. What a crash leaves behind is removed by whoever hears of the change
or of the deletion.

After a restore of the database claims of the time since the backup are missing. So expiry pauses
then, in all instances, until an operator ends the pause.
"""

import contextlib

import structlog

from liveresize import errors
from liveresize.core import ports
from liveresize.core.originals import Original
from liveresize.maintenance.changes import Changes
from liveresize.uploads.generation_cleanup import GenerationCleanup

_log = structlog.get_logger("liveresize.expiry")

_BATCH = 100
"""Pictures that are read at once."""

_MOST = 1000
"""Pictures of one round."""

_PATIENCE = 10.0
"""Seconds of one round, after which other housekeeping has its turn."""


class Expiry:
    """Does what is due, and counts it.

    `redirects`: seconds for which caches and browsers may hold redirects to a picture.
    """

    def __init__(
        self,
        *,
        rows: ports.OriginalRows,
        pause: ports.ExpiryPause,
        changes: Changes,
        cleanup: GenerationCleanup,
        clock: ports.Clock,
        redirects: float,
    ) -> None:
        self._rows = rows
        self._pause = pause
        self._changes = changes
        self._cleanup = cleanup
        self._clock = clock
        self._redirects = redirects
        self.paused = False
        """Whether expiry was paused when this instance looked last."""
        self.hidden = 0
        """How many pictures this instance has hidden because their time was over."""
        self.deleted = 0
        """How many pictures it has deleted after that."""

    async def run(self) -> None:
        """Do one round, unless expiry is paused or the index full. Raises IndexUnavailable."""
        with contextlib.suppress(errors.IndexFull):
            await self._run()

    async def _run(self) -> None:
        paused = await self._pause.since() is not None
        if paused and not self.paused:
            _log.warning("expiry_paused", hint="See `liveresize expiry`.")
        if self.paused and not paused:
            _log.info("expiry_resumed")
        self.paused = paused
        end, done = self._clock.monotonic() + _PATIENCE, 0
        while not paused and done < _MOST and self._clock.monotonic() < end:
            due = await self._rows.due(_BATCH)
            for original in due:
                await self._advance(original)
                if self._clock.monotonic() >= end:
                    return
            done += len(due)
            if len(due) < _BATCH:
                return

    async def _advance(self, original: Original) -> None:
        if original.record.expired_at is None:
            self.hidden += await self._changes.expire(original)
        elif await self._rows.end_expired(original, redirects=self._redirects):
            await self._cleanup.remove(original)
            self.deleted += 1
            _log.info(
                "picture_expired", image_id=original.image.key, generation=original.generation
            )
