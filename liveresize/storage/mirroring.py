"""Keep originals in two places: on this disk, and in a bucket that every instance reads.

The queue of the mirror are the rows without a `mirrored_at`, so that it survives the loss of a
process or a machine.
"""

import asyncio
import contextlib

import structlog

from liveresize import errors
from liveresize.core import ports
from liveresize.core.names import ImageId
from liveresize.core.originals import Original
from liveresize.core.single_flight import Call, SingleFlight
from liveresize.observe.tracing import spans
from liveresize.settings.pictures import Originals

_log = structlog.get_logger("liveresize.mirroring")

_MAIN = ImageId("_")
"""A placeholder for every picture of the main namespace."""

_BATCH = 100
"""Rows in one query of `catch_up`."""

FETCH_SHARE = 0.5
"""The share of the disk's reserve below which no originals are fetched.

Renditions are not stored below twice the reserve, and uploads are refused below the reserve.
Pictures are served for longer, but copies of originals in a bucket must not fill the disk.
"""


class Mirroring:
    """Completes the mirror, and limits its originals on disk; without a mirror it does nothing."""

    def __init__(
        self,
        settings: Originals,
        *,
        mirror: ports.Mirror | None,
        originals: ports.Originals,
        rows: ports.OriginalRows,
        mirror_queue: ports.MirrorQueue,
    ) -> None:
        self._settings = settings
        self._mirror = mirror
        self._originals = originals
        self._rows = rows
        self._mirror_queue = mirror_queue
        self._fetches: SingleFlight[None] = SingleFlight()
        self._late: list[Original] = []  # mirrored after they had ended, and still there
        self.backlog = 0
        """Originals on this disk that the mirror lacked in the last `catch_up`."""
        self.oldest: float | None = None
        """Unix seconds of the upload of the oldest one; None if there was none."""

    def takes(self, image: ImageId) -> bool:
        """Whether there is a mirror for originals of that namespace."""
        return self._mirror is not None and self._mirror.takes(image)

    async def offer(self, original: Original) -> bool:
        """Mirror an upload before it is committed; whether that worked in time.

        Otherwise `catch_up` does it later. Raises ObjectStoreUnavailable instead if the mirror
        is strict, and BucketMissing if the store has no such bucket.
        """
        if self._mirror is None or not self._mirror.takes(original.image):
            return False
        try:
            with spans.measured("mirror"):
                async with asyncio.timeout(self._settings.mirror_wait):
                    await self._mirror.put(self._originals.path(original), original)
        except errors.BucketMissing:
            raise
        except (errors.ObjectStoreUnavailable, errors.OriginalMissing, TimeoutError) as error:
            reason = (
                getattr(error, "detail", "") or f"no answer within {self._settings.mirror_wait} s"
            )
            _log.warning("mirror_delayed", image_id=original.image.key, error=reason)
            if self._settings.mirror_strict:
                raise errors.ObjectStoreUnavailable("", reason) from error
            return False
        return True

    async def remove(self, original: Original) -> None:
        """Remove an original from the mirror. Raises ObjectStoreUnavailable."""
        if self._mirror is None or not self._mirror.takes(original.image):
            return
        with contextlib.suppress(errors.BucketMissing):
            await self._mirror.remove(original)

    async def bring(self, original: Original) -> None:
        """Fetch an original from the mirror, unless it is on this disk.

        It is fetched once for all concurrent callers. Raises OriginalElsewhere if that is not
        possible: the mirror does not have it (yet) or does not answer, or this disk is full.
        """
        if self._originals.exists(original):
            return
        mirror = self._mirror
        if mirror is None or not mirror.takes(original.image):
            raise errors.OriginalElsewhere("", "it is not on this disk, and there is no mirror")

        async def fetch(call: Call[None]) -> None:
            call.begin()  # whoever asks next wants it too
            await self._fetch(mirror, original)

        await self._fetches.run(original.generation, fetch)

    async def _fetch(self, mirror: ports.Mirror, original: Original) -> None:
        try:
            staged = self._originals.staging(
                original.generation, need=original.bytes, share=FETCH_SHARE
            )
            try:
                if not await mirror.fetch(original, staged):
                    raise errors.OriginalElsewhere("", "the mirror does not have it whole")
                await self._originals.restore(staged, original)
            finally:
                await asyncio.to_thread(staged.unlink, missing_ok=True)
        except (errors.ObjectStoreUnavailable, errors.BucketMissing) as error:
            _log.warning("mirror_unreachable", image_id=original.image.key, error=error.detail)
            raise errors.OriginalElsewhere("", error.detail) from error
        except errors.DiskFull as error:
            raise errors.OriginalElsewhere("", f"no room to fetch it: {error.detail}") from error
        if await self._ended(original):
            await self._originals.remove(original)
            raise errors.OriginalElsewhere("", "it was deleted while it was fetched")
        _log.info("original_fetched", image_id=original.image.key, bytes=original.bytes)

    async def _ended(self, original: Original) -> bool:
        """Whether the original was deleted while it was fetched."""
        with contextlib.suppress(errors.IndexUnavailable):
            return await self._rows.of(original.generation) is None
        return False

    async def catch_up(self) -> None:
        """Mirror originals on this disk that the mirror lacks. Raises IndexUnavailable."""
        if self._mirror is None:
            return
        late, self._late = self._late, []
        for original in late:
            await self._withdraw(original)
        after, missing = "", 0
        oldest: float | None = None
        silent: set[str] = set()
        main = self._mirror.takes(_MAIN)
        while batch := await self._mirror_queue.waiting(after, _BATCH, main=main):
            after = batch[-1].generation
            for original in batch:
                if not self._originals.exists(original):
                    continue  # another instance has it
                missing += 1
                self.backlog = max(self.backlog, missing)
                if original.image.bucket not in silent:
                    if await self._supply(self._mirror, original):
                        missing -= 1
                        continue
                    if not self._mirror.healthy:
                        # One attempt a round is enough to see a bucket come back; the rest
                        # is counted. Others may answer meanwhile.
                        silent.add(original.image.bucket)
                oldest = oldest or original.uploaded_at
        self.backlog, self.oldest = missing, oldest

    async def _supply(self, mirror: ports.Mirror, original: Original) -> bool:
        """Mirror one original; return whether it needs no further attempt."""
        try:
            await mirror.put(self._originals.path(original), original)
        except errors.ObjectStoreUnavailable as error:
            if mirror.healthy:
                _log.warning("mirror_delayed", image_id=original.image.key, error=error.detail)
            return False
        except errors.BucketMissing as error:
            _log.warning("mirror_delayed", image_id=original.image.key, error=error.detail)
            return False
        except errors.OriginalMissing as error:
            if not self._originals.exists(original):
                return True  # deleted meanwhile
            _log.error("original_not_whole", image_id=original.image.key, error=error.detail)
            return False
        if not await self._mirror_queue.done(original.generation):
            await self._withdraw(original)
        return True

    async def _withdraw(self, original: Original) -> None:
        """Remove an original from the mirror that has ended meanwhile, now or in the next round.

        In buckets it stays if the picture has a row again.
        """
        try:
            if not (original.image.bucket and await self._rows.find(original.image)):
                await self.remove(original)
        except errors.StoreError:
            self._late.append(original)

    async def make_room(self) -> None:
        """Remove mirrored originals from this disk, the least recently read ones first.

        Raises IndexUnavailable.
        """
        if self._mirror is None or not self._settings.cache_bytes:
            return
        files = await self._originals.kept()
        over = sum(one.bytes for one in files) - self._settings.cache_bytes
        removed = 0
        for start in range(0, len(files), _BATCH):
            if over <= 0:
                break
            batch = files[start : start + _BATCH]
            mirrored = await self._mirror_queue.done_of([one.generation for one in batch])
            for one in batch:
                if over > 0 and one.generation in mirrored:
                    await self._originals.discard(one)
                    over -= one.bytes
                    removed += 1
        if removed:
            _log.info("originals_evicted", count=removed)
