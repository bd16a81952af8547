"""Cleaning WebP: a RIFF file, chunks with a little-endian length, padded to even."""

import struct
from collections.abc import Iterator

from liveresize.imaging.cleaning.parts import Piece, damaged, orientation_exif, part

PICTURE = frozenset({b"VP8 ", b"VP8L"})
FRAME = PICTURE | {b"ALPH"}
"""What may stand in a frame of an animation."""

KEPT = FRAME | {b"ICCP", b"ANIM"}

EXIF_FLAG, XMP_FLAG = 0x08, 0x04
"""Bits of the first byte of VP8X."""

VP8X_SIZE = 10
ANMF_HEADER = 16
"""Bytes of an animation frame before its own chunks: place, size, duration, flags."""


def cleaned(data: memoryview, orientation: int) -> Iterator[Piece]:
    """Pixels, alpha, animation and profile, then the orientation if there is one to keep.

    Files without VP8X cannot say an orientation and are not given one. Raises
    UnreadableImage for lengths that point outside and where no picture is found.
    """
    if bytes(data[:4]) != b"RIFF" or bytes(data[8:12]) != b"WEBP":
        raise damaged("webp: no RIFF header")
    end = 8 + struct.unpack_from("<I", data, 4)[0]
    body = part(data, 0, end)[12:]
    # The header comes first and holds the size: walk twice rather than hold the pieces.
    size = sum(len(piece) for piece in _chunks(body, orientation))
    yield b"RIFF" + struct.pack("<I", size + 4) + b"WEBP"
    yield from _chunks(body, orientation)


def _chunks(body: memoryview, orientation: int) -> Iterator[Piece]:
    """The kept chunks of a file, padded."""
    extended, pictured = False, False
    for kind, chunk in _walk(body):
        if kind == b"VP8X":
            if extended or pictured:
                raise damaged("webp: VP8X is not the first chunk")
            extended = True
            yield _header(chunk, orientation)
        elif kind == b"ANMF":
            pictured = True
            yield from _frame(chunk)
        elif kind in KEPT:
            pictured = pictured or kind in PICTURE
            yield from _padded(chunk)
            if not extended:
                # What follows the picture of a plain file is no part of it.
                break
    if not pictured:
        raise damaged("webp: no picture")
    if extended and orientation != 1:
        exif = orientation_exif(orientation)
        yield from _padded(b"EXIF" + struct.pack("<I", len(exif)) + exif)


def _walk(body: memoryview) -> Iterator[tuple[bytes, memoryview]]:
    """Each chunk of `body` with its type, header included and padding left out."""
    at = 0
    while at < len(body):
        size = struct.unpack("<I", part(body, at + 4, 4))[0]
        yield bytes(body[at : at + 4]), part(body, at, size + 8)
        at += 8 + size + (size & 1)


def _header(chunk: memoryview, orientation: int) -> bytes:
    """VP8X, with flags that tell what is left."""
    if len(chunk) < 8 + VP8X_SIZE:
        raise damaged("webp: VP8X is too short")
    flags = chunk[8] & ~(EXIF_FLAG | XMP_FLAG)
    if orientation != 1:
        flags |= EXIF_FLAG
    payload = bytes((flags,)) + bytes(chunk[9 : 8 + VP8X_SIZE])
    return b"VP8X" + struct.pack("<I", VP8X_SIZE) + payload


def _frame(chunk: memoryview) -> Iterator[Piece]:
    """One frame of an animation with only its picture and alpha inside."""
    if len(chunk) < 8 + ANMF_HEADER:
        raise damaged("webp: ANMF is too short")
    kept: dict[bytes, memoryview] = {}
    for kind, inner in _walk(chunk[8 + ANMF_HEADER :]):
        if kind in kept:
            raise damaged(f"webp: {kind!r} twice in a frame")
        if kind in FRAME:
            kept[kind] = inner
    size = ANMF_HEADER + sum(len(inner) + (len(inner) & 1) for inner in kept.values())
    yield b"ANMF" + struct.pack("<I", size)
    yield chunk[8 : 8 + ANMF_HEADER]
    for inner in kept.values():
        yield from _padded(inner)


def _padded(chunk: Piece) -> Iterator[Piece]:
    """`chunk`, and a zero where its length is odd."""
    yield chunk
    if len(chunk) & 1:
        yield b"\0"
