"""Which sizes may be asked for by anyone, where a list says so."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveresize import errors
from liveresize.compat.vip import requests as vip
from liveresize.compat.vip.requests import VipRules
from liveresize.core import geometry, sizes, urls
from liveresize.core.formats import Format
from liveresize.core.geometry import Bounds
from liveresize.core.operation import UrlRules
from liveresize.core.sizes import SizeRules
from liveresize.core.urls import RenditionRequest
from liveresize.core.values import Fit, Pad

from . import strategies

BOUNDS = Bounds(2000, 1500)
URLS = UrlRules(presets={"card": (("fit", "crop"), ("blur", "true")), "framed": (("pad", "0,30"),)})
BUCKETS = VipRules(buckets=frozenset({"pets"}))
LISTED = SizeRules.of([(400, 300), (400, 0), (250, 250)], BOUNDS, 720)
PRESETS = SizeRules.of([], BOUNDS, 720, presets_only=True)


def refused(target: str, rules: SizeRules) -> bool:
    """Whether an address needs a signature under the rules."""
    try:
        if target.startswith("/pets/"):
            sizes.check(vip.parse(target, BUCKETS), rules)
        else:
            sizes.check(urls.parse(target, "*/*", URLS), rules)
    except (errors.SizeRefused, errors.PresetRequired):
        return True
    return False


@pytest.mark.parametrize(
    "target",
    [
        *("/cat_400_300.jpg", "/cat_400_300_1x.jpg", "/cat_400_300_2x.webp", "/cat_800_600.auto"),
        *("/cat_400_300_3x.gif", "/cat_1200_900.png?fit=crop", "/cat_200_150_2x.jpg"),
        *("/cat_400_0.jpg", "/cat_1200_0.jpg?fit=crop", "/cat_250_250_2x.jpg?blur=3"),
        *("/cat.jpg", "/cat", "/cat.webp?quality=3", "/cat.json"),
        *("/pets/a", "/pets/a?c=true", "/pets/a?s=400", "/pets/a?s=250&c=true", "/pets/a?s=9999"),
        *("/pets/a?s=500&c=true", "/pets/a?s=x", "/pets/a?s=720&c=true"),
    ],
)
def test_what_is_listed_is_allowed(target: str) -> None:
    """At two and three times too, in every format and fit; and every picture at its own size."""
    assert not refused(target, LISTED)


@pytest.mark.parametrize(
    "target",
    [
        *("/cat_401_300.jpg", "/cat_400_300_4x.jpg", "/cat_300_400.jpg", "/cat_0_400.jpg"),
        *("/cat_400_301_2x.jpg", "/cat_250_0.jpg", "/cat_1999_0.jpg", "/cat_9999_9999.jpg"),
        *("/pets/a?s=401", "/pets/a?s=250", "/pets/a?s=400&c=true&s=250", "/pets/a?s=1&c=true"),
    ],
)
def test_any_other_size_is_refused(target: str) -> None:
    """The sentence names what is allowed."""
    assert refused(target, LISTED)
    if not target.startswith("/pets"):
        with pytest.raises(errors.SizeRefused, match="400x300, 400x0, 250x250"):
            sizes.check(urls.parse(target, "*/*", URLS), LISTED)


def test_a_long_list_is_not_told_whole() -> None:
    """An error is for reading."""
    rules = SizeRules.of([(side, 0) for side in range(1, 1000)], BOUNDS, 720)
    with pytest.raises(errors.SizeRefused) as caught:
        sizes.check(urls.parse("/cat_9999_1.jpg", "*/*", URLS), rules)
    assert len(caught.value.public) < 300
    assert "…" in caught.value.public


@given(
    strategies.picture_sizes,
    st.tuples(st.integers(0, 3000), st.integers(0, 3000)).filter(any),
    st.sampled_from(sizes.DENSITIES),
    st.sampled_from(Fit),
    st.builds(Bounds, st.integers(1, 2000), st.integers(1, 2000)),
    st.sampled_from(["jpg", "webp", "auto"]),
    strategies.pads,
)
def test_where_a_listed_size_is_redirected_to_is_allowed(
    picture: tuple[int, int],
    listed: tuple[int, int],
    density: int,
    fit: Fit,
    bounds: Bounds,
    extension: str,
    pad: Pad,
) -> None:
    """Whatever the picture: a redirect that ends in a refusal would help nobody."""
    rules = SizeRules.of([listed], bounds, 720)
    width, height = listed
    request = urls.parse(
        f"/cat_{width}_{height}_{density}x.{extension}?fit={fit}&pad={','.join(map(str, pad))}",
        "image/webp",
        URLS,
    )
    assert isinstance(request, RenditionRequest)
    sizes.check(request, rules)
    capped = bounds.capped(request.rendition.format.max_side)
    room = capped.inside(request.rendition.pad)
    box = room and geometry.nearest_allowed(picture, request.rendition, room)
    if box is not None:
        sizes.check(urls.parse(urls.resized(request, *box), "image/webp", URLS), rules)


@pytest.mark.parametrize("density", sizes.DENSITIES)
def test_where_a_preset_with_a_pad_is_redirected_to_is_allowed(density: int) -> None:
    """Its pad is multiplied before the redirect, but not after it."""
    rules = SizeRules.of([(400, 0)], Bounds(400, 1500), 720)
    request = urls.parse(f"/cat_400_0_{density}x.jpg?preset=framed", "", URLS)
    assert isinstance(request, RenditionRequest)
    room = Bounds(400, 1500).inside(request.rendition.pad)
    box = room and geometry.nearest_allowed((400, 300), request.rendition, room)
    assert box == (400 - density * 60, 0)
    sizes.check(urls.parse(urls.resized(request, *box), "", URLS), rules)


@given(strategies.picture_sizes)
def test_where_an_original_is_redirected_to_is_allowed(picture: tuple[int, int]) -> None:
    """Converted at a size that is too large, it ends at the bounds."""
    request = urls.parse("/cat.webp", "*/*", URLS)
    assert isinstance(request, urls.OriginalRequest)
    rendition = request.rendition_as(Format.JPEG)
    box = geometry.nearest_allowed(picture, rendition.rendition, BOUNDS)
    if box is not None:
        assert not refused(urls.resized(rendition, *box), LISTED)


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("/cat_4_3.jpg?preset=card", False),
        ("/cat_4_3.jpg?preset=card&proxy=true&allow_webp=true&v=7", False),
        ("/cat_4_3.jpg", True),
        ("/cat_4_3.jpg?proxy=true", True),
        ("/cat_4_3.jpg?preset=card&blur=2", True),
        ("/cat_4_3.jpg?fit=crop&preset=card", True),
        ("/cat.jpg", False),
        ("/cat.jpg?preset=card", False),
        ("/cat.jpg?quality=80", True),
        ("/cat.json?quality=80", False),
        ("/pets/a?s=25&c=true", False),
    ],
)
def test_presets_only_means_no_other_parameter(target: str, expected: bool) -> None:
    """Renditions must name one; originals and vip's pictures, which know none, need not."""
    assert refused(target, PRESETS) is expected


def test_without_rules_everything_is_allowed() -> None:
    """An empty list is no list."""
    assert not refused("/cat_123_456.jpg?blur=3", SizeRules())
    assert not refused("/pets/a?s=123", SizeRules.of([], BOUNDS, 720))
