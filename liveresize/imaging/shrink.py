"""Shrink on load: let the decoder leave out what the result will not show."""

import math

from PIL import Image, JpegImagePlugin

from liveresize.imaging import webp

Size = tuple[int, int]
Box = tuple[float, float, float, float]
Scale = tuple[float, float]
"""How many pixels of the picture one decoded pixel stands for, across and down."""

WHOLE: Scale = (1.0, 1.0)

MARGIN = 1.25
"""How much larger than the result the decoded pixels must be, at least.

The decoder's own averaging is coarser than Lanczos; what is left for Lanczos to shrink
hides that. At this limit a photograph at quality 80 scores up to 0.01 SSIM less than from
a full decode, as libvips does, which is slower still; between limits it scores more.
"""

FACTORS = (8, 4, 2)

SMALL = 200
"""Down to so many pixels on the shorter side decoding smaller saves less than 1 ms, and
the whole margin goes to quality.
"""

WEBP_MARGIN = 1.5
"""The same for WebP, whose decoder shrinks to any size, so that there is never more left:
0.001 SSIM less than at 2, for a quarter less time.
"""

WORTHWHILE = 1.25
"""From this factor on, the WebP decoder's scaling costs less than it saves."""


def on_load(image: Image.Image, kept: tuple[float, float], size: Size) -> Scale:
    """Tell an opened picture to decode smaller, if its format can; by how much it will be.

    `kept` is the (width, height) of the part that is resized to `size`, all in pixels
    as stored. At least MARGIN times `size` is left.
    """
    by = factor(image, kept, size)
    if by == 1:
        return WHOLE
    width, height = image.size
    drafted = image.draft(None, _smaller(image, by))
    if drafted is None:
        return WHOLE
    # Of a JPEG its box is the whole picture, in fractional pixels of what will be decoded,
    # whose size is rounded up: a box scaled to that size would shift the picture.
    return width / drafted[1][2], height / drafted[1][3]


def factor(image: Image.Image, kept: tuple[float, float], size: Size) -> float:
    """How many times smaller `on_load` has an opened picture decoded; 1 is as it is."""
    return _factor(image, min(kept[0] / size[0], kept[1] / size[1]))


def least(image: Image.Image, bounds: Size) -> float:
    """The least factor of all renditions that are not larger than `bounds` (width, height)."""
    return _factor(image, min(image.size) / max(bounds))


def boxed(box: Box, scale: Scale) -> Box:
    """A box of the picture, in the pixels decoded `scale` times smaller."""
    left, top, right, bottom = box
    return left / scale[0], top / scale[1], right / scale[0], bottom / scale[1]


def _factor(image: Image.Image, room: float) -> float:
    """The factor for a picture of which `room` pixels a side are left for one of the result."""
    most = min(image.size) / SMALL
    if isinstance(image, JpegImagePlugin.JpegImageFile):
        most = min(most, room / MARGIN)
        return next((factor for factor in FACTORS if most >= factor), 1)
    if isinstance(image, webp.StillWebP) and image.scales:
        most = min(most, room / WEBP_MARGIN)
        return most if most >= WORTHWHILE else 1
    return 1


def _smaller(image: Image.Image, factor: float) -> Size:
    """The size to ask the decoder for."""
    if isinstance(factor, int):
        return max(1, image.width // factor), max(1, image.height // factor)
    return math.ceil(image.width / factor), math.ceil(image.height / factor)
