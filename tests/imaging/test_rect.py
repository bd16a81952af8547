"""`rect`: the result is that of a file that was cut before."""

import pathlib
from typing import Any

import pytest
from PIL import Image, ImageDraw

from liveresize import errors
from liveresize.core.formats import Format
from liveresize.core.rect import Rect
from liveresize.core.values import SMART, Fit, Gravity
from liveresize.imaging import decode, decoded, memory, orientation, resize

from . import samples

SIZE = (400, 300)
BOX = (37, 50, 240, 221)
RECT = Rect.read("37,50,203,171")

WAYS: list[dict[str, Any]] = [
    {},
    {"width": 90},
    {"width": 300, "height": 90},
    {"width": 300, "enlarge": False},
    {"width": 90, "height": 90, "fit": Fit.CROP},
    {"width": 90, "height": 90, "fit": Fit.CROP, "gravity": Gravity(100, 900)},
    {"width": 60, "height": 90, "fit": Fit.CROP, "gravity": SMART},
    {"width": 90, "height": 90, "fit": Fit.CANVAS, "gravity": Gravity(0, 0)},
    {"width": 100, "height": 20, "fit": Fit.FILL},
    {"width": 90, "height": 90, "fit": Fit.COVER, "rotate": 90, "flip": "h"},
    {"rotate": 270, "blur": 20, "grey": True},
]


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "P", "1", "I;16"])
def test_the_part_is_the_picture(tmp_path: pathlib.Path, mode: str) -> None:
    """To the pixel, for every fit and gravity, turned and filtered."""
    picture = samples.scene(SIZE)
    if mode == "RGBA":
        picture.putalpha(Image.linear_gradient("L").resize(SIZE))
    elif mode == "I;16":
        picture = picture.convert("L").convert("I").point(lambda level: level * 250).convert(mode)
    else:
        picture = picture.convert(mode)
    whole = samples.saved(tmp_path / "whole.png", picture)
    cut = samples.saved(tmp_path / "cut.png", picture.crop(BOX))
    for way in WAYS:
        _, made = samples.rendered(whole, rect=RECT, **way)
        _, expected = samples.rendered(cut, **way)
        assert made.size == expected.size, way
        assert made.convert("RGBA").tobytes() == expected.convert("RGBA").tobytes(), way


@pytest.mark.parametrize("exif_orientation", range(1, 9))
def test_it_is_one_of_the_upright_picture(tmp_path: pathlib.Path, exif_orientation: int) -> None:
    """Whichever way the file is stored, and before `rotate`."""
    picture = samples.scene(SIZE)
    stored = orientation.turn(picture, orientation.inverse(exif_orientation))
    path = samples.saved(tmp_path / "a.png", stored, exif=samples.exif(exif_orientation))
    cut = samples.saved(tmp_path / "cut.png", picture.crop(BOX))
    for way in ({}, {"rotate": 90}, {"width": 90, "flip": "v"}):
        _, made = samples.rendered(path, rect=RECT, **way)
        _, expected = samples.rendered(cut, **way)
        assert made.size == expected.size
        assert samples.psnr(made, expected) > 50


