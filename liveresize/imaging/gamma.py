"""What a picture says of its colours without a profile: code points, or a gamma and primaries.

Browsers heed them. Here a profile is made of them, so that they go the way of all others.
"""

import functools
import struct
from collections.abc import Sequence

from PIL import Image

from liveresize.imaging import cicp, modes

Vector = tuple[float, float, float]
Matrix = tuple[Vector, Vector, Vector]

Chromaticity = cicp.Chromaticity

SRGB = cicp.PRIMARIES[1]

CURVE = 1024
"""Entries of the table that stands for the curve of sRGB in a profile."""

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


def profile(image: Image.Image, *, to_store: bool = False) -> bytes | cicp.Cicp | None:
    """The profile of an opened, not yet loaded picture: its own, or one made of its gamma.

    None stands for sRGB, and code points for PQ and HLG, which no profile holds. What makes
    no sense is left out of account. The one `to_store` with greys is for greys; else it is
    for colours, which LittleCMS converts with more care: of the dark greys of a linear
    picture it is 7 levels off.
    """
    told: cicp.Cicp | None = image.info.get("cicp")
    if told is not None:
        return told if told.hdr else _of_cicp(told, modes.is_grey(image), to_store)
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


def _of_cicp(told: cicp.Cicp, grey: bool, to_store: bool) -> bytes | None:
    """The profile that stands for code points; None where they say sRGB."""
    if not told.gamma and (grey or told.primaries == SRGB):
        return None
    primaries = told.primaries
    if grey:
        primaries = () if to_store else SRGB
    return _made(1 / told.gamma if told.gamma else 0.0, primaries)


def _sensible(primaries: Chromaticity) -> bool:
    """Whether every x and y is there and belongs to a light, and the primaries differ."""
    if len(primaries) != len(SRGB) or not all(0 < value < 1 for value in primaries):
        return False
    red, green, blue = (primaries[at : at + 2] for at in (2, 4, 6))
    area = (green[0] - red[0]) * (blue[1] - red[1]) - (blue[0] - red[0]) * (green[1] - red[1])
    return abs(area) > NEAR


@functools.lru_cache(maxsize=16)
def _made(value: float, primaries: Chromaticity) -> bytes:
    """A profile for this gamma (0 for the curve of sRGB), for greys without primaries."""
    if value:
        curve = struct.pack(">4sIIHxx", b"curv", 0, 1, round(256 / value))
    else:
        lights = (round(65535 * srgb_light(step / (CURVE - 1))) for step in range(CURVE))
        curve = struct.pack(f">4sII{CURVE}H", b"curv", 0, CURVE, *lights)
    tags = [(b"wtpt", xyz(D50))]
    if primaries:
        columns = colorants(primaries)
        tags += [
            (name + b"XYZ", xyz(each))
            for name, each in zip((b"r", b"g", b"b"), columns, strict=True)
        ]
        tags += [(name + b"TRC", curve) for name in (b"r", b"g", b"b")]
    else:
        tags.append((b"kTRC", curve))
    return file(b"RGB " if primaries else b"GRAY", tags)


def srgb_light(level: float) -> float:
    """The light 0–1 that a level 0–1 of sRGB stands for."""
    return level / 12.92 if level <= 0.04045 else float(((level + 0.055) / 1.055) ** 2.4)


def srgb_level(light: float) -> float:
    """The level 0–1 of sRGB that stands for a light 0–1."""
    return 12.92 * light if light <= 0.0031308 else float(1.055 * light ** (1 / 2.4) - 0.055)


def file(
    space: bytes,
    tags: list[tuple[bytes, bytes]],
    version: int = VERSION,
    *,
    shared: bool = False,
) -> bytes:
    """A display profile of these tags, of a multiple of four bytes each.

    With `shared` equal ones are written once.
    """
    table, body = struct.pack(">I", len(tags)), b""
    start = HEADER + 4 + 12 * len(tags)
    placed: dict[bytes, int] = {}
    for name, data in tags:
        end = start + len(body)
        at = placed.setdefault(data, end) if shared else end
        table += struct.pack(">4sII", name, at, len(data))
        body += data if at == end else b""
    size = start + len(body)
    head = struct.pack(">I4xI4s4s4s12x4s", size, version, b"mntr", space, b"XYZ ", b"acsp")
    head = head.ljust(68, b"\0") + _fixed(D50)
    return head.ljust(HEADER, b"\0") + table + body


def xyz(value: Vector) -> bytes:
    """A tag of three numbers."""
    return b"XYZ \0\0\0\0" + _fixed(value)


def _fixed(value: Vector) -> bytes:
    return struct.pack(">3i", *(round(part * 65536) for part in value))


def colorants(primaries: Chromaticity) -> tuple[Vector, ...]:
    """XYZ of red, green and blue at full, seen under the white of profiles."""
    return tuple(_adapted(light, primaries) for light in lights(primaries))


def adaptation(primaries: Chromaticity) -> Matrix:
    """The rows of the matrix from XYZ under the white of `primaries` to that of profiles."""
    columns = (_adapted(axis, primaries) for axis in ((1, 0, 0), (0, 1, 0), (0, 0, 1)))
    first, second, third = zip(*columns, strict=True)
    return first, second, third


def _adapted(light: Vector, primaries: Chromaticity) -> Vector:
    """XYZ of a light under the white of `primaries`, as it is seen under that of profiles."""
    eye_white, eye_d50 = _times(BRADFORD, _light(*primaries[:2])), _times(BRADFORD, D50)
    seen = _times(BRADFORD, light)
    matched = [part * new / old for part, new, old in zip(seen, eye_d50, eye_white, strict=True)]
    return _solved(list(zip(*BRADFORD, strict=True)), matched)


def lights(primaries: Chromaticity) -> tuple[Vector, Vector, Vector]:
    """XYZ of red, green and blue at full, under their own white."""
    white, *colours = (_light(*primaries[at : at + 2]) for at in (0, 2, 4, 6))
    # How much of each light gives white.
    red, green, blue = (
        (share * x, share * y, share * z)
        for (x, y, z), share in zip(colours, _solved(colours, white), strict=True)
    )
    return red, green, blue


def between(first: Chromaticity, second: Chromaticity) -> tuple[Vector, Vector, Vector]:
    """The rows of the matrix from light of the `first` primaries to light of the `second`."""
    columns = [_solved(lights(second), light) for light in lights(first)]
    red, green, blue = zip(*columns, strict=True)
    return red, green, blue


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
