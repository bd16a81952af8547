"""Cleaning JPEG: a chain of marker segments, with entropy-coded data after each SOS."""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from liveresize import errors
from liveresize.imaging import rights
from liveresize.imaging.cleaning.parts import Piece, damaged, part
from liveresize.imaging.rights.exif import PREFIX as EXIF

SOI, EOI, SOS, COM = 0xD8, 0xD9, 0xDA, 0xFE
ENTROPY = 0x00
"""Stands for a marker in front of entropy-coded data, which has none."""

APP0, APP1, APP2, APP13, APP14, APP15 = 0xE0, 0xE1, 0xE2, 0xED, 0xEE, 0xEF

FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
TABLES = frozenset({0xC4, 0xCC, 0xDB, 0xDC, 0xDD})
"""DHT, DAC, DQT, DNL, DRI: what decoding needs besides frames and scans."""

BARE = frozenset({0x01, *range(0xD0, 0xD8)})
"""Markers without a length. Outside a scan they mean nothing."""

FILL = b"\xff"
"""Any number of these may stand in front of a marker."""

# A decoder skips to the next marker over fill bytes and over garbage alike.
NEXT_MARKER = re.compile(rb"\xff[\x01-\xfe]")

# What may stand after a scan: DHT, DAC, EOI, SOS, DQT, DNL, DRI, APPn, COM. All else,
# restart markers and stuffed zeros included, belongs to the scan, or is damage in it
# that a decoder must see as it came.
SCAN_END = re.compile(rb"\xff[\xc4\xcc\xd9-\xdd\xe0-\xef\xfe]")

JFIF_SIZE = 14
"""Bytes of a JFIF payload before its thumbnail; the last two are the thumbnail's size."""

ADOBE_SIZE = 12
"""Bytes of an Adobe payload up to its colour transform, the last thing in it."""

PHOTOSHOP = b"Photoshop 3.0\0"

XMP = b"http://ns.adobe.com/xap/1.0/\0"

MOST_RESOURCES = 1 << 20
"""Bytes of Photoshop's resources that are looked at."""

ICC = b"ICC_PROFILE\0"
ICC_SIZE = len(ICC) + 2
"""Bytes of a payload before its part of a profile; the last two number the part."""


class Segment(NamedTuple):
    """A stretch of a file: a marker segment, or ENTROPY, the data of the scan before it.

    `skipped` is how many bytes of fill stand in front of it, `whole` is all of it.
    """

    code: int
    skipped: int
    whole: memoryview


def segments(data: memoryview) -> Iterator[Segment]:
    """The segments of the primary picture, in order; EOI is the last.

    Nothing behind a segment has been looked at when it comes. Raises UnreadableImage
    without SOI or EOI, and for lengths that make no sense.
    """
    if bytes(data[:2]) != b"\xff\xd8":
        raise damaged("jpeg: no SOI")
    at = 2
    while True:
        found = NEXT_MARKER.search(data, at)
        if found is None:
            raise damaged("jpeg: no EOI")
        skipped, at = found.start() - at, found.start()
        code = data[at + 1]
        bare = code == EOI or code in BARE
        whole = data[at : at + 2] if bare else _segment(data, at)
        yield Segment(code, skipped, whole)
        at += len(whole)
        if code == EOI:
            return
        if code == SOS:
            end = _scan_end(data, at)
            yield Segment(ENTROPY, 0, data[at:end])
            at = end


def cleaned(
    data: memoryview,
    orientation: int,
    kept_rights: rights.Rights = rights.NONE,
    told: Sequence[bytes] = (),
    *,
    maker_notes: bytes = b"",
    description: str = "",
) -> Iterator[Piece]:
    """The primary picture alone: tables, frame, scans, JFIF, Adobe and ICC segments, and what is
    kept of rights.


    A camera's further pictures stand behind the first EOI and go. The segments `told` are put in
    behind those that say orientation, rights and `maker_notes`; XMP has a `description` as well.
    Raises UnreadableImage without SOI, frame, scan or EOI, for unknown markers and stray bytes,
    and for segments that are not sound.
    """
    yield data[:2]
    framed, scanned = False, False
    owed = [*_told(orientation, kept_rights, maker_notes, description), *told]
    at = 2
    for code, skipped, whole in segments(data):
        if code in BARE or bytes(data[at : at + skipped]).strip(FILL):
            raise damaged("jpeg: stray bytes between segments")
        at += skipped + len(whole)
        if code == EOI and not scanned:
            raise damaged("jpeg: no scan")
        if code == SOS and not framed:
            raise damaged("jpeg: a scan before its frame")
        kept = whole if code in (ENTROPY, EOI) else _kept(code, whole)
        if owed and kept and code != APP0:
            # JFIF wants to be first, EXIF next.
            yield from owed
            owed = []
        yield kept
        framed = framed or code in FRAMES
        scanned = scanned or code == SOS


