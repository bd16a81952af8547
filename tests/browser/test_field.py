"""Files of real reports: an original and its rendition look the same in a browser."""

import base64
import os
import pathlib
from typing import Any

import pytest
from PIL import Image, ImageChops
from playwright.sync_api import Browser
from web import servers

from .chromium import needs_chromium

ROOT = pathlib.Path(__file__).parents[2]
FIELD = ROOT / os.environ.get("LIVERESIZE_CORPUS", "../shared/corpus") / "field"

STILLS = sorted(
    path for kind in ("avif", "jpeg", "png") for path in FIELD.glob(f"{kind}-*") if path.is_file()
)

pytestmark = [
    pytest.mark.long,
    needs_chromium,
    pytest.mark.skipif(
        not STILLS, reason="the corpus of test pictures is not here (LIVERESIZE_CORPUS)"
    ),
]

CLOSE = 4
"""Levels by which a pixel of the two may differ."""

TYPES = {".avif": "image/avif", ".jpg": "image/jpeg", ".png": "image/png"}

SHOW = """
async (url) => {
    const image = new Image();
    image.src = url;
    document.body.append(image);
    try {
        await image.decode();
    } catch {
        return null;
    }
    const canvas = document.createElement("canvas");
    canvas.width = image.naturalWidth;
    canvas.height = image.naturalHeight;
    const context = canvas.getContext("2d", {colorSpace: "srgb"});
    context.drawImage(image, 0, 0);
    const {data} = context.getImageData(0, 0, canvas.width, canvas.height);
    let bytes = "";
    for (let start = 0; start < data.length; start += 32768) {
        bytes += String.fromCharCode(...data.subarray(start, start + 32768));
    }
    return {size: [canvas.width, canvas.height], pixels: btoa(bytes)};
}
"""
"""Puts a picture on the page; its pixels, or null where it cannot be decoded."""


@pytest.fixture(scope="module")
def page(browser: Browser) -> Any:
    """A page with both pictures of every file."""
    context = browser.new_context()
    yield context.new_page()
    context.close()


def shown(page: Any, data: bytes, kind: str) -> Image.Image | None:
    """What the browser shows; None where it shows nothing."""
    seen = page.evaluate(SHOW, f"data:{kind};base64,{base64.b64encode(data).decode()}")
    if seen is None:
        return None
    return Image.frombytes("RGBA", tuple(seen["size"]), base64.b64decode(seen["pixels"]))


def on_white(picture: Image.Image) -> Image.Image:
    """A picture without transparency."""
    return Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture).convert("RGB")


@pytest.mark.parametrize("path", STILLS, ids=lambda path: path.name)
def test_original_and_rendition_look_the_same(
    page: Any, bare: servers.Process, path: pathlib.Path
) -> None:
    """Size and pixels of the rendition as PNG are those of the original in Chromium."""
    original = shown(page, path.read_bytes(), TYPES[path.suffix])
    assert original is not None
    client, name = bare.client, f"field-{path.stem}"
    answer = client.upload(name, path.read_bytes(), client.token(name))
    assert answer.status_code == 200, answer.text
    facts = client.get(f"/{name}.json").json()
    assert (facts["width"], facts["height"]) == original.size
    target = f"/{name}_{facts['width']}_{facts['height']}.png"
    rendition = shown(page, client.get(target, follow_redirects=True).content, "image/png")
    assert rendition is not None
    if path.suffix == ".jpg":
        # Of a JPEG without its end Chromium leaves the last rows out.
        assert original.crop((0, 0, original.width, original.height // 2)).getextrema()[3][0] == 255
        rendition.putalpha(original.getchannel("A"))
    difference = ImageChops.difference(on_white(original), on_white(rendition))
    assert max(high for _, high in difference.getextrema()) <= CLOSE
