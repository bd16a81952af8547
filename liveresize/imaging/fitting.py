"""The best quality of which a file fits into a number of bytes, in a few encodes.

The logarithm of the bytes rises nearly in a straight line with the quality; of JPEG and JPEG XL,
with the logarithm of what quantisation is scaled by. So the next level is the one where that line
reaches the limit, and not the middle of what is left, which takes twice as many encodes. The number
of encodes does not depend on the time that they take: the same rendition has the same bytes on
every machine.
"""

import math
from collections.abc import Callable

from liveresize.core.formats import Format

MOST_ENCODES = 4

LOWEST = 10
"""The quality below which nothing is encoded for want of bytes."""

EXCEEDED = "max_bytes_exceeded"
"""The remark on a file that is larger than it should be: even LOWEST is, or an animation."""

SLOPE = {Format.JPEG: 0.55, Format.WEBP: 0.02, Format.AVIF: 0.04, Format.JXL: 0.6}
"""The usual growth of the logarithm of the bytes for each step along the line, for the first
guess."""

_FLATTEST = {Format.JPEG: 0.1, Format.WEBP: 0.005, Format.AVIF: 0.005, Format.JXL: 0.1}

_BELOW = {1: 2, 2: 4}
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
            level = _guess(output, sizes, above, fits, most)
        made = encode(level)
        sizes[level] = len(made)
        if len(made) <= most:
            fits, data = level, made
        elif level > lowest:
            above = level
        else:
            return made, lowest
    return data or encode(lowest), max(fits, lowest)


def _guess(output: Format, sizes: dict[int, int], above: int, fits: int, most: int) -> int:
    """The next level, between `fits` and `above`."""
    other = fits if fits in sizes else min((each for each in sizes if each > above), default=None)
    start = _place(output, above)
    slope = SLOPE[output]
    if other is not None:
        slope = math.log(sizes[above] / sizes[other]) / (start - _place(output, other))
    end = start - math.log(sizes[above] / most) / max(slope, _FLATTEST[output])
    level = max((each for each in range(above) if _place(output, each) <= end), default=0)
    level -= 1 if fits in sizes else _BELOW[len(sizes)]
    return min(max(level, fits + 1), above - 1)


def _place(output: Format, level: int) -> float:
    """Where a level lies on the line: for JPEG by what libjpeg's `jpeg_quality_scaling` returns,
    for JPEG XL by libjxl's `JxlEncoderDistanceFromQuality` from 30 on."""
    if output is Format.JXL:
        return -math.log(0.1 + 0.09 * (100 - level))
    if output is not Format.JPEG:
        return float(level)
    return -math.log(5000 / max(level, 1) if level < 50 else max(200 - 2 * level, 1))
