"""Naming what was sent, so that an error says it: by signatures, brands and boxes."""

import contextlib
from collections.abc import Sequence

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
    (0, b"\0\0\1\0", "ICO"),
    (0, b"qoif", "QOI"),
    (0, b"\x76\x2f\x31\x01", "OpenEXR"),
    (0, b"#?RADIANCE", "Radiance HDR"),
    (0, b"AT&TFORM", "DjVu"),
    (128, b"DICM", "DICOM"),
    (0, b"%PDF-", "PDF"),
    (0, b"%!PS", "PostScript"),
    (0, b"PK\3\4", "ZIP"),
    (0, b"\x1f\x8b", "gzip"),
    (0, b"\x1a\x45\xdf\xa3", "WebM or Matroska video"),
    (8, b"AVI ", "AVI video"),
    (0, b"BM", "BMP"),
)
"""Where a signature stands, its bytes, and what it says of a file that is not counted."""

BRANDS: Sequence[tuple[frozenset[bytes], str]] = (
    (frozenset({b"avif", b"avis"}), "AVIF"),
    (frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"}), "HEIC"),
    (frozenset({b"crx "}), "Canon CR3"),
    (frozenset({b"qt  "}), "QuickTime video"),
    (frozenset({b"isom", b"iso2", b"mp41", b"mp42", b"M4V ", b"avc1"}), "MP4 video"),
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

MARKUP = 1024
"""In so many bytes a text says that it is SVG or HTML."""


def title(data: memoryview) -> str:
    """What a file is, in a word or two; "" where nothing tells."""
    head = bytes(data[:MARKUP])
    kind = structure.kind_of(head)
    if kind:
        return _of_boxes(data) if kind in structure.SHARED else TITLES[kind]
    for at, signature, name in SIGNATURES:
        if head.startswith(signature, at):
            return name
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if text.startswith(b"<"):
        if b"<svg" in text:
            return "SVG"
        if b"<html" in text or b"<!doctype html" in text:
            return "HTML"
    return ""


def refusal(name: str, accepted: Sequence[str]) -> str:
    """The sentence about a file called so by `title`, where `accepted` are our names of formats."""
    what = f"{name} is not an accepted format" if name else "This is not an image that is accepted"
    titles = [TITLES[each] for each in accepted]
    if len(titles) > 1:
        titles[-2:] = [f"{titles[-2]} or {titles[-1]}"]
    return f"{what}: send {', '.join(titles)}." if titles else f"{what}."


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
