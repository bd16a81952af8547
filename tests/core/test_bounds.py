"""Redirects to the nearest allowed box: there is always one, and it is never followed twice."""

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given

from liveresize.core import geometry, urls
from liveresize.core.formats import Format
from liveresize.core.geometry import Bounds
from liveresize.core.names import ImageId
from liveresize.core.operation import UrlRules
from liveresize.core.rendition import Rendition
from liveresize.core.values import Fit

from . import strategies

Size = tuple[int, int]


def box(width: int, height: int, fit: Fit = Fit.CLIP, *, enlarge: bool = True) -> Rendition:
    """A canonical PNG rendition in a box."""
    return Rendition(
        format=Format.PNG, width=width, height=height, fit=fit, enlarge=enlarge
    ).canonical()


SQUARE = Bounds(2000, 2000)

REDIRECTS: list[tuple[Size, Rendition, Bounds, Size | None]] = [
    ((100, 50), box(2000, 2000), SQUARE, None),
    ((100, 50), box(2001, 100), SQUARE, (2000, 100)),
    ((100, 50), box(9000, 9000), SQUARE, (2000, 2000)),
    ((100, 50), box(9000, 0), SQUARE, (2000, 0)),
    ((100, 50), box(9000, 0, Fit.CROP), SQUARE, (2000, 0)),
    ((100, 50), box(0, 9000, Fit.CANVAS), SQUARE, (2000, 0)),
    ((100, 50), box(2000, 0), SQUARE, None),
    ((50, 100), box(2000, 0), SQUARE, (0, 2000)),
    ((940, 2), box(0, 2000), SQUARE, (2000, 0)),
    ((940, 2), box(0, 2000, enlarge=False), SQUARE, None),
    ((940, 2), box(100, 100, Fit.COVER), SQUARE, (2000, 0)),
    ((2, 940), box(100, 100, Fit.COVER), SQUARE, (0, 2000)),
    ((100, 100), box(4000, 1000, Fit.COVER), SQUARE, (2000, 500)),
    ((940, 2), box(100, 100, Fit.CROP), SQUARE, None),
    ((100, 50), box(4000, 1000, Fit.CROP), SQUARE, (2000, 500)),
    ((100, 50), box(1000, 4000, Fit.CROP), SQUARE, (500, 2000)),
    ((100, 50), box(4001, 1000, Fit.CROP), SQUARE, (2000, 500)),
    ((100, 50), box(999_999_999, 1, Fit.CROP), SQUARE, (2000, 1)),
    ((100, 50), box(4000, 1000, Fit.FILL), SQUARE, (2000, 500)),
    ((100, 50), box(2000, 1, Fit.FILL), SQUARE, None),
    ((100, 50), box(4000, 1000, Fit.FILL, enlarge=False), SQUARE, (2000, 500)),
    ((100, 50), box(4000, 4000, Fit.CANVAS), Bounds(300, 200), (200, 200)),
    ((5000, 4000), box(0, 0), SQUARE, (2000, 0)),
    ((4000, 5000), box(0, 0), SQUARE, (0, 2000)),
    ((1500, 1200), box(0, 0), SQUARE, None),
    ((100, 50), box(17_000, 1), Bounds(20_000, 20_000).capped(16_383), (16_383, 1)),
]


@pytest.mark.parametrize(("size", "rendition", "bounds", "expected"), REDIRECTS)
def test_a_box_beyond_the_bounds_is_sent_to_the_nearest_within(
    size: Size, rendition: Rendition, bounds: Bounds, expected: Size | None
) -> None:
    """Box or result over a bound: which box is offered instead, None where none is needed."""
    assert geometry.nearest_allowed(size, rendition, bounds) == expected


@given(strategies.picture_sizes, strategies.renditions(), strategies.bounds)
def test_a_redirect_is_never_redirected_again(
    size: Size, rendition: Rendition, bounds: Bounds
) -> None:
    """Whatever picture, rendition and bounds: the second request is within them."""
    offered = geometry.nearest_allowed(size, rendition, bounds)
    if offered is None:
        assert bounds.within((rendition.width, rendition.height))
        assert bounds.within(geometry.inner_size(size, rendition))
        return
    assert any(offered)
    for again in (rendition.boxed(*offered), rendition.boxed(*offered).canonical()):
        assert geometry.nearest_allowed(size, again, bounds) is None
        assert bounds.within(geometry.inner_size(size, again))


@given(strategies.picture_sizes, strategies.boxed, strategies.bounds)
def test_the_url_of_a_redirect_is_within_the_bounds(
    size: Size, rendition: Rendition, bounds: Bounds
) -> None:
    """The loop is closed through the URL as well: built, resized, parsed, allowed, pad and all."""
    rules, accept = UrlRules(), strategies.accept_for(rendition)
    request = urls.parse(urls.build(ImageId("cat"), rendition, rules), accept, rules)
    assert isinstance(request, urls.RenditionRequest)
    inside = bounds.inside(rendition.pad)
    offered = inside and geometry.nearest_allowed(size, request.rendition, inside)
    if inside is None or offered is None:
        return
    again = urls.parse(urls.resized(request, *offered), accept, rules)
    assert isinstance(again, urls.RenditionRequest)
    assert again.rendition.pad == rendition.pad
    assert geometry.nearest_allowed(size, again.rendition, inside) is None
    assert bounds.within(geometry.output_size(size, again.rendition))