def _segment(data: memoryview, at: int) -> memoryview:
    """The whole segment at `at`: marker, length and payload."""
    size = int.from_bytes(part(data, at + 2, 2), "big")
    if size < 2:
        raise damaged(f"jpeg: a segment of {size} bytes")
    return part(data, at, size + 2)


def _kept(code: int, segment: memoryview) -> Piece:
    """What stays of one segment: all, some or nothing of it."""
    if not is_sound(code, segment[4:]):
        raise damaged(f"jpeg: {code:02x} of {len(segment)} bytes")
    if code == SOS or code in FRAMES or code in TABLES:
        return segment
    if code == APP0:
        return _jfif(segment)
    if code == APP2:
        return segment if bytes(segment[4 : 4 + len(ICC)]) == ICC else b""
    if code == APP14:
        return _adobe(segment)
    if APP0 <= code <= APP15 or code == COM:
        return b""
    raise damaged(f"jpeg: marker {code:02x}")


def is_sound(code: int, payload: memoryview) -> bool:
    """Whether a JFIF, ICC, Adobe or Photoshop segment is as long as it has to be.

    Decoders overlook those that are shorter; Pillow refuses the picture for some.
    """
    if code == APP0 and bytes(payload[:4]) == b"JFIF":
        return len(payload) >= JFIF_SIZE
    if code == APP2 and bytes(payload[: len(ICC)]) == ICC:
        return len(payload) >= ICC_SIZE
    if code == APP13 and bytes(payload[: len(PHOTOSHOP)]) == PHOTOSHOP:
        return _has_resources(payload)
    if code == APP14 and bytes(payload[:5]) == b"Adobe":
        return len(payload) >= ADOBE_SIZE
    return True


def _has_resources(payload: memoryview) -> bool:
    """Whether each block of a Photoshop segment has its number and the length of its name.

    Its content may go on in another segment.
    """
    at = len(PHOTOSHOP)
    while bytes(payload[at : at + 4]) == b"8BIM":
        if at + 7 > len(payload):
            return False
        at += 7 + (payload[at + 6] | 1)
        length = int.from_bytes(payload[at : at + 4], "big")
        at += 4 + length + (length & 1)
    return True


def _jfif(segment: memoryview) -> Piece:
    """A JFIF segment without its thumbnail; nothing of a JFXX one, which is all thumbnail."""
    if bytes(segment[4:9]) != b"JFIF\0":
        return b""
    if len(segment) == 4 + JFIF_SIZE:
        return segment
    return headed(APP0, bytes(segment[4 : 2 + JFIF_SIZE]) + b"\0\0")


def _adobe(segment: memoryview) -> Piece:
    """An Adobe segment up to its colour transform."""
    if bytes(segment[4:9]) != b"Adobe":
        return b""
    if len(segment) == 4 + ADOBE_SIZE:
        return segment
    return headed(APP14, bytes(segment[4 : 4 + ADOBE_SIZE]))


def _told(
    orientation: int, kept: rights.Rights, maker_notes: bytes, description: str
) -> Iterator[bytes]:
    """The segments that say this and the rights, and nothing else."""
    blocks = (
        (APP1, EXIF, kept.exif(orientation, maker_notes)),
        (APP1, XMP, kept.xmp(more=description)),
        (APP13, PHOTOSHOP, kept.iptc()),
    )
    return (headed(code, start + block) for code, start, block in blocks if block)


def rights_in(data: memoryview) -> rights.Rights:
    """What the segments before the first scan say. XMP that goes on elsewhere is not read."""
    exif, packet, photoshop = memoryview(b""), b"", b""
    try:
        for code, _, whole in segments(data):
            payload = whole[4:]
            if code == SOS:
                break
            if code == APP1 and bytes(payload[: len(EXIF)]) == EXIF:
                exif = exif or payload[len(EXIF) :]
            elif code == APP1 and bytes(payload[: len(XMP)]) == XMP:
                packet = packet or bytes(payload[len(XMP) :])
            elif code == APP13 and bytes(payload[: len(PHOTOSHOP)]) == PHOTOSHOP:
                photoshop += payload[len(PHOTOSHOP) :] if len(photoshop) < MOST_RESOURCES else b""
    except errors.UnreadableImage:
        pass  # what was sound counts
    return rights.in_blocks(exif, packet, photoshop)


def headed(code: int, payload: bytes) -> bytes:
    """A segment of `payload`."""
    return bytes((0xFF, code)) + (len(payload) + 2).to_bytes(2, "big") + payload


def _scan_end(data: memoryview, at: int) -> int:
    """Where the entropy-coded data that starts at `at` ends."""
    found = SCAN_END.search(data, at)
    if found is None:
        raise damaged("jpeg: a scan without an end")
    return found.start()
