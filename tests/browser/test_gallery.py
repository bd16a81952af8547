"""The pictures of a server: found, browsed, and treated many at a time."""

from collections.abc import Callable, Iterator

import httpx
import pytest
from playwright.sync_api import Locator, Route, expect
from web import pictures, servers

from .chromium import Visit, needs_chromium
from .studio import Studio, focused

pytestmark = [pytest.mark.long, needs_chromium]

BEARER = {"Authorization": f"Bearer {servers.ADMIN}"}

MANY = 64
"""Pictures of one page of the gallery, and a few."""


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Process]:
    """A server with a studio behind a secret, and `a-00`, `a-01` and so on in it."""
    with servers.Process(
        tmp_path_factory.mktemp("full"),
        studio=True,
        secret=servers.SECRET,
        admin__secrets=[servers.ADMIN],
        presets={"card": {"fit": "crop"}},
    ) as process:
        for number in range(MANY):
            process.client.put_in(f"a-{number:02}", pictures.jpeg(60, 40))
        yield process


@pytest.fixture
def gallery(visit: Callable[..., Visit], full: servers.Process) -> Studio:
    """The studio, with a window in which not all pictures are in sight."""
    studio = Studio(visit(full.url, viewport={"width": 1280, "height": 720}), full)
    studio.enter()
    return studio


def items(studio: Studio) -> Locator:
    """The pictures that are listed."""
    return studio.field("list", "Pictures").get_by_role("listitem")


def change(studio: Studio, name: str, **fields: object) -> httpx.Response:
    """Record something of a picture, as its application does."""
    answer = studio.process.client.patch(f"/{name}", headers=BEARER, json=fields)
    assert answer.status_code == 200, answer.text
    return answer


def put(studio: Studio, *names: str) -> None:
    """Put pictures in, and list those whose ids begin as the first does."""
    for each in names:
        studio.process.client.put_in(each, pictures.jpeg(60, 40))
    studio.field("searchbox", "Id of a picture").fill(names[0][:-1])
    expect(items(studio)).to_have_count(len(names))


def select(studio: Studio, name: str, *modifiers: str) -> None:
    """Click the box of a picture."""
    studio.field("checkbox", f"Select {name}").click(modifiers=list(modifiers))  # type: ignore[arg-type]


def test_the_pictures_of_the_server_are_browsed(gallery: Studio) -> None:
    """Page by page as one scrolls, searched while one types, opened by the keyboard."""
    shown = items(gallery)
    expect(shown.first).to_contain_text("a-00")
    with gallery.page.expect_response("**/_pictures?prefix=a-&**"):
        gallery.field("searchbox", "Id of a picture").fill("a-")
    gallery.page.mouse.move(900, 500)
    gallery.page.mouse.wheel(0, 20_000)
    expect(shown).to_have_count(MANY)
    gallery.field("searchbox", "Id of a picture").fill("a-1")
    expect(shown).to_have_count(10)
    gallery.button("a-10").focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowLeft", "End", "ArrowDown", "Home"):
        gallery.page.keyboard.press(key)
    gallery.page.keyboard.press("ArrowRight")
    assert focused(gallery.button("a-11"))
    gallery.page.keyboard.press("Enter")
    gallery.shown("/a-11_")
    expect(gallery.heading).to_be_focused()
    expect(gallery.button("a-11")).to_have_attribute("aria-current", "true")
    gallery.visit.expect("status of 404")
    gallery.field("searchbox", "Id of a picture").fill("a-nothing")
    expect(gallery.page.locator("#none")).to_contain_text("None like that")
    gallery.page.keyboard.press("Enter")
    gallery.failed(".", "open-said")
    gallery.open("a-20")


