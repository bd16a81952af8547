"""Repairing PNG: damaged ancillary chunks, wrong checksums, a missing end."""

import itertools
import struct
import zlib
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from PIL import PngImagePlugin

from liveresize import errors
from liveresize.imaging import pixel_limit, png
from liveresize.imaging.cleaning.parts import Piece, damaged
from liveresize.imaging.cleaning.png import (
    CRITICAL,
    KEYWORD,
    PALETTE,
    SIGNATURE,
    crc32,
    is_sound,
    unpacks,
)
from liveresize.imaging.structure import png as structure
from liveresize.imaging.structure.tally import PASSES, WORK

SAMPLES = {0: 1, 2: 3, PALETTE: 1, 4: 2, 6: 4}
"""Colour type → samples a pixel."""

DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), PALETTE: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
"""Colour type → bits that a sample may have."""

ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2))
LAST_PASS = (0, 1, 1, 2)
"""The passes of an interlaced picture: first column and row, and the steps to the next ones."""

PRESET = 0x20
"""The bit of a zlib header that asks for a dictionary, which PNG does not have."""

BLOCK = 1 << 16
"""Bytes that are unpacked at once, and of a chunk that is packed again."""

TEXTS = frozenset({b"tEXt", b"zTXt", b"iTXt"})

FILM = frozenset({b"acTL", b"fcTL", b"fdAT"})


class Chunk(NamedTuple):
    """A chunk as it came; `cut` where the file ends inside it."""

    kind: bytes
    payload: memoryview
    crc: bytes
    cut: bool

    @property
    def right(self) -> bool:
        """Whether its CRC is that of its bytes."""
        return crc32(self.payload, zlib.crc32(self.kind)).to_bytes(4) == self.crc


