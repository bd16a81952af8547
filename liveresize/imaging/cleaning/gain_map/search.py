"""Finding the gain map of a JPEG."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from liveresize import errors
from liveresize.imaging.cleaning.gain_map import mpf, xmp
from liveresize.imaging.cleaning.gain_map.apple import AMPF, Apple, Notes, notes_in
from liveresize.imaging.cleaning.gain_map.gains import Gains
from liveresize.imaging.cleaning.gain_map.iso import MARK as ISO
from liveresize.imaging.cleaning.gain_map.iso import Iso
from liveresize.imaging.cleaning.jpeg import (
    APP0,
    APP1,
    APP2,
    ENTROPY,
    EOI,
    FRAMES,
    JFIF_SIZE,
    SOS,
    segments,
)

EXIF = b"Exif\0\0"

CODED = frozenset({0xC0, 0xC1, 0xC2})
"""Frames of 8 bits that every decoder knows: baseline, extended, progressive."""

MOST_PARTS, MOST_SCANS = 500, 32
"""How many segments and scans a gain map has at most."""


@dataclass(frozen=True, slots=True)
class GainMap:
    """The gain map of a JPEG: its `file`, itself a JPEG, and what its metadata says.

    At least one of `iso`, `gains` (of Adobe) and `apple` is there. `ampf` says that the picture
    has Apple's mark of several pictures.
    """

    file: memoryview
    size: tuple[int, int]
    iso: Iso | None
    gains: Gains | None
    apple: Apple | None
    ampf: bool


@dataclass(slots=True)
class _Header:
    """What stands before the first scan of a JPEG; places are bytes from its start."""

    size: tuple[int, int] = (0, 0)
    plain: bool = False
    packet: xmp.Packet | None = None
    iso: Iso | None = None
    notes: Notes | None = None
    index: int = 0
    entries: tuple[mpf.Entry, ...] = ()
    ampf: bool = False

    @property
    def told(self) -> xmp.Packet:
        """The first packet of XMP, which is the one that counts."""
        return self.packet or xmp.Packet()


def find(data: memoryview) -> GainMap | None:
    """The gain map of the JPEG in `data`; None without one, and for what is no sound one.

    It lies wholly behind the picture, is not larger than it, has its own metadata, and asks for
    no more work than encoders write.
    """
    try:
        picture = _header(data)
        if not picture.entries and picture.told.gain_map_offset is None:
            return None
        end = _end(data)
        for start, size in _places(picture, end):
            file = data[start : start + size]
            if bytes(file[:3]) == b"\xff\xd8\xff" and (found := _gain_map(file, picture)):
                return found
    except errors.UnreadableImage:
        pass
    return None


def _places(picture: _Header, end: int) -> Iterator[tuple[int, int]]:
    """Where a gain map may lie behind the `end` of the picture: starts, each once, and sizes."""
    seen = set()
    for entry in picture.entries:
        start = picture.index + entry.offset
        if entry.offset and start >= end and start not in seen:
            seen.add(start)
            yield start, entry.size
    offset = picture.told.gain_map_offset
    if offset is not None and end + offset not in seen:
        yield end + offset, xmp.MOST_LENGTH


def _gain_map(file: memoryview, picture: _Header) -> GainMap | None:
    """The gain map that `file` begins with; None where it begins with another picture."""
    try:
        header = _header(file)
        gains, apple = xmp.gains(header.told), xmp.apple(header.told, picture.notes)
        if not header.plain or not (header.iso or gains or apple):
            return None
        width, height = header.size
        if not 0 < width * height <= picture.size[0] * picture.size[1]:
            return None
        file = file[: _end(file, MOST_PARTS, MOST_SCANS)]
    except errors.UnreadableImage:
        return None
    return GainMap(file, header.size, header.iso, gains, apple, picture.ampf)


def _header(data: memoryview) -> _Header:
    """What stands before the first scan. Raises UnreadableImage."""
    header, at = _Header(), 2
    for code, skipped, whole in segments(data):
        at += skipped
        if code in (SOS, EOI):
            break
        payload = whole[4:]
        if code in FRAMES and len(payload) >= 6:
            bits, height, width, components = struct.unpack_from(">BHHB", payload)
            header.plain = code in CODED and bits == 8 and components in (1, 3)
            header.size = width, height
        elif code == APP0:
            header.ampf = header.ampf or bytes(payload[JFIF_SIZE : JFIF_SIZE + 4]) == AMPF
        elif code == APP1:
            _read_app1(header, bytes(payload))
        elif code == APP2:
            _read_app2(header, bytes(payload), at + 4)
        at += len(whole)
    return header


def _read_app1(header: _Header, payload: bytes) -> None:
    if payload.startswith(xmp.MARK) and header.packet is None:
        header.packet = xmp.parsed(payload[len(xmp.MARK) :])
    elif payload.startswith(EXIF) and header.notes is None:
        header.notes = notes_in(payload[len(EXIF) :])


def _read_app2(header: _Header, payload: bytes, at: int) -> None:
    if payload.startswith(ISO) and header.iso is None:
        header.iso = Iso.parsed(payload[len(ISO) :])
    elif payload.startswith(mpf.MARK) and not header.entries:
        header.index = at + len(mpf.MARK)
        header.entries = tuple(mpf.parsed(payload[len(mpf.MARK) :]))


def _end(data: memoryview, most_parts: int = 0, most_scans: int = 0) -> int:
    """Where the JPEG at the start of `data` ends. Raises UnreadableImage.

    Without bounds (0) any number of segments and scans is walked over.
    """
    at, scans, frames = 2, 0, 0
    for parts, (code, skipped, whole) in enumerate(segments(data)):
        at += skipped + len(whole)
        scans += code == ENTROPY
        frames += code in FRAMES
        if most_parts and (parts > most_parts or scans > most_scans or frames > 1):
            raise errors.UnreadableImage("", "jpeg: a gain map of too many parts")
    return at
