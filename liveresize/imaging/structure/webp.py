"""Counting WebP: chunks of the file and of its frames."""

import struct

from liveresize.imaging.structure.tally import Tally

FRAME_HEADER = 16
"""Bytes of an animation frame before its own chunks."""


def count(data: memoryview, tally: Tally) -> None:
    """Walk over all chunks. A frame never leaves the canvas, so its size says enough."""
    _walk(data, 12, len(data), tally)


def _walk(data: memoryview, at: int, end: int, tally: Tally) -> None:
    """The chunks between two places; those inside a frame are chunks of its own."""
    while at + 8 <= end:
        kind, size = struct.unpack_from("<4sI", data, at)
        tally.parts()
        if kind == b"ANMF":
            _walk(data, at + 8 + FRAME_HEADER, min(end, at + 8 + size), tally)
        at += 8 + size + (size & 1)
