"""The studio behind a secret: asked for, kept in memory alone, forgotten."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect
from web import servers

from . import scenes
from .applications import Application
from .chromium import Visit, needs_chromium
from .studio import Studio

pytestmark = [pytest.mark.long, needs_chromium]

Open = Callable[..., Visit]

REFUSED = {"img-src", "script-src-attr", "script-src-elem", "style-src-attr"}
"""Directives of the policy, each for one of the things that a test puts into the page."""

KEPT = """async () => JSON.stringify([
    {...localStorage}, {...sessionStorage}, document.cookie, location.href, history.state,
    window.name, document.documentElement.outerHTML, (await indexedDB.databases()).length,
    "caches" in window ? await caches.keys() : [],
])"""
"""Wherever a page could keep something that a reload or another page finds."""


def test_a_wrong_secret_is_refused_in_words(
    visit: Open, process: servers.Process, name: str
) -> None:
    """Nothing works before the right one is given; then all does."""
    visited = visit(process.url)
    visited.expect("status of 40[13]")
    studio = Studio(visited, process)
    studio.page.goto(f"{process.url}/_studio/")
    expect(studio.field("searchbox", "Id of a picture")).to_be_hidden()
    expect(studio.button("Choose pictures")).to_be_hidden()
    studio.unlock("not the secret")
    studio.failed("The secret is missing or wrong.", "lock-said")
    expect(studio.button("Unlock")).to_be_visible()
    studio.unlock()
    studio.entered()
    studio.upload(scenes.photo(), name)


def test_a_reload_forgets_the_secret(opened: Studio) -> None:
    """It is in no storage, cookie, address or element, and not in the log of the server."""
    assert servers.ADMIN not in opened.page.evaluate(KEPT)
    assert opened.visit.context.cookies() == []
    assert opened.page.get_by_label("Admin secret", exact=True).input_value() == ""
    opened.page.reload()
    expect(opened.button("Unlock")).to_be_visible()
    expect(opened.button("Choose pictures")).to_be_hidden()
    assert servers.ADMIN not in opened.page.evaluate(KEPT)
    assert servers.ADMIN not in opened.process.log.read_text()


def test_without_a_secret_it_is_open_to_the_machine_itself(
    visit: Open, bare: servers.Process, name: str
) -> None:
    """As scripts/serve starts it: uploads work, deleting is off and says why."""
    studio = Studio(visit(bare.url), bare)
    studio.enter(secret="")
    studio.upload(scenes.photo(), name)
    studio.view("Original")
    button = studio.button("Delete picture")
    expect(button).to_be_disabled()
    described = button.get_attribute("aria-describedby") or ""
    assert "admin.secrets" in studio.page.locator(f"#{described}").inner_text()


def test_where_tokens_want_a_secret(visit: Open, tmp_path: Path, name: str) -> None:
    """A server with that alone: the page asks for it before it uploads, and keeps it as little."""
    with servers.Process(tmp_path, studio=True, secret=servers.SECRET) as process:
        visited = visit(process.url)
        visited.expect("status of 401")
        studio = Studio(visited, process)
        studio.enter(secret="")
        studio.choose(scenes.photo())
        studio.field("textbox", "Id").fill(name)
        studio.button("Upload").click()
        studio.failed("secret", "queue")
        studio.page.get_by_label("Upload secret", exact=True).fill(servers.SECRET)
        studio.button("Upload").click()
        studio.shown(f"/{name}_")
        assert servers.SECRET not in studio.page.evaluate(KEPT)


def test_no_other_page_frames_it(visit: Open, process: servers.Process) -> None:
    """A page of another origin that puts it into a frame shows nothing of it."""
    with Application(dict) as stranger:
        visited = visit(stranger.url, process.url)
        visited.expect("frame-ancestors", "X-Frame-Options", "net::ERR_BLOCKED_BY_RESPONSE")
        visited.page.goto(stranger.url)
        script = """(url) => new Promise((resolve) => {
            const frame = document.createElement("iframe");
            frame.onload = () => resolve();
            frame.src = url;
            document.body.append(frame);
        })"""
        visited.page.evaluate(script, f"{process.url}/_studio/")
        servers.until(lambda: "studio" not in visited.page.frames[-1].content())
        servers.until(lambda: visited.page.title() and visited.wrong)
        assert "frame-ancestors" in " ".join(visited.wrong)


def test_the_policy_stops_foreign_code(opened: Studio) -> None:
    """Whatever got into the page, inline scripts, handlers and foreign pictures do nothing."""
    opened.visit.expect("policy: ", "Content Security Policy", "https://evil.test/")
    script = """() => {
        document.body.insertAdjacentHTML("beforeend", `
            <img src="https://evil.test/pixel.png" onerror="window.ran = true">
            <p style="color: red" id="styled">text</p>`);
        const script = document.createElement("script");
        script.textContent = "window.ran = true";
        document.body.append(script);
    }"""
    opened.page.evaluate(script)
    servers.until(lambda: _refused(opened) >= REFUSED)
    assert opened.page.evaluate("() => window.ran") is None


def _refused(studio: Studio) -> set[str]:
    """The directives by which the policy has refused something."""
    studio.page.evaluate("() => null")  # the events come in while playwright is at work
    told = (re.search("policy: ([a-z-]+) refused", each) for each in studio.visit.wrong)
    return {found[1] for found in told if found}
