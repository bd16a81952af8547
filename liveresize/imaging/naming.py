"""Naming what was sent, so that an error says it: by signatures, brands and boxes."""

import codecs
import contextlib
import re
from collections.abc import Sequence
from typing import Literal

from liveresize import errors
from liveresize.core.formats import TITLES
from liveresize.imaging import structure
from liveresize.imaging.structure import boxes, isobmff
from liveresize.imaging.structure.tally import Tally

SIGNATURES: Sequence[tuple[int, bytes, str]] = (
    (4, b"jP  \r\n\x87\n", "JPEG 2000"),
    (0, b"\xff\x4f\xff\x51", "JPEG 2000"),
    (0, b"II\xbc", "JPEG XR"),
    (8, b"CR\2\0", "Canon CR2"),
    (0, b"II*\0", "TIFF"),
    (0, b"MM\0*", "TIFF"),
    (0, b"II+\0", "TIFF"),
    (0, b"MM\0+", "TIFF"),
    (0, b"FUJIFILMCCD-RAW", "Fujifilm RAF"),
    (0, b"IIU\0", "Panasonic RW2"),
    (0, b"IIRO", "Olympus ORF"),
    (0, b"8BPS", "Photoshop PSD"),
    (0, b"gimp xcf", "GIMP XCF"),
    (0, b"\0\0\1\0", "ICO"),
    (0, b"\0\0\2\0\0\0", "TGA"),
    (0, b"\0\0\x0a\0\0\0", "TGA"),
    (0, b"\0\0\2\0", "CUR"),
    (0, b"icns", "ICNS"),
    (0, b"P5\n", "PGM"),
    (0, b"P6\n", "PPM"),
    (0, b"DDS ", "DDS"),
    (0, b"\x8aMNG", "MNG"),
    (0, b"\x8bJNG", "JNG"),
    (40, b" EMF", "EMF"),
    (0, b"\xd7\xcd\xc6\x9a", "WMF"),
    (0, b"qoif", "QOI"),
    (0, b"\x76\x2f\x31\x01", "OpenEXR"),
    (0, b"#?RADIANCE", "Radiance HDR"),
    (0, b"AT&TFORM", "DjVu"),
    (128, b"DICM", "DICOM"),
    (0, b"%PDF-", "PDF"),
    (0, b"%!PS", "PostScript"),
    (0, b"PK\3\4", "ZIP"),
    (0, b"\x1f\x8b", "gzip"),
    (0, b"7z\xbc\xaf", "7-Zip"),
    (0, b"Rar!", "RAR"),
    (0, b"\xd0\xcf\x11\xe0", "Office document"),
    (0, b"\x1a\x45\xdf\xa3", "WebM or Matroska video"),
    (8, b"AVI ", "AVI video"),
    (8, b"WAVE", "WAV audio"),
    (0, b"FLV\1", "Flash video"),
    (0, b"\0\0\1\xba", "MPEG video"),
    (0, b"ID3", "MP3 audio"),
    (0, b"OggS", "Ogg audio or video"),
    (4, b"moov", "QuickTime video"),
    (4, b"mdat", "QuickTime video"),
    (4, b"wide", "QuickTime video"),
    (0, b"BM", "BMP"),
)
"""Where a signature stands, its bytes, and what it says of a file that is not counted."""

