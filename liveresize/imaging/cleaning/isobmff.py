"""Cleaning AVIF and HEIC: what is no picture is overwritten where it stands.

Places in these files are offsets from their beginning, so that nothing may move. What stays is
listed: boxes and properties that decoders of pictures know, and the bytes that pictures and
frames are coded in. All the rest becomes zeros: EXIF, XMP and makers' items, texts, boxes that
nobody knows, and bytes that nothing refers to. A box that goes is called `free` from then on.
"""

import bisect
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from liveresize import errors
from liveresize.imaging import rights
from liveresize.imaging.cleaning.parts import Piece, damaged
from liveresize.imaging.structure.boxes import FULL, Reader

Span = tuple[int, int]
"""Where something begins and ends in the file."""

IN_META = frozenset({b"hdlr", b"dinf", b"pitm", b"iref", b"grpl"})
"""Boxes of `meta` that stay as they are."""

ONCE = frozenset({b"iinf", b"iloc", b"iprp", b"idat", b"pitm"})
"""Boxes of which a second one would be read by some and not by others."""

PROPERTIES = frozenset(
    b"a1lx a1op amve auxC av1C cclv clap clli colr hvcC imir irot iscl ispe lhvC lsel mdcv ndwt"
    b" pasp pixi rloc subs tols".split()
)
"""Properties that pixels are decoded or shown by."""

PICTURES = frozenset({b"av01", b"hvc1", b"grid", b"iovl", b"iden", b"tmap"})
"""Types of items whose bytes stay: coded pictures, what is made of them, and how bright a gain
map makes them. Items of other codecs may hold metadata of their own."""

EXIF = b"\0\0\0\0MM\0*\0\0\0\x08\0\0\0\0\0\0"
"""An item of EXIF without entries: some decoders refuse a picture with EXIF of zeros."""

XMP = b"xmp "
"""Stands for the type of an item of XMP, which is `mime`."""

XMP_TYPE = b"application/rdf+xml\0"

FILM = {
    b"moov": frozenset({b"mvhd", b"trak"}),
    b"trak": frozenset({b"tkhd", b"edts", b"tref", b"mdia"}),
    b"mdia": frozenset({b"mdhd", b"hdlr", b"minf"}),
    b"minf": frozenset({b"vmhd", b"dinf", b"stbl"}),
    b"stbl": frozenset(b"stsd stts ctts cslg stsc stsz stco co64 stss sdtp sgpd sbgp".split()),
}
"""Boxes of animations → what stays in them."""

FRAMES = b"av01"
"""The type of tracks that stay. Frames of HEVC are not shown."""

MOST_METADATA = 1 << 20
"""Bytes of an item of metadata that is looked at."""

HEAD = 8
"""Bytes of the size and the type of a box."""

ZEROS = memoryview(bytes(1 << 16))

UNCLEAR = (
    "The metadata of this picture cannot be removed, since it cannot be told from the pixels. "
    "Save the picture again without metadata."
)


@dataclass(frozen=True, slots=True)
class Box:
    """A box: its type, where it begins, and where its content does and ends."""

    kind: bytes
    start: int
    content: int
    end: int


@dataclass(slots=True)
class Plan:
    """What becomes of a file: what of it is overwritten, except for the pixels in it, and what is
    written there."""

    overwritten: list[Span] = field(default_factory=list)
    pixels: list[Span] = field(default_factory=list)
    written: dict[int, bytes] = field(default_factory=dict)
    stores: list[Span] = field(default_factory=list)
    """Contents of boxes that hold the bytes of items and frames, in order."""
    metadata: dict[int, tuple[bytes, list[Span]]] = field(default_factory=dict)
    """Items that are no pictures: their types, and where they are."""

    def free(self, box: Box) -> None:
        """Turn a box into free space."""
        self.written[box.start + 4] = b"free"
        self.overwritten.append((box.content, box.end))

    def store(self, box: Box) -> None:
        """Overwrite what in a box is not referred to."""
        bisect.insort(self.stores, (box.content, box.end))
        self.overwritten.append((box.content, box.end))

    def add(self, other: "Plan") -> None:
        """Do what `other` does as well."""
        self.overwritten += other.overwritten
        self.pixels += other.pixels
        self.written |= other.written

    def in_store(self, span: Span) -> bool:
        """Whether one of the boxes for such bytes holds them all."""
        at = bisect.bisect(self.stores, span[0], key=lambda store: store[0]) - 1
        return at >= 0 and span[0] <= span[1] <= self.stores[at][1]


