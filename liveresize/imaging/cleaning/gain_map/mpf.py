"""The index of a multi-picture file (CIPA DC-007): where its pictures are."""

import struct
from dataclasses import dataclass

MARK = b"MPF\0"

MOST = 16
"""How many pictures are looked at; a portrait of an iPhone has six."""

ENTRIES, ENTRY = 0xB002, 16

PRIMARY = 0x0003_0000
"""The attributes of the first picture: a JPEG that stands for all."""

TAGS = 20
"""How many tags of the index are looked at; there are five."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A picture: its `size` in bytes, and its `offset` from behind MARK; 0 is the first one."""

    size: int
    offset: int


def parsed(index: bytes) -> list[Entry]:
    """The pictures in an index, which is what follows MARK; empty where it makes no sense."""
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(index[:4])
    if order is None:
        return []
    try:
        (at,) = struct.unpack_from(f"{order}I", index, 4)
        (tags,) = struct.unpack_from(f"{order}H", index, at)
        for number in range(min(tags, TAGS)):
            tag, _, size, start = struct.unpack_from(f"{order}HHII", index, at + 2 + 12 * number)
            if tag == ENTRIES:
                count = min(size // ENTRY, MOST)
                return [
                    Entry(*struct.unpack_from(f"{order}II", index, start + ENTRY * each + 4))
                    for each in range(count)
                ]
    except struct.error:
        pass
    return []


def written(size: int, offset: int, second: int) -> bytes:
    """The index of two pictures: the first of `size` bytes, the `second` one as `offset` says."""
    header = struct.pack(">2sHIH", b"MM", 42, 8, 3)
    tags = (
        struct.pack(">HHI4s", 0xB000, 7, 4, b"0100"),
        struct.pack(">HHII", 0xB001, 4, 1, 2),
        struct.pack(">HHII", ENTRIES, 7, 2 * ENTRY, len(header) + 3 * 12 + 4),
    )
    entries = struct.pack(">4I4I", PRIMARY, size, 0, 0, 0, second, offset, 0)
    return MARK + header + b"".join(tags) + bytes(4) + entries
