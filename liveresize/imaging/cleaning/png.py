"""Cleaning PNG, still and animated: a signature, then chunks with a length and a CRC."""

import struct
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from liveresize.imaging import png, rights
from liveresize.imaging.cleaning.parts import Piece, damaged, part
from liveresize.imaging.rights import fields, xmp
from liveresize.imaging.rights.fields import Fields
from liveresize.imaging.rights.texts import decoded

SIGNATURE = b"\x89PNG\r\n\x1a\n"

KEPT = frozenset(
    {
        *(b"IHDR", b"PLTE", b"IDAT", b"IEND"),
        *(b"tRNS", b"cHRM", b"gAMA", b"iCCP", b"sBIT", b"sRGB", b"cICP"),
        *(b"mDCV", b"mDCv", b"cLLI", b"cLLi", b"bKGD", b"pHYs", b"hIST", b"sPLT"),
        *(b"acTL", b"fcTL", b"fdAT"),
    }
)
"""What shows: pixels, colours, transparency, density, animation. All other chunks go."""

CRITICAL = 0x20
"""This bit of a type's first letter is clear where a decoder must know the chunk."""

PALETTE = 3
"""The colour type of indexed pixels."""

LENGTHS: Mapping[bytes, int] = {
    b"IHDR": 13,
    b"IEND": 0,
    b"cHRM": 32,
    b"gAMA": 4,
    b"sRGB": 1,
    b"cICP": 4,
    b"pHYs": 9,
    b"mDCV": 24,
    b"mDCv": 24,
    b"cLLI": 8,
    b"cLLi": 8,
    b"acTL": 8,
    b"fcTL": 26,
    b"tIME": 7,
}
"""Chunk → the bytes that it has, whatever the picture."""

LEAST: Mapping[bytes, int] = {b"fdAT": 4, b"hIST": 2, b"sPLT": 3}
"""Chunk → the fewest bytes that it has."""

BY_COLOUR: Mapping[bytes, Mapping[int, int]] = {
    b"tRNS": {0: 2, 2: 6},
    b"sBIT": {0: 1, 2: 3, PALETTE: 3, 4: 2, 6: 4},
    b"bKGD": {0: 2, 2: 6, PALETTE: 1, 4: 2, 6: 6},
}
"""Chunk → colour type → the bytes that it has; tRNS also belongs to a palette."""

KEYWORD = 80
"""The longest keyword of a profile or text, and the zero behind it."""

MOST_UNPACKED = (1 << 20) - 1
"""Bytes that a profile or text may be unpacked to; Pillow refuses pictures with larger ones."""

XMP = b"XML:com.adobe.xmp"
TEXTS = {b"Author": fields.ARTIST, b"Copyright": fields.COPYRIGHT}
"""Keywords of texts that say rights → the field that they become."""

MOST_TEXT = xmp.MOST_BYTES + KEYWORD
"""Bytes of a text that are looked at."""

crc32: Callable[..., int] = getattr(png.UNPACKER, "crc32", zlib.crc32)
"""The checksum of chunks, by whoever is fastest."""


def cleaned(
    data: memoryview, orientation: int, kept: rights.Rights = rights.NONE
) -> Iterator[Piece]:
    """The chunks that show, byte for byte, and right after the header those that say the
    orientation and the rights, if needed.

    Raises UnreadableImage for a wrong signature, and for chunks that are cut off, out of
    place, critical and unknown, have a wrong CRC or number, or show and are not sound, and for
    another number of frames than is announced.
    """
    if bytes(data[:8]) != SIGNATURE:
        raise damaged("png: no signature")
    yield data[:8]
    at, previous, pixels, colour, colours = 8, b"", False, 0, 0
    film = _Film()
    while previous != b"IEND":
        size = int.from_bytes(part(data, at, 4), "big")
        chunk = part(data, at, size + 12)
        kind, payload = bytes(chunk[4:8]), chunk[8:-4]
        at += len(chunk)
        _check_order(kind, previous, pixels)
        if crc32(chunk[4:-4]) != int.from_bytes(chunk[-4:], "big"):
            raise damaged(f"png: the CRC of {kind!r}")
        if kind in KEPT:
            if not is_sound(kind, payload, colour, colours):
                raise damaged(f"png: {kind!r} of {size} bytes")
            film.add(kind, payload)
            yield chunk
        elif not kind[0] & CRITICAL:
            raise damaged(f"png: critical chunk {kind!r}")
        if kind == b"IHDR":
            colour = payload[9]
            yield from _told(orientation, kept)
        elif kind == b"PLTE":
            colours = size // 3
        pixels = pixels or kind == b"IDAT"
        previous = kind
    if film.announced != film.controls:
        raise damaged(f"png: {film.controls} of {film.announced} frames")


