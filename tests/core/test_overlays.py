"""Which overlay a rendition has, and what the width of a rendition counts for."""

from dataclasses import replace
from typing import Any

import pytest

from liveresize.compat.vip.requests import VipRequest
from liveresize.core import urls
from liveresize.core.formats import Format
from liveresize.core.names import ImageId
from liveresize.core.operation import UrlRules
from liveresize.core.overlay import Above, Overlay, OverlayMark
from liveresize.core.overlays import OverlayRules, counted_width, marked
from liveresize.core.rendition import Rendition
from liveresize.core.urls import OriginalRequest, RenditionRequest
from liveresize.core.values import COMPASS, Quality

LOGO = Overlay(name="my-logo", picture="brand")
OTHER = Overlay(name="other", picture="brand")
RULES = OverlayRules(overlays={"my-logo": LOGO, "other": OTHER}, above=Above(400, "my-logo"))
URLS = UrlRules(overlays=("my-logo", "other"))

WIDE, TALL = (3000, 2000), (1000, 4000)


def rendition(target: str) -> Rendition:
    """What a URL asks for."""
    request = urls.parse(target, "", URLS)
    if isinstance(request, OriginalRequest):
        request = request.rendition_as(Format.JPEG)
    assert isinstance(request, RenditionRequest)
    return request.rendition


@pytest.mark.parametrize(
    ("size", "target", "width"),
    [
        (WIDE, "/cat_400_0.jpg", 400),
        (WIDE, "/cat_401_0.jpg", 401),
        ((3000, 2001), "/cat_400_0.jpg", 400),
        ((3000, 2001), "/cat_400_300.jpg", 400),
        (WIDE, "/cat_0_267.jpg", 401),
        (WIDE, "/cat_200_0_2x.jpg", 400),
        (WIDE, "/cat_200_0_3x.jpg", 600),
        (WIDE, "/cat.jpg", 3000),
        (WIDE, "/cat.png?rotate=90", 3000),
        # A part of the picture counts like the whole.
        (WIDE, "/cat_400_400.jpg?fit=crop", 600),
        (WIDE, "/cat_10_2000.jpg?fit=crop", 3000),
        (WIDE, "/cat_400_400.jpg?fit=cover", 600),
        (WIDE, "/cat_9000_9000.jpg?fit=crop&enlarge=false", 3000),
        # A turned picture counts as it is upright, or as it is, whichever is wider.
        (WIDE, "/cat_267_400.jpg?rotate=90", 400),
        (WIDE, "/cat_268_0.jpg?rotate=90", 402),
        (WIDE, "/cat_0_401.jpg?rotate=270", 401),
        (TALL, "/cat_401_0.jpg?rotate=90", 401),
        (TALL, "/cat_100_400.jpg", 100),
        # Of both scales of `fill` the larger one counts.
        (WIDE, "/cat_400_267.jpg?fit=fill", 400),
        (WIDE, "/cat_400_268.jpg?fit=fill", 402),
        (WIDE, "/cat_400_266.jpg?fit=fill", 400),
        (WIDE, "/cat_40_2000.jpg?fit=fill", 3000),
        (WIDE, "/cat_2000_40.jpg?fit=fill&rotate=90", 3000),
        # The canvas counts, too.
        (WIDE, "/cat_1000_10.jpg?fit=canvas", 1000),
        (WIDE, "/cat_300_900.jpg?fit=canvas", 300),
        (WIDE, "/cat_300_0.jpg?pad=0,50", 400),
        (WIDE, "/cat_300_0.jpg?pad=0,51", 402),
        (WIDE, "/cat_300_200_2x.jpg?bg=blur&fit=canvas", 600),
        # So does a part that `rect` cuts out, at the scale that it is shown at.
        (WIDE, "/cat_100_0.jpg?rect=0,0,750,2000", 400),
        (WIDE, "/cat_101_0.jpg?rect=0,0,750,2000", 404),
        (WIDE, "/cat_0_101.jpg?rect=0.1,0.1,0.5,0.25", 606),
        (WIDE, "/cat_100_0.jpg?rect=0,0,750,2000&rotate=90", 150),
        (WIDE, "/cat.png?rect=7,7,1,1", 3000),
        (WIDE, "/cat_0_267.jpg?rect=0,0,11,2000", 401),
        ((160, 120), "/cat_50_0.png?rect=0,0,160,60", 50),
        (WIDE, "/cat_1_1.jpg?rect=9000,0,1,1", 1),
        # What is left by `trim` may be shown at any scale, and may be wider than it is high.
        (WIDE, "/cat_9_9.jpg?trim=5", 3000),
        ((300, 200), "/cat_400_0.jpg?trim=5", 400),
        ((300, 200), "/cat.png?trim=5", 300),
        ((300, 200), "/cat_0_9.jpg?trim=5", 1 << 32),
        # Enlarged or not.
        ((100, 100), "/cat_500_0.jpg", 500),
        ((100, 100), "/cat_500_0.jpg?enlarge=false", 100),
        ((1, 1), "/cat_1_1.jpg", 1),
        ((60_000, 1), "/cat_400_0.jpg", 400),
        ((1, 60_000), "/cat_0_60000.jpg", 1),
    ],
)
def test_what_a_rendition_counts(size: tuple[int, int], target: str, width: int) -> None:
    """The whole upright picture at the scale of the rendition, or the result if it is wider."""
    assert counted_width(size, rendition(target)) == width


