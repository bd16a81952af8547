"""Sizes and boxes, in integers: the size of a picture after fitting it into a box.

The rounding is ImageMagick's, which the published service used: each side is the exact
fraction a/b rounded half up, `(2a + b) // (2b)`, and at least 1 pixel.
"""

from dataclasses import dataclass

from liveresize import errors
from liveresize.core.rect import Box
from liveresize.core.rendition import Rendition
from liveresize.core.values import Fit, Pad


@dataclass(frozen=True, slots=True)
class Plan:
    """The layout of one rendition. All sizes are in pixels, (width, height).

    `output` is the size of the result without its pad. `box` is what is kept of the picture (the
    part that `rect` and `trim` leave, turned), as (left, top, right, bottom) in its own pixels and
    possibly fractional; `resized` is the size that this is resized to. Only `canvas` has
    `resized != output`; `offset` is then the position of the picture on the canvas.
    """

    box: tuple[float, float, float, float]
    resized: tuple[int, int]
    output: tuple[int, int]
    offset: tuple[int, int] = (0, 0)


def half_up(a: int, b: int) -> int:
    """a/b rounded half up, at least 1."""
    return max(1, (2 * a + b) // (2 * b))


def floored(a: int, b: int) -> int:
    """a/b rounded down, at least 1."""
    return max(1, a // b)


def part(size: tuple[int, int], rendition: Rendition) -> Box:
    """The part of an upright picture of `size` that `rect` shows, in its pixels.

    `trim` is not applied: only the pixels tell what it cuts off. Raises BadParameter for a part
    outside of the picture.
    """
    if rendition.rect is None:
        return 0, 0, *size
    box = rendition.rect.box(size)
    if box is None:
        raise errors.BadParameter(
            f"The parameter `rect` must begin inside the picture, which is {size[0]}x{size[1]} "
            "pixels."
        )
    return box


def part_size(size: tuple[int, int], rendition: Rendition) -> tuple[int, int]:
    """The (width, height) of `part`. Raises BadParameter."""
    left, top, right, bottom = part(size, rendition)
    return right - left, bottom - top


def turned(size: tuple[int, int], rendition: Rendition) -> tuple[int, int]:
    """The size of an upright picture, or of a part of it, after `rotate`."""
    width, height = size
    return (height, width) if rendition.rotate in (90, 270) else (width, height)


def fit_size(size: tuple[int, int], rendition: Rendition) -> tuple[int, int]:
    """The size of the whole picture once scaled for the box of `rendition`.

    `size` is that of the upright picture, already turned by `rotate`. For `crop` this
    is the size before the cut; `fill` alone does not keep the ratio.
    """
    width, height = size
    box_width, box_height = rendition.width, rendition.height
    if not box_width and not box_height:
        return size
    if rendition.fit is Fit.FILL and box_width and box_height:
        if rendition.enlarge:
            return box_width, box_height
        return min(box_width, width), min(box_height, height)
    rounded = floored if rendition.floor else half_up
    if rendition.fit is Fit.CROP and not rendition.enlarge:
        box_width, box_height = largest_crop(size, (box_width, box_height))
    if not box_width:
        by_width = False
    elif not box_height:
        by_width = True
    else:
        # W/w < H/h, without a division: the width is the tighter of the two.
        tighter = box_width * height <= box_height * width
        by_width = tighter if rendition.fit in (Fit.CLIP, Fit.CANVAS) else not tighter
    if by_width:
        if not rendition.enlarge and box_width > width:
            return size
        return box_width, rounded(height * box_width, width)
    if not rendition.enlarge and box_height > height:
        return size
    return rounded(width * box_height, height), box_height


def largest_crop(size: tuple[int, int], box: tuple[int, int]) -> tuple[int, int]:
    """The largest box of the ratio of `box`, no larger than it, that fits in `size`."""
    (width, height), (box_width, box_height) = size, box
    if box_width <= width and box_height <= height:
        return box
    if box_width * height >= box_height * width:
        return width, min(height, half_up(box_height * width, box_width))
    return min(width, half_up(box_width * height, box_height)), height


def output_size(size: tuple[int, int], rendition: Rendition) -> tuple[int, int]:
    """The size of the finished rendition of an upright picture of `size`, if `trim` cuts nothing
    off it. Raises BadParameter for a `rect` outside of the picture.
    """
    return padded(inner_size(size, rendition), rendition.pad)


def padded(size: tuple[int, int], pad: Pad) -> tuple[int, int]:
    """`size` with the pad around it."""
    top, right, bottom, left = pad
    return size[0] + left + right, size[1] + top + bottom


def inner_size(size: tuple[int, int], rendition: Rendition) -> tuple[int, int]:
    """`output_size` without the pad."""
    size = turned(part_size(size, rendition), rendition)
    if rendition.fit is Fit.CANVAS:
        return rendition.width, rendition.height
    if rendition.fit is Fit.CROP:
        box = (rendition.width, rendition.height)
        return box if rendition.enlarge else largest_crop(size, box)
    return fit_size(size, rendition)


def is_known(rendition: Rendition) -> bool:
    """Whether the size of the result does not depend on what `trim` cuts off."""
    boxed = bool(rendition.width and rendition.height)
    exact = rendition.fit in (Fit.CROP, Fit.FILL) and rendition.enlarge
    return rendition.trim is None or (boxed and (exact or rendition.fit is Fit.CANVAS))


def plan(
    size: tuple[int, int], rendition: Rendition, focus: tuple[float, float] | None = None
) -> Plan:
    """Lay out the rendition of a part of a picture that `rotate` has turned.

    `size` is that of the part, after `rotate`. `focus`, each 0–1, overrides the gravity (what
    `smart` found). For `crop` the window is centred on the focal point and then moved
    inside the picture, so 0 and 1 are its edges.
    """
    width, height = size
    scaled = fit_size(size, rendition)
    x, y = focus if focus is not None else rendition.gravity.point
    full = (0.0, 0.0, float(width), float(height))
    if rendition.fit is Fit.CROP:
        output = (
            (rendition.width, rendition.height)
            if rendition.enlarge
            else largest_crop(size, (rendition.width, rendition.height))
        )
        kept_width = min(float(width), output[0] * width / scaled[0])
        kept_height = min(float(height), output[1] * height / scaled[1])
        left = min(max(x * width - kept_width / 2, 0.0), width - kept_width)
        top = min(max(y * height - kept_height / 2, 0.0), height - kept_height)
        box = (left, top, left + kept_width, top + kept_height)
        return Plan(box, output, output)
    if rendition.fit is Fit.CANVAS:
        output = (rendition.width, rendition.height)
        offset = (
            int((output[0] - scaled[0]) * x + 0.5),
            int((output[1] - scaled[1]) * y + 0.5),
        )
        return Plan(full, scaled, output, offset)
    return Plan(full, scaled, scaled)


@dataclass(frozen=True, slots=True)
class Bounds:
    """The largest rendition allowed, in pixels."""

    max_width: int
    max_height: int

    def within(self, size: tuple[int, int]) -> bool:
        """Whether `size` is within these bounds."""
        return size[0] <= self.max_width and size[1] <= self.max_height

    def capped(self, side: int) -> "Bounds":
        """Return these bounds, limited to `side` pixels in width and height."""
        return Bounds(min(self.max_width, side), min(self.max_height, side))

    def inside(self, pad: Pad) -> "Bounds | None":
        """Return what these bounds leave for a picture inside a pad; None if that is nothing."""
        across, down = padded((0, 0), pad)
        if across >= self.max_width or down >= self.max_height:
            return None
        return Bounds(self.max_width - across, self.max_height - down)


def nearest_allowed(
    size: tuple[int, int], rendition: Rendition, bounds: Bounds
) -> tuple[int, int] | None:
    """Return the box nearest to that of `rendition` for which box and result are within `bounds`.

    `size` is that of the upright picture before `rect` and `rotate`. The pad is not looked at:
    `bounds` are those inside of it. None means that the rendition is within the bounds. Raises
    BadParameter for a `rect` outside of the picture.
    """
    box = (rendition.width, rendition.height)
    if bounds.within(box) and bounds.within(inner_size(size, rendition)):
        return None
    if rendition.fit in (Fit.CROP, Fit.CANVAS, Fit.FILL):
        return shrink_box(box, bounds)
    if rendition.fit is Fit.CLIP:
        if not all(box):
            # A side stays free: with both, a `fit` that asked for no more than this would
            # mean something. The result runs into one of the bounds.
            wide = rendition.boxed(bounds.max_width, 0)
            if bounds.within(inner_size(size, wide)):
                return bounds.max_width, 0
            return 0, bounds.max_height
        # A box within the bounds holds a result within the bounds.
        return min(box[0], bounds.max_width), min(box[1], bounds.max_height)
    width, height = turned(part_size(size, rendition), rendition)
    shrunk = shrink_box(box, bounds)
    if bounds.within(fit_size((width, height), rendition.boxed(*shrunk))):
        return shrunk
    # `cover` runs over on its long side: ask for that side alone, at the bound.
    if width * bounds.max_height >= height * bounds.max_width:
        return bounds.max_width, 0
    return 0, bounds.max_height


def shrink_box(box: tuple[int, int], bounds: Bounds) -> tuple[int, int]:
    """Scale `box` down to fit within `bounds`, with its ratio; sides are at least 1."""
    width, height = box
    if bounds.within(box):
        return box
    if width * bounds.max_height >= height * bounds.max_width:
        return bounds.max_width, min(bounds.max_height, half_up(height * bounds.max_width, width))
    return min(bounds.max_width, half_up(width * bounds.max_height, height)), bounds.max_height
