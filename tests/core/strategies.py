"""Hypothesis strategies for the values of the domain, and the headers that lead to them."""

from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from liveresize.core import names
from liveresize.core.formats import Format, Negotiated
from liveresize.core.geometry import Bounds
from liveresize.core.names import ImageId
from liveresize.core.operation import UrlRules
from liveresize.core.rect import Length, Rect
from liveresize.core.rendition import Rendition
from liveresize.core.values import (
    COMPASS,
    MAX_PAD,
    MAX_RADIUS,
    NO_PAD,
    Backdrop,
    Fit,
    Gravity,
    Quality,
)

LARGEST_SIDE = 999_999_999
"""Nine digits: the largest side that a URL can spell."""

ACCEPT = {
    Negotiated(): "image/*",
    Negotiated(webp=True): "image/webp,*/*;q=0.8",
    Negotiated(avif=True): "image/avif,*/*;q=0.8",
    Negotiated(avif=True, webp=True): "image/avif,image/webp,*/*;q=0.8",
}
"""An `Accept` header for each outcome of a negotiation without JPEG XL."""

ACCEPT_JXL = {replace(offer, jxl=True): f"image/jxl,{header}" for offer, header in ACCEPT.items()}
"""The same with JPEG XL."""

_FRAGMENTS = (
    *("/", "cat", "_8_6", "_0_0", "_2x", "_99x", ".jpg", ".auto", ".json", ".", "..", "_", "-1"),
    *("%", "%2F", "%00", "%C3%A9", "%ff", "%zz", "+", "é", "\u0663", "\udcff", "😀", "\n", "\x00"),
    *("?", "&", "=", ",", "fit=crop", "gravity=", "0.5", "smart", "quality=", "preset=", "thumb"),
    *("blur=", "sharpen=", "bg=", "fff", "rotate=", "90", "flip=", "true", "1e3", "9" * 5000),
)


def _named(text: str) -> bool:
    return text not in ("", ".", "..") and len(text.encode()) <= names.MAX_BYTES


picture_names = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cs"), exclude_characters="/\\"),
    min_size=1,
    max_size=40,
).filter(_named) | st.sampled_from(["cat_1_2", "_8_6", "a_1_2_3x", "a.jpg", "a?b=c", "100%", "é"])
"""What may name a picture."""

images = picture_names.map(ImageId)

_pairs = st.sampled_from(
    [
        *(
            "fit=crop",
            "fit=cover",
            "fit=canvas",
            "fit=fill",
            "gravity=smart",
            "gravity=0.1,0.9",
            "quality=30",
        ),
        *(
            "bg=f00",
            "bg=01020304",
            "bg=blur",
            "radius=max",
            "radius=7",
            "pad=1,2",
            "brightness=-9",
            "max_bytes=51200",
            "rect=9,0,50%25,1.0",
            "trim=true",
            "pixelate=8",
            "colour=p3",
            "hdr=keep",
            "tint=000,fc0",
            "blur=1.5",
            "sharpen=2",
            "rotate=90",
            "flip=v",
            "preset=thumb",
        ),
        *("enlarge=false", "animate=false", "allow_webp=true", "proxy=true", "sig=a%2B", "v=1"),
        *("fit=", "gravity=2,2", "quality=%38", "bg=%", "exp=\xe9", "preset=x", "&"),
    ]
)

likely_targets = st.builds(
    "/{}{}{}?{}".format,
    st.sampled_from(["cat", "a_1_2", "_", "%C3%A9", "a%2Fb", "..", "a+b%20"]),
    st.sampled_from(
        [
            "_8_6",
            "_0_7",
            "_4_0_3x",
            "_9_9_99x",
            "_9_4_1.5x",
            "_8_6_2X",
            "_0_0",
            "_08_6",
            "_65536_9",
            "",
        ]
    ),
    st.sampled_from([".jpg", ".PNG", ".webp", ".gif", ".auto", ".json", ".bmp", ""]),
    st.lists(_pairs, max_size=4).map("&".join),
)
"""Targets most of which are renditions; the others nearly are."""

raw_targets = likely_targets | (
    st.text()
    | st.binary().map(lambda raw: raw.decode("latin-1"))
    | st.lists(st.sampled_from(_FRAGMENTS), max_size=12).map("".join)
).map(lambda tail: "/" + tail)
"""Request targets of every kind, down to nonsense."""

