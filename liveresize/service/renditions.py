"""The main job: from a request for a picture to the answer, with as little work as can be."""

import asyncio
import hashlib
import time
from dataclasses import dataclass, field, replace
from typing import Protocol

import structlog

from liveresize import errors, ports
from liveresize.domain import geometry, urls
from liveresize.domain.geometry import Bounds
from liveresize.domain.jobs import Rendered, RenderJob
from liveresize.domain.originals import Link, Original
from liveresize.domain.rendition import Format, sniff
from liveresize.domain.urls import RenditionRequest
from liveresize.ports import Held
from liveresize.service.catalogue import Catalogue
from liveresize.service.inflight import Flight, Inflight
from liveresize.service.outcomes import (
    Bytes,
    Cache,
    Found,
    Known,
    OutOfBounds,
    Timings,
)
from liveresize.service.rates import Rates

_log = structlog.get_logger("liveresize.renditions")


@dataclass(frozen=True, slots=True, kw_only=True)
class RenditionsOptions:
    """`bounds` of what is made, and whether finished renditions are redirected to."""

    bounds: Bounds = field(default_factory=lambda: Bounds(2000, 2000))
    redirect: bool = True


class Publishing(Protocol):
    """What takes finished renditions off our hands; service.publisher is the real one."""

    def offer(self, original: Original, variant: str, rendered: Rendered) -> None: ...

    def used(self, link: Link) -> None: ...


