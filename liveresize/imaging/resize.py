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

BAND = 2_000_000
"""Pixels that are taken at a time where there are more."""

OVERLAP = 8
"""A band is so many times as high as Lanczos reaches, which is what neighbours share, as
long as that is not more than WHOLE.
"""

PIXEL = 4
"""Bytes a pixel in memory, of any mode but L."""

SLACK = 16 * 2**20
"""What the resizer and what is around it may need besides pixels, in bytes."""


def resize(image: Image.Image, box: Box, size: Size) -> Image.Image:
    """The part `box` (left, top, right, bottom) of `image`, made `size` with Lanczos.

    `image` is of any mode and the result L, RGB, RGBA or CMYK (see modes.normalised);
    transparency is weighed in. A box that rounding has moved out of the picture is
    moved back; one that is empty raises ValueError, and MemoryError says that there is
    no room.
    """
    box = clamped(box, image.size)
    left, top, right, bottom = box
    if (right - left, bottom - top) == size and left.is_integer() and top.is_integer():
        if size != image.size:
            image = image.crop((int(left), int(top), int(right), int(bottom)))
        return modes.normalised(image)
    if image.width * image.height > WHOLE and _by_parts(image):
        return _in_bands(image, box, size)
    return _resampled(modes.normalised(image), box, size)


def clamped(box: Box, size: Size) -> Box:
    """`box` inside a picture of `size`; raises ValueError when nothing is left of it."""
    left, top = max(0.0, box[0]), max(0.0, box[1])
    right, bottom = min(float(size[0]), box[2]), min(float(size[1]), box[3])
    if not (left < right and top < bottom):
        raise ValueError(f"the box {box} holds nothing of a picture of {size}")
    return left, top, right, bottom


def _by_parts(image: Image.Image) -> bool:
    """Whether a picture costs more than its pixels to resample, and may be cut for that."""
    if image.mode in modes.MEASURED:
        return False  # what white is shows only in the whole
    return image.mode not in ("L", "RGB", "CMYK") or "transparency" in image.info


def _in_bands(image: Image.Image, box: Box, size: Size) -> Image.Image:
    """`resize`, a few rows of the result at a time, each from the rows that it reads."""
    left, top, right, bottom = box
    across, down = (right - left) / size[0], (bottom - top) / size[1]
    west = max(0, math.floor(left - REACH * max(1.0, across) - 1))
    east = min(image.width, math.ceil(right + REACH * max(1.0, across) + 1))
    reach = REACH * max(1.0, down) + 1
    width = east - west
    high = max(BAND / width, min(OVERLAP * reach, WHOLE / width))
    rows = max(1, int(high / down))
    result: Image.Image | None = None
    for first in range(0, size[1], rows):
        last = min(first + rows, size[1])
        start, end = top + first * down, bottom if last == size[1] else top + last * down
        north = max(0, math.floor(start - reach))
        south = min(image.height, math.ceil(end + reach))
        band = modes.normalised(image.crop((west, north, east, south)))
        part = (left - west, start - north, right - west, end - north)
        pixels = _resampled(band, clamped(part, band.size), (size[0], last - first))
        if result is None:
            result = Image.new(pixels.mode, size)
        result.paste(pixels, (0, first))
    assert result is not None
    return result


def _resampled(image: Image.Image, box: Box, size: Size) -> Image.Image:
    """`image` (L, RGB, RGBA or CMYK) by whatever there is; `box` is inside of it."""
    return with_pillow(image, box, size) if SIMD is None else with_simd(image, box, size)


def with_simd(image: Image.Image, box: Box, size: Size) -> Image.Image:
    """`resize` by fast_image_resize; `box` is inside the picture."""
    left, top, right, bottom = box
    resizer, simd = _resizer()
    # Width and height are rounded down, so that left + width stays inside too.
    crop = simd.CropBox(left, top, _within(left, right), _within(top, bottom))
    algorithm = simd.ResizeAlg.convolution(simd.FilterType.lanczos3)
    result = Image.new(image.mode, size)
    copied = image.width * image.height if image.mode == "RGBA" else 0
    make_sure(PIXEL * (copied + size[0] * image.height))
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
def _resizer() -> tuple[Any, Any]:
    """The one resizer of this process, which keeps its buffers, and its module."""
    assert SIMD is not None
    return SIMD.Resizer(), SIMD


def with_pillow(image: Image.Image, box: Box, size: Size) -> Image.Image:
    """`resize` by Pillow; `box` is inside the picture."""
    gap = GAP if min(size) >= TINY else None
    return image.resize(size, Image.Resampling.LANCZOS, box=box, reducing_gap=gap)
