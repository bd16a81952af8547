"""`rect`: which pixels of a picture it means, and what sees them as the picture."""

import pytest
from hypothesis import given

from liveresize import errors
from liveresize.core import geometry, urls
from liveresize.core.formats import Format
from liveresize.core.names import ImageId
from liveresize.core.operation import UrlRules
from liveresize.core.rect import Box, Rect
from liveresize.core.rendition import Rendition

from . import strategies

Size = tuple[int, int]

RULES = UrlRules()


def rendition(target: str) -> Rendition:
    """What a URL asks for, of a picture or of its original."""
    request = urls.parse(target, "", RULES)
    if isinstance(request, urls.OriginalRequest):
        request = request.rendition_as(Format.PNG)
    assert isinstance(request, urls.RenditionRequest)
    return request.rendition


@pytest.mark.parametrize(
    ("text", "size", "box"),
    [
        ("10,20,30,40", (400, 300), (10, 20, 40, 60)),
        ("0,0,1,1", (400, 300), (0, 0, 1, 1)),
        ("0.25,0.5,0.5,0.5", (400, 300), (100, 150, 300, 300)),
        ("10%,0,200,50%", (400, 300), (40, 0, 240, 150)),
        # What is over an edge is cut off.
        ("390,290,100,100", (400, 300), (390, 290, 400, 300)),
        ("399,299,999999999,999999999", (400, 300), (399, 299, 400, 300)),
        ("0.5,0.5,400,300", (400, 300), (200, 150, 400, 300)),
        # Nothing is left.
        ("400,0,1,1", (400, 300), None),
        ("0,300,1,1", (400, 300), None),
        ("400,0.5,1.0,1", (400, 300), None),
        # Of fractions one pixel is always left.
        ("0.9999,0.9999,0.0001,0.0001", (400, 300), (399, 299, 400, 300)),
        ("0.9999,0.5,0.5,0.5", (1, 1), (0, 0, 1, 1)),
        ("0.5,0,0.0001,1.0", (3, 3), (2, 0, 3, 3)),
        # Edges are rounded, so that thirds of ten pixels are 3, 4 and 3.
        ("0,0,0.3333,1.0", (10, 1), (0, 0, 3, 1)),
        ("0.3333,0,0.3334,1.0", (10, 1), (3, 0, 7, 1)),
        ("0.6667,0,0.3333,1.0", (10, 1), (7, 0, 10, 1)),
        # Ten-thousandths of the longest side are 6.6 pixels.
        ("0.0001,0,0.0001,1.0", (65_535, 1), (7, 0, 13, 1)),
    ],
)
def test_a_rectangle_is_whole_pixels(text: str, size: Size, box: Box | None) -> None:
    """Whole numbers are pixels, all others fractions of the picture."""
    rect = Rect.read(text)
    assert rect is not None
    assert rect.box(size) == box


@given(strategies.rects, strategies.picture_sizes)
def test_a_rectangle_is_inside_the_picture_and_its_text_means_the_same(
    rect: Rect | None, size: Size
) -> None:
    """At least one pixel of any picture, and the text that is built is read as it was."""
    if rect is None:
        return
    left, top, right, bottom = rect.box(size) or (0, 0, 0, 0)
    assert 0 <= left < right <= size[0]
    assert 0 <= top < bottom <= size[1]
    assert Rect.read(",".join(each.text for each in rect.lengths)) == rect


@pytest.mark.parametrize(
    ("target", "size", "output"),
    [
        ("/cat.png?rect=10,20,30,40", (400, 300), (30, 40)),
        ("/cat.png?rect=10,20,30,40&rotate=90", (400, 300), (40, 30)),
        ("/cat_60_0.png?rect=10,20,30,40", (400, 300), (60, 80)),
        ("/cat_60_60.png?rect=10,20,30,40", (400, 300), (45, 60)),
        ("/cat_60_0.png?rect=10,20,30,40&enlarge=false", (400, 300), (30, 40)),
        ("/cat_60_60.png?rect=10,20,30,40&enlarge=false&fit=crop", (400, 300), (30, 30)),
        ("/cat_60_20.png?rect=10,20,30,40&enlarge=false&fit=fill", (400, 300), (30, 20)),
        ("/cat_60_60.png?rect=0,0,1.0,0.5&fit=cover", (400, 300), (160, 60)),
        ("/cat_60_50.png?rect=0,0,9,9&fit=canvas", (400, 300), (60, 50)),
    ],
)
def test_the_part_counts_as_the_picture(target: str, size: Size, output: Size) -> None:
    """Its ratio and its size, for every fit, for `rotate` and for `enlarge`."""
    assert geometry.output_size(size, rendition(target)) == output


def test_bounds_look_at_the_part() -> None:
    """What is large only outside of it is no reason for a redirect."""
    bounds = geometry.Bounds(2000, 2000)
    allowed = {
        "/cat.png?rect=0,0,2000,2000": None,
        "/cat.png?rect=0,0,2001,2000": (2000, 0),
        "/cat_0_1500.png?rect=0,0,1.0,10": (2000, 0),
        "/cat_10_10.png?rect=0,0,9000,10&fit=cover": (2000, 0),
    }
    for target, expected in allowed.items():
        assert geometry.nearest_allowed((9000, 8000), rendition(target), bounds) == expected


def test_a_part_outside_is_refused_with_the_size() -> None:
    """So that whoever wrote it knows what is there."""
    with pytest.raises(errors.BadParameter, match="which is 400x300 pixels"):
        geometry.output_size((400, 300), rendition("/cat_9_9.png?rect=400,0,10,10"))


def test_stored_bytes_do_not_answer_for_a_part() -> None:
    """Unless it is all of the picture, whatever that measures."""
    for query, will_do in {
        "rect=0,0,1.0,1.0&trim=false": True,
        "rect=0,0,1,1": False,
        "trim=0": False,
    }.items():
        request = urls.parse(f"/cat.png?{query}", "", RULES)
        assert isinstance(request, urls.OriginalRequest)
        assert request.stored_will_do("png", animated=False) == will_do


def test_a_built_url_asks_for_the_focus_of_a_trimmed_picture() -> None:
    """No URL has a point of the picture before it is trimmed."""
    request = urls.parse("/cat_10_10.png?fit=crop&trim=true", "", RULES)
    assert isinstance(request, urls.RenditionRequest)
    focused = request.at((250, 900), (400, 300)).rendition
    built = urls.build(ImageId("cat"), focused, RULES)
    assert built == "/cat_10_10.png?fit=crop&gravity=auto&trim=10"
    again = urls.parse(built, "", RULES)
    assert isinstance(again, urls.RenditionRequest)
    assert again.at((250, 900), (400, 300)).rendition == focused
