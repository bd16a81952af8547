"""What an application writes on its pages is what the server reads out of it."""

import html.parser
import re
import subprocess
import sys
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
from core import strategies
from hypothesis import given, settings
from hypothesis import strategies as st

from liveresize import errors, urls
from liveresize.core import geometry, signing
from liveresize.core import urls as domain_urls
from liveresize.core.formats import EXTENSIONS, Negotiated
from liveresize.core.names import ImageId
from liveresize.core.operation import UrlRules
from liveresize.core.overlay import OverlayMark
from liveresize.core.parameters import KNOWN
from liveresize.core.rect import Rect
from liveresize.core.rendition import Rendition
from liveresize.core.values import (
    COMPASS,
    TRANSPARENT,
    TRIM,
    Backdrop,
    Duotone,
    Fit,
    Gravity,
    Quality,
)

RULES = UrlRules(presets={"thumb": ()}, overlays=("logo", "my-logo"), jxl=True)
KEY = "correct horse battery"
BASE = "https://images.example.com"

ALWAYS_HEAVY = ("PIL", "asyncio", "click", "sqlalchemy", "structlog", "tornado")

steady = settings(derandomize=True, deadline=None)

thousandths = st.integers(0, 1000)
tenths = st.integers(0, 100)

RECTS = {
    "10,20,30,40": (10, 20, 30, 40),
    "10%,0,0.5,1.0": (0.1, 0, 0.5, 1.0),
    "0,0,1.0,2": (0, 0, 1.0, 2),
    "0,0,1.0,1.0": (0, 0.0, 1.0, 1.0),
    "33.33%,0.6667,0.0001,1": (1 / 3, 2 / 3, 0.0001, 1),
}
"""The same as texts and as numbers: of these, floats are fractions."""

options = st.fixed_dictionaries(
    {},
    optional={
        "fit": st.sampled_from([each.value for each in Fit]),
        "gravity": st.sampled_from(list(COMPASS))
        | st.tuples(thousandths, thousandths).map(lambda at: (at[0] / 1000, at[1] / 1000)),
        "rect": st.sampled_from([*RECTS, *(each for each in RECTS.values())]),
        "trim": st.booleans() | st.integers(0, 255),
        "quality": st.sampled_from(("auto", "visual")) | st.integers(0, 100),
        "max_bytes": st.sampled_from((0, 1024, 51200)),
        "blur": st.booleans() | st.integers(3, 1000).map(lambda ten: ten / 10),
        "sharpen": tenths.map(lambda ten: ten / 10),
        "brightness": st.integers(-100, 100),
        "contrast": st.integers(-100, 100),
        "pixelate": st.just(0) | st.integers(2, 200),
        "hdr": st.sampled_from(("none", "keep")),
        "colour": st.sampled_from(("srgb", "p3")),
        "tint": st.sampled_from(("264653,e9c46a", "000,fff")),
        "saturation": st.integers(-100, 100),
        "rotate": st.sampled_from((0, 90, 180, 270)),
        "flip": st.sampled_from(("h", "v", "hv")),
        "bg": st.sampled_from(("fff", "a0b1c2", "01020304", "transparent", "blur")),
        "radius": st.sampled_from((0, 9, 700, "max")),
        "pad": st.sampled_from((0, 7, 700, (1, 2), (1, 2, 3), "1,2,3,4")),
        "enlarge": st.booleans(),
        "animate": st.booleans(),
        "overlay": st.sampled_from(RULES.overlays),
        "allow_webp": st.booleans(),
        "proxy": st.booleans(),
    },
)

boxes = st.tuples(st.integers(0, 5000), st.integers(0, 5000)).filter(any)
formats = st.sampled_from([*EXTENSIONS, "auto"])


def target(address: str) -> str:
    """What the server gets of an address."""
    parts = urlsplit(address)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def parsed(address: str, rules: UrlRules = RULES) -> domain_urls.PictureRequest:
    return domain_urls.parse(target(address), "", rules)


def rendition(address: str, rules: UrlRules = RULES) -> domain_urls.RenditionRequest:
    request = parsed(address, rules)
    assert isinstance(request, domain_urls.RenditionRequest)
    return request


