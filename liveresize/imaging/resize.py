"""Resampling: a part of a picture, given in fractions of pixels, to a new size.

The work is done by the Rust crate fast_image_resize, several times as fast as Pillow.
Where its wheel is missing Pillow does it, with the same result but for rounding.
"""

import functools
import importlib
import math
import mmap
import types
from typing import Any

from PIL import Image

from liveresize.imaging import modes

Size = tuple[int, int]
Box = tuple[float, float, float, float]
Pixels = tuple[int, int, int, int]
"""A box of whole pixels."""

try:
    SIMD: types.ModuleType | None = importlib.import_module("cykooz_resizer")
except ImportError:  # no wheel for this platform
    SIMD = None

GAP = 3.0
"""Pillow alone: first reduce by whole numbers, as long as this much is left for Lanczos."""

TINY = 16
"""Below so many pixels a side the reduced edges would weigh too much, by up to 15 levels."""

REACH = 3
"""How far Lanczos reads to each side, in pixels of the smaller of the two pictures."""

WHOLE = 8_000_000
"""Up to so many pixels are normalised or multiplied by alpha at once.

For either a copy is made: 32 MB, where thirty megapixels would take 120.
"""

FAR = 4
"""From such a reduction on a picture is averaged first: what Lanczos reads for one row would be a
large part of it."""

LEFT = 64
"""Pixels a side that are left at least: the cells at the edges are not whole, and weigh more."""

LARGE = 30_000_000
"""From so many pixels on the others are taken in bands, too: what is between the horizontal and
the vertical pass is as high as the picture.
"""

BAND = 2_000_000
"""Pixels that are taken at a time where there are more."""

CROSSED = 2
"""From this factor on, wider and lower, `fill` makes a picture lower first: what is between the
horizontal and the vertical pass would be as high as the picture, and wider than it.
"""

OVERLAP = 8
"""A band is so many times as high as Lanczos reaches, which is what neighbours share, as
long as that is not more than WHOLE.
"""

PIXEL = 4
"""Bytes a pixel in memory, of any mode but L."""

SLACK = 16 * 2**20
"""What the resizer and what is around it may need besides pixels, in bytes."""


def resize(image: Image.Image, box: Box, size: Size, within: Pixels | None = None) -> Image.Image:
    """The part `box` (left, top, right, bottom) of `image`, made `size` with Lanczos.

    `image` is of any mode and the result L, RGB, RGBA or CMYK (see modes.normalised);
    transparency is weighed in. No pixel outside of `within` is looked at. A box that rounding has
    moved out of the picture is moved back; one that is empty raises ValueError, and MemoryError
    says that there is no room.
    """
    box = clamped(box, image.size)
    left, top, right, bottom = box
    if (right - left, bottom - top) == size and left.is_integer() and top.is_integer():
        if within is not None and image.mode in modes.MEASURED:
            image = modes.normalised(image)  # a part has the white of the whole
        if size != image.size:
            image = image.crop((int(left), int(top), int(right), int(bottom)))
        return modes.normalised(image)
    if within is not None and not is_banded(image, extent(within)):
        return resize(cut(image, within), moved(box, within), size)
    inside = within or (0, 0, *image.size)
    if is_crossed((right - left, bottom - top), size):
        wide = float(inside[0]), top, float(inside[2]), bottom
        image = resize(image, wide, (inside[2] - inside[0], size[1]), within)
        return resize(image, (left - inside[0], 0.0, right - inside[0], float(size[1])), size)
    if is_banded(image, image.size):
        across, down = reduction(extent(inside), (right - left, bottom - top), size)
        if (across, down) != (1, 1):
            image = _reduced(image, (across, down), inside)
            left, top, right, bottom = moved(box, inside)
            box = (left / across, top / down, right / across, bottom / down)
            return resize(image, box, size)
        return _in_bands(image, box, size, inside)
    return _resampled(modes.normalised(image), box, size)


def cut(image: Image.Image, pixels: Pixels) -> Image.Image:
    """The part of an image of any mode, itself where that is all of it."""
    if pixels == (0, 0, *image.size):
        return image
    if image.mode in modes.MEASURED:
        image = modes.normalised(image)
    return image.crop(pixels)


def moved(box: Box, pixels: Pixels) -> Box:
    """`box` as one of the part `pixels`."""
    left, top, right, bottom = box
    x, y = pixels[:2]
    return left - x, top - y, right - x, bottom - y


def extent(pixels: Pixels) -> Size:
    """The (width, height) of a box."""
    return pixels[2] - pixels[0], pixels[3] - pixels[1]


def clamped(box: Box, size: Size) -> Box:
    """`box` inside a picture of `size`; raises ValueError when nothing is left of it."""
    left, top = max(0.0, box[0]), max(0.0, box[1])
    right, bottom = min(float(size[0]), box[2]), min(float(size[1]), box[3])
    if not (left < right and top < bottom):
        raise ValueError(f"the box {box} holds nothing of a picture of {size}")
    return left, top, right, bottom


def is_sampled(image: Image.Image, decoded: Size) -> bool:
    """Whether a sketch of a picture that is decoded to the size `decoded` is made of a few of its
    pixels: averaging all of them takes memory and time, or makes no sense."""
    large = math.prod(decoded) > LARGE
    return large or image.mode not in modes.KEPT or "transparency" in image.info


def is_copied(image: Image.Image) -> bool:
    """Whether a copy of the pixels is made to resample them."""
    return image.mode not in ("L", "RGB", "CMYK") or "transparency" in image.info


def is_crossed(part: tuple[float, float], size: Size) -> bool:
    """Whether a `part` (width, height) gets much wider and much lower when it is made `size`."""
    return size[0] >= CROSSED * part[0] and CROSSED * size[1] <= part[1]


