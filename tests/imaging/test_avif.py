"""The clean aperture of AVIF is what is shown, as in browsers."""

import io
import pathlib
import struct
from typing import Any

import pytest
from PIL import Image

from liveresize import errors
from liveresize.core.formats import Format
from liveresize.core.jobs import IntakeJob
from liveresize.imaging import decode, ingest

from . import samples

CODED = (64, 48)
SHOWN = (50, 30)

Aperture = tuple[int, int, int, int, int, int, int, int]


def aperture(size: tuple[int, int], coded: tuple[int, int] = CODED) -> Aperture:
    """A clean aperture of `size` at the left top corner."""
    return (size[0], 1, size[1], 1, size[0] - coded[0], 2, size[1] - coded[1], 2)


def written(path: pathlib.Path, box: Aperture, mode: str = "RGB", **how: Any) -> pathlib.Path:
    """Quarters as large as CODED, in an AVIF with a clean aperture instead of a profile."""
    picture = samples.quarters(CODED).convert(mode)
    if mode == "RGBA":
        picture.putalpha(200)
    profile = bytes(range(28))
    file = io.BytesIO()
    picture.save(file, "AVIF", quality=95, icc_profile=profile, speed=9, **how)
    clap = b"clap" + struct.pack(">IIIIiIiI", *box)
    data = file.getvalue()
    assert data.count(b"\x83\x04\x05") == 1
    # What changes the picture must be marked as essential.
    data = data.replace(b"\x83\x04\x05", b"\x83\x84\x05")
    assert b"colrprof" + profile in data
    path.write_bytes(data.replace(b"colrprof" + profile, clap))
    return path


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
def test_the_aperture_is_shown(tmp_path: pathlib.Path, mode: str) -> None:
    """Size, facts and renditions are those of the aperture; nothing else is shown."""
    path = written(tmp_path / "a.avif", aperture(SHOWN), mode)
    _, whole = samples.rendered(path)
    assert whole.size == SHOWN
    expected = samples.quarters(CODED).convert(mode).convert("RGB")
    for at in ((3, 3), (45, 3), (3, 28), (45, 28)):
        assert samples.near(whole.convert("RGB").getpixel(at), expected.getpixel(at), 12)
    _, small = samples.rendered(path, width=25, height=0, format=Format.JPEG)
    assert small.size == (25, 15)
    facts = ingest.probe(path, samples.SETTINGS)
    assert (facts.width, facts.height, facts.frames) == (*SHOWN, 1)


@pytest.mark.parametrize(
    "box",
    [
        pytest.param((50, 1, 30, 1, 0, 1, 0, 1), id="in the middle"),
        pytest.param((50, 1, 30, 1, 7, 1, 9, 1), id="at the right"),
        pytest.param((50, 1, 30, 1, -8, 1, -9, 1), id="beyond the left"),
        pytest.param((101, 2, 30, 1, -27, 4, -9, 1), id="half pixels"),
        pytest.param((65, 1, 30, 1, 1, 2, -9, 1), id="wider"),
        pytest.param((0, 1, 30, 1, -32, 1, -9, 1), id="nothing"),
        pytest.param((50, 0, 30, 1, -7, 1, -9, 1), id="no fraction"),
    ],
)
def test_other_apertures_are_ignored(tmp_path: pathlib.Path, box: Aperture) -> None:
    """Like Chromium, show everything where the aperture is not the left top corner."""
    _, whole = samples.rendered(written(tmp_path / "a.avif", box))
    assert whole.size == CODED


def test_fractions_are_reduced(tmp_path: pathlib.Path) -> None:
    """An aperture of 100/2 by 90/3 is one of 50 by 30."""
    path = written(tmp_path / "a.avif", (100, 2, 90, 3, -28, 4, -18, 2))
    assert samples.rendered(path)[1].size == SHOWN


def test_the_aperture_comes_before_turning(tmp_path: pathlib.Path) -> None:
    """A picture that is turned is cut as it is stored."""
    path = written(tmp_path / "a.avif", aperture(SHOWN), exif=samples.exif(6))
    _, whole = samples.rendered(path)
    assert whole.size == SHOWN[::-1]
    for at, colour in (((25, 3), samples.RED), ((3, 3), samples.BLUE), ((28, 48), samples.GREEN)):
        assert samples.near(whole.convert("RGB").getpixel(at), colour, 12)


def test_frames_are_cut_too(tmp_path: pathlib.Path) -> None:
    """The track of an animation has an aperture of its own."""
    other = samples.quarters(CODED).transpose(Image.Transpose.FLIP_TOP_BOTTOM)
    path = written(tmp_path / "a.avif", aperture(SHOWN), save_all=True, append_images=[other])
    _, moving = samples.rendered(path, format=Format.WEBP)
    assert (moving.size, moving.n_frames) == (SHOWN, 2)
    for frame, colour in enumerate((samples.RED, samples.BLUE)):
        moving.seek(frame)
        assert samples.near(moving.convert("RGB").getpixel((5, 5)), colour, 16)


def test_intake_keeps_what_is_shown(tmp_path: pathlib.Path) -> None:
    """A part of an upload is a part of the aperture, and ends at its edge."""
    path = written(tmp_path / "a.avif", aperture(SHOWN))
    job = IntakeJob(source=str(path), target=str(tmp_path / "b"), crop=(30, 20, 20, 10))
    facts = ingest.ingest(job, samples.SETTINGS)
    assert (facts.width, facts.height) == (20, 10)
    job = IntakeJob(source=str(path), target=str(tmp_path / "b"), crop=(30, 20, 21, 10))
    facts = ingest.ingest(job, samples.SETTINGS)
    assert (facts.width, facts.height) == (20, 10)


def test_limits_are_those_of_what_is_decoded(tmp_path: pathlib.Path) -> None:
    """A small aperture does not let a large picture in."""
    path = written(tmp_path / "a.avif", aperture((10, 10)))
    pixels = CODED[0] * CODED[1]
    with decode.open_picture(path, samples.SETTINGS, pixels) as image:
        assert decode.frame_pixels(image) == pixels
    with pytest.raises(errors.ImageTooLarge), decode.open_picture(path, samples.SETTINGS, 3000):
        pass


def test_field_file() -> None:
    """The file that stands for this fault is as large as browsers show it."""
    path = samples.CORPUS / "field/avif-clap-padding.avif"
    if not path.exists():
        pytest.skip("the corpus of test pictures is not here (LIVERESIZE_CORPUS)")
    assert samples.rendered(path)[1].size == (250, 180)
