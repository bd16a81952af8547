"""The page at `/` and those about errors, as a browser asks for them and shows them."""

from collections.abc import Callable
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Page, expect
from web import servers

from .chromium import Visit, needs_chromium

pytestmark = [pytest.mark.long, needs_chromium]

Open = Callable[..., Visit]

LOOKS: dict[str, dict[str, Any]] = {
    "light": {"color_scheme": "light"},
    "dark": {"color_scheme": "dark"},
    "phone": {"viewport": {"width": 320, "height": 640}, "color_scheme": "dark"},
}

GROUNDS = {"light": "rgb(255, 255, 255)", "dark": "rgb(18, 18, 18)", "phone": "rgb(18, 18, 18)"}


def judged(page: Page, look: str) -> None:
    """The style is applied, nothing is wider than the screen, and axe finds nothing."""
    expect(page.locator("dl")).to_have_css("display", "grid")
    expect(page.locator("body")).to_have_css("background-color", GROUNDS[look])
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
    found: dict[str, Any] = Axe().run(page).response
    assert [each["id"] for each in found["violations"]] == []


@pytest.mark.parametrize("look", LOOKS)
def test_pages_are_read_in_every_look(visit: Open, process: servers.Process, look: str) -> None:
    """`/` leads to the studio and to the contract; an error says what it is and its id."""
    opened = visit(process.url, **LOOKS[look])
    page = opened.page
    page.goto(f"{process.url}/")
    judged(page, look)
    expect(page.get_by_role("heading")).to_have_text("liveresize")
    page.get_by_role("link", name="API").press("Enter")
    expect(page).to_have_url(f"{process.url}/openapi.json")
    page.go_back()
    page.get_by_text("try all options").click()  # all of a link's box leads there
    expect(page).to_have_title("liveresize studio")

    opened.expect("status of 4")
    page.goto(f"{process.url}/{'a-long-name' * 20}_10_10.jpg?fit=contain")
    judged(page, look)
    expect(page).to_have_title("400 bad_parameter")
    expect(page.locator("main")).to_contain_text("Did you mean clip?")


def test_an_image_of_a_page_gets_no_page(visit: Open, process: servers.Process) -> None:
    """And neither does a script: only a URL that is opened itself."""
    opened = visit(process.url)
    opened.expect("status of 404")
    opened.page.goto(f"{process.url}/")
    kinds: list[str] = []
    opened.page.on("response", lambda answer: kinds.append(answer.headers["content-type"]))
    opened.page.evaluate(
        """() => new Promise((done) => {
            const image = new Image();
            image.onerror = done;
            image.src = "/nobody_10_10.jpg";
        })"""
    )
    assert kinds == ["application/json; charset=utf-8"]
