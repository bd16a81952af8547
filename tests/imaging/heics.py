"""HEIC and AVIF put together on the spot: the coded pictures of tiny files in boxes of one's own.

The files in `heic/` were made by pillow-heif (which stays outside of the project): quarters in
8 and 10 bits, grey and with alpha, four pictures of one colour each, a grey of 10 bits, and
tiles of 512 × 512.
"""

import io
import pathlib
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from PIL import Image

from liveresize.imaging.structure import Tally, boxes, isobmff, properties

from . import samples

FOLDER = pathlib.Path(__file__).parent / "heic"

CODED, SHOWN = (64, 64), (64, 48)
"""The size of every coded picture, and of the quarters in its upper part."""

COLOURS = (samples.RED, samples.GREEN, samples.BLUE, samples.YELLOW)

SRGB = (1, 13, 6)
"""Code points of primaries, transfer and matrix."""

ALPHA = b"urn:mpeg:hevc:2015:auxid:1\0"

PLACE = b"52 05 24 N SECRET-PLACE"
"""Stands in everything that must not be stored."""

EXIF = b"\0\0\0\0MM\0*\0\0\0\x08\0\0\0\0\0\0" + PLACE
XMP = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'>" + PLACE + b"</x:xmpmeta>"


@dataclass(frozen=True)
class Item:
    """An item: its type, its bytes in one or more parts, its properties (whole boxes), what it
    refers to, and whether its bytes are in `idat`."""

    kind: bytes
    parts: tuple[bytes, ...] = ()
    properties: tuple[bytes, ...] = ()
    references: tuple[tuple[bytes, tuple[int, ...]], ...] = ()
    inside: bool = False
    content_type: bytes = b""


@dataclass(frozen=True)
class File:
    """A file: items with the ids 1, 2, …, of which one is shown, and further boxes."""

    items: tuple[Item, ...]
    primary: int = 1
    brands: tuple[bytes, ...] = (b"heic", b"mif1", b"heic", b"miaf")
    version: int = 1
    """The version of `iloc`."""
    in_meta: bytes = b""
    before: bytes = b""
    after: bytes = b""
    places: dict[int, tuple[int, int, int]] = field(default_factory=dict)
    """Item → a construction method, an offset and a length that are written instead."""

    def data(self) -> bytes:
        """The file."""
        head = box(b"ftyp", self.brands[0] + bytes(4) + b"".join(self.brands[1:]))
        start = len(head) + len(self._meta(0)) + len(self.before) + 8
        content = b"".join(b"".join(item.parts) for item in self.items if not item.inside)
        return head + self._meta(start) + self.before + box(b"mdat", content) + self.after

    def _meta(self, start: int) -> bytes:
        known: list[bytes] = []
        table = b""
        for number, item in enumerate(self.items, 1):
            table += struct.pack(">HB", number, len(item.properties))
            for each in item.properties:
                known += [each] if each not in known else []
                # What changes the picture must be marked as essential.
                essential = each[4:8] in (b"hvcC", b"av1C", b"irot", b"imir", b"clap")
                table += bytes((known.index(each) + 1 | 0x80 * essential,))
        entries = b"".join(
            full(
                b"infe",
                struct.pack(">HH", number, 0) + item.kind + b"\0" + item.content_type,
                version=2,
            )
            for number, item in enumerate(self.items, 1)
        )
        references = b"".join(
            box(kind, struct.pack(f">HH{len(others)}H", number, len(others), *others))
            for number, item in enumerate(self.items, 1)
            for kind, others in item.references
        )
        store = b"".join(b"".join(item.parts) for item in self.items if item.inside)
        return full(
            b"meta",
            full(b"hdlr", bytes(4) + b"pict" + bytes(13))
            + full(b"pitm", struct.pack(">H", self.primary))
            + full(b"iinf", struct.pack(">H", len(self.items)) + entries)
            + (full(b"iref", references) if references else b"")
            + box(
                b"iprp",
                box(b"ipco", b"".join(known))
                + full(b"ipma", struct.pack(">I", len(self.items)) + table),
            )
            + (box(b"idat", store) if store else b"")
            + self._places(start)
            + self.in_meta,
        )

    def _places(self, start: int) -> bytes:
        wide = ">I" if self.version == 2 else ">H"
        table = struct.pack(wide, len(self.items))
        at = {False: start, True: 0}
        for number, item in enumerate(self.items, 1):
            method, parts = int(item.inside), []
            for part in item.parts:
                parts.append((at[item.inside], len(part)))
                at[item.inside] += len(part)
            if number in self.places:
                method, *part = self.places[number]
                parts = [(part[0], part[1])]
            table += struct.pack(wide, number)
            if self.version:
                table += struct.pack(">H", method)
            table += struct.pack(">HIH", 0, 0, len(parts))
            table += b"".join(struct.pack(">II", *part) for part in parts)
        return full(b"iloc", b"\x44\x40" + table, version=self.version)


