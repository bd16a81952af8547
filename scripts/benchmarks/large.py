"""Large pictures of every kind, made so that the whole set takes minutes and little memory."""

import io
import itertools
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image

Size = tuple[int, int]

SIZES: dict[int, Size] = {
    12: (4000, 3000),
    30: (6708, 4472),
    48: (8000, 6000),
    64: (9248, 6936),
    108: (12000, 9000),
}
"""Megapixels → the size that cameras give such a picture."""

ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2))
"""The passes of an interlaced PNG but the last: first column and row, and the steps."""

PASSES = (*ADAM7, (0, 1, 1, 2))

ROWS = 64
"""Rows of a PNG that are packed at a time."""


def scene(size: Size, mode: str = "RGB") -> Image.Image:
    """A picture of slopes and fine lines, which compresses about as well as a photo."""
    tile = Image.effect_mandelbrot((512, 512), (-2, -1.5, 1, 1.5), 60)
    noisy = Image.effect_noise((512, 512), 20)
    block = Image.merge("RGB", (tile, Image.blend(tile, noisy, 0.3), noisy))
    picture = Image.new("RGB", size)
    for left, top in itertools.product(range(0, size[0], 512), range(0, size[1], 512)):
        picture.paste(block, (left, top))
    if mode == "RGBA":
        picture.putalpha(Image.linear_gradient("L").resize(size))
    return picture if mode in ("RGB", "RGBA") else picture.convert(mode)


def made(folder: Path, name: str, megapixels: int) -> Path:
    """The file of that kind and size in `folder`, made unless it is there."""
    kind, _, suffix = name.partition(".")
    path = folder / f"{kind}-{megapixels}.{suffix}"
    if not path.exists():
        part = path.with_suffix(".part")
        part.write_bytes(KINDS[name](SIZES[megapixels]))
        part.rename(path)
    return path


def saved(picture: Image.Image, kind: str, **arguments: Any) -> bytes:
    """`picture` as a file of that format."""
    out = io.BytesIO()
    picture.save(out, kind, **arguments)
    return out.getvalue()


def _encoded(kind: str, mode: str = "RGB", **arguments: Any) -> Callable[[Size], bytes]:
    return lambda size: saved(scene(size, mode), kind, **arguments)


# JPEG