class Renditions:
    """Answers requests for renditions and originals."""

    def __init__(
        self,
        options: RenditionsOptions,
        *,
        catalogue: Catalogue,
        originals: ports.Originals,
        index: ports.Index,
        renderer: ports.Renderer,
        store: ports.RenditionStore,
        spool: ports.Spool,
        memory: ports.Memory,
        publisher: Publishing,
        rates: Rates,
    ) -> None:
        self._options = options
        self._catalogue = catalogue
        self._originals = originals
        self._index = index
        self._renderer = renderer
        self._store = store
        self._spool = spool
        self._memory = memory
        self._publisher = publisher
        self._rates = rates
        self._jobs: Inflight[Link | Bytes] = Inflight()
        self.renders = 0

    def recall(self, request: RenditionRequest) -> Found | Bytes | None:
        """What memory alone can answer, without an `await`; None where it cannot."""
        original = self._memory.original(request.image)
        if original is None:
            return None
        return self._recall(original, request.rendition.variant, self._redirects(request))

    def _recall(
        self, original: Original, variant: str, redirect: bool, *, stale: bool = False
    ) -> Found | Bytes | None:
        if redirect:
            link = self._memory.link(original.generation, variant, stale=stale)
            if link is not None:
                self._publisher.used(link)
                return Found(url=self._store.url(link), link=link)
        held = self._memory.held(original.generation, variant)
        if held is None:
            return None
        return Bytes(original=original, variant=variant, held=held, cache=Cache.MEMORY)

    def _redirects(self, request: RenditionRequest) -> bool:
        return self._options.redirect and not request.proxy and self._store.healthy

    async def serve(
        self, request: RenditionRequest, *, client: str = "", fresh: bool = False
    ) -> Found | Bytes | OutOfBounds:
        """The rendition: from memory, the store, the spool, or rendered now.

        `fresh` renders whatever is kept and keeps nothing. Raises OriginalMissing,
        OriginalElsewhere, ImageError and its kin, Overload and its kin.
        """
        if not fresh:
            recalled = self.recall(request)
            if recalled is not None:
                return recalled
        original = await self._catalogue.facts(request.image)
        outside = self._check_bounds(original, request)
        if outside is not None:
            return outside
        if fresh:
            return await self._render(original, request, None)
        return await self._join(original, request, client)

    async def _join(
        self, original: Original, request: RenditionRequest, client: str
    ) -> Found | Bytes:
        variant, redirect = request.rendition.variant, self._redirects(request)
        key = (original.generation, variant)
        unlinked = False
        while True:
            # From here to `run` there is no await, so that no second render can begin.
            recalled = self._recall(original, variant, redirect)
            if recalled is not None:
                return recalled
            joining = self._jobs.joins(key)

            async def make(flight: Flight[Link | Bytes], unlinked: bool = unlinked) -> Link | Bytes:
                return await self._make(original, request, client, flight, unlinked)

            try:
                made = await self._jobs.run(key, make)
            except errors.RateLimited:
                if joining:
                    continue  # it was another client that is over its rate
                raise
            if isinstance(made, Bytes):
                if joining and made.cache is Cache.MISS:
                    return replace(made, cache=Cache.COALESCED)
                return made
            if redirect:
                return Found(url=self._store.url(made), link=made)
            held = await self._fetch(made)
            if held is not None:
                return Bytes(original=original, variant=variant, held=held, cache=Cache.HIT)
            unlinked = True

    async def _make(
        self,
        original: Original,
        request: RenditionRequest,
        client: str,
        flight: Flight[Link | Bytes],
        unlinked: bool,
    ) -> Link | Bytes:
        """Find or render; `unlinked` says that the link is known to lead nowhere."""
        variant = request.rendition.variant
        link = None if unlinked else await self._look_up(original, variant)
        if link is not None:
            return link
        spooled = await self._spool.read(original.generation, variant)
        if spooled is not None:
            held = await self._identify(original, variant, spooled)
            return Bytes(original=original, variant=variant, held=held, cache=Cache.HIT)
        self._rates.charge(client)
        return await self._render(original, request, flight)

    async def _look_up(self, original: Original, variant: str) -> Link | None:
        """The link, from the index or, while that is down, from an older memory."""
        try:
            link = await self._index.link(original.generation, variant)
        except errors.IndexUnavailable:
            return self._memory.link(original.generation, variant, stale=True)
        if link is not None:
            self._memory.keep_link(link)
            self._publisher.used(link)
        return link

    async def _fetch(self, link: Link) -> Held | None:
        """The bytes behind a link; None when they are gone or out of reach."""
        try:
            data = await self._store.read(link)
        except errors.ObjectStoreUnavailable:
            return None
        if data is None:
            self._memory.drop(link.image, link.generation, link.variant)
            _log.warning("rendition_gone", image_id=link.image.key, variant=link.variant)
            return None
        held = Held(data=data, mime=link.mime, etag=link.etag)
        self._memory.hold(link.generation, link.variant, held)
        return held

    async def _identify(self, original: Original, variant: str, data: bytes) -> Held:
        """Spooled bytes, with the facts that were not spooled with them."""
        etag = await asyncio.to_thread(lambda: hashlib.sha256(data).hexdigest())
        held = Held(data=data, mime=sniff(data).mime, etag=etag)
        self._memory.hold(original.generation, variant, held)
        return held

    async def _render(
        self,
        original: Original,
        request: RenditionRequest,
        flight: Flight[Link | Bytes] | None,
    ) -> Bytes:
        """Render in a slot. Without a flight nothing is kept."""
        asked, begun = time.perf_counter(), 0.0

        def begin() -> None:
            nonlocal begun
            begun = time.perf_counter()
            if flight is not None:
                flight.begun = True

        variant = request.rendition.variant
        job = RenderJob(path=str(self._originals.path(original)), rendition=request.rendition)
        self.renders += 1
        rendered = await self._renderer.run(job, on_begin=begin)
        held = Held(
            data=rendered.data,
            mime=rendered.format.mime,
            etag=rendered.etag,
            width=rendered.width,
            height=rendered.height,
            notes=rendered.notes,
        )
        if flight is not None and self._current(original):
            self._memory.hold(original.generation, variant, held)
            self._publisher.offer(original, variant, rendered)
        return Bytes(
            original=original,
            variant=variant,
            held=held,
            cache=Cache.MISS if flight is not None else Cache.BYPASS,
            timings=Timings(
                queue=(begun - asked) * 1000,
                decode=rendered.decode_ms,
                resize=rendered.resize_ms,
                encode=rendered.encode_ms,
            ),
        )

    def _current(self, original: Original) -> bool:
        """Whether the generation has not ended, as far as this process has heard."""
        known = self._memory.original(original.image)
        return known is not None and known.generation == original.generation

    def _check_bounds(self, original: Original, request: RenditionRequest) -> OutOfBounds | None:
        rendition = request.rendition
        bounds = self._options.bounds.capped(rendition.format.max_side)
        box = geometry.nearest_allowed(original.size, rendition, bounds)
        if box is None:
            return None
        width, height = geometry.output_size(original.size, rendition)
        return OutOfBounds(
            url=urls.resized(request, *box),
            reason=(
                f"The requested picture ({width}x{height}) or its box is larger than "
                f"{bounds.max_width}x{bounds.max_height}."
            ),
        )

    async def known(self, request: RenditionRequest) -> Known | OutOfBounds:
        """The checks of `serve`, and what is known without rendering anything."""
        original = await self._catalogue.facts(request.image)
        outside = self._check_bounds(original, request)
        if outside is not None:
            return outside
        rendition = request.rendition
        variant = rendition.variant
        return Known(
            original=original,
            variant=variant,
            mime=rendition.format.mime if isinstance(rendition.format, Format) else "",
            link=self._memory.link(original.generation, variant, stale=True)
            or await self._look_up(original, variant),
            held=self._memory.held(original.generation, variant),
        )
