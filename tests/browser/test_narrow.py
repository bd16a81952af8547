"""A phone, a small window, letters twice as large: everything is in reach."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect
from web import servers

from . import scenes
from .chromium import Visit, needs_chromium
from .studio import Studio

pytestmark = [pytest.mark.long, needs_chromium]

SCREENS: dict[str, dict[str, Any]] = {
    "320": {"viewport": {"width": 320, "height": 640}, "has_touch": True, "is_mobile": True},
    "360": {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True},
    "twice as large": {"viewport": {"width": 640, "height": 400}, "device_scale_factor": 2},
    "four times": {"viewport": {"width": 320, "height": 200}, "device_scale_factor": 4},
    "wide": {"viewport": {"width": 2560, "height": 1300}},
}

WIDE = """() => {
    const room = document.documentElement.clientWidth;
    const beyond = [...document.querySelectorAll("body *")].filter((each) => {
        const box = each.getBoundingClientRect();
        return each.checkVisibility() && box.width > 1 && box.right > room + 1
            && each.closest(".unseen") === null;
    });
    return [document.documentElement.scrollWidth - room,
        beyond.map((each) => each.outerHTML.slice(0, 120))];
}"""
"""How many pixels must be scrolled sideways, and what sticks out."""

SMALL = """() => [...document.querySelectorAll("button, a, input, select, textarea")]
    .filter((each) => each.checkVisibility({ visibilityProperty: true }) && each.tabIndex >= 0)
    .map((each) => {
        const boxes = [each, ...(each.labels ?? [])].map((part) => part.getBoundingClientRect());
        const left = Math.min(...boxes.map((box) => box.left));
        const right = Math.max(...boxes.map((box) => box.right));
        const own = boxes[0];
        const wrapped = [...(each.labels ?? [])].some((label) => label.contains(each));
        const width = wrapped ? right - left : own.width;
        const height = wrapped ? Math.max(...boxes.map((box) => box.height)) : own.height;
        return [each.outerHTML.slice(0, 100), width, height, each.matches(".skip")];
    })
    .filter(([, width, height, skip]) => !skip && (width < 24 || height < 24))"""
"""Controls that a finger misses: their own box, or that of the label around them."""


PASTE = """(field) => field.dispatchEvent(
    new ClipboardEvent("paste", { clipboardData: new DataTransfer(), bubbles: true }))"""
"""Ctrl+V without a file in the clipboard."""


@pytest.mark.parametrize("screen", SCREENS)
def test_nothing_is_out_of_reach(
    visit: Callable[..., Visit], process: servers.Process, name: str, screen: str
) -> None:
    """No scrolling sideways, no control below 24 pixels, each can be come to."""
    studio = Studio(visit(process.url, **SCREENS[screen]), process)
    studio.page.goto(f"{process.url}/_studio/")
    assert studio.page.evaluate(WIDE) == [0, []]
    studio.unlock()
    studio.entered()
    studio.upload(scenes.photo(), name)
    assert studio.page.evaluate(WIDE) == [0, []]
    assert studio.page.evaluate(SMALL) == []
    for view, control in (
        ("Code", "Copy HTML"),
        ("Original", "Delete picture"),
        ("Rendition", "Copy URL"),
        ("Rendition", "Choose pictures"),
    ):
        studio.view(view)
        sheet = studio.button("Pictures")
        if control == "Choose pictures" and sheet.is_visible():
            sheet.click()
        button = studio.button(control)
        button.scroll_into_view_if_needed()
        box = button.bounding_box()
        assert box is not None
        assert box["x"] >= 0
    studio.choose(scenes.photo(), scenes.photo())
    assert studio.page.evaluate(WIDE) == [0, []]
    assert studio.page.evaluate(SMALL) == []
    studio.view("Original")
    studio.button("Delete picture").click()
    box = studio.dialog.bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= SCREENS[screen]["viewport"]["width"] + 1


def test_a_finger_does_the_task(
    visit: Callable[..., Visit], process: servers.Process, name: str
) -> None:
    """Upload, turn a knob and delete by taps."""
    studio = Studio(visit(process.url, **SCREENS["360"]), process)
    studio.enter()
    studio.choose(scenes.photo())
    studio.field("textbox", "Id").fill(name)
    studio.button("Upload").tap()
    studio.shown(f"/{name}_")
    width = studio.field("spinbutton", "Width")
    width.evaluate(PASTE)
    expect(width).to_be_visible()  # the sheet of pictures does not come up for a text
    width.fill("88")
    studio.shown("_88_")
    studio.view("Original")
    studio.button("Delete picture").tap()
    studio.dialog.get_by_role("button", name="Delete", exact=True).tap()
    servers.until(lambda: process.client.get(f"/{name}.json").status_code == 404)
