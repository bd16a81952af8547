"""Counting PNG: chunks, and those that Pillow unpacks while it looks for the pixels."""

import struct

from liveresize.imaging.structure.tally import Tally

UNPACKED = frozenset({b"zTXt", b"iCCP"})
"""Each may become a megabyte, which takes 3 ms."""

KEYWORD = 80
"""The longest keyword of a text, and the zero behind it."""


def count(data: memoryview, tally: Tally) -> None:
    """Walk to IEND, or as far as the chunks go."""
    at = 8
    while at + 8 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        tally.parts()
        if kind in UNPACKED or (kind == b"iTXt" and _packed(bytes(data[at + 8 :][: KEYWORD + 1]))):
            tally.passes("compressed texts and profiles")
        elif kind == b"IEND":
            break
        at += 12 + size


def _packed(head: bytes) -> bool:
    """Whether an iTXt chunk that begins with `head` says that it is compressed."""
    end = head.find(b"\0")
    return head[end + 1 : end + 2] != b"\0"