def test_states_are_told_apart(gallery: Studio, name: str) -> None:
    """What is held and what will expire has a badge; each can be listed alone, and released."""
    gallery.visit.expect("status of 404")
    ids = [f"{name}-{end}" for end in "abc"]
    put(gallery, *ids)
    change(gallery, ids[0], held=True)
    change(gallery, ids[1], keep_until="2090-01-02T03:04:05Z")
    state = gallery.field("combobox", "Show")
    for chosen, text in (("expiring", f"{ids[1]}until 2090-01-02"), ("held", f"{ids[0]}held")):
        state.select_option(chosen)
        expect(items(gallery)).to_have_text([text])
    select(gallery, ids[0])
    gallery.button("Release").click()
    expect(gallery.status).to_have_text("Released 1 picture.")
    expect(items(gallery)).to_have_text([ids[0]])
    assert gallery.process.client.get(f"/{ids[0]}_10_10.jpg").status_code == 200
    state.select_option("opened here")
    expect(gallery.field("heading", "Recent pictures")).to_be_visible()


def test_many_are_deleted_at_once(gallery: Studio, name: str) -> None:
    """A range by Shift; the question says how many; what fails is told by id, and stays."""
    ids = [f"{name}-{end}" for end in "abcd"]
    gone = f"{name}-e"
    put(gallery, *ids, gone)
    gallery.button(ids[1]).click()
    gallery.shown(f"/{ids[1]}_")
    select(gallery, gone)
    gallery.process.client.delete(f"/{gone}", headers=BEARER)
    gallery.field("searchbox", "Id of a picture").fill(name)
    expect(items(gallery)).to_have_count(4)
    select(gallery, ids[2], "Shift")
    expect(gallery.page.locator("#many-count")).to_have_text("1 selected")
    select(gallery, ids[2])
    select(gallery, ids[0])
    select(gallery, ids[2], "Shift")
    expect(gallery.page.locator("#many-count")).to_have_text("3 selected")
    delete = gallery.page.locator("#many").get_by_role("button", name="Delete", exact=True)
    delete.click()
    dialog = gallery.page.get_by_role("dialog", name="Delete 3 pictures?", exact=True)
    expect(dialog).to_contain_text(", ".join(ids[:3]))
    dialog.get_by_role("button", name="Keep", exact=True).click()
    expect(items(gallery)).to_have_count(4)
    gallery.visit.expect("status of 503")
    broken = '{"error": "The index is away.", "code": "index_unavailable"}'

    def refuse(route: Route) -> None:
        if route.request.method == "DELETE":
            route.fulfill(status=503, body=broken)
        else:
            route.fallback()

    gallery.page.route(f"**/{ids[2]}", refuse)
    delete.click()
    dialog.get_by_role("button", name="Delete", exact=True).click()
    expect(gallery.status).to_have_text("Deleted 2 of 3 pictures. 1 failed.")
    expect(gallery.field("list", "What failed")).to_have_text(f"{ids[2]}: The index is away.")
    expect(items(gallery)).to_have_text(ids[2:])
    assert not gallery.page.locator("#stage").is_visible(), "the open one is deleted, too"
    statuses = [gallery.process.client.get(f"/{each}.json").status_code for each in ids]
    assert statuses == [404, 404, 200, 200]


def test_many_are_warmed_at_once(gallery: Studio, name: str) -> None:
    """With the knobs as they stand, and with each preset: nobody waits for these any more."""
    ids = [f"{name}-{end}" for end in "ab"]
    put(gallery, *ids)
    gallery.open(ids[0])
    gallery.field("spinbutton", "Width").fill("31")
    gallery.field("combobox", "Format").select_option("webp")
    gallery.shown("_31_40.webp")
    gallery.field("searchbox", "Id of a picture").fill(name)
    expect(items(gallery)).to_have_count(2)
    gallery.field("checkbox", "Select all shown").check()
    expect(gallery.page.locator("#many-count")).to_have_text("2 selected")
    gallery.button("Warm").click()
    expect(gallery.status).to_have_text("Warmed 2 pictures.")
    for query in ("", "?preset=card"):
        answer = gallery.process.client.get(f"/{ids[1]}_31_40.webp{query}")
        assert answer.headers["X-Cache"].startswith("HIT"), answer.headers
