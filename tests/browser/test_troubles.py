"""What goes wrong is said in words, and the page goes on from there."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect
from web import pictures, servers

from . import scenes
from .chromium import Visit, needs_chromium
from .studio import File, Studio

pytestmark = [pytest.mark.long, needs_chromium]


@pytest.mark.parametrize(
    ("file", "status", "words"),
    [
        (
            File("notes.jpg", b"These are notes, not a picture.\n" * 20),
            415,
            "not an accepted format",
        ),
        (File("half.png", pictures.png(200, 200)[:-500], "image/png"), 4, "damaged"),
    ],
    ids=["text", "cut off"],
)
def test_a_file_that_is_no_picture(
    studio: Studio, name: str, file: File, status: int, words: str
) -> None:
    """The sentence of the server; then a real picture goes in under the same id."""
    studio.visit.expect(f"status of {status}")
    studio.choose(file)
    studio.field("textbox", "Id").fill(name)
    studio.button("Upload").click()
    studio.failed(words, "queue")
    studio.upload(scenes.photo(), name)


def test_a_file_that_is_too_large(studio: Studio, name: str) -> None:
    """It is said with the limit, before a byte of it is sent."""
    studio.choose(File("large.jpg", bytes(5 << 20)))
    studio.failed("4,194,304 bytes", "queue")
    expect(studio.button("Upload")).to_be_disabled()
    assert not any(url.endswith(f"/{name}") for url in studio.visit.asked), "not sent at all"
    studio.upload(scenes.photo(), name)


def test_an_id_that_there_is_not(studio: Studio, name: str) -> None:
    """It is said, and nothing is remembered of it."""
    studio.visit.expect("status of 404")
    studio.field("searchbox", "Id of a picture").fill(name)
    studio.button("Open").click()
    studio.failed(".", "open-said")
    expect(studio.page.locator("#pictures")).not_to_contain_text(name)


def test_a_server_that_dies_and_comes_back(
    visit: Callable[..., Visit], tmp_path: Path, name: str
) -> None:
    """The page says that there is no answer, and works again when there is one."""
    with servers.Process(tmp_path, studio=True) as process:
        visited = visit(process.url)
        visited.expect("net::ERR_", "Failed to load resource")
        studio = Studio(visited, process)
        studio.enter(secret="")
        studio.upload(scenes.photo(), name)
        process.kill()
        studio.field("spinbutton", "Width").fill("99")
        studio.failed("does not answer", "rendition-said")
        expect(studio.page.locator("html")).to_have_attribute("data-state", "failed")
        port = process.port
    with servers.Process(tmp_path, studio=True, listen_port=port):
        studio.field("spinbutton", "Width").fill("98")
        studio.shown("_98_")
        assert studio.pixels().width == 98
