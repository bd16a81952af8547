"""Every knob of the studio changes the address, and what is seen with it."""

import io

import pytest
from PIL import Image
from web import pictures

from . import scenes
from .chromium import needs_chromium
from .studio import Studio

pytestmark = [pytest.mark.long, needs_chromium]


def choose(studio: Studio, knob: str, value: str) -> None:
    """Choose from a list."""
    studio.field("combobox", knob).select_option(value)


def tick(studio: Studio, knob: str, on: bool) -> None:
    """Tick or untick."""
    studio.field("checkbox", knob).set_checked(on)


def slide(studio: Studio, knob: str, value: str) -> None:
    """Move a slider."""
    studio.field("slider", knob).fill(value)


def opened_again(data: bytes) -> Image.Image:
    """The picture in an answer, not loaded: it may have frames."""
    return Image.open(io.BytesIO(data))


def test_width_and_height(opened: Studio) -> None:
    """A side that is left free follows the other one."""
    opened.field("spinbutton", "Width").fill("240")
    opened.field("spinbutton", "Height").fill("")
    opened.shown("_240_0.")
    assert opened.pixels().size == (240, 160)
    opened.field("spinbutton", "Width").fill("")
    opened.field("spinbutton", "Height").fill("100")
    opened.shown("_0_100.")
    assert opened.pixels().size == (150, 100)


@pytest.mark.parametrize(
    ("fit", "size"),
    [("clip", (200, 133)), ("crop", (200, 200)), ("cover", (300, 200)), ("canvas", (200, 200))],
)
def test_fit(opened: Studio, fit: str, size: tuple[int, int]) -> None:
    """The four ways into a square."""
    opened.field("spinbutton", "Width").fill("200")
    opened.field("spinbutton", "Height").fill("200")
    opened.shown("_200_200.")
    choose(opened, "Fit", fit)
    opened.shown("_200_200.", *([f"fit={fit}"] if fit != "clip" else []))
    assert opened.pixels().size == size


@pytest.mark.parametrize(
    ("gravity", "corners"), [("west", "RRBB"), ("east", "GGYY"), ("smart", None)]
)
def test_gravity(opened: Studio, gravity: str, corners: str | None) -> None:
    """What a crop keeps: 100 of the 150 columns, the left ones, the right ones, the best."""
    opened.field("spinbutton", "Width").fill("70")
    opened.field("spinbutton", "Height").fill("100")
    choose(opened, "Fit", "crop")
    opened.shown("_70_100.", "fit=crop")
    choose(opened, "Gravity", gravity)
    opened.shown("_70_100.", f"gravity={gravity}")
    assert opened.pixels().size == (70, 100)
    if corners is not None:
        assert "".join(scenes.corners(opened.pixels())) == corners


@pytest.mark.parametrize("form", ["jpg", "png", "webp", "avif", "gif"])
def test_format(opened: Studio, form: str) -> None:
    """The ending of the address, and the type of the answer."""
    opened.field("spinbutton", "Width").fill("120")
    opened.shown("_120_")
    choose(opened, "Format", form)
    url = opened.shown("_120_", f".{form}")
    kind = "image/jpeg" if form == "jpg" else f"image/{form}"
    assert kind in (opened.page.locator("#rendition-type").text_content() or "")
    assert opened.answer(url).headers["Content-Type"] == kind
    assert opened.pixels().width == 120


def test_quality(opened: Studio) -> None:
    """Less of it, fewer bytes; automatic again, and it leaves the address."""
    slider = opened.field("slider", "Quality")
    assert slider.is_disabled()
    before = len(opened.answer(opened.shown()).content)
    tick(opened, "Automatic quality", False)
    slide(opened, "Quality", "12")
    url = opened.shown("quality=12")
    assert len(opened.answer(url).content) < 0.6 * before
    tick(opened, "Automatic quality", True)
    opened.page.locator('html[data-state="shown"]:not([data-url*="quality"])').wait_for(
        state="attached"
    )


@pytest.mark.parametrize(("knob", "more"), [("Blur", False), ("Sharpen", True)])
def test_blur_and_sharpen(opened: Studio, knob: str, more: bool) -> None:
    """One takes detail away, the other brings it out."""
    before = scenes.detail(opened.pixels())
    slide(opened, knob, "3")
    opened.shown(f"{knob.lower()}=3")
    after = scenes.detail(opened.pixels())
    assert (after > 1.1 * before) if more else (after < 0.9 * before)


