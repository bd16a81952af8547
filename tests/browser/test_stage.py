"""The stage of the rendition: zoom, pan, and the slider in both."""

import contextlib
import io
import math
from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image, ImageChops
from playwright.sync_api import Browser, Locator, expect
from web import pictures, servers

from . import scenes
from .chromium import Visit, dense, needs_chromium
from .studio import Studio

pytestmark = [pytest.mark.long, needs_chromium]

SIZE = (900, 700)

PLACE = """(element) => {
    const { x, y, width, height } = element.getBoundingClientRect();
    return [x, y, width, height];
}"""

EDGE = 12
"""Device pixels at the edges of the viewport that its border and its corners may take."""


def put(process: servers.Process, name: str) -> None:
    """A picture that is larger than the stage, each pixel unlike its neighbours."""
    process.client.put_in(name, pictures.encoded(scenes.quarters(*SIZE), "PNG"))


@pytest.fixture
def large(studio: Studio, name: str) -> Studio:
    """The studio with such a picture, pixel for pixel."""
    put(studio.process, name)
    studio.open(name)
    full_size(studio)
    return studio


def full_size(studio: Studio) -> None:
    """Ask for all pixels, without a loss."""
    for side, value in zip(("Width", "Height"), SIZE, strict=True):
        studio.field("spinbutton", side).fill(str(value))
    studio.field("combobox", "Format").select_option("png")
    studio.shown("_900_700.png")


def frame(studio: Studio) -> list[float]:
    """Left, top, width and height of the rendition, in pixels of CSS."""
    studio.settle()
    found: list[float] = studio.page.locator("#frame").evaluate(PLACE)
    return found


def zoomed(studio: Studio, percent: str) -> None:
    """Return once the stage says so."""
    expect(studio.page.locator("#zoom output")).to_have_text(f"{percent} %")


def middle(studio: Studio) -> tuple[float, float]:
    """The middle of the viewport, in pixels of CSS."""
    left, top, width, height = studio.page.locator("#viewport").evaluate(PLACE)
    return left + width / 2, top + height / 2


def drag(studio: Studio, start: tuple[float, float], by: tuple[float, float]) -> None:
    """Press the mouse, move it, let go."""
    mouse = studio.page.mouse
    mouse.move(*start)
    mouse.down()
    mouse.move(start[0] + by[0], start[1] + by[1], steps=3)
    mouse.up()


@pytest.mark.parametrize("ratio", [1, 1.5, 2])
def test_one_pixel_is_one_pixel(
    browser: Browser, process: servers.Process, name: str, ratio: float
) -> None:
    """1:1 shows the pixels of the rendition on those of the screen, 200 % each as a square."""
    put(process, name)
    with contextlib.closing(dense(browser, ratio, (1280, 820))) as screen:
        studio = Studio(Visit(screen, process.url, no_viewport=True), process)
        studio.enter()
        studio.open(name)
        full_size(studio)
        assert studio.page.evaluate("() => devicePixelRatio") == ratio
        _is_true(studio, ratio)
        assert studio.visit.unexpected == []


def _is_true(studio: Studio, ratio: float) -> None:
    whole = Image.open(io.BytesIO(studio.answer(studio.shown()).content)).convert("RGB")
    for zoom, times in (("1:1", 1), ("Zoom in", 2)):
        while studio.page.locator("#zoom output").text_content() != f"{times * 100} %":
            studio.button(zoom).click()
        studio.page.mouse.move(0, 0)
        x, y, width, _ = (math.floor(each * ratio + 0.5) for each in frame(studio))
        assert width == SIZE[0] * times
        viewport = studio.page.locator("#viewport").evaluate(PLACE)
        left, top, wide, high = (round(each * ratio) for each in viewport)
        seen = (
            max(left + EDGE, x),
            max(top + EDGE, y),
            min(left + wide - EDGE, x + SIZE[0] * times),
            min(top + high - EDGE, y + SIZE[1] * times),
        )
        shot = Image.open(io.BytesIO(studio.page.screenshot())).convert("RGB").crop(seen)
        squares = whole.resize((SIZE[0] * times, SIZE[1] * times), Image.Resampling.NEAREST)
        wanted = squares.crop((seen[0] - x, seen[1] - y, seen[2] - x, seen[3] - y))
        assert min(shot.size) > 200
        assert ImageChops.difference(shot, wanted).getbbox() is None, (ratio, zoom)


def under(studio: Studio, at: tuple[float, float]) -> tuple[float, float]:
    """Which part of the rendition is there."""
    left, top, width, height = frame(studio)
    return (at[0] - left) / width, (at[1] - top) / height


