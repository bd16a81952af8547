"""Still WebP pictures: decoded by libwebp itself, as Pillow would, or smaller."""

import pathlib
from typing import Any

import pytest
from PIL import Image

from liveresize import errors
from liveresize.core.formats import Format
from liveresize.imaging import decode, webp

from . import samples, uploads

needs_library = pytest.mark.skipif(
    webp._library() is None, reason="Pillow's libwebp cannot be found on this platform"
)

KINDS = [
    ("RGB", {"quality": 80}),
    ("RGBA", {"quality": 80}),
    ("RGB", {"lossless": True}),
    ("RGBA", {"lossless": True, "exact": True}),
]


def made(path: pathlib.Path, mode: str, **how: Any) -> pathlib.Path:
    """A scene, with alpha where the mode has it."""
    picture = samples.scene((301, 203)).convert(mode)
    if mode == "RGBA":
        picture.putalpha(Image.radial_gradient("L").resize(picture.size))
    return samples.saved(path, picture, **how)


@needs_library
@pytest.mark.parametrize(("mode", "how"), KINDS)
def test_pixels_are_those_of_pillow(tmp_path: pathlib.Path, mode: str, how: Any) -> None:
    """Decoded in full, every byte is the one that Pillow's decoder gives."""
    path = made(tmp_path / "a.webp", mode, **how)
    still = webp.opened(path)
    assert still is not None
    with still, Image.open(path) as theirs:
        theirs.load()
        still.load()
        assert (still.mode, still.size, still.format) == (theirs.mode, theirs.size, "WEBP")
        assert still.tobytes() == theirs.tobytes()


@needs_library
@pytest.mark.parametrize(("mode", "how"), KINDS)
def test_a_draft_is_the_picture_smaller(tmp_path: pathlib.Path, mode: str, how: Any) -> None:
    """A draft looks like the picture; lossy files with alpha are left whole."""
    still = webp.opened(made(tmp_path / "a.webp", mode, **how))
    assert still is not None
    with still:
        drafted = still.draft(None, (150, 101))
        still.load()
        if mode == "RGBA" and "lossless" not in how:
            assert (drafted, still.size) == (None, (301, 203))
            return
        assert drafted == (mode, (0, 0, 150, 101))
        assert still.size == (150, 101)
        assert samples.psnr(still.convert("RGB"), samples.scene((301, 203)).resize((150, 101))) > 24
        assert still.draft(None, (10, 10)) is None


@needs_library
def test_hidden_colour_does_not_bleed_into_a_draft(tmp_path: pathlib.Path) -> None:
    """A lossless draft weighs colour by alpha, as resizing does."""
    picture = Image.new("RGBA", (400, 400), (0, 255, 0, 0))
    picture.paste((200, 0, 0, 255), (0, 0, 211, 400))
    path = samples.saved(tmp_path / "a.webp", picture, lossless=True, exact=True)
    still = webp.opened(path)
    assert still is not None
    with still:
        still.draft(None, (57, 57))
        still.load()
        pixels = still.get_flattened_data()
    assert all(pixel[1] <= 2 for pixel in pixels if pixel[3] > 8)  # type: ignore[index, operator]


@needs_library
def test_profile_orientation_and_xmp_are_read(tmp_path: pathlib.Path) -> None:
    """What stands around the pixels is where Pillow's own plugin puts it."""
    path = tmp_path / "a.webp"
    path.write_bytes(uploads.telling_webp(orientation=6))
    with decode.open_picture(path, samples.SETTINGS, 10_000) as image, Image.open(path) as theirs:
        assert isinstance(image, webp.StillWebP)
        assert decode.orientation(image) == 6
        for key in ("icc_profile", "exif", "xmp"):
            assert image.info[key] == theirs.info[key]


@needs_library
@pytest.mark.parametrize("kept", [12, 20, 29, 60, 0.5, 0.98])
def test_a_cut_file_is_refused(tmp_path: pathlib.Path, kept: float) -> None:
    """A file that ends too soon raises an error of ours, wherever it ends."""
    path = made(tmp_path / "a.webp", "RGB", quality=80)
    data = path.read_bytes()
    path.write_bytes(data[: int(kept) if kept >= 1 else int(len(data) * kept)])
    with pytest.raises((errors.UnreadableImage, errors.UnsupportedImage)):
        samples.rendered(path, width=40, format=Format.JPEG)


def test_animations_are_left_to_pillow(tmp_path: pathlib.Path) -> None:
    """What moves, and what is no WebP, is not taken."""
    path = tmp_path / "a.webp"
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    frames[0].save(path, save_all=True, append_images=frames[1:])
    assert webp.opened(path) is None
    assert webp.opened(samples.saved(tmp_path / "a.png", frames[0])) is None


@pytest.mark.parametrize("width", [0, 40, 120])
def test_without_the_library_pillow_decodes(
    tmp_path: pathlib.Path, width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where libwebp cannot be found renditions look the same."""
    path = made(tmp_path / "a.webp", "RGB", quality=90)
    _, ours = samples.rendered(path, width=width)
    monkeypatch.setattr(webp, "_library", lambda: None)
    _, theirs = samples.rendered(path, width=width)
    assert samples.psnr(ours, theirs) > 38
