"""Pictures that were there before: remembered by id, forgotten, deleted."""

import pytest
from playwright.sync_api import Locator, expect
from web import pictures, servers

from . import scenes
from .chromium import needs_chromium
from .studio import Studio

pytestmark = [pytest.mark.long, needs_chromium]


REMEMBER = """(ids) => {
    for (const [key, value] of Object.entries({...localStorage})) {
        if (value.includes(ids[0])) localStorage.setItem(key, JSON.stringify(ids));
    }
}"""
"""Ids, as the page itself keeps them."""


def shelf(studio: Studio) -> Locator:
    """The list of recent pictures; the page may list those of the server before."""
    if not studio.field("heading", "Recent pictures").is_visible():
        studio.field("combobox", "Show").select_option("opened here")
    return studio.page.get_by_role("list", name="Recent pictures", exact=True)


def test_recent_pictures_survive_a_reload(opened: Studio, name: str) -> None:
    """They are remembered in this browser by their ids, and opened by a click."""
    opened.process.client.put_in(f"{name}-b", scenes.jpeg())
    opened.open(f"{name}-b")
    kept = opened.page.evaluate("() => JSON.stringify({...localStorage})")
    assert name in kept
    opened.page.reload()
    opened.unlock(servers.ADMIN)
    expect(shelf(opened)).to_contain_text(f"{name}-b")
    entries = shelf(opened).get_by_role("button").filter(has_text=name)
    entries.last.click()
    opened.shown(f"/{name}_")


def test_one_can_be_forgotten(opened: Studio, name: str) -> None:
    """It leaves the list and stays on the server."""
    listed = shelf(opened)
    listed.get_by_label(f"Select {name}", exact=True).check()
    opened.button("Remove from list").click()
    expect(listed).not_to_contain_text(name)
    assert opened.process.client.get(f"/{name}.json").status_code == 200


def test_back_leads_to_the_picture_before(opened: Studio, name: str) -> None:
    """With the knobs as they were left."""
    opened.field("spinbutton", "Width").fill("123")
    opened.shown(f"/{name}_123_")
    opened.process.client.put_in(f"{name}-b", scenes.jpeg())
    opened.open(f"{name}-b")
    opened.page.go_back()
    opened.shown(f"/{name}_123_")
    opened.page.go_forward()
    opened.shown(f"/{name}-b_")


def test_at_most_so_many_are_remembered(studio: Studio, name: str) -> None:
    """24; the oldest makes room."""
    ids = [f"{name}-{index}" for index in range(25)]
    for each in ids:
        studio.process.client.put_in(each, pictures.jpeg())
    # As if all but the last had been opened before.
    studio.open(ids[0])
    studio.page.evaluate(REMEMBER, ids[:-1])
    studio.page.reload()
    studio.unlock()
    items = shelf(studio).get_by_role("listitem")
    expect(items).to_have_count(24)
    studio.open(ids[-1])
    expect(items).to_have_count(24)
    expect(items.first).to_contain_text(ids[-1])
    expect(items.last).to_contain_text(ids[-3])


def test_deleting_asks_first(opened: Studio, name: str) -> None:
    """Keep keeps; Delete deletes on the server and from the list."""
    opened.view("Original")
    button = opened.button("Delete picture")
    dialog = opened.dialog
    button.click()
    expect(dialog).to_be_visible()
    expect(dialog).to_contain_text(name)
    dialog.get_by_role("button", name="Keep", exact=True).click()
    expect(dialog).to_be_hidden()
    assert opened.process.client.get(f"/{name}.json").status_code == 200
    button.click()
    dialog.get_by_role("button", name="Delete", exact=True).click()
    expect(dialog).to_be_hidden()
    servers.until(lambda: opened.process.client.get(f"/{name}.json").status_code == 404)
    expect(opened.status).to_contain_text(name)
    expect(shelf(opened)).not_to_contain_text(name)
