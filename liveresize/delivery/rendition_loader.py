"""Where a rendition comes from: the index and the store, the spool, or a render."""

import asyncio
import enum
import functools
import hashlib
import time
from collections.abc import Callable
from typing import Protocol

import structlog

from liveresize import errors
from liveresize.core import ports
from liveresize.core.formats import is_known, sniff
from liveresize.core.jobs import Rendered, RenderJob
from liveresize.core.originals import Link, Original
from liveresize.core.ports import CachedImage, LinkList
from liveresize.core.rendition import Rendition
from liveresize.core.single_flight import Call, SingleFlight
from liveresize.core.urls import RenditionRequest
from liveresize.delivery.outcomes import Bytes, Cache, Streamed, Timings
from liveresize.delivery.overlays import Overlays
from liveresize.delivery.render_rates import RenderRates
from liveresize.observe.metrics import renders
from liveresize.storage.mirroring import Mirroring

_log = structlog.get_logger("liveresize.renditions")

FOREIGN_ENGINE = "0"
"""What a link has for its engine that another service has made: older than any of ours."""

_LISTED = 256
"""Links of one generation that are read at once; of one that has more, each is asked for."""

_ASK_EVERY = 5.0
"""Seconds between questions for the links of one generation behind answers from memory."""

_ASKED = 10_000
"""Generations whose last such question is remembered; for no others is there one."""

_STREAMED = 1 << 20
"""Bytes above which an object is passed on as it comes, rather than held in memory."""


class Publishing(Protocol):
    """What takes finished renditions off our hands; service.publisher is the real one."""

    def offer(self, original: Original, variant: str, rendered: Rendered) -> None: ...

    def stored(self, generation: str, variant: str) -> Link | None: ...

    def used(self, link: Link) -> None: ...

    def read(self, generation: str, variant: str) -> None: ...


class LinkState(enum.Enum):
    """What is known of the way over the link of a rendition."""

    OPEN = enum.auto()
    GONE = enum.auto()
    """Its object is no longer there."""
    BLOCKED = enum.auto()
    """Its store does not answer."""