@pytest.mark.parametrize(
    ("target", "signed", "drawn"),
    [
        ("/cat_400_0.jpg", False, None),
        ("/cat_401_0.jpg", False, LOGO),
        ("/cat_401_0.jpg?overlay=other", False, LOGO),
        ("/cat_400_0.jpg?overlay=other", False, OTHER),
        ("/cat_401_0.jpg", True, None),
        ("/cat_401_0.jpg?overlay=other", True, OTHER),
    ],
)
def test_the_overlay_of_wide_renditions_wins(
    target: str, signed: bool, drawn: Overlay | None
) -> None:
    """A signature frees from it, and never from one that is asked for."""
    request = urls.parse(target, "", URLS)
    assert isinstance(request, RenditionRequest)
    assert RULES.drawn(WIDE, replace(request, signed=signed)) is drawn


def test_what_is_drawn_is_never_guessed() -> None:
    """A picture of unknown size has it; an overlay of former settings is not drawn any more."""
    small = RenditionRequest(
        image=ImageId("cat"), rendition=rendition("/cat_9_9.jpg"), extension="jpg"
    )
    assert RULES.drawn((0, 0), small) is LOGO
    gone = replace(small.rendition, overlay=OverlayMark("gone", "0123456789ab"))
    assert RULES.drawn(WIDE, replace(small, rendition=gone)) is None
    assert OverlayRules().drawn(WIDE, replace(small, rendition=gone)) is None
    assert RULES.covers((401, 1), signed=False)
    assert not RULES.covers((400, 999), signed=False)
    assert not RULES.covers((401, 1), signed=True)


def test_a_signature_reaches_the_rendition_of_any_request() -> None:
    """Of an original, and of vip."""
    original = urls.parse("/cat.png", "", URLS)
    assert isinstance(original, OriginalRequest)
    square = VipRequest(image=ImageId("a", "pets"), quality=Quality.of(80), width=9)
    for request in (original, square):
        for signed in (False, True):
            made = replace(request, signed=signed).rendition_as(Format.PNG)
            assert made.signed is signed


@pytest.mark.parametrize(
    "changes",
    [
        {"picture": "mark"},
        {"gravity": COMPASS["north"]},
        {"scale": 251},
        {"opacity": 999},
        {"margin": 0},
        {"tile": True},
    ],
)
def test_whatever_changes_its_look_gives_another_variant(changes: dict[str, Any]) -> None:
    """So does another version of its picture; the same has the same variant, always."""
    mark = LOGO.mark("01234567")
    assert mark == OverlayMark("my-logo", "6cb27dde0032")
    assert LOGO.mark("01234568") != mark
    assert replace(LOGO, **changes).mark("01234567") != mark
    plain = Rendition(format=Format.PNG, width=8).canonical()
    made = marked(plain, mark)
    assert Rendition.from_variant(made.variant) == made
    assert marked(made, None) == plain


@pytest.mark.parametrize(
    "variant",
    [
        "8x0-ov0123456789ab-png",
        "8x0-ov0123456789ab.-png",
        "8x0-ov0123456789ab.a..b-png",
        "8x0-ov0123456789a.a-png",
        "8x0-ov0123456789AB.a-png",
        "8x0-ov.a-png",
        f"8x0-ov0123456789ab.{'a' * 33}-png",
    ],
)
def test_a_token_is_whole(variant: str) -> None:
    """Nothing else than what is written is read back."""
    with pytest.raises(ValueError, match="variant"):
        Rendition.from_variant(variant)


@pytest.mark.parametrize("query", ["", "hdr=keep", "grey=true&colour=p3", "radius=max&pad=3"])
def test_a_rendition_that_gets_one_is_canonical(query: str) -> None:
    """Or its variant could not be read back from a key or a spooled file."""
    made = marked(rendition(f"/cat_500_300.jpg?{query}"), LOGO.mark("1" * 8))
    assert Rendition.from_variant(made.variant) == made
