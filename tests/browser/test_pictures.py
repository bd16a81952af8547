"""Pictures in a page: what a browser shows of them, and what its own filters make of them."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page
from web import pictures, servers

from .chromium import Visit, needs_chromium

pytestmark = [pytest.mark.long, needs_chromium]

SHOW = """async (url) => {
    const image = new Image();
    const event = await new Promise((resolve) => {
        image.onload = image.onerror = (event) => resolve(event.type);
        image.src = url;
    });
    return [event, image.naturalWidth, image.naturalHeight];
}"""
"""What becomes of an `<img>`."""

COMPARE = """async ([original, made, filter]) => {
    const pixels = async (url, filter) => {
        const image = new Image();
        image.src = url;
        await image.decode();
        const canvas = new OffscreenCanvas(image.naturalWidth, image.naturalHeight);
        const context = canvas.getContext("2d");
        context.filter = filter;
        context.drawImage(image, 0, 0);
        return context.getImageData(0, 0, canvas.width, canvas.height).data;
    };
    const [ours, theirs] = [await pixels(made, "none"), await pixels(original, filter)];
    let most = ours.length === theirs.length ? 0 : 256;
    for (let at = 0; at < ours.length; at++) most = Math.max(most, Math.abs(ours[at] - theirs[at]));
    return most;
}"""
"""How many levels a rendition differs at most from the original under a filter of CSS."""


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Process]:
    """A server that shows another picture instead of missing avatars."""
    folder = tmp_path_factory.mktemp("server")
    with servers.Process(folder, fallback={"avatar-": "nobody"}) as process:
        yield process


@pytest.fixture
def page(visit: Callable[..., Visit], process: servers.Process) -> Page:
    """A page of that origin; a 404 may be on its console."""
    visited = visit(process.url)
    visited.expect("404")
    visited.page.goto(f"{process.url}/robots.txt")
    return visited.page


def test_an_image_element_shows_the_picture_of_a_404(page: Page, process: servers.Process) -> None:
    """As any other, and the same element without a fallback shows nothing."""
    process.client.put_in("nobody", pictures.jpeg(64, 48))
    for path in ("/avatar-1_32_0.webp", "/avatar-1_32_24.auto", "/avatar-2_32_0.jpg"):
        for _ in range(2):
            assert page.evaluate(SHOW, path) == ["load", 32, 24]
    assert page.evaluate(SHOW, "/other_32_0.jpg") == ["error", 0, 0]


def test_looks_are_those_of_css(page: Page, process: servers.Process) -> None:
    """To one level, which is rounding: every colour of a cube, for amounts on both sides.

    Only `grey` weighs colours otherwise, as JPEG does; `saturation=-100` is the grey of CSS.
    """
    process.client.put_in("cube", pictures.cube())
    for parameter, filter_, levels in [
        *((f"brightness={each}", f"brightness({100 + each}%)", 1) for each in (-70, 25, 100)),
        *((f"contrast={each}", f"contrast({100 + each}%)", 1) for each in (-60, 33, 100)),
        *((f"saturation={each}", f"saturate({100 + each}%)", 1) for each in (-100, -45, 50, 100)),
        ("saturation=-100", "grayscale(1)", 1),
        ("grey=true", "grayscale(1)", 32),
    ]:
        made = f"/cube_64_64.png?{parameter}&proxy=true"
        assert page.evaluate(COMPARE, ["/cube", made, filter_]) <= levels, parameter
