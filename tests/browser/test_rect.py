"""The part of a picture that `rect` shows is the one that Chromium shows of the same numbers."""

import base64
import io
import pathlib
from typing import Any

import pytest
from imaging import samples
from PIL import Image
from playwright.sync_api import Browser

from liveresize.core.rect import Rect
from liveresize.core.values import Fit
from liveresize.imaging import orientation

from .chromium import needs_chromium

pytestmark = [pytest.mark.long, needs_chromium]

SIZE = (400, 300)

PARTS = [(37, 50, 203, 171), (0, 0, 400, 150), (380, 280, 20, 20)]

SHOW = """([source, x, y, width, height, wide, high]) => {
    const image = new Image();
    image.src = source;
    image.style.cssText = `display: block; width: ${wide}px; height: ${high}px;
        object-view-box: xywh(${x}px ${y}px ${width}px ${height}px)`;
    document.body.style.margin = 0;
    document.body.replaceChildren(image);
    return image.decode();
}"""


@pytest.mark.parametrize("exif_orientation", [1, 6, 7])
def test_parts_are_those_of_object_view_box(
    browser: Browser, tmp_path: pathlib.Path, exif_orientation: int
) -> None:
    """Of the upright picture, to the pixel where nothing is resampled, and twice as large."""
    picture = samples.scene(SIZE)
    stored = orientation.turn(picture, orientation.inverse(exif_orientation))
    path = samples.saved(
        tmp_path / "a.jpg",
        stored,
        quality=95,
        subsampling=0,
        exif=samples.exif(exif_orientation),
    )
    source = "data:image/jpeg;base64," + base64.b64encode(path.read_bytes()).decode()
    page = browser.new_page(viewport={"width": 900, "height": 700})
    for part in PARTS:
        for factor, alike in ((1, 45), (2, 30)):
            size = part[2] * factor, part[3] * factor
            page.evaluate(SHOW, [source, *part, *size])
            clip: Any = {"x": 0, "y": 0, "width": size[0], "height": size[1]}
            shown = Image.open(io.BytesIO(page.screenshot(clip=clip, full_page=True)))
            rect = Rect.read(",".join(map(str, part)))
            _, made = samples.rendered(path, width=size[0], height=size[1], fit=Fit.FILL, rect=rect)
            assert samples.psnr(made, shown) > alike, (part, factor)
    page.close()
