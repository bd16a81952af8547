"""Resampling: a part of a picture, given in fractions of pixels, to a new size.

The work is done by the Rust crate fast_image_resize, several times as fast as Pillow.
Where its wheel is missing Pillow does it, with the same result but for rounding.
"""

import functools
import importlib
import types
from typing import Any

from PIL import Image

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


def resize(image: Image.Image, box: Box, size: Size) -> Image.Image:
    """The part `box` (left, top, right, bottom) of `image`, made `size` with Lanczos.

    `image` is L, RGB, RGBA or CMYK; transparency is weighed in. A box that rounding has
    moved out of the picture is moved back; one that is empty raises ValueError.
    """
    box = clamped(box, image.size)
    left, top, right, bottom = box
    if (right - left, bottom - top) == size and left.is_integer() and top.is_integer():
        if size == image.size:
            return image
        return image.crop((int(left), int(top), int(right), int(bottom)))
    return with_pillow(image, box, size) if SIMD is None else with_simd(image, box, size)


def clamped(box: Box, size: Size) -> Box:
    """`box` inside a picture of `size`; raises ValueError when nothing is left of it."""
    left, top = max(0.0, box[0]), max(0.0, box[1])
    right, bottom = min(float(size[0]), box[2]), min(float(size[1]), box[3])
    if not (left < right and top < bottom):
        raise ValueError(f"the box {box} holds nothing of a picture of {size}")
    return left, top, right, bottom


def with_simd(image: Image.Image, box: Box, size: Size) -> Image.Image:
    """`resize` by fast_image_resize; `box` is inside the picture."""
    left, top, right, bottom = box
    resizer, simd = _resizer()
    # Width and height are rounded down, so that left + width stays inside too.
    crop = simd.CropBox(left, top, _within(left, right), _within(top, bottom))
    algorithm = simd.ResizeAlg.convolution(simd.FilterType.lanczos3)
    result = Image.new(image.mode, size)
    resizer.resize_pil(image, result, simd.ResizeOptions(resize_alg=algorithm, crop_box=crop))
    return result


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
