"""What kind of image a file claims to be, for those that cannot be decoded here.

ImageMagick read many more formats than `formats.input` can list.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from liveresize import errors
from liveresize.core.formats import TITLES
from liveresize.settings.pictures import MODULES

HEAD = 64
"""Bytes that tell the kinds apart."""

_STARTS = (
    (b"\xff\xd8\xff", "jpeg"),
    (b"\x89PNG", "png"),
    (b"GIF8", "gif"),
    (b"II*\0", "tiff"),
    (b"MM\0*", "tiff"),
    (b"BM", "bmp"),
    (b"\xff\x0a", "jxl"),
    (b"\0\0\0\x0cJXL ", "jxl"),
    (b"8BPS", "PSD"),
    (b"%PDF", "PDF"),
    (b"%!PS", "PostScript"),
    (b"\0\0\1\0", "ICO"),
    (b"\0\0\0\x0cjP", "JPEG 2000"),
    (b"<svg", "SVG"),
    (b"<?xml", "SVG"),
)
_HEIF = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx")


@dataclass(frozen=True, slots=True)
class Undecodable:
    """A file that cannot be decoded: its kind, "" if it is none that is known, and the reason."""

    kind: str
    reason: str


def kind_of(head: bytes) -> str:
    """Return the kind of image of a file that begins with `head`; "" for no image."""
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "webp"
    if head[4:8] == b"ftyp":
        brands = [head[at : at + 4] for at in range(8, len(head), 4)]
        if any(brand in (b"avif", b"avis") for brand in brands):
            return "avif"
        return "heif" if any(brand in _HEIF for brand in brands) else ""
    return next((kind for start, kind in _STARTS if head.startswith(start)), "")


def explained(path: Path, error: Exception, listed: Sequence[str]) -> Undecodable:
    """Return why the file could not be decoded, where decoding raised `error`.

    `listed` are the formats that can be read. Raises OSError if it cannot be read.
    """
    with path.open("rb") as file:
        head = file.read(HEAD)
    kind = kind_of(head)
    if not head:
        return Undecodable("", "The file is empty.")
    if not kind:
        return Undecodable("", "It is no image of a known format.")
    if kind not in TITLES:
        return Undecodable(kind, f"It is {kind}, which liveresize does not read.")
    if kind not in listed:
        package = ", install its package" if kind in MODULES else ""
        listing = f"list {kind} in formats.input{package} and run it again"
        return Undecodable(kind, f"It is {TITLES[kind]}: {listing}.")
    public = error.public if isinstance(error, errors.LiveResizeError) else str(error)
    return Undecodable(kind, public)
