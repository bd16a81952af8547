"""Original and rendition, one over the other."""

import pytest
from playwright.sync_api import expect
from web import pictures, servers

from . import scenes
from .chromium import needs_chromium
from .studio import Studio

pytestmark = [pytest.mark.long, needs_chromium]


def test_the_slider_uncovers_the_original(opened: Studio) -> None:
    """A heavily blurred rendition beside the sharp original: the slider moves the border."""
    opened.field("slider", "Blur").fill("20")
    opened.shown("blur=20")
    slider = opened.field("slider", "Compare with the original")
    expect(slider).to_be_enabled()
    frame = opened.page.locator("#rendition-image")
    frame.scroll_into_view_if_needed()
    reference = opened.page.locator("#reference-image")
    detail = {}
    for value in ("0", "50", "100"):
        slider.fill(value)
        expect(reference).to_be_visible(visible=value != "0")
        if value != "0":
            servers.until(lambda: reference.evaluate("(image) => image.naturalWidth") > 0)
        opened.settle()
        detail[value] = scenes.detail(pictures.opened(frame.screenshot()))
    assert detail["0"] < detail["50"] < detail["100"]


def test_the_slider_is_moved_by_keys(opened: Studio) -> None:
    """Arrows move it by a step, Home and End to the edges."""
    slider = opened.field("slider", "Compare with the original")
    slider.focus()
    opened.page.keyboard.press("End")
    expect(slider).to_have_value("100")
    opened.page.keyboard.press("ArrowLeft")
    expect(slider).not_to_have_value("100")
    opened.page.keyboard.press("Home")
    expect(slider).to_have_value("0")
