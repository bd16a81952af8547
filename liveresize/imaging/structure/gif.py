"""Counting GIF: blocks, frames, and how far frames reach beyond the canvas.

Pillow's own `n_frames` has no limit, and builds objects for each of 40,000 frames.
"""

import struct

from liveresize.imaging.structure.tally import Tally

EXTENSION, IMAGE, TRAILER = 0x21, 0x2C, 0x3B
COMMENT = 0xFE

SOME = 1_000
"""After so many sub-blocks they are counted: after each that would take twice the time."""


def count(data: memoryview, tally: Tally) -> None:
    """Walk over the blocks of as many frames as count.

    Pillow makes the picture larger for a frame that leaves it, so `frame_pixels`
    are all that frames reach.
    """
    if len(data) < 13:
        return
    width, height = struct.unpack_from("<HH", data, 6)
    frames, at, end = 0, 13 + palette_size(data[10]), len(data)
    while at < end and frames < tally.max_frames:
        introducer = data[at]
        tally.parts()
        if introducer == IMAGE and at + 10 < end:
            frames += 1
            left, top, across, down = struct.unpack_from("<HHHH", data, at + 1)
            width, height = max(width, left + across), max(height, top + down)
            at = _blocks_end(data, at + 11 + palette_size(data[at + 9]), tally)
        elif introducer == EXTENSION and at + 1 < end:
            if data[at + 1] == COMMENT:
                tally.passes("comments")
            at = _blocks_end(data, at + 2, tally)
        elif introducer == TRAILER:
            break
        else:
            at += 1  # as Pillow does, skip what is no block
    tally.frames, tally.frame_pixels = frames, width * height


def palette_size(flags: int) -> int:
    """The size in bytes of the palette that the flags of a screen or image announce."""
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _blocks_end(data: memoryview, at: int, tally: Tally) -> int:
    """Where the chain of sub-blocks that starts at `at` ends."""
    end, blocks = len(data), 0
    while at < end and (size := data[at]):
        at += size + 1
        blocks += 1
        if blocks == SOME:
            tally.parts(blocks)
            blocks = 0
    tally.parts(blocks)
    return at + 1
