"""`scripts/screenshots`: the studio in light, in dark and on a phone, into docs/."""

import io
import tempfile
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Browser, expect
from web import servers

from . import chromium
from .studio import File, Studio

DOCS = servers.ROOT / "docs"

SAMPLE = DOCS / "sample.jpg"

SHOTS: dict[str, dict[str, Any]] = {
    "studio-light": {"color_scheme": "light", "viewport": {"width": 1360, "height": 1000}},
    "studio-dark": {"color_scheme": "dark", "viewport": {"width": 1360, "height": 1000}},
    "studio-narrow": {
        "color_scheme": "light",
        "viewport": {"width": 360, "height": 740},
        "device_scale_factor": 1.5,
        "is_mobile": True,
        "has_touch": True,
    },
}

STOPS = ("body", "#compare", "#url")
"""What a phone is scrolled to, one picture each."""

SCROLL = "(stop) => scrollBy(0, stop.closest('.card, body').getBoundingClientRect().top)"

GAP = 24
"""Pixels between the pictures of a phone."""


def prepared(browser: Browser, process: servers.Process, name: str, **options: Any) -> Studio:
    """The page with the sample in it, some knobs turned, halfway through comparing."""
    visit = chromium.Visit(browser, process.url, reduced_motion="reduce", **options)
    studio = Studio(visit, process)
    studio.enter(secret="")
    studio.upload(File("sample.jpg", SAMPLE.read_bytes()), name)
    studio.field("spinbutton", "Width").fill("640")
    studio.field("spinbutton", "Height").fill("480")
    studio.field("combobox", "Fit").select_option("crop")
    studio.field("combobox", "Format").select_option("webp")
    studio.shown("_640_480.webp", "fit=crop")
    studio.field("combobox", "Gravity").select_option("smart")
    studio.field("slider", "Blur").fill("3")
    studio.shown("gravity=smart", "blur=3")
    studio.field("slider", "Compare with the original").fill("45")
    expect(studio.page.locator("#reference-image")).to_be_visible()
    studio.page.evaluate("() => { document.activeElement.blur(); scrollTo(0, 0); }")
    studio.page.mouse.move(0, 0)
    # What it says at the lower edge fades away again; the pictures are taken without it.
    expect(studio.status).to_have_css("opacity", "0")
    return studio


def taken(studio: Studio, **options: Any) -> Image.Image:
    """What the page looks like; see playwright's Page.screenshot."""
    return Image.open(io.BytesIO(studio.page.screenshot(**options))).convert("RGB")


def scrolled(studio: Studio) -> Image.Image:
    """The screen of a phone at each of STOPS, side by side."""
    screens = []
    for stop in STOPS:
        studio.page.locator(stop).evaluate(SCROLL)
        screens.append(taken(studio))
    width, height = screens[0].size
    together = Image.new("RGB", (len(screens) * (width + GAP) - GAP, height), "white")
    for index, screen in enumerate(screens):
        together.paste(screen, (index * (width + GAP), 0))
    return together


def main() -> None:
    """Take every picture of SHOTS."""
    with (
        tempfile.TemporaryDirectory() as folder,
        servers.Process(Path(folder) / "server", studio=True) as process,
        chromium.running() as browser,
    ):
        for number, (shot, options) in enumerate(SHOTS.items(), 1):
            studio = prepared(browser, process, f"lake-{number}", **options)
            phone = "is_mobile" in options
            picture = scrolled(studio) if phone else taken(studio, full_page=True)
            studio.visit.context.close()
            assert studio.visit.unexpected == [], studio.visit.unexpected
            path = DOCS / f"{shot}.png"
            picture.save(path, optimize=True)
            size = path.stat().st_size
            print(f"{path}: {picture.width} × {picture.height} pixels, {size:,} bytes")  # noqa: T201


if __name__ == "__main__":
    main()
