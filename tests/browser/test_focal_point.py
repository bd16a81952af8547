"""The focal point: dragged with the pointer, moved with the arrow keys."""

import re

import pytest
from web import servers

from . import scenes
from .chromium import needs_chromium
from .studio import Studio, focused

pytestmark = [pytest.mark.long, needs_chromium]


@pytest.fixture
def cropped(opened: Studio) -> Studio:
    """A narrow crop, so that the focal point decides what is kept."""
    opened.field("spinbutton", "Width").fill("70")
    opened.field("spinbutton", "Height").fill("100")
    opened.field("combobox", "Fit").select_option("crop")
    opened.shown("_70_100.", "fit=crop")
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
