"""Many files at once: named, sent two at a time, gone on with, and what is offered of each."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Request, Route, expect
from web import pictures, servers

from . import scenes
from .chromium import Visit, needs_chromium
from .cutting import CuttingProxy
from .studio import File, Studio

pytestmark = [pytest.mark.long, needs_chromium]

CUTS = 12

FIRST = "() => document.querySelector('#pictures > li')?.dataset.id"
"""The id of the first picture of the gallery."""


def test_several_are_put_in_at_once(studio: Studio, name: str) -> None:
    """Each has an id of its own; two are on their way, and one that waits can be called back."""
    name = f"{name}-cat"
    held: list[Route] = []
    studio.page.route("**/_studio/token", lambda route: held.append(route))
    same = scenes.photo(f"{name}.jpg")
    studio.choose(same, scenes.photo(f"{name}-b.png"), same)
    ids = studio.field("textbox", "Id")
    assert [each.input_value() for each in ids.all()] == [name, f"{name}-b", f"{name}-2"]
    ids.last.fill(f"{name}-c")
    studio.page.keyboard.press("Enter")
    last = studio.row(f"{name}.jpg").last
    expect(last).to_contain_text("Waits for its turn.")
    servers.until(lambda: studio.page.title() and len(held) == 2)
    last.get_by_role("button", name="Cancel").click()
    expect(studio.button("Upload")).to_be_enabled()
    for route in held:
        route.continue_()
    studio.page.unroute("**/_studio/token")
    studio.shown(f"/{name}_")  # the first, for none was open
    expect(ids).to_have_count(1)
    studio.choose(scenes.photo(f"{name}-d.jpg"))
    studio.button("Upload 2 pictures").click()
    expect(studio.status).to_have_text("Uploaded 2 pictures.")
    expect(studio.heading).to_have_text(name)
    servers.until(lambda: studio.page.evaluate(FIRST) == f"{name}-c")
    for end in ("", "-b", "-c", "-d"):
        assert studio.process.client.get(f"/{name}{end}.json").status_code == 200


def test_a_broken_connection_costs_what_was_under_way(
    visit: Callable[..., Visit], process: servers.Process, name: str
) -> None:
    """The upload goes on by itself, with the bytes that had not arrived and no others."""
    file = File(f"{name}.jpg", pictures.noise(1600, 1200, quality=95))
    begun: list[int] = []

    def seen(request: Request) -> None:
        if request.method == "PATCH":
            begun.append(int(request.headers["upload-offset"]))

    # Chromium itself sends a request again, from its beginning, whose connection had been in use.
    with CuttingProxy(process.port, times=CUTS, size=len(file.data) // CUTS) as way:
        visited = visit(f"http://127.0.0.1:{way.port}")
        visited.expect("net::ERR_", "status of 409")
        studio = Studio(visited, process)
        studio.page.on("request", seen)
        studio.page.goto(f"{visited.home}/_studio/")
        studio.unlock()
        studio.upload(file, name)
        visited.context.close()  # and its connections
    assert process.client.get(f"/{name}.json").json()["bytes"] == len(file.data)
    assert begun == sorted(begun)
    assert 0 == begun[0] < begun[-1], begun


def test_an_id_that_is_taken(opened: Studio, name: str) -> None:
    """The picture that has it is opened, or replaced; or the file gets the next id that is free."""
    opened.visit.expect("status of 403")
    name = f"{name}-cat"
    for end in ("", "-2"):
        opened.process.client.put_in(f"{name}{end}", scenes.jpeg())
    file = File(f"{name}.png", pictures.png(40, 30), "image/png")
    opened.choose(file, file)
    opened.field("textbox", "Id").last.fill(name)
    opened.button("Upload 2 pictures").click()
    row = opened.row(file.name).first
    expect(row).to_contain_text("already uploaded")
    expect(row.get_by_role("button")).to_have_text(
        ["Open", "Replace", f"Upload as {name}-3", "Remove"]
    )
    opened.field("spinbutton", "Width").fill("33")
    opened.shown("_33_")
    row.get_by_role("button", name="Open", exact=True).click()
    expect(opened.heading).to_be_focused()
    row.get_by_role("button", name=f"Upload as {name}-3").click()
    opened.shown(f"/{name}-3_")
    opened.button("Replace").click()
    dialog = opened.page.get_by_role("dialog", name="Replace this picture?", exact=True)
    dialog.get_by_role("button", name="Replace", exact=True).click()
    opened.shown(f"/{name}_")
    expect(opened.page.locator("#facts")).to_contain_text("40 × 30")
    formats = [
        opened.process.client.get(f"/{name}{end}.json").json()["format"] for end in ("", "-3")
    ]
    assert formats == ["png", "png"]


def test_what_failed_is_tried_again(
    visit: Callable[..., Visit], bare: servers.Process, name: str
) -> None:
    """By its own button, or with all others; and without a secret nothing is replaced."""
    name = f"{name}-cat"
    visited = visit(bare.url)
    visited.expect("status of (500|403)")
    studio = Studio(visited, bare)
    studio.enter(secret="")
    broken = '{"error": "Something went wrong.", "code": "internal"}'
    studio.page.route("**/token", lambda route: route.fulfill(status=500, body=broken))
    studio.choose(scenes.photo(f"{name}.jpg"))
    studio.button("Upload").click()
    studio.failed("Something went wrong.", "queue")
    expect(studio.button("Upload")).to_be_enabled()
    studio.page.unroute("**/token")
    studio.button("Retry").click()
    studio.shown(f"/{name}_")
    studio.choose(scenes.photo(f"{name}.jpg"))
    studio.button("Upload").click()
    studio.button(f"Upload as {name}-2").click()
    studio.shown(f"/{name}-2_")
    studio.choose(scenes.photo(f"{name}.jpg"))
    studio.button("Upload").click()
    expect(studio.row(f"{name}.jpg").get_by_role("button")).to_have_text(
        ["Open", f"Upload as {name}-2", "Remove"]
    )
    studio.button("Remove").click()
    expect(studio.page.locator("#upload")).to_be_hidden()