class Header(NamedTuple):
    """What IHDR says."""

    width: int
    height: int
    depth: int
    colour: int
    interlaced: bool

    def size(self, width: int, height: int) -> int:
        """The bytes of the rows of so many pixels, each with its filter before it."""
        passes = (*ADAM7, LAST_PASS) if self.interlaced else ((0, 0, 1, 1),)
        bits = self.depth * SAMPLES[self.colour]
        total = 0
        for left, top, across, down in passes:
            columns, rows = -(-(width - left) // across), -(-(height - top) // down)
            if columns > 0 and rows > 0:
                total += rows * (1 + (columns * bits + 7) // 8)
        return total


class Frame(NamedTuple):
    """A frame of an animation: its fcTL, and its pixels unless they are in IDAT."""

    control: memoryview
    pixels: "Pixels | None"


class Pixels:
    """Packed rows that lie in chunks, of which there are to be `size` bytes.

    Raises UnreadableImage where some are missing, and where checksums prove damage.
    """

    def __init__(self, chunks: Sequence[Chunk], skip: int, size: int) -> None:
        self._parts = [chunk.payload[skip:] for chunk in chunks]
        self._size = size
        self._ended, self._behind, self._extra = False, b"", 0
        head = b"".join(bytes(each[:2]) for each in self._parts)[:2]
        if len(head) < 2 or head[0] & 15 != 8 or int.from_bytes(head) % 31 or head[1] & PRESET:
            raise damaged("png: no zlib header")
        found, checksum = 0, zlib.adler32(b"")
        for piece in self._rows():
            found += len(piece)
            checksum = zlib.adler32(piece, checksum)
        if found < size:
            raise damaged(f"png: {found} of {size} bytes of pixels")
        adler = checksum.to_bytes(4)
        whole = self._ended and self._behind[:4] == adler
        self._checksum = adler if self._ended and found == size else None
        if not whole and not all(chunk.cut or chunk.right for chunk in chunks):
            last = chunks[-1]
            mended = crc32(adler, crc32(last.payload[:-4], zlib.crc32(last.kind)))
            if mended.to_bytes(4) != last.crc or not all(each.right for each in chunks[:-1]):
                raise damaged("png: pixels with a wrong checksum")

    def packed(self) -> Iterator[bytes | memoryview]:
        """A whole zlib stream in parts: as they came with the right checksum, or packed again."""
        if self._checksum == self._behind:
            yield from self._parts
            return
        if self._checksum is not None:
            left = sum(map(len, self._parts)) - self._extra
            for part in self._parts:
                if left:
                    yield part[:left]
                left = max(0, left - len(part))
            yield self._checksum
            return
        deflate, left, held = (png.PACKER or zlib).compressobj(), self._size, bytearray()
        for piece in self._rows():
            held += deflate.compress(piece[:left])
            left -= len(piece[:left])
            while len(held) >= BLOCK:
                yield bytes(held[:BLOCK])
                del held[:BLOCK]
        yield bytes(held + deflate.flush())

    def _rows(self) -> Iterator[bytes]:
        """The unpacked bytes, up to one block more than there are to be."""
        inflate, skip, found = zlib.decompressobj(-zlib.MAX_WBITS), 2, 0
        self._ended, self._behind, self._extra = False, b"", 0
        for packed in self._parts:
            for at in range(skip, len(packed), BLOCK):
                rest: bytes | memoryview = packed[at : at + BLOCK]
                while rest and not inflate.eof and found < self._size + BLOCK:
                    try:
                        piece = inflate.decompress(rest, BLOCK)
                    except zlib.error:
                        return
                    yield piece
                    found += len(piece)
                    rest = inflate.unconsumed_tail
                if inflate.eof:
                    rest = rest if self._ended else inflate.unused_data
                    self._behind += bytes(rest[:5])
                    self._extra += len(rest)
                    self._ended = True
            skip = max(0, skip - len(packed))


def repaired(data: memoryview, max_pixels: int) -> Iterator[Piece]:
    """The chunks that are sound, the pixels, and IEND, with all checksums right.

    An animation ends at its last sound frame; without one it is a still. Raises
    UnreadableImage for a damaged IHDR or PLTE, for pixels that are missing or damaged, and
    for an animation that was cut off; ImageTooLarge and WorkExceeded.
    """
    chunks = list(_chunks(data))
    header = _header(chunks, max_pixels)
    kinds = [chunk.kind for chunk in chunks]
    if b"IDAT" not in kinds:
        raise damaged("png: no IDAT")
    first = behind = kinds.index(b"IDAT")
    while behind < len(chunks) and kinds[behind] == b"IDAT":
        behind += 1
    for kind in kinds[1:first]:
        if not kind[0] & CRITICAL and kind != b"PLTE":
            raise damaged(f"png: critical chunk {kind!r}")
    pixels = Pixels(chunks[first:behind], 0, header.size(header.width, header.height))
    frames = _frames(chunks[1:first], chunks[behind:], header, max_pixels)
    yield SIGNATURE
    yield from _chunk(b"IHDR", chunks[0].payload)
    yield from _around(chunks[1:first], header)
    if frames:
        actl = next(chunk.payload for chunk in chunks if chunk.kind == b"acTL")
        yield from _chunk(b"acTL", struct.pack(">I", len(frames)) + actl[4:])
    number = 0
    if frames and frames[0].pixels is None:
        yield from _chunk(b"fcTL", struct.pack(">I", number) + frames.pop(0).control[4:])
        number += 1
    for part in pixels.packed():
        yield from _chunk(b"IDAT", part)
    for frame in frames:
        yield from _chunk(b"fcTL", struct.pack(">I", number) + frame.control[4:])
        number += 1
        assert frame.pixels is not None
        for part in frame.pixels.packed():
            yield from _chunk(b"fdAT", struct.pack(">I", number) + part)
            number += 1
    yield from _around([each for each in chunks[behind:] if each.kind != b"PLTE"], header)
    yield from _chunk(b"IEND", b"")


def _chunks(data: memoryview) -> Iterator[Chunk]:
    """The chunks up to IEND, or to where there is none."""
    at = len(SIGNATURE) if bytes(data[: len(SIGNATURE)]) == SIGNATURE else len(data)
    while at + 8 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        if not kind.isalpha():
            return
        end = at + 8 + size
        yield Chunk(kind, data[at + 8 : end], bytes(data[end : end + 4]), end + 4 > len(data))
        at = end + 4
        if kind == b"IEND":
            return


def _header(chunks: list[Chunk], max_pixels: int) -> Header:
    """What IHDR says, which is the first chunk and whole."""
    if not (chunks and chunks[0].kind == b"IHDR" and len(chunks[0].payload) == 13):
        raise damaged("png: no IHDR")
    if not chunks[0].right:
        raise damaged("png: the CRC of IHDR")
    width, height, depth, colour, *methods, interlace = struct.unpack(">IIBBBBB", chunks[0].payload)
    if depth not in DEPTHS.get(colour, ()) or any(methods) or interlace > 1:
        raise damaged("png: an IHDR without meaning")
    pixel_limit.check(width, height, max_pixels)
    return Header(width, height, depth, colour, bool(interlace))


def _around(chunks: list[Chunk], header: Header) -> Iterator[Piece]:
    """The palette, and of the ancillary chunks those that are sound, without the animation."""
    colours, texts, packed = 0, PngImagePlugin.MAX_TEXT_MEMORY, 0
    for kind, payload, _, _ in filter(_is_readable, chunks):
        if kind in FILM or (not kind[0] & CRITICAL and kind != b"PLTE"):
            continue
        if kind == b"tRNS":  # browsers overlook what is too much of it
            payload = payload[: {0: 2, 2: 6, PALETTE: colours}.get(header.colour, 0)]
        if kind in TEXTS:
            packed += kind != b"tEXt"
            texts -= len(payload) if kind == b"tEXt" else PngImagePlugin.MAX_TEXT_CHUNK
            if texts < 0 or packed > PASSES or not _is_text(kind, payload):
                continue
        if is_sound(kind, payload, header.colour, colours):
            colours = len(payload) // 3 if kind == b"PLTE" else colours
            yield from _chunk(kind, payload)
        elif kind == b"PLTE" and header.colour == PALETTE:
            raise damaged(f"png: a palette of {len(payload)} bytes")


def _is_readable(chunk: Chunk) -> bool:
    """Whether a chunk is as it was written. Raises UnreadableImage for a PLTE that is not."""
    if chunk.kind == b"PLTE" and not chunk.right:
        raise damaged("png: the CRC of PLTE")
    return not chunk.cut and chunk.right


def _is_text(kind: bytes, payload: memoryview) -> bool:
    """Whether a text can be read: one that is compressed has to be unpacked."""
    if kind == b"tEXt":
        return True
    keyword, _, rest = bytes(payload).partition(b"\0")
    if len(keyword) >= KEYWORD:
        return False
    if kind == b"zTXt":
        return rest[:1] == b"\0" and unpacks(memoryview(rest[1:]))
    if rest[:1] == b"\0":
        return True
    *_, text = rest[2:].split(b"\0", 2)
    return rest[1:2] == b"\0" and unpacks(memoryview(text))


def _frames(
    before: list[Chunk], after: list[Chunk], header: Header, max_pixels: int
) -> list[Frame]:
    """The frames up to the first one that is damaged; none where it is no animation.

    Raises UnreadableImage where the file was cut off before the last frame, and WorkExceeded.
    """
    start = [chunk for chunk in before if chunk.kind in FILM]
    if [chunk.kind for chunk in start] not in ([b"acTL"], [b"acTL", b"fcTL"]):
        return []
    if not all(map(_is_sound, start)):
        return []
    frames: list[Frame] = []
    announced = int.from_bytes(start[0].payload[:4])
    number = area = 0
    for control, chunks in _groups([*start[1:], *(each for each in after if each.kind in FILM)]):
        frame = _frame(control, number, header)
        numbers = [number + 1 + at for at in range(len(chunks))]
        if frame is None or len(frames) == announced:
            break
        left, top, right, bottom = frame.box
        area += (right - left) * (bottom - top)
        if area > WORK * max_pixels:
            raise errors.WorkExceeded
        if not frames and len(start) == 2:
            if frame.box != (0, 0, header.width, header.height):
                return []
            frames.append(Frame(control.payload, None))
            number += 1
            continue
        if [int.from_bytes(each.payload[:4]) for each in chunks] != numbers:
            break
        try:
            pixels = Pixels(chunks, 4, header.size(right - left, bottom - top))
        except errors.UnreadableImage:
            break
        frames.append(Frame(control.payload, pixels))
        number += 1 + len(chunks)
    if len(frames) < announced and not (after and after[-1].kind == b"IEND"):
        raise damaged(f"png: ends after {len(frames)} of {announced} frames")
    return frames


def _groups(chunks: list[Chunk]) -> Iterator[tuple[Chunk, list[Chunk]]]:
    """Each fcTL, or what stands in the place of the first one, and the chunks behind it."""
    starts = [at for at, chunk in enumerate(chunks) if not at or chunk.kind == b"fcTL"]
    for start, end in itertools.pairwise([*starts, len(chunks)]):
        yield chunks[start], chunks[start + 1 : end]


def _is_sound(chunk: Chunk) -> bool:
    """Whether a chunk of an animation is as it was written and of the right length."""
    return not chunk.cut and chunk.right and is_sound(chunk.kind, chunk.payload, 0, 0)


def _frame(control: Chunk, number: int, header: Header) -> structure.Frame | None:
    """What a control says that is sound and has that number; None for any other chunk."""
    if control.kind != b"fcTL" or not _is_sound(control):
        return None
    return structure.frame_of(control.payload, number, (header.width, header.height))


def _chunk(kind: bytes, payload: Piece) -> Iterator[Piece]:
    """A chunk of `payload`: length, type, payload, CRC of type and payload."""
    yield struct.pack(">I", len(payload)) + kind
    yield payload
    yield crc32(payload, zlib.crc32(kind)).to_bytes(4)
