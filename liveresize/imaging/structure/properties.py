"""What AVIF and HEIF say of the picture that they show: its colours and its clean aperture."""

import struct
from collections.abc import Iterable, Iterator

from liveresize.imaging.structure.boxes import FULL, Box, Reader, boxes, inside
from liveresize.imaging.structure.tally import Tally

CLAP = struct.Struct(">IIIIiIiI")
"""Width, height, and how far the middle moves right and down: four fractions."""

AV1_FLAGS, HEVC_CHROMA, HEVC_DEPTH = 2, 16, 17
"""Where the configurations of the codecs say how they sample colours, and how deep."""

ENTRY = 78
"""Bytes of a visual sample entry before its boxes."""


def take(properties: Iterable[Box], tally: Tally) -> None:
    """Note what these boxes say in `tally`. Raises EOFError for one that is cut off."""
    properties = list(properties)
    whole = size(properties)
    for kind, content in properties:
        reader = Reader(content)
        if kind == b"colr" and reader.bytes(4) == b"nclx" and tally.cicp is None:
            tally.cicp = reader.take(2), reader.take(2)
        elif kind == b"clli":
            tally.peak = reader.take(2)
        elif kind in (b"av1C", b"hvcC"):
            tally.planes = max(tally.planes, planes(kind, bytes(content)))
        elif kind == b"clap" and whole is not None:
            tally.aperture = _aperture(reader.bytes(CLAP.size), whole)


def size(properties: Iterable[Box]) -> tuple[int, int] | None:
    """The (width, height) that these boxes say. Raises EOFError for one that is cut off."""
    for kind, content in properties:
        if kind == b"ispe":
            reader = Reader(content)
            reader.full()
            return reader.take(4), reader.take(4)
    return None


def planes(kind: bytes, config: bytes) -> float:
    """The bytes for each pixel in which a codec keeps a picture, by its configuration."""
    if kind == b"av1C" and len(config) > AV1_FLAGS:
        flags = config[AV1_FLAGS]
        grey, across, down = flags & 0x10, flags & 0x08, flags & 0x04
        deep = bool(flags & 0x40)
    elif kind == b"hvcC" and len(config) > HEVC_DEPTH:
        chroma = config[HEVC_CHROMA] & 3
        grey, across, down = chroma == 0, chroma < 3, chroma < 2
        deep = config[HEVC_DEPTH] & 7 > 0
    else:
        return 0.0
    samples = 1.0 if grey else 1 + 2 / ((2 if across else 1) * (2 if down else 1))
    return samples * (2 if deep else 1)


def primary(meta: memoryview, tally: Tally) -> int | None:
    """The item that the boxes of `meta` name as the one to show. Raises EOFError."""
    for content in inside(meta, tally, b"pitm"):
        reader = Reader(content)
        return reader.take(2 if reader.full() == 0 else 4)
    return None


def of_items(meta: memoryview, tally: Tally) -> dict[int, list[Box]]:
    """The properties that the boxes of `meta` associate with each item. Raises EOFError."""
    found: dict[int, list[Box]] = {}
    for content in inside(meta, tally, b"iprp"):
        known = [box for each in inside(content, tally, b"ipco") for box in boxes(each, tally)]
        for table in inside(content, tally, b"ipma"):
            for item, index in _indices(Reader(table)):
                if 0 < index <= len(known):
                    tally.parts()
                    found.setdefault(item, []).append(known[index - 1])
    return found


def of_track(samples: memoryview, tally: Tally) -> Iterator[Box]:
    """The properties in the first entry of a sample description, with the size of its frames."""
    for _, entry in boxes(samples[FULL + 4 :], tally):
        yield b"ispe", memoryview(bytes(FULL + 2) + entry[24:26] + bytes(2) + entry[26:28])
        yield from boxes(entry[ENTRY:], tally)
        return


def _indices(reader: Reader) -> Iterator[tuple[int, int]]:
    """Each item with the numbers of its properties; the first property has number 1."""
    head = reader.take(FULL)
    wide, long = 4 if head >> 24 else 2, 2 if head & 1 else 1
    for _ in range(reader.take(4)):
        item = reader.take(wide)
        for _ in range(reader.take(1)):
            # The highest bit says whether the property is essential.
            yield item, reader.take(long) & (1 << 8 * long - 1) - 1


def _aperture(box: bytes, size: tuple[int, int]) -> tuple[int, int] | None:
    """The size of a clean aperture at the left top corner; None for any other.

    Chromium ignores an aperture anywhere else, so that a picture never hides what its file
    holds. It also ignores one that is no number of whole pixels inside the picture.
    """
    width, width_parts, height, height_parts, *offsets = CLAP.unpack(box)
    parts = (width_parts, height_parts, offsets[1], offsets[3])
    if 0 in parts or width % width_parts or height % height_parts:
        return None
    across, down = width // width_parts, height // height_parts
    # Twice the distance of the left edge is size - across + 2 * offset.
    left = (size[0] - across) * offsets[1] + 2 * offsets[0]
    top = (size[1] - down) * offsets[3] + 2 * offsets[2]
    inside_picture = 0 < across <= size[0] and 0 < down <= size[1]
    return (across, down) if inside_picture and left == top == 0 else None
