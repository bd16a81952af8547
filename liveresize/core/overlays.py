"""Which overlay is drawn over a rendition."""

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from liveresize.core import geometry
from liveresize.core.overlay import Above, Overlay, OverlayMark
from liveresize.core.rendition import Rendition
from liveresize.core.urls import RenditionRequest
from liveresize.core.values import Fit

_UNKNOWN = 1 << 32
"""The width of what may be of any width: wider than any limit."""


@dataclass(frozen=True, kw_only=True)
class OverlayRules:
    """The overlays by name, and the one that is drawn over everything that is wide."""

    overlays: Mapping[str, Overlay] = field(default_factory=dict)
    above: Above | None = None

    def drawn(self, size: tuple[int, int], request: RenditionRequest) -> Overlay | None:
        """Return the overlay to draw over a rendition of an upright picture of `size`; or None.

        The overlay of `above` takes the place of the one that was requested. One that is not
        configured any more is not drawn: only old object keys have its name.
        """
        mark = request.rendition.overlay
        if mark is None and self.above is None:
            return None
        if self.forces(size, request.rendition, signed=request.signed):
            assert self.above is not None
            return self.overlays[self.above.overlay]
        return None if mark is None else self.overlays.get(mark.name)

    def forces(self, size: tuple[int, int], rendition: Rendition, *, signed: bool) -> bool:
        """Whether the overlay of `above` is drawn over a rendition of a picture of `size`.

        It is drawn over that of a picture that cannot be decoded, too: its size is unknown.
        """
        if self.above is None or signed:
            return False
        return not all(size) or counted_width(size, rendition) > self.above.width

    def is_freed(self, size: tuple[int, int], rendition: Rendition) -> bool:
        """Whether only a signature frees that rendition from the overlay of `above`."""
        if self.above is None:
            return False
        mark = rendition.overlay
        drawn = mark is not None and mark.name == self.above.overlay
        return not drawn and self.forces(size, rendition, signed=False)

    def covers(self, size: tuple[int, int], *, signed: bool) -> bool:
        """Whether the stored bytes of a picture of `size` may only be seen with an overlay."""
        return self.above is not None and not signed and size[0] > self.above.width

    def named(self, size: tuple[int, int], request: RenditionRequest) -> Rendition:
        """Return the rendition with the name of the overlay that is drawn, without its digest."""
        overlay = self.drawn(size, request)
        mark = None if overlay is None else OverlayMark(overlay.name)
        return marked(request.rendition, mark)


@functools.lru_cache(maxsize=4096)
def counted_width(size: tuple[int, int], rendition: Rendition) -> int:
    """Return the width that `above` looks at, of a rendition of an upright picture of `size`;
    cached, because every hit needs it.

    It is that of the whole upright picture at the scale of the rendition, or of the result if it
    is wider. So what shows only a part of the picture, or turns it, counts like the whole. Of the
    two scales of `fill` the larger one counts. What `trim` leaves is not known yet: it counts as
    large as the original.
    """
    part = None if rendition.rect is None else rendition.rect.box(size)
    if part is None:
        rendition = replace(rendition, rect=None)  # outside of the picture: nothing is shown
        part = (0, 0, *size)
    extent = part[2] - part[0], part[3] - part[1]
    turned = geometry.turned(extent, rendition)
    scaled = geometry.fit_size(turned, rendition)
    rounded = geometry.floored if rendition.floor else geometry.half_up
    scales = list(zip(scaled, turned, strict=True))
    # The scale of one side is exact, and gives the other side once it is rounded.
    exact = [
        scale
        for scale in scales
        if tuple(rounded(side * scale[0], scale[1]) for side in turned) == scaled
    ]
    widths = [geometry.half_up(size[0] * to, of) for to, of in exact or scales]
    width = max(
        min(widths) if exact else max(widths),
        geometry.output_size(size, rendition)[0],
    )
    return width if rendition.trim is None else max(width, size[0], _widest(rendition))


def _widest(rendition: Rendition) -> int:
    """Return the largest width of what is trimmed; that of the original is not looked at."""
    if not (rendition.width or rendition.height):
        return 0
    known = rendition.width and rendition.fit is not Fit.COVER
    return rendition.width if known else _UNKNOWN


@functools.lru_cache(maxsize=4096)
def marked(rendition: Rendition, mark: OverlayMark | None) -> Rendition:
    """Return the canonical rendition with that overlay; cached, because every hit needs it."""
    return replace(rendition, overlay=mark).canonical()
