"""Round corners, pads, and what is behind a picture: a colour, or itself, blurred."""

import math
import pathlib
from typing import Any

import pytest
from PIL import Image, ImageOps

from liveresize import errors
from liveresize.core.formats import Format, Negotiated
from liveresize.core.values import MAX_RADIUS, TRANSPARENT, Backdrop, Fit, Quality
from liveresize.imaging import corners, ground
from scripts.benchmarks import large
from scripts.benchmarks.memory import worked

from . import samples

RED = (*samples.RED, 255)
ANY = (Negotiated(avif=True, webp=True), Negotiated(webp=True), Negotiated())


def test_a_corner_is_as_opaque_as_what_is_inside() -> None:
    """By hand, from the area of the circle; the upper left of 8 pixels."""
    assert [list(corners.mask(8).crop((0, y, 8, y + 1)).tobytes()) for y in range(3)] == [
        [0, 0, 0, 0, 49, 151, 218, 250],
        [0, 0, 9, 154, 254, 255, 255, 255],
        [0, 9, 194, 255, 255, 255, 255, 255],
    ]
    for radius in (0.5, 1, 1.5, 7, 40.5, 300):
        mask = corners.mask(radius)
        side = math.ceil(radius)
        inside = side * side - radius * radius * (1 - math.pi / 4)
        assert mask.size == (side, side)
        assert sum(mask.tobytes()) / 255 == pytest.approx(inside, abs=0.01 * side)


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
@pytest.mark.parametrize(
    ("size", "radius"), [((1, 1), 1), ((9, 4), 3), ((30, 21), 5), ((30, 21), MAX_RADIUS)]
)
def test_all_four_corners_are_round(mode: str, size: tuple[int, int], radius: int) -> None:
    """At most half of the shorter side; colours stay, and alpha is multiplied."""
    picture = samples.scene(size).convert(mode)
    if mode in ("LA", "RGBA"):
        picture.putalpha(100)
    before = picture.copy()
    made = corners.rounded(picture, radius)
    assert picture.tobytes() == before.tobytes()
    assert made.mode == ("LA" if mode in ("L", "LA") else "RGBA")
    assert made.convert(mode[0] if mode[0] == "L" else "RGB") == before.convert(
        mode[0] if mode[0] == "L" else "RGB"
    )
    alpha = made.getchannel("A")
    for turn in (Image.Transpose.FLIP_LEFT_RIGHT, Image.Transpose.FLIP_TOP_BOTTOM):
        assert alpha.transpose(turn) == alpha
    exact = min(radius, *(side / 2 for side in size))
    cut = size[0] * size[1] - (4 - math.pi) * exact * exact
    whole = 100 if picture.has_transparency_data else 255
    assert sum(alpha.tobytes()) / whole == pytest.approx(cut, abs=0.02 * sum(size))


@pytest.mark.parametrize("output", [Format.PNG, Format.WEBP, Format.AVIF, Format.GIF])
@pytest.mark.parametrize("mode", ["RGB", "L", "P", "RGBA"])
def test_corners_are_transparent_where_that_can_be(
    tmp_path: pathlib.Path, output: Format, mode: str
) -> None:
    """Of colours, greys and palettes; GIF knows no half. A `bg` is not seen."""
    path = samples.saved(tmp_path / "a.png", Image.new("RGB", (60, 40), RED[:3]).convert(mode))
    fields = {"radius": 15, "background": (0, 0, 255, 255), "format": output}
    made = samples.rendered(path, **fields)[1].convert("RGBA")
    assert made.size == (60, 40)
    for corner in ((0, 0), (59, 0), (0, 39), (59, 39)):
        assert made.getpixel(corner)[3] == 0
    middle = (0, 20) if output is Format.AVIF else (30, 0)
    assert made.getpixel(middle)[3] >= 250
    levels = {alpha for _, alpha in made.getchannel("A").getcolors()}
    assert (levels == {0, 255}) == (output is Format.GIF)


