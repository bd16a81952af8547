"""Delete pictures and purge renditions, on this instance and all others."""

import contextlib
from collections.abc import Callable

import structlog

from liveresize import errors
from liveresize.core import numbers, ports
from liveresize.core.erasures import KEPT, Erasure, Progress
from liveresize.core.names import ImageId
from liveresize.core.originals import ended
from liveresize.delivery.publisher import Publisher
from liveresize.maintenance.changes import Changes, links_taken_over
from liveresize.maintenance.deletions import Deletions
from liveresize.maintenance.expiry import Expiry
from liveresize.maintenance.orphans import Orphans
from liveresize.maintenance.strays import Strays
from liveresize.uploads.generation_cleanup import GenerationCleanup
from liveresize.uploads.token_uploads import Uploads

_log = structlog.get_logger("liveresize.purge")

_BATCH = 100
"""Objects that are removed together."""

_BATCHES = 100
"""Batches in one round: what is purged or evicted in a week is removed within a week."""

_NOTED = 500
"""Uses that are recorded in one transaction."""

_SEEN_EVERY = 10
"""Rounds of housekeeping between notes that this instance is alive: five minutes."""

_UNFINISHED = 60.0
"""Seconds after which an erasure that its instance has not finished is taken up by any other."""

_ROUNDS = 120
"""Rounds of housekeeping after which old deletions are forgotten: an hour."""


