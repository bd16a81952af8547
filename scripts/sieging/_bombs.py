"""Small files that ask a decoder for much more work than their pixels do."""

import io
import itertools
import struct
import zlib
from collections.abc import Callable, Iterator
from typing import Any

from PIL import Image

Size = tuple[int, int]

LARGE, SMALL = (4000, 3000), (64, 64)
MEGABYTE = 1 << 20


def saved(picture: Image.Image, kind: str, **arguments: Any) -> bytes:
    """`picture` as a file of that format."""
    out = io.BytesIO()
    picture.save(out, kind, **arguments)
    return out.getvalue()


def flat(size: Size = SMALL, mode: str = "RGB") -> Image.Image:
    """A picture of one colour."""
    return Image.new(mode, size, 90)


# JPEG


def segment(code: int, payload: bytes) -> bytes:
    """A JPEG segment."""
    return struct.pack(">BBH", 0xFF, code, len(payload) + 2) + payload


def scan(components: bytes, spectrum: tuple[int, int], approximation: int) -> bytes:
    """The header of a scan; `approximation` as the format packs it, high and low."""
    tables = b"".join(bytes((each, 0)) for each in components)
    return segment(0xDA, bytes((len(components),)) + tables + bytes((*spectrum, approximation)))


def jpeg_scans(scans: int = 600, size: Size = LARGE) -> bytes:
    """A progressive JPEG whose last pass is asked for again and again, 80 bytes each time."""
    base = saved(flat(size), "JPEG", progressive=True)
    blocks = -(-size[0] // 8) * -(-size[1] // 8)
    # One code of a single bit, 0, says that the next 32,767 blocks have nothing new.
    table = segment(0xC4, b"\x10" + bytes((1, 1, *[0] * 14)) + b"\xe0\x00")
    runs = (blocks // 32_767 + 2) * ("0" + "1" * 14)
    bits = runs + "1" * (-len(runs) % 8)
    data = int(bits, 2).to_bytes(len(bits) // 8, "big").replace(b"\xff", b"\xff\0")
    return base[:-2] + (table + scan(b"\x01", (1, 63), 0x10) + data) * scans + base[-2:]


def jpeg_of(frame: int, scans: bytes, size: Size) -> bytes:
    """A JPEG of three components and these scans, without any data: zeros will do."""
    sides = struct.pack(">BHHB", 8, size[1], size[0], 3)
    tables = [segment(0xDB, b"\0" + b"\1" * 64)]
    tables += [segment(0xC4, bytes((kind, 1, 1, *[0] * 14, 0, 1))) for kind in (0x00, 0x10)]
    parts = segment(frame, sides + b"\1\x11\0\2\x11\0\3\x11\0")
    return b"\xff\xd8" + b"".join(tables) + parts + scans + b"\xff\xd9"


def jpeg_baseline(scans: int = 600, size: Size = LARGE) -> bytes:
    """A baseline JPEG that has each component in a scan of its own, many times."""
    each = b"".join(scan(bytes((component,)), (0, 63), 0) for component in (1, 2, 3))
    return jpeg_of(0xC0, each * (scans // 3), size)


def jpeg_arithmetic(scans: int = 90, size: Size = LARGE) -> bytes:
    """A JPEG of a kilobyte, with arithmetic coding, whose scans are fewer than too many."""
    first = scan(b"\1\2\3", (0, 0), 0x01)
    first += b"".join(scan(bytes((component,)), (1, 63), 0x01) for component in (1, 2, 3))
    again = b"".join(scan(bytes((component,)), (1, 63), 0x10) for component in (1, 2, 3))
    return jpeg_of(0xCA, first + again * (scans // 3), size)


def jpeg_with(parts: bytes) -> bytes:
    """A small JPEG with `parts` in its header."""
    base = saved(flat(), "JPEG")
    return base[:2] + parts + base[2:]


def jpeg_exif(segments: int = 400_000) -> bytes:
    """A JPEG whose EXIF comes in pieces of one byte, which are joined one by one."""
    return jpeg_with(segment(0xE1, b"Exif\0\0x") * segments)


# PNG


def chunk(kind: bytes, payload: bytes) -> bytes:
    """A PNG chunk."""
    return struct.pack(">I", len(payload)) + kind + payload + zlib.crc32(kind + payload).to_bytes(4)


def png_with(parts: bytes) -> bytes:
    """A small PNG with `parts` in front of its pixels."""
    base = saved(flat(), "PNG")
    at = base.index(b"IDAT") - 4
    return base[:at] + parts + base[at:]


def png_profiles(count: int = 1_000) -> bytes:
    """A PNG with many colour profiles of a megabyte, packed into a kilobyte each."""
    return png_with(chunk(b"iCCP", b"k\0\0" + zlib.compress(bytes(MEGABYTE), 9)) * count)


def png_texts(count: int = 1_000) -> bytes:
    """The same with texts, which have no keyword and so are not counted by Pillow."""
    return png_with(chunk(b"zTXt", b"\0\0" + zlib.compress(bytes(MEGABYTE), 9)) * count)


def png_pieces(count: int = 1_000_000) -> bytes:
    """A PNG whose pixels begin with many empty chunks."""
    return png_with(chunk(b"IDAT", b"") * count)


def apng(frames: int, size: Size) -> bytes:
    """An animation that changes one pixel of a large canvas in each frame."""
    width, height = size
    parts = [b"\x89PNG\r\n\x1a\n"]
    parts.append(chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)))
    parts.append(chunk(b"acTL", struct.pack(">II", frames, 0)))
    numbers = itertools.count()
    for index in range(frames):
        across, down = (1, 1) if index else size
        box = struct.pack(">IIIIIHHBB", next(numbers), across, down, 0, 0, 1, 10, 1, 1)
        pixels = zlib.compress((b"\0" + b"\x55" * 4 * across) * down, 9)
        parts.append(chunk(b"fcTL", box))
        number = struct.pack(">I", next(numbers)) if index else b""
        parts.append(chunk(b"fdAT" if index else b"IDAT", number + pixels))
    return b"".join((*parts, chunk(b"IEND", b"")))


# GIF


def gif(size: Size, parts: bytes) -> bytes:
    """A GIF of two colours and these parts."""
    return b"GIF89a" + struct.pack("<HHBBB", *size, 0x80, 0, 0) + bytes(6) + parts + b";"


def gif_frame(left: int = 0, top: int = 0) -> bytes:
    """A frame of one pixel, and how long it is shown."""
    place = struct.pack("<HHHHB", left, top, 1, 1, 0)
    return b"\x21\xf9\4\1\1\0\0\0" + b"\x2c" + place + b"\x02\x02\x44\x01\x00"


def gif_outside(frames: int = 100, place: int = 5_000) -> bytes:
    """A small animation whose later frames lie far outside, and make Pillow enlarge it."""
    return gif((100, 100), gif_frame() + gif_frame(place, place) * (frames - 1))


def gif_comments(count: int = 1_600_000) -> bytes:
    """A GIF with many comments, which are joined one by one."""
    return gif(SMALL, b"\x21\xfe\1x\0" * count + gif_frame())


def gif_filled(count: int = 8 * MEGABYTE) -> bytes:
    """A GIF with zeros between its blocks, which are read one by one."""
    return gif(SMALL, bytes(count) + gif_frame())


def gif_blocks(count: int = 4_000_000) -> bytes:
    """A GIF with a comment in pieces of one byte."""
    return gif(SMALL, b"\x21\xfe" + b"\1x" * count + b"\0" + gif_frame())


# WebP


def webp_chunks(count: int = 1_000_000) -> bytes:
    """A WebP with many empty chunks behind its picture."""
    base = saved(flat(), "WEBP", exif=Image.Exif().tobytes())[12:]
    body = b"WEBP" + base + (b"PRVT" + bytes(4)) * count
    return b"RIFF" + struct.pack("<I", len(body)) + body


# AVIF


def box(kind: bytes, *parts: bytes, version: int | None = None) -> bytes:
    """A box of an AVIF; with a version, that and flags of zero come first."""
    head = b"" if version is None else bytes((version, 0, 0, 0))
    payload = head + b"".join(parts)
    return struct.pack(">I4s", len(payload) + 8, kind) + payload


def found(data: bytes, kind: bytes) -> tuple[int, int]:
    """Where the first box of that kind begins and ends."""
    at = data.index(kind) - 4
    return at, at + int.from_bytes(data[at : at + 4], "big")


def avif_of(stream: bytes, like: bytes, items: int = 1) -> bytes:
    """An AVIF of that many pictures, all with the same AV1 `stream`, described as in `like`."""
    ids = range(1, items + 1)
    count = struct.pack(">I", items)
    entries = (box(b"infe", struct.pack(">IH4sB", i, 0, b"av01", 0), version=3) for i in ids)
    properties = [like[slice(*found(like, kind))] for kind in (b"ispe", b"pixi", b"av1C", b"colr")]
    uses = (struct.pack(">IB4B", i, 4, 1, 2, 0x83, 4) for i in ids)
    store = box(b"ipco", *properties), box(b"ipma", count, *uses, version=1)
    head = box(b"ftyp", b"avif\0\0\0\0avifmif1miaf")

    def placed(at: int) -> bytes:
        places = (struct.pack(">IHHHII", i, 0, 0, 1, at, len(stream)) for i in ids)
        parts = (
            box(b"hdlr", b"\0\0\0\0pict", bytes(13), version=0),
            box(b"pitm", struct.pack(">I", 1), version=1),
            box(b"iloc", b"\x44\x00", count, *places, version=2),
            box(b"iinf", count, *entries_, version=1),
            box(b"iprp", *store),
        )
        return head + box(b"meta", *parts, version=0) + box(b"mdat", stream)

    entries_ = list(entries)
    return placed(len(placed(0)) - len(stream))


def units(stream: bytes) -> Iterator[tuple[int, bytes]]:
    """The OBUs of an AV1 stream, as (type, all of it)."""
    at = 0
    while at < len(stream):
        size, end = 0, at + 1
        for shift in itertools.count(0, 7):
            size |= (stream[end] & 0x7F) << shift
            end += 1
            if not stream[end - 1] & 0x80:
                break
        yield stream[at] >> 3 & 15, stream[at : end + size]
        at = end + size


def sequence(size: Size, frames: int = 9) -> bytes:
    """An animated AVIF of a square that moves; its encoder hides frames to predict from."""
    square = flat((size[0] // 4, size[1] // 4)).point(lambda level: 255 - level)
    pictures = [flat(size) for _ in range(frames)]
    for step, picture in enumerate(pictures):
        picture.paste(square, (8 * step, 8 * step))
    settings = {"save_all": True, "speed": 6, "max_threads": 1}
    return saved(pictures[0], "AVIF", append_images=pictures[1:], **settings)


def samples(data: bytes) -> tuple[list[bytes], int]:
    """The pieces of a sequence, one for each frame, and where the first one begins."""
    at = found(data, b"stsz")[0] + 16
    count = int.from_bytes(data[at : at + 4], "big")
    sizes = struct.unpack_from(f">{count}I", data, at + 4)
    start = int.from_bytes(data[(place := found(data, b"stco")[0] + 16) : place + 4], "big")
    ends = list(itertools.accumulate(sizes, initial=start))
    return [data[one:other] for one, other in itertools.pairwise(ends)], start


def hidden_frame(piece: bytes) -> bytes:
    """The first frame of a piece that is coded and not shown; it needs no other one of these."""
    return next(
        unit for kind, unit in units(piece) if kind == 6 and not unit[1 + _length(unit)] & 0x90
    )


def _length(unit: bytes) -> int:
    """How many bytes say how long an OBU is."""
    return next(index for index in itertools.count(1) if not unit[index] & 0x80)


def avif_hidden(frames: int = 400, size: Size = (1200, 900)) -> bytes:
    """A still whose stream goes on behind its picture with frames that nobody sees."""
    base = sequence(size)
    first, second = samples(base)[0][:2]
    like = saved(flat(size), "AVIF")
    return avif_of(first + hidden_frame(second) * frames, like)


def avif_hidden_in_motion(frames: int = 400, size: Size = (1200, 900)) -> bytes:
    """A sequence whose second frame comes with many that are not shown."""
    base = sequence(size)
    pieces, start = samples(base)
    unit = hidden_frame(pieces[1])
    pieces[1] = pieces[1].replace(unit, unit * (frames + 1), 1)
    at = found(base, b"stsz")[0] + 20
    data = bytearray(base[:start])
    struct.pack_into(f">{len(pieces)}I", data, at, *map(len, pieces))
    struct.pack_into(">I", data, start - 8, 8 + sum(map(len, pieces)))
    return bytes(data) + b"".join(pieces)


def avif_items(count: int = 60_000) -> bytes:
    """A small AVIF with many items, which are looked through for each one."""
    like = saved(flat(), "AVIF")
    stream = like[found(like, b"mdat")[0] + 8 :]
    return avif_of(stream, like, count)


def avif_larger(size: Size = (3000, 2000), told: Size = SMALL, frames: int = 16) -> bytes:
    """A sequence that says a size much smaller than that of its frames."""
    data = bytearray(sequence(size, frames))
    end = found(data, b"tkhd")[1]
    struct.pack_into(">II", data, end - 8, told[0] << 16, told[1] << 16)
    at = data.index(b"av01", found(data, b"stsd")[0]) + 28
    struct.pack_into(">HH", data, at, *told)
    struct.pack_into(">II", data, found(data, b"ispe")[0] + 12, *told)
    return bytes(data)


BOMBS: dict[str, Callable[[], bytes]] = {
    "jpeg, 600 scans": jpeg_scans,
    "jpeg, 600 baseline scans": jpeg_baseline,
    "jpeg, 90 scans of arithmetic coding": jpeg_arithmetic,
    "jpeg, 400,000 segments of EXIF": jpeg_exif,
    "jpeg, 8 MB of fill": lambda: jpeg_with(b"\xff" * (8 * MEGABYTE)),
    "png, 1,000 profiles": png_profiles,
    "png, 1,000 texts": png_texts,
    "png, 1,000,000 empty chunks": png_pieces,
    "gif, 30 frames outside": lambda: gif_outside(30),
    "gif, 1,600,000 comments": gif_comments,
    "gif, 8 MB between its blocks": gif_filled,
    "gif, 4,000,000 sub-blocks": gif_blocks,
    "webp, 1,000,000 empty chunks": webp_chunks,
    "avif, 400 hidden frames": avif_hidden,
    "avif, 400 hidden frames in motion": avif_hidden_in_motion,
    "avif, 60,000 items": avif_items,
}
"""What is to be refused, or to cost no more than other pictures."""