def candidates(srcset: str) -> list[tuple[str, str]]:
    """The (address, descriptor) pairs of a `srcset`, split as HTML does: at white space first,
    where a comma at the end of an address is no part of it."""
    found = []
    rest = srcset.lstrip(" ,")
    while rest:
        address, _, rest = rest.partition(" ")
        assert not address.endswith(","), "a candidate without a descriptor"
        descriptor, _, rest = rest.partition(",")
        found.append((address, descriptor.strip()))
        rest = rest.lstrip(" ,")
    return found


class Tags(html.parser.HTMLParser):
    """The tags of a piece of HTML, with their attributes unescaped."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(markup)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


@steady
@given(strategies.picture_names, boxes, st.integers(1, 20), formats, options)
def test_what_is_written_is_read_as_what_was_asked(
    name: str, box: tuple[int, int], density: int, extension: str, asked: dict[str, Any]
) -> None:
    """Name, box, format and every parameter come out of the server's parser as they went in."""
    address = urls.url(name, *box, density=density, format=extension, base=BASE, **asked)
    request = rendition(address)
    assert request.image == ImageId(name)
    assert request.rendition == expected(box, density, extension, asked)
    assert request.proxy == asked.get("proxy", False)
    lossy = request.rendition.quality is not None
    assert bool(request.visual) == (lossy and asked.get("quality") == "visual")
    assert [key for key, _ in request.sent] == [key for key in KNOWN if key in asked]


def duotone(text: str) -> Duotone | None:
    """Two colours in hex digits."""
    dark, _, light = text.partition(",")
    return (colour(dark), colour(light)) if text else None


def padded(pad: int | str | tuple[int, ...], density: int) -> tuple[int, ...]:
    """The four sides of a pad."""
    sides = {7: (7,) * 4, 700: (700,) * 4, (1, 2): (1, 2, 1, 2), (1, 2, 3): (1, 2, 3, 2)}
    sides |= {0: (0,) * 4, "1,2,3,4": (1, 2, 3, 4)}
    return tuple(min(density * side, 9999) for side in sides[pad])


def expected(
    box: tuple[int, int], density: int, extension: str, asked: dict[str, Any]
) -> Rendition:
    """The rendition that was asked for, made without an address."""
    gravity = asked.get("gravity", "center")
    if isinstance(gravity, tuple):
        point = Gravity(round(gravity[0] * 1000), round(gravity[1] * 1000))
    else:
        point = COMPASS[gravity]
    rect, trim = asked.get("rect", "0,0,1.0,1.0"), asked.get("trim", False)
    rect = next(text for text, numbers in RECTS.items() if rect in (text, numbers))
    blur = asked.get("blur", False)
    quality = asked.get("quality", "auto")
    digits = asked.get("bg")
    return Rendition(
        format=EXTENSIONS.get(extension, Negotiated()),
        width=box[0] * density,
        height=box[1] * density,
        fit=Fit(asked.get("fit", "clip")),
        gravity=point,
        rect=Rect.read(rect),
        trim=(TRIM if trim else None) if isinstance(trim, bool) else trim,
        quality=RULES.quality if isinstance(quality, str) else Quality.of(quality),
        max_bytes=asked.get("max_bytes", 0),
        blur=(RULES.blur if blur else 0) if isinstance(blur, bool) else round(blur * 10),
        sharpen=round(asked.get("sharpen", 0) * 10),
        brightness=asked.get("brightness", 0),
        contrast=asked.get("contrast", 0),
        pixelate=asked.get("pixelate", 0),
        colour=asked.get("colour", "srgb"),
        hdr=asked.get("hdr", "none"),
        tint=duotone(asked.get("tint", "")),
        radius=10_000
        if asked.get("radius") == "max"
        else min(density * asked.get("radius", 0), 10_000),
        pad=padded(asked.get("pad", 0), density),
        overlay=OverlayMark(asked["overlay"]) if "overlay" in asked else None,
        saturation=asked.get("saturation", 0),
        rotate=asked.get("rotate", 0),
        flip=asked.get("flip", ""),
        background=None if digits is None else colour(digits),
        enlarge=asked.get("enlarge", True),
        animate=asked.get("animate", True),
    ).canonical()


