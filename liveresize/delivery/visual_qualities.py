"""The qualities that `quality=visual` means, found once for each picture and kept in its row."""

from dataclasses import replace

import structlog

from liveresize import errors
from liveresize.core import ports
from liveresize.core.jobs import VisualJob
from liveresize.core.originals import Original
from liveresize.core.single_flight import Call, SingleFlight
from liveresize.core.urls import RenditionRequest
from liveresize.core.values import Quality
from liveresize.delivery.render_rates import RenderRates
from liveresize.storage.mirroring import Mirroring

_log = structlog.get_logger("liveresize.visual")

_FAILED = 10_000
"""Pictures of which it is remembered that nothing could be found."""


class VisualQualities:
    """Finds qualities, once for all who ask.

    Which one was found is part of the variant: what two instances find is never mixed up, even
    while the index does not answer. The first one that is written is the one of all instances.
    """

    def __init__(
        self,
        *,
        originals: ports.Originals,
        rows: ports.OriginalRows,
        mirroring: Mirroring,
        renderer: ports.Renderer,
        memory: ports.Memory,
        rates: RenderRates,
    ) -> None:
        self._originals = originals
        self._rows = rows
        self._mirroring = mirroring
        self._renderer = renderer
        self._memory = memory
        self._rates = rates
        self._failed: dict[str, None] = {}
        self._searches: SingleFlight[Quality | None] = SingleFlight()

    async def resolve(
        self,
        original: Original,
        request: RenditionRequest,
        client: str = "",
        *,
        priority: ports.Priority = ports.Priority.INTERACTIVE,
    ) -> RenditionRequest:
        """Return the request with the quality of the picture; as it is if it asks for another one.

        The quality stays the configured one if the picture cannot be encoded and compared. Raises
        RateLimited, OriginalMissing, OriginalElsewhere, Overload and its kin.
        """
        target = request.visual
        if not target or original.generation in self._failed:
            return replace(request, visual=0)

        async def search(call: Call[Quality | None]) -> Quality | None:
            return await self._search(original, target, call)

        if not self._searches.joins(original.generation):
            self._rates.charge(client, original.image)  # it takes as long as a render
        found = await self._searches.run(
            original.generation, search, client=client, priority=priority
        )
        return replace(request.of(replace(original, visual=found)), visual=0)

    async def _search(
        self, original: Original, target: int, call: Call[Quality | None]
    ) -> Quality | None:
        found = await self._recorded(original, target)
        if found is None:
            found = await self._compare(original, target, call)
        known = self._memory.original(original.image)
        if found and known is not None and known.generation == original.generation:
            self._memory.keep_original(replace(known, visual=found))
        return found

    async def _recorded(self, original: Original, target: int) -> Quality | None:
        """What another instance has found since memory heard of the picture."""
        try:
            row = await self._rows.of(original.generation)
        except errors.IndexUnavailable:
            return None
        found = None if row is None else row.visual
        return found if found is not None and found.target == target else None

    async def _compare(
        self, original: Original, target: int, call: Call[Quality | None]
    ) -> Quality | None:
        await self._mirroring.bring(original)
        job = VisualJob(path=str(self._originals.path(original)), target=target)
        try:
            found = await self._renderer.run(job, handle=call)
        except errors.ImageError as error:
            _log.warning("visual_failed", image_id=original.image.key, error=type(error).__name__)
            if len(self._failed) >= _FAILED:
                del self._failed[next(iter(self._failed))]
            self._failed[original.generation] = None
            return None
        try:
            return await self._rows.keep_visual(original.generation, found) or found
        except errors.IndexUnavailable:
            return found
