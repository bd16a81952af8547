"""Cleaning JPEG XL: of the boxes around the stream of code only those stay that decode it.

Exif, XMP, JUMBF, all three also when compressed, and what a JPEG could be made from again are
left out. The stream itself has the picture's orientation and colours, and no room for more.
"""

import struct
from collections.abc import Iterator

from liveresize import errors
from liveresize.imaging import rights
from liveresize.imaging.cleaning.parts import Piece, damaged, part
from liveresize.imaging.rights import xmp
from liveresize.imaging.structure.jxl import CONTAINER

STREAM = frozenset({b"jxlc", b"jxlp"})
KEPT = STREAM | {b"JXL ", b"ftyp", b"jxll"}
"""The signature, the brand, the level, and the stream, whole or in parts."""


def cleaned(
    data: memoryview, orientation: int, kept: rights.Rights = rights.NONE
) -> Iterator[Piece]:
    """The boxes that stay, with the rights in front of the stream; all of a naked stream.

    No orientation needs to be kept of the Exif. Raises UnreadableImage for boxes cut off.
    """
    if data[: len(CONTAINER)] != CONTAINER:
        yield data
        return
    told = b"".join(_told(kept))
    for kind, box in _boxes(data):
        if kind in STREAM:
            yield told
            told = b""
        if kind in KEPT:
            yield box


def rights_in(data: memoryview) -> rights.Rights:
    """What the boxes of Exif and XMP say, which are not read where they are compressed."""
    exif, packet = memoryview(b""), b""
    if data[: len(CONTAINER)] != CONTAINER:
        return rights.NONE
    try:
        for kind, box in _boxes(data):
            content = box[8:]
            if kind == b"Exif" and len(content) >= 4:
                exif = exif or content[4 + int.from_bytes(content[:4]) :]
            elif kind == b"xml ":
                packet = packet or bytes(content[: xmp.MOST_BYTES])
    except errors.UnreadableImage:
        pass  # what was sound counts
    return rights.in_blocks(exif, packet)


def _told(kept: rights.Rights) -> Iterator[bytes]:
    """The boxes that say the rights."""
    exif, packet = kept.exif(), kept.xmp(wrapped=False)
    for kind, content in ((b"Exif", exif and bytes(4) + exif), (b"xml ", packet)):
        if content:
            yield struct.pack(">I4s", len(content) + 8, kind) + content


def _boxes(data: memoryview) -> Iterator[tuple[bytes, memoryview]]:
    """Each box whole, and its type. Raises UnreadableImage for one cut off."""
    at = 0
    while at < len(data):
        size, kind = struct.unpack(">I4s", part(data, at, 8))
        if size == 1:
            (size,) = struct.unpack(">Q", part(data, at + 8, 8))
        elif size == 0:
            size = len(data) - at
        if size < 8:
            raise damaged(f"jxl: a box of {size} bytes")
        yield kind, part(data, at, size)
        at += size
