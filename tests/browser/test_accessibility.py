"""axe finds nothing serious in any state of the page."""

import itertools
import re
import sys
from collections.abc import Callable
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import expect
from web import servers

from . import scenes
from .chromium import Visit, needs_chromium
from .studio import File, Studio

pytestmark = [pytest.mark.long, needs_chromium]

Open = Callable[..., Visit]

GRAVE = {"serious", "critical"}

ALL = {"resultTypes": ["violations", "passes", "incomplete", "inapplicable"]}

LOOKS: dict[str, dict[str, Any]] = {
    "light": {"color_scheme": "light"},
    "dark": {"color_scheme": "dark"},
    "narrow": {"viewport": {"width": 320, "height": 640}},
    "contrast": {"forced_colors": "active"},
    "still": {"reduced_motion": "reduce"},
}


def judged(studio: Studio, state: str) -> None:
    """Run axe on the page as it is; prints the summary (pytest -s)."""
    studio.settle()  # what fades in has too little contrast on its way
    response: dict[str, Any] = Axe().run(studio.page, options=ALL).response
    counts = {kind: len(response[kind]) for kind in ("passes", "violations", "incomplete")}
    said = [
        f"{found['id']} ({found['impact']}): {node['html']}"
        for found in response["violations"]
        for node in found["nodes"]
    ]
    unsure = [
        f"  unsure of {found['id']}: {node['target']}"
        for found in response["incomplete"]
        for node in found["nodes"]
    ]
    summary = ", ".join(f"{count} {kind}" for kind, count in counts.items())
    sys.stdout.write("\n".join([f"\naxe, {state}: {summary}", *said, *unsure]))
    assert [found for found in response["violations"] if found["impact"] in GRAVE] == [], said


@pytest.fixture(params=LOOKS)
def look(request: pytest.FixtureRequest) -> str:
    """How the visitor has set up the browser."""
    chosen: str = request.param
    return chosen


@pytest.fixture
def looked(visit: Open, process: servers.Process, look: str) -> Studio:
    """The studio, locked, in that look."""
    studio = Studio(visit(process.url, **LOOKS[look]), process)
    studio.page.goto(f"{process.url}/_studio/")
    expect(studio.button("Unlock")).to_be_visible()
    return studio


def test_every_state(looked: Studio, look: str, name: str) -> None:
    """Locked, refused, empty, with a picture, failed, asking before it deletes."""
    looked.visit.expect("status of 4")
    judged(looked, f"{look}, locked")
    looked.unlock("not the secret")
    looked.failed("secret", "lock-said")
    judged(looked, f"{look}, refused")
    looked.unlock()
    looked.entered()
    judged(looked, f"{look}, empty")
    looked.upload(scenes.photo(), name)
    judged(looked, f"{look}, with a picture")
    looked.choose(File("notes.jpg", b"not a picture"))
    judged(looked, f"{look}, with a file in the queue")
    looked.field("textbox", "Id").fill(f"{name}-2")
    looked.button("Upload").click()
    looked.failed("not an accepted format", "queue")
    looked.field("checkbox", "Select all shown").check()
    judged(looked, f"{look}, after an error")
    for view, done in (("Formats", ".badge"), ("Srcset", "#srcset-total"), ("Code", "#code-hint")):
        looked.view(view)
        expect(looked.page.locator(f"{done}:not([hidden], :empty)")).to_have_count(1)
        judged(looked, f"{look}, view {view}")
    looked.view("Original")
    judged(looked, f"{look}, view Original")
    looked.page.locator("#chips").get_by_role("button", name="Free").click()
    looked.shown("rect=")
    judged(looked, f"{look}, crop frame")
    looked.button("Delete picture").click()
    expect(looked.dialog).to_be_visible()
    judged(looked, f"{look}, asking")


def test_headings_and_landmarks(opened: Studio, name: str) -> None:
    """A screen reader finds its way: one main, one first heading, no level left out."""
    page = opened.page
    assert page.get_by_role("main").count() == 1
    assert page.get_by_role("heading", level=1).count() == 1
    script = """() => [...document.querySelectorAll("h1, h2, h3, h4")]
        .filter((each) => each.checkVisibility()).map((each) => Number(each.tagName[1]))"""
    levels = page.evaluate(script)
    steps = [after - before for before, after in itertools.pairwise(levels)]
    assert max(steps) <= 1, levels
    for heading in (name, "Knobs", "Pictures"):
        assert opened.field("heading", heading).count() == 1


def test_what_happens_is_announced(opened: Studio) -> None:
    """The live region says what has come of a turned knob."""
    expect(opened.status).to_have_attribute("role", "status")
    opened.field("spinbutton", "Width").fill("77")
    opened.shown("_77_")
    expect(opened.status).to_contain_text("77 × 51")


def test_pictures_have_alternatives(opened: Studio, name: str) -> None:
    """They say which picture it is, and what has become of it."""
    expect(opened.page.locator("#original-image")).to_have_attribute("alt", f"The original {name}")
    expect(opened.page.locator("#rendition-image")).to_have_attribute(
        "alt", re.compile("480 × 320")
    )