def scans_jpeg(size: Size) -> bytes:
    """A baseline JPEG, 4:2:0, with a scan for each component."""
    luma = saved(scene(size, "L"), "JPEG", quality=80)
    half = -(-size[0] // 2), -(-size[1] // 2)
    chroma = saved(scene(half, "L"), "JPEG", quality=80)
    head, first = _split(luma)
    _, other = _split(chroma)
    frame = head.index(b"\xff\xc0")
    end = frame + 2 + int.from_bytes(head[frame + 2 : frame + 4], "big")
    parts = struct.pack(">BHHB", 8, size[1], size[0], 3) + b"\1\x22\0\2\x11\0\3\x11\0"
    frame_header = b"\xff\xc0" + struct.pack(">H", len(parts) + 2) + parts
    scans = b"".join(
        b"\xff\xda\0\x08\1" + bytes((component, 0, 0, 63, 0)) + data
        for component, data in ((1, first), (2, other), (3, other))
    )
    return head[:frame] + frame_header + head[end:] + scans + b"\xff\xd9"


def _split(grey: bytes) -> tuple[bytes, bytes]:
    """What stands before the scan of a grey JPEG, and the data of the scan."""
    at = grey.index(b"\xff\xda")
    start = at + 2 + int.from_bytes(grey[at + 2 : at + 4], "big")
    return grey[:at], grey[start:-2]


# PNG


def png(size: Size, bits: int, colour: int, interlaced: bool = False) -> bytes:
    """A PNG of slopes, packed a few rows at a time; `colour` is the type as IHDR has it."""
    channels = {0: 1, 2: 3, 3: 1, 6: 4}[colour]
    depth = channels * bits // 8
    packer = zlib.compressobj(1)
    packed = bytearray()
    passes = PASSES if interlaced else ((0, 0, 1, 1),)
    for left, top, across, down in passes:
        width = -(-(size[0] - left) // across)
        height = -(-(size[1] - top) // down)
        row = b"\0" + (bytes(range(256)) * (width * depth // 256 + 1))[: width * depth]
        for start in range(0, height, ROWS):
            packed += packer.compress(row * min(ROWS, height - start))
    packed += packer.flush()
    header = struct.pack(">IIBBBBB", *size, bits, colour, 0, 0, interlaced)
    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header)
    if colour == 3:
        data += chunk(b"PLTE", bytes(range(256)) * 3)
    return data + chunk(b"IDAT", bytes(packed)) + chunk(b"IEND", b"")


def chunk(kind: bytes, payload: bytes) -> bytes:
    """A PNG chunk."""
    return struct.pack(">I", len(payload)) + kind + payload + zlib.crc32(kind + payload).to_bytes(4)


# AVIF


def avif_grid(size: Size, tile: bytes, side: int) -> bytes:
    """An AVIF that shows the one picture of `tile`, of `side` × `side`, again and again."""
    at = tile.index(b"mdat") - 4
    across, down = -(-size[0] // side), -(-size[1] // side)
    count = across * down
    stream = tile[at + 8 : at + int.from_bytes(tile[at : at + 4], "big")]
    ids = range(2, count + 2)
    config = _box_of(tile, b"av1C")
    pixi, ispe = _box_of(tile, b"pixi"), _box_of(tile, b"ispe")
    whole = box(b"ispe", struct.pack(">II", *size), version=0)
    grid = struct.pack(">BBBBHH", 0, 0, down - 1, across - 1, *size)
    entries = [box(b"infe", struct.pack(">HH4sB", 1, 0, b"grid", 0), version=2)]
    entries += [box(b"infe", struct.pack(">HH4sB", i, 0, b"av01", 0), version=2) for i in ids]
    uses = struct.pack(">HB2B", 1, 2, 1, 2)
    uses += b"".join(struct.pack(">HB3B", i, 3, 3, 2, 0x84) for i in ids)
    refs = box(b"dimg", struct.pack(f">HH{count}H", 1, count, *ids))

    def placed(start: int) -> bytes:
        places = struct.pack(">HHHII", 1, 0, 1, start, len(grid))
        places += b"".join(
            struct.pack(">HHHII", i, 0, 1, start + len(grid) + n * len(stream), len(stream))
            for n, i in enumerate(ids)
        )
        meta = box(
            b"meta",
            box(b"hdlr", b"\0\0\0\0pict", bytes(13), version=0),
            box(b"pitm", struct.pack(">H", 1), version=0),
            box(b"iloc", b"\x44\x00", struct.pack(">H", count + 1), places, version=0),
            box(b"iinf", struct.pack(">H", count + 1), *entries, version=0),
            box(b"iref", refs, version=0),
            box(
                b"iprp",
                box(b"ipco", whole, pixi, ispe, config),
                box(b"ipma", struct.pack(">I", count + 1), uses, version=0),
            ),
            version=0,
        )
        return box(b"ftyp", b"avif\0\0\0\0avifmif1miaf") + meta

    return placed(len(placed(0)) + 8) + box(b"mdat", grid, stream * count)


def box(kind: bytes, *parts: bytes, version: int | None = None) -> bytes:
    """A box of the ISO base media file format; with a `version`, one with flags."""
    content = b"".join(parts)
    if version is not None:
        content = struct.pack(">B3x", version) + content
    return struct.pack(">I4s", len(content) + 8, kind) + content


def _box_of(data: bytes, kind: bytes) -> bytes:
    at = data.index(kind) - 4
    return data[at : at + int.from_bytes(data[at : at + 4], "big")]


KINDS: dict[str, Callable[[Size], bytes]] = {
    "rgb.jpeg": _encoded("JPEG", quality=85),
    "full.jpeg": _encoded("JPEG", quality=85, subsampling="4:4:4"),
    "progressive.jpeg": _encoded("JPEG", quality=85, progressive=True),
    "full-progressive.jpeg": _encoded("JPEG", quality=85, progressive=True, subsampling="4:4:4"),
    "scans.jpeg": scans_jpeg,
    "grey.jpeg": _encoded("JPEG", "L", quality=85),
    "cmyk.jpeg": _encoded("JPEG", "CMYK", quality=85),
    "rgb.png": lambda size: png(size, 8, 2),
    "rgba.png": lambda size: png(size, 8, 6),
    "palette.png": lambda size: png(size, 8, 3),
    "grey.png": lambda size: png(size, 8, 0),
    "deep.png": lambda size: png(size, 16, 6),
    "deep-grey.png": lambda size: png(size, 16, 0),
    "interlaced.png": lambda size: png(size, 8, 2, interlaced=True),
    "rgb.webp": _encoded("WEBP", method=0, quality=10),
    "rgba.webp": _encoded("WEBP", "RGBA", method=0, quality=10),
    "lossless.webp": _encoded("WEBP", method=0, quality=0, lossless=True),
    "rgb.avif": _encoded("AVIF", speed=10, quality=40, max_threads=2),
    "full.avif": _encoded("AVIF", speed=10, quality=40, subsampling="4:4:4", max_threads=2),
    "rgba.avif": _encoded("AVIF", "RGBA", speed=10, quality=40, max_threads=2),
    "still.gif": _encoded("GIF", "P"),
    "raw.tiff": _encoded("TIFF"),
    "deflate.tiff": _encoded("TIFF", compression="tiff_adobe_deflate"),
    "rgb.bmp": _encoded("BMP"),
}
"""How files are made, by what they are."""
