"""Cleaning JPEG XL: of the boxes around the stream of code only those stay that decode it.

Exif, XMP, JUMBF, all three also when compressed, and what a JPEG could be made from again are
left out. The stream itself has the picture's orientation and colours, and no room for more.
"""

import struct
from collections.abc import Iterator

from liveresize.imaging.cleaning.parts import Piece, damaged, part
from liveresize.imaging.structure.jxl import CONTAINER

KEPT = frozenset({b"JXL ", b"ftyp", b"jxll", b"jxlc", b"jxlp"})
"""The signature, the brand, the level, and the stream, whole or in parts."""


def cleaned(data: memoryview, orientation: int) -> Iterator[Piece]:
    """The boxes that stay; all of a naked stream. Nothing needs to be kept of the Exif."""
    if data[: len(CONTAINER)] != CONTAINER:
        yield data
        return
    at = 0
    while at < len(data):
        size, kind = struct.unpack(">I4s", part(data, at, 8))
        if size == 1:
            (size,) = struct.unpack(">Q", part(data, at + 8, 8))
        elif size == 0:
            size = len(data) - at
        if size < 8:
            raise damaged(f"jxl: a box of {size} bytes")
        box = part(data, at, size)
        if kind in KEPT:
            yield box
        at += size
