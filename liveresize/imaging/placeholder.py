"""What a page can show before a picture has arrived: one colour, or a blurred hash of it.

Both are made from one sketch of the picture, so that they cost little beside decoding.
"""

import base64
import collections
import math
import operator
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from PIL import Image

from liveresize.core import geometry
from liveresize.imaging import colour, decode, gamma, modes, orientation, resize, shrink

SIDE = 48
"""The longer side of a sketch in pixels; ThumbHash takes up to 100 and keeps 7 waves."""

SAMPLES = 8
"""Pixels a side that are picked for each pixel of a sketch where averaging is no use."""

OPAQUE = 128
"""From this alpha on a pixel counts as seen."""

NOTHING_SEEN = "#ffffff"
"""The colour of a picture that is transparent all over: what JPEG lays it on."""

NOISE = 1e-9
"""Waves below this are what rounding leaves of none."""

BIN_BITS = 3
"""Colours that agree in this many leading bits a channel are taken for one."""


def sketch(image: Image.Image, exif_orientation: int) -> Image.Image:
    """A small, upright sRGB copy of an opened picture, as RGBA, at most SIDE a side.

    Of a picture that is not loaded yet this decodes all there is, so that damage shows;
    a JPEG is decoded at an eighth of its size if that is enough. The caller translates
    what codecs raise.
    """
    width, height = image.size
    longer = max(width, height, SIDE)
    size = geometry.half_up(width * SIDE, longer), geometry.half_up(height * SIDE, longer)
    scale = shrink.on_load(image, image.size, size)
    profile = gamma.profile(image)
    decode.loaded(image)
    box = shrink.boxed((0.0, 0.0, float(width), float(height)), scale)
    if resize.is_sampled(image, image.size):
        image = image.resize(
            (min(width, size[0] * SAMPLES), min(height, size[1] * SAMPLES)),
            Image.Resampling.NEAREST,
            box=box,
        )
        box = (0.0, 0.0, float(image.width), float(image.height))
    small = resize.resize(modes.normalised(image), box, size)
    converted, _ = colour.to_srgb(small, profile)
    return orientation.turn(converted.convert("RGBA"), exif_orientation)


def dominant_color(copy: Image.Image) -> str:
    """The colour that takes most room in a sketch, as `#rrggbb`.

    It is the mean of the fullest of 512 bins of colour; the darker of two equals.
    """
    data = copy.tobytes()
    shift = 8 - BIN_BITS
    bins: dict[tuple[int, ...], list[tuple[int, int, int]]] = collections.defaultdict(list)
    for red, green, blue, alpha in zip(*(data[band::4] for band in range(4)), strict=True):
        if alpha >= OPAQUE:
            bins[red >> shift, green >> shift, blue >> shift].append((red, green, blue))
    if not bins:
        return NOTHING_SEEN
    _, pixels = min(bins.items(), key=lambda item: (-len(item[1]), item[0]))
    count = len(pixels)
    mean = ((2 * sum(levels) + count) // (2 * count) for levels in zip(*pixels, strict=True))
    return "#" + bytes(mean).hex()


def thumbhash(copy: Image.Image) -> str:
    """The ThumbHash of a sketch in base64: 5 to 25 bytes that hold its slowest waves.

    The format keeps luminance L, yellow-blue P, red-green Q and alpha A, each as its
    mean and up to 7 × 7 cosine terms of 4 bits.
    """
    width, height = copy.size
    levels = copy.tobytes()
    alpha = [level / 255 for level in levels[3::4]]
    red, green, blue = (_over_mean(levels[band::4], alpha) for band in range(3))
    transparent = min(levels[3::4]) < 255
    # Transparency takes its bits from the luminance.
    most = 5 if transparent else 7
    across = max(1, _half_up(most * width / max(width, height)))
    down = max(1, _half_up(most * height / max(width, height)))

    light = [(r + g + b) / 3 for r, g, b in zip(red, green, blue, strict=True)]
    yellow = [(r + g) / 2 - b for r, g, b in zip(red, green, blue, strict=True)]
    reddish = [r - g for r, g in zip(red, green, strict=True)]
    l_waves = _waves(light, width, max(3, across), max(3, down))
    p_waves = _waves(yellow, width, 3, 3)
    q_waves = _waves(reddish, width, 3, 3)

    wide = width > height
    first = _half_up(63 * l_waves.mean)
    first |= _half_up(31.5 + 31.5 * p_waves.mean) << 6
    first |= _half_up(31.5 + 31.5 * q_waves.mean) << 12
    first |= _half_up(31 * l_waves.scale) << 18 | transparent << 23
    second = down if wide else across
    second |= _half_up(63 * p_waves.scale) << 3 | _half_up(63 * q_waves.scale) << 9 | wide << 15
    nibbles = [*l_waves.nibbles, *p_waves.nibbles, *q_waves.nibbles]
    if transparent:
        a_waves = _waves(alpha, width, 5, 5)
        head = (_half_up(15 * a_waves.mean), _half_up(15 * a_waves.scale))
        nibbles = [*head, *nibbles, *a_waves.nibbles]
    nibbles += [0] * (len(nibbles) % 2)
    packed = bytes(low | high << 4 for low, high in zip(nibbles[::2], nibbles[1::2], strict=True))
    return base64.b64encode(
        first.to_bytes(3, "little") + second.to_bytes(2, "little") + packed
    ).decode()


def _over_mean(levels: bytes, alpha: Sequence[float]) -> list[float]:
    """One channel, 0–1, laid over its own mean where it is transparent."""
    seen = sum(alpha)
    mean = sum(map(operator.mul, levels, alpha)) / (255 * seen) if seen else 0.0
    return [
        mean * (1 - cover) + level / 255 * cover for level, cover in zip(levels, alpha, strict=True)
    ]


def _half_up(value: float) -> int:
    """`value` rounded half up; what is a hair below a half counts as one, on any machine."""
    return math.floor(value + 0.5 + NOISE)


@dataclass(frozen=True, slots=True)
class _Waves:
    """A channel as cosine terms: its mean, the largest term, and the others against that."""

    mean: float
    scale: float
    nibbles: tuple[int, ...]


def _waves(channel: Sequence[float], width: int, across: int, down: int) -> _Waves:
    """The slowest terms of the channel's cosine transform, a triangle of across × down."""
    height = len(channel) // width
    rows = [channel[start : start + width] for start in range(0, len(channel), width)]
    columns = [
        [sum(map(operator.mul, row, wave)) for row in rows] for wave in _cosines(width, across)
    ]
    terms = [
        sum(map(operator.mul, columns[x], wave)) / (width * height)
        for y, wave in enumerate(_cosines(height, down))
        for x in range(across)
        if x * down < across * (down - y)
    ]
    mean, *others = terms
    scale = max(map(abs, others))
    if scale < NOISE:
        return _Waves(mean, 0.0, (0,) * len(others))
    return _Waves(mean, scale, tuple(_half_up(15 * (0.5 + 0.5 / scale * t)) for t in others))


def _cosines(length: int, count: int) -> Iterator[list[float]]:
    """The first `count` cosine waves over `length` pixels."""
    for frequency in range(count):
        step = math.pi * frequency / length
        yield [math.cos(step * (place + 0.5)) for place in range(length)]
