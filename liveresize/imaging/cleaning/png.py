"""Cleaning PNG, still and animated: a signature, then chunks with a length and a CRC."""

import struct
import zlib
from collections.abc import Iterator

from liveresize.imaging.cleaning.parts import Piece, damaged, orientation_exif, part

SIGNATURE = b"\x89PNG\r\n\x1a\n"

KEPT = frozenset(
    {
        *(b"IHDR", b"PLTE", b"IDAT", b"IEND"),
        *(b"tRNS", b"cHRM", b"gAMA", b"iCCP", b"sBIT", b"sRGB", b"cICP"),
        *(b"mDCV", b"mDCv", b"cLLI", b"cLLi", b"bKGD", b"pHYs", b"hIST", b"sPLT"),
        *(b"acTL", b"fcTL", b"fdAT"),
    }
)
"""What shows: pixels, colours, transparency, density, animation. All other chunks go."""

CRITICAL = 0x20
"""This bit of a type's first letter is clear where a decoder must know the chunk."""


def cleaned(data: memoryview, orientation: int) -> Iterator[Piece]:
    """The chunks that show, byte for byte, and an `eXIf` right after the header if needed.

    Raises UnreadableImage for a wrong signature, chunks cut off, out of place or
    critical and unknown.
    """
    if bytes(data[:8]) != SIGNATURE:
        raise damaged("png: no signature")
    yield data[:8]
    at, previous, pixels = 8, b"", False
    while previous != b"IEND":
        size = int.from_bytes(part(data, at, 4), "big")
        chunk = part(data, at, size + 12)
        kind = bytes(chunk[4:8])
        at += len(chunk)
        _check_order(kind, previous, pixels)
        if kind in KEPT:
            yield chunk
        elif not kind[0] & CRITICAL:
            raise damaged(f"png: critical chunk {kind!r}")
        if kind == b"IHDR" and orientation != 1:
            yield _chunk(b"eXIf", orientation_exif(orientation))
        pixels = pixels or kind == b"IDAT"
        previous = kind


def _check_order(kind: bytes, previous: bytes, pixels: bool) -> None:
    """The order that all decoders rely on: IHDR once and first, IDATs in one run, IEND."""
    if (kind == b"IHDR") == bool(previous):
        raise damaged("png: IHDR is not the first chunk, or not the only one")
    if kind == b"IDAT" and pixels and previous != b"IDAT":
        raise damaged("png: IDAT in two places")
    if kind == b"IEND" and not pixels:
        raise damaged("png: no IDAT")


def _chunk(kind: bytes, payload: bytes) -> bytes:
    """A chunk of `payload`: length, type, payload, CRC of type and payload."""
    return struct.pack(">I", len(payload)) + kind + payload + zlib.crc32(kind + payload).to_bytes(4)
