"""EXIF: the few tags that are read of its first directory, and a block that has no others."""

import struct

from liveresize.imaging.rights import texts

ORIENTATION, ARTIST, COPYRIGHT = 0x0112, 0x013B, 0x8298
CAMERA, NOTES = 0x8769, 0x927C
"""Where the directory of the camera is, and the maker's notes in it."""

XMP, IPTC = 0x02BC, 0x83BB
"""Where a TIFF has its XMP and its IPTC."""

READ = frozenset({ARTIST, COPYRIGHT, XMP, IPTC})

BYTES = frozenset({1, 2, 4, 7, 129})
"""The types that are read as bytes; writers of IPTC say that theirs are numbers of four."""

LONG = 4

MOST_ENTRIES = 1_000
MOST_BYTES = 1 << 19
"""Values that are longer are not read."""

PREFIX = b"Exif\0\0"


def parsed(block: memoryview) -> dict[int, bytes]:
    """The values of the tags in READ, as they are; nothing where the block makes no sense."""
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(bytes(block[:4]))
    if order is None or len(block) < 8:
        return {}
    (start,) = struct.unpack_from(f"{order}I", block, 4)
    if start + 2 > len(block):
        return {}
    (count,) = struct.unpack_from(f"{order}H", block, start)
    found: dict[int, bytes] = {}
    for at in range(start + 2, start + 2 + 12 * min(count, MOST_ENTRIES), 12):
        if at + 12 > len(block):
            break
        tag, kind, size = struct.unpack_from(f"{order}HHI", block, at)
        size *= 4 if kind == LONG else 1
        if tag not in READ or tag in found or kind not in BYTES or size > MOST_BYTES:
            continue
        (place,) = struct.unpack_from(f"{order}I", block, at + 8) if size > 4 else (at + 8,)
        if place + size <= len(block):
            found[tag] = bytes(block[place : place + size])
    return found


def text(value: bytes) -> str:
    """A text; its parts, of a photographer and an editor, one after the other."""
    parts = (texts.tidy(texts.decoded(part)) for part in value.split(b"\0"))
    return "; ".join(part for part in parts if part)


def block(orientation: int, artist: str, copyright_: str, maker_notes: bytes = b"") -> bytes:
    r"""The smallest EXIF that says this and nothing else; b"" for nothing.

    A big-endian TIFF header, then one directory; with `maker_notes` a second one that has
    them. An orientation of 1 and empty texts are left
    out. Without the `Exif\0\0` that JPEG puts in front.
    """
    values = [(ORIENTATION, 3, 1, struct.pack(">HH", orientation, 0))] if orientation != 1 else []
    for tag, words in ((ARTIST, artist), (COPYRIGHT, copyright_)):
        if words:
            raw = words.encode("utf-8") + b"\0"
            values.append((tag, 2, len(raw), raw.ljust(4, b"\0")))
    if maker_notes:
        values.append((CAMERA, LONG, 1, b""))
    if not values:
        return b""
    entries, rest = b"", b""
    end = 8 + 2 + 12 * len(values) + 4
    for tag, kind, count, raw in values:
        if tag == CAMERA:
            place = end + len(rest)
            rest += struct.pack(">HHHII", 1, NOTES, 7, len(maker_notes), place + 2 + 12 + 4)
            rest += bytes(4) + maker_notes
            raw = struct.pack(">I", place)
        inline = raw if len(raw) == 4 else struct.pack(">I", end + len(rest))
        entries += struct.pack(">HHI", tag, kind, count) + inline
        if len(raw) > 4:
            rest += raw + b"\0" * (len(raw) & 1)
    header = struct.pack(">2sHIH", b"MM", 42, 8, len(values))
    return header + entries + bytes(4) + rest
