"""Pictures come into the studio: chosen, dropped, broken off, opened by their id."""

import contextlib
from collections.abc import Iterator

import pytest
from playwright.sync_api import Route, expect
from web import pictures, servers

from . import scenes
from .chromium import Visit, needs_chromium
from .studio import File, Studio

pytestmark = [pytest.mark.long, needs_chromium]


@contextlib.contextmanager
def slowed(visit: Visit, speed: int) -> Iterator[None]:
    """For a while the page sends `speed` bytes a second."""
    session = visit.context.new_cdp_session(visit.page)
    session.send("Network.enable")
    throughput = {"downloadThroughput": -1, "uploadThroughput": speed}
    session.send("Network.emulateNetworkConditions", {"offline": False, "latency": 0, **throughput})
    yield
    session.detach()


def test_a_picture_is_chosen(studio: Studio, name: str) -> None:
    """An id is suggested from the name of the file; the original and its facts are shown."""
    studio.choose(scenes.photo(f"My {name} (1).JPG"))
    suggested = studio.field("textbox", "Id").input_value()
    assert name in suggested
    studio.button("Upload").click()
    studio.shown(f"/{suggested}_")
    facts = studio.process.client.get(f"/{suggested}.json").json()
    assert (facts["width"], facts["height"]) == scenes.SIZE
    expect(studio.heading).to_have_text(suggested)
    studio.view("Original")
    shown = studio.page.locator("#original-image")
    size = shown.evaluate("(image) => [image.naturalWidth, image.naturalHeight]")
    assert abs(size[0] / size[1] - 1.5) < 0.02
    told = " ".join(studio.page.locator("dd").all_inner_texts())
    assert "480" in told
    assert "320" in told
    assert facts["sha256"][:7] in told


def test_a_picture_is_dropped(studio: Studio, name: str) -> None:
    """It is the same as choosing it."""
    studio.drop(scenes.photo(f"{name}.jpg"))
    expect(studio.field("textbox", "Id")).to_have_value(name)
    studio.button("Upload").click()
    studio.shown(f"/{name}_")
    assert "".join(scenes.corners(studio.pixels())) == "RGBY"


def test_a_picture_is_pasted(studio: Studio, name: str) -> None:
    """A picture in the clipboard is as good as a file."""
    studio.paste(scenes.photo(f"{name}.jpg"))
    expect(studio.field("textbox", "Id")).to_have_value(name)
    studio.button("Upload").click()
    studio.shown(f"/{name}_")


def test_an_upload_shows_how_far_it_is(studio: Studio, name: str) -> None:
    """The bar fills; at its end the picture is there."""
    with slowed(studio.visit, 150_000):
        studio.choose(File("noise.jpg", pictures.noise(1000, 800, quality=90)))
        studio.field("textbox", "Id").fill(name)
        studio.button("Upload").click()
        expect(studio.field("progressbar", "Upload of noise.jpg")).to_be_visible()
        servers.until(lambda: 0.0 < _position(studio) < 1.0)
    studio.shown(f"/{name}_")


def _position(studio: Studio) -> float:
    """How much of the bar is filled, 0 to 1; 1 where there is none any more."""
    script = """() => {
        const bar = document.querySelector("#queue progress");
        return bar === null || bar.position < 0 ? 1 : bar.position;
    }"""
    position: float = studio.page.evaluate(script)
    return position


def cancelled(studio: Studio) -> None:
    """Cancel the upload; the page itself gives the token back, which may be refused."""
    studio.visit.expect("status of 40[03]")
    cancel = studio.button("Cancel")
    cancel.click()
    expect(studio.status).to_contain_text("cancelled")
    expect(cancel).to_be_hidden()
    expect(studio.button("Retry")).to_be_focused()


def test_an_upload_is_broken_off(studio: Studio, name: str) -> None:
    """Nothing is left of it, and the same file goes in afterwards under the same id."""
    file = File("noise.jpg", pictures.noise(1000, 800, quality=90))
    with slowed(studio.visit, 50_000):
        studio.choose(file)
        studio.field("textbox", "Id").fill(name)
        studio.button("Upload").click()
        cancelled(studio)
    servers.until(lambda: _free(studio, name))
    studio.upload(file, name)
    assert studio.process.client.get(f"/{name}.json").json()["bytes"] == len(file.data)


def test_an_upload_is_broken_off_before_it_begins(studio: Studio, name: str) -> None:
    """The token that was on its way then does not keep the id."""
    held: list[Route] = []
    studio.page.route("**/_studio/token", lambda route: held.append(route))
    studio.choose(scenes.photo())
    studio.field("textbox", "Id").fill(name)
    studio.button("Upload").click()
    servers.until(lambda: studio.page.title() and held)
    studio.visit.expect("status of 40[03]")
    studio.button("Cancel").click()
    held[0].continue_()
    expect(studio.status).to_contain_text("cancelled")
    studio.page.unroute("**/_studio/token")
    assert _free(studio, name)
    studio.upload(scenes.photo(), name)


def _free(studio: Studio, name: str) -> bool:
    """Whether an id may be had again; the token for it is given back by being used wrongly."""
    answer = studio.process.client.post("/token", json={"id": name, "secret": servers.SECRET})
    if answer.status_code == 200:
        studio.process.client.upload(name, b"", answer.json()["token"])
    return answer.status_code == 200


def test_a_picture_is_opened_by_its_id(opened: Studio, name: str) -> None:
    """What was put in before is shown upright, with its facts."""
    assert opened.answer(opened.shown()).headers["X-Cache"]
    expect(opened.heading).to_have_text(name)
    assert "".join(scenes.corners(opened.pixels())) == "RGBY"
    for output in ("bytes", "size", "cache", "type"):
        expect(opened.page.locator(f"#rendition-{output}")).not_to_be_empty()


def test_a_turned_photo_is_shown_upright(studio: Studio, name: str) -> None:
    """EXIF says how it was held."""
    picture = scenes.quarters()
    exif = picture.getexif()
    exif[0x0112] = 6
    studio.process.client.put_in(name, pictures.encoded(picture, "JPEG", exif=exif))
    studio.open(name)
    shown = studio.page.locator("#original-image")
    size = shown.evaluate("(image) => [image.naturalWidth, image.naturalHeight]")
    assert size[0] < size[1]
    assert "".join(scenes.corners(studio.pixels())) == "BRYG"


def test_the_time_it_took_is_told(opened: Studio) -> None:
    """Each entry of Server-Timing with its milliseconds in text."""
    opened.field("spinbutton", "Width").fill("111")
    opened.shown("_111_")
    told = opened.page.locator("#server-timing").inner_text()
    for step in ("queue", "decode", "resize", "encode", "total"):
        assert step in told.lower()
    assert "ms" in told
