"""Uploads that tell too much: small pictures with every kind of metadata around them."""

import csv
import io
import os
import pathlib
import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from PIL import Image, ImageCms

from liveresize.imaging import cleaning, decode

ROOT = pathlib.Path(__file__).parents[2]
CORPUS = ROOT / os.environ.get("LIVERESIZE_CORPUS", "../shared/corpus")

TELLING = re.compile(
    r"GPS|XMP|IPTC|Photoshop|MakerNotes|Serial|Thumbnail|Comment|Owner|City|Country|Location"
)
"""What no name of a group or tag may hold that exiftool finds in a cleaned file."""

ALLOWED = re.compile(
    r"File:CurrentIPTCDigest|EXIF:IFD0:(Orientation|Artist|Copyright)"
    r"|IPTC:(By-line|Credit|CopyrightNotice|CodedCharacterSet|ApplicationRecordVersion)"
    r"|XMP:XMP-(dc:(Rights|Creator)|photoshop:Credit|iptcExt:DigitalSourceType|xmpRights:\w+)"
    r"|MakerNotes:Apple:HDR(Headroom|Gain)"
    r"|XMP:XMP-(Container:Directory\w*|hdrgm:\w+|HDRGainMap:\w+|apdi:\w+|x:XMPToolkit)"
)
"""What it may find all the same: rights, and what applies a gain map."""

SECRET = b"SECRET-PLACE"
"""Stands in everything that must not outlive cleaning."""

XMP = (
    b"<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF><rdf:Description>"
    + SECRET
    + b"</rdf:Description></rdf:RDF></x:xmpmeta>"
)

ORIENTATION, MAKE, SERIAL, GPS, CAMERA = 0x0112, 0x010F, 0xA431, 0x8825, 0x8769


def exif(orientation: int = 1) -> bytes:
    """EXIF with a maker, a serial number, notes and a place beside the orientation."""
    block = Image.Exif()
    block[ORIENTATION] = orientation
    block[MAKE] = SECRET.decode()
    block.get_ifd(CAMERA).update({SERIAL: SECRET.decode(), 0x927C: SECRET * 3})
    block.get_ifd(GPS).update({1: "N", 2: (52.0, 5.0, 24.0), 29: SECRET.decode()})
    return block.tobytes()


def bare_exif(orientation: int) -> bytes:
    """EXIF that says the orientation alone, as Pillow writes it."""
    block = Image.Exif()
    block[ORIENTATION] = orientation
    return block.tobytes()


def photo(size: tuple[int, int] = (61, 43), mode: str = "RGB") -> Image.Image:
    """A picture whose rows, columns and corners all differ."""
    width, height = size
    levels = bytes(
        level
        for y in range(height)
        for x in range(width)
        for level in (x * 255 // width, y * 255 // height, (x * y * 3 + x) % 256, 255 - x % 200)
    )
    return Image.frombytes("RGBA", size, levels).convert(mode)


def icc() -> bytes:
    """A colour profile."""
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def saved(picture: Image.Image, kind: str, **arguments: Any) -> bytes:
    """`picture` as a file of that format."""
    out = io.BytesIO()
    picture.save(out, kind, **arguments)
    return out.getvalue()


def segment(code: int, payload: bytes) -> bytes:
    """A JPEG segment."""
    return struct.pack(">BBH", 0xFF, code, len(payload) + 2) + payload


def chunk(kind: bytes, payload: bytes) -> bytes:
    """A PNG chunk."""
    return struct.pack(">I", len(payload)) + kind + payload + zlib.crc32(kind + payload).to_bytes(4)


def riff(*chunks: bytes) -> bytes:
    """A WebP file of these chunks."""
    body = b"WEBP" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def riff_chunk(kind: bytes, payload: bytes) -> bytes:
    """A WebP chunk, padded."""
    return kind + struct.pack("<I", len(payload)) + payload + b"\0" * (len(payload) % 2)


def extension(label: int, *blocks: bytes) -> bytes:
    """A GIF extension."""
    return bytes((0x21, label)) + b"".join(bytes((len(b),)) + b for b in blocks) + b"\0"


def telling_jpeg(orientation: int = 6, mode: str = "RGB", **arguments: Any) -> bytes:
    """A JPEG with EXIF, XMP, IPTC, comments, thumbnails, a profile, and more behind it."""
    data = saved(photo(mode=mode), "JPEG", exif=exif(orientation), icc_profile=icc(), **arguments)
    told = (
        segment(0xE0, b"JFXX\0\x13\x02\x02" + SECRET),
        segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + XMP),
        segment(0xE2, b"MPF\0" + SECRET),
        segment(0xE2, b"urn:iso:std:iso:ts:21496:-1\0" + SECRET),
        segment(0xED, b"Photoshop 3.0\x008BIM\x04\x04\0\0\0\0\0\x0c" + SECRET),
        segment(0xEB, b"JP" + SECRET),
        segment(0xFE, SECRET),
    )
    return data[:2] + b"".join(told) + data[2:] + SECRET