def colour(digits: str) -> Any:
    if digits == "blur":
        return Backdrop.BLUR
    if digits == "transparent":
        return TRANSPARENT
    digits = "".join(digit * 2 for digit in digits) if len(digits) == 3 else digits
    red, green, blue, alpha = bytes.fromhex(f"{digits}ff"[:8])
    return red, green, blue, alpha


@steady
@given(strategies.picture_names, boxes, options, st.integers(1, 2_000_000_000))
def test_a_signed_address_opens_for_its_key_alone(
    name: str, box: tuple[int, int], asked: dict[str, Any], exp: int
) -> None:
    """The signature is right, ends when it should, and says nothing else about the picture."""
    address = urls.url(name, *box, key=KEY, exp=exp, base=f"{BASE}/", **asked)
    sealed = signing.read(target(address))
    assert sealed.opened_by([KEY])
    assert not sealed.opened_by(["another key, as long"])
    assert sealed.ends == exp
    assert rendition(address).rendition == rendition(urls.url(name, *box, **asked)).rendition


@steady
@given(
    strategies.picture_names,
    boxes,
    st.lists(st.integers(1, 20), min_size=1, unique=True),
    options,
    st.sampled_from(("", KEY)),
)
def test_a_srcset_of_densities_is_one_box_several_times(
    name: str, box: tuple[int, int], densities: list[int], asked: dict[str, Any], key: str
) -> None:
    """Each candidate is the box times its descriptor, whatever the name and the values hold."""
    found = candidates(urls.srcset(name, *box, densities=densities, key=key, **asked))
    assert [descriptor for _, descriptor in found] == [f"{each}x" for each in densities]
    for (address, _), density in zip(found, densities, strict=True):
        assert "," not in address
        assert address == urls.url(name, *box, density=density, key=key, **asked)
        assert rendition(address).image == ImageId(name)
        assert rendition(address).rendition == expected(box, density, "auto", asked)


def test_a_srcset_of_widths_keeps_the_ratio() -> None:
    """Each candidate is as wide as its descriptor says; without a height that side is free."""
    found = candidates(urls.srcset("cat", 16, 9, widths=(400, 801, 400), fit="crop"))
    assert found == [("/cat_400_225.auto?fit=crop", "400w"), ("/cat_801_451.auto?fit=crop", "801w")]
    free = candidates(urls.srcset("cat", widths=iter((400, 800)), format="webp"))
    assert free == [("/cat_400_0.webp", "400w"), ("/cat_800_0.webp", "800w")]
    wider = urls.srcset("cat", widths=(400, 800), pad=(1, 20, 3, 4), format="webp")
    assert candidates(wider) == [
        ("/cat_400_0.webp?pad=1%2C20%2C3%2C4", "424w"),
        ("/cat_800_0.webp?pad=1%2C20%2C3%2C4", "824w"),
    ]


def test_a_comma_or_a_space_in_a_name_does_not_split_a_srcset() -> None:
    """What separates candidates is escaped inside of them, and a focal point is, too."""
    value = urls.srcset("a, b 2x,", 4, 3, densities=(1, 2), fit="crop", gravity=(0.25, 1 / 3))
    assert value == (
        "/a%2C%20b%202x%2C_4_3.auto?fit=crop&gravity=0.25%2C0.333 1x, "
        "/a%2C%20b%202x%2C_4_3_2x.auto?fit=crop&gravity=0.25%2C0.333 2x"
    )


@pytest.mark.parametrize(
    ("written", "address"),
    [
        (lambda: urls.url("cat"), "/cat.auto"),
        (lambda: urls.url("cat", format=""), "/cat"),
        (lambda: urls.url("cat", format="json"), "/cat.json"),
        (lambda: urls.url("cat", 400), "/cat_400_0.auto"),
        (lambda: urls.url("cat", 400, format="JPEG"), "/cat_400_0.jpg"),
        (lambda: urls.url("cat", 4, 3, density=2, format="png"), "/cat_4_3_2x.png"),
        (lambda: urls.url("été/".rstrip("/"), 4), "/%C3%A9t%C3%A9_4_0.auto"),
        (
            lambda: urls.url("cat", 4, preset="thumb", fit="crop"),
            "/cat_4_0.auto?fit=crop&preset=thumb",
        ),
        (lambda: urls.url("cat", 4, quality=None, base="/pictures/"), "/pictures/cat_4_0.auto"),
        (lambda: urls.url("cat", 4, base="//cdn.example.com"), "//cdn.example.com/cat_4_0.auto"),
        (
            lambda: urls.url("cat", 400, 300, format="jpg", key=KEY),
            "/cat_400_300.jpg?sig=wJaT-ZihPqUJSuZC3LgsYkLztRBqYmVKkQ49Aji4CAo",
        ),
    ],
)
def test_addresses_as_they_are_written(written: Callable[[], str], address: str) -> None:
    """One spelling of each, the signature that of docs/signing.md."""
    assert written() == address


