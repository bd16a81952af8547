"""JPEG XL in a browser: Chromium shows what was given, and names it in `Accept`."""

import pytest
from imaging import samples
from PIL import Image, ImageChops
from playwright.sync_api import Browser

from liveresize.imaging import jxl_encoder

from . import test_field
from .chromium import needs_chromium

pytestmark = [pytest.mark.long, needs_chromium]

SHOWN_SINCE = 156
"""The first version that was tried."""


def test_chromium_shows_what_was_given(browser: Browser) -> None:
    """Greys and colours, with transparency and without."""
    if int(browser.version.partition(".")[0]) < SHOWN_SINCE:
        pytest.skip("this Chromium may not show JPEG XL")
    context = browser.new_context()
    page = context.new_page()
    for mode in ("L", "LA", "RGB", "RGBA"):
        picture = samples.scene((120, 90)).convert(mode)
        if mode.endswith("A"):
            picture.putalpha(Image.linear_gradient("L").resize(picture.size))
        data = jxl_encoder.encoded(picture, 100, 3)
        seen = test_field.shown(page, data, "image/jxl")
        assert seen is not None
        ours = samples.opened(data).convert("RGBA")
        assert ImageChops.difference(seen.getchannel("A"), ours.getchannel("A")).getbbox() is None
        both = (test_field.on_white(each) for each in (seen, ours))
        assert samples.psnr(*both) > 40
    context.close()