def test_what_the_pointer_does(large: Studio) -> None:
    """Ctrl and the wheel zoom where it is, the wheel and dragging pan, and knobs leave that."""
    x, y = middle(large)
    at = (x + 90, y - 60)
    mouse, keys = large.page.mouse, large.page.keyboard
    large.button("1:1").click()
    mouse.move(*at)
    before = under(large, at)
    keys.down("Control")
    mouse.wheel(0, -100)
    mouse.wheel(0, -100)
    keys.up("Control")
    servers.until(lambda: frame(large)[2] > SIZE[0] * 1.2)
    assert under(large, at) == pytest.approx(before, abs=0.01)
    left, top, width, height = frame(large)
    mouse.wheel(0, 50)
    servers.until(lambda: frame(large)[1] == top - 50)
    drag(large, (x, y), (-40, 30))
    assert frame(large) == [left - 40, top - 20, width, height]
    kept = under(large, (x, y))
    large.field("slider", "Blur").fill("5")
    large.shown("blur=5")
    assert frame(large) == [left - 40, top - 20, width, height]
    large.field("spinbutton", "Width").fill("600")
    large.shown("_600_")
    assert frame(large)[2] == pytest.approx(width * 600 / SIZE[0], abs=1)
    assert under(large, (x, y)) == pytest.approx(kept, abs=0.01)
    drag(large, (x, y), (9000, 0))
    assert frame(large)[0] < x - 200, "no farther than the edge of the picture"


def test_what_keys_do(large: Studio) -> None:
    """1, + and − zoom, arrows pan, 0 fits; where there is nothing to pan, nothing moves."""
    large.page.locator("#viewport").focus()
    expect(large.button("Fit")).to_have_attribute("aria-pressed", "true")
    fitted = frame(large)
    keys = large.page.keyboard
    keys.press("ArrowRight")
    assert frame(large) == fitted
    keys.press("1")
    zoomed(large, "100")
    left = frame(large)[0]
    keys.press("ArrowRight")
    assert frame(large)[0] < left
    for key, percent in (("+", "150"), ("+", "200"), ("-", "150"), ("-", "100")):
        keys.press(key)
        zoomed(large, percent)
    keys.press("0")
    assert frame(large) == fitted


def test_the_slider_where_it_is_zoomed(large: Studio) -> None:
    """It goes over what is seen, its line moves it, and both pictures are in the same place."""
    slider = large.field("slider", "Compare with the original")
    large.button("1:1").click()
    large.button("Zoom in").click()
    zoomed(large, "150")
    slider.fill("50")
    expect(large.page.locator("#reference-image")).to_be_visible()
    x, y = middle(large)
    drag(large, (x, y), (120, 0))
    wide = large.page.locator("#viewport").evaluate(PLACE)[2]
    servers.until(lambda: abs(int(slider.input_value()) - (50 + 12000 / wide)) <= 1)
    drag(large, (x - 100, y), (30, 10))
    assert abs(int(slider.input_value()) - (50 + 12000 / wide)) <= 1, "that has moved the picture"

    def place(image: Locator) -> Any:
        return image.evaluate(PLACE)

    pair = (large.page.locator(f"#{name}-image") for name in ("rendition", "reference"))
    assert [place(each) for each in pair] == [frame(large)] * 2


def test_two_fingers_zoom(visit: Callable[..., Visit], process: servers.Process, name: str) -> None:
    """What is between them stays there; one finger pans then."""
    put(process, name)
    screen = {"width": 360, "height": 740}
    visited = visit(process.url, viewport=screen, has_touch=True, is_mobile=True)
    studio = Studio(visited, process)
    studio.enter()
    studio.open(name)
    full_size(studio)
    x, y = middle(studio)
    before, width = under(studio, (x, y)), frame(studio)[2]
    touch = visited.context.new_cdp_session(studio.page)

    def fingers(kind: str, *places: float) -> None:
        points = [{"x": x + each, "y": y, "id": at} for at, each in enumerate(places)]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    fingers("touchStart", -20)
    fingers("touchStart", -20, 20)
    for far in (30, 45, 60):
        fingers("touchMove", -far, far)
    fingers("touchEnd")
    servers.until(lambda: frame(studio)[2] > width * 2)
    assert under(studio, (x, y)) == pytest.approx(before, abs=0.05)
    left = frame(studio)[0]
    fingers("touchStart", 0)
    fingers("touchMove", 15)
    fingers("touchMove", 30)
    fingers("touchEnd")
    servers.until(lambda: frame(studio)[0] == pytest.approx(left + 30, abs=2))
