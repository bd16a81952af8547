"""Behind the response: store, then link, until it is done.

A link is written only once its object is in the store, so that a redirect never leads to
nothing. On its way to S3 a rendition lies in the spool, and its file there goes last: whatever
dies in between, the next start resumes. The disk here takes renditions in groups; what a kill
keeps from it is made again, and housekeeping removes a file without a link.
"""

import asyncio
import hashlib
import random
import time
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

import structlog

from liveresize import errors
from liveresize.core import ports
from liveresize.core.formats import EXTENSIONS
from liveresize.core.jobs import Rendered
from liveresize.core.originals import Link, Original, ended
from liveresize.core.ports import Added
from liveresize.delivery.gathering import Gathering
from liveresize.delivery.link_writer import LinkWriter
from liveresize.observe.tracing import spans

_log = structlog.get_logger("liveresize.publisher")

T = TypeVar("T")

_ON_THEIR_WAY = 10_000
"""Renditions above which no more are kept that no spool bounds, while the index is away."""

_USED = 100_000
"""Uses that wait for an index that is away."""

_MAX_PAUSE = 30.0
"""Seconds of the longest pause between attempts."""

LINKED_WITHIN = 300.0
"""Seconds within which an object must have a link, or be stored again. While it has none, the
removal of an older object of that key is only postponed."""


