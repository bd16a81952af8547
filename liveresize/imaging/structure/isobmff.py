"""Counting AVIF and HEIF: items, tables, and the frames that AV1 codes in them.

libavif looks through all items for each one that it adds, so ten thousand of them cost
as much as a hundred million. What it decodes is counted in the stream itself: the size
that the container tells need not be that of the frames.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

from liveresize.imaging.structure import av1, heif, properties
from liveresize.imaging.structure.boxes import FULL, Reader, boxes, inside
from liveresize.imaging.structure.tally import Tally

ITEMS = 1_000
"""Items of one file. A picture of 48 megapixels in tiles has about 200."""

COST = 4
"""How many times longer AV1 takes for a pixel than one pass of JPEG."""

HIDDEN = 2
"""How many frames an encoder may code for each that it shows, before these count."""

STILL = b"avif"
"""The major brand of a file whose primary item is shown, even if it has frames as well."""

PREFIX = 32
"""Bytes of a configuration that tell how its codec samples."""

NOTHING = memoryview(bytes(16))
"""A table that is not there: no entries."""

OVERLAP = 4
"""How many times the bytes of the file its items may have, all together."""


@dataclass(frozen=True, slots=True)
class Items:
    """The items of a file by their ids: their types, their parts, and the streams of AV1; and
    which of them end behind the end of the file."""

    kinds: dict[int, bytes]
    parts: dict[int, list[memoryview]]
    streams: dict[int, av1.Stream]
    cut: set[int]


def count(data: memoryview, tally: Tally) -> None:
    """Walk over the boxes that libavif and libheif read."""
    for kind, content in boxes(data, tally):
        if kind == b"meta":
            _picture(content[FULL:], _items(content[FULL:], data, tally), tally)
        elif kind == b"moov":
            _tracks(content, data, tally)
            if bytes(data[8:12]) != STILL:
                _film(content, tally)


def _picture(meta: memoryview, items: Items, tally: Tally) -> None:
    """Note what the primary item says of itself, or else its stream, or that of a tile."""
    try:
        item = properties.primary(meta, tally)
        if item is None:
            return
        known = properties.of_items(meta, tally)
        properties.take(known.get(item, ()), tally)
        tally.size = properties.size(known.get(item, ()))
        whole = {key: parts for key, parts in items.parts.items() if key not in items.cut}
        pictures = heif.Pictures(meta, items.kinds, whole, known, tally)
        leaf = pictures.leaf(item)
        tally.codec = items.kinds.get(leaf, b"")
        if tally.codec == heif.CODED:
            pictures.count(item)
            if tally.cicp is None and leaf != item:
                colours = [box for box in known.get(leaf, ()) if box[0] == b"colr"]
                properties.take(colours, tally)
        stream = items.streams.get(item) or next(iter(items.streams.values()), av1.Stream())
        tally.cicp = tally.cicp or stream.cicp
    except EOFError:
        return


def _film(moov: memoryview, tally: Tally) -> None:
    """Note what the first track of frames says, which replaces what the primary item says."""
    for samples in inside(moov, tally, b"trak", b"mdia", b"minf", b"stbl", b"stsd"):
        if bytes(samples[12:16]) == b"av01":
            tally.cicp, tally.aperture, tally.peak = None, None, 0.0
            with contextlib.suppress(EOFError):
                properties.take(properties.of_track(samples, tally), tally)
            return


def _items(meta: memoryview, data: memoryview, tally: Tally) -> Items:
    """Count the items, their references and properties, and what AV1 codes in each."""
    kinds: dict[int, bytes] = {}
    places: list[tuple[int, list[memoryview]]] = []
    cut: set[int] = set()
    store = next(inside(meta, tally, b"idat"), memoryview(b""))
    for kind, content in boxes(meta, tally):
        try:
            if kind == b"iinf":
                kinds |= _kinds(content, tally)
            elif kind == b"iloc":
                places += _places(Reader(content), (data, store), cut, tally)
            elif kind == b"iref":
                # At least two bytes for each item that is referred to.
                tally.limit("references of items", len(content) // 2, 8 * ITEMS)
        except EOFError:
            continue  # a table that is cut off, which decoders refuse
    for table in inside(meta, tally, b"iprp", b"ipco"):
        # Of all items: that of a grid is in its tiles.
        for kind, content in boxes(table, tally):
            tally.planes = max(tally.planes, properties.planes(kind, bytes(content[:PREFIX])))
    for table in inside(meta, tally, b"iprp", b"ipma"):
        tally.limit("items with properties", int.from_bytes(table[4:8], "big"), ITEMS)
    streams: dict[int, av1.Stream] = {}
    for item, parts in places:
        if kinds.get(item) == b"av01":
            piece = parts[0] if len(parts) == 1 else memoryview(b"".join(parts))
            stream = streams[item] = av1.Stream()
            tally.work += COST * stream.coded(piece, tally)
    return Items(kinds, dict(places), streams, cut)


def _kinds(content: memoryview, tally: Tally) -> dict[int, bytes]:
    """The type of each item that `iinf` lists."""
    reader = Reader(content)
    long = reader.full() > 0
    tally.limit("items", reader.take(4 if long else 2), ITEMS)
    found = {}
    for kind, entry in boxes(content[FULL + (4 if long else 2) :], tally):
        if kind == b"infe":
            info = Reader(entry)
            item = info.take(2 if info.full() < 3 else 4)
            info.take(2)  # its protection
            found[item] = info.bytes(4)
    return found


def _places(
    reader: Reader, stores: tuple[memoryview, memoryview], cut: set[int], tally: Tally
) -> Iterator[tuple[int, list[memoryview]]]:
    """The parts of each item that `iloc` lists; of the file, or of the box `idat`.

    Those of an item that end behind its end add the item to `cut`.
    """
    version = reader.full()
    sizes = reader.take(2)
    offset, length, base, index = (sizes >> shift & 15 for shift in (12, 8, 4, 0))
    wide = 4 if version == 2 else 2
    items = reader.take(wide)
    tally.limit("items with a place", items, ITEMS)
    taken, most = 0, OVERLAP * len(stores[0])
    for _ in range(items):
        item = reader.take(wide)
        store = stores[reader.take(2) & 15 == 1] if version in (1, 2) else stores[0]
        reader.take(2)  # which file, of which there is only one
        start, parts = reader.take(base), []
        for _ in range(reader.take(2)):
            tally.parts()
            reader.take(index if version in (1, 2) else 0)
            at = start + reader.take(offset)
            size = reader.take(length)
            # A length of 0 means all the rest.
            parts.append(store[at : at + size] if size else store[at:])
            if at + size > len(store):
                cut.add(item)
            taken += len(parts[-1])
            tally.limit("bytes in its items", taken, most)
        yield item, parts


def _tracks(moov: memoryview, data: memoryview, tally: Tally) -> None:
    """Count what the tracks code in as many samples as there are frames that count."""
    for trak in inside(moov, tally, b"trak"):
        for meta in inside(trak, tally, b"meta"):
            _items(meta[FULL:], data, tally)
        for table in inside(trak, tally, b"mdia", b"minf", b"stbl"):
            try:
                samples = list(_samples(dict(boxes(table, tally)), data, tally))
            except EOFError:
                continue
            stream = av1.Stream()
            coded = sum(stream.coded(sample, tally) for sample in samples)
            pixels = coded // (HIDDEN * max(1, len(samples)))
            tally.frame_pixels = max(tally.frame_pixels, pixels)


def _samples(
    table: dict[bytes, memoryview], data: memoryview, tally: Tally
) -> Iterator[memoryview]:
    """The samples of a track, up to as many as frames count."""
    runs, sizes = Reader(table.get(b"stsc", NOTHING)), Reader(table.get(b"stsz", NOTHING))
    wide = 8 if b"co64" in table else 4
    chunks = Reader(table.get(b"co64", table.get(b"stco", NOTHING)))
    for reader in (runs, sizes, chunks):
        reader.full()
    # libavif looks through all runs for each chunk.
    count = runs.take(4)
    tally.limit("runs of chunks", count, ITEMS)
    starts = [(runs.take(4), runs.take(4), runs.take(4))[:2] for _ in range(count)]
    usual, left = sizes.take(4), min(sizes.take(4), tally.max_frames)
    per_chunk = dict(starts)
    held = 0
    for number in range(1, chunks.take(4) + 1):
        held = per_chunk.get(number, held)
        at = chunks.take(wide)
        for _ in range(min(held, left)):
            size = usual or sizes.take(4)
            yield data[at : at + size]
            at, left = at + size, left - 1
        if not left:
            return
        tally.parts()