@given(strategies.picture_sizes, strategies.renditions(), strategies.bounds)
def test_crop_canvas_and_fill_keep_the_ratio_of_their_box(
    size: Size, rendition: Rendition, bounds: Bounds
) -> None:
    """One side is at its bound, the other its exact share within half a pixel, at least 1."""
    offered = geometry.nearest_allowed(size, rendition, bounds)
    if offered is None or rendition.fit not in (Fit.CROP, Fit.CANVAS, Fit.FILL):
        return
    scale = min(
        Fraction(bounds.max_width, rendition.width), Fraction(bounds.max_height, rendition.height)
    )
    for side, wanted in zip(offered, (rendition.width, rendition.height), strict=True):
        assert side == 1 or abs(side - wanted * scale) <= Fraction(1, 2)
    assert offered[0] == bounds.max_width or offered[1] == bounds.max_height


@given(strategies.picture_sizes, strategies.renditions(), strategies.bounds)
def test_nothing_is_lost_that_was_within_the_bounds(
    size: Size, rendition: Rendition, bounds: Bounds
) -> None:
    """Where the box alone was over, clip and cover give the same size as before, up to what
    half a pixel at a bound makes of the other side: 2000.4 pixels are not over 2000."""
    offered = geometry.nearest_allowed(size, rendition, bounds)
    before = geometry.inner_size(size, rendition)
    if offered is None or rendition.fit not in (Fit.CLIP, Fit.COVER) or not bounds.within(before):
        return
    after = geometry.inner_size(size, rendition.boxed(*offered).canonical())
    slack = max(before) / (2 * min(before))
    assert all(abs(now - then) <= slack for now, then in zip(after, before, strict=True))


@given(strategies.picture_sizes, strategies.renditions(), strategies.bounds)
def test_what_was_over_the_bounds_ends_at_one(
    size: Size, rendition: Rendition, bounds: Bounds
) -> None:
    """The offer is the nearest: a result that was too large now touches a bound, or is whole.

    Where `fill` may not enlarge, the ratio of its box comes first, which the result has not.
    """
    if rendition.fit is Fit.FILL and not rendition.enlarge:
        return
    offered = geometry.nearest_allowed(size, rendition, bounds)
    if offered is None or bounds.within(geometry.inner_size(size, rendition)):
        return
    width, height = geometry.inner_size(size, rendition.boxed(*offered).canonical())
    whole = geometry.turned(size, rendition)
    touches = width == bounds.max_width or height == bounds.max_height
    in_its_box = rendition.fit is Fit.CLIP and (
        width == rendition.width or height == rendition.height
    )
    assert touches or in_its_box or (not rendition.enlarge and (width, height) == whole)


def test_a_pad_is_inside_the_bounds() -> None:
    """What it leaves is the bound of the picture; at a bound it leaves nothing."""
    assert SQUARE.inside((1, 20, 300, 4000 - 20 - 3000)) == Bounds(2000 - 1000, 2000 - 301)
    assert Bounds(20, 30).inside((0, 10, 0, 9)) == Bounds(1, 30)
    assert Bounds(20, 30).inside((0, 10, 0, 10)) is None
    assert Bounds(20, 30).inside((29, 0, 1, 0)) is None


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("/cat_400_300_2x.jpg?pad=10,20&fit=crop&radius=8", "pad=20%2C40&fit=crop&radius=16"),
        ("/cat_400_300_1.5x.jpg?radius=max&pad=1,2,3,4", "radius=max&pad=2%2C3%2C5%2C6"),
        ("/cat_400_300_0.1x.jpg?pad=1,0,4", "pad=1%2C0"),
        ("/cat_400_300_20x.jpg?radius=600&pad=500,0", "radius=max&pad=9999%2C0"),
        ("/cat_400_300.jpg?pad=010,10,10,10", "pad=010%2C10%2C10%2C10"),
        ("/cat_400_300_2x.jpg?preset=card&pad=7", "preset=card&pad=10"),
    ],
)
def test_a_redirect_has_the_pixels_of_its_density(target: str, expected: str) -> None:
    """A density multiplies pad and radius as it does the box; the redirect repeats products."""
    rules = UrlRules(presets={"card": (("pad", "5"),)})
    request = urls.parse(target, "", rules)
    assert isinstance(request, urls.RenditionRequest)
    url = urls.resized(request, 8, 6)
    assert url == f"/cat_8_6.jpg?{expected.replace('%2C', ',')}"
    again = urls.parse(url, "", rules)
    assert isinstance(again, urls.RenditionRequest)
    if "preset" not in target:  # whose pixels are those of the settings
        assert again.rendition == replace(request.rendition, width=8, height=6).canonical()


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ((10, 10), (10, 10)),
        ((2000, 1), (2000, 1)),
        ((4000, 2), (2000, 1)),
        ((6000, 1), (2000, 1)),
        ((3, 6000), (1, 2000)),
        ((3000, 4500), (1333, 2000)),
    ],
)
def test_a_box_is_shrunk_in_its_ratio(wanted: Size, expected: Size) -> None:
    """Rounded half up, at least one pixel, and left alone where it fits."""
    assert geometry.shrink_box(wanted, SQUARE) == expected


def test_a_format_lowers_the_bounds_but_never_raises_them() -> None:
    """The lower of configuration and format counts, side by side."""
    assert Bounds(20_000, 300).capped(16_383) == Bounds(16_383, 300)
    assert Bounds(20, 30).capped(16_383) == Bounds(20, 30)