def box(kind: bytes, content: bytes) -> bytes:
    """A box."""
    return struct.pack(">I", 8 + len(content)) + kind + content


def full(kind: bytes, content: bytes, version: int = 0) -> bytes:
    """A box with a version and no flags."""
    return box(kind, bytes((version, 0, 0, 0)) + content)


def size(width: int, height: int) -> bytes:
    """`ispe`."""
    return full(b"ispe", struct.pack(">II", width, height))


def colours(primaries: int, transfer: int, matrix: int = 6) -> bytes:
    """`colr` with code points, of the full range."""
    return box(b"colr", b"nclx" + struct.pack(">HHHB", primaries, transfer, matrix, 0x80))


def profile(content: bytes) -> bytes:
    """`colr` with an ICC profile."""
    return box(b"colr", b"prof" + content)


def aperture(width: int, height: int, left: int, top: int) -> bytes:
    """`clap`: a part of a coded picture."""
    across, down = 2 * left + width - CODED[0], 2 * top + height - CODED[1]
    return box(b"clap", struct.pack(">IIIIiIiI", width, 1, height, 1, across, 2, down, 2))


def coded(name: str, item: int = 1) -> Item:
    """The coded picture of an item in one of the files, with its configuration and size."""
    return taken((FOLDER / f"{name}.heic").read_bytes(), item)


def taken(data: bytes, item: int = 1) -> Item:
    """The coded picture of an item of a file, with its configuration and size."""
    tally = Tally("", len(data), 1)
    view = memoryview(data)
    (meta,) = boxes.inside(view, tally, b"meta")
    items = isobmff._items(meta[4:], view, tally)
    known = properties.of_items(meta[4:], tally)[item]
    kept = tuple(
        box(kind, bytes(content))
        for kind, content in known
        if kind in (b"hvcC", b"av1C", b"ispe", b"pixi")
    )
    parts = tuple(bytes(part) for part in items.parts[item])
    return Item(items.kinds[item], parts, kept)


def shown(name: str = "quarters", *further: bytes) -> Item:
    """The quarters of a file, cropped to what is meant to be seen, with further properties."""
    picture = coded(name)
    crop = aperture(*SHOWN, 0, 0)
    told = () if any(each[4:8] == b"colr" for each in further) else (colours(*SRGB),)
    return replace(picture, properties=(*picture.properties, *told, crop, *further))


def alpha(of: int = 1) -> Item:
    """The alpha of the picture with that id: from clear above to solid below."""
    picture = coded("alpha", 2)
    kind = full(b"auxC", ALPHA)
    properties = (*picture.properties, kind, aperture(*SHOWN, 0, 0))
    return replace(picture, properties=properties, references=((b"auxl", (of,)),))


def exif(content: bytes = EXIF, of: int = 1, *, inside: bool = False) -> Item:
    """EXIF of a picture."""
    return Item(b"Exif", (content,), references=((b"cdsc", (of,)),), inside=inside)


def xmp(content: bytes = XMP, of: int = 1, *, inside: bool = False) -> Item:
    """XMP of a picture."""
    references = ((b"cdsc", (of,)),)
    kind = b"application/rdf+xml\0"
    return Item(b"mime", (content,), references=references, inside=inside, content_type=kind)


def grid(whole: tuple[int, int] = (128, 128), tiles: Sequence[int] = (2, 3, 4, 5)) -> Item:
    """A grid of two rows and two columns."""
    content = struct.pack(">BBBBHH", 0, 0, 1, 1, *whole)
    return Item(
        b"grid", (content,), (size(*whole), colours(*SRGB)), ((b"dimg", tuple(tiles)),), inside=True
    )


def tiles() -> tuple[Item, ...]:
    """Four pictures of one colour each."""
    return tuple(coded("burst", item) for item in (1, 2, 3, 4))


def avif(*further: Item, **how: object) -> File:
    """Quarters in AVIF, and further items."""
    file = io.BytesIO()
    samples.quarters(SHOWN).save(file, "AVIF", quality=95, speed=9)
    picture = taken(file.getvalue())
    picture = replace(picture, properties=(*picture.properties, colours(*SRGB)))
    brands = (b"avif", b"mif1", b"avif", b"miaf")
    return replace(File((picture, *further), brands=brands), **how)  # type: ignore[arg-type]


def corners(picture: Image.Image) -> tuple[int, ...]:
    """Which of COLOURS is in each corner, in reading order; -1 for none of them."""
    width, height = picture.size
    places = ((4, 4), (width - 5, 4), (4, height - 5), (width - 5, height - 5))
    found = [picture.convert("RGB").getpixel(place) for place in places]
    return tuple(
        next((n for n, each in enumerate(COLOURS) if samples.near(pixel, each, 16)), -1)
        for pixel in found
    )