def telling_png(orientation: int = 6, mode: str = "RGB") -> bytes:
    """A PNG with EXIF, XMP, texts, a date, a profile, and more behind it."""
    data = saved(photo(mode=mode), "PNG", exif=exif(orientation), icc_profile=icc(), dpi=(72, 72))
    header, rest = data[:33], data[33:]
    told = (
        chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + XMP),
        chunk(b"tEXt", b"Comment\0" + SECRET),
        chunk(b"zTXt", b"Comment\0\0" + zlib.compress(SECRET)),
        chunk(b"tIME", b"\x07\xea\x01\x02\x03\x04\x05"),
        chunk(b"prVt", SECRET),
    )
    return header + b"".join(told) + rest + SECRET


def telling_webp(orientation: int = 6, mode: str = "RGBA", **arguments: Any) -> bytes:
    """A WebP with EXIF, XMP, a chunk of no known kind, a profile, and more behind it."""
    data = saved(
        photo(mode=mode),
        "WEBP",
        exif=exif(orientation),
        xmp=XMP,
        icc_profile=icc(),
        **arguments,
    )
    return riff(data[12:], riff_chunk(b"PRVT", SECRET + b"!")) + SECRET


def telling_gif() -> bytes:
    """An animated GIF with comments, a caption, XMP, a profile, and more behind it."""
    frames = [photo(mode="P"), photo((61, 43)).rotate(180).convert("P")]
    data = saved(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=70, loop=3)
    told = (
        extension(0xFE, SECRET),
        extension(0x01, bytes(12), SECRET),
        extension(0xFF, b"XMP DataXMP", SECRET),
        extension(0xFF, b"ICCRGBG1012", SECRET),
    )
    start = 13 + (3 << (data[10] & 7) + 1)
    return data[:start] + b"".join(told) + data[start:] + SECRET


@dataclass(frozen=True)
class Looks:
    """All of a file that shows: frames with their timing, profile, orientation, loop."""

    frames: tuple[tuple[Any, ...], ...]
    icc: bytes | None
    orientation: int
    loop: Any


def looks(data: bytes, limit: int = 40) -> Looks:
    """What a file shows, of at most `limit` frames."""
    with decode.quiet(), Image.open(io.BytesIO(data)) as image:
        orientation = decode.orientation(image)
        profile = image.info.get("icc_profile")
        count = 1 if decode.source_format(image) == "jpeg" else getattr(image, "n_frames", 1)
        frames = []
        for index in range(min(count, limit)):
            image.seek(index)
            image.load()
            shown = (image.info.get("duration"), image.info.get("transparency"))
            frames.append((image.mode, image.size, image.tobytes(), image.getpalette(), *shown))
        return Looks(tuple(frames), profile, orientation, image.info.get("loop"))


def cleaned(kind: str, data: bytes, orientation: int | None = None) -> bytes:
    """The cleaned file without rights, with the orientation that it says itself unless told
    another."""
    if orientation is None:
        orientation = looks(data, 1).orientation
    return b"".join(cleaning.cleaned(kind, memoryview(data), orientation))


def stored(kind: str, data: bytes, orientation: int | None = None) -> bytes:
    """The cleaned file with its rights, as intake stores it; the orientation as in `cleaned`."""
    if orientation is None:
        orientation = looks(data, 1).orientation
    kept = cleaning.rights_in(kind, memoryview(data))
    return b"".join(cleaning.cleaned(kind, memoryview(data), orientation, kept))


def corpus(*verdicts: str) -> Iterator[pathlib.Path]:
    """The corpus's files of these verdicts that can be cleaned; none where it is absent."""
    if not CORPUS.is_dir():
        return
    with (CORPUS / "MANIFEST.tsv").open(encoding="utf-8", newline="") as manifest:
        for row in csv.DictReader(manifest, delimiter="\t"):
            path = CORPUS / row["path"]
            with path.open("rb") as file:
                if row["verdict"] in verdicts and kind_of(file.read(16)):
                    yield path


def kind_of(head: bytes) -> str:
    """The format of a file by how it begins, if it can be cleaned; else nothing."""
    if head.startswith(b"\xff\xd8"):
        return "jpeg"
    if head.startswith(b"\x89PNG"):
        return "png"
    if head.startswith(b"GIF8"):
        return "gif"
    return "webp" if head[8:12] == b"WEBP" else ""