def cleaned(
    data: memoryview, orientation: int, kept_rights: rights.Rights = rights.NONE
) -> Iterator[Piece]:
    """The file with its pictures alone, as long as it was.

    `orientation` is not looked at: only `irot` and `imir` turn a picture. Rights are written where
    EXIF and XMP were, as far as there is room. Raises
    UnreadableImage, before the first piece, where boxes break the rules and where metadata
    cannot be told from pixels: it shares bytes with them, or is not in this file.
    """
    plan = _planned(data)
    _plan_metadata(plan, kept_rights)
    at = 0
    kept = _merged([*plan.pixels, *((at, at + len(new)) for at, new in plan.written.items())])
    zeros = ((start, end, b"") for start, end in _without(_merged(plan.overwritten), kept))
    written = ((start, start + len(new), new) for start, new in plan.written.items())
    for start, end, new in sorted([*zeros, *written]):
        yield data[at:start]
        if new:
            yield new
        else:
            yield from _zeros(end - start)
        at = end
    yield data[at:]


def rights_in(data: memoryview) -> rights.Rights:
    """What the first items of EXIF and XMP say."""
    try:
        metadata = _planned(data).metadata.values()
    except errors.UnreadableImage:
        return rights.NONE
    found: dict[bytes, bytes] = {}
    for kind, spans in metadata:
        size = sum(end - start for start, end in spans)
        if kind in (b"Exif", XMP) and kind not in found and size <= MOST_METADATA:
            found[kind] = b"".join(data[start:end] for start, end in spans)
    exif = memoryview(found.get(b"Exif", b""))
    exif = exif[4 + int.from_bytes(exif[:4]) :]
    return rights.in_blocks(exif, found.get(XMP, b""))


def _planned(data: memoryview) -> Plan:
    """What becomes of the file, except for items that are no pictures. Raises UnreadableImage."""
    plan, last = Plan(), 0
    found = list(_outermost(data))
    if not found or found[0].kind != b"ftyp":
        raise damaged("isobmff: no ftyp")
    for box in found:
        if box.kind == b"mdat":
            plan.store(box)
    _check_once(found, {b"ftyp", b"meta", b"moov"})
    if all(box.kind not in (b"meta", b"moov") for box in found):
        raise damaged("isobmff: no picture")
    try:
        for box in found:
            if box.kind == b"meta":
                _plan_meta(data, box, plan)
            elif box.kind == b"moov":
                _plan_film(data, box, plan)
            elif box.kind not in (b"ftyp", b"mdat"):
                plan.free(box)
            last = box.end
    except EOFError:
        raise damaged("isobmff: a table is cut off") from None
    plan.overwritten.append((last, len(data)))
    if len(data) - last >= HEAD:
        plan.written[last] = (len(data) - last).to_bytes(4) + b"free"
    return plan


def _check_once(found: list[Box], kinds: frozenset[bytes] | set[bytes]) -> None:
    """Raise UnreadableImage where there are two boxes of one of `kinds`."""
    there = [box.kind for box in found if box.kind in kinds]
    if len(there) > len(set(there)):
        raise damaged("isobmff: a box twice that may be there once")


def _plan_metadata(plan: Plan, kept: rights.Rights) -> None:
    """Overwrite all other items, which must have no bytes of pixels. Raises UnreadableImage."""
    pixels = _merged(plan.pixels)
    told = {b"Exif": kept.exif() and bytes(4) + kept.exif(), XMP: kept.xmp(wrapped=False)}
    for item, (kind, spans) in plan.metadata.items():
        if any(_meets(span, pixels) for span in spans):
            raise errors.UnreadableImage(UNCLEAR, f"item {item} has bytes of pixels")
        content = told.pop(kind, b"")
        room = sum(end - start for start, end in spans)
        if content and len(content) <= room and _is_alone(item, plan):
            _write(content.ljust(room, b"\0" if kind == b"Exif" else b" "), spans, plan)
        elif kind == b"Exif":
            _write(EXIF, spans, plan)
    at = 0
    for start, new in sorted(plan.written.items()):
        if start < at:
            raise errors.UnreadableImage(UNCLEAR, "two items of EXIF in one another")
        at = start + len(new)


