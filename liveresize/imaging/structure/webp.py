"""Counting WebP: chunks of the file and of its frames."""

import struct

from liveresize.imaging.structure.tally import Tally

ANIMATION = 0x02
FLAGS_AT, CANVAS_END = 20, 30
"""Where a file that begins with VP8X says whether it moves, and where the size of its canvas
ends: two numbers of three bytes."""

FRAME_HEADER = 16
"""Bytes of an animation frame before its own chunks."""


def count(data: memoryview, tally: Tally) -> None:
    """Walk over all chunks. A frame never leaves the canvas, so its size says enough."""
    head = bytes(data[:CANVAS_END])
    if len(head) == CANVAS_END and head[12:16] == b"VP8X" and head[FLAGS_AT] & ANIMATION:
        width, height = (int.from_bytes(head[at : at + 3], "little") + 1 for at in (24, 27))
        tally.frame_pixels = width * height
    _walk(data, 12, len(data), tally)


def _walk(data: memoryview, at: int, end: int, tally: Tally) -> None:
    """The chunks between two places; those inside a frame are chunks of its own."""
    while at + 8 <= end:
        kind, size = struct.unpack_from("<4sI", data, at)
        tally.parts()
        if kind == b"ANMF":
            _walk(data, at + 8 + FRAME_HEADER, min(end, at + 8 + size), tally)
        at += 8 + size + (size & 1)