def test_corners_of_a_jpeg_show_what_is_behind(tmp_path: pathlib.Path) -> None:
    """White, `bg`, or the picture itself; a CMYK, and one that is stored as it is asked for."""
    path = samples.saved(tmp_path / "a.jpg", Image.new("CMYK", (64, 48), (0, 255, 255, 0)))
    for background, colour in (
        (None, (255, 255, 255)),
        ((0, 0, 255, 255), (0, 0, 255)),
        (Backdrop.BLUR, (255, 0, 0)),
    ):
        fields = {"radius": MAX_RADIUS, "background": background, "format": Format.JPEG}
        made = samples.rendered(path, **fields)[1]
        assert samples.near(made.getpixel((0, 0)), colour, 20)
        assert samples.near(made.getpixel((32, 24)), (255, 0, 0), 20)


@pytest.mark.parametrize(
    ("fields", "opaque"),
    [
        ({"radius": 5}, False),
        ({"radius": 5, "pad": (3, 3, 3, 3)}, True),
        ({"pad": (3, 3, 3, 3), "background": TRANSPARENT}, False),
        ({"pad": (3, 3, 3, 3), "background": Backdrop.BLUR}, True),
    ],
)
def test_auto_knows_what_is_transparent(
    tmp_path: pathlib.Path, fields: dict[str, Any], opaque: bool
) -> None:
    """JPEG only where nothing shows through; an animation is WebP or GIF."""
    path = samples.saved(tmp_path / "a.jpg", samples.scene((60, 40)))
    found = [samples.rendered(path, format=each, **fields)[0].format for each in ANY]
    assert found == [Format.AVIF, Format.WEBP, Format.JPEG if opaque else Format.PNG]
    film = tmp_path / "a.gif"
    first, other = (Image.new("RGB", (60, 40), colour) for colour in (RED[:3], samples.BLUE))
    first.save(film, save_all=True, append_images=[other], duration=50)
    for offer, output in ((ANY[0], Format.WEBP), (ANY[2], Format.GIF)):
        result, made = samples.rendered(film, format=offer, **fields)
        assert result.format is output
        for number, colour in enumerate((RED, (*samples.BLUE, 255))):
            made.seek(number)
            shown = made.convert("RGBA")
            assert samples.near(shown.getpixel((30, 20)), colour, 8)
            assert (shown.getpixel((0, 0))[3] == 255) is opaque


@pytest.mark.parametrize("mode", ["RGB", "L", "P", "RGBA", "CMYK"])
@pytest.mark.parametrize("output", Format)
def test_a_pad_is_around_the_picture(tmp_path: pathlib.Path, mode: str, output: Format) -> None:
    """Top, right, bottom, left: outside is `bg`, inside the picture, of every kind."""
    picture = Image.new("RGB", (40, 30), (90, 90, 90))
    picture = picture.quantize() if mode == "P" else picture.convert(mode)
    path = samples.saved(tmp_path / ("a.tiff" if mode == "CMYK" else "a.png"), picture)
    fields = {"format": output, "pad": (8, 16, 24, 32), "background": RED, "radius": 8}
    settings, best = samples.tuned(formats=("png", "tiff")), Quality.of(100)
    made = samples.rendered(path, settings=settings, quality=best, **fields)[1]
    made = made.convert("RGBA")
    assert made.size == (40 + 16 + 32, 30 + 8 + 24)
    for outside in ((0, 0), (31, 7), (32, 8), (71, 37), (87, 61), (50, 4), (80, 20)):
        assert samples.near(made.getpixel(outside), RED, 24)
    for inside in ((38, 12), (52, 23), (66, 34)):
        assert samples.near(made.getpixel(inside), (90, 90, 90, 255), 24)


def test_a_pad_is_what_pillow_adds(tmp_path: pathlib.Path) -> None:
    """To the pixel; a grey stays grey, and what is transparent shows `bg`, or stays so."""
    picture = samples.scene((40, 30))
    path = samples.saved(tmp_path / "a.png", picture)
    made = samples.rendered(path, pad=(1, 2, 3, 4))[1]
    assert made.tobytes() == ImageOps.expand(picture, (4, 1, 2, 3), "white").tobytes()
    path = samples.saved(tmp_path / "b.png", picture.convert("L"))
    assert samples.rendered(path, pad=(1, 2, 3, 4))[1].mode == "L"
    assert samples.rendered(path, radius=3)[1].mode == "LA"
    assert samples.rendered(path, radius=3, pad=(1, 2, 3, 4))[1].mode == "L"
    path = samples.saved(tmp_path / "c.png", Image.new("RGBA", (4, 4), (0, 0, 0, 0)))
    for background, pixel in ((None, (255, 255, 255)), (TRANSPARENT, (255, 255, 255, 0))):
        made = samples.rendered(path, pad=(1, 1, 1, 1), background=background)[1]
        assert {made.getpixel((x, 2)) for x in range(6)} <= {pixel, (0, 0, 0, 0)}


