"""Cleaning WebP: a RIFF file, chunks with a little-endian length, padded to even."""

import struct
from collections.abc import Iterator

from liveresize import errors
from liveresize.imaging import rights
from liveresize.imaging.cleaning.parts import Piece, damaged, part
from liveresize.imaging.rights import xmp

PICTURE = frozenset({b"VP8 ", b"VP8L"})
FRAME = PICTURE | {b"ALPH"}
"""What may stand in a frame of an animation."""

KEPT = FRAME | {b"ICCP", b"ANIM"}

EXIF_FLAG, XMP_FLAG = 0x08, 0x04
"""Bits of the first byte of VP8X."""

VP8X_SIZE = 10
ANMF_HEADER = 16
"""Bytes of an animation frame before its own chunks: place, size, duration, flags."""


def cleaned(
    data: memoryview, orientation: int, kept: rights.Rights = rights.NONE
) -> Iterator[Piece]:
    """Pixels, alpha, animation and profile, then the orientation and the rights if there are any.

    Files without VP8X cannot say either and are not given any. Raises
    UnreadableImage for lengths that point outside and where no picture is found.
    """
    if bytes(data[:4]) != b"RIFF" or bytes(data[8:12]) != b"WEBP":
        raise damaged("webp: no RIFF header")
    end = 8 + struct.unpack_from("<I", data, 4)[0]
    body = part(data, 0, end)[12:]
    # The header comes first and holds the size: walk twice rather than hold the pieces.
    told = kept.exif(orientation), kept.xmp()
    size = sum(len(piece) for piece in _chunks(body, *told))
    yield b"RIFF" + struct.pack("<I", size + 4) + b"WEBP"
    yield from _chunks(body, *told)


def _chunks(body: memoryview, exif: bytes, packet: bytes) -> Iterator[Piece]:
    """The kept chunks of a file, padded, and those of EXIF and XMP behind them."""
    extended, pictured = False, False
    for kind, chunk in _walk(body):
        if kind == b"VP8X":
            if extended or pictured:
                raise damaged("webp: VP8X is not the first chunk")
            extended = True
            yield _header(chunk, (EXIF_FLAG if exif else 0) | (XMP_FLAG if packet else 0))
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
    for kind, content in ((b"EXIF", exif), (b"XMP ", packet)) if extended else ():
        if content:
            yield from _padded(kind + struct.pack("<I", len(content)) + content)


def rights_in(data: memoryview) -> rights.Rights:
    """What the chunks of EXIF and XMP say."""
    exif, packet = memoryview(b""), b""
    end = 8 + int.from_bytes(data[4:8], "little")
    if bytes(data[12:16]) != b"VP8X":
        return rights.NONE
    try:
        for kind, chunk in _walk(data[12:end]):
            if kind == b"EXIF":
                exif = exif or chunk[8:]
            elif kind == b"XMP ":
                packet = packet or bytes(chunk[8 : 8 + xmp.MOST_BYTES])
    except (errors.UnreadableImage, struct.error):
        pass  # what was sound counts
    return rights.in_blocks(exif, packet)


def _walk(body: memoryview) -> Iterator[tuple[bytes, memoryview]]:
    """Each chunk of `body` with its type, header included and padding left out."""
    at = 0
    while at < len(body):
        size = struct.unpack("<I", part(body, at + 4, 4))[0]
        yield bytes(body[at : at + 4]), part(body, at, size + 8)
        at += 8 + size + (size & 1)


def _header(chunk: memoryview, told: int) -> bytes:
    """VP8X, with flags that tell what is left; `told` are those of EXIF and XMP."""
    if len(chunk) < 8 + VP8X_SIZE:
        raise damaged("webp: VP8X is too short")
    flags = chunk[8] & ~(EXIF_FLAG | XMP_FLAG) | told
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
