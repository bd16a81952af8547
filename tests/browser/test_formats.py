"""The rendition in each format, side by side."""

import re

import pytest
from imaging import samples
from PIL import Image
from playwright.sync_api import Locator, expect
from web import pictures, servers

from liveresize.imaging import similarity

from .chromium import needs_chromium
from .studio import Studio

pytestmark = [pytest.mark.long, needs_chromium]


def told(studio: Studio, name: str) -> dict[str, str]:
    """What a card says, once all are measured."""
    expect(studio.page.locator("#formats dd").last).not_to_have_text("…")
    text = card(studio, name).inner_text()
    return dict(re.findall(r"(Bytes|Time|SSIM)\n(.*)", text)) | {"best": str("best" in text)}


def card(studio: Studio, name: str) -> Locator:
    """The card of a format."""
    return studio.page.get_by_role("listitem").filter(has=studio.button(name))


def test_formats_are_measured_and_chosen(opened: Studio, name: str) -> None:
    """Bytes and likeness are those of what the server sends; all are zoomed together."""
    opened.field("slider", "Blur").fill("1")
    opened.shown("blur=1")
    opened.view("Formats")
    query = "480_320.{}?blur=1"
    before = pictures.opened(opened.answer(f"/{name}_{query.format('png')}").content)
    for label, extension in (("JPEG", "jpg"), ("WebP", "webp"), ("AVIF", "avif")):
        data = opened.answer(f"/{name}_{query.format(extension)}").content
        said = told(opened, label)
        assert said["Bytes"] == f"{len(data):,}"
        assert said["Time"].endswith("ms")
        greys = [each.convert("L") for each in (before, pictures.opened(data))]
        assert float(said["SSIM"]) == pytest.approx(similarity.overlapping(*greys), abs=0.002)
    assert [told(opened, label)["best"] for label in ("JPEG", "WebP", "AVIF")].count("True") == 1

    images = opened.page.locator("#formats img")
    opened.page.get_by_role("group", name="WebP, to zoom").press("1")
    opened.page.get_by_role("group", name="AVIF, to zoom").press("ArrowRight")
    boxes = [each.evaluate("(e) => [e.style.width, e.style.left]") for each in images.all()]
    assert boxes == [boxes[0]] * 3
    assert boxes[0][0] == "480px"

    opened.button("WebP").click()
    opened.shown(".webp")
    expect(opened.field("combobox", "Format")).to_have_value("webp")
    expect(opened.button("WebP")).to_have_attribute("aria-pressed", "true")


HOLD = """() => {
    const { decode } = HTMLImageElement.prototype;
    HTMLImageElement.prototype.decode = function () {
        if (globalThis.late || !this.closest("#formats")) return decode.call(this);
        return new Promise((done, fail) => (globalThis.late = () => fail(new Error("late"))));
    };
}"""
"""The first picture of a card is decoded when `late` is called, and has failed then."""


def test_a_picture_that_came_too_late_says_nothing_of_the_next(opened: Studio) -> None:
    """Another one in its place ends its decoding: the format may be shown all the same."""
    opened.page.evaluate(HOLD)
    opened.view("Formats")
    servers.until(lambda: opened.page.evaluate("() => !!globalThis.late"))
    opened.field("slider", "Blur").fill("1")
    opened.shown("blur=1")
    assert float(told(opened, "JPEG")["SSIM"]) > 0
    opened.page.evaluate("() => globalThis.late()")
    opened.view("Rendition")
    opened.view("Formats")
    assert float(told(opened, "JPEG")["SSIM"]) > 0


def test_pictures_that_not_every_format_keeps(studio: Studio, name: str) -> None:
    """JPEG is no rival where it has no transparency, or stands still."""
    clear = samples.scene((90, 60)).convert("RGBA")
    clear.putalpha(Image.linear_gradient("L").resize(clear.size))
    studio.process.client.put_in(f"{name}-clear", pictures.encoded(clear, "PNG"))
    frames = [samples.scene((90, 60)).rotate(angle) for angle in (0, 90, 180)]
    studio.process.client.put_in(
        f"{name}-film", pictures.encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    )
    studio.open(f"{name}-clear")
    studio.view("Formats")
    assert told(studio, "JPEG")["SSIM"] == "no transparency"
    assert float(told(studio, "WebP")["SSIM"]) > 0.5
    studio.open(f"{name}-film")
    expect(card(studio, "JPEG")).to_contain_text("stands still")
    assert told(studio, "WebP")["SSIM"].endswith("first frame")
