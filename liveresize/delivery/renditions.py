"""The main job: from a request for a picture to the answer, with as little work as can be."""

import asyncio
import contextlib
import functools
from collections.abc import Iterator
from dataclasses import replace

from liveresize import errors
from liveresize.core import geometry, ports, urls
from liveresize.core.formats import Format
from liveresize.core.geometry import Bounds
from liveresize.core.originals import Link, Original
from liveresize.core.rendition import Rendition
from liveresize.core.single_flight import SingleFlight
from liveresize.core.urls import RenditionRequest
from liveresize.delivery.original_lookup import OriginalLookup
from liveresize.delivery.outcomes import Bytes, Cache, HeadInfo, OutOfBounds, Redirect, Streamed
from liveresize.delivery.overlays import Overlays
from liveresize.delivery.rendition_loader import LinkState, Publishing, RenditionLoader
from liveresize.delivery.two_speed import SLOW, TwoSpeed
from liveresize.delivery.visual_qualities import VisualQualities

_IMPROVING = 256
"""Renditions that are made behind quicker ones, or wait for that; more are left."""


class Renditions:
    """Answers requests for renditions and originals.

    `bounds` are those of what is made; `redirect` says whether finished renditions are
    redirected to.
    """

    def __init__(
        self,
        *,
        bounds: Bounds,
        redirect: bool,
        original_lookup: OriginalLookup,
        loader: RenditionLoader,
        store: ports.RenditionStore,
        memory: ports.Memory,
        publisher: Publishing,
        two_speed: TwoSpeed,
        visual: VisualQualities,
        overlays: Overlays,
    ) -> None:
        self._bounds = bounds
        self._redirect = redirect
        self._two_speed = two_speed
        self._visual = visual
        self._overlays = overlays
        self._original_lookup = original_lookup
        self._loader = loader
        self._store = store
        self._memory = memory
        self._publisher = publisher
        self._jobs: SingleFlight[Link | Bytes] = SingleFlight()
        self._finds: SingleFlight[Link | Bytes | None] = SingleFlight()
        self._improving: dict[tuple[str, str], asyncio.Task[None]] = {}

    @property
    def renders(self) -> int:
        """How many renders were asked for since the start."""
        return self._loader.renders

    def recall(self, request: RenditionRequest) -> Redirect | Bytes | None:
        """What memory alone can answer, without an `await`; None where it cannot."""
        original = self._memory.original(request.image)
        if original is None:
            return None
        settled = self._overlays.recall(original, request)
        if settled is None or settled.visual:
            return None
        return self._recall(original, settled.rendition.variant, self._redirects(settled))

    def _recall(self, original: Original, variant: str, redirect: bool) -> Redirect | Bytes | None:
        if redirect:
            link = self._memory.link(original.generation, variant)
            if link is not None:
                self._publisher.used(link)
                return Redirect(url=self._store.url(link), link=link)
        held = self._memory.held(original.generation, variant)
        if held is None:
            return None
        if redirect:
            self._loader.look_up_behind(original, variant)
        else:
            self._publisher.read(original.generation, variant)
        return Bytes(original=original, variant=variant, held=held, cache=Cache.MEMORY)

    def _redirects(self, request: RenditionRequest) -> bool:
        return self._redirect and not request.proxy and self._store.healthy

    async def serve(
        self,
        request: RenditionRequest,
        *,
        client: str = "",
        fresh: bool = False,
        soon: bool = False,
    ) -> Redirect | Bytes | Streamed | OutOfBounds:
        """The rendition: from memory, the store, the spool, or rendered now.

        `fresh` renders whatever is kept and keeps nothing. With `soon`, one that is slow to
        make is answered in a quicker format, and made behind the answer. Raises
        OriginalMissing, OriginalElsewhere, OverlayUnavailable, ImageError and its kin, Overload
        and its kin. Of an original that cannot be decoded, and out of bounds, only a link is used.
        Raises BadParameter if a pad alone is out of bounds, and for a `rect` outside of the
        picture.
        """

        async def answer(original: Original) -> Redirect | Bytes | Streamed | OutOfBounds:
            with self._noting(original, request):
                settled = await self._overlays.settle(original, request)
                try:
                    return await self._serve(original, settled, client, fresh=fresh, soon=soon)
                except errors.OverlayUnavailable:
                    # Its picture may have been replaced since memory heard of it.
                    current = await self._overlays.settle(original, request, fresh=True)
                    if current.rendition == settled.rendition:
                        raise
                return await self._serve(original, current, client, fresh=fresh, soon=soon)

        return await self._original_lookup.with_original(
            request.image, answer, hidden=request.sees_hidden
        )

    @contextlib.contextmanager
    def _noting(self, original: Original, request: RenditionRequest) -> Iterator[None]:
        """Log the overlay that cannot be drawn."""
        try:
            yield
        except errors.OverlayUnavailable as error:
            overlay = self._overlays.rules.drawn(original.size, request)
            self._overlays.note(overlay, error)
            raise

    async def _serve(
        self, original: Original, request: RenditionRequest, client: str, *, fresh: bool, soon: bool
    ) -> Redirect | Bytes | Streamed | OutOfBounds:
        outside = self._check_bounds(original, request)
        fresh = fresh or original.record.hidden  # of what is hidden nothing is kept
        if outside is not None or not original.decoded:
            linked = None if fresh or request.visual else await self._linked(original, request)
            if linked is not None:
                return linked
            if outside is None:
                raise errors.UnreadableImage
            return outside
        request = await self._visual.resolve(original, request, client)
        if fresh:
            return await self._loader.render_once(original, request, client)
        quicker = self._two_speed.quicker(original, request) if soon else None
        if quicker is not None and not await self._is_there(original, request):
            outcome = await self._join(original, quicker, client, then=request.rendition)
            self._improve(original, request, client)
            return replace(outcome, pending=SLOW.value)
        return await self._join(original, request, client)

    async def _linked(self, original: Original, request: RenditionRequest) -> Redirect | None:
        """The link to a rendition that is not made here, if redirects are sent."""
        if not self._redirects(request):
            return None
        link = await self._loader.look_up(original, request.rendition.variant)
        return None if link is None else Redirect(url=self._store.url(link), link=link)

    async def _is_there(self, original: Original, request: RenditionRequest) -> bool:
        """Whether the rendition has been made, as far as memory, index and spool know."""
        variant = request.rendition.variant
        if self._made(original, variant):
            return True
        key = (original.generation, variant)
        if self._jobs.joins(key):
            return False
        return (
            await self._finds.run(key, lambda _: self._loader.find(original, variant)) is not None
        )

    def _improve(self, original: Original, request: RenditionRequest, client: str) -> None:
        """Make the rendition behind live traffic, at the expense of `client`.

        An error here is not reported to anybody: the next request tries again.
        """
        key = (original.generation, request.rendition.variant)
        if key in self._improving or len(self._improving) >= _IMPROVING:
            return
        make = functools.partial(self._loader.make, original, request, client, LinkState.OPEN, None)

        async def improve() -> None:
            # Between the look at memory and `run` there is no await, as in `_join`.
            with contextlib.suppress(errors.LiveResizeError):
                if not self._made(original, key[1]):
                    await self._jobs.run(
                        key, make, client=client, priority=ports.Priority.BACKGROUND
                    )

        task = asyncio.create_task(improve())
        self._improving[key] = task
        task.add_done_callback(lambda _: self._improving.pop(key))

    async def _join(
        self,
        original: Original,
        request: RenditionRequest,
        client: str,
        then: Rendition | None = None,
    ) -> Redirect | Bytes | Streamed:
        variant, redirect = request.rendition.variant, self._redirects(request)
        key = (original.generation, variant)
        way = LinkState.OPEN
        while True:
            # From here to `run` there is no await, so that no second render can begin.
            recalled = self._recall(original, variant, redirect)
            if recalled is not None:
                return recalled
            joining = self._jobs.joins(key)
            make = functools.partial(self._loader.make, original, request, client, way, then)
            try:
                made = await self._jobs.run(key, make, client=client)
            except errors.RateLimited:
                if joining:
                    continue  # it was another client that is over its rate
                raise
            if isinstance(made, Bytes):
                if joining and made.cache is Cache.MISS:
                    return replace(made, cache=Cache.COALESCED)
                return made
            if redirect:
                return Redirect(url=self._store.url(made), link=made)
            try:
                fetched = await self._loader.fetch(original, made)
            except errors.ObjectStoreUnavailable:
                way = LinkState.BLOCKED
                continue
            if fetched is not None:
                return fetched
            way = LinkState.GONE

    def ready(self, request: RenditionRequest) -> bool:
        """Whether memory knows that the rendition has been made."""
        original = self._memory.original(request.image)
        if original is None:
            return False
        settled = self._overlays.recall(original, request)
        if settled is None or settled.visual:
            return False
        return self._made(original, settled.rendition.variant)

    def _made(self, original: Original, variant: str) -> bool:
        generation = original.generation
        return (
            self._memory.link(generation, variant) is not None
            or self._memory.held(generation, variant) is not None
        )

    def is_current(self, original: Original, rendition: Rendition) -> bool:
        """Whether a client without a signature gets exactly that rendition, overlay included, as
        far as memory alone can tell."""
        request = RenditionRequest(image=original.image, rendition=rendition, extension="")
        settled = self._overlays.recall(original, request)
        return settled is not None and settled.rendition == rendition

    async def was_made(self, original: Original, variant: str) -> bool:
        """Whether memory has the rendition, or the index a link, purged and evicted ones
        included. Memory alone answers while the index is away."""
        if self._memory.link(original.generation, variant, stale=True) is not None:
            return True
        if self._memory.held(original.generation, variant) is not None:
            return True
        return await self._loader.was_linked(original, variant)

    async def warm(self, request: RenditionRequest) -> bool:
        """Make the rendition behind live traffic, unless it is there; whether it was.

        A live request for it joins and hurries it. No client is charged, and of what is
        linked nothing is fetched. Raises BadParameter for one out of bounds, and what `serve`
        raises.
        """
        if self.ready(request):
            return True

        async def answer(original: Original) -> bool:
            with self._noting(original, request):
                return await self._warm(original, await self._overlays.settle(original, request))

        return await self._original_lookup.with_original(request.image, answer)

    async def _warm(self, original: Original, request: RenditionRequest) -> bool:
        if not original.decoded:
            raise errors.UnreadableImage
        outside = self._check_bounds(original, request)
        if outside is not None:
            raise errors.BadParameter(outside.reason)
        request = await self._visual.resolve(original, request, priority=ports.Priority.BACKGROUND)
        variant = request.rendition.variant
        make = functools.partial(self._loader.make, original, request, "", LinkState.OPEN, None)
        # As in `_join`, there is no await between the look at memory and `run`.
        while not self._made(original, variant):
            with contextlib.suppress(errors.RateLimited):  # of the client that was joined
                made = await self._jobs.run(
                    (original.generation, variant), make, priority=ports.Priority.BACKGROUND
                )
                return isinstance(made, Link) or made.cache is not Cache.MISS
        return True

    def within_bounds(self, original: Original, request: RenditionRequest) -> bool:
        """Whether `serve` would not send the request elsewhere for its size, or refuse it."""
        try:
            return self._check_bounds(original, request) is None
        except errors.BadParameter:
            return False

    def _check_bounds(self, original: Original, request: RenditionRequest) -> OutOfBounds | None:
        """Return where a rendition is, if it or its box is too large.

        Raises BadParameter if its pad leaves nothing for a picture, or its `rect` is outside.
        """
        rendition = request.rendition
        if not (request.bounded and original.decoded):
            return None
        bounds = self._bounds.capped(rendition.format.max_side)
        room = bounds.inside(rendition.pad)
        if room is None:
            raise errors.BadParameter(
                "The parameter `pad` leaves no room for a picture within "
                f"{bounds.max_width}x{bounds.max_height}."
            )
        box = geometry.nearest_allowed(original.size, rendition, room)
        if box is None:
            return None
        width, height = geometry.output_size(original.size, rendition)
        return OutOfBounds(
            image=original.image,
            box=box,
            url=urls.resized(request, *box),
            reason=(
                f"The requested picture ({width}x{height}) or its box is larger than "
                f"{bounds.max_width}x{bounds.max_height}."
            ),
        )

    async def known(self, request: RenditionRequest) -> HeadInfo | OutOfBounds:
        """The checks of `serve`, and what is known without rendering anything.

        Raises BadParameter as `serve` does.
        """
        original = await self._original_lookup.get(request.image, hidden=request.sees_hidden)
        with self._noting(original, request):
            request = await self._overlays.settle(original, request)
        rendition = request.rendition
        variant = "" if request.visual else rendition.variant
        link = None
        if variant and not original.record.hidden:
            link = self._memory.link(original.generation, variant, stale=True)
            link = link or await self._loader.look_up(original, variant)
        if link is None:
            outside = self._check_bounds(original, request)
            if outside is not None:
                return outside
            if not original.decoded:
                raise errors.UnreadableImage
        return HeadInfo(
            original=original,
            variant=variant,
            mime=rendition.format.mime if isinstance(rendition.format, Format) else "",
            link=link,
            held=self._memory.held(original.generation, variant),
        )