@pytest.mark.parametrize("kind", ["jpg", "webp"])
def test_the_decoder_leaves_out_what_the_part_does_not_need(
    tmp_path: pathlib.Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the size of the part, not of the picture; it is at the same place as in a full decode."""
    kept = decoded.DecodedPixels()
    monkeypatch.setattr(decoded, "kept", lambda: kept)
    picture = samples.scene((2400, 1800))
    path = samples.saved(tmp_path / f"a.{kind}", picture, quality=95)
    for text, least, most in (("403,301,1601,1203", 0, 700), ("403,301,201,103", 1200, 2400)):
        rect = Rect.read(text)
        assert rect is not None
        _, made = samples.rendered(path, width=100, rect=rect)
        (entry,) = kept._entries.values()
        assert least < entry.pixels.width <= most
        size = made.size
        box = rect.box(picture.size)
        assert samples.psnr(made, picture.resize(size, Image.Resampling.LANCZOS, box)) > 30
        kept.clear()


@pytest.mark.parametrize("kind", ["png", "jpg"])
@pytest.mark.parametrize("bands", [False, True])
def test_nothing_beside_it_shows(
    tmp_path: pathlib.Path, kind: str, bands: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a sheet of sprites: neighbours do not blur in, in bands and averaged before, too."""
    if bands:
        monkeypatch.setattr(resize, "LARGE", 10_000)
        monkeypatch.setattr(resize, "WHOLE", 1000)
        monkeypatch.setattr(resize, "BAND", 500)
    sheet = Image.new("RGB", (640, 480), (255, 0, 0))
    sheet.paste((0, 0, 255), (160, 80, 480, 400))
    path = samples.saved(tmp_path / f"a.{kind}", sheet, quality=95, subsampling=0)
    for way in ({}, {"width": 700}, {"width": 90}, {"width": 20}, {"width": 900, "height": 20}):
        _, made = samples.rendered(path, rect=Rect.read("160,80,320,320"), fit=Fit.FILL, **way)
        red, _, blue = made.split()
        assert red.getextrema()[1] <= 4
        assert blue.getextrema()[0] >= 250


@pytest.mark.parametrize("kind", ["gif", "webp", "png"])
def test_every_frame_is_cut(tmp_path: pathlib.Path, kind: str) -> None:
    """As one picture would be."""
    frames = [samples.quarters(SIZE).rotate(90 * turn) for turn in range(3)]
    options = {"save_all": True, "append_images": frames[1:], "duration": 50}
    path = samples.saved(tmp_path / f"a.{kind}", frames[0], lossless=True, **options)
    rect = Rect.read("0.5,0.5,1.0,1.0")
    _, made = samples.rendered(path, width=50, rect=rect, format=Format.GIF)
    assert (made.size, made.n_frames) == ((50, 38), 3)
    for index, frame in enumerate(frames):
        made.seek(index)
        shown = made.convert("RGB").getpixel((25, 19))
        assert samples.near(shown, frame.getpixel((300, 220)))


def test_a_part_as_large_as_the_picture_is_not_the_picture(tmp_path: pathlib.Path) -> None:
    """The stored bytes are the answer only if the part is all there is."""
    path = samples.saved(tmp_path / "a.png", samples.scene(SIZE), compress_level=9)
    for text, same in (("0,0,400,300", True), ("0,0,200,150", False), ("0,0,1.0,999", True)):
        _, made = samples.rendered(path, width=400, rect=Rect.read(text))
        assert made.size == SIZE
        assert (samples.psnr(made, Image.open(path)) == 99.0) == same


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (7, 1)])
def test_the_smallest_pictures(tmp_path: pathlib.Path, size: tuple[int, int]) -> None:
    """A part of one pixel of a picture of a few."""
    path = samples.saved(tmp_path / "a.png", Image.new("RGB", size, (9, 8, 7)))
    _, made = samples.rendered(path, width=3, rect=Rect.read("0.9,0.9,0.0001,0.0001"))
    assert made.size == (3, 3)
    assert made.getpixel((1, 1)) == (9, 8, 7)


def test_a_part_outside_is_refused(tmp_path: pathlib.Path) -> None:
    """By the engine as well, which alone sees the file."""
    path = samples.saved(tmp_path / "a.png", Image.new("RGB", SIZE))
    with pytest.raises(errors.BadParameter, match="400x300"):
        samples.rendered(path, rect=Rect.read("400,0,1,1"))


def test_the_white_of_a_part_is_that_of_the_picture(tmp_path: pathlib.Path) -> None:
    """Of modes that leave white open, all pixels tell, not only those of the part."""
    picture = Image.new("I", (40, 30), 200)
    ImageDraw.Draw(picture).rectangle((0, 0, 9, 9), fill=60_000)
    path = samples.saved(tmp_path / "a.tiff", picture)
    settings = samples.tuned(formats=("tiff",))
    for way in ({}, {"width": 5}):
        _, made = samples.rendered(path, rect=Rect.read("20,10,20,20"), settings=settings, **way)
        assert made.convert("L").getextrema() == (1, 1)


def test_memory_counts_the_copy_of_the_part(tmp_path: pathlib.Path) -> None:
    """Which is taken of the decoded pixels, unless it is resampled in bands."""
    path = samples.saved(tmp_path / "a.png", Image.new("RGB", (2000, 1500)))
    with decode.open_picture(path, samples.SETTINGS, 10**9) as image:

        def finishing(within: tuple[int, int] | None) -> int:
            need = memory.rendering(
                image,
                1,
                (1500.0, 1000.0),
                (300, 200),
                Format.PNG,
                frames=1,
                bent=False,
                keeps=0,
                within=within,
            )
            return need.finishing

        copied = 4 * 1501 * 1001
        assert finishing((1500, 1000)) - finishing(None) == copied


def test_parts_are_those_of_libvips(tmp_path: pathlib.Path) -> None:
    """`extract_area` and `resize` give the same picture."""
    vips: Any = pytest.importorskip("pyvips", reason="pyvips-binary is not installed")
    path = samples.saved(tmp_path / "a.png", samples.scene(SIZE))
    whole = vips.Image.new_from_file(str(path))
    for left, top, width, height in ((37, 50, 203, 171), (0, 0, 400, 299), (390, 290, 10, 10)):
        for factor in (0.25, 0.5, 1.0, 2.5):
            size = round(width * factor), round(height * factor)
            part = whole.extract_area(left, top, width, height)
            theirs = part.resize(size[0] / width, vscale=size[1] / height)
            expected = Image.frombytes(
                "RGB", (theirs.width, theirs.height), theirs.write_to_memory()
            )
            rect = Rect.read(f"{left},{top},{width},{height}")
            _, made = samples.rendered(path, width=size[0], height=size[1], fit=Fit.FILL, rect=rect)
            assert made.size == expected.size
            # It enlarges with cubic splines.
            assert samples.psnr(made, expected) > (30 if factor > 1 else 40), (rect, factor)