class Publisher:
    """Takes finished renditions to where they are kept.

    `concurrency` renditions are stored at once, and one original has up to `max_variants`;
    `engine` is the version of what rendered them.
    """

    def __init__(
        self,
        *,
        concurrency: int,
        max_variants: int,
        engine: str,
        rows: ports.OriginalRows,
        links: ports.Links,
        purges: ports.Purges,
        store: ports.RenditionStore,
        spool: ports.Spool,
        memory: ports.Memory,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._concurrency = concurrency
        self._max_variants = max_variants
        self._engine = engine
        self._rows = rows
        self._links = links
        self._writer = LinkWriter(links, max_variants)
        self._gathering: Gathering[tuple[Link, bytes]] = Gathering(self._send)
        self._purges = purges
        self._store = store
        self._spool = spool
        self._memory = memory
        self._monotonic = monotonic
        self._turn = asyncio.Semaphore(concurrency)
        self._tasks: set[asyncio.Task[None]] = set()
        self._groups: set[asyncio.Task[None]] = set()
        self._grouped: set[tuple[str, str]] = set()
        self._left: deque[Path] = deque()
        self._coming: dict[str, dict[str, Link | None]] = {}
        self._used: dict[tuple[str, str], None] = {}
        self._spans: dict[tuple[str, str], spans.Span] = {}
        self.attempts = 0
        self.failures = 0
        self.published = 0
        self.refused = 0

    @property
    def backlog(self) -> int:
        """How many renditions are on their way."""
        return len(self._tasks) + len(self._grouped) + len(self._left)

    def offer(self, original: Original, variant: str, rendered: Rendered) -> None:
        """Take a finished rendition; returns at once.

        One that is on its way already is not taken twice. One for which its original has no
        room is not kept; nor are, without a spool, more than so many at once.
        """
        generation = original.generation
        if variant in self._coming.get(generation, ()) or not self._has_room(original, variant):
            return
        spooled = self._store.direct(original.image) is None
        if not spooled and len(self._grouped) >= _ON_THEIR_WAY:
            self.refused += 1
            return
        extension, size = rendered.format.extension, len(rendered.data)
        link = self._link(
            original, variant, self._engine, extension, rendered.etag, size, rendered.quality
        )
        self._coming.setdefault(generation, {})[variant] = None
        span = spans.begun("publish")
        if span is not None:
            self._spans[generation, variant] = span
        if spooled:
            with spans.entered(span or spans.current()):
                self._spawn(self._publish(link, extension, rendered.data))
            return
        self._grouped.add((generation, variant))
        # What memory does not hold can be found only once it is stored.
        held = self._memory.held(generation, variant) is not None
        self._gathering.add((link, rendered.data), hurry=not held)

    def on_its_way(self, generation: str, variant: str) -> bool:
        """Whether a rendition may be in the store before its link is written."""
        coming = self._coming.get(generation, ())
        return variant in coming or self._spool.holds(generation, variant)

    def stored(self, generation: str, variant: str) -> Link | None:
        """The link of a rendition that is in the store, and whose link is yet to be written."""
        return self._coming.get(generation, {}).get(variant)

    def used(self, link: Link) -> None:
        """Note that a link was used, for `take_used` to report."""
        self._used[link.generation, link.variant] = None

    def read(self, generation: str, variant: str) -> None:
        """Note that memory answered with a rendition, which may have a link."""
        self._used[generation, variant] = None

    def take_used(self) -> list[tuple[str, str]]:
        """(generation, variant) of the links used since the last call."""
        used, self._used = self._used, {}
        return list(used)

    def put_back(self, used: list[tuple[str, str]]) -> None:
        """Take back what `take_used` gave, for the next call; too many are forgotten."""
        room = max(0, _USED - len(self._used))
        self._used.update(dict.fromkeys(used[:room]))

    async def resume(self) -> int:
        """Take up what an earlier run left in the spool; returns how many."""
        self._left.extend(await self._spool.entries())
        count = len(self._left)
        # A few at a time, each to its end: thousands at once would all be ready last, and
        # so would whatever is rendered meanwhile.
        for _ in range(min(count, self._concurrency)):
            self._spawn(self._resume_from(self._left.popleft()))
        return count

    async def flush(self, patience: float) -> int:
        """Wait up to `patience` seconds for the backlog; returns what is left of it.

        What is left is stopped. The next start takes up what is in the spool; the rest is made
        again.
        """
        self._gathering.hurry()
        self._writer.hurry()
        running = self._tasks | self._groups
        if running:
            await asyncio.wait(running, timeout=patience)
        # Of a group, each rendition counts.
        left = self.backlog
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await self._writer.close()
        return left

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _publish(self, link: Link, extension: str, data: bytes) -> None:
        """Spool, store and link one rendition."""
        try:
            path = await self._spool.put(
                link.generation, link.variant, self._engine, extension, data, link.quality
            )
            del data  # a long outage must not keep the whole spool in memory
            await self._deliver(path, link)
        except errors.DiskFull as error:
            self._refuse(link, error)
        finally:
            self._arrived(link)

    def _send(self, group: list[tuple[Link, bytes]]) -> None:
        task = asyncio.create_task(self._publish_group(group))
        self._groups.add(task)
        task.add_done_callback(self._groups.discard)

    async def _publish_group(self, group: list[tuple[Link, bytes]]) -> None:
        """Store renditions together, then link them in one transaction."""
        links = [link for link, _ in group]
        try:
            stored = await self._store_group(group)
            group.clear()  # no bytes wait for the index
            try:
                began = time.perf_counter()
                outcomes = await self._writer.add_all(stored) if stored else []
                self._note("index", stored, began)
            except errors.StoreError as error:
                await asyncio.gather(*(self._add_after(link, error) for link in stored))
                return
            for link, added in zip(stored, outcomes, strict=True):
                await self._settle(link, added)
        finally:
            for link in links:
                self._arrived(link)

    async def _store_group(self, group: list[tuple[Link, bytes]]) -> list[Link]:
        """The links of those that the store has taken."""
        async with self._turn:
            self.attempts += len(group)
            direct = self._store.direct(group[0][0].image)
            assert direct is not None  # or it was spooled
            began = time.perf_counter()
            outcomes = await direct.publish_all(group)
            self._note("store", [link for link, _ in group], began)
        stored = []
        for (link, _), error in zip(group, outcomes, strict=True):
            if error is None:
                self._coming.setdefault(link.generation, {})[link.variant] = link
                stored.append(link)
            else:
                self._refuse(link, error)
        return stored

    def _note(self, step: str, links: list[Link], began: float) -> None:
        """Record a step that was done for a group, for each of it that is recorded."""
        ended = time.perf_counter()
        for link in links:
            span = self._spans.get((link.generation, link.variant))
            if span is not None:
                span.past(step, began, ended)

    async def _add_after(self, link: Link, error: errors.StoreError) -> None:
        """Write the link of an object whose group could not be linked because of `error`."""

        async def failed() -> Added:
            raise error

        added = await self._insist(link.image.key, failed, lambda: self._add_again(link))
        await self._settle(link, added)
        self._arrived(link)

    def _arrived(self, link: Link) -> None:
        """The rendition is no longer on its way."""
        self._grouped.discard((link.generation, link.variant))
        span = self._spans.pop((link.generation, link.variant), None)
        if span is not None:
            span.end()
        coming = self._coming.get(link.generation, {})
        coming.pop(link.variant, None)
        if not coming:
            self._coming.pop(link.generation, None)

    async def _resume_from(self, path: Path) -> None:
        """Resume `path`, and then what is left."""
        await self._resume(path)
        while self._left:
            await self._resume(self._left.popleft())

    async def _resume(self, path: Path) -> None:
        generation, variant, engine, extension = self._spool.parse(path)
        original = await self._insist(path.name, lambda: self._rows.of(generation))
        link = None
        if original is not None and original.record.hidden:
            # It may have been stored after its other objects were removed.
            gone = self._link(original, variant, engine, extension, "", 0)
            await self._insist(path.name, lambda: self._store.remove([gone]))
        elif original is not None:
            link = await self._relink(original, variant, engine, extension)
        else:
            about = path.name
            await self._insist(about, lambda: self._undo(generation, variant, engine, extension))
        if link is None:
            await self._spool.remove(path)
            return
        try:
            await self._deliver(path, link)
        finally:
            self._arrived(link)

    async def _undo(self, generation: str, variant: str, engine: str, extension: str) -> None:
        """Remove what an earlier run may have stored of a picture that was deleted since.

        In buckets things lie under the name of the picture, which may be another's by now.
        """
        image = await self._purges.ended(generation)
        if image is not None and not image.bucket:
            link = self._link(ended(image, generation), variant, engine, extension, "", 0)
            await self._store.remove([link])

    async def _relink(
        self, original: Original, variant: str, engine: str, extension: str
    ) -> Link | None:
        """The link that a spooled rendition will have; None where its bytes are gone."""
        data = await self._spool.read(original.generation, variant)
        if not data:
            return None
        etag = await asyncio.to_thread(lambda: hashlib.sha256(data).hexdigest())
        quality = self._spool.quality(original.generation, variant)
        return self._link(original, variant, engine, extension, etag, len(data), quality)

    def _has_room(self, original: Original, variant: str) -> bool:
        """Whether the original may have one more variant, with those on their way, as far as
        memory knows."""
        variants = set(self._coming.get(original.generation, ()))
        listed = self._memory.link_list(original.generation)
        if listed is not None:
            variants.update(listed.links)
        count = len(variants)
        if count < self._max_variants or variant in variants:
            return True
        self._refuse_variant(original.image.key, count)
        return False

    def _refuse_variant(self, about: str, count: int) -> None:
        self.refused += 1
        _log.info("variants_full", image_id=about, variants=count)

    async def _deliver(self, path: Path, link: Link) -> None:
        """Store, then link, each until it is done; the spooled file goes last."""
        try:
            while True:
                stored_at = await self._insist_on_storing(path, link)
                added = await self._add(link, stored_at + LINKED_WITHIN)
                if added is not None:
                    break
        except errors.DiskFull as error:
            self._refuse(link, error)
        else:
            await self._settle(link, added)
        await self._spool.remove(path)

    async def _add(self, link: Link, until: float) -> Added | None:
        """Write the link of an object; return None if that was not possible until then."""
        self._coming.setdefault(link.generation, {})[link.variant] = link

        async def again() -> Added | None:
            if self._monotonic() < until:
                return await self._add_again(link)
            self._coming[link.generation][link.variant] = None
            return None

        return await self._insist(link.image.key, lambda: self._writer.add(link), again)

    async def _settle(self, link: Link, added: Added) -> None:
        """Remember a link that was written; remove the object of one that was not."""
        if added is Added.ADDED:
            self.published += 1
            self._memory.keep_link(link)
            return
        if added is Added.FULL:
            self._refuse_variant(link.image.key, self._max_variants)
            self._memory.drop_link_list(link.generation)
            if await self._insist(
                link.image.key, lambda: self._links.is_leaving(link.generation, link.key)
            ):
                return  # redirects of its purged link may still lead to it
        await self._insist(link.image.key, lambda: self._store.remove([link]))

    async def _insist_on_storing(self, source: Path, link: Link) -> float:
        """Store until the store answers; return the time from which the object is there.

        Raises DiskFull.
        """
        return await self._insist(link.image.key, lambda: self._store_once(source, link))

    async def _store_once(self, source: Path, link: Link) -> float:
        """One attempt, which is counted."""
        async with self._turn:
            self.attempts += 1
            try:
                began = self._monotonic()
                with spans.measured("store"):
                    await self._postpone_removal(link)
                    await self._store.publish(source, link)
            except errors.StoreError:
                self.failures += 1
                raise
            return began

    async def _postpone_removal(self, link: Link) -> None:
        """Keep an older object of that key from being removed with the new one.

        Raises ObjectStoreUnavailable while it is being removed, and IndexUnavailable.
        """
        if not await self._links.is_leaving(link.generation, link.key):
            return
        if not await self._links.postpone(link.generation, link.key):
            raise errors.ObjectStoreUnavailable("", "an older object is being removed")

    async def _add_again(self, link: Link) -> Added:
        """Another attempt; only some are made at once."""
        async with self._turn:
            return await self._writer.add_alone(link)

    async def _insist(
        self,
        about: str,
        step: Callable[[], Awaitable[T]],
        again: Callable[[], Awaitable[T]] | None = None,
    ) -> T:
        """What `step` returns, tried with growing pauses until its store answers.

        After a failure `again` is tried, where that is something else.
        """
        pauses, said = self._pauses(), False
        while True:
            try:
                return await step()
            except errors.StoreError as error:
                step = again or step
                if not said:  # an outage has a spool full of these, each tried many times
                    _log.warning("publish_delayed", image_id=about, error=error.detail)
                said = True
                await asyncio.sleep(next(pauses))

    def _refuse(self, link: Link, error: errors.DiskFull) -> None:
        self.refused += 1
        _log.warning("rendition_not_kept", image_id=link.image.key, reason=error.detail)

    def _link(
        self,
        original: Original,
        variant: str,
        engine: str,
        extension: str,
        etag: str,
        size: int,
        quality: int | None = None,
    ) -> Link:
        return Link(
            image=original.image,
            generation=original.generation,
            variant=variant,
            key=self._store.key(original, variant, engine, extension),
            mime=EXTENSIONS[extension].mime,
            etag=etag,
            size=size,
            engine=engine,
            quality=quality,
        )

    def _pauses(self) -> Iterator[float]:
        """Seconds between attempts: doubling, jittered, without end."""
        pause = 0.25
        while True:
            yield pause * random.uniform(0.5, 1.0)  # noqa: S311 (jitter is no secret)
            pause = min(pause * 2, _MAX_PAUSE)