REFUSED: list[tuple[dict[str, Any], type[errors.RequestError], str]] = [
    ({"name": "a/b"}, errors.MalformedUrl, "slash"),
    ({"name": ""}, errors.MalformedUrl, "empty"),
    ({"name": "\ud800"}, errors.MalformedUrl, "UTF-8"),
    ({"name": "n" * 256}, errors.MalformedUrl, "255 bytes"),
    ({"name": "a_1_2", "width": 0, "height": 0}, errors.MalformedUrl, "/a_1_2.auto would be read"),
    ({"name": "a.jpg", "width": 0, "format": ""}, errors.MalformedUrl, "would be read"),
    ({"width": -1}, errors.MalformedUrl, "Width and height"),
    ({"width": 1.5}, errors.MalformedUrl, "Width and height"),
    ({"width": 10**9}, errors.MalformedUrl, "Width and height"),
    ({"density": 0}, errors.MalformedUrl, "density"),
    ({"density": 21}, errors.MalformedUrl, "density"),
    ({"width": 0, "density": 2}, errors.MalformedUrl, "density"),
    ({"format": "bmp"}, errors.MalformedUrl, "`.bmp`"),
    ({"format": "json"}, errors.MalformedUrl, "`.json`"),
    ({"fit": "contain"}, errors.BadParameter, "`fit`"),
    ({"gravity": (0.5, 1.5)}, errors.BadParameter, "`gravity`"),
    ({"quality": "best"}, errors.BadParameter, "`quality`"),
    ({"blur": float("nan")}, errors.BadParameter, "`blur`"),
    ({"rotate": 45}, errors.BadParameter, "`rotate`"),
    ({"bg": "red"}, errors.BadParameter, "`bg`"),
    ({"enlarge": "maybe"}, errors.BadParameter, "`enlarge`"),
    ({"widht": 5}, errors.BadParameter, "`widht`"),
    ({"sig": "x"}, errors.BadParameter, "`sig`"),
    ({"exp": 5}, errors.BadParameter, "`exp`"),
    ({"base": "javascript:alert(1)//"}, errors.MalformedUrl, "base"),
    ({"base": 'https://a"b'}, errors.MalformedUrl, "base"),
    ({"base": "https://a/b,c d"}, errors.MalformedUrl, "base"),
    ({"base": "https://a/?b=c"}, errors.MalformedUrl, "base"),
]


@pytest.mark.parametrize(("asked", "raised", "said"), REFUSED)
def test_what_makes_no_sense_is_told_before_a_page_is_sent(
    asked: dict[str, Any], raised: type[errors.RequestError], said: str
) -> None:
    """The error is the server's own, or one that names what is wrong."""
    with pytest.raises(raised) as caught:
        urls.url(**{"name": "cat", "width": 8, **asked})
    assert said in caught.value.public


@pytest.mark.parametrize(
    "asked",
    [{"densities": ()}, {"densities": (0,)}, {"widths": (0,)}, {"widths": (4,), "height": 3}],
)
def test_a_srcset_that_makes_no_sense_is_refused(asked: dict[str, Any]) -> None:
    """No candidate, a box of no size, or a ratio of which one side is missing."""
    with pytest.raises(errors.MalformedUrl):
        urls.srcset("cat", **asked)


@steady
@given(
    st.tuples(st.integers(25, 6000), st.integers(25, 6000)),
    boxes,
    options.filter(lambda o: "fit" in o),
)
def test_the_size_is_that_of_the_rendition(
    original: tuple[int, int], box: tuple[int, int], asked: dict[str, Any]
) -> None:
    """What a page reserves for a picture is what the server makes."""
    made = rendition(urls.url("cat", *box, **asked)).rendition
    if made.trim is not None and not geometry.is_known(made):
        with pytest.raises(errors.BadParameter, match="trimmed"):
            urls.size(original, *box, **asked)
        return
    assert urls.size(original, *box, **asked) == geometry.output_size(original, made)


