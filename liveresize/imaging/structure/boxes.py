"""Boxes of the ISO base media file format, which AVIF and HEIF are made of."""

import struct
from collections.abc import Iterator

from liveresize.imaging.structure.tally import Tally

FULL = 4
"""Bytes of version and flags, with which many boxes begin."""

Box = tuple[bytes, memoryview]
"""The type of a box, and what is in it."""


def boxes(data: memoryview, tally: Tally) -> Iterator[Box]:
    """The boxes that `data` is made of, as far as their sizes make sense."""
    at = 0
    while at + 8 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        head = 8
        if size == 1 and at + 16 <= len(data):
            size, head = struct.unpack_from(">Q", data, at + 8)[0], 16
        elif size == 0:
            size = len(data) - at
        if size < head:
            return
        tally.parts()
        yield kind, data[at + head : at + size]
        at += size


def inside(data: memoryview, tally: Tally, *path: bytes) -> Iterator[memoryview]:
    """What is in every box that `path` leads to, box by box, from the boxes in `data`."""
    for kind, content in boxes(data, tally):
        if kind == path[0]:
            if len(path) == 1:
                yield content
            else:
                yield from inside(content, tally, *path[1:])


class Reader:
    """Big-endian numbers of a box, one after the other. Raises EOFError behind its end."""

    def __init__(self, data: memoryview) -> None:
        self._data = data
        self._at = 0

    def take(self, size: int) -> int:
        """The number in the next `size` bytes; 0 for none."""
        return int.from_bytes(self.bytes(size), "big")

    def bytes(self, size: int) -> bytes:
        """The next `size` bytes."""
        start, self._at = self._at, self._at + size
        if self._at > len(self._data):
            raise EOFError
        return bytes(self._data[start : self._at])

    def full(self) -> int:
        """The version of a box that begins with version and flags."""
        return self.take(FULL) >> 24
