"""What is said of a picture with too many pixels, whoever finds out."""

import pathlib

import pytest
from PIL import Image
from web import pictures

from imaging import samples
from liveresize import errors
from liveresize.imaging import decode, pixel_limit


def test_the_figures_are_said(tmp_path: pathlib.Path) -> None:
    """Of each format that is written here, and of a damaged file that would be repaired."""
    pixel_limit.check(1000, 2000, 2_000_000)
    for kind in ("JPEG", "PNG", "GIF", "WEBP", "AVIF"):
        path = tmp_path / f"picture.{kind}"
        path.write_bytes(pictures.encoded(Image.new("RGB", (2000, 1500)), kind))
        with (
            pytest.raises(errors.ImageTooLarge) as refused,
            decode.open_picture(path, samples.SETTINGS, 2_000_000),
        ):
            raise AssertionError
        assert refused.value.public.endswith(" has 3.0 megapixels; the limit is 2."), kind


def test_pillow_is_read_where_it_can_be() -> None:
    """Whatever else it may say goes to the log alone."""
    told = pixel_limit.told_by_pillow(
        Image.DecompressionBombError("Image size (3000000 pixels) exceeds limit of 2000000 pixels")
    )
    assert told.public == "This picture has 3.0 megapixels; the limit is 2."
    other = pixel_limit.told_by_pillow(Image.DecompressionBombWarning("too much"))
    assert (other.public, other.detail) == (errors.ImageTooLarge().public, "too much")
