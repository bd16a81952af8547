"""The frames of GIF and APNG are those that Chromium composes."""

import base64
import pathlib
import random
from collections.abc import Iterator

import pytest
from imaging import films, samples
from playwright.sync_api import Browser, Page

from liveresize.imaging import animation, decode, modes

from .chromium import needs_chromium

pytestmark = [pytest.mark.long, needs_chromium]

HOME = "https://films.example/"
"""Decoders are for secure origins alone; nothing is asked of this one."""

DECODE = """async ([data, type]) => {
    const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
    const decoder = new ImageDecoder({ data: bytes, type, colorSpaceConversion: "none" });
    await decoder.tracks.ready;
    await decoder.completed;
    const frames = [];
    for (let frameIndex = 0; frameIndex < decoder.tracks.selectedTrack.frameCount; frameIndex++) {
        let decoded;
        try {
            decoded = await decoder.decode({ frameIndex });
        } catch (error) {
            break;
        }
        const { image } = decoded;
        const stride = image.displayWidth * 4;
        const pixels = new Uint8Array(stride * image.displayHeight);
        await image.copyTo(pixels, { format: "RGBA", layout: [{ offset: 0, stride }] });
        let text = "";
        for (let at = 0; at < pixels.length; at += 8192) {
            text += String.fromCharCode(...pixels.subarray(at, at + 8192));
        }
        frames.push(btoa(text));
        image.close();
    }
    return frames;
}"""

MADE = 40
"""How many animations are made up."""


def _moves(data: bytes) -> bool:
    return data.startswith(b"GIF8") or (data.startswith(b"\x89PNG") and b"acTL" in data)


FOLDERS = [samples.CORPUS / "animated", samples.CORPUS / "field"]

FIELD = sorted(
    path
    for folder in FOLDERS
    if folder.is_dir()
    for path in folder.iterdir()
    if path.stat().st_size < 1_000_000 and _moves(path.read_bytes())
)


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    """An empty page."""
    with browser.new_page() as page:
        page.route("**/*", lambda route: route.fulfill(body="", content_type="text/html"))
        page.goto(HOME)
        yield page


def compare(page: Page, path: pathlib.Path) -> None:
    """Assert that Chromium composes as many frames, of the same pixels as far as seen."""
    data = path.read_bytes()
    kind = "image/gif" if data.startswith(b"GIF") else "image/png"
    theirs = page.evaluate(DECODE, [base64.b64encode(data).decode(), kind])
    settings = samples.tuned(max_frames=2000)
    with decode.open_picture(path, settings, 10_000_000) as image:
        found = 0
        for frame in animation.frames(image, decode.frame_count(image, 2000)):
            ours = modes.normalised(frame).convert("RGBA").tobytes()
            right = base64.b64decode(theirs[found])
            pairs = zip(_seen(ours), _seen(right), strict=True)
            assert max(abs(one - other) for one, other in pairs) <= 1, found
            found += 1
    assert found == len(theirs)


def _seen(pixels: bytes) -> list[int]:
    """Alphas, then levels multiplied by them: Chromium loses what is under little alpha."""
    alphas = pixels[3::4]
    return [
        *alphas,
        *(
            level * alpha // 255
            for channel in range(3)
            for level, alpha in zip(pixels[channel::4], alphas, strict=True)
        ),
    ]


@pytest.mark.parametrize("path", FIELD, ids=lambda path: path.name)
def test_files_of_the_field_play_as_in_chromium(page: Page, path: pathlib.Path) -> None:
    """Real animations, and small ones of what was wrong before."""
    compare(page, path)


@pytest.mark.parametrize("seed", range(MADE))
def test_made_up_films_play_as_in_chromium(page: Page, tmp_path: pathlib.Path, seed: int) -> None:
    """Every disposal, blend, key, colour type and palette."""
    chance = random.Random(1000 + seed)
    film = films.random_gif(chance) if seed % 2 else films.random_png(chance)
    path = tmp_path / "film"
    path.write_bytes(film.file())
    compare(page, path)
