"""What docs/urls.md shows: one list of addresses, in the sections of the page.

Pictures, sizes and bytes follow from it; a test holds it against the parser and the geometry.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from liveresize.compat.vip import requests as vip
from liveresize.compat.vip.requests import VipRules
from liveresize.core import urls
from liveresize.core.formats import Format, Negotiated
from liveresize.core.operation import UrlRules
from liveresize.core.rendition import Rendition

PRESETS = {"card": {"fit": "crop", "quality": "60", "sharpen": "1"}}
"""What the server that answers is configured with."""

OVERLAYS: dict[str, dict[str, object]] = {
    "logo": {"picture": "badge", "scale": 0.3},
    "tiles": {"picture": "badge", "scale": 0.15, "margin": 0.1, "opacity": 0.4, "tile": True},
}

BUCKET = "pets"

VIP_ID = "{id}"
"""Stands in a path for the id that vip's upload answers with."""

RULES = UrlRules(
    presets={name: tuple(given.items()) for name, given in PRESETS.items()},
    overlays=tuple(OVERLAYS),
)
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
    "lamp": Source(size=(480, 320), format=Format.JPEG),
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
        Example("/sample_240_0.jpg", "width 240, height calculated"),
        Example("/sample_0_120.jpg", "height 120, width calculated"),
        Example("/sample_200_200.jpg", "fits inside 200×200; here the width is the limit"),
        Example("/sample_120_0_2x.jpg", "width 120 in the layout, for a 2x screen"),
    ),
    "format": (
        Example("/sample_200_0.webp", "WebP"),
        Example("/sample_200_0.avif", "AVIF"),
        Example("/sample_120_0.png", "PNG: lossless and large"),
        Example("/sample_120_0.gif", "GIF: 256 colours"),
        Example("/sample_220_0.auto", "a current browser", MODERN),
        Example("/sample_210_0.auto", "a client that names only WebP", "image/webp,*/*"),
        Example("/sample_190_0.auto", "a client that names neither", "*/*"),
        Example("/badge_120_0.auto", "a client that names neither, transparent original", "*/*"),
        Example("/ball_110_0.auto", "a current browser, animated original", MODERN),
    ),
    "fit": (
        Example(f"{SQUARE}?fit=clip", "fits inside the box"),
        Example(f"{SQUARE}?fit=crop", "fills the box, the rest is cut off"),
        Example(f"{SQUARE}?fit=cover", "at least as large as the box, nothing cut off"),
        Example(f"{SQUARE}?fit=canvas&bg=264653", "inside the box, the rest filled with `bg`"),
        Example(f"{SQUARE}?fit=fill", "stretched to the box"),
    ),
    "gravity": (
        Example(f"{TALL}?fit=crop", "`center`"),
        Example(f"{TALL}?fit=crop&gravity=west", "the left edge"),
        Example(f"{TALL}?fit=crop&gravity=east", "the right edge"),
        Example(f"{TALL}?fit=crop&gravity=smart", "the region with the most detail"),
        Example(f"{TALL}?fit=crop&gravity=0.64,0.5", "a focal point: the sun"),
        Example("/sample_160_80.jpg?fit=crop&gravity=north", "the top edge"),
        Example("/sample_160_80.jpg?fit=crop&gravity=southeast", "the bottom edge, in full width"),
        Example(f"{SQUARE}?fit=canvas&bg=264653&gravity=south", "at the bottom of the canvas"),
    ),
    "rect": (
        Example("/sample_200_0.jpg?rect=680,320,480,320", "a part in pixels"),
        Example("/sample_200_0.jpg?rect=0,0.5,1.0,0.5", "the lower half"),
        Example("/sample_100_100.jpg?rect=0,0.5,1.0,0.5&fit=crop", "a square of that half"),
        Example("/sample.jpg?rect=840,400,160,120", "without a box: the size of the part"),
    ),
    "trim": (
        Example("/badge_120_90.png?fit=canvas&bg=e9c46a", "transparent all around"),
        Example("/badge_120_90.png?fit=canvas&bg=e9c46a&trim=true", "trimmed"),
        Example("/ball_120_120.webp?fit=canvas&bg=264653", "an animation on one colour"),
        Example("/ball_120_120.webp?fit=canvas&bg=264653&trim=true", "all that any frame shows"),
    ),
    "quality": (
        Example("/sample_200_0.jpg", "`auto`: the quality of the original"),
        Example("/sample_200_0.jpg?quality=50", "fewer bytes, little visible loss"),
        Example("/sample_200_0.jpg?quality=10", "visible blocks"),
        Example("/sample_200_0.webp?quality=10", "the same number in WebP"),
        Example("/sample_200_0.jpg?quality=visual", "`visual`: looks like the original"),
        Example("/sample_200_0.webp?quality=visual", "`visual` in WebP"),
    ),
    "max_bytes": (
        Example("/sample_300_0.webp?quality=90", "no limit"),
        Example("/sample_300_0.webp?quality=90&max_bytes=4096", "the best that fits into 4 KiB"),
        Example("/sample_300_0.webp?quality=90&max_bytes=1024", "quality 10, which does not fit"),
    ),
    "blur": (
        Example(f"{SQUARE}?fit=crop&blur=1.5", "sigma 1.5"),
        Example(f"{SQUARE}?fit=crop&blur=true", "the configured sigma, 7"),
    ),
    "sharpen": (
        Example(f"{SQUARE}?fit=crop&sharpen=2", "slightly sharper"),
        Example(f"{SQUARE}?fit=crop&sharpen=10", "the maximum"),
    ),
    "looks": (
        Example(f"{SQUARE}?fit=crop&brightness=30", "lighter"),
        Example(f"{SQUARE}?fit=crop&contrast=40", "more contrast"),
        Example(f"{SQUARE}?fit=crop&saturation=-60", "paler"),
    ),
    "pixelate": (Example(f"{SQUARE}?fit=crop&pixelate=10", "blocks of 10 pixels"),),
    "tint": (Example(f"{SQUARE}?fit=crop&tint=264653,e9c46a", "a duotone"),),
    "grey": (Example(f"{SQUARE}?fit=crop&grey=true", "shades of grey"),),
    "overlay": (
        Example(f"{SQUARE}?fit=crop&overlay=logo", "in a corner"),
        Example(f"{SQUARE}?fit=crop&overlay=tiles", "repeated, less opaque"),
    ),
    "colour": (
        Example("/lamp_200_0.jpg", "`srgb`, the default"),
        Example("/lamp_200_0.jpg?colour=p3", "`p3`, on a screen that can show it"),
    ),
    "hdr": (
        Example("/lamp_210_0.jpg?hdr=keep", "the lamp is brighter than white on an HDR display"),
    ),
    "turn": (
        Example("/sample_120_0.jpg?rotate=90", "clockwise; 120 is the width afterwards"),
        Example("/sample_120_0.jpg?rotate=180", "upside down"),
        Example("/sample_120_0.jpg?flip=h", "left and right swapped"),
        Example("/sample_120_0.jpg?flip=v", "top and bottom swapped"),
        Example("/sample_120_0.jpg?rotate=270&flip=h", "rotated, then flipped"),
    ),
    "bg": (
        Example("/badge_120_0.webp", "WebP keeps transparency"),
        Example("/badge_120_0.jpg", "JPEG has none: white background"),
        Example("/badge_120_0.jpg?bg=e9c46a", "JPEG on a colour"),
        Example("/badge_160_120.webp?fit=canvas&bg=26465380", "a half transparent canvas"),
        Example("/sample_160_160.webp?fit=canvas&bg=transparent", "a transparent canvas"),
        Example(f"{SQUARE}?fit=canvas&bg=blur", "the image itself, blurred"),
    ),
    "radius": (
        Example("/sample_150_100.webp?radius=20", "round corners, transparent"),
        Example("/sample_120_120.webp?fit=crop&radius=max", "a circle"),
        Example("/sample_150_100.jpg?radius=20&bg=264653", "JPEG: on a colour"),
    ),
    "pad": (
        Example("/sample_150_100.jpg?pad=10&bg=e9c46a", "on all sides"),
        Example("/sample_150_100.jpg?pad=0,10,30&bg=264653", "top, left and right, bottom"),
        Example("/sample_150_100.jpg?pad=16&bg=blur&radius=12", "with round corners, on itself"),
    ),
    "enlarge": (
        Example("/stamp_144_0.png", "an original of 72×48, scaled up"),
        Example("/stamp_144_0.png?enlarge=false", "not scaled up"),
        Example("/stamp_144_144.png?enlarge=false&fit=crop", "the largest area of that ratio"),
    ),
    "animate": (
        Example("/ball_120_0.gif", "an animated GIF stays animated"),
        Example("/ball_120_0.webp", "GIF to animated WebP"),
        Example("/ball_120_0.webp?animate=false", "the first frame"),
        Example("/ball_120_0.jpg", "JPEG and PNG are never animated"),
    ),
    "preset": (Example(f"{SQUARE}?preset=card", "same as `fit=crop&quality=60&sharpen=1`"),),
    "allow_webp": (
        Example("/sample_160_0.jpg?allow_webp=true", "a client that accepts WebP", MODERN),
    ),
    "original": (
        Example("/stamp.png", "an original in its own format: the stored bytes"),
        Example("/stamp.webp", "converted to another format"),
    ),
    "vip": (
        Example(f"/{BUCKET}/{VIP_ID}?s=200", "at most 200 pixels wide"),
        Example(f"/{BUCKET}/{VIP_ID}?s=120&c=true", "a square"),
    ),
}  # fmt: skip


def every() -> Iterator[Example]:
    """All of them, in the order of the page."""
    for section in SECTIONS.values():
        yield from section
