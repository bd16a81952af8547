"""Formats that take long: the first answer comes in a quicker one, and the better one follows."""

from dataclasses import dataclass, replace

from liveresize.core import geometry
from liveresize.core.formats import Format, Negotiated
from liveresize.core.originals import Original
from liveresize.core.urls import RenditionRequest
from liveresize.settings.pictures import Auto

SLOW = Format.AVIF
"""What takes its encoder four to eight times as long as a JPEG."""


@dataclass(frozen=True, slots=True)
class TwoSpeed:
    """Which cold renditions are answered in a quicker format. `most` is the number of pixels
    above which `auto` is never AVIF, and `most_jxl` the same for JPEG XL."""

    auto: Auto
    most: int
    most_jxl: int = 0

    def quicker(self, original: Original, request: RenditionRequest) -> RenditionRequest | None:
        """The same rendition in a quicker format that the client accepts, where its own is slow
        to make; None where it is not."""
        rendition = request.rendition
        offer = rendition.format
        if not (self.auto.two_speed and isinstance(offer, Negotiated) and offer.avif):
            return None
        if rendition.animate and original.frames > 1:
            return None  # moves, and then `auto` is never AVIF
        if not original.decoded:
            return None
        width, height = geometry.output_size(original.size, rendition)
        if not self.auto.slow_pixels < width * height <= self.most:
            return None
        if max(width, height) > SLOW.max_side:
            return None
        if offer.jxl and width * height <= self.most_jxl:
            return None  # JPEG XL, which is as quick as WebP
        # WebP takes as long as AVIF; of a transparent picture so does PNG, and is larger.
        webp = offer.webp and rendition.may_be_clear(has_alpha=original.has_alpha)
        other = replace(rendition, format=Negotiated(webp=webp)).canonical()
        return replace(request, rendition=other)