def test_the_size_of_a_picture_as_it_is() -> None:
    """Without a box only turning it changes its size."""
    assert urls.size((640, 480)) == (640, 480)
    assert urls.size((640, 480), rotate=90) == (480, 640)


def test_an_expiry_is_the_same_for_all_pages_of_an_hour() -> None:
    """It is never sooner than asked for, and at most one step later."""
    ends = {urls.expiry(600, now=now) for now in (7200.5, 7200.9, 10199.0)}
    assert ends == {10800}
    assert urls.expiry(600, step=1, now=7200.9) == 7800
    assert urls.expiry(0) >= urls.expiry(0, step=1)


def test_a_picture_has_a_source_a_format_and_keeps_its_place() -> None:
    """Addresses, sizes and words survive as they are, and no attribute can be left."""
    markup = urls.picture(
        "a&b",
        16,
        9,
        alt='"><script>',
        widths=(400, 800),
        sizes="(min-width: 60em) 50vw, 100vw",
        fit="crop",
        gravity="smart",
        key=KEY,
        attributes={"class": "hero", "loading": "eager"},
    )
    picture, avif, webp, img = Tags(markup).found
    assert markup.count("<") == 5
    assert markup.endswith("</picture>")
    assert picture == ("picture", {})
    assert (avif[1]["type"], webp[1]["type"]) == ("image/avif", "image/webp")
    for tag, extension in ((avif, "avif"), (webp, "webp"), (img, "jpg")):
        assert tag[1]["sizes"] == "(min-width: 60em) 50vw, 100vw"
        found = candidates(tag[1]["srcset"] or "")
        assert [rendition(address).image.name for address, _ in found] == ["a&b", "a&b"]
        assert all(signing.read(address).opened_by([KEY]) for address, _ in found)
        assert {rendition(address).extension for address, _ in found} == {extension}
    facts = {
        name: img[1][name] for name in ("alt", "class", "loading", "decoding", "width", "height")
    }
    assert facts == {
        "alt": '"><script>',
        "class": "hero",
        "loading": "eager",
        "decoding": "async",
        "width": "400",
        "height": "225",
    }
    assert rendition(img[1]["src"] or "").rendition.width == 400


def test_a_picture_takes_its_place_from_the_original() -> None:
    """Inside a box the size is known only with that of the original; without it none is told."""
    trimmed = Tags(urls.picture("cat", 400, 9, alt="", original=(640, 480), trim=0)).found[-1][1]
    assert "width" not in trimmed
    known = Tags(urls.picture("cat", 400, 400, alt="", original=(640, 480))).found[-1][1]
    assert (known["width"], known["height"], known["alt"]) == ("400", "300", "")
    unknown = Tags(urls.picture("cat", 400, 400, alt="A cat", formats=())).found
    assert [tag for tag, _ in unknown] == ["picture", "img"]
    assert "width" not in unknown[1][1]
    assert "height" not in unknown[1][1]


def test_a_picture_may_be_jpeg_xl() -> None:
    """Only the server knows whether it makes that; an id may still end so."""
    tags = Tags(urls.picture("cat", 40, alt="", formats=("jxl", "jpg"))).found
    assert tags[1][1]["type"] == "image/jxl"
    assert tags[1][1]["srcset"] == "/cat_40_0.jxl 1x, /cat_40_0_2x.jxl 2x"
    assert urls.url("cat", format="jxl") == urls.url("cat.jxl", format="") == "/cat.jxl"


def test_the_module_is_light() -> None:
    """An application that writes tags loads none of what the server is made of."""
    code = (
        "import sys, liveresize.urls; "
        f"print([name for name in {ALWAYS_HEAVY!r} if name in sys.modules], "
        "sorted(name for name in sys.modules if name.startswith('liveresize.')))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy, own = re.fullmatch(r"(\[.*?\]) \[(.*)\]\n", ran.stdout).groups()  # type: ignore[union-attr]
    assert heavy == "[]"
    layers = {name.strip("' ").split(".")[1] for name in own.split(",")}
    assert layers == {"compat", "core", "errors", "urls"}