@pytest.mark.parametrize(
    ("knob", "value", "corners"),
    [
        ("Rotate", "90", "BRYG"),
        ("Rotate", "180", "YBGR"),
        ("Rotate", "270", "GYRB"),
        ("Flip", "h", "GRYB"),
        ("Flip", "v", "BYRG"),
        ("Flip", "hv", "YBGR"),
    ],
)
def test_turning(opened: Studio, knob: str, value: str, corners: str) -> None:
    """Corners go where they should; a quarter turn swaps the sides."""
    opened.field("spinbutton", "Width").fill("120")
    opened.shown("_120_")
    choose(opened, knob, value)
    opened.shown("_120_", f"{knob.lower()}={value}")
    assert "".join(scenes.corners(opened.pixels())) == corners
    assert opened.pixels().size == ((120, 180) if value in ("90", "270") else (120, 80))


def test_background(opened: Studio) -> None:
    """A colour fills what the picture leaves of the canvas; transparent, it is seen through."""
    opened.square("canvas")
    tick(opened, "Transparent background", False)
    opened.page.get_by_label("Background", exact=True).fill("#ff8800")
    opened.shown("bg=ff8800")
    pixel = opened.pixels().convert("RGBA").getpixel((100, 4))
    assert isinstance(pixel, tuple)
    assert scenes.near(pixel, (255, 136, 0), 12)
    choose(opened, "Format", "png")
    opened.shown(".png", "bg=ff8800")
    tick(opened, "Transparent background", True)
    opened.shown(".png", "bg=transparent")
    pixel = opened.pixels().convert("RGBA").getpixel((100, 4))
    assert isinstance(pixel, tuple)
    assert pixel[3] == 0


@pytest.mark.parametrize("density", [2, 3])
def test_density(opened: Studio, density: int) -> None:
    """The box in more pixels."""
    opened.field("spinbutton", "Width").fill("100")
    opened.shown("_100_")
    opened.field("spinbutton", "Density").fill(str(density))
    opened.shown("_100_", f"_{density}x.")
    assert opened.pixels().width == 100 * density


def test_enlarge(opened: Studio) -> None:
    """Unticked, nothing grows beyond the original."""
    opened.field("spinbutton", "Width").fill("900")
    opened.field("spinbutton", "Height").fill("")
    opened.shown("_900_0.")
    assert opened.pixels().width == 900
    tick(opened, "Enlarge", False)
    opened.shown("_900_0.", "enlarge=false")
    assert opened.pixels().width == scenes.WIDTH


def test_animate(studio: Studio, name: str) -> None:
    """Unticked, an animation stands still; of a photo there is nothing to untick."""
    studio.process.client.put_in(name, pictures.animation())
    studio.open(name)
    choose(studio, "Format", "gif")
    url = studio.shown(".gif")
    assert getattr(opened_again(studio.answer(url).content), "n_frames", 1) == 3
    tick(studio, "Animate", False)
    url = studio.shown(".gif", "animate=false")
    assert getattr(opened_again(studio.answer(url).content), "n_frames", 1) == 1


def test_preset(opened: Studio) -> None:
    """A configured name stands for its parameters."""
    opened.field("spinbutton", "Width").fill("150")
    opened.field("spinbutton", "Height").fill("150")
    opened.shown("_150_150.")
    choose(opened, "Preset", "card")
    opened.shown("preset=card")
    assert opened.pixels().size == (150, 150)


def test_knobs_that_the_server_describes(opened: Studio) -> None:
    """A slider below 0, a list, and a text, each as its schema says; what is wrong is told."""
    opened.field("spinbutton", "Width").fill("120")
    slide(opened, "Brightness", "-40")
    opened.shown("brightness=-40")
    opened.field("textbox", "Pad").fill("10,20")
    opened.shown("pad=10,20")
    assert opened.pixels().size == (160, 100)
    opened.field("textbox", "Rect").fill("0,0,0.5,1.0")
    opened.shown("rect=0,0,0.5,1.0")
    choose(opened, "Colour", "p3")
    opened.shown("colour=p3")
    opened.visit.expect("status of 400")
    opened.field("textbox", "Tint").fill("no colour")
    said = opened.page.locator("#rendition-said")
    said.filter(has_text="tint").wait_for()
