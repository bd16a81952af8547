"""The focus of a picture as the gravity of its renditions."""

import pytest

from liveresize.core import urls
from liveresize.core.operation import UrlRules
from liveresize.core.urls import RenditionRequest
from liveresize.core.values import Gravity

RULES = UrlRules(presets={"square": (("fit", "crop"),), "mid": (("gravity", "center"),)})
FOCUS = (250, 900)
SIZE = (400, 300)


def request(query: str, box: str = "10_10") -> RenditionRequest:
    """The request for a rendition."""
    parsed = urls.parse(f"/cat_{box}.jpg?{query}", "", RULES)
    assert isinstance(parsed, RenditionRequest)
    return parsed


@pytest.mark.parametrize(
    ("query", "without", "with_focus"),
    [
        ("fit=crop", "10x10-crop-qa82-jpeg", "10x10-crop-g250x900-qa82-jpeg"),
        ("fit=crop&gravity=auto", "10x10-crop-smart-qa82-jpeg", "10x10-crop-g250x900-qa82-jpeg"),
        ("fit=crop&gravity=center", "10x10-crop-qa82-jpeg", "10x10-crop-qa82-jpeg"),
        ("fit=crop&gravity=smart", "10x10-crop-smart-qa82-jpeg", "10x10-crop-smart-qa82-jpeg"),
        ("fit=crop&gravity=0.5,0.5", "10x10-crop-qa82-jpeg", "10x10-crop-qa82-jpeg"),
        ("preset=square", "10x10-crop-qa82-jpeg", "10x10-crop-g250x900-qa82-jpeg"),
        ("preset=mid&fit=crop", "10x10-crop-qa82-jpeg", "10x10-crop-qa82-jpeg"),
        ("gravity=auto", "10x10-qa82-jpeg", "10x10-qa82-jpeg"),
        ("fit=cover", "10x10-cover-qa82-jpeg", "10x10-cover-qa82-jpeg"),
        # Where a canvas places its picture is no question of what is seen of it.
        ("fit=canvas", "10x10-canvas-qa82-jpeg", "10x10-canvas-qa82-jpeg"),
        ("fit=canvas&gravity=auto", "10x10-canvas-qa82-jpeg", "10x10-canvas-qa82-jpeg"),
    ],
)
def test_a_crop_without_a_gravity_keeps_the_focus(
    query: str, without: str, with_focus: str
) -> None:
    """And with `auto`; what the URL says comes first, and other fits are as they were."""
    asked = request(query)
    assert asked.at(None, SIZE).rendition.variant == without
    assert asked.at(FOCUS, SIZE).rendition.variant == with_focus


def test_a_box_with_one_side_cuts_nothing() -> None:
    """So that its variant is the one of today."""
    assert request("fit=crop", "10_0").at(FOCUS, SIZE).rendition.variant == "10x0-qa82-jpeg"


@pytest.mark.parametrize(
    ("query", "token"),
    [
        ("rotate=90", "g100x250"),
        ("rotate=180", "g750x100"),
        ("rotate=270", "g900x750"),
        ("flip=h", "g750x900"),
        ("flip=v", "g250x100"),
        ("rotate=90&flip=hv", "g900x750"),
    ],
)
def test_the_focus_turns_with_the_picture(query: str, token: str) -> None:
    """It is a point of the upright picture; a gravity is one of the turned picture."""
    assert token in request(f"fit=crop&{query}").at(FOCUS, SIZE).rendition.variant.split("-")


def test_a_focus_in_the_middle_is_the_center() -> None:
    """One rendition, whichever way it was asked for."""
    asked = request("fit=crop").at((500, 500), SIZE)
    assert asked.rendition == request("fit=crop&gravity=center").rendition


@pytest.mark.parametrize(
    ("query", "token"),
    [
        # The focus is at 100,270 of 400x300.
        ("rect=0,0,200,300", "g500x900"),
        ("rect=0.25,0.75,200,1.0", "g0x600"),
        ("rect=0,0,50,1.0", "g1000x900"),
        ("rect=200,0,100,100", "g0x1000"),
        ("rect=0,0,200,300&rotate=90", "g100x500"),
        ("rect=99,269,3,3", "g333x333"),
        ("trim=true", "gu250x900"),
        ("trim=true&flip=h", "gu750x900"),
        ("trim=true&rect=0,0,200,300&gravity=auto", "gu500x900"),
        ("trim=true&gravity=0.25,0.9", "g250x900"),
    ],
)
def test_the_focus_is_where_it_is_in_the_part(query: str, token: str) -> None:
    """Outside of `rect` at the nearest edge; before `trim`, of which no URL knows what is left."""
    assert token in request(f"fit=crop&{query}").at(FOCUS, SIZE).rendition.variant.split("-")


def test_a_part_outside_of_the_picture_has_no_focus() -> None:
    """The request is refused for it later, and not here, where memory is asked."""
    asked = request("fit=crop&rect=400,0,1,1")
    assert asked.at(FOCUS, SIZE).rendition.gravity == Gravity(*FOCUS)
