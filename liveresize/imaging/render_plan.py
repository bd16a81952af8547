"""What is to be done to one original for one rendition, decided before any decoding."""

from dataclasses import dataclass, replace

from PIL import Image

from liveresize import errors
from liveresize.core import geometry
from liveresize.core.colour_rows import P3
from liveresize.core.formats import Format
from liveresize.core.rendition import Rendition
from liveresize.core.values import FAR_EDGE, WHITE, Backdrop, Background, Gravity
from liveresize.imaging import (
    colour,
    decode,
    display_p3,
    gamma,
    memory,
    modes,
    orientation,
    quality,
)
from liveresize.imaging.settings import EngineSettings
from liveresize.settings.pictures import Constraints

Part = tuple[int, int, int, int]
"""Left, top, right, bottom, in pixels of the picture as it is stored."""

TRUNCATED = "animation_truncated"

_LOWEST_MATCH, _HIGHEST_MATCH = 40, 92
"""The bounds of a quality that is matched to the original's quantisation tables."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderPlan:
    """One original under one rendition whose format is known. Sizes are in pixels.

    `turn` is what orientation, `rotate` and `flip` amount to; `stored` is the size before
    it, and `part` what `rect` and `trim` leave of that, (left, top, right, bottom). `seen` is the
    size of this part after it is turned. `frames` above 1 means that the result moves. `level`
    is the encoder's quality, `alpha` whether the original can be transparent, `grey` whether it
    has no colour, `indexed` whether it has few, in a palette, and `wide` whether the result is in
    Display P3. `beside` is what a pixel takes beside its encoder, in bytes.
    """

    rendition: Rendition
    output: Format
    turn: int
    stored: tuple[int, int]
    part: Part
    frames: int
    level: int
    alpha: bool
    grey: bool
    indexed: bool
    profile: colour.Profile | None
    wide: bool = False
    beside: int = 0
    notes: tuple[str, ...] = ()

    @property
    def seen(self) -> tuple[int, int]:
        """The size of the picture as it is to be seen, before it is fitted."""
        return orientation.turned_size(_size(self.part), self.turn)

    @property
    def uncut(self) -> bool:
        """Whether all of the original is the picture."""
        return self.part == (0, 0, *self.stored)

    @property
    def trims(self) -> bool:
        """Whether the picture is trimmed: it is then decoded in its full size."""
        return self.rendition.trim is not None

    def corner(self, exif_orientation: int) -> tuple[int, int]:
        """The stored pixel that is the upper left one of the upright part."""
        box = orientation.stored_pixels((0, 0, 1, 1), _size(self.part), exif_orientation)
        return self.part[0] + box[0], self.part[1] + box[1]

    def as_stored(self, box: orientation.Box) -> orientation.Box:
        """Where a box of the picture as it is to be seen lies in the original as it is stored."""
        left, top, right, bottom = orientation.stored_box(box, _size(self.part), self.turn)
        x, y = self.part[:2]
        return left + x, top + y, right + x, bottom + y

    @property
    def whole(self) -> tuple[int, int]:
        """The size of the result, its pad included."""
        return geometry.padded(self.plan().output, self.rendition.pad)

    @property
    def background(self) -> Background:
        """What is behind the picture, in the colours of the result."""
        background = self.rendition.background or WHITE
        if self.wide and not isinstance(background, Backdrop):
            return display_p3.of_srgb(background)
        return background

    def plan(self, focus: tuple[float, float] | None = None) -> geometry.Plan:
        """How the picture as it is to be seen becomes the result."""
        return geometry.plan(self.seen, self.rendition, focus)


def of(image: Image.Image, rendition: Rendition, settings: EngineSettings) -> RenderPlan:
    """Lay out `rendition` of an opened picture, as if `trim` left all of it.

    Raises ImageTooLarge when the result would have more pixels than may be decoded, and
    BadParameter for a `rect` outside of the picture.
    """
    upright, exif_orientation = decode.upright_size(image), decode.orientation(image)
    part = geometry.part(upright, rendition)
    frames, notes = _frames(image, rendition, settings.constraints)
    task = RenderPlan(
        rendition=rendition,
        output=Format.PNG,
        turn=orientation.wanted(exif_orientation, rendition),
        stored=image.size,
        part=orientation.stored_pixels(part, image.size, exif_orientation),
        frames=frames,
        level=100,
        alpha=decode.has_alpha(image),
        grey=modes.is_grey(image),
        indexed=image.mode in ("1", "P"),
        profile=gamma.profile(image),
        beside=memory.FITTING if rendition.max_bytes else 0,
        notes=notes,
    )
    size = geometry.output_size(upright, rendition.canonical())
    return _finished(task, image, rendition, size, settings)


def trimmed(
    task: RenderPlan,
    image: Image.Image,
    rendition: Rendition,
    part: Part,
    settings: EngineSettings,
) -> RenderPlan:
    """Lay out the `part` that `trim` leaves of an opened picture, instead of all in `task`.

    What would be larger than the bounds of the settings is as large as a URL that is redirected
    to may ask for. Raises ImageTooLarge.
    """
    shown = replace(rendition, rect=None, gravity=_moved(rendition.gravity, task, part))
    size = orientation.turned_size(_size(part), decode.orientation(image))
    constraints = settings.constraints
    bounds = geometry.Bounds(constraints.max_width, constraints.max_height)
    bounds = bounds.capped(rendition.format.max_side)
    nearest = geometry.nearest_allowed(size, shown.canonical(), bounds.inside(shown.pad) or bounds)
    if nearest is not None:
        shown = shown.boxed(*nearest)
    task = replace(task, part=part)
    return _finished(task, image, shown, geometry.output_size(size, shown.canonical()), settings)


def _moved(gravity: Gravity, task: RenderPlan, part: Part) -> Gravity:
    """The focus of a picture as a gravity of the `part` that is left, at its nearest edge where it
    lies outside; any other gravity as it is."""
    if not gravity.untrimmed:
        return gravity
    x, y = task.part[:2]
    stored = part[0] - x, part[1] - y, part[2] - x, part[3] - y
    left, top, right, bottom = orientation.stored_pixels(
        stored, task.seen, orientation.inverse(task.turn)
    )
    width, height = task.seen
    return Gravity(
        _share(gravity.x * width / FAR_EDGE, left, right),
        _share(gravity.y * height / FAR_EDGE, top, bottom),
    )


def _share(point: float, first: int, last: int) -> int:
    return min(FAR_EDGE, max(0, round((point - first) * FAR_EDGE / (last - first))))


def _finished(
    task: RenderPlan,
    image: Image.Image,
    rendition: Rendition,
    size: tuple[int, int],
    settings: EngineSettings,
) -> RenderPlan:
    """`task` with all that depends on the `size` of its result. Raises ImageTooLarge."""
    constraints = settings.constraints
    if size[0] * size[1] > constraints.max_decode_pixels:
        raise errors.ImageTooLarge(f"The result would be {size[0]}x{size[1]} pixels.")
    frames, notes = task.frames, task.notes
    if frames > 1 and frames * size[0] * size[1] > constraints.max_animation_pixels:
        frames, notes = 1, (TRUNCATED,)
    output = chosen(rendition, size, frames > 1, task.alpha, settings)
    if output is Format.JXL and size[0] * size[1] > settings.jxl.max_pixels:
        raise errors.ImageTooLarge(
            f"The result would be {size[0]}x{size[1]} pixels, and JPEG XL is made of "
            f"{settings.jxl.max_pixels:,} at most (jxl.max_pixels)."
        )
    rendition = rendition.resolved(output)
    return replace(
        task,
        rendition=rendition,
        output=output,
        frames=frames if output.animates else 1,
        level=_level(image, rendition, output),
        wide=rendition.colour == P3 and not task.grey and colour.is_wide(task.profile),
        notes=notes,
    )


def chosen(
    rendition: Rendition,
    size: tuple[int, int],
    moving: bool,
    has_alpha: bool,
    settings: EngineSettings,
) -> Format:
    """The format of a result of `size`; `auto` takes the best that the client can show."""
    offer = rendition.format
    if isinstance(offer, Format):
        return offer
    webp = offer.webp and max(size) <= Format.WEBP.max_side
    if moving:
        return Format.WEBP if webp else Format.GIF
    pixels = size[0] * size[1]
    if offer.jxl and pixels <= settings.jxl.max_pixels:
        return Format.JXL
    if (
        offer.avif
        and pixels <= settings.encoder.avif_max_pixels
        and max(size) <= Format.AVIF.max_side
    ):
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


def _size(part: Part) -> tuple[int, int]:
    return part[2] - part[0], part[3] - part[1]
