"""Overlays: exact pixels where they are flat, in every mode, and pictures that cannot be drawn."""

import itertools
import pathlib
from typing import Any

import pytest
from PIL import Image

from liveresize import errors
from liveresize.core.formats import Format
from liveresize.core.jobs import OverlayJob
from liveresize.core.overlay import Overlay
from liveresize.core.values import COMPASS, Fit
from liveresize.imaging import decoded, display_p3, overlay_pictures, overlays, render

from . import samples

RED = (200, 0, 0, 255)


def job(path: pathlib.Path, **changes: Any) -> OverlayJob:
    """An overlay in the right lower corner, a quarter as wide as the result."""
    return OverlayJob(path=str(path), overlay=Overlay(name="logo", picture="brand", **changes))


def made(path: pathlib.Path, overlay: OverlayJob, **fields: Any) -> Any:
    """The rendition with the overlay, decoded again."""
    wanted = samples.rendition(overlay=overlay.overlay.mark("0" * 8), **fields)
    return samples.opened(render.render(path, wanted, samples.SETTINGS, overlay=overlay).data)


@pytest.fixture
def logo(tmp_path: pathlib.Path) -> pathlib.Path:
    """A red picture of 40 × 20, half transparent on its right."""
    picture = Image.new("RGBA", (40, 20), RED)
    picture.paste((*RED[:3], 128), (20, 0, 40, 20))
    return samples.saved(tmp_path / "logo.png", picture)


@pytest.mark.parametrize(
    ("changes", "result", "size", "offset"),
    [
        ({}, (400, 300), (100, 50), (292, 242)),
        ({"gravity": COMPASS["northwest"]}, (400, 300), (100, 50), (8, 8)),
        ({"gravity": COMPASS["center"]}, (400, 300), (100, 50), (150, 125)),
        ({"margin": 0, "scale": 1000}, (400, 300), (400, 200), (0, 100)),
        ({"scale": 1000}, (400, 300), (384, 192), (8, 100)),
        # It fits in what is lower than it would be, and in what is smaller than its margins.
        ({"scale": 1000, "margin": 0}, (400, 100), (200, 100), (200, 0)),
        ({"margin": 500}, (400, 100), (100, 50), (300, 50)),
        ({"scale": 10}, (4, 4), (1, 1), (3, 3)),
        ({}, (1, 1), (1, 1), (0, 0)),
        ({}, (1, 1000), (1, 1), (0, 999)),
        ({}, (1000, 1), (2, 1), (998, 0)),
    ],
)
def test_where_it_goes(
    changes: dict[str, Any], result: tuple[int, int], size: Any, offset: Any
) -> None:
    """By shares of the width of the result; it is always whole."""
    place = overlays.placed(Overlay(name="a", picture="b", **changes), (40, 20), result)
    assert (place.size, place.offset) == (size, offset)
    assert all(
        at >= 0 and at + side <= all_
        for at, side, all_ in zip(place.offset, place.size, result, strict=True)
    )


