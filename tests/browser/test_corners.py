"""Round corners are those of CSS."""

import io

import pytest
from PIL import Image, ImageChops
from playwright.sync_api import Browser

from liveresize.core.values import MAX_RADIUS
from liveresize.imaging import corners

from .chromium import needs_chromium

pytestmark = [pytest.mark.long, needs_chromium]

SCALE = 8
"""Chromium itself is up to 66 levels from the area of a circle in a pixel, and not the same in all
four corners. Averaged from so many pixels it is exact."""

FAR, USUAL = 10, 5
"""Levels of alpha that one pixel of an edge may be off, and all of them in their mean."""


def test_corners_are_those_of_css(browser: Browser) -> None:
    """Small and large, of odd sides, and of a radius that does not fit."""
    page = browser.new_page(viewport={"width": 400, "height": 300}, device_scale_factor=SCALE)
    for size, radius in (
        ((60, 40), 1),
        ((60, 40), 5),
        ((300, 200), 37),
        ((61, 41), MAX_RADIUS),
        ((101, 101), MAX_RADIUS),
        ((2, 7), MAX_RADIUS),
        ((1, 1), MAX_RADIUS),
    ):
        width, height = size
        page.set_content(
            '<style>* { margin: 0; background: none }</style><div style="background: #000;'
            f'width: {width}px; height: {height}px; border-radius: {radius}px"></div>'
        )
        clip = {"x": 0.0, "y": 0.0, "width": float(width), "height": float(height)}
        shot = page.screenshot(omit_background=True, clip=clip)
        theirs = Image.open(io.BytesIO(shot)).getchannel("A").reduce(SCALE)
        ours = corners.rounded(Image.new("RGB", size), radius).getchannel("A")
        off = ImageChops.difference(ours, theirs).tobytes()
        edge = sum(0 < alpha < 255 for alpha in ours.tobytes())
        assert max(off) <= FAR, (size, radius)
        assert sum(off) <= USUAL * edge, (size, radius)
    page.close()
