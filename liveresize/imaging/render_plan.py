"""What is to be done to one original for one rendition, decided before any decoding."""

from dataclasses import dataclass

from PIL import Image

from liveresize import errors
from liveresize.core import geometry
from liveresize.core.formats import Format
from liveresize.core.rendition import Rendition
from liveresize.imaging import colour, decode, gamma, memory, modes, orientation, quality
from liveresize.imaging.settings import EngineSettings
from liveresize.settings.pictures import Constraints, Encoder

TRUNCATED = "animation_truncated"

_LOWEST_MATCH, _HIGHEST_MATCH = 40, 92
"""The bounds of a quality that is matched to the original's quantisation tables."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderPlan:
    """One original under one rendition whose format is known. Sizes are in pixels.

    `turn` is what orientation, `rotate` and `flip` amount to; `stored` the size before
    it, `seen` the size after it. `frames` above 1 means that the result moves. `level`
    is the encoder's quality, `grey` whether the original has no colour and `indexed`
    whether it has few, in a palette. `beside` is what a pixel takes beside its encoder, in bytes.
    """

    rendition: Rendition
    output: Format
    turn: int
    stored: tuple[int, int]
    frames: int
    level: int
    grey: bool
    indexed: bool
    profile: colour.Profile | None
    beside: int = 0
    notes: tuple[str, ...] = ()

    @property
    def seen(self) -> tuple[int, int]:
        """The size of the picture as it is to be seen, before it is fitted."""
        return orientation.turned_size(self.stored, self.turn)

    @property
    def whole(self) -> tuple[int, int]:
        """The size of the result, its pad included."""
        return geometry.padded(self.plan().output, self.rendition.pad)

    def plan(self, focus: tuple[float, float] | None = None) -> geometry.Plan:
        """How the picture as it is to be seen becomes the result."""
        return geometry.plan(self.seen, self.rendition, focus)


def of(image: Image.Image, rendition: Rendition, settings: EngineSettings) -> RenderPlan:
    """Lay out `rendition` of an opened picture.

    Raises ImageTooLarge when the result would have more pixels than may be decoded.
    """
    turn = orientation.wanted(decode.orientation(image), rendition)
    frames, notes = _frames(image, rendition, settings.constraints)
    size = geometry.output_size(decode.upright_size(image), rendition.canonical())
    if size[0] * size[1] > settings.constraints.max_decode_pixels:
        raise errors.ImageTooLarge(f"The result would be {size[0]}x{size[1]} pixels.")
    if frames > 1 and frames * size[0] * size[1] > settings.constraints.max_animation_pixels:
        frames, notes = 1, (TRUNCATED,)
    output = chosen(rendition, size, frames > 1, decode.has_alpha(image), settings.encoder)
    rendition = rendition.resolved(output)
    return RenderPlan(
        rendition=rendition,
        output=output,
        turn=turn,
        stored=image.size,
        frames=frames if output.animates else 1,
        level=_level(image, rendition, output),
        grey=modes.is_grey(image),
        indexed=image.mode in ("1", "P"),
        profile=gamma.profile(image),
        beside=memory.FITTING if rendition.max_bytes else 0,
        notes=notes,
    )


def chosen(
    rendition: Rendition,
    size: tuple[int, int],
    moving: bool,
    has_alpha: bool,
    encoder: Encoder,
) -> Format:
    """The format of a result of `size`; `auto` takes the best that the client can show."""
    offer = rendition.format
    if isinstance(offer, Format):
        return offer
    webp = offer.webp and max(size) <= Format.WEBP.max_side
    if moving:
        return Format.WEBP if webp else Format.GIF
    small = size[0] * size[1] <= encoder.avif_max_pixels
    if offer.avif and small and max(size) <= Format.AVIF.max_side:
        return Format.AVIF
    if webp:
        return Format.WEBP
    return Format.PNG if rendition.may_be_clear(has_alpha=has_alpha) else Format.JPEG


def _frames(
    image: Image.Image, rendition: Rendition, constraints: Constraints
) -> tuple[int, tuple[str, ...]]:
    """How many frames are rendered, and what is remarked about it."""
    if not (rendition.animate and rendition.format.animates):
        return 1, ()
    frames = decode.frame_count(image, constraints.max_frames + 1)
    pixels = frames * decode.frame_pixels(image)
    too_many = frames > 1 and pixels > constraints.max_animation_pixels
    if frames > constraints.max_frames or too_many:
        return 1, (TRUNCATED,)
    return frames, ()


def _level(image: Image.Image, rendition: Rendition, output: Format) -> int:
    """The encoder's quality, matched to a JPEG original where that is asked for."""
    if rendition.quality is None:
        return 100
    if rendition.quality.match and decode.source_format(image) == "jpeg":
        found = quality.estimate(getattr(image, "quantization", {}))
        if found is not None:
            return min(_HIGHEST_MATCH, max(_LOWEST_MATCH, found))
    return rendition.quality.level(output)
