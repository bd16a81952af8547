"""What the rows of Live Image Resize are called here."""

from typing import Any

import pytest

from liveresize.compat.iaas.source import Shape
from liveresize.compat.iaas.variants import Named, Unknown, Variants, address
from liveresize.core import urls
from liveresize.core.operation import UrlRules
from liveresize.core.urls import RenditionRequest

RULES = UrlRules()


def shape(**changes: Any) -> Shape:
    """A row's shape, of a plain JPEG unless told otherwise."""
    plain = Shape(x=100, y=80, fit="clip", file_type="image/jpeg", blur=False, quality=-1)
    return plain._replace(**changes)


@pytest.mark.parametrize(
    ("row", "url"),
    [
        (shape(), "/cat_100_80.jpg"),
        (shape(), "/cat_100_80.jpeg?fit=clip&blur=false&quality=auto"),
        (shape(x=200, y=160), "/cat_100_80_2x.jpg"),
        (shape(fit="crop"), "/cat_100_80.jpg?fit=crop"),
        (shape(fit="cover", file_type="image/png"), "/cat_100_80.png?fit=cover"),
        (shape(fit="canvas"), "/cat_100_80.jfif?fit=canvas"),
        (shape(blur=True), "/cat_100_80.jpg?blur=true"),
        (shape(quality=75), "/cat_100_80.jpg?quality=75"),
        (shape(quality=100), "/cat_100_80.jpg?quality=100"),
        (shape(quality=250), "/cat_100_80.jpg?quality=250"),
        (shape(file_type="image/webp"), "/cat_100_80.webp"),
        (shape(file_type="image/webp", quality=60), "/cat_100_80.webp?quality=60"),
        (shape(file_type="image/png"), "/cat_100_80.png?quality=20"),
        (shape(x=0), "/cat_0_80.jpg"),
        (shape(blur=None, quality=None, fit=None), "/cat_100_80.jpg"),
        (shape(file_type="jpg"), "/cat_100_80.jpg"),
    ],
)
def test_a_row_is_what_its_url_asks_for_today(row: Shape, url: str) -> None:
    """The variant is that of the URL which made the published service write the row."""
    asked = urls.parse(url, "", RULES)
    assert isinstance(asked, RenditionRequest)
    named = Variants(RULES).of(row)
    assert isinstance(named, Named)
    assert named.variant == asked.rendition.variant
    assert named.mime == f"image/{named.variant.rpartition('-')[2]}"


def test_defaults_are_those_of_this_installation() -> None:
    """Its sigma, its qualities and its `enlarge` are in the variant, as in a request's."""
    rules = UrlRules(blur=35, enlarge=False, webp_always=True)
    asked = urls.parse("/cat_100_80.png?blur=true", "", rules)
    assert isinstance(asked, RenditionRequest)
    named = Variants(rules).of(shape(file_type="image/png", blur=True))
    assert isinstance(named, Named)
    assert named.variant == asked.rendition.variant == "100x80-b35-noenlarge-png"


@pytest.mark.parametrize(
    "row",
    [
        shape(x=None),
        shape(x=0, y=0),
        shape(x=-1),
        shape(x=10**12),
        shape(x="wide"),
        shape(fit="stretch"),
        shape(file_type="image/tiff"),
        shape(file_type=None),
        shape(file_type="auto"),
        shape(file_type="a/../b?c=d"),
        shape(quality=-7),
        shape(quality="best"),
        shape(fit="clip&blur=true"),
    ],
)
def test_a_row_that_no_url_asks_for_is_unknown(row: Shape) -> None:
    """It comes with a sentence that tells why, and never with another row's name."""
    unknown = Variants(RULES).of(row)
    assert isinstance(unknown, Unknown)
    assert unknown.reason.endswith((".", "?"))  # some have a suggestion


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://s3.eu/b/2016-01-02T03:04:05.678Z_cat_1x1.clip.b-false.q--1.jpg", None),
        ("http://cdn.example.com/a%20b.jpg?x=1&y=2#z", None),
        ("https://s3.eu/b/my cat.jpg", "https://s3.eu/b/my%20cat.jpg"),
        ("https://s3.eu/b/кот.jpg", "https://s3.eu/b/%D0%BA%D0%BE%D1%82.jpg"),
        (
            'https://s3.eu/b/"<x>\r\nSet-Cookie: a',
            "https://s3.eu/b/%22%3Cx%3E%0D%0ASet-Cookie:%20a",
        ),
    ],
)
def test_an_address_stays_as_it_is_but_for_what_no_header_may_hold(
    url: str, kept: str | None
) -> None:
    """Escaped is what browsers escape by themselves, and nothing twice."""
    assert address(url) == (kept or url)


@pytest.mark.parametrize("url", [None, "", "/b/cat.jpg", "//s3.eu/b/cat.jpg", "ftp://s3.eu/cat", 7])
def test_what_is_no_absolute_url_is_no_address(url: object) -> None:
    """Nobody can be redirected there."""
    assert address(url) is None
