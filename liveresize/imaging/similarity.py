"""How alike two pictures look: SSIM, with Pillow only.

The structural similarity of Wang, Bovik, Sheikh and Simoncelli ("Image quality assessment: from
error visibility to structural similarity", IEEE Transactions on Image Processing 13, 2004), with
windows of 8 × 8 pixels that weigh the same. The result is the same on every machine.
"""

from collections.abc import Sequence

from PIL import Image, ImageMath

WINDOW = 8
"""Side of the windows, in pixels."""

_C1, _C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
"""Constants for 8-bit levels."""

_HALF = WINDOW // 2
_SHIFTS = ((0, 0), (_HALF, 0), (0, _HALF), (_HALF, _HALF))
"""Where the grids of overlapping windows begin: those of the first are the blocks of a JPEG, at
whose edges its faults are."""


def structural_similarity(old: Image.Image, new: Image.Image) -> float:
    """The mean SSIM of two grey pictures of one size; 1.0 where they are equal.

    Windows do not overlap, and those at the edges have the pixels that there are.
    """
    return _mean([_similarity(old.convert("F"), new.convert("F"))])


def overlapping(old: Image.Image, new: Image.Image) -> float:
    """The same, with a window every 4 pixels each way."""
    x, y = old.convert("F"), new.convert("F")
    width, height = x.size
    shifts = [shift for shift in _SHIFTS if shift[0] < width and shift[1] < height]
    boxes = [(*shift, width, height) for shift in shifts]
    return _mean([_similarity(x.crop(box), y.crop(box)) for box in boxes])


def _similarity(x: Image.Image, y: Image.Image) -> Image.Image:
    """The SSIM of each window, as a picture."""
    mean_x, mean_y = x.reduce(WINDOW), y.reduce(WINDOW)
    squares_x, squares_y, products = (
        ImageMath.lambda_eval(lambda of: of["a"] * of["b"], a=a, b=b).reduce(WINDOW)
        for a, b in ((x, x), (y, y), (x, y))
    )
    similarity: Image.Image = ImageMath.lambda_eval(
        lambda of: (
            (2 * of["mx"] * of["my"] + _C1)
            * (2 * (of["xy"] - of["mx"] * of["my"]) + _C2)
            / (of["mx"] * of["mx"] + of["my"] * of["my"] + _C1)
            / (of["xx"] - of["mx"] * of["mx"] + of["yy"] - of["my"] * of["my"] + _C2)
        ),
        mx=mean_x,
        my=mean_y,
        xx=squares_x,
        yy=squares_y,
        xy=products,
    )
    return similarity


def _mean(maps: Sequence[Image.Image]) -> float:
    total = 0.0
    for each in maps:
        mean = each.resize((1, 1), Image.Resampling.BOX).getpixel((0, 0))
        assert isinstance(mean, float)
        total += mean
    return min(total / len(maps), 1.0)
