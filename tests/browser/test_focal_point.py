"""The focal point: dragged with the pointer, moved with the arrow keys."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect
from web import servers

from . import scenes
from .chromium import Visit, needs_chromium
from .studio import Studio, focused
from .test_keyboard import tab_to

pytestmark = [pytest.mark.long, needs_chromium]


@pytest.fixture
def cropped(opened: Studio) -> Studio:
    """A narrow crop, so that the focal point decides what is kept."""
    opened.field("spinbutton", "Width").fill("70")
    opened.field("spinbutton", "Height").fill("100")
    opened.field("combobox", "Fit").select_option("crop")
    opened.shown("_70_100.", "fit=crop")
    opened.view("Original")
    return opened


def focal(url: str) -> tuple[float, float]:
    """The focal point in an address."""
    found = re.search(r"gravity=([0-9.]+),([0-9.]+)", url)
    assert found is not None, url
    return float(found[1]), float(found[2])


def drag(studio: Studio, x: float, y: float) -> None:
    """Drag the focal point to there, as parts of the sides of the original."""
    marker = studio.button("Focal point")
    marker.scroll_into_view_if_needed()
    box = studio.page.locator("#original-image").bounding_box()
    grip = marker.bounding_box()
    assert box is not None
    assert grip is not None
    mouse = studio.page.mouse
    mouse.move(grip["x"] + grip["width"] / 2, grip["y"] + grip["height"] / 2)
    mouse.down()
    for step in (0.3, 0.7, 1.0):
        across, down = 0.5 + step * (x - 0.5), 0.5 + step * (y - 0.5)
        mouse.move(box["x"] + across * box["width"], box["y"] + down * box["height"])
    mouse.up()


def test_it_is_dragged(cropped: Studio) -> None:
    """To the right: the green and yellow quarters are what is kept."""
    drag(cropped, 0.9, 0.5)
    x, y = focal(cropped.shown("gravity=0.9"))
    assert abs(x - 0.9) < 0.03
    assert abs(y - 0.5) < 0.03
    assert "".join(scenes.corners(cropped.pixels())) == "GGYY"


def test_it_stays_on_what_it_points_at(cropped: Studio) -> None:
    """A picture that is turned over keeps the quarters under the point, at its other end."""
    drag(cropped, 0.9, 0.5)
    cropped.shown("gravity=0.9")
    cropped.field("combobox", "Rotate").select_option("180")
    x, _ = focal(cropped.shown("rotate=180"))
    assert abs(x - 0.1) < 0.03
    assert "".join(scenes.corners(cropped.pixels())) == "YYGG"


def test_it_is_moved_by_keys(cropped: Studio) -> None:
    """Each arrow moves it a little its way, and no further than the edge."""
    marker = cropped.button("Focal point")
    marker.focus()
    for _ in range(3):
        cropped.page.keyboard.press("ArrowLeft")
    cropped.page.keyboard.press("ArrowUp")
    servers.until(lambda: max(focal(cropped.shown("gravity=0.4"))) < 0.5)
    for _ in range(120):
        cropped.page.keyboard.press("ArrowLeft")
    cropped.shown("gravity=0,")
    assert "".join(scenes.corners(cropped.pixels())) == "RRBB"
    assert focused(marker)


LISTEN = """() => {
    const status = document.querySelector("#status");
    window.heard = [];
    const hear = new MutationObserver(() => window.heard.push(status.textContent));
    hear.observe(status, { childList: true });
}"""
"""Keeps what the live region says: the next rendition has its own words soon."""


def hears(studio: Studio, words: str) -> None:
    """Return once the live region has said so."""
    studio.page.wait_for_function("(words) => window.heard.includes(words)", arg=words)


def stored(studio: Studio, name: str) -> list[float] | None:
    """The focus that the server has for a picture."""
    focus: list[float] | None = studio.process.client.get(f"/{name}.json").json()["focus"]
    return focus


def test_it_is_saved_and_taken_away(cropped: Studio, name: str) -> None:
    """A crop keeps what was saved, after a reload too, unless another gravity is chosen."""
    page, gravity = cropped.page, cropped.field("combobox", "Gravity")
    save, remove = cropped.button("Save focal point"), cropped.button("Remove focal point")
    expect(remove).to_be_disabled()
    page.evaluate(LISTEN)
    drag(cropped, 0.9, 0.5)
    cropped.shown("gravity=0.9")
    save.click()
    hears(cropped, f"Saved the focal point of {name}.")
    cropped.shown("gravity=auto")
    assert "".join(scenes.corners(cropped.pixels())) == "GGYY"
    x, _ = stored(cropped, name) or (0.0, 0.0)
    assert abs(x - 0.9) < 0.03
    at = f"{round(x * 100)} % across"
    page.reload()
    cropped.unlock()
    cropped.shown("gravity=auto")
    expect(gravity).to_have_value("auto")
    expect(page.locator("#facts")).to_contain_text(at)
    expect(page.locator("#focal-hint")).to_contain_text(at)
    gravity.select_option("center")
    cropped.shown("gravity=center")
    assert "".join(scenes.corners(cropped.pixels())) == "RGBY"
    cropped.button("Reset knobs").click()
    expect(gravity).to_have_value("auto")
    page.evaluate(LISTEN)
    remove.click()
    hears(cropped, f"Removed the focal point of {name}.")
    expect(remove).to_be_disabled()
    expect(gravity).to_have_value("center")
    expect(cropped.heading).to_be_focused()
    assert stored(cropped, name) is None


def test_it_is_saved_with_keys(cropped: Studio, name: str) -> None:
    """From the point, Tab leads to the button, past those of the crop frame."""
    cropped.page.evaluate(LISTEN)
    cropped.button("Focal point").focus()
    for key in ("Shift+ArrowLeft", "ArrowUp"):
        cropped.page.keyboard.press(key)
    tab_to(cropped, cropped.button("Save focal point"))
    cropped.page.keyboard.press("Enter")
    hears(cropped, f"Saved the focal point of {name}.")
    assert stored(cropped, name) == [0.4, 0.49]


def test_what_cannot_be_saved_is_said(cropped: Studio, name: str) -> None:
    """The picture is gone meanwhile: the point stays where it is."""
    cropped.visit.expect("status of 404")
    cropped.process.client.delete(f"/{name}", headers={"Authorization": f"Bearer {servers.ADMIN}"})
    cropped.button("Save focal point").click()
    cropped.failed("There is no picture of that name", "focal-hint")


def test_it_is_saved_by_administrators_alone(
    visit: Callable[..., Visit], bare: servers.Process, name: str
) -> None:
    """Without an admin secret nobody may change a picture, and no button says so."""
    bare.client.put_in(name, scenes.jpeg())
    studio = Studio(visit(bare.url), bare)
    studio.enter(secret="")
    studio.open(name)
    expect(studio.button("Save focal point")).to_be_hidden()
    expect(studio.button("Remove focal point")).to_be_hidden()


def test_originals_that_only_administrators_see(
    visit: Callable[..., Visit], tmp_path: Path, name: str
) -> None:
    """The facts and the saved point are theirs; the original is shown as a rendition."""
    with servers.Process(
        tmp_path, studio=True, originals__public=False, admin__secrets=[servers.ADMIN]
    ) as process:
        process.client.put_in(name, scenes.jpeg(), focus=[0.25, 0.75])
        studio = Studio(visit(process.url), process)
        studio.enter()
        studio.open(name)
        expect(studio.page.locator("#facts")).to_contain_text("25 % across, 75 % down")
        image = studio.page.locator("#original-image")
        servers.until(lambda: image.evaluate("(image) => image.naturalWidth") == scenes.WIDTH)
