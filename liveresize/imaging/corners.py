"""Round corners, with the edges of CSS: a pixel is as opaque as the share of it that is inside."""

import functools
import itertools
import math

from PIL import Image, ImageChops

STEPS = 16
"""Lines that are looked at in each row of pixels."""

SMALL = 512
"""Up to this radius the last mask is kept, in a quarter of a megabyte: an animation needs one for
each of its frames."""


def rounded(image: Image.Image, radius: int) -> Image.Image:
    """`image` (L, LA, RGB or RGBA) with corners of `radius` pixels, or half of its shorter side.

    The result has alpha.
    """
    exact = min(2 * radius, *image.size) / 2
    side = math.ceil(exact)
    grey = image.mode in ("L", "LA")
    result = image.convert("LA" if grey else "RGBA")
    alpha = result.getchannel("A")
    corner = mask(exact)
    width, height = image.size
    for left, top, turn in (
        (0, 0, None),
        (width - side, 0, Image.Transpose.FLIP_LEFT_RIGHT),
        (width - side, height - side, Image.Transpose.ROTATE_180),
        (0, height - side, Image.Transpose.FLIP_TOP_BOTTOM),
    ):
        box = (left, top, left + side, top + side)
        turned = corner if turn is None else corner.transpose(turn)
        alpha.paste(ImageChops.multiply(alpha.crop(box), turned), box)
    result.putalpha(alpha)
    return result


def mask(radius: float) -> Image.Image:
    """How opaque the pixels of the upper left corner are (L), for a radius above 0."""
    return _kept(radius) if radius <= SMALL else _drawn(radius)


@functools.lru_cache(maxsize=1)
def _kept(radius: float) -> Image.Image:
    return _drawn(radius)


def _drawn(radius: float) -> Image.Image:
    side = math.ceil(radius)
    rows = bytearray()
    for y in range(side):
        row = _row(radius, y)
        rows += row + b"\xff" * (side - len(row))
    return Image.frombytes("L", (side, side), bytes(rows))


def _row(radius: float, y: int) -> bytes:
    """Row `y` of a mask, as far as it is not all opaque."""
    edges = []
    for step in range(STEPS):
        up = max(0.0, radius - y - (step + 0.5) / STEPS)
        edges.append(radius - math.sqrt(radius * radius - up * up))
    first, last = int(edges[-1]), int(edges[0])
    # Along each line one pixel is partly inside, and all that follow are inside.
    partly = [0.0] * (last - first + 1)
    begin = [0] * (last - first + 2)
    for edge in edges:
        at = int(edge) - first
        partly[at] += first + at + 1 - edge
        begin[at + 1] += 1
    shares = map(sum, zip(partly, itertools.accumulate(begin), strict=False))
    return bytes(first) + bytes(round(255 * share / STEPS) for share in shares)
