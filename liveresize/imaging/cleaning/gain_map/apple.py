"""Apple's gain maps: the XMP of the map, and the headroom in the maker notes of the picture.

Of the notes two fractions are looked at, which are written again as the only ones. With them
Apple's systems and Chromium compute how bright the picture becomes, unless the XMP says it.
"""

import struct
from dataclasses import dataclass

from liveresize.imaging.rights.exif import CAMERA, NOTES

MAP = "urn:com:apple:photo:2020:aux:hdrgainmap"
"""The type of picture that the XMP of a gain map names."""

FIRST, SECOND = 0x10000, 0x20000
"""Versions of gain maps. From the second on the XMP says the headroom."""

AMPF = b"AMPF"
"""Stands behind JFIF's last field in Apple's files of several pictures."""

HEAD = b"Apple iOS\0\0\1MM"
"""Before the directory in the notes. Offsets count from here; big-endian is all there is."""

TAGS = (33, 48)
"""The tags of the headroom and of the gain."""

RATIONAL, BYTES = 10, (1, 7)
"""Types of fields: a signed fraction, and bytes of any kind, which some call numbers."""

MOST_TAGS = 200

Fraction = tuple[int, int]
Notes = tuple[Fraction, Fraction]
"""What the notes say under TAGS."""


@dataclass(frozen=True, slots=True)
class Apple:
    """What Apple says of a gain map: the `headroom` as its XMP has it, and the notes."""

    version: int
    headroom: float | None
    notes: Notes | None

    @property
    def brightest(self) -> float:
        """How much brighter than white the picture becomes; at least 1."""
        if self.headroom is not None:
            return max(1.0, self.headroom)
        return brightest(self.notes) if self.notes else 1.0


def brightest(notes: Notes) -> float:
    """How much brighter than white a picture with these notes becomes.

    Apple, "Applying Apple HDR effect to your photos".
    """
    (room, room_parts), (gain, gain_parts) = notes
    headroom, level = room / room_parts, gain / gain_parts
    if headroom < 1:
        stops = 1.8 - 20 * level if level <= 0.01 else 1.601 - 0.101 * level
    else:
        stops = 3.0 - 70 * level if level <= 0.01 else 2.303 - 0.303 * level
    return float(2 ** min(max(stops, 0.0), 8.0))


def notes_in(exif: bytes) -> Notes | None:
    """Both fractions in a block of EXIF, which begins with a TIFF header; None without them."""
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(exif[:4])
    if order is None:
        return None
    try:
        (first,) = struct.unpack_from(f"{order}I", exif, 4)
        camera = _field(exif, first, order, CAMERA)
        found = camera and _field(exif, camera[2], order, NOTES)
        if not found or found[0] not in BYTES:
            return None
        notes = exif[found[2] : found[2] + found[1]]
        if not notes.startswith(HEAD):
            return None
        fractions = [_fraction(notes, _field(notes, len(HEAD), ">", tag)) for tag in TAGS]
    except struct.error:
        return None
    headroom, gain = fractions
    return (headroom, gain) if headroom and gain else None


def maker_notes(notes: Notes) -> bytes:
    """The notes that say both fractions and nothing else."""
    start = len(HEAD) + 2 + 2 * 12 + 4
    fields = [struct.pack(">HHII", tag, RATIONAL, 1, start + 8 * at) for at, tag in enumerate(TAGS)]
    values = [struct.pack(">ii", *each) for each in notes]
    return HEAD + struct.pack(">H", 2) + b"".join(fields) + bytes(4) + b"".join(values)


def _field(data: bytes, at: int, order: str, tag: int) -> tuple[int, int, int] | None:
    """Type, count and value (or its offset) of a field in the directory at `at`."""
    (count,) = struct.unpack_from(f"{order}H", data, at)
    for number in range(min(count, MOST_TAGS)):
        found, kind, size, value = struct.unpack_from(f"{order}HHII", data, at + 2 + 12 * number)
        if found == tag:
            return kind, size, value
    return None


def _fraction(notes: bytes, field: tuple[int, int, int] | None) -> Fraction | None:
    """The signed fraction of a field; None for what is none."""
    if field is None or field[:2] != (RATIONAL, 1):
        return None
    top, bottom = struct.unpack_from(">ii", notes, field[2])
    return (top, bottom) if bottom else None
