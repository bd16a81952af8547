"""The crop frame on the original: what it frames is what `rect` says and what is shown."""

import re
from collections.abc import Callable

import pytest
from PIL import ImageChops
from playwright.sync_api import expect
from web import pictures, servers

from . import scenes
from .chromium import Visit, needs_chromium
from .studio import Studio
from .test_focal_point import stored
from .test_stage import PLACE

pytestmark = [pytest.mark.long, needs_chromium]

Box = tuple[float, float, float, float]


@pytest.fixture
def framing(opened: Studio) -> Studio:
    """The studio with the original in sight."""
    opened.view("Original")
    expect(opened.page.locator("#crop .grip")).to_have_count(8)
    return opened


def place(studio: Studio, selector: str) -> list[float]:
    """Left, top, width and height of an element."""
    found: list[float] = studio.page.locator(selector).evaluate(PLACE)
    return found


def framed(studio: Studio) -> Box:
    """x, y, width and height of the frame as it is seen, as parts of the original."""
    left, top, width, height = place(studio, "#original-image")
    x, y, wide, high = place(studio, "#crop")
    return (x - left) / width, (y - top) / height, wide / width, high / height


def said(studio: Studio) -> Box:
    """The same as the knob says it, which is what the address of the rendition says."""
    text = studio.field("textbox", "Rect").input_value()
    studio.shown(f"rect={text}")
    x, y, width, height = map(float, text.split(","))
    return x, y, width, height