class RenditionLoader:
    """Finds a rendition, or makes it; `engine` is the version of what renders."""

    def __init__(
        self,
        *,
        originals: ports.Originals,
        links: ports.Links,
        mirroring: Mirroring,
        renderer: ports.Renderer,
        store: ports.RenditionStore,
        spool: ports.Spool,
        memory: ports.Memory,
        publisher: Publishing,
        rates: RenderRates,
        overlays: Overlays,
        engine: str,
        monotonic: Callable[[], float],
    ) -> None:
        self._originals = originals
        self._links = links
        self._mirroring = mirroring
        self._renderer = renderer
        self._store = store
        self._spool = spool
        self._memory = memory
        self._publisher = publisher
        self._rates = rates
        self._overlays = overlays
        self._engine = engine
        self._monotonic = monotonic
        self._asked: dict[str, float] = {}
        self._quiet_until = 0.0
        self._asking: set[asyncio.Task[Link | None]] = set()
        self._link_lists: SingleFlight[LinkList] = SingleFlight()
        self._fetches: SingleFlight[CachedImage | None] = SingleFlight()
        self.renders = 0

    async def make(
        self,
        original: Original,
        request: RenditionRequest,
        client: str,
        way: LinkState,
        then: Rendition | None,
        flight: Call[Link | Bytes],
    ) -> Link | Bytes:
        """Find or render; behind a link that leads nowhere there is nothing to look up.

        Only a render needs the bytes of the original. `then` is that of RenderJob.
        """
        found = await self.find(original, request.rendition.variant, way)
        if found is not None:
            return found
        self._rates.charge(client, original.image)
        return await self.render(
            original, request, client, flight, stored=way is LinkState.BLOCKED, then=then
        )

    async def find(
        self, original: Original, variant: str, way: LinkState = LinkState.OPEN
    ) -> Link | Bytes | None:
        """The rendition, where it has been made: from index and spool, or what another service
        left. None where it has to be rendered."""
        link = await self.look_up(original, variant) if way is LinkState.OPEN else None
        if link is not None:
            return link
        spooled = await self._spool.read(original.generation, variant)
        if spooled is not None:
            held = await self._identify(original, variant, spooled)
            return Bytes(original=original, variant=variant, held=held, cache=Cache.HIT)
        stored = self._publisher.stored(original.generation, variant)
        if way is LinkState.OPEN and stored is not None:
            return stored
        if way is LinkState.OPEN and original.image.bucket:
            return await self._inherit(original, variant)
        return None

    async def _inherit(self, original: Original, variant: str) -> Bytes | None:
        """What another service left of this rendition, which has a link from now on.

        What was purged is left alone: it lies there until its time has come.
        """
        try:
            if await self._links.was_purged(original.generation, variant):
                return None
            found = await self._store.find_foreign(original, variant)
            if found is None or not is_known(found[1]):
                return None
            key, data = found
            held = await self._identify(original, variant, data)
            link = Link(
                image=original.image,
                generation=original.generation,
                variant=variant,
                key=key,
                mime=held.mime,
                etag=held.etag,
                size=len(data),
                engine=FOREIGN_ENGINE,
            )
            if await self._links.add(link):
                self._memory.keep_link(link)
        except errors.StoreError:
            return None
        return Bytes(original=original, variant=variant, held=held, cache=Cache.HIT)

    async def look_up(self, original: Original, variant: str) -> Link | None:
        """The link, from the index or, while that is down, from an older memory.

        The index is asked for all links of the generation: the other sizes of a picture are
        requested in the same moment.
        """
        generation = original.generation
        try:
            found = self._memory.link_list(generation)
            if found is None:
                found = await self._link_lists.run(generation, lambda _: self._list(generation))
            link = found.links.get(variant)
            if link is None and not found.complete:
                link = await self._links.find(generation, variant)
        except errors.IndexUnavailable:
            self._quiet_until = self._monotonic() + _ASK_EVERY
            link = self._memory.link(generation, variant, stale=True)
            if link is not None:
                self._publisher.used(link)
            return link
        if link is not None:
            self._memory.keep_link(link)
            self._publisher.used(link)
        return link

    def look_up_behind(self, original: Original, variant: str) -> None:
        """Have the link looked up while memory answers with the bytes; returns at once.

        One generation is asked for every few seconds at most, and none while the index does
        not answer.
        """
        now = self._monotonic()
        if now < self._quiet_until or now < self._asked.get(original.generation, 0.0):
            return
        self._asked.pop(original.generation, None)
        while self._asked and next(iter(self._asked.values())) <= now:  # the oldest go first
            del self._asked[next(iter(self._asked))]
        if len(self._asked) >= _ASKED:
            return
        self._asked[original.generation] = now + _ASK_EVERY
        task = asyncio.create_task(self.look_up(original, variant))
        self._asking.add(task)
        task.add_done_callback(self._asking.discard)

    async def _list(self, generation: str) -> LinkList:
        links = await self._links.of(generation, _LISTED)
        found = LinkList(
            links={link.variant: link for link in links}, complete=len(links) < _LISTED
        )
        self._memory.keep_link_list(generation, found)
        return found

    async def was_linked(self, original: Original, variant: str) -> bool:
        """Whether the index has a link, in use or not; False while it is away."""
        try:
            return await self._links.was_purged(original.generation, variant) is not None
        except errors.IndexUnavailable:
            return False

    async def fetch(self, original: Original, link: Link) -> Bytes | Streamed | None:
        """The bytes behind a link; None when they are gone.

        Few are read once for all who ask, and held; many are streamed to each. Raises
        ObjectStoreUnavailable.
        """
        if link.size > _STREAMED:
            return await self._stream(original, link)
        key = (link.generation, link.variant)
        held = await self._fetches.run(key, lambda _: self._read(link))
        if held is None:
            return None
        return Bytes(original=original, variant=link.variant, held=held, cache=Cache.HIT)

    async def _read(self, link: Link) -> CachedImage | None:
        data = await self._store.read(link)
        if data is None:
            self._miss(link)
            return None
        held = CachedImage(
            data=data,
            mime=link.mime,
            etag=link.etag,
            engine=link.engine,
            quality=link.quality,
        )
        self._memory.put(link.generation, link.variant, held)
        return held

    async def _stream(self, original: Original, link: Link) -> Streamed | None:
        body = await self._store.open(link)
        if body is None:
            self._miss(link)
            return None
        part = functools.partial(self._store.open, link)
        return Streamed(original=original, link=link, body=body, part=part)

    def _miss(self, link: Link) -> None:
        self._memory.drop(link.image, link.generation, link.variant)
        _log.warning("rendition_gone", image_id=link.image.key, variant=link.variant)

    async def _identify(self, original: Original, variant: str, data: bytes) -> CachedImage:
        """Spooled bytes, with the facts that were not spooled with them."""
        etag = await asyncio.to_thread(lambda: hashlib.sha256(data).hexdigest())
        quality = self._spool.quality(original.generation, variant)
        held = CachedImage(data=data, mime=sniff(data).mime, etag=etag, quality=quality)
        self._memory.put(original.generation, variant, held)
        return held

    async def render_once(
        self, original: Original, request: RenditionRequest, client: str
    ) -> Bytes:
        """Render for this request only, and keep nothing; see `render`. Of a hidden picture the
        client is charged, since each request is a render."""
        if original.record.hidden:
            self._rates.charge(client, original.image)
        return await self.render(original, request, client, None)

    async def render(
        self,
        original: Original,
        request: RenditionRequest,
        client: str,
        flight: Call[Link | Bytes] | None,
        *,
        stored: bool = False,
        then: Rendition | None = None,
    ) -> Bytes:
        """Render in a slot. Without a flight nothing is kept; what is `stored` already is
        not stored again; `then` is that of RenderJob. Raises OriginalElsewhere where the original
        cannot be had, and OverlayUnavailable where its overlay cannot."""
        await self._mirroring.bring(original)
        mark = request.rendition.overlay
        overlay = None if mark is None else await self._overlays.job(mark)
        asked, handle = time.perf_counter(), flight or ports.JobHandle(client=client)
        variant = request.rendition.variant
        path = str(self._originals.path(original))
        job = RenderJob(path=path, rendition=request.rendition, then=then, overlay=overlay)
        self.renders += 1
        try:
            rendered = await self._renderer.run(job, handle=handle)
        except BaseException as error:
            renders.failed(request.rendition.format, error)
            raise
        timings = Timings(
            queue=((handle.begun_at or asked) - asked) * 1000,
            decode=rendered.decode_ms,
            resize=rendered.resize_ms,
            encode=rendered.encode_ms,
        )
        renders.done(rendered.format, time.perf_counter() - asked, timings)
        self._rates.rendered(original.image, timings)
        held = CachedImage(
            data=rendered.data,
            mime=rendered.format.mime,
            etag=rendered.etag,
            notes=rendered.notes,
            engine=self._engine,
            quality=rendered.quality,
        )
        if flight is not None and self._current(original):
            self._memory.put(original.generation, variant, held)
            if not stored and self._overlays.may_store(original, request.rendition):
                self._publisher.offer(original, variant, rendered)
        return Bytes(
            original=original,
            variant=variant,
            held=held,
            cache=Cache.MISS if flight is not None else Cache.BYPASS,
            timings=timings,
        )

    def _current(self, original: Original) -> bool:
        """Whether the generation has not ended and is not hidden, as far as this process has
        heard."""
        known = self._memory.original(original.image)
        return known is not None and known.generation == original.generation
