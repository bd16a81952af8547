"""The overlays that are drawn over renditions: which version of their pictures, and its file.

Without the picture of an overlay nothing is rendered: a rendition that should have it is never
answered without it.
"""

from collections.abc import Callable
from dataclasses import replace

import structlog

from liveresize import errors
from liveresize.core import ports
from liveresize.core.jobs import OverlayJob
from liveresize.core.originals import Original, version_of
from liveresize.core.overlay import MAX_PIXELS, Overlay, OverlayMark
from liveresize.core.overlays import OverlayRules, marked
from liveresize.core.rendition import Rendition
from liveresize.core.urls import RenditionRequest
from liveresize.delivery.original_lookup import OriginalLookup
from liveresize.storage.mirroring import Mirroring

_log = structlog.get_logger("liveresize.overlays")

_LOGGED_EVERY = 60.0
"""Seconds between two events about the same overlay."""


class Overlays:
    """Finds the pictures of overlays; the rules say which overlay is drawn."""

    def __init__(
        self,
        rules: OverlayRules,
        *,
        original_lookup: OriginalLookup,
        originals: ports.Originals,
        mirroring: Mirroring,
        memory: ports.Memory,
        monotonic: Callable[[], float],
        public: bool = False,
    ) -> None:
        """`public`: everybody may read the bucket of renditions, by keys that can be guessed."""
        self.rules = rules
        self._public = public
        self._original_lookup = original_lookup
        self._originals = originals
        self._mirroring = mirroring
        self._memory = memory
        self._monotonic = monotonic
        self._logged: dict[str, float] = {}

    def recall(self, original: Original, request: RenditionRequest) -> RenditionRequest | None:
        """Return `RenditionRequest.of` for that original, with the overlay.

        None if memory alone does not know the picture of the overlay.
        """
        request = request.of(original)
        if not self.rules.overlays:
            return _with(request, None)
        overlay = self.rules.drawn(original.size, request)
        if overlay is None:
            return _with(request, None)
        picture = self._memory.original(overlay.image)
        if picture is None or not picture.decoded:
            return None
        return _with(request, overlay.mark(version_of(picture.generation)))

    async def settle(
        self, original: Original, request: RenditionRequest, *, fresh: bool = False
    ) -> RenditionRequest:
        """Return `RenditionRequest.of` for that original, with the overlay.

        With `fresh` the index is asked for the picture of the overlay, whatever memory knows.
        Raises OverlayUnavailable, and IndexUnavailable where only the index could tell.
        """
        recalled = None if fresh else self.recall(original, request)
        if recalled is not None:
            return recalled
        request = request.of(original)
        overlay = self.rules.drawn(original.size, request)
        if overlay is None:
            return _with(request, None)
        picture = await self._picture(overlay, fresh=fresh)
        return _with(request, overlay.mark(version_of(picture.generation)))

    def may_store(self, original: Original, rendition: Rendition) -> bool:
        """Whether the store may have a rendition: not if it is public, and only a signature frees
        the rendition from its overlay."""
        return (
            not self._public
            or bool(original.image.bucket)
            or not self.rules.is_freed(original.size, rendition)
        )

    async def job(self, mark: OverlayMark) -> OverlayJob:
        """Return how to draw the overlay of that mark; its file is on this disk.

        Raises OverlayUnavailable, also if the mark is that of another version or of other
        settings, and IndexUnavailable.
        """
        overlay = self.rules.overlays.get(mark.name)
        if overlay is None:
            raise _unavailable(mark.name, "it is not configured")
        picture = await self._picture(overlay)
        if overlay.mark(version_of(picture.generation)) != mark:
            raise _unavailable(mark.name, "it has just changed")
        try:
            await self._mirroring.bring(picture)
        except errors.OriginalElsewhere as error:
            raise _unavailable(mark.name, error.detail or error.public) from error
        return OverlayJob(path=str(self._originals.path(picture)), overlay=overlay)

    async def _picture(self, overlay: Overlay, *, fresh: bool = False) -> Original:
        """Return the picture of an overlay. Raises OverlayUnavailable and IndexUnavailable."""
        look = self._original_lookup.refresh if fresh else self._original_lookup.get
        try:
            picture = await look(overlay.image)
        except errors.OriginalMissing as error:
            raise _unavailable(overlay.name, "there is no such image, or it is held") from error
        except (errors.OriginalElsewhere, errors.ImageError) as error:
            raise _unavailable(overlay.name, error.detail or error.public) from error
        if not picture.decoded:
            raise _unavailable(overlay.name, "it cannot be decoded")
        if picture.width * picture.height > MAX_PIXELS:
            raise _unavailable(overlay.name, f"it has more than {MAX_PIXELS / 1e6:g} megapixels")
        return picture

    def note(self, overlay: Overlay | None, error: errors.OverlayUnavailable) -> None:
        """Log that an overlay cannot be drawn, once a minute for each."""
        if overlay is None:
            return
        now = self._monotonic()
        if now < self._logged.get(overlay.name, 0.0):
            return
        self._logged[overlay.name] = now + _LOGGED_EVERY
        _log.warning(
            "overlay_unavailable",
            overlay=overlay.name,
            image_id=overlay.image.key,
            error=error.detail,
        )


def _unavailable(name: str, detail: str) -> errors.OverlayUnavailable:
    return errors.OverlayUnavailable(
        f"The overlay `{name}` cannot be drawn: its picture is missing or damaged.", detail
    )


def _with(request: RenditionRequest, mark: OverlayMark | None) -> RenditionRequest:
    if request.rendition.overlay is mark:
        return request
    return replace(request, rendition=marked(request.rendition, mark))