levels = st.integers(0, 100)
qualities = st.builds(Quality, levels, levels, levels, match=st.booleans(), jxl=st.none() | levels)

url_rules = st.builds(
    UrlRules,
    quality=qualities,
    blur=st.integers(3, 1000),
    enlarge=st.booleans(),
    webp_opt_in=st.booleans(),
    webp_always=st.booleans(),
    rights=st.booleans(),
    jxl=st.booleans(),
    jxl_in_auto=st.booleans(),
)

sides = st.integers(1, 65_535) | st.integers(1, 40)
"""Sides of pictures, in pixels; small ones often, since there the rounding shows."""

picture_sizes = st.tuples(sides, sides)

box_sides = st.integers(0, LARGEST_SIDE) | st.integers(0, 5_000) | st.integers(0, 40)

bounds = st.builds(Bounds, sides, sides)

gravities = st.sampled_from(list(COMPASS.values())) | st.builds(
    Gravity, st.integers(0, 1000), st.integers(0, 1000)
)


def formats(rules: UrlRules) -> st.SearchStrategy[Format | Negotiated]:
    """The formats that URLs can ask for under `rules`."""
    known = [each for each in Format if rules.jxl or each is not Format.JXL]
    return st.sampled_from([*known, *ACCEPT, *(ACCEPT_JXL if rules.jxl_in_auto else ())])


percents = st.integers(-100, 100)

channel = st.integers(0, 255)
colours = st.tuples(channel, channel, channel, channel)

_pad_sides = st.integers(0, 5) | st.integers(0, MAX_PAD)
pads = st.just(NO_PAD) | st.tuples(_pad_sides, _pad_sides, _pad_sides, _pad_sides)

opaque = st.tuples(channel, channel, channel, st.just(255))


fractions = st.builds(Length, st.integers(1, 9999), st.just(True))

rects = st.tuples(
    st.just(Length(0)) | fractions,
    st.just(Length(0)) | fractions,
    fractions | st.integers(1, LARGEST_SIDE).map(Length),
    fractions | st.just(Length(10_000, relative=True)),
).map(Rect.of)
"""Rectangles that begin inside a picture of any size; None is all of it."""


@st.composite
def renditions(draw: st.DrawFn, rules: UrlRules | None = None) -> Rendition:
    """Canonical renditions, every one of which some URL under `rules` asks for."""
    rules = rules or UrlRules()
    default = rules.quality
    fields: dict[str, Any] = {
        "format": draw(formats(rules)),
        "width": draw(box_sides),
        "height": draw(box_sides),
        "fit": draw(st.sampled_from(Fit)),
        "gravity": draw(gravities),
        "rect": draw(st.none() | rects),
        "trim": draw(st.none() | st.integers(0, 255)),
        "quality": draw(st.just(default) | levels.map(Quality.of)),
        "max_bytes": draw(st.just(0) | st.integers(1, 65536).map(lambda kib: 1024 * kib)),
        "blur": draw(st.just(0) | st.integers(3, 1000)),
        "sharpen": draw(st.integers(0, 100)),
        **{name: draw(st.just(0) | percents) for name in ("brightness", "contrast", "saturation")},
        "pixelate": draw(st.just(0) | st.integers(2, 200)),
        "tint": draw(st.none() | st.tuples(opaque, opaque)),
        "grey": draw(st.booleans()),
        "hdr": draw(st.sampled_from(("none", "keep"))),
        "colour": draw(st.sampled_from(("srgb", "p3"))),
        "rotate": draw(st.sampled_from((0, 90, 180, 270))),
        "flip": draw(st.sampled_from(("", "h", "v", "hv"))),
        "background": draw(st.none() | st.just(Backdrop.BLUR) | colours),
        "radius": draw(st.just(0) | st.integers(0, 30) | st.integers(0, MAX_RADIUS)),
        "pad": draw(pads),
        "enlarge": draw(st.booleans()),
        "animate": draw(st.booleans()),
        "rights": rules.rights if rules else draw(st.booleans()),
    }
    return Rendition(**fields).canonical()


boxed = renditions().filter(lambda rendition: bool(rendition.width or rendition.height))
"""Canonical renditions that are in a box, not the picture's own size."""


def accept_for(rendition: Rendition) -> str:
    """An `Accept` header under which the URL of `rendition` means `rendition`."""
    if not isinstance(rendition.format, Negotiated):
        return "image/*"
    return (ACCEPT | ACCEPT_JXL)[rendition.format]
