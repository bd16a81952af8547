"""Objects of the embedded store, which redirects lead to.

The key of an object tells its variant, which anybody can change. So what has not been made
before is rendered only where a URL without a signature may ask for the same.

The key tells the engine, too. A browser may still have a redirect to what another engine made, and
what has been purged since: it gets what this one makes, but not as immutable. In the same way a key
of before an overlay was configured, or changed, leads to the rendition with the overlay of today.
"""

import asyncio
import functools
from dataclasses import replace
from pathlib import Path

from liveresize import errors
from liveresize.core import ports, unsigned
from liveresize.core.names import ImageId
from liveresize.core.originals import Original, parse_file_name
from liveresize.core.overlays import OverlayRules
from liveresize.core.rendition import Rendition
from liveresize.core.unsigned import Unsigned
from liveresize.core.urls import RenditionRequest
from liveresize.delivery.original_lookup import OriginalLookup
from liveresize.delivery.outcomes import Bytes, HeadInfo, StoredObject, Streamed
from liveresize.delivery.pictures import as_stored, may_have
from liveresize.delivery.renditions import Renditions
from liveresize.settings.pictures import Originals


class StoredObjects:
    """Answers requests for the objects of the embedded store."""

    def __init__(
        self,
        settings: Originals,
        *,
        overlays: OverlayRules,
        unsigned: Unsigned,
        renditions: Renditions,
        original_lookup: OriginalLookup,
        store: ports.RenditionStore,
        memory: ports.Memory,
    ) -> None:
        self._settings = settings
        self._overlays = overlays
        self._unsigned = unsigned
        self._renditions = renditions
        self._original_lookup = original_lookup
        self._store = store
        self._memory = memory

    def recall(self, key: str) -> StoredObject | None:
        """An object, if memory holds it and knows its generation."""
        parts = self._split(key)
        if parts is None:
            return None
        image, generation, variant, engine, _ = parts
        original = self._memory.original(image)
        if original is None or original.generation != generation:
            return None
        held = self._memory.held(generation, variant)
        if held is None or held.engine != engine:
            return None
        if self._overlays.overlays and not self._renditions.is_current(
            original, _rendition(variant)
        ):
            return None
        return StoredObject(image=image, variant=variant, held=held)

    async def serve(self, key: str, *, client: str = "") -> StoredObject | Streamed:
        """An object. One that has had to make room is rendered again.

        Raises OriginalMissing where there is none, and what `Renditions.serve` raises.
        """
        request, generation, engine = await self._behind(key)
        variant = request.rendition.variant
        outcome = await self._renditions.serve(request, client=client)
        if isinstance(outcome, Streamed):
            if outcome.original.generation == generation:
                link = outcome.link
                same = (link.variant, link.engine) == (variant, engine)
                return replace(outcome, immutable=same)
            await outcome.body.close()  # the picture has been replaced meanwhile
        elif isinstance(outcome, Bytes) and outcome.original.generation == generation:
            return StoredObject(
                image=request.image,
                variant=outcome.variant,
                held=outcome.held,
                cache=outcome.cache,
                immutable=(outcome.variant, outcome.held.engine) == (variant, engine),
            )
        raise errors.OriginalMissing

    async def known(self, key: str) -> HeadInfo:
        """What is known of an object, without making it. Raises OriginalMissing."""
        request, generation, engine = await self._behind(key)
        known = await self._renditions.known(request)
        if isinstance(known, HeadInfo) and known.original.generation == generation:
            made = known.held or known.link
            same = made is not None and made.engine == engine
            same = same and known.variant == request.rendition.variant
            return replace(known, immutable=same)
        raise errors.OriginalMissing

    async def _behind(self, key: str) -> tuple[RenditionRequest, str, str]:
        """The rendition that lies under `key`, its generation and its engine.

        Raises OriginalMissing.
        """
        parts = self._split(key)
        if parts is None:
            raise errors.OriginalMissing
        image, generation, variant, engine, path = parts
        original = await self._original_lookup.get(image)
        if original.generation != generation:
            raise errors.OriginalMissing
        rendition = _rendition(variant)
        allowed = self._may_be_asked_for(original, rendition)
        if not (allowed or await self._was_made(original, variant, path)):
            raise errors.OriginalMissing
        request = RenditionRequest(
            image=image, rendition=rendition, extension="", proxy=True, bounded=False
        )
        return request, generation, engine

    def _may_be_asked_for(self, original: Original, rendition: Rendition) -> bool:
        """Whether a URL without a signature would have the rendition made."""
        own = original.output_format
        request = self._unsigned.request(
            original.image,
            rendition,
            own,
            original,
            functools.partial(self._overlays.named, original.size),
        )
        if request is None:
            return False
        if not isinstance(request, RenditionRequest):
            if not may_have(self._settings, request):
                return False
            if as_stored(self._settings, request, original):
                return self._overlays.covers(original.size, signed=False)
        return self._renditions.within_bounds(original, unsigned.made_of(request, own))

    async def _was_made(self, original: Original, variant: str, path: Path) -> bool:
        """Whether there is, or was lately, a link to the rendition or a file of it."""
        if await self._renditions.was_made(original, variant):
            return True
        return await asyncio.to_thread(path.is_file)

    def _split(self, key: str) -> tuple[ImageId, str, str, str, Path] | None:
        """(image, generation, variant, engine, path) of a key that the embedded store would make,
        and that a client without a signature may know."""
        path = self._store.local_path(key)
        if path is None:
            return None
        *names, generation, file = key.split("/")
        image = ImageId(names[-1], names[0] if len(names) == 2 else "")
        if not self._unsigned.takes(image):
            return None
        variant, engine, _ = parse_file_name(file)
        if variant.startswith("0x0-") and not self._settings.public:
            return None
        return image, generation, variant, engine, path


@functools.lru_cache(maxsize=4096)
def _rendition(variant: str) -> Rendition:
    """Parse a variant; cached, because every hit needs it. Raises ValueError."""
    return Rendition.from_variant(variant)
