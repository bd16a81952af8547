"""How large a JPEG XL is and whether it moves, read off its header.

Its plugin tells the size only after decoding, and shows the last frame of an animation.
"""

import os
import struct
from dataclasses import dataclass

HEAD = 4096
"""Bytes that are looked at; in a container a few small boxes come before the picture."""

CODESTREAM = b"\xff\x0a"
CONTAINER = b"\x00\x00\x00\x0cJXL \r\n\x87\n"

RATIOS = {1: (1, 1), 2: (12, 10), 3: (4, 3), 4: (3, 2), 5: (16, 9), 6: (5, 4), 7: (2, 1)}
"""The shapes that have a number, as width to height; any other is 0."""

WIDTHS = (9, 13, 18, 30)
"""How many bits a side takes, by a selector of two bits."""

PREVIEW_WIDTHS = {0: (6, 8, 10, 12), 1: (0, 0, 5, 9)}
"""The same for a preview, without and with the flag that it is made of blocks."""

START = 64
"""Bytes that hold all that is read here."""


class _Bits:
    """Bits of a byte string, the lowest first; past its end there are zeros."""

    def __init__(self, data: bytes) -> None:
        self._value = int.from_bytes(data, "little")

    def take(self, count: int) -> int:
        """The next `count` bits as a number."""
        taken = self._value & (1 << count) - 1
        self._value >>= count
        return taken


@dataclass(frozen=True, slots=True)
class Header:
    """(width, height) in pixels, and whether the picture is an animation."""

    size: tuple[int, int]
    animated: bool


def header(path: str | os.PathLike[str]) -> Header | None:
    """The header of the JPEG XL at `path`; None where it is anything else."""
    with open(path, "rb") as file:
        start = _codestream(file.read(HEAD))
    if not start.startswith(CODESTREAM):
        return None
    bits = _Bits(start[2:START])
    return Header(_size(bits), _animated(bits))


def _size(bits: _Bits) -> tuple[int, int]:
    small = bits.take(1)
    height = _side(bits, small)
    ratio = bits.take(3)
    if ratio:
        across, down = RATIOS[ratio]
        return height * across // down, height
    return _side(bits, small), height


def _animated(bits: _Bits) -> bool:
    """Whether the metadata behind the size say that there are frames."""
    usual = bits.take(1)
    if usual or not bits.take(1):
        return False
    bits.take(3)  # orientation
    if bits.take(1):
        _size(bits)  # of the picture as it should be shown
    if bits.take(1):
        blocks = bits.take(1)
        _preview_side(bits, blocks)
        if not bits.take(3):
            _preview_side(bits, blocks)
    return bits.take(1) == 1


def _preview_side(bits: _Bits, blocks: int) -> None:
    bits.take(PREVIEW_WIDTHS[blocks][bits.take(2)])


def _side(bits: _Bits, small: int) -> int:
    if small:
        return 8 * (bits.take(5) + 1)
    return bits.take(WIDTHS[bits.take(2)]) + 1


def _codestream(head: bytes) -> bytes:
    """Where the picture begins, in a container or without one; b"" where it does not."""
    if not head.startswith(CONTAINER):
        return head
    at = 0
    while at + 12 <= len(head):
        length, kind = struct.unpack_from(">I4s", head, at)
        if kind in (b"jxlc", b"jxlp"):
            # A part has its number in front.
            return head[at + (8 if kind == b"jxlc" else 12) :]
        if length < 8:
            break  # to the end of the file, or more than 4 GB of something else
        at += length
    return b""