def _is_alone(item: int, plan: Plan) -> bool:
    """Whether no other item has any byte of this one."""
    others = [
        span for other, (_, spans) in plan.metadata.items() if other != item for span in spans
    ]
    spans = plan.metadata[item][1]
    apart = len(_merged(spans)) == len(spans)
    return apart and not any(_meets(span, _merged(others)) for span in spans)


def _outermost(data: memoryview) -> Iterator[Box]:
    """The boxes of the file. What is none ends them; the data of the file may end with it."""
    start = 0
    try:
        for box in _boxes(data, 0, len(data)):
            yield box
            start = box.end
    except errors.UnreadableImage:
        if bytes(data[start + 4 : start + HEAD]) == b"mdat":
            yield Box(b"mdat", start, start + HEAD, len(data))


def _boxes(data: memoryview, start: int, end: int) -> Iterator[Box]:
    """The boxes between two places. Raises UnreadableImage for one that ends behind them."""
    while start + 8 <= end:
        size, head = int.from_bytes(data[start : start + 4]), 8
        kind = bytes(data[start + 4 : start + 8])
        if size == 1:
            size, head = int.from_bytes(data[start + 8 : start + 16]), 16
        size = size or end - start
        if size < head or start + size > end:
            raise damaged(f"isobmff: {kind!r} of {size} bytes at {start}")
        yield Box(kind, start, start + head, start + size)
        start += size


def _plan_meta(data: memoryview, meta: Box, plan: Plan) -> None:
    """Keep the pictures among the items."""
    found = list(_boxes(data, meta.content + FULL, meta.end))
    _check_once(found, ONCE)
    known = {box.kind: box for box in found}
    for box in found:
        if box.kind == b"iprp":
            _plan_properties(data, box, plan)
        elif box.kind == b"idat":
            plan.store(box)
        elif box.kind not in IN_META | ONCE:
            plan.free(box)
    if b"iloc" not in known:
        return
    kinds = _kinds(data, known[b"iinf"]) if b"iinf" in known else {}
    for item, spans in _places(data, known[b"iloc"], known.get(b"idat"), kinds):
        if not all(plan.in_store(span) for span in spans):
            raise errors.UnreadableImage(UNCLEAR, f"item {item} is outside of the data")
        kind = kinds.get(item, b"")
        if kind in PICTURES:
            plan.pixels += spans
        else:
            plan.metadata[item] = kind, spans


def _plan_properties(data: memoryview, properties: Box, plan: Plan) -> None:
    """Keep the properties of pictures; their numbers stay as well."""
    for box in _boxes(data, properties.content, properties.end):
        if box.kind == b"ipco":
            for each in _boxes(data, box.content, box.end):
                if each.kind not in PROPERTIES:
                    plan.free(each)
        elif box.kind != b"ipma":
            plan.free(box)


def _kinds(data: memoryview, table: Box) -> dict[int, bytes]:
    """The type of each item. Raises EOFError."""
    reader = Reader(data[table.content : table.end])
    wide = 4 if reader.full() else 2
    reader.take(wide)
    kinds: dict[int, bytes] = {}
    for box in _boxes(data, table.content + FULL + wide, table.end):
        info = Reader(data[box.content : box.end])
        version = info.full()
        item = info.take(4 if version > 2 else 2)
        info.take(2)  # its protection
        if item in kinds:
            raise damaged(f"isobmff: two items {item}")
        # The oldest versions have no types.
        kind = info.bytes(4) if version >= 2 else b""
        name = bytes(data[box.start : box.end]).partition(kind)[2] if kind == b"mime" else b""
        kinds[item] = XMP if name.partition(b"\0")[2].startswith(XMP_TYPE) else kind
    return kinds