def drag(studio: Studio, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Press the mouse at one part of the original and let it go at the other."""
    left, top, width, height = place(studio, "#original-image")
    mouse = studio.page.mouse
    mouse.move(left + start[0] * width, top + start[1] * height)
    mouse.down()
    mouse.move(left + end[0] * width, top + end[1] * height, steps=4)
    mouse.up()


def test_it_is_drawn_moved_and_sized_with_the_mouse(framing: Studio) -> None:
    """The upper left quarter is red; moved to the right it is green; what is left is yellow."""
    drag(framing, (0.02, 0.02), (0.48, 0.48))
    assert said(framing) == pytest.approx(framed(framing), abs=0.005)
    assert said(framing) == pytest.approx((0.02, 0.02, 0.46, 0.46), abs=0.01)
    assert "".join(scenes.corners(framing.pixels())) == "RRRR"
    drag(framing, (0.25, 0.25), (0.75, 0.25))
    assert said(framing) == pytest.approx((0.52, 0.02, 0.46, 0.46), abs=0.01)
    assert "".join(scenes.corners(framing.pixels())) == "GGGG"
    drag(framing, (0.52, 0.48), (0.02, 0.96))
    assert said(framing) == pytest.approx((0.02, 0.02, 0.96, 0.94), abs=0.01)
    drag(framing, (0.02, 0.5), (0.6, 0.3))
    assert said(framing) == pytest.approx((0.6, 0.02, 0.38, 0.94), abs=0.01)
    framing.button("Clear crop").click()
    expect(framing.page.locator("#crop")).to_be_hidden()
    assert "rect" not in framing.shown("_480_320.auto")


def test_keys_move_and_size_it(framing: Studio) -> None:
    """Arrows move it, with Alt they size it, with Shift tenfold; its name says where it is."""
    framing.page.locator("#chips").get_by_role("button", name="Free").click()
    assert said(framing) == (0.1, 0.1, 0.8, 0.8)
    frame = framing.page.locator("#crop-frame")
    frame.focus()
    for key, wanted in (
        ("ArrowRight", (0.11, 0.1, 0.8, 0.8)),
        ("Alt+Shift+ArrowLeft", (0.11, 0.1, 0.7, 0.8)),
        ("Alt+ArrowUp", (0.11, 0.1, 0.7, 0.79)),
        ("Shift+ArrowUp", (0.11, 0, 0.7, 0.79)),
    ):
        framing.page.keyboard.press(key)
        assert said(framing) == pytest.approx(wanted, abs=0.004), key
    words = "Crop frame, 11 % across, 0 % down, 70 % wide, 79 % high"
    expect(frame).to_have_accessible_name(words)
    expect(frame).to_be_focused()


def test_chips_keep_a_ratio(framing: Studio) -> None:
    """As much as can be of it, whatever is moved; of the rendition, where that is turned."""
    chips = framing.page.locator("#chips")
    square = chips.get_by_role("button", name="1:1")
    square.click()
    assert said(framing) == pytest.approx((1 / 6, 0, 2 / 3, 1), abs=0.001)
    drag(framing, (1 / 6, 0), (0.3, 0.1))
    _, _, width, height = said(framing)
    assert width * scenes.WIDTH == pytest.approx(height * scenes.HEIGHT, abs=1.1)
    expect(square).to_have_attribute("aria-pressed", "true")
    chips.get_by_role("button", name="Story").click()
    framing.field("combobox", "Rotate").select_option("90")
    chips.get_by_role("button", name="Story").click()
    framing.visit.expect("status of 400")  # larger than this server makes
    assert framing.field("spinbutton", "Width").input_value() == "1080"
    assert framing.field("spinbutton", "Height").input_value() == "1920"
    expect(framing.field("combobox", "Fit")).to_have_value("crop")
    _, _, width, height = framed(framing)
    assert width * scenes.WIDTH / (height * scenes.HEIGHT) == pytest.approx(16 / 9, abs=0.02)
    framing.field("textbox", "Rect").fill("10,20,100,50")
    expect(chips.get_by_role("button", name="Free")).to_have_attribute("aria-pressed", "true")


def test_the_rendition_is_what_is_framed(studio: Studio, name: str) -> None:
    """To the pixel; and the knob, in pixels or in parts, moves the frame."""
    whole = scenes.quarters()
    studio.process.client.put_in(name, pictures.encoded(whole, "PNG"))
    studio.open(name)
    studio.view("Original")
    studio.field("combobox", "Format").select_option("png")
    studio.field("spinbutton", "Height").fill("")
    knob = studio.field("textbox", "Rect")
    for text, left, top, width, height in (
        ("37,50,203,171", 37, 50, 203, 171),
        ("25%,0.5,0.25,1.0", 120, 160, 120, 160),
    ):
        knob.fill(text)
        wanted = pytest.approx((left / 480, top / 320, width / 480, height / 320), abs=0.001)
        studio.shown("rect=")
        assert framed(studio) == wanted
    drag(studio, (0.3, 0.6), (0.41, 0.33))
    x, y, wide, high = said(studio)
    box = (round(x * 480), round(y * 320), round((x + wide) * 480), round((y + high) * 320))
    studio.field("spinbutton", "Width").fill(str(box[2] - box[0]))
    studio.shown(f"_{box[2] - box[0]}_0.png", "rect=")
    shown = studio.pixels().convert("RGB")
    assert ImageChops.difference(shown, whole.crop(box)).getbbox() is None


def test_it_is_remembered_and_its_middle_saved(framing: Studio, name: str) -> None:
    """A reload and Back bring it again; without a point of its own, its middle is the focus."""
    framing.field("textbox", "Rect").fill("0.5,0.25,0.3,0.5")
    framing.shown("rect=")
    framing.page.reload()
    framing.unlock()
    framing.shown("rect=0.5,0.25,0.3,0.5")
    wanted = pytest.approx((0.5, 0.25, 0.3, 0.5), abs=0.005)
    servers.until(lambda: framing.page.locator("#crop").is_visible() and framed(framing) == wanted)
    framing.process.client.put_in(f"{name}-2", scenes.jpeg())
    framing.open(f"{name}-2")
    expect(framing.page.locator("#crop")).to_be_hidden()
    framing.page.go_back()
    framing.shown(f"/{name}_", "rect=0.5,0.25,0.3,0.5")
    assert framed(framing) == wanted
    framing.button("Save middle as focal point").click()
    servers.until(lambda: stored(framing, name) == [0.65, 0.5])
    assert framing.field("textbox", "Rect").input_value() == "0.5,0.25,0.3,0.5"


def test_a_finger_sizes_it(
    visit: Callable[..., Visit], process: servers.Process, name: str
) -> None:
    """Each handle is as large as a finger, and the page does not scroll meanwhile."""
    screen = {"width": 360, "height": 740}
    visited = visit(process.url, viewport=screen, has_touch=True, is_mobile=True)
    studio = Studio(visited, process)
    process.client.put_in(name, scenes.jpeg())
    studio.enter()
    studio.open(name)
    studio.view("Original")
    studio.field("textbox", "Rect").fill("0.2,0.2,0.6,0.6")
    studio.shown("rect=")
    grip = studio.page.locator('[data-grip="se"]')
    grip.scroll_into_view_if_needed()
    x, y, width, height = grip.evaluate(PLACE)
    assert min(width, height) >= 44
    middle = f"({x + width / 2}, {y + height / 2})"
    assert studio.page.evaluate(f"() => document.elementFromPoint{middle}.dataset.grip") == "se"
    touch = visited.context.new_cdp_session(studio.page)
    for kind, by in (("touchStart", 0), ("touchMove", -15), ("touchMove", -30), ("touchEnd", 0)):
        at = {"x": x + width / 2 + by, "y": y + height / 2 + by}
        points = [] if kind == "touchEnd" else [at]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    knob = studio.field("textbox", "Rect")
    expect(knob).not_to_have_value("0.2,0.2,0.6,0.6")
    part = 30 / place(studio, "#original-image")[2]
    assert said(studio)[2] == pytest.approx(0.6 - part, abs=0.02)
    assert re.match(r"0\.2,0\.2,", knob.input_value())