BRANDS: Sequence[tuple[frozenset[bytes], str]] = (
    (frozenset({b"avif", b"avis"}), "AVIF"),
    (frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"}), "HEIC"),
    (frozenset({b"crx "}), "Canon CR3"),
    (frozenset({b"qt  "}), "QuickTime video"),
    (frozenset({b"M4V ", b"avc1", b"dash", b"MSNV"}), "MP4 video"),
    (frozenset({b"M4A ", b"M4B "}), "M4A audio"),
    (frozenset({b"isom", b"iso2", b"iso4", b"iso5", b"iso6", b"mp41", b"mp42"}), "MP4 video"),
    (frozenset({b"3gp4", b"3gp5", b"3gp6", b"3gp7", b"3g2a"}), "3GP video"),
    (frozenset({b"mif1", b"mif2", b"msf1"}), "HEIF"),
)
"""Brands of files made of boxes, and what they say; the first that fits is right."""

CODECS = {
    b"av01": "AVIF",
    b"hvc1": "HEIC",
    b"jpeg": "HEIF of JPEG",
    b"j2k1": "HEIF of JPEG 2000",
    b"avc1": "HEIF of H.264",
    b"vvc1": "HEIF of H.266",
    b"unci": "HEIF without compression",
}
"""Types of items → what a file is whose picture is made of them."""

MARKUP = 4096
"""In so many bytes a text says that it is SVG or HTML."""

_HTML = re.compile(rb"<(?:!doctype html|!--|[a-z])")

_BASE64 = re.compile(
    rb"data:[a-z/+.-]*;base64,|iVBORw0KGgo|/9j/[0-9A-Za-z+/]|R0lGOD[0-9A-Za-z]|UklGR"
)
"""How a picture in base64 begins: a data URL, PNG, JPEG, GIF or WebP."""

_CONTROL = re.compile(r"[\0-\x08\x0e-\x1f\x7f]")

_DNG, _SUB_IFDS, _REDUCED = 50706, 330, 254
"""Tags of a TIFF: the version of DNG, pictures below the first one, whether that is a preview."""

_TAGS = 1000
"""Tags of a TIFF that are looked at."""


def title(data: memoryview) -> str:
    """What a file is, in a word or two; "" where nothing tells."""
    head = bytes(data[:MARKUP])
    kind = structure.kind_of(head)
    if kind:
        return _of_boxes(data) if kind in structure.SHARED else TITLES[kind]
    for at, signature, name in SIGNATURES:
        if head.startswith(signature, at):
            return _of_tags(data) if name == "TIFF" else name
    return _of_text(head)


def refusal(name: str, accepted: Sequence[str]) -> str:
    """The sentence about a file called so by `title`, where `accepted` are our names of formats."""
    what = f"{name} is not an accepted format" if name else "This is not an image that is accepted"
    titles = [TITLES[each] for each in accepted]
    if len(titles) > 1:
        titles[-2:] = [f"{titles[-2]} or {titles[-1]}"]
    return f"{what}: send {', '.join(titles)}." if titles else f"{what}."


def _of_text(head: bytes) -> str:
    """What a text is; "" for what is none."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "Text"
    head = head.removeprefix(codecs.BOM_UTF8).lstrip()
    lower = head.lower()
    if lower.startswith((b"<svg", b"<?xml", b"<!")) and b"<svg" in lower:
        return "SVG"
    if lower.startswith(b"<?xml"):
        return "XML"
    if _HTML.match(lower):
        return "HTML"
    if _BASE64.match(head):
        return "Base64 text"
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return ""
    if not text or _CONTROL.search(text):
        return ""
    return "JSON" if text.startswith(("{", "[")) else "Text"


def _of_tags(data: memoryview) -> str:
    """What a TIFF is: DNG and other raw files of cameras are TIFF, too."""
    order: Literal["little", "big"] = "little" if bytes(data[:1]) == b"I" else "big"

    def number(at: int, size: int) -> int:
        return int.from_bytes(data[at : at + size], order)

    start = number(4, 4)
    found = range(start + 2, start + 2 + 12 * min(number(start, 2), _TAGS), 12)
    tags = {number(at, 2): number(at + 8, 4) for at in found}
    if _DNG in tags:
        return "DNG"
    return "Camera raw" if _SUB_IFDS in tags and tags.get(_REDUCED, 0) & 1 else "TIFF"


def _of_boxes(data: memoryview) -> str:
    """What a file is that is made of boxes."""
    tally = Tally("", len(data), 1)
    kinds, brands = set(), set()
    with contextlib.suppress(errors.WorkExceeded):
        for kind, content in boxes.boxes(data, tally):
            kinds.add(kind)
            if kind == b"ftyp":
                brands |= {bytes(content[at : at + 4]) for at in (0, *range(8, len(content), 4))}
        isobmff.count(data, tally)
    name = next((title for each, title in BRANDS if each & brands), "")
    if name == "HEIC" and b"meta" not in kinds and b"moov" in kinds:
        return "HEIC sequence"
    return CODECS.get(tally.codec, name)
