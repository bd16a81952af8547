"""What the studio makes of its knobs together: reasons, bounds, reloads."""

import re

import pytest
from playwright.sync_api import Route, expect

from . import scenes
from .chromium import needs_chromium
from .studio import Studio

pytestmark = [pytest.mark.long, needs_chromium]


@pytest.mark.parametrize(
    ("turn", "value", "role", "knob", "reason"),
    [
        ("Format", "png", "slider", "Quality", "PNG"),
        ("Format", "gif", "checkbox", "Automatic quality", "GIF"),
        ("Fit", "clip", "combobox", "Gravity", "crop"),
        ("Fit", "crop", "checkbox", "Transparent background", "canvas"),
        ("Format", "webp", "checkbox", "Animate", "still"),
    ],
)
def test_a_knob_without_effect_says_why(
    opened: Studio, turn: str, value: str, role: str, knob: str, reason: str
) -> None:
    """It is off, and its description has the reason."""
    opened.field("combobox", turn).select_option(value)
    opened.shown()
    control = opened.field(role, knob)
    expect(control).to_be_disabled()
    expect(control).to_have_accessible_description(re.compile(reason))


def test_a_free_box_is_asked_for(opened: Studio) -> None:
    """Without a width and a height there is nothing to make, which is said."""
    opened.field("spinbutton", "Width").fill("")
    opened.field("spinbutton", "Height").fill("")
    opened.failed("Give a width, a height, or both.", "rendition-said")
    opened.field("spinbutton", "Width").fill("50")
    opened.shown("_50_0.")


def test_too_large_a_box_is_explained(opened: Studio) -> None:
    """What the server leads elsewhere for is said in words, and what it gives is shown."""
    opened.field("spinbutton", "Width").fill("3000")
    opened.field("spinbutton", "Height").fill("")
    opened.shown("_3000_0.")
    expect(opened.page.locator("main")).to_contain_text("1000")
    assert opened.pixels().width <= 1000


def test_a_reload_restores_the_knobs(opened: Studio) -> None:
    """They are in the fragment of the address of the page; the secret is not."""
    opened.square("crop")
    opened.field("combobox", "Gravity").select_option("west")
    opened.shown("gravity=west")
    opened.page.reload()
    opened.unlock()
    opened.shown("_200_200.", "fit=crop", "gravity=west")
    assert opened.field("spinbutton", "Width").input_value() == "200"
    assert opened.field("combobox", "Gravity").input_value() == "west"


def test_the_knobs_are_put_back(opened: Studio) -> None:
    """One button, and they stand as at first."""
    before = opened.shown()
    opened.square("crop")
    opened.field("combobox", "Rotate").select_option("90")
    opened.shown("rotate=90")
    opened.button("Reset knobs").click()
    expect(opened.page.locator("html")).to_have_attribute("data-url", before)
    assert opened.pixels().size == scenes.SIZE


def test_many_turns_end_with_the_last(opened: Studio) -> None:
    """While knobs are turned faster than the server renders, the last position wins."""
    for width in range(60, 160, 5):
        opened.field("spinbutton", "Width").fill(str(width))
    opened.shown("_155_")
    assert opened.pixels().width == 155
    assert "_155_" in (opened.page.locator("html").get_attribute("data-url") or "")


def test_ignored_parameters_are_named(opened: Studio, name: str) -> None:
    """Until a rendition comes without any; here a proxy in front adds one with a typo."""

    def misspell(route: Route) -> None:
        route.continue_(url=f"{route.request.url}&fti=crop")

    said = opened.page.locator("#ignored")
    expect(said).to_be_hidden()
    opened.page.route(f"**/{name}_*", misspell)
    opened.square("crop")
    expect(said).to_have_text("Ignored in the URL: fti (did you mean fit?)")
    opened.page.unroute(f"**/{name}_*")
    opened.square("canvas")
    expect(said).to_be_hidden()
