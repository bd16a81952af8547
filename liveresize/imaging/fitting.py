"""The best quality of which a file fits into a number of bytes, in a few encodes.

The logarithm of the bytes rises nearly in a straight line with the quality. So the next level is
the one where that line reaches the limit, and not the middle of what is left, which takes twice as
many encodes. The number of encodes does not depend on the time that they take: the same rendition
has the same bytes on every machine.
"""

import math
from collections.abc import Callable

from liveresize.core.formats import Format

MOST_ENCODES = 4

LOWEST = 10
"""The quality below which nothing is encoded for want of bytes."""

EXCEEDED = "max_bytes_exceeded"
"""The remark on a file that is larger than it should be: even LOWEST is, or an animation."""

SLOPE = {Format.JPEG: 0.022, Format.WEBP: 0.02, Format.AVIF: 0.04, Format.JXL: 0.025}
"""The usual growth of the logarithm of the bytes for each level, for the first guess."""

_FLATTEST = 0.005

_BELOW = {1: 3, 2: 8}
"""By how many levels a guess is lowered while so many encodes were all too large: a fit that is
not the best is better than none."""


def fitted(
    encode: Callable[[int], bytes], output: Format, highest: int, most: int, size: int
) -> tuple[bytes, int]:
    """The largest file of at most `most` bytes that was found, and its quality.

    `size` is that of the file at the quality `highest`, which is too large. If even the file at
    LOWEST is larger than `most`, it is returned.
    """
    sizes = {highest: size}
    lowest = min(LOWEST, highest)
    above, fits, data = highest, lowest - 1, b""
    while len(sizes) < MOST_ENCODES and above - fits > 1:
        if fits < lowest and len(sizes) == MOST_ENCODES - 1:
            level = lowest  # the last one
        else:
            level = _guess(sizes, above, fits, most, SLOPE[output])
        made = encode(level)
        sizes[level] = len(made)
        if len(made) <= most:
            fits, data = level, made
        elif level > lowest:
            above = level
        else:
            return made, lowest
    return data or encode(lowest), max(fits, lowest)


def _guess(sizes: dict[int, int], above: int, fits: int, most: int, usual: float) -> int:
    """The next level, between `fits` and `above`."""
    other = fits if fits in sizes else min((each for each in sizes if each > above), default=None)
    slope = usual
    if other is not None:
        slope = math.log(sizes[above] / sizes[other]) / (above - other)
    level = above - math.log(sizes[above] / most) / max(slope, _FLATTEST)
    level -= 1 if fits in sizes else _BELOW[len(sizes)]
    return min(max(int(level), fits + 1), above - 1)
