"""Formats that are off unless asked for: JPEG XL, TIFF and BMP."""

import pathlib
from typing import Any

import pytest
from PIL import Image

from liveresize import errors
from liveresize.core.formats import Format
from liveresize.imaging import decode, ingest

from . import jxl_files, samples

LISTED = samples.tuned(formats=("jpeg", "png", "jxl", "tiff", "bmp"))
PLUGINS = {"jxl": "imagecodecs", "tiff": "PIL", "bmp": "PIL"}


def made(path: pathlib.Path, kind: str, picture: Image.Image, **how: Any) -> pathlib.Path:
    """`picture` in a file of `kind`; the test is skipped where the plugin is missing."""
    pytest.importorskip(PLUGINS[kind])
    assert decode.accepted((kind,)) == (decode.PILLOW_NAMES[kind],)
    if kind == "jxl":
        path.write_bytes(jxl_files.encoded(picture, **how))
    else:
        picture.save(path, decode.PILLOW_NAMES[kind], **how)
    return path


@pytest.mark.parametrize("kind", PLUGINS)
def test_listed_formats_are_read(tmp_path: pathlib.Path, kind: str) -> None:
    """A listed format is rendered and taken as an upload, under its own name."""
    scene = samples.scene((120, 80))
    path = made(tmp_path / "a", kind, scene)
    _, shown = samples.rendered(path, width=60, settings=LISTED)
    assert shown.size == (60, 40)
    assert samples.psnr(shown, scene.resize((60, 40), Image.Resampling.LANCZOS)) > 25
    facts = ingest.probe(path, LISTED)
    assert (facts.format, facts.width, facts.height, facts.frames) == (kind, 120, 80, 1)


@pytest.mark.parametrize("kind", PLUGINS)
def test_formats_are_off_unless_listed(tmp_path: pathlib.Path, kind: str) -> None:
    """Even with its plugin loaded, a format that is not listed is refused."""
    path = made(tmp_path / "a", kind, samples.scene((60, 40)))
    with pytest.raises(errors.UnsupportedImage):
        samples.rendered(path, width=30)


def test_orientation_is_honoured(tmp_path: pathlib.Path) -> None:
    """A TIFF stored on its side comes out upright."""
    path = made(tmp_path / "a", "tiff", samples.quarters((120, 80)), exif=samples.exif(6))
    _, shown = samples.rendered(path, width=40, settings=LISTED)
    assert shown.size == (40, 60)
    for at, colour in (((5, 5), samples.BLUE), ((35, 5), samples.RED), ((5, 55), samples.YELLOW)):
        assert samples.near(shown.convert("RGB").getpixel(at), colour, 24)


def test_too_many_pixels_are_refused(tmp_path: pathlib.Path) -> None:
    """The limit holds before anything is decoded."""
    path = made(tmp_path / "a", "jxl", samples.scene((120, 80)))
    settings = samples.tuned(formats=("jxl",), max_decode_pixels=120 * 80 - 1)
    with pytest.raises(errors.ImageTooLarge):
        samples.rendered(path, width=30, format=Format.JPEG, settings=settings)


def test_a_missing_plugin_is_as_if_not_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A format whose plugin is not installed is not accepted, and nothing breaks."""
    monkeypatch.setitem(decode.PLUGINS, "jxl", "no_such_plugin")
    decode.accepted.cache_clear()
    try:
        assert decode.accepted(("png", "jxl")) == ("PNG",)
    finally:
        decode.accepted.cache_clear()
