"""Image formats of renditions, and their names in bytes and URLs."""

import enum
from dataclasses import dataclass

TITLES = {
    "jpeg": "JPEG",
    "png": "PNG",
    "webp": "WebP",
    "gif": "GIF",
    "avif": "AVIF",
    "heif": "HEIC",
    "jxl": "JPEG XL",
    "tiff": "TIFF",
    "bmp": "BMP",
}
"""Formats that can be listed as input → their names in sentences."""


class Format(enum.StrEnum):
    """The format of a rendition."""

    JPEG = "jpeg"
    PNG = "png"
    WEBP = "webp"
    AVIF = "avif"
    GIF = "gif"
    JXL = "jxl"

    @property
    def extension(self) -> str:
        """The file extension, without the dot."""
        return "jpg" if self is Format.JPEG else self.value

    @property
    def mime(self) -> str:
        """The media type."""
        return f"image/{self.value}"

    @property
    def max_side(self) -> int:
        """The largest width and height of the format, in pixels."""
        return _MAX_SIDE[self]

    @property
    def lossy(self) -> bool:
        """Whether `quality` has an effect."""
        return self in (Format.JPEG, Format.WEBP, Format.AVIF, Format.JXL)

    @property
    def animates(self) -> bool:
        """Whether the format can hold more than one frame."""
        return self in (Format.GIF, Format.WEBP, Format.AVIF)

    @property
    def says_rights(self) -> bool:
        """Whether a rendition can say the rights of its picture."""
        return self in (Format.JPEG, Format.PNG, Format.WEBP, Format.AVIF)

    @property
    def has_alpha(self) -> bool:
        """Whether the format can hold transparency."""
        return self is not Format.JPEG


_MAX_SIDE = {
    Format.JPEG: 65_500,  # libjpeg's JPEG_MAX_DIMENSION
    Format.PNG: 2**31 - 1,
    Format.WEBP: 16_383,  # 14 bits in the VP8 frame header
    Format.AVIF: 65_536,
    Format.GIF: 65_535,
    Format.JXL: 2**18,  # of level 5, which every decoder reads
}

EXTENSIONS = {
    "jpg": Format.JPEG,
    "jpeg": Format.JPEG,
    "jfif": Format.JPEG,
    "jpe": Format.JPEG,
    "png": Format.PNG,
    "webp": Format.WEBP,
    "avif": Format.AVIF,
    "gif": Format.GIF,
    "jxl": Format.JXL,
}
"""Extension in lower case → format. `auto` is not here: it depends on `Accept`."""


def extensions(*, jxl: bool) -> list[str]:
    """Return the extensions that URLs can have: `.jxl` is one where the settings say so."""
    return [each for each, output in EXTENSIONS.items() if jxl or output is not Format.JXL]


UNSHOWN = frozenset({"heif"})
"""Formats of originals that browsers do not show: a rendition is answered instead."""


def sniff(data: bytes) -> Format:
    """Detect the format of bytes that this server has encoded, from the first twelve."""
    if data.startswith(b"\xff\xd8"):
        return Format.JPEG
    if data.startswith(b"\x89PNG"):
        return Format.PNG
    if data.startswith(b"GIF8"):
        return Format.GIF
    if data.startswith(b"\xff\x0a"):
        return Format.JXL
    return Format.WEBP if data[8:12] == b"WEBP" else Format.AVIF


def is_known(data: bytes) -> bool:
    """Whether bytes of unknown origin begin like one of the formats that `sniff` detects."""
    return sniff(data) is not Format.AVIF or data[4:12] in (b"ftypavif", b"ftypavis")


@dataclass(frozen=True, slots=True)
class Negotiated:
    """The format `auto`: which of JPEG XL, AVIF and WebP the client prefers to JPEG, PNG and GIF.

    JPEG XL is among them only where the settings offer it.
    """

    avif: bool = False
    webp: bool = False
    jxl: bool = False

    animates = True
    says_rights = True

    @property
    def token(self) -> str:
        """The token in a variant: `auto.n`, or those of `auto.jaw` that are preferred."""
        offered = "j" * self.jxl + "a" * self.avif + "w" * self.webp
        return f"auto.{offered or 'n'}"

    @property
    def max_side(self) -> int:
        """The limit of JPEG, the format that `auto` can fall back to."""
        return Format.JPEG.max_side
