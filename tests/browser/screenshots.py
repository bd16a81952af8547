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

WIDE = {"viewport": {"width": 1280, "height": 720}}

SHOTS: dict[str, dict[str, Any]] = {
    "studio-light": {"color_scheme": "light", **WIDE},
    "studio-dark": {"color_scheme": "dark", **WIDE},
    "studio-srcset": {"color_scheme": "light", **WIDE},
    "studio-narrow": {
        "color_scheme": "light",
        "viewport": {"width": 360, "height": 740},
        "device_scale_factor": 1.5,
        "is_mobile": True,
        "has_touch": True,
    },
}

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
    return studio


def rest(studio: Studio) -> None:
    """Take the focus and the pointer away, and let what it says fade."""
    studio.page.evaluate(
        '() => { document.activeElement.blur(); document.querySelector("#knobs").scrollTop = 0; }'
    )
    studio.page.mouse.move(0, 0)
    expect(studio.status).to_have_css("opacity", "0")


def one(studio: Studio) -> Image.Image:
    """The rendition, beside what it was."""
    rest(studio)
    return taken(studio)


def formats(studio: Studio) -> Image.Image:
    """Three formats, judged, with what the server does above."""
    studio.field("slider", "Blur").fill("0")
    studio.view("Formats")
    expect(studio.page.locator("#view-formats")).to_contain_text("best")
    studio.button("Activity").click()
    expect(studio.page.get_by_role("img", name="Hits, last ten minutes: from")).to_be_visible()
    rest(studio)
    return taken(studio)


def srcset(studio: Studio) -> Image.Image:
    """Four screens."""
    studio.field("slider", "Blur").fill("0")
    studio.view("Srcset")
    expect(studio.page.locator("#view-srcset")).to_contain_text("All four screens")
    expect(studio.page.locator("#view-srcset")).to_contain_text("1920 px")
    rest(studio)
    return taken(studio)


def phone(studio: Studio) -> Image.Image:
    """Three screens of a phone, side by side."""
    screens = [one(studio)]
    studio.view("Original")
    studio.page.get_by_text("16:9", exact=True).click()
    studio.button("Knobs").click()
    rest(studio)
    screens.append(taken(studio))
    studio.view("Rendition")
    studio.button("Pictures").click()
    rest(studio)
    screens.append(taken(studio))
    width, height = screens[0].size
    together = Image.new("RGB", (len(screens) * (width + GAP) - GAP, height), "white")
    for index, screen in enumerate(screens):
        together.paste(screen, (index * (width + GAP), 0))
    return together


VIEWS = {
    "studio-light": one,
    "studio-dark": formats,
    "studio-srcset": srcset,
    "studio-narrow": phone,
}
"""What each of SHOTS shows."""


def taken(studio: Studio) -> Image.Image:
    """What the page looks like."""
    return Image.open(io.BytesIO(studio.page.screenshot())).convert("RGB")


def main() -> None:
    """Take every picture of SHOTS."""
    with (
        tempfile.TemporaryDirectory() as folder,
        servers.Process(Path(folder) / "server", studio=True) as process,
        chromium.running() as browser,
    ):
        for number, (shot, options) in enumerate(SHOTS.items(), 1):
            studio = prepared(browser, process, f"lake-{number}", **options)
            picture = VIEWS[shot](studio)
            studio.visit.context.close()
            assert studio.visit.unexpected == [], studio.visit.unexpected
            path = DOCS / f"{shot}.png"
            picture.save(path, optimize=True)
            size = path.stat().st_size
            print(f"{path}: {picture.width} × {picture.height} pixels, {size:,} bytes")  # noqa: T201


if __name__ == "__main__":
    main()
