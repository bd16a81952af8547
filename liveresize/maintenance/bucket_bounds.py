"""Bound the renditions in the bucket, although nobody sees who uses its objects.

Browsers and CDNs use objects through redirects that they keep for `redirect_cache_timeout`, and a
presigned address opens its object for as long as its signature is valid. Both together, and some
minutes for the notes of uses to reach the index, are the grace. A link ends once it was not given
out for the grace or longer. From then on there is no new redirect, and after the grace its object
is removed by the housekeeping in `purge`. So an object that a redirect of that age leads to is
there, even if the last uses of its link were never noted.
"""

import asyncio
import uuid

import structlog

from liveresize.core import ports
from liveresize.core.ports import BucketTotals, Position

_log = structlog.get_logger("liveresize.bucket_bounds")

LAG = 600.0
"""Seconds after which every use is noted in the index, and every instance has heard of the end of a
link."""

_TURN = 90.0
"""Seconds for which an instance has the turn: three rounds."""

_SLICE, _SLICES = 5_000, 10
"""Links that are counted with one statement, and how often that is done in a round."""

_BATCH, _BATCHES = 50, 40
"""Links that end in one transaction, and transactions of a round."""

_PAUSE = 0.02
"""Seconds between transactions, so that requests are answered in between."""


class BucketBounds:
    """Ends links that were not used for long; one instance at a time does so.

    `max_bytes` is the bound of all objects with a link, and `max_age` the seconds after which an
    unused link ends (0: none). `grace` is described above, `object_delay` is the time that the
    housekeeping leaves to objects of any purged link.
    """

    def __init__(
        self,
        *,
        max_bytes: int,
        max_age: float,
        grace: float,
        object_delay: float,
        use: ports.BucketUse,
        memory: ports.Memory,
        pause: float = _PAUSE,
    ) -> None:
        self.max_bytes = max_bytes
        self._max_age = max_age
        self.grace = grace
        self._longer = max(0.0, grace - object_delay)
        self._use = use
        self._memory = memory
        self._pause = pause
        self._name = uuid.uuid4().hex
        self._position: Position | None = None
        self.totals = BucketTotals()
        """What was counted last, by this instance or another one."""
        self.ended = 0
        """How many links this instance has ended."""

    async def keep(self) -> None:
        """Do one round, unless it is the turn of another instance. Raises IndexUnavailable."""
        if not (self.max_bytes or self._max_age):
            return
        if not await self._use.take(self._name, _TURN):
            self.totals = await self._use.totals()
            return
        await self._count()
        totals = await self._use.totals()
        excess = await self._end(self._over(totals))
        if excess != totals.excess:
            await self._use.note_excess(excess)
            if not totals.excess:
                _log.warning("bucket_over_bound", bytes=totals.total, excess=excess)
            elif not excess:
                _log.info("bucket_within_bound", bytes=totals.total)
        self.totals = await self._use.totals()

    async def _count(self) -> None:
        if not self.max_bytes:
            return
        for _ in range(_SLICES):
            if await self._use.count(_SLICE):
                return
            await asyncio.sleep(self._pause)

    def _over(self, totals: BucketTotals) -> int:
        """Return the bytes above the bound, as far as they are counted."""
        if not self.max_bytes or totals.total is None:
            return 0
        return max(0, totals.total - self.max_bytes)

    async def _end(self, over: int) -> int:
        """End links; return by how many bytes the bucket stays too large because none may end."""
        count = 0
        for _ in range(_BATCHES):
            if over <= 0 and not self._max_age:
                break
            unused_for = self.grace if over > 0 else max(self._max_age, self.grace)
            ended = await self._use.end_unused(self._position, unused_for, self._longer, _BATCH)
            self._forget(ended)
            count += len(ended.links)
            over -= sum(link.size for link in ended.links)
            self._position = ended.position
            if ended.position is None:
                break
            await asyncio.sleep(self._pause)
        if count:
            _log.info("links_ended", count=count)
        return max(0, over) if self._position is None else 0

    async def end_unused(self, unused_for: float, limit: int) -> int:
        """End up to `limit` links that were not used for `unused_for` seconds, or for the grace if
        that is longer; return how many. Raises IndexUnavailable."""
        count, position = 0, None
        while count < limit:
            ended = await self._use.end_unused(
                position, max(unused_for, self.grace), self._longer, min(_BATCH, limit - count)
            )
            self._forget(ended)
            count += len(ended.links)
            position = ended.position
            if position is None:
                break
            await asyncio.sleep(self._pause)
        return count

    def _forget(self, ended: ports.Ended) -> None:
        self.ended += len(ended.links)
        for link in ended.links:
            self._memory.drop(link.image, link.generation, link.variant)