@dataclass(slots=True)
class _Film:
    """The frames that an animation announces, and those that there are."""

    announced: int = 0
    controls: int = 0
    number: int = 0

    def add(self, kind: bytes, payload: memoryview) -> None:
        """Count a chunk. Raises UnreadableImage where it has not the next number."""
        if kind == b"acTL":
            self.announced = int.from_bytes(payload[:4])
        elif kind in (b"fcTL", b"fdAT"):
            if int.from_bytes(payload[:4]) != self.number:
                raise damaged(f"png: {kind!r} is not number {self.number}")
            self.controls += kind == b"fcTL"
            self.number += 1


def is_sound(kind: bytes, payload: memoryview, colour: int, colours: int) -> bool:
    """Whether a chunk has the length of its kind, and a compressed one can be unpacked.

    `colour` is the colour type of the picture and `colours` the size of its palette so far.
    """
    size = len(payload)
    if kind == b"PLTE":
        return size % 3 == 0 and 3 <= size <= 768
    if kind == b"tRNS" and colour == PALETTE:
        return 1 <= size <= colours
    if kind in BY_COLOUR:
        return BY_COLOUR[kind].get(colour) == size
    if kind == b"iCCP":
        keyword, _, rest = bytes(payload[:KEYWORD]).partition(b"\0")
        return rest[:1] == b"\0" and unpacks(payload[len(keyword) + 2 :])
    return size == LENGTHS.get(kind, size) and size >= LEAST.get(kind, 0)


def unpacks(packed: memoryview) -> bool:
    """Whether all of `packed` is there and no larger than MOST_UNPACKED bytes."""
    inflate = zlib.decompressobj()
    try:
        return len(inflate.decompress(packed, MOST_UNPACKED + 1)) <= MOST_UNPACKED and inflate.eof
    except zlib.error:
        return False


def _check_order(kind: bytes, previous: bytes, pixels: bool) -> None:
    """The order that all decoders rely on: IHDR once and first, IDATs in one run, IEND."""
    if (kind == b"IHDR") == bool(previous):
        raise damaged("png: IHDR is not the first chunk, or not the only one")
    if kind == b"IDAT" and pixels and previous != b"IDAT":
        raise damaged("png: IDAT in two places")
    if kind == b"IEND" and not pixels:
        raise damaged("png: no IDAT")


def _told(orientation: int, kept: rights.Rights) -> Iterator[bytes]:
    """The chunks that say the orientation and the rights, and nothing else."""
    exif, packet = kept.exif(orientation), kept.xmp()
    if exif:
        yield _chunk(b"eXIf", exif)
    if packet:
        yield _chunk(b"iTXt", XMP + b"\0\0\0\0\0" + packet)


def rights_in(data: memoryview) -> rights.Rights:
    """What EXIF, XMP and the texts `Author` and `Copyright` say, wherever they stand."""
    exif, packet = memoryview(b""), b""
    spoken: Fields = {}
    seen: set[bytes] = set()
    at = 8
    while at + 12 <= len(data):
        size, kind = int.from_bytes(data[at : at + 4]), bytes(data[at + 4 : at + 8])
        payload = data[at + 8 : at + 8 + size]
        at += size + 12
        if kind == b"eXIf":
            exif = exif or payload
        elif kind in (b"tEXt", b"iTXt"):
            keyword = bytes(payload[:KEYWORD]).partition(b"\0")[0]
            if keyword in seen or keyword not in (XMP, *TEXTS):
                continue
            seen.add(keyword)
            text = bytes(payload[len(keyword) + 1 : MOST_TEXT])
            text = _international(text) if kind == b"iTXt" else text
            if keyword == XMP:
                packet = text
            else:
                spoken[TEXTS[keyword]] = (decoded(text[: xmp.MOST_TEXT]),)
    return rights.in_blocks(exif, packet, spoken=spoken)


def _international(payload: bytes) -> bytes:
    """The text of an `iTXt` behind its keyword; b"" if it cannot be unpacked."""
    packed, rest = payload[:1] == b"\1", payload[2:]
    text = rest.partition(b"\0")[2].partition(b"\0")[2]
    if not packed:
        return text
    try:
        return zlib.decompressobj().decompress(text, xmp.MOST_BYTES)
    except zlib.error:
        return b""


def _chunk(kind: bytes, payload: bytes) -> bytes:
    """A chunk of `payload`: length, type, payload, CRC of type and payload."""
    return struct.pack(">I", len(payload)) + kind + payload + zlib.crc32(kind + payload).to_bytes(4)