def test_the_smallest_picture_has_edges(tmp_path: pathlib.Path) -> None:
    """One pixel, in a circle, in a pad, before itself."""
    path = samples.saved(tmp_path / "a.png", Image.new("RGB", (1, 1), RED[:3]))
    for background in (None, Backdrop.BLUR):
        fields = {"radius": MAX_RADIUS, "pad": (0, 3, 2, 0), "background": background}
        made = samples.rendered(path, **fields)[1]
        assert made.size == (4, 3)
        assert made.getpixel((3, 2)) == ((255, 255, 255) if background is None else RED[:3])


@pytest.mark.parametrize("size", [(64, 48), (48, 64)])
def test_a_picture_is_behind_itself(tmp_path: pathlib.Path, size: tuple[int, int]) -> None:
    """Its middle covers canvas and pad, soft and without a seam between them."""
    picture = samples.scene(size)
    path = samples.saved(tmp_path / "a.png", picture)
    fields = {"width": 200, "height": 120, "fit": Fit.CANVAS, "background": Backdrop.BLUR}
    result, made = samples.rendered(path, pad=(10, 20, 30, 40), **fields)
    assert result.data == samples.rendered(path, pad=(10, 20, 30, 40), **fields)[0].data
    assert (made.mode, made.size) == ("RGB", (260, 160))
    inner = made.crop((40, 10, 240, 130))
    scaled = picture.resize(
        (160, 120) if size[0] > size[1] else (90, 120), Image.Resampling.LANCZOS
    )
    left = (200 - scaled.width) // 2
    assert samples.psnr(inner.crop((left, 0, left + scaled.width, 120)), scaled) > 40
    soft = ground.Ground(Backdrop.BLUR, (260, 160))
    behind = soft.under(scaled.crop((0, 0, *scaled.size)), (0, 0, 260, 160), (999, 999))
    outside = (0, 0, 40 + left, 160)
    assert samples.psnr(made.crop(outside), behind.crop(outside)) > 45
    wanted = ground.blurred(picture, (260, 160)).resize((260, 160))
    assert samples.psnr(behind, wanted) > 35
    with_hole = {"width": 200, "height": 120, "background": Backdrop.BLUR, "grey": True}
    assert samples.rendered(path, pad=(5, 5, 5, 5), **with_hole)[1].mode == "L"


def test_a_blur_is_behind_what_is_transparent(tmp_path: pathlib.Path) -> None:
    """The picture over white, blurred: in JPEG, on a canvas and in a pad."""
    picture = Image.new("RGBA", (60, 60), (0, 0, 0, 0))
    picture.paste(RED, (20, 20, 40, 40))
    path = samples.saved(tmp_path / "a.png", picture)
    blur = {"background": Backdrop.BLUR}
    for fields in ({}, {"width": 90, "height": 60, "fit": Fit.CANVAS}, {"pad": (3, 3, 3, 3)}):
        made = samples.rendered(path, format=Format.JPEG, **blur, **fields)[1]
        x, y = made.width // 2, made.height // 2
        assert samples.near(made.getpixel((x, y)), samples.RED, 16)
        assert samples.near(made.getpixel((x - 25, y - 25)), (255, 255, 255), 24)
        red, green, _ = made.getpixel((x, y - 13))
        assert red > green + 20
    clear = samples.rendered(path, **blur)[1]
    assert clear.getpixel((0, 0))[3] == 0