class Purge:
    """Takes pictures and renditions out of use.

    `object_delay`: seconds that the object of a purged link stays, since browsers still hold
    redirects to it, and that the link of an evicted one is remembered. `disk_bytes`: what all
    renditions may take (0: any). `buckets`: whether those of buckets are among them.
    `evicted`: how many evicted links of one original are remembered at most. `remembered`:
    seconds for which deletions are told to instances that were off. `events_kept`: seconds for
    which events are kept. `redirects`: seconds for which caches and browsers may hold redirects to
    a picture. `instance` returns the name of this instance.
    """

    def __init__(
        self,
        *,
        object_delay: float,
        disk_bytes: int,
        buckets: bool,
        evicted: int,
        remembered: float,
        events_kept: float,
        redirects: float,
        instance: Callable[[], str],
        clock: ports.Clock,
        rows: ports.OriginalRows,
        links: ports.Links,
        purges: ports.Purges,
        events: ports.Events,
        deliveries: ports.Deliveries,
        erasures: ports.Erasures,
        store: ports.RenditionStore,
        memory: ports.Memory,
        cleanup: GenerationCleanup,
        publisher: Publisher,
        uploads: Uploads,
        changes: Changes,
        expiry: Expiry,
        deletions: Deletions,
        strays: Strays,
        orphans: Orphans,
    ) -> None:
        self._object_delay = object_delay
        self._disk_bytes = disk_bytes
        self._buckets = buckets
        self._evicted = evicted
        self._remembered = remembered
        self._events_kept = events_kept
        self._redirects = redirects
        self._instance = instance
        self._clock = clock
        self._rows = rows
        self._links = links
        self._purges = purges
        self._events = events
        self._deliveries = deliveries
        self._erasures = erasures
        self._store = store
        self._memory = memory
        self._cleanup = cleanup
        self._publisher = publisher
        self._uploads = uploads
        self._changes = changes
        self._expiry = expiry
        self._deletions = deletions
        self._strays = strays
        self._orphans = orphans
        self._rounds = 0

    async def delete(self, image: ImageId) -> Erasure:
        """Delete a picture. Raises OriginalMissing and IndexUnavailable.

        The times of what is returned are by the clock of this machine; the receipt has those of the
        index.
        """
        standing = await self._rows.find(image)
        if standing is None:
            await self._uploads.adopt(image)
        taken_over = await links_taken_over(self._links, standing) if standing else []
        original = await self._rows.delete(image, redirects=self._redirects)
        if original is None:
            raise errors.OriginalMissing
        await self._cleanup.remove(original)
        try:
            await self._store.remove(taken_over)
        except errors.ObjectStoreUnavailable as error:
            _log.error("objects_not_removed", image_id=image.key, error=error.detail)
        _log.info("picture_deleted", image_id=image.key, generation=original.generation)
        now = self._clock.time()
        erasure = Erasure(
            image=original.image,
            generation=original.generation,
            at=now,
            redirects_end=now + self._redirects,
        )
        _log.info(
            "picture_erased",
            image_id=image.key,
            generation=erasure.generation,
            redirects_end=numbers.iso_instant(erasure.redirects_end),
        )
        return erasure

    async def progress(self, erasure: Erasure) -> Progress:
        """Return how far an erasure is; what was known at once if the index does not answer now."""
        with contextlib.suppress(errors.IndexUnavailable, errors.ErasureMissing):
            return await self.erasure(erasure.generation)
        return Progress(erasure=erasure, now=erasure.at, instances=(), tellings={})

    async def erasure(self, generation: str) -> Progress:
        """Return how far an erasure is. Raises ErasureMissing and IndexUnavailable."""
        progress = await self._erasures.find(generation)
        if progress is None:
            raise errors.ErasureMissing
        return progress

    async def purge(self, selection: ports.Selection, limit: int) -> int:
        """Purge up to `limit` links; return how many. Raises IndexUnavailable."""
        links = await self._links.purge(selection, limit)
        for link in links:
            self._memory.drop(link.image, link.generation, link.variant)
        return len(links)

    async def listen(self) -> None:
        """Process deletions by other instances, and confirm originals that were found while the
        index did not answer. Raises IndexUnavailable."""
        await self._deletions.listen()
        await self._strays.confirm()

    async def tidy(self) -> None:
        """Do the housekeeping: record uses, remove purged objects, free space.

        Raises IndexUnavailable.
        """
        # What a row says of files is believed only of the database that this instance knows.
        await self._deletions.listen()
        await self._note_uses()
        await self._uploads.recover()
        await self._expiry.run()
        for image, generation in await self._erasures.unfinished(_UNFINISHED, _BATCH):
            self._cleanup.defer(ended(image, generation))
        await self._cleanup.retry()
        await self._remove_purged()
        if self._rounds % _ROUNDS == 0:
            await self._changes.review()
        await self._forget_purges()
        with contextlib.suppress(errors.ObjectStoreUnavailable):  # the breaker says so
            await self._make_room()
        await self._orphans.sweep()

    async def _note_uses(self) -> None:
        """Record uses, some hundred at a time: all at once would take too long for the database,
        and hold up requests meanwhile."""
        used = self._publisher.take_used()
        for start in range(0, len(used), _NOTED):
            try:
                await self._links.touch(used[start : start + _NOTED])
            except errors.IndexUnavailable as error:
                self._publisher.put_back(used[start:])
                if not isinstance(error, errors.IndexFull):
                    raise
                return  # on a full disk the rest makes room

    async def _forget_purges(self) -> None:
        """Drop old deletions in some rounds only, because the query reads all of them."""
        if self._rounds % _ROUNDS == 0:
            await self._purges.forget(self._remembered)
            await self._events.forget(self._events_kept)
            await self._deliveries.forget()
            await self._erasures.forget(KEPT, self._remembered)
        if self._rounds % _SEEN_EVERY == 0:
            with contextlib.suppress(errors.IndexUnavailable):  # the rest makes room
                await self._erasures.see(self._instance())
        self._rounds += 1

    async def _remove_purged(self) -> None:
        """Remove objects whose time has come.

        Each is claimed before: from then on nobody renders it again before its row is gone, so
        that no new object is removed with the old one. What a kill or a store that is away leaves
        behind comes up again.
        """
        for _ in range(_BATCHES):
            due = await self._links.purged(self._object_delay, _BATCH)
            claimed = await self._links.claim(due, self._object_delay)
            removed = 0
            for bucket in {link.image.bucket for link in claimed}:
                links = [link for link in claimed if link.image.bucket == bucket]
                # Nothing leads to these objects: remembering them longer does no harm.
                with contextlib.suppress(errors.ObjectStoreUnavailable):
                    await self._store.remove(links)
                    await self._links.forget(links)
                    removed += len(links)
            if removed < _BATCH:
                return

    async def _make_room(self) -> None:
        limit, buckets = self._disk_bytes, self._buckets
        if not limit:
            return
        over = await self._links.stored_bytes(buckets=buckets) - limit
        while over > 0:
            links = await self._links.least_used(_BATCH, buckets=buckets)
            if not links:
                return
            evicted = []
            for link in links:
                evicted.append(link)
                over -= link.size
                if over <= 0:
                    break
            # Links go out of use before their objects go, and in the index before the memory
            # that is read from it.
            await self._links.evict(evicted, self._evicted)
            for link in evicted:
                self._memory.drop(link.image, link.generation, link.variant)
            await self._store.remove(evicted)
            _log.info("renditions_evicted", count=len(evicted))
