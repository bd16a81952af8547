"""The tiles of the studio in a browser: live figures of a real server, asked for while seen."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Page, expect
from web import servers

from . import scenes
from .chromium import Visit, needs_chromium

pytestmark = [pytest.mark.long, needs_chromium]

START = """async () => {
    const { start, stop } = await import("/_studio/tiles.js");
    window.asked = 0;
    window.answer = (path) => fetch(`/${path}`);
    const place = document.createElement("section");
    place.id = "tried";
    document.querySelector("main").replaceChildren(place);
    start(place, (path) => {
        window.asked += 1;
        return window.answer(path);
    });
    window.end = stop;
}"""
"""A place for the tiles alone, and what the page asked for."""

STATUS = "#tried [role=status]"

NEXT = 5_000
"""Milliseconds until the tiles ask again."""


@pytest.fixture
def page(visit: Callable[..., Visit], bare: servers.Process) -> Iterator[Page]:
    """The studio, with tiles in it and time in the hand of the test."""
    page = visit(bare.url).page
    page.clock.install()
    page.goto(f"{bare.url}/_studio/")
    page.evaluate(START)
    page.wait_for_function("() => window.asked === 1")
    yield page
    page.evaluate("() => window.end()")


def texts(page: Page) -> dict[str, str]:
    """What each tile shows, by its name."""
    tiles = page.locator("#tried .tile").all()
    return {each.locator("h3").inner_text(): each.locator("p").inner_text() for each in tiles}


def asked(page: Page) -> int:
    count: int = page.evaluate("() => window.asked")
    return count


def test_figures_of_the_server_are_live(page: Page, bare: servers.Process, name: str) -> None:
    """Rates after the second reading; said to screen readers in words, and never by itself."""
    chart = page.get_by_role("img", name="Hits, last ten minutes: no figures yet")
    expect(chart).to_be_attached()
    queue = page.get_by_role("img", name="Queue, last ten minutes: from 0 to 0 jobs")
    expect(queue).to_be_visible()
    assert texts(page)["Hits"] == "– /s"
    bare.client.put_in(name, scenes.jpeg())
    for _ in range(20):
        bare.client.get(f"/{name}_50_0.jpg")
    page.clock.fast_forward(NEXT)
    expect(page.get_by_role("img", name="Hits, last ten minutes: from")).to_be_visible()
    told = texts(page)
    assert list(told) == [*("Hits", "Renders", "Hit ratio", "Response p95", "Queue", "Backlog")]
    # 19 in 5 seconds and as long as all this takes.
    assert 0 < float(told["Hits"].removesuffix(" /s")) <= 4
    assert told["Hit ratio"] == "95 %"
    assert float(told["Response p95"].removesuffix(" ms")) > 0
    assert page.locator("#tried [aria-live]").count() == 0
    expect(page.locator(STATUS)).to_be_empty()
    found: dict[str, Any] = Axe().run(page, context="#tried").response
    assert [each["id"] for each in found["violations"]] == []


def test_nothing_is_asked_unless_it_can_be_seen(page: Page) -> None:
    """A place that is hidden, a tab behind others, and tiles that were stopped ask nothing."""
    page.evaluate("() => { document.querySelector('#tried').hidden = true; }")
    page.wait_for_function(  # what the tiles watch for has been told to this watcher, too
        """() => new Promise((done) => {
            const place = document.querySelector("#tried");
            new IntersectionObserver(() => done(true)).observe(place);
        })"""
    )
    page.clock.fast_forward(4 * NEXT)
    assert asked(page) == 1
    page.evaluate("() => { document.querySelector('#tried').hidden = false; }")
    page.wait_for_function("() => window.asked === 2")  # at once
    behind = "() => Object.defineProperty(document, 'visibilityState', { value: 'hidden' })"
    page.evaluate(behind)
    page.clock.fast_forward(4 * NEXT)
    assert asked(page) == 2


def test_a_refusal_is_said_once_and_ends_it(page: Page) -> None:
    """A server that fails is asked again."""
    status = page.locator(STATUS)
    page.evaluate("() => { window.answer = () => Promise.reject(new Error('away')); }")
    page.clock.fast_forward(NEXT)
    expect(status).to_have_text("The figures cannot be read just now.")
    page.evaluate("() => { window.answer = (path) => fetch(`/${path}`); }")
    page.clock.fast_forward(NEXT)
    expect(status).to_be_empty()
    page.evaluate("() => { window.answer = async () => new Response('', { status: 403 }); }")
    page.clock.fast_forward(NEXT)
    expect(status).to_have_text(
        "The server shows figures in admin.networks only, or with an admin secret."
    )
    page.clock.fast_forward(4 * NEXT)
    assert asked(page) == 4


def test_the_page_has_them_behind_a_button(
    visit: Callable[..., Visit], bare: servers.Process
) -> None:
    """Above the panes, which make room; nothing is asked for while they are not wanted."""
    page = visit(bare.url).page
    polls: list[str] = []
    page.on("request", lambda sent: polls.append(sent.url) if "_metrics" in sent.url else None)
    page.goto(f"{bare.url}/_studio/")
    toggle = page.get_by_role("button", name="Activity", exact=True)
    expect(toggle).to_have_attribute("aria-expanded", "false")
    assert polls == []
    toggle.click()
    queue = page.get_by_role("img", name="Queue, last ten minutes: from 0 to 0 jobs")
    expect(queue).to_be_visible()
    tiles = page.locator("#activity").bounding_box()
    desk = page.locator("#desk").bounding_box()
    assert tiles is not None
    assert desk is not None
    assert tiles["y"] + tiles["height"] <= desk["y"]
    toggle.click()
    expect(queue).to_be_hidden()
    expect(toggle).to_have_attribute("aria-expanded", "false")
