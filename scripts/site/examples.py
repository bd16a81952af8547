"""What docs/urls.md shows: one list of addresses, in the sections of the page.

Pictures, sizes and bytes follow from it; a test holds it against the parser and the geometry.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from liveresize.domain import urls, vip
from liveresize.domain.formats import Format, Negotiated
from liveresize.domain.operations import UrlRules
from liveresize.domain.rendition import Rendition
from liveresize.domain.vip import VipRules

PRESETS = {"card": {"fit": "crop", "quality": "60", "sharpen": "1"}}
"""What the server that answers is configured with."""

BUCKET = "pets"

VIP_ID = "{id}"
"""Stands in a path for the id that vip's upload answers with."""

RULES = UrlRules(presets={name: tuple(given.items()) for name, given in PRESETS.items()})
VIP_RULES = VipRules(buckets=frozenset({BUCKET}))

MODERN = "image/avif,image/webp,image/*"
"""What a browser of today accepts, in short."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """An original that the examples start from: its size in pixels, its format, whether it
    moves."""

    size: tuple[int, int]
    format: Format
    moves: bool = False


SOURCES = {
    "sample": Source(size=(1440, 960), format=Format.JPEG),
    "badge": Source(size=(320, 320), format=Format.PNG),
    "stamp": Source(size=(72, 48), format=Format.PNG),
    "ball": Source(size=(160, 120), format=Format.GIF, moves=True),
}
"""Every original by its name; vip's is `sample` in a bucket."""


@dataclass(frozen=True, slots=True)
class Example:
    """An address and what is to be seen in its answer; `accept` is what the client sends."""

    path: str
    says: str
    accept: str = ""

    @property
    def source(self) -> Source:
        """The original that it is of."""
        if self.path.startswith(f"/{BUCKET}/"):
            return SOURCES["sample"]
        return SOURCES[re.split(r"[_.]", self.path[1:], maxsplit=1)[0]]

    @property
    def rendition(self) -> Rendition:
        """What the parser makes of it. Raises what `urls.parse` and `vip.parse` raise."""
        request: urls.PictureRequest | vip.VipRequest
        if self.path.startswith(f"/{BUCKET}/"):
            request = vip.parse(self.path.replace(VIP_ID, "0-1440x960"), VIP_RULES)
        else:
            request = urls.parse(self.path, self.accept, RULES)
        if isinstance(request, vip.VipRequest | urls.OriginalRequest):
            request = request.rendition_as(self.source.format)
        if not isinstance(request, urls.RenditionRequest):
            raise TypeError(f"{self.path} is no picture")
        return request.rendition

    @property
    def format(self) -> Format:
        """The format of the answer."""
        wanted = self.rendition.format
        if not isinstance(wanted, Negotiated):
            return wanted
        if self.source.moves:
            return Format.WEBP if wanted.webp else Format.GIF
        if wanted.avif or wanted.webp:
            return Format.AVIF if wanted.avif else Format.WEBP
        return Format.PNG if self.source.format is Format.PNG else Format.JPEG

    @property
    def file(self) -> str:
        """The name of the picture in docs/urls/."""
        stem, _, query = self.path[1:].replace(VIP_ID, "id").partition("?")
        stem = stem if self.path.startswith(f"/{BUCKET}/") else stem.rpartition(".")[0]
        words = [*re.findall(r"[A-Za-z0-9]+", f"{stem} {query}")]
        return "-".join(words) + f".{self.format.extension}"


SQUARE = "/sample_200_200.jpg"
TALL = "/sample_80_160.jpg"