def _places(
    data: memoryview, table: Box, store: Box | None, kinds: Mapping[int, bytes]
) -> Iterator[tuple[int, list[Span]]]:
    """Where each item is. Raises EOFError, and UnreadableImage for one that is elsewhere.

    A picture of length 0 is all the rest. Metadata of length 0 is nothing, or at most what is
    overwritten anyway.
    """
    reader = Reader(data[table.content : table.end])
    version = reader.full()
    sizes = reader.take(2)
    offset, length, base, index = (sizes >> shift & 15 for shift in (12, 8, 4, 0))
    wide = 4 if version == 2 else 2
    seen: set[int] = set()
    for _ in range(reader.take(wide)):
        item = reader.take(wide)
        method = reader.take(2) & 15 if version else 0
        if reader.take(2) or version > 2 or method > 1 or item in seen:
            raise errors.UnreadableImage(UNCLEAR, f"item {item} is placed by others")
        seen.add(item)
        first, last = (0, len(data)) if method == 0 else (0, 0)
        if method and store is not None:
            first, last = store.content, store.end
        start, spans = first + reader.take(base), []
        for _ in range(reader.take(2)):
            reader.take(index if version else 0)
            at = start + reader.take(offset)
            size = reader.take(length)
            rest = last if kinds.get(item) in PICTURES else at
            spans.append((at, at + size if size else rest))
        yield item, [span for span in spans if span[0] != span[1]]


def _write(content: bytes, spans: Iterable[Span], plan: Plan) -> None:
    """Write as much of `content` to `spans` as they hold; the rest becomes zeros."""
    for start, end in spans:
        if start in plan.written or not content:
            return
        plan.written[start], content = content[: end - start], content[end - start :]


def _plan_film(data: memoryview, moov: Box, plan: Plan) -> None:
    """Keep the tracks with frames of AV1; free all of it if there is none."""
    within = Plan(stores=plan.stores)
    if _plan_track(data, moov, within):
        plan.add(within)
    else:
        plan.free(moov)


def _plan_track(data: memoryview, parent: Box, plan: Plan) -> bool:
    """Keep what belongs to frames in a box of FILM; whether there are frames."""
    frames = parent.kind == b"stbl"
    known: dict[bytes, memoryview] = {}
    for box in _boxes(data, parent.content, parent.end):
        known[box.kind] = data[box.content : box.end]
        if box.kind not in FILM[parent.kind]:
            plan.free(box)
        elif box.kind in FILM:
            within = Plan(stores=plan.stores)
            if _plan_track(data, box, within):
                frames = True
                plan.add(within)
            else:
                plan.free(box)
    if parent.kind != b"stbl":
        return frames
    if bytes(known.get(b"stsd", memoryview(b""))[12:16]) != FRAMES:
        return False
    for span in _samples(known):
        if not plan.in_store(span):
            raise damaged("isobmff: frames outside of the data")
        plan.pixels.append(span)
    return True


def _samples(table: dict[bytes, memoryview]) -> Iterator[Span]:
    """Where each chunk of frames is. Raises EOFError."""
    if b"stsc" not in table or b"stsz" not in table or table.keys().isdisjoint((b"stco", b"co64")):
        raise damaged("isobmff: a track without places")
    wide = 8 if b"co64" in table else 4
    runs, sizes = Reader(table[b"stsc"]), Reader(table[b"stsz"])
    chunks = Reader(table[b"co64" if wide == 8 else b"stco"])
    for reader in (runs, sizes, chunks):
        reader.full()
    starts = [(runs.take(4), runs.take(4), runs.take(4)) for _ in range(runs.take(4))]
    per_chunk = {first: count for first, count, _ in starts}
    usual, left = sizes.take(4), sizes.take(4)
    held = 0
    for number in range(1, chunks.take(4) + 1):
        held = min(per_chunk.get(number, held), left)
        left -= held
        at = chunks.take(wide)
        yield at, at + (held * usual or sum(sizes.take(4) for _ in range(held)))


def _merged(spans: Iterable[Span]) -> list[Span]:
    """The same places in order, none of which meets another."""
    merged: list[Span] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(end, merged[-1][1])
        else:
            merged.append((start, end))
    return merged


def _without(spans: Iterable[Span], kept: list[Span]) -> Iterator[Span]:
    """What of `spans` is in none of `kept`; both are merged."""
    at = 0
    for start, end in spans:
        while at < len(kept) and kept[at][1] <= start:
            at += 1
        while at < len(kept) and kept[at][0] < end:
            if start < kept[at][0]:
                yield start, kept[at][0]
            start = kept[at][1]
            if start >= end:
                break
            at += 1
        if start < end:
            yield start, end


def _meets(span: Span, merged: list[Span]) -> bool:
    """Whether a place has bytes of others, which are merged."""
    at = bisect.bisect(merged, (span[1],))
    return at > 0 and merged[at - 1][1] > span[0]


def _zeros(size: int) -> Iterator[Piece]:
    while size > 0:
        yield ZEROS[:size]
        size -= len(ZEROS)
