"""GIF: a screen, then blocks; walked by one function for counting, cleaning and decoding.

Pillow's own `n_frames` has no limit, and builds objects for each of 40,000 frames.
"""

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from liveresize.imaging.structure.tally import Tally

EXTENSION, IMAGE, TRAILER = 0x21, 0x2C, 0x3B
GRAPHIC_CONTROL, COMMENT, APPLICATION = 0xF9, 0xFE, 0xFF

SCREEN_SIZE = 13
IMAGE_SIZE = 10

SOME = 1_000
"""After so many sub-blocks they are counted: after each that would take twice the time."""

Size = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Block:
    """A block of the file: its introducer and where it starts and ends.

    A chain of sub-blocks belongs to it, with its terminator. The end is beyond the file
    where the block is cut off. A byte that starts no block is a block of its own.
    """

    kind: int
    start: int
    end: int


def count(data: memoryview, tally: Tally) -> None:
    """Walk over the blocks of as many frames as count.

    Pillow makes the picture larger for a frame that leaves it, so `frame_pixels`
    are all that frames reach.
    """
    if len(data) < SCREEN_SIZE:
        return
    width, height = struct.unpack_from("<HH", data, 6)
    frames = 0
    for block in blocks(data, tally.parts):
        if block.kind == IMAGE and block.start + IMAGE_SIZE < len(data):
            frames += 1
            left, top, across, down = struct.unpack_from("<HHHH", data, block.start + 1)
            width, height = max(width, left + across), max(height, top + down)
            if frames == tally.max_frames:
                break
        elif label(data, block) == COMMENT:
            tally.passes("comments")
    tally.frames, tally.frame_pixels = frames, width * height


def blocks(data: memoryview, counted: Callable[[int], None]) -> Iterator[Block]:
    """The blocks from behind the screen up to the trailer, or to the end of the file.

    `counted` is told how many parts there have been since it was called last: blocks, and
    sub-blocks before their block is yielded.
    """
    at, limit = SCREEN_SIZE + palette_size(data[10]), len(data)
    while at < limit:
        kind, start = data[at], at
        if kind == EXTENSION:
            at = _chain_end(data, at + 2, counted)
        elif kind == IMAGE:
            flags = data[at + 9] if at + 9 < limit else 0
            at = _chain_end(data, at + IMAGE_SIZE + palette_size(flags) + 1, counted)
        else:
            at += 1
        counted(1)
        yield Block(kind, start, at)
        if kind == TRAILER:
            return


def label(data: memoryview, block: Block) -> int | None:
    """What kind of extension a block is; None for other blocks, and where it is cut off."""
    if block.kind != EXTENSION or block.start + 1 >= len(data):
        return None
    return data[block.start + 1]


def palette_size(flags: int) -> int:
    """The size in bytes of the palette that the flags of a screen or image announce."""
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _chain_end(data: memoryview, at: int, counted: Callable[[int], None]) -> int:
    """Where the chain of sub-blocks that starts at `at` ends, behind its terminator."""
    limit, parts = len(data), 0
    while at < limit and (size := data[at]):
        at += size + 1
        parts += 1
        if parts == SOME:
            counted(parts)
            parts = 0
    counted(parts)
    return at + 1
