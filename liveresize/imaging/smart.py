"""`gravity=smart`: which part of a picture a crop should keep.

Detail, strong colour and skin are what people look at. All are measured on a thumbnail, and
the window with most of them wins; the same picture always gives the same window.
"""

import array

from PIL import Image, ImageChops, ImageFilter

from liveresize.imaging import orientation, resize

THUMBNAIL = 96
"""Longer side in pixels: enough to tell a face from a wall, and searched in about a millisecond."""

SATURATION = 0.25
"""How much of the weight of an edge a saturated pixel has."""

SKIN = 48
"""The weight in levels of a pixel that has the colour of skin: that of a soft edge."""

SKIN_BLUE, SKIN_RED = range(77, 128), range(133, 174)
"""Where skin of any shade lies in the colour differences of YCbCr."""

CENTRE = 0.15
"""How much a window loses at the very edge against one in the middle."""


def focus(
    image: Image.Image,
    box: resize.Box,
    turn: int,
    window: tuple[float, float],
    within: resize.Pixels | None = None,
) -> tuple[float, float]:
    """The middle of the most detailed window, each 0–1 of the picture as it is seen.

    `image` is L, RGB, RGBA or CMYK, the picture its part `box`, turned by `turn`; nothing outside
    of the pixels `within` is looked at. `window` is the (width, height) to keep, each 0–1 of the
    picture as it is seen.
    """
    width, height = box[2] - box[0], box[3] - box[1]
    scale = THUMBNAIL / max(width, height)
    size = (max(3, round(width * scale)), max(3, round(height * scale)))
    thumbnail = orientation.turn(resize.resize(image, box, size, within), turn)
    energy, size = _energy(thumbnail), thumbnail.size
    left, kept_width = _best(_means(energy, (size[0], 1)), window[0])
    # The rows are judged by what the columns kept.
    energy = energy.crop((left, 0, left + kept_width, size[1]))
    top, kept_height = _best(_means(energy, (1, size[1])), window[1])
    return (left + kept_width / 2) / size[0], (top + kept_height / 2) / size[1]


def _energy(thumbnail: Image.Image) -> Image.Image:
    """How much there is to see at each pixel, as mode L; nothing where it is transparent."""
    colour = thumbnail.convert("RGB")
    edges = colour.convert("L").filter(ImageFilter.FIND_EDGES)
    # The filter copies the outermost pixels instead of looking for edges there.
    inner = Image.new("L", edges.size)
    inner.paste(edges.crop((1, 1, edges.width - 1, edges.height - 1)), (1, 1))
    vivid = colour.convert("HSV").getchannel("S").point(lambda level: level * SATURATION)
    energy = ImageChops.add(ImageChops.add(inner, vivid), _skin(colour))
    if thumbnail.mode == "RGBA":
        energy = ImageChops.multiply(energy, thumbnail.getchannel("A"))
    return energy


def _skin(colour: Image.Image) -> Image.Image:
    """SKIN where `colour` may show skin, as mode L; nothing elsewhere."""
    _, blue, red = colour.convert("YCbCr").split()
    blue = blue.point([SKIN if level in SKIN_BLUE else 0 for level in range(256)])
    red = red.point([SKIN if level in SKIN_RED else 0 for level in range(256)])
    return ImageChops.darker(blue, red)


def _means(energy: Image.Image, size: tuple[int, int]) -> list[float]:
    """The mean of every column or of every row."""
    levels = energy.convert("F").resize(size, Image.Resampling.BOX)
    return list(array.array("f", levels.tobytes()))


def _best(levels: list[float], fraction: float) -> tuple[int, int]:
    """(start, length) of the window of `fraction` of `levels` that holds most.

    Of equal ones, the one nearest to the middle.
    """
    count = len(levels)
    length = min(count, max(1, round(count * fraction)))
    middle = (count - length) / 2

    def worth(start: int) -> tuple[float, float]:
        away = abs(start - middle)
        held = sum(levels[start : start + length])
        return held * (1 - CENTRE * away / max(1.0, middle)), -away

    return max(range(count - length + 1), key=worth), length