@pytest.mark.parametrize("output", [Format.GIF, Format.WEBP, Format.AVIF])
def test_what_is_around_an_animation_does_not_change(
    tmp_path: pathlib.Path, output: Format
) -> None:
    """It is the first frame that is blurred, whatever follows it."""
    frames = [Image.new("RGB", (40, 30), colour) for colour in (samples.RED, samples.BLUE)]
    path = tmp_path / "a.gif"
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=50)
    fields = {"pad": (10, 10, 10, 10), "background": Backdrop.BLUR, "format": output}
    made = samples.rendered(path, **fields)[1]
    for number, colour in enumerate((samples.RED, samples.BLUE)):
        made.seek(number)
        shown = made.convert("RGB")
        assert samples.near(shown.getpixel((3, 3)), samples.RED, 12)
        assert samples.near(shown.getpixel((30, 25)), colour, 12)


def test_an_animation_that_begins_in_grey_gets_its_colours() -> None:
    """What is behind its frames is grey, and they are not."""
    behind, box = ground.Ground(Backdrop.BLUR, (30, 20)), (0, 0, 30, 20)
    grey = behind.under(Image.new("L", (10, 20), 90), box, (10, 0))
    red = behind.under(Image.new("RGB", (10, 20), RED[:3]), box, (10, 0))
    assert (grey.mode, grey.getpixel((0, 0))) == ("L", 90)
    assert (red.getpixel((0, 0)), red.getpixel((15, 9))) == ((90, 90, 90), RED[:3])


def test_what_is_transparent_of_an_opaque_animation_stays_so(tmp_path: pathlib.Path) -> None:
    """Around it on a canvas, as in its corners."""
    frames = [Image.new("RGB", (40, 30), colour) for colour in (samples.RED, samples.BLUE)]
    path = tmp_path / "a.gif"
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=50)
    clear = {"background": TRANSPARENT}
    for output, fields in (
        # libwebp leaves out what is transparent at the sides, and Pillow does not know that.
        (Format.AVIF, {"width": 80, "height": 30, "fit": Fit.CANVAS} | clear),
        (Format.AVIF, {"pad": (0, 9, 0, 9)} | clear),
        (Format.AVIF, {"radius": 15}),
        (Format.WEBP, {"radius": 15}),
    ):
        made = samples.rendered(path, format=output, **fields)[1]
        made.seek(1)
        assert made.convert("RGBA").getpixel((0, 0))[3] == 0


def test_what_is_stored_has_no_edges(tmp_path: pathlib.Path) -> None:
    """An original of the same format and size is not sent instead."""
    path = samples.saved(tmp_path / "a.png", Image.new("RGB", (40, 30), RED[:3]))
    plain = samples.rendered(path)[0].data
    for fields in ({"radius": 1}, {"pad": (0, 0, 0, 1)}):
        assert samples.rendered(path, **fields)[0].data != plain


def test_the_whole_is_not_larger_than_may_be(tmp_path: pathlib.Path) -> None:
    """Pixels of a pad are counted, and those of each frame."""
    path = samples.saved(tmp_path / "a.png", Image.new("RGB", (40, 30), RED[:3]))
    for pad, fits in (((10, 10, 10, 10), True), ((10, 10, 10, 11), False)):
        settings = samples.tuned(max_decode_pixels=60 * 50)
        if fits:
            samples.rendered(path, pad=pad, settings=settings)
        else:
            with pytest.raises(errors.ImageTooLarge, match="61x50"):
                samples.rendered(path, pad=pad, settings=settings)


@pytest.mark.long
@pytest.mark.skipif(
    not pathlib.Path("/proc/self/status").exists(), reason="memory is read from /proc"
)
@pytest.mark.parametrize(
    "variant",
    [
        "3000x3000-crop-q95-radmax-webp",
        "1500x1500-crop-bgblur-pad1200-png",
        "3000x3000-canvas-q95-bgblur-radmax-pad9-jpeg",
    ],
)
def test_edges_take_what_is_computed(tmp_path: pathlib.Path, variant: str) -> None:
    """Masks, copies with alpha and what is behind are in the formula."""
    outcome = worked(variant, large.made(tmp_path, "rgba.png", 12), "0")
    assert outcome["outcome"] == "done"
    assert outcome["taken"] <= max(outcome["computed"], outcome["floor"])