SECTIONS: dict[str, tuple[Example, ...]] = {
    "size": (
        Example("/sample_240_0.jpg", "240 pixels wide, the height follows"),
        Example("/sample_0_120.jpg", "120 pixels high, the width follows"),
        Example("/sample_200_200.jpg", "inside 200×200: the width is what it runs into"),
        Example("/sample_120_0_2x.jpg", "120 points of a layout, on a screen of 2 pixels a point"),
    ),
    "format": (
        Example("/sample_200_0.webp", "WebP"),
        Example("/sample_200_0.avif", "AVIF"),
        Example("/sample_120_0.png", "PNG, which is without loss and large"),
        Example("/sample_120_0.gif", "GIF, with its 256 colours"),
        Example("/sample_220_0.auto", "a browser of today", MODERN),
        Example("/sample_210_0.auto", "one that knows WebP alone", "image/webp,*/*"),
        Example("/sample_190_0.auto", "one that names neither", "*/*"),
        Example("/badge_120_0.auto", "neither, and the picture is transparent", "*/*"),
        Example("/ball_110_0.auto", "the browser of today, and a picture that moves", MODERN),
    ),
    "fit": (
        Example(f"{SQUARE}?fit=clip", "inside the box"),
        Example(f"{SQUARE}?fit=crop", "fills the box and is cut"),
        Example(f"{SQUARE}?fit=cover", "at least as large as the box, not cut"),
        Example(f"{SQUARE}?fit=canvas&bg=264653", "inside the box, which is filled up with `bg`"),
    ),
    "gravity": (
        Example(f"{TALL}?fit=crop", "`center`"),
        Example(f"{TALL}?fit=crop&gravity=west", "the left edge"),
        Example(f"{TALL}?fit=crop&gravity=east", "the right edge"),
        Example(f"{TALL}?fit=crop&gravity=smart", "the region with the most detail"),
        Example(f"{TALL}?fit=crop&gravity=0.64,0.5", "a focal point: the sun"),
        Example("/sample_160_80.jpg?fit=crop&gravity=north", "the top of a wide box"),
        Example("/sample_160_80.jpg?fit=crop&gravity=southeast", "the bottom: the width is whole"),
        Example(f"{SQUARE}?fit=canvas&bg=264653&gravity=south", "on a canvas, at the bottom"),
    ),
    "quality": (
        Example("/sample_200_0.jpg", "`auto`: here as good as the original"),
        Example("/sample_200_0.jpg?quality=50", "fewer bytes, hardly worse"),
        Example("/sample_200_0.jpg?quality=10", "the blocks show"),
        Example("/sample_200_0.webp?quality=10", "the same level in WebP"),
    ),
    "blur": (
        Example(f"{SQUARE}?fit=crop&blur=1.5", "a sigma of 1.5 pixels"),
        Example(f"{SQUARE}?fit=crop&blur=true", "the configured sigma, 7 pixels"),
    ),
    "sharpen": (
        Example(f"{SQUARE}?fit=crop&sharpen=2", "a little"),
        Example(f"{SQUARE}?fit=crop&sharpen=10", "all there is"),
    ),
    "grey": (Example(f"{SQUARE}?fit=crop&grey=true", "shades of grey"),),
    "turn": (
        Example("/sample_120_0.jpg?rotate=90", "clockwise; 120 is the width afterwards"),
        Example("/sample_120_0.jpg?rotate=180", "upside down"),
        Example("/sample_120_0.jpg?flip=h", "left and right swapped"),
        Example("/sample_120_0.jpg?flip=v", "top and bottom swapped"),
        Example("/sample_120_0.jpg?rotate=270&flip=h", "turned, then swapped"),
    ),
    "bg": (
        Example("/badge_120_0.webp", "transparency is kept where the format has it"),
        Example("/badge_120_0.jpg", "and laid on white where it has not"),
        Example("/badge_120_0.jpg?bg=e9c46a", "or on a colour"),
        Example("/badge_160_120.webp?fit=canvas&bg=26465380", "a canvas that is half transparent"),
        Example("/sample_160_160.webp?fit=canvas&bg=transparent", "a canvas that is not seen"),
    ),
    "enlarge": (
        Example("/stamp_144_0.png", "a picture of 72×48, scaled up"),
        Example("/stamp_144_0.png?enlarge=false", "left as it is"),
        Example("/stamp_144_144.png?enlarge=false&fit=crop", "the largest box of that shape in it"),
    ),
    "animate": (
        Example("/ball_120_0.gif", "an animated GIF stays one"),
        Example("/ball_120_0.webp", "and becomes an animated WebP"),
        Example("/ball_120_0.webp?animate=false", "its first frame"),
        Example("/ball_120_0.jpg", "JPEG and PNG cannot move"),
    ),
    "preset": (Example(f"{SQUARE}?preset=card", "as `fit=crop&quality=60&sharpen=1`"),),
    "allow_webp": (
        Example("/sample_160_0.jpg?allow_webp=true", "to a browser that shows WebP", MODERN),
    ),
    "original": (
        Example("/stamp.png", "an original in its own format: the stored bytes"),
        Example("/stamp.webp", "in another"),
    ),
    "vip": (
        Example(f"/{BUCKET}/{VIP_ID}?s=200", "200 pixels wide at most"),
        Example(f"/{BUCKET}/{VIP_ID}?s=120&c=true", "a square"),
    ),
}  # fmt: skip


def every() -> Iterator[Example]:
    """All of them, in the order of the page."""
    for section in SECTIONS.values():
        yield from section
