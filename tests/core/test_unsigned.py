"""The way back from a rendition to a URL that needs no signature."""

import functools

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from liveresize import errors
from liveresize.compat.vip import requests as vip
from liveresize.compat.vip.requests import VipRules
from liveresize.core import sizes, urls
from liveresize.core.formats import Format
from liveresize.core.geometry import Bounds
from liveresize.core.names import ImageId
from liveresize.core.operation import UrlRules
from liveresize.core.rendition import Rendition
from liveresize.core.sizes import SizeRules
from liveresize.core.unsigned import Unsigned, made_of
from liveresize.core.urls import OriginalRequest, RenditionRequest

from . import strategies

CAT = ImageId("cat_1_2")
PET = ImageId("a", "pets")
BOUNDS = Bounds(2000, 1500)
URLS = UrlRules(
    presets={
        "card": (("fit", "crop"), ("quality", "50")),
        "a b&c": (("blur", "3"),),
        "webp": (("allow_webp", "true"), ("quality", "70")),
    }
)
BUCKETS = VipRules(buckets=frozenset({"pets"}))
OPEN = SizeRules()
LISTED = SizeRules.of([(400, 300), (400, 0)], BOUNDS, 720)
PRESETS = SizeRules.of([], BOUNDS, 720, presets_only=True)
BOTH = SizeRules.of([(400, 300)], BOUNDS, 720, presets_only=True)
RULES = {"open": OPEN, "listed": LISTED, "presets": PRESETS, "both": BOTH}


def _of_all(rules: SizeRules, image: ImageId) -> SizeRules:
    """The rules of every picture."""
    return rules


def allowed(variant: str, rules: SizeRules, image: ImageId = CAT) -> bool:
    """Whether a URL without a signature has that variant made of a JPEG."""
    unsigned = Unsigned(URLS, BUCKETS, lambda _: rules)
    return unsigned.request(image, Rendition.from_variant(variant), Format.JPEG) is not None


@pytest.mark.parametrize(
    ("variant", "by"),
    [
        ("400x300-qa82-jpeg", "open listed"),
        ("800x600-q7-r90-fhv-jpeg", "open listed"),
        ("401x300-qa82-jpeg", "open"),
        ("400x300-crop-q50-jpeg", "open listed presets both"),
        ("401x300-crop-q50-jpeg", "open presets"),
        ("400x300-crop-q50-webp", "open listed presets both"),
        ("400x300-q70-webp", "open listed presets both"),
        ("400x300-crop-q50-b3-jpeg", "open listed"),
        ("400x300-qa82-b30-auto.aw", ""),
        ("400x300-qa82.80.60-b30-auto.aw", "open listed presets both"),
        ("400x300-qa82.80.60-b30-auto.n", "open listed presets both"),
        ("2000x0-qa82-jpeg", "open listed"),
        ("0x0-png", "open listed presets both"),
        ("0x0-q80-webp", "open listed presets both"),
        ("0x0-q81-webp", "open listed"),
        ("400x300-qa81-jpeg", ""),
        ("400x0-qa82-floor-jpeg", ""),
        ("99999999999x0-qa82-jpeg", ""),
    ],
)
def test_what_a_url_may_ask_for(variant: str, by: str) -> None:
    """By any parameters, at a listed size, or by what a preset stands for."""
    assert {name for name, rules in RULES.items() if allowed(variant, rules)} == set(by.split())


def test_a_bound_may_be_where_cover_ends() -> None:
    """With a side free `cover` is `clip`: the variant does not tell how it was asked for."""
    rules = SizeRules.of([(400, 300)], BOUNDS, 720)
    assert not sizes.allows(urls.parse("/cat_2000_0.png", "", URLS), rules)
    assert sizes.allows(urls.parse("/cat_2000_0.png?fit=cover", "", URLS), rules)
    assert allowed("2000x0-png", rules)
    assert not allowed("1999x0-png", rules)


@pytest.mark.parametrize(
    ("variant", "expected"),
    [
        ("250x0-q80-noenlarge-floor-jpeg", True),
        ("720x0-q80-noenlarge-floor-jpeg", True),
        ("721x0-q80-noenlarge-floor-jpeg", False),
        ("250x250-crop-q80-noenlarge-jpeg", True),
        ("16383x16383-crop-q80-noenlarge-jpeg", True),
        ("250x251-crop-q80-noenlarge-jpeg", False),
        ("250x0-q80-noenlarge-jpeg", False),
        ("250x0-q80-floor-jpeg", False),
        ("250x0-noenlarge-floor-png", False),
        ("0x0-q80-jpeg", True),
    ],
)
def test_what_an_address_of_vip_may_ask_for(variant: str, expected: bool) -> None:
    """In the format of the original, never enlarged, and as wide as it may be."""
    assert allowed(variant, OPEN, PET) is expected


def test_pictures_of_vip_have_listed_sizes_too() -> None:
    """Presets are nothing to them."""
    assert allowed("400x0-q80-noenlarge-floor-jpeg", LISTED, PET)
    assert not allowed("401x0-q80-noenlarge-floor-jpeg", LISTED, PET)
    assert allowed("401x0-q80-noenlarge-floor-jpeg", PRESETS, PET)


def test_only_buckets_that_are_listed_are_taken() -> None:
    """The main namespace always is."""
    unsigned = Unsigned(URLS, BUCKETS, lambda _: OPEN)
    assert [unsigned.takes(ImageId("a", name)) for name in ("", "pets", "cars")] == [
        True,
        True,
        False,
    ]


@given(strategies.likely_targets, st.sampled_from(list(strategies.ACCEPT.values())))
def test_what_a_url_makes_is_what_its_variant_may(target: str, accept: str) -> None:
    """No rule says of a variant anything else than of the URLs that lead to it."""
    rules = UrlRules(presets={"thumb": (("fit", "crop"), ("quality", "60"))})
    try:
        request = urls.parse(target, accept, rules)
    except errors.RequestError:
        return
    assume(isinstance(request, RenditionRequest | OriginalRequest))
    assert isinstance(request, RenditionRequest | OriginalRequest)
    made = made_of(request, Format.PNG).rendition
    assume(max(made.width, made.height) <= strategies.LARGEST_SIDE)
    listed = SizeRules.of([(8, 6)], BOUNDS, 720)
    for size_rules in (OPEN, listed, PRESETS):
        unsigned = Unsigned(rules, BUCKETS, functools.partial(_of_all, size_rules))
        back = unsigned.request(request.image, made, Format.PNG)
        if sizes.allows(request, size_rules):
            assert back is not None
        if back is not None:
            assert back.image == request.image
            assert sizes.allows(back, size_rules)
            assert made_of(back, Format.PNG).rendition == made


@given(st.integers(1, 20_000), st.booleans(), st.booleans(), st.sampled_from(Format))
def test_what_an_address_of_vip_makes_is_what_its_variant_may(
    width: int, square: bool, animate: bool, own: Format
) -> None:
    """Every width, square and still."""
    query = f"s={width}" + "&c=true" * square + "&animate=true" * animate
    request = vip.read(PET, query, BUCKETS)
    made = request.rendition_as(own).rendition
    back = Unsigned(URLS, BUCKETS, lambda _: OPEN).request(PET, made, own)
    assert back is not None
    assert made_of(back, own).rendition == made