def is_banded(image: Image.Image, whole: Size) -> bool:
    """Whether a picture of the size `whole`, in the mode of `image`, is resampled in bands."""
    if image.mode in modes.MEASURED:
        return False  # what white is shows only in the whole
    return math.prod(whole) > (WHOLE if is_copied(image) else LARGE)


def reduction(whole: Size, part: tuple[float, float], size: Size) -> Size:
    """By which whole numbers, across and down, a banded picture of the size `whole` is averaged
    before a `part` of it is made `size`. (1, 1) where the bands are not much smaller."""
    factors = [
        max(1, min(int(kept / GAP / wanted), side // LEFT))
        for kept, wanted, side in zip(part, size, whole, strict=True)
    ]
    reach = REACH * part[1] / size[1] + 1
    high = 2 * reach * part[0] > WHOLE or math.prod(whole) > LARGE
    return (factors[0], factors[1]) if high and min(factors) >= FAR else (1, 1)


def _reduced(image: Image.Image, by: Size, inside: Pixels) -> Image.Image:
    """What is `inside` a part of `image`, averaged over cells of the size `by`, as L, RGB, RGBA or
    CMYK."""
    left, upper, right, lower = inside
    rows = max(1, BAND // ((right - left) * by[1])) * by[1]
    result: Image.Image | None = None
    for top in range(upper, lower, rows):
        box = (left, top, right, min(top + rows, lower))
        band = modes.normalised(image.crop(box))
        if band.mode == "RGBA":
            band = band.convert("RGBa").reduce(by).convert("RGBA")
        else:
            band = band.reduce(by)
        if result is None:
            result = Image.new(band.mode, (band.width, -(-(lower - upper) // by[1])))
        result.paste(band, (0, (top - upper) // by[1]))
    assert result is not None
    return result


def band_rows(part: Size, size: Size) -> int:
    """How many rows a band has at most of a `part` (width, height) that is made `size`."""
    down = part[1] / size[1]
    reach = REACH * max(1.0, down) + 1
    return math.ceil(_rows(part[0], down) * down + 2 * reach) + 2


def _rows(width: int, down: float) -> int:
    """How many rows of the result a band makes that is `width` pixels wide."""
    reach = REACH * max(1.0, down) + 1
    high = max(BAND / width, min(OVERLAP * reach, WHOLE / width))
    return max(1, int(high / down))


def _in_bands(image: Image.Image, box: Box, size: Size, inside: Pixels) -> Image.Image:
    """`resize`, a few rows of the result at a time, each from the rows that it reads of what is
    `inside` a part."""
    left, top, right, bottom = box
    across, down = (right - left) / size[0], (bottom - top) / size[1]
    west = max(inside[0], math.floor(left - REACH * max(1.0, across) - 1))
    east = min(inside[2], math.ceil(right + REACH * max(1.0, across) + 1))
    reach = REACH * max(1.0, down) + 1
    rows = _rows(east - west, down)
    result: Image.Image | None = None
    for first in range(0, size[1], rows):
        last = min(first + rows, size[1])
        start, end = top + first * down, bottom if last == size[1] else top + last * down
        north = max(inside[1], math.floor(start - reach))
        south = min(inside[3], math.ceil(end + reach))
        band = modes.normalised(image.crop((west, north, east, south)))
        part = (left - west, start - north, right - west, end - north)
        pixels = _resampled(band, clamped(part, band.size), (size[0], last - first))
        if result is None:
            result = Image.new(pixels.mode, size)
        result.paste(pixels, (0, first))
        del band, pixels
    assert result is not None
    return result


def _resampled(image: Image.Image, box: Box, size: Size) -> Image.Image:
    """`image` (L, RGB, RGBA or CMYK) by whatever there is; `box` is inside of it."""
    return with_pillow(image, box, size) if SIMD is None else with_simd(image, box, size)


def with_simd(image: Image.Image, box: Box, size: Size) -> Image.Image:
    """`resize` by fast_image_resize; `box` is inside the picture."""
    left, top, right, bottom = box
    simd = _simd()
    # Width and height are rounded down, so that left + width stays inside too.
    crop = simd.CropBox(left, top, _within(left, right), _within(top, bottom))
    algorithm = simd.ResizeAlg.convolution(simd.FilterType.lanczos3)
    result = Image.new(image.mode, size)
    copied = image.width * image.height if image.mode == "RGBA" else 0
    needed = PIXEL * (copied + size[0] * image.height)
    make_sure(needed)
    resizer = _resizer() if needed < SLACK else simd.Resizer()
    resizer.resize_pil(image, result, simd.ResizeOptions(resize_alg=algorithm, crop_box=crop))
    return result


def make_sure(size: int) -> None:
    """Raise MemoryError unless `size` bytes can be had.

    Of code that ends the process where it gets no memory one cannot ask afterwards.
    """
    try:
        mmap.mmap(-1, size + SLACK).close()
    except OSError as exc:
        raise MemoryError(f"{size} bytes") from exc


def _within(start: float, end: float) -> float:
    """The largest length at which `start` + length does not pass `end`."""
    length = end - start
    while start + length > end:
        length -= end * 2.0**-52
    return length


@functools.cache
def _resizer() -> Any:
    """The resizer of this process for all that is not large: it keeps its buffers."""
    return _simd().Resizer()


def _simd() -> Any:
    assert SIMD is not None
    return SIMD


def with_pillow(image: Image.Image, box: Box, size: Size) -> Image.Image:
    """`resize` by Pillow; `box` is inside the picture."""
    gap = GAP if min(size) >= TINY else None
    return image.resize(size, Image.Resampling.LANCZOS, box=box, reducing_gap=gap)
