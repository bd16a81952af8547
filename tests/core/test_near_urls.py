"""What a wrong URL may have meant."""

import pytest

from liveresize.core import near_urls, urls
from liveresize.core.operation import UrlRules

MEANT: dict[str, str] = {
    "/sample_400.jpg": "/sample_400_0.jpg",
    "/sample-400.jpg": "/sample_400_0.jpg",
    "/sample_400w.jpg": "/sample_400_0.jpg",
    "/sample_w400.webp": "/sample_400_0.webp",
    "/sample_400px.jpg": "/sample_400_0.jpg",
    "/sample_h300.jpg": "/sample_0_300.jpg",
    "/sample_300h.jpg": "/sample_0_300.jpg",
    "/sample_x300.jpg": "/sample_0_300.jpg",
    "/sample_400x.jpg": "/sample_400_0.jpg",
    "/sample__300.jpg": "/sample_0_300.jpg",
    "/sample_400_.jpg": "/sample_400_0.jpg",
    "/sample_400x300.jpg": "/sample_400_300.jpg",
    "/sample-400X300.JPG": "/sample_400_300.jpg",
    "/sample_400%C3%97300.jpg": "/sample_400_300.jpg",
    "/sample_400,300.jpg": "/sample_400_300.jpg",
    "/sample_w400_h300.jpg": "/sample_400_300.jpg",
    "/sample_400px_300px.jpg": "/sample_400_300.jpg",
    "/sample_400_auto.jpg": "/sample_400_0.jpg",
    "/sample_400_300": "/sample_400_300.jpg",
    "/sample_400_300_2x": "/sample_400_300_2x.jpg",
    "/sample_400_300@2x.jpg": "/sample_400_300_2x.jpg",
    "/sample_400@2x.png": "/sample_400_0_2x.png",
    "/sample_400x300-2x.jpg": "/sample_400_300_2x.jpg",
    "/sample@2x.jpg": "/sample.jpg",
    "/sample_1.5x": "/sample.jpg",
    "/sample_-1_300.jpg": "/sample_0_300.jpg",
    "/sample_400_-1.jpg": "/sample_400_0.jpg",
    "/sample_-1.jpg": "/sample.jpg",
    "/sample_0_0.jpg": "/sample.jpg",
    "/sample_400_300.jpeg2": "/sample_400_300.jpeg",
    "/sample_400_300.wepb": "/sample_400_300.webp",
    "/sample_400_300.bmp": "/sample_400_300.jpg",
    "/sample_400x300.bmp": "/sample_400x300.jpg",
    "/sample.bmp": "/sample.jpg",
    "/sample.jpg.webp": "/sample.webp",
    "/sample.jpg.json": "/sample.json",
    "/sample_400_300.jpg.webp": "/sample_400_300.webp",
    "/sample.jpg_400_300.jpg": "/sample_400_300.jpg",
    "/photo_2024_300.jpg": "/photo_2024_300.jpg",
    "/sample_400_300_2.jpg": "/sample_400_300_2x.jpg",
    "/sample_400_300_25x.jpg": "/sample_400_300_20x.jpg",
    "/sample.400x300.jpg": "/sample_400_300.jpg",
    "/sample.jpg%3Ffit=crop": "/sample.jpg",
    "/sample_400_300.jpg%3Ffit=crop": "/sample_400_300.jpg",
    "/sample_400_300.jpg&fit=crop": "/sample_400_300.jpg",
    "/sample.png;fit=crop": "/sample.png",
    "/tom&jerry_400.jpg": "/tom%26jerry_400_0.jpg",
    "/sample%3F": "/sample.jpg",
    "/%3F.jpg": "",
    "/sample/400x300.jpg": "/sample_400_300.jpg",
    "/sample/400/300.jpg": "",
    "/400x300/sample.png": "/sample_400_300.png",
    "/400x300/sample": "/sample_400_300.jpg",
    "/photos/sample_400_300.jpg": "/sample_400_300.jpg",
    "/photos/sample.webp": "/sample.webp",
    "/photos/sample": "/sample.jpg",
    "/photos/": "",
    "/an%20%C3%A9_400x300.jpg": "/an%20%C3%A9_400_300.jpg",
    "/sample.jpg": "",
    "/sample": "",
    "/sample.json": "",
    "/cat-3.jpg": "",
    "/cat_7": "",
    "/sample_big.jpg": "",
    "/5b1f0e4e-6f0b-4b0e-9d5e-0f5a9d9b2c11.jpg": "",
    "/_400_300.jpg": "",
    "/.400x300.jpg": "",
    "/sample%_400.jpg": "",
    "/sample%FF_400.jpg": "",
    "/a%2Fb_400.jpg": "",
    "/" + "a" * 300 + "_400.jpg": "",
    "/" + "%C3%A9" * 40 + "_400.jpg": "",
}


@pytest.mark.parametrize("path", MEANT)
def test_near_urls_are_read(path: str) -> None:
    """The longest size first; each is a URL that is read as its picture."""
    found = near_urls.candidates(path)
    assert next((near.path for near in found), "") == MEANT[path]
    assert len(found) <= near_urls.MOST
    for near in found:
        assert urls.parse(near.path, "*/*", UrlRules()).image == near.image


def test_a_number_may_be_part_of_the_name() -> None:
    """That is asked second, and the URL as it stands not again."""
    found = near_urls.candidates("/photo_2024_300.png")
    assert [near.path for near in found] == ["/photo_2024_300.png", "/photo_2024_300_0.png"]
    found = near_urls.candidates("/sample_400x300.bmp")
    assert [near.path for near in found] == ["/sample_400x300.jpg", "/sample_400_300.jpg"]
    assert [near.wrong_extension for near in found] == ["bmp", ""]


def test_names_that_were_asked_for_are_no_candidates() -> None:
    """The index has answered that already."""
    found = near_urls.candidates("/photo_2024_300.jpg", ("photo",))
    assert [near.image.name for near in found] == ["photo_2024"]
    assert near_urls.candidates("/sample_400_300.JPG", ("sample", "sample_400")) == ()
