"""Counting AV1: how many frames a piece of the stream codes, and how large they are.

A picture, or one frame of an animation, may come with frames that are not shown. An encoder
keeps some of them to predict others from; nothing in the format bounds their number.
"""

from collections.abc import Iterator

from liveresize.imaging.structure.bits import Bits
from liveresize.imaging.structure.tally import Tally

SEQUENCE_HEADER, FRAME_HEADER, FRAME = 1, 3, 6

SLOTS = 8
"""Frames that AV1 can keep: to hide more than these before one is shown is of no use."""


class Stream:
    """One stream, whose pieces are looked at in order: `pixels` is the size of its frames, and
    `cicp` are the code points of primaries and transfer, if the stream has them."""

    def __init__(self) -> None:
        self.pixels = 0
        self.cicp: tuple[int, int] | None = None

    def coded(self, piece: memoryview, tally: Tally) -> int:
        """The pixels in all frames that `piece` codes. Raises WorkExceeded above SLOTS hidden."""
        frames = 0
        for kind, payload in _units(piece, tally):
            if kind == SEQUENCE_HEADER:
                self.pixels, self.cicp = _sequence(payload)
            elif kind == FRAME or (kind == FRAME_HEADER and payload and not payload[0] & 0x80):
                frames += 1
        tally.limit("hidden frames in a row", frames - 1, SLOTS)
        return frames * self.pixels


def _units(piece: memoryview, tally: Tally) -> Iterator[tuple[int, memoryview]]:
    """The OBUs of a piece, as (type, payload)."""
    at = 0
    while at < len(piece):
        head = piece[at]
        start = at + (2 if head & 4 else 1)
        size = len(piece) - start
        if head & 2:
            size, start = _leb128(piece, start)
        tally.parts()
        yield head >> 3 & 15, piece[start : start + max(0, size)]
        at = start + max(0, size)


def _leb128(data: memoryview, at: int) -> tuple[int, int]:
    """The number at `at`, seven bits a byte, the lowest first; and where it ends."""
    value = 0
    for index in range(8):
        if at >= len(data):
            break
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << 7 * index
        if not byte & 0x80:
            break
    return value, at


def _sequence(header: memoryview) -> tuple[int, tuple[int, int] | None]:
    """Width × height of the largest frame that a sequence header allows, and its colours."""
    bits = Bits(bytes(header[:64]))
    profile = bits.take(3)
    bits.take(1)  # still picture
    reduced = bits.take(1)
    if reduced:
        bits.take(5)  # a reduced header has a level, and nothing more
    else:
        _skip_timing(bits)
    across, down = bits.take(4) + 1, bits.take(4) + 1
    pixels = (bits.take(across) + 1) * (bits.take(down) + 1)
    if not reduced and bits.take(1):  # frames have ids
        bits.take(7)
    bits.take(3)  # superblocks, filters
    if not reduced:
        _skip_tools(bits)
    bits.take(3)  # super-resolution, filters
    return pixels, _colours(bits, profile)


def _skip_tools(bits: Bits) -> None:
    """The tools for frames that are predicted from others."""
    bits.take(4)
    order = bits.take(1)
    if order:
        bits.take(2)
    screen = bits.take(1) or bits.take(1)
    if screen and not bits.take(1):  # the motion vectors of screen content
        bits.take(1)
    if order:
        bits.take(3)


def _colours(bits: Bits, profile: int) -> tuple[int, int] | None:
    """The code points of primaries and transfer; None where the stream has none."""
    deep = bits.take(1)
    if profile == 2 and deep:
        bits.take(1)
    if profile != 1:
        bits.take(1)  # monochrome
    return (bits.take(8), bits.take(8)) if bits.take(1) else None


def _skip_timing(bits: Bits) -> None:
    """Timing and operating points, which stand before the size."""
    delay, model = 0, 0
    if bits.take(1):  # timing
        bits.take(64)
        if bits.take(1):
            bits.golomb()
        model = bits.take(1)
        if model:
            delay = bits.take(5) + 1
            bits.take(42)
    display = bits.take(1)
    for _ in range(bits.take(5) + 1):
        bits.take(12)
        if bits.take(5) > 7:
            bits.take(1)
        if model and bits.take(1):
            bits.take(2 * delay + 1)
        if display and bits.take(1):
            bits.take(4)