def test_any_shape_is_whole_in_any_result() -> None:
    """However long, at any scale, margin and gravity."""
    sides = (1, 2, 3, 50, 3001)
    for across, down, wide, high in itertools.product(sides, repeat=4):
        for scale, margin in ((10, 0), (250, 20), (1000, 500)):
            overlay = Overlay(name="a", picture="b", scale=scale, margin=margin)
            place = overlays.placed(overlay, (across, down), (wide, high))
            assert 1 <= place.size[0] <= wide - place.offset[0]
            assert 1 <= place.size[1] <= high - place.offset[1]
            assert min(place.offset) >= 0


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
@pytest.mark.parametrize("grey", [True, False])
@pytest.mark.parametrize("tile", [True, False])
def test_it_is_blended_by_its_alpha(mode: str, grey: bool, tile: bool) -> None:
    """What is opaque replaces, what is half transparent is half seen; a grey picture becomes
    coloured under a colour only. The picture itself stays as it was."""
    colour = (200, 200, 200) if grey else (200, 0, 0)
    patch = Image.new("RGBA", (2, 1), (*colour, 255))
    patch.putpixel((1, 0), (*colour, 51))
    picture = Image.new("RGBA", (6, 4), (100, 100, 100, 255)).convert(mode)
    before = picture.copy()
    patch = patch.convert("LA") if grey else patch
    if tile:
        place = overlays.Place((2, 1), (4, 3), (3, 2))
        drawing = overlays.Drawing(overlays.tiled(patch, place, (6, 4)), (0, 0))
    else:
        drawing = overlays.Drawing(patch, (4, 3))
    result = drawing.over(picture)
    colours = {"L": "RGB", "LA": "RGBA"}.get(mode, mode)
    assert result.mode == (mode if grey else colours)
    assert picture.tobytes() == before.tobytes()
    pixels = result.convert("RGBA")
    opaque, mixed = (*colour, 255), tuple((20 * c + 80 * 100 + 50) // 100 for c in colour)
    assert pixels.getpixel((4, 3)) == opaque
    assert samples.near(pixels.getpixel((5, 3)), (*mixed, 255), 1)
    assert pixels.getpixel((3, 3)) == (100, 100, 100, 255)
    drawn = {
        (x, y) for x in range(6) for y in range(4) if pixels.getpixel((x, y))[:3] != (100,) * 3
    }
    columns, rows = ((1, 2, 4, 5), (1, 3)) if tile else ((4, 5), (3,))
    assert drawn == {(x, y) for x in columns for y in rows}


def test_transparent_pixels_take_its_colour() -> None:
    """Over nothing it is as transparent as it is itself; no hidden colour shows."""
    drawing = overlays.Drawing(Image.new("RGBA", (1, 1), (200, 0, 0, 100)), (0, 0))
    result = drawing.over(Image.new("RGBA", (2, 1), (0, 255, 0, 0)))
    assert result.getpixel((0, 0)) == (200, 0, 0, 100)
    assert result.getpixel((1, 0))[3] == 0


@pytest.mark.parametrize("output", [each for each in Format if each is not Format.JXL])
def test_every_format_has_it(tmp_path: pathlib.Path, logo: pathlib.Path, output: Format) -> None:
    """Its own size is no reason to send the original's bytes; a filter leaves it alone."""
    ground = Image.new("RGB", (80, 60), (0, 0, 100))
    suffix = "jpg" if output is Format.JPEG else output.value
    path = samples.saved(tmp_path / f"a.{suffix}", ground)
    for fields in ({"width": 40, "grey": True, "blur": 20}, {}):
        picture = made(path, job(logo, margin=0, scale=500), format=output, **fields).convert("RGB")
        wide, high = picture.size
        assert samples.near(picture.getpixel((wide // 2 + 4, high - 4)), RED[:3], 25)
        assert not samples.near(picture.getpixel((4, 4)), RED[:3], 90)


def test_it_is_drawn_upright_over_what_is_turned(
    tmp_path: pathlib.Path, logo: pathlib.Path
) -> None:
    """Turned and cropped pictures have it in the same corner; it has an orientation of its own."""
    path = samples.saved(tmp_path / "a.jpg", samples.scene((60, 40)), exif=samples.exif(6))
    red = Image.new("RGB", (20, 40), RED[:3])
    turned = samples.saved(tmp_path / "turned.jpg", red, exif=samples.exif(6), quality=95)
    for overlay in (logo, turned):
        for fields in ({"rotate": 90}, {"flip": "hv"}, {"height": 40, "fit": Fit.CROP}):
            picture = made(path, job(overlay, margin=0), width=40, **fields).convert("RGB")
            high = picture.height
            assert samples.near(picture.getpixel((31, high - 3)), RED[:3], 6)
            assert not samples.near(picture.getpixel((31, high - 7)), RED[:3], 90)


def test_it_is_drawn_before_corners_and_pad(tmp_path: pathlib.Path, logo: pathlib.Path) -> None:
    """Corners are cut of it, too, and the pad is around it."""
    path = samples.saved(tmp_path / "a.png", Image.new("RGB", (40, 40), (0, 0, 200)))
    overlay = job(logo, scale=1000, margin=0)
    picture = made(path, overlay, radius=10, pad=(2, 2, 3, 2)).convert("RGBA")
    assert picture.size == (44, 45)
    assert picture.getpixel((22, 44))[:3] == (255, 255, 255)  # the pad
    assert picture.getpixel((4, 40))[:3] == (255, 255, 255)  # a corner
    assert samples.near(picture.getpixel((20, 38))[:3], RED[:3], 2)
    assert picture.getpixel((22, 10)) == (0, 0, 200, 255)


def test_its_width_is_that_of_what_is_left(tmp_path: pathlib.Path, logo: pathlib.Path) -> None:
    """Of a picture that is trimmed, only the pixels tell."""
    ground = Image.new("RGB", (400, 300), (255, 255, 255))
    ground.paste((0, 0, 200), (100, 100, 300, 200))
    path = samples.saved(tmp_path / "a.png", ground)
    picture = made(path, job(logo, margin=0, scale=500), trim=10).convert("RGB")
    assert picture.size == (200, 100)
    assert samples.near(picture.getpixel((102, 98)), RED[:3], 2)
    assert picture.getpixel((97, 98)) == (0, 0, 200)


@pytest.mark.parametrize("output", [Format.GIF, Format.WEBP, Format.PNG, Format.AVIF])
def test_every_frame_has_it(tmp_path: pathlib.Path, logo: pathlib.Path, output: Format) -> None:
    """Of an overlay that moves, the first frame is drawn."""
    frames = [Image.new("RGB", (40, 30), (0, 0, 80 * at)) for at in range(3)]
    film = samples.saved(tmp_path / "a.gif", frames[0], save_all=True, append_images=frames[1:])
    first, *others = (Image.new("RGB", (40, 20), colour) for colour in ("#c80000", "#00ff00"))
    moving = samples.saved(tmp_path / "b.gif", first, save_all=True, append_images=others)
    for overlay in (logo, moving):
        picture = made(film, job(overlay, margin=0, scale=500), format=output, width=40)
        assert picture.n_frames == (3 if output.animates else 1)
        for at in range(picture.n_frames):
            picture.seek(at)
            assert samples.near(picture.convert("RGB").getpixel((24, 25)), RED[:3], 12)


def test_a_small_result_has_it_too(tmp_path: pathlib.Path, logo: pathlib.Path) -> None:
    """Of one pixel, and of one pixel a side; repeated a thousand times as well."""
    path = samples.saved(tmp_path / "a.png", Image.new("RGB", (9, 9), (0, 0, 0)))
    for tile, size in itertools.product((True, False), ((1, 1), (1, 900), (900, 1))):
        overlay = job(logo, tile=tile, scale=10, margin=0)
        picture = made(path, overlay, width=size[0], height=size[1], fit=Fit.FILL)
        assert picture.size == size
        assert picture.convert("RGB").getpixel((size[0] - 1, size[1] - 1)) != (0, 0, 0)


def test_opacity_is_exact(tmp_path: pathlib.Path) -> None:
    """Half of 200 over 100 is 150."""
    flat = samples.saved(tmp_path / "flat.png", Image.new("L", (8, 8), 200))
    path = samples.saved(tmp_path / "a.png", Image.new("L", (8, 8), 100))
    picture = made(path, job(flat, opacity=500, scale=1000, margin=0))
    assert picture.mode in ("L", "P")
    assert set(picture.convert("L").get_flattened_data()) == {150}


def test_what_was_made_of_it_is_kept(tmp_path: pathlib.Path, logo: pathlib.Path) -> None:
    """Another rendition of that size does not decode it again, and looks the same."""
    path = samples.saved(tmp_path / "a.png", samples.scene((60, 40)))
    decoded.kept().clear()
    overlay = job(logo, opacity=300)
    first = made(path, overlay, width=40).tobytes()
    key = decoded.kept().key(str(logo), "overlay", (10, 5), 300, False)
    assert decoded.kept().get(key) is not None
    assert made(path, overlay, width=40).tobytes() == first
    decoded.kept().clear()
    assert made(path, overlay, width=40).tobytes() == first


def test_a_picture_that_cannot_be_drawn_is_refused(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Missing, damaged, no picture, too large, or not said at all: never rendered without it."""
    path = samples.saved(tmp_path / "a.png", samples.scene((60, 40)))
    whole = samples.saved(tmp_path / "whole.png", samples.scene((50, 50)))
    cut, text = tmp_path / "cut.png", tmp_path / "text.png"
    small = samples.saved(tmp_path / "small.png", samples.scene((40, 40)))
    cut.write_bytes(small.read_bytes()[:300])
    text.write_text("no picture")
    monkeypatch.setattr(overlay_pictures, "MAX_PIXELS", 2499)
    refused = {tmp_path / "missing": "missing", cut: "unreadable", text: "un", whole: "too_large"}
    for overlay, code in refused.items():
        with pytest.raises(errors.OverlayUnavailable) as caught:
            made(path, job(overlay), width=40)
        assert "`logo`" in caught.value.public
        assert code in caught.value.detail
    mark = job(whole).overlay.mark("0" * 8)
    with pytest.raises(errors.OverlayUnavailable):
        render.render(path, samples.rendition(overlay=mark, width=40), samples.SETTINGS)


def test_it_keeps_its_colour_in_display_p3(tmp_path: pathlib.Path) -> None:
    """The numbers of sRGB would be a more vivid red there; a result with it has no gain map."""
    profile = display_p3.profile()
    path = samples.saved(tmp_path / "wide.png", samples.quarters((80, 80)), icc_profile=profile)
    logo = samples.saved(tmp_path / "logo.png", Image.new("RGBA", (40, 20), RED))
    fields: dict[str, Any] = {"format": Format.PNG, "width": 80, "colour": "p3", "hdr": "keep"}
    result = made(path, job(logo, margin=0), **fields)
    assert result.info["icc_profile"] == profile
    found = result.convert("RGB").getpixel((78, 78))
    assert samples.near(found, display_p3.of_srgb(RED)[:3], 1)
    assert samples.rendition(overlay=job(logo).overlay.mark("0" * 8), hdr="keep").hdr == "none"
