"""What happens to a picture once it has its size: canvas, flattening, filters."""

import math
from collections.abc import Callable
from typing import Any

from PIL import Image, ImageFilter

from liveresize.core.rendition import Rendition
from liveresize.core.values import Colour, Duotone

Size = tuple[int, int]

SHARPEN_RADIUS = 1.0
"""Sigma in output pixels: what shrinking softens is one pixel wide."""


def placed(
    image: Image.Image, canvas: Size, offset: tuple[int, int], background: Colour
) -> Image.Image:
    """`image` (L, LA, RGB or RGBA) at `offset` on a canvas filled with `background`.

    An opaque background shows through transparent pixels; on any other the result has
    alpha.
    """
    clear = image.mode in ("LA", "RGBA")
    if image.size == canvas and not clear:
        return image
    if background[3] == 255:
        neutral = image.mode in ("L", "LA") and is_neutral(background)
        mode = "L" if neutral else "RGB"
        result = Image.new(mode, canvas, background[0] if neutral else background[:3])
        result.paste(image, offset, image if clear else None)
        return result
    result = Image.new("RGBA", canvas, background)
    result.alpha_composite(image.convert("RGBA"), offset)
    return result


def is_neutral(colour: Colour) -> bool:
    """Whether a colour is a grey."""
    return colour[0] == colour[1] == colour[2]


def flattened(image: Image.Image, background: Colour) -> Image.Image:
    """`image` without transparency, laid over the opaque colour of `background`."""
    if image.mode != "RGBA":
        return image
    result = Image.new("RGB", image.size, background[:3])
    result.paste(image, (0, 0), image)
    return result


def blurred(image: Image.Image, tenths: int) -> Image.Image:
    """`image` under a Gaussian whose sigma is `tenths` of a pixel."""
    return _filtered(image, ImageFilter.GaussianBlur(tenths / 10))


def sharpened(image: Image.Image, tenths: int) -> Image.Image:
    """`image` with its fine detail added to it; ten tenths (of 0–100) add it once.

    ImageMagick calls it `-unsharp 0x1+amount+0`, and differs by a level or two.
    """
    kernel = ImageFilter.UnsharpMask(SHARPEN_RADIUS, percent=tenths * 10, threshold=0)
    return _filtered(image, kernel)


def greyed(image: Image.Image, on: int) -> Image.Image:
    """`image` in shades of grey (L or LA), weighed as by Rec. 601."""
    return image.convert("LA" if image.mode == "RGBA" else "L")


def brightened(image: Image.Image, percent: int) -> Image.Image:
    """`image` with every level multiplied, which is `brightness()` of CSS.

    Filter Effects Module Level 1, 8.2: the slope of a linear transfer function, here
    1 + `percent` / 100. The levels are those of sRGB.
    """
    return _looked_up(image, [level * (100 + percent) / 100 for level in range(256)])


def contrasted(image: Image.Image, percent: int) -> Image.Image:
    """`image` with every level moved away from the middle, which is `contrast()` of CSS.

    Filter Effects Module Level 1, 8.6: a linear transfer function whose slope is, here,
    1 + `percent` / 100, and whose intercept is 0.5 - slope / 2. The levels are those of sRGB.
    """
    return _looked_up(image, [level + (level - 127.5) * percent / 100 for level in range(256)])


def saturated(image: Image.Image, percent: int) -> Image.Image:
    """`image` with more or less colour, which is `saturate()` of CSS.

    Filter Effects Module Level 1, 9.6.1: the matrix of feColorMatrix for, here,
    1 + `percent` / 100. Its weights are 0.213, 0.715 and 0.072. The levels are those of sRGB.
    """
    if image.mode == "L":
        return image
    amount = 1 + percent / 100
    weights = (0.213, 0.715, 0.072)
    rows = (
        [
            weight * (1 - amount) + amount * (channel == row)
            for channel, weight in enumerate(weights)
        ]
        for row in range(3)
    )
    result = image.convert("RGB").convert("RGB", tuple(each for row in rows for each in (*row, 0)))
    if image.mode == "RGBA":
        result.putalpha(image.getchannel("A"))
    return result


def pixelated(image: Image.Image, side: int) -> Image.Image:
    """`image` in blocks of `side` pixels, from the upper left, each the average of its pixels.

    Blocks at the right and lower edges are cut. Colour is weighed by alpha.
    """
    premultiplied = image.convert("RGBa") if image.mode == "RGBA" else image
    blocks = premultiplied.reduce(side)
    if image.mode == "RGBA":
        blocks = blocks.convert("RGBA")
    box = (0, 0, image.width / side, image.height / side)
    return blocks.resize(image.size, Image.Resampling.NEAREST, box=box)


def tinted(image: Image.Image, colours: Duotone) -> Image.Image:
    """`image` between two colours: black becomes the first and white the second.

    What is between them goes by its luma, weighed as by Rec. 601.
    """
    luma = image.convert("L")
    bands = [
        luma.point([(2 * (dark * (255 - at) + light * at) + 255) // 510 for at in range(256)])
        for dark, light in zip(*(colour[:3] for colour in colours), strict=True)
    ]
    if image.mode == "RGBA":
        return Image.merge("RGBA", (*bands, image.getchannel("A")))
    return Image.merge("RGB", bands)


FILTERS: dict[str, Callable[[Image.Image, Any], Image.Image]] = {
    "blur": blurred,
    "brightness": brightened,
    "contrast": contrasted,
    "saturation": saturated,
    "sharpen": sharpened,  # after contrast, which would enlarge its halos
    "pixelate": pixelated,
    "tint": tinted,
    "grey": greyed,  # last: the others take no LA
}
"""What each filter of `domain.operations` does to a picture (L, RGB or RGBA), in this order."""


def filtered(image: Image.Image, rendition: Rendition) -> Image.Image:
    """`image` after every filter that the rendition asks for."""
    for name, function in FILTERS.items():
        value = getattr(rendition, name)
        if value:
            image = function(image, value)
    return image


def filters(rendition: Rendition) -> bool:
    """Whether the rendition asks for any filter."""
    return any(getattr(rendition, name) for name in FILTERS)


def _looked_up(image: Image.Image, levels: list[float]) -> Image.Image:
    """`image` with each level replaced by that of the table, rounded half up; alpha stays."""
    table = [min(255, max(0, math.floor(level + 0.5))) for level in levels]
    colours = table * (1 if image.mode == "L" else 3)
    return image.point(colours + list(range(256)) if image.mode == "RGBA" else colours)


def _filtered(image: Image.Image, kernel: ImageFilter.MultibandFilter) -> Image.Image:
    """Filter with colour weighed by alpha, so that hidden colour does not bleed."""
    if image.mode != "RGBA":
        return image.filter(kernel)
    return image.convert("RGBa").filter(kernel).convert("RGBA")
