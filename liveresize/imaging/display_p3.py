"""Display P3: the primaries of DCI-P3 with the white and the curve of sRGB.

SMPTE EG 432-1, ITU-T H.273 (primaries 12, transfer 13). The profile is written here, as ICC.1
version 4 with a matrix and parametric curves, for all readers, without a date or a maker.
"""

import functools
import struct

from PIL import Image

from liveresize.core.values import Colour
from liveresize.imaging import cicp, gamma

PRIMARIES = cicp.PRIMARIES[12]

NAME, RIGHTS = "Display P3", "CC0"

VERSION = 0x0430_0000

CURVE = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
"""The parameters g, a, b, c and d of sRGB's curve: (ax + b) ** g from d on, else cx."""

NEEDED = 1.02
"""Light of sRGB from which a colour lies beyond it; levels of 8 bits are rounded."""


@functools.cache
def profile() -> bytes:
    """The ICC profile, 492 bytes."""
    curve = struct.pack(">4sIHxx5i", b"para", 0, 3, *_fixed(CURVE))
    matrix = [each for row in gamma.adaptation(PRIMARIES) for each in row]
    tags = [
        (b"desc", _text(NAME)),
        (b"cprt", _text(RIGHTS)),
        (b"wtpt", gamma.xyz(gamma.D50)),
        (b"chad", struct.pack(">4sI9i", b"sf32", 0, *_fixed(matrix))),
        *(
            (name + b"XYZ", gamma.xyz(each))
            for name, each in zip((b"r", b"g", b"b"), gamma.colorants(PRIMARIES), strict=True)
        ),
        *((name + b"TRC", curve) for name in (b"r", b"g", b"b")),
    ]
    return gamma.file(b"RGB ", tags, VERSION, shared=True)


def of_srgb(colour: Colour) -> Colour:
    """A colour of sRGB in the levels of Display P3."""
    lights = [gamma.srgb_light(level / 255) for level in colour[:3]]
    red, green, blue = (
        min(255, max(0, round(255 * gamma.srgb_level(_dot(row, lights)))))
        for row in gamma.between(gamma.SRGB, PRIMARIES)
    )
    return red, green, blue, colour[3]


def exceeds_srgb(pixels: Image.Image) -> bool:
    """Whether some pixels (RGB, in Display P3) have colours that sRGB has not."""
    rows = gamma.between(PRIMARIES, gamma.SRGB)
    data = pixels.tobytes()
    for at in range(0, len(data), 3):
        lights = [gamma.srgb_light(level / 255) for level in data[at : at + 3]]
        made = [_dot(row, lights) for row in rows]
        if max(made) > NEEDED or min(made) < 1 - NEEDED:
            return True
    return False


def _dot(row: gamma.Vector, lights: list[float]) -> float:
    return sum(one * two for one, two in zip(row, lights, strict=True))


def _fixed(values: tuple[float, ...] | list[float]) -> list[int]:
    return [round(value * 65536) for value in values]


def _text(text: str) -> bytes:
    """A tag of one text, in English of the United States."""
    body = text.encode("utf-16-be")
    tag = struct.pack(">4sIII2s2sII", b"mluc", 0, 1, 12, b"en", b"US", len(body), 28) + body
    return tag.ljust(-(-len(tag) // 4) * 4, b"\0")
