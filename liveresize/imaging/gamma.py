"""What PNG says of its colours without a profile: a gamma, and the colours of its primaries.

Browsers heed both. Here a profile is made of them, so that they go the way of all others.
"""

import functools
import struct
from collections.abc import Sequence

from PIL import Image

from liveresize.imaging import modes

Vector = tuple[float, float, float]
Matrix = tuple[Vector, Vector, Vector]
Chromaticity = tuple[float, ...]
"""x and y of white, red, green and blue."""

SRGB = (0.3127, 0.3290, 0.64, 0.33, 0.30, 0.60, 0.15, 0.06)

USUAL = 1 / 2.2
"""What nearly all files say that say anything, and mean sRGB by."""

ALIKE = 0.05
"""Gammas that differ by less are the same; libpng draws the line there too."""

NEAR = 0.005
"""The same for x and y of a primary."""

ODDEST = 5.0
"""A gamma beyond this, or below its inverse, is a mistake."""

D50: Vector = (0.9642, 1.0, 0.8249)
"""The white of profiles."""

BRADFORD: Matrix = (
    (0.8951, 0.2664, -0.1614),
    (-0.7502, 1.7135, 0.0367),
    (0.0389, -0.0685, 1.0296),
)
"""From XYZ to how the eye takes in a light, in which whites are matched."""

VERSION = 0x0240_0000
HEADER = 128


def profile(image: Image.Image, *, to_store: bool = False) -> bytes | None:
    """The profile of an opened, not yet loaded picture: its own, or one made of its gamma.

    None stands for sRGB. What makes no sense is left out of account. The one `to_store`
    with greys is for greys; else it is for colours, which LittleCMS converts with more
    care: of the dark greys of a linear picture it is 7 levels off.
    """
    own: bytes | None = image.info.get("icc_profile")
    value = image.info.get("gamma")
    if own or "srgb" in image.info or not isinstance(value, float):
        return own
    primaries = tuple(image.info.get("chromaticity", SRGB))
    if not 1 / ODDEST <= value <= ODDEST or not _sensible(primaries):
        return None
    grey = modes.is_grey(image)
    plain = all(abs(one - two) < NEAR for one, two in zip(primaries, SRGB, strict=True))
    if abs(value / USUAL - 1) < ALIKE and (plain or grey):
        return None
    if grey:
        primaries = () if to_store else SRGB
    return _made(value, primaries)


def _sensible(primaries: Chromaticity) -> bool:
    """Whether every x and y is there and belongs to a light, and the primaries differ."""
    if len(primaries) != len(SRGB) or not all(0 < value < 1 for value in primaries):
        return False
    red, green, blue = (primaries[at : at + 2] for at in (2, 4, 6))
    area = (green[0] - red[0]) * (blue[1] - red[1]) - (blue[0] - red[0]) * (green[1] - red[1])
    return abs(area) > NEAR


@functools.lru_cache(maxsize=16)
def _made(value: float, primaries: Chromaticity) -> bytes:
    """A profile for this gamma, for greys where there are no primaries."""
    curve = struct.pack(">4sIIHxx", b"curv", 0, 1, round(256 / value))
    tags = [(b"wtpt", _xyz(D50))]
    if primaries:
        columns = _colorants(primaries)
        tags += [
            (name + b"XYZ", _xyz(each))
            for name, each in zip((b"r", b"g", b"b"), columns, strict=True)
        ]
        tags += [(name + b"TRC", curve) for name in (b"r", b"g", b"b")]
    else:
        tags.append((b"kTRC", curve))
    return _file(b"RGB " if primaries else b"GRAY", tags)


def _file(space: bytes, tags: list[tuple[bytes, bytes]]) -> bytes:
    """A display profile of these tags, of a multiple of four bytes each."""
    table, body = struct.pack(">I", len(tags)), b""
    start = HEADER + 4 + 12 * len(tags)
    for name, data in tags:
        table += struct.pack(">4sII", name, start + len(body), len(data))
        body += data
    size = start + len(body)
    head = struct.pack(">I4xI4s4s4s12x4s", size, VERSION, b"mntr", space, b"XYZ ", b"acsp")
    head = head.ljust(68, b"\0") + _fixed(D50)
    return head.ljust(HEADER, b"\0") + table + body


def _xyz(value: Vector) -> bytes:
    return b"XYZ \0\0\0\0" + _fixed(value)


def _fixed(value: Vector) -> bytes:
    return struct.pack(">3i", *(round(part * 65536) for part in value))


def _colorants(primaries: Chromaticity) -> tuple[Vector, ...]:
    """XYZ of red, green and blue at full, seen under the white of profiles."""
    white, *lights = (_light(*primaries[at : at + 2]) for at in (0, 2, 4, 6))
    # How much of each light gives white.
    shares = _solved(lights, white)
    eye_white, eye_d50 = _times(BRADFORD, white), _times(BRADFORD, D50)
    rows = list(zip(*BRADFORD, strict=True))
    found = []
    for light, share in zip(lights, shares, strict=True):
        seen = _times(BRADFORD, light)
        matched = [
            share * part * new / old
            for part, new, old in zip(seen, eye_d50, eye_white, strict=True)
        ]
        found.append(_solved(rows, matched))
    return tuple(found)


def _light(x: float, y: float) -> Vector:
    """XYZ of a light of brightness 1."""
    return x / y, 1.0, (1 - x - y) / y


def _times(matrix: Matrix, vector: Sequence[float]) -> Vector:
    first, second, third = (
        sum(one * two for one, two in zip(row, vector, strict=True)) for row in matrix
    )
    return first, second, third


def _solved(columns: Sequence[Sequence[float]], target: Sequence[float]) -> Vector:
    """How much of each of three columns adds up to `target`, by Cramer's rule."""
    whole = _determinant(columns)
    parts = []
    for at in range(3):
        changed = [target if index == at else column for index, column in enumerate(columns)]
        parts.append(_determinant(changed) / whole)
    return parts[0], parts[1], parts[2]


def _determinant(columns: Sequence[Sequence[float]]) -> float:
    (a, b, c), (d, e, f), (g, h, i) = columns
    return a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)
