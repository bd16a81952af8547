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

CONTROL = b"\x21\xf9\x04"
"""How a graphic control begins; its one sub-block has four bytes."""

CONTROL_SIZE = 7

LOOPS = (b"\x21\xff\x0bNETSCAPE2.0\x03\x01", b"\x21\xff\x0bANIMEXTS1.0\x03\x01")
"""How extensions begin that say how often an animation plays: then come two bytes."""

LOOP_SIZE = len(LOOPS[0]) + 2

INTERLACED, TRANSPARENT = 0x40, 0x01

Size = tuple[int, int]

Span = tuple[int, int]
"""Where something starts and ends in the file."""


@dataclass(frozen=True, slots=True)
class Frame:
    """An image and what its graphic control says of it.

    `box` is (left, top, right, bottom) on the canvas, which it may leave. `palette` is
    empty without colours, `pixels` start with the size of their codes, `clear` is the index
    that means transparent, and `duration` is in ms; None without a graphic control.
    """

    box: tuple[int, int, int, int]
    palette: Span
    pixels: Span
    interlaced: bool
    clear: int | None
    disposal: int
    duration: int | None


@dataclass(frozen=True, slots=True)
class Screen:
    """What a GIF says of itself: the size of its canvas, its frames, and its loop count."""

    size: Size
    frames: list[Frame]
    loop: int | None


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

    A frame may be larger than the canvas: `frame_pixels` are those of the larger.
    """
    if len(data) < SCREEN_SIZE:
        return
    width, height = struct.unpack_from("<HH", data, 6)
    frames, pixels = 0, width * height
    for block in blocks(data, tally.parts):
        if block.kind == IMAGE and block.start + IMAGE_SIZE < len(data):
            frames += 1
            across, down = struct.unpack_from("<HH", data, block.start + 5)
            pixels = max(pixels, across * down)
            if frames == tally.max_frames:
                break
        elif label(data, block) == COMMENT:
            tally.passes("comments")
    tally.frame_pixels = pixels


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


def screen(data: memoryview, max_frames: int) -> Screen:
    """The canvas and up to so many frames of a GIF that is longer than its screen.

    As in browsers, a first frame that leaves the canvas makes it larger, a graphic control
    is for the next image alone, and the last loop count is the one that counts.
    """
    width, height = struct.unpack_from("<HH", data, 6)
    shared = (SCREEN_SIZE, SCREEN_SIZE + palette_size(data[10]))
    frames: list[Frame] = []
    loop: int | None = None
    control = b""
    for block in blocks(data, lambda _parts: None):
        if block.kind == EXTENSION:
            head = bytes(data[block.start : min(block.end, block.start + LOOP_SIZE)])
            if head.startswith(CONTROL) and len(head) >= CONTROL_SIZE:
                control = head
            elif head.startswith(LOOPS) and len(head) == LOOP_SIZE:
                loop = int.from_bytes(head[-2:], "little")
        elif block.kind == IMAGE and block.start + IMAGE_SIZE < len(data):
            frames.append(_frame(data, block, shared, control))
            control = b""
            if len(frames) == max_frames:
                break
    if frames:
        _, _, right, bottom = frames[0].box
        width, height = max(width, right), max(height, bottom)
    return Screen((width, height), frames, loop)


def _frame(data: memoryview, block: Block, shared: Span, control: bytes) -> Frame:
    """The frame of an image block, under a graphic control or b""."""
    left, top, across, down, flags = struct.unpack_from("<HHHHB", data, block.start + 1)
    start = block.start + IMAGE_SIZE
    own = (start, start + palette_size(flags))
    options, delay, clear = struct.unpack_from("<BHB", control, 3) if control else (0, 0, 0)
    return Frame(
        box=(left, top, left + across, top + down),
        palette=own if flags & 0x80 else shared,
        pixels=(own[1], block.end),
        interlaced=bool(flags & INTERLACED),
        clear=clear if options & TRANSPARENT else None,
        disposal=options >> 2 & 7,
        duration=10 * delay if control else None,
    )


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
