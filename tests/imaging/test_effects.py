"""Canvas, flattening, blur and sharpening."""

import pathlib
from fractions import Fraction
from typing import Any

import pytest
from PIL import Image, ImageStat

from liveresize.core.formats import Format
from liveresize.core.operation import Effect
from liveresize.core.operations import ROWS
from liveresize.core.values import COMPASS, Fit
from liveresize.imaging import effects

from . import samples

CREAM = (250, 240, 200, 255)
CLEAR = (255, 255, 255, 0)
HALF = (0, 0, 200, 128)


@pytest.mark.parametrize(
    ("gravity", "inside", "outside"),
    [
        ("center", (20, 10), (5, 10)),
        ("east", (30, 10), (5, 10)),
        ("west", (5, 10), (35, 10)),
        ("northwest", (5, 10), (35, 10)),
    ],
)
def test_canvas_places_by_gravity(
    tmp_path: pathlib.Path, gravity: str, inside: tuple[int, int], outside: tuple[int, int]
) -> None:
    """The picture stands where gravity says, and the rest is the background."""
    path = samples.saved(tmp_path / "a.png", Image.new("RGB", (50, 50), samples.RED))
    _, picture = samples.rendered(
        path,
        width=40,
        height=20,
        fit=Fit.CANVAS,
        gravity=COMPASS[gravity],
        background=CREAM,
        format=Format.JPEG,
    )
    assert picture.size == (40, 20)
    assert samples.near(picture.getpixel(inside), samples.RED)
    assert samples.near(picture.getpixel(outside), CREAM[:3])


def test_a_transparent_canvas(tmp_path: pathlib.Path) -> None:
    """A transparent canvas is transparent in PNG and white in JPEG."""
    path = samples.saved(tmp_path / "a.png", Image.new("RGB", (50, 50), samples.RED))
    fields = {"width": 40, "height": 20, "fit": Fit.CANVAS, "background": CLEAR}
    _, picture = samples.rendered(path, **fields)
    assert picture.mode == "RGBA"
    assert picture.getpixel((2, 2))[3] == 0
    assert picture.getpixel((20, 10)) == (*samples.RED, 255)
    _, picture = samples.rendered(path, format=Format.JPEG, **fields)
    assert samples.near(picture.getpixel((2, 2)), (255, 255, 255), 16)


def test_a_half_transparent_canvas(tmp_path: pathlib.Path) -> None:
    """A background of 8 digits keeps its alpha, and shows under transparent pixels."""
    picture = Image.new("RGBA", (40, 20), (200, 0, 0, 0))
    picture.paste((200, 0, 0, 255), (0, 0, 20, 20))
    path = samples.saved(tmp_path / "a.png", picture)
    for height in (20, 30):
        _, made = samples.rendered(path, width=40, height=height, fit=Fit.CANVAS, background=HALF)
        assert made.getpixel((35, height // 2)) == HALF
        assert made.getpixel((5, height // 2)) == (200, 0, 0, 255)


def test_an_opaque_canvas_shows_through(tmp_path: pathlib.Path) -> None:
    """Transparent pixels show the opaque canvas, even where it has no margin."""
    path = samples.saved(tmp_path / "a.png", Image.new("RGBA", (40, 20), (9, 9, 9, 0)))
    for height in (20, 30):
        _, made = samples.rendered(path, width=40, height=height, fit=Fit.CANVAS, background=CREAM)
        assert made.mode == "RGB"
        assert made.getpixel((20, height // 2)) == CREAM[:3]


@pytest.mark.parametrize(("background", "seen"), [(None, (255, 255, 255)), (CREAM, CREAM[:3])])
def test_jpeg_is_flattened_onto_the_background(
    tmp_path: pathlib.Path, background: tuple[int, int, int, int] | None, seen: tuple[int, ...]
) -> None:
    """What is transparent shows `bg` in a JPEG, white by default, never hidden colour."""
    picture = Image.new("RGBA", (64, 64), (0, 255, 0, 0))
    picture.paste((200, 0, 0, 128), (0, 0, 32, 64))
    path = samples.saved(tmp_path / "a.png", picture)
    _, made = samples.rendered(path, width=32, format=Format.JPEG, background=background)
    assert samples.near(made.getpixel((25, 16)), seen)
    half = [(level + other) // 2 for level, other in zip((200, 0, 0), seen, strict=True)]
    assert samples.near(made.getpixel((5, 16)), half)


def test_transparency_is_kept_where_it_can_be(tmp_path: pathlib.Path) -> None:
    """PNG, WebP, AVIF and GIF keep transparency."""
    picture = Image.new("RGBA", (64, 64), (0, 255, 0, 0))
    picture.paste((200, 0, 0, 255), (0, 0, 32, 64))
    path = samples.saved(tmp_path / "a.png", picture)
    for output in (Format.PNG, Format.WEBP, Format.AVIF, Format.GIF):
        _, made = samples.rendered(path, width=32, format=output)
        made = made.convert("RGBA")
        assert made.getpixel((28, 16))[3] <= 4
        assert made.getpixel((4, 16))[3] >= 251
        assert samples.near(made.getpixel((4, 16))[:3], (200, 0, 0), 12)


def test_blur_softens_by_its_sigma(tmp_path: pathlib.Path) -> None:
    """The spread of a blurred edge grows with sigma, which is in pixels of the result."""
    picture = Image.new("L", (400, 40))
    picture.paste(255, (200, 0, 400, 40))
    path = samples.saved(tmp_path / "a.png", picture)
    for sigma in (2, 5, 10):
        _, made = samples.rendered(path, width=200, blur=sigma * 10)
        row = [made.getpixel((x, 10)) for x in range(200)]
        # A Gaussian edge passes 16 % and 84 % one sigma to either side.
        low, high = (next(x for x in range(200) if row[x] >= level) for level in (41, 214))
        assert high - low == pytest.approx(2 * sigma, abs=1.5)


def test_sharpening_adds_contrast_to_edges(tmp_path: pathlib.Path) -> None:
    """The more is asked for, the more detail stands out; flat areas stay."""
    path = samples.saved(tmp_path / "a.png", samples.scene((300, 200)))
    spreads = []
    for amount in (0, 5, 20, 100):
        _, made = samples.rendered(path, width=100, sharpen=amount)
        spreads.append(ImageStat.Stat(made.convert("L")).stddev[0])
    assert spreads == sorted(spreads)
    assert spreads[0] < spreads[-1]
    flat = Image.new("RGB", (20, 20), samples.BLUE)
    assert effects.sharpened(flat, 100).tobytes() == flat.tobytes()


@pytest.mark.parametrize("output", [Format.JPEG, Format.PNG, Format.WEBP, Format.AVIF, Format.GIF])
@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P"])
def test_grey_takes_the_colour_away(tmp_path: pathlib.Path, output: Format, mode: str) -> None:
    """Each colour becomes the grey of its luma, transparency stays where the format has it."""
    picture = Image.new("RGBA", (40, 20), (200, 0, 0, 255))
    picture.paste((0, 0, 0, 0), (0, 0, 10, 20))
    path = samples.saved(tmp_path / "a.png", picture.convert(mode))
    _, made = samples.rendered(path, width=40, format=output, grey=True)
    red, green, blue, alpha = made.convert("RGBA").getpixel((30, 10))
    assert max(red, green, blue) - min(red, green, blue) <= 2
    assert abs(red - 60) <= 3  # 0.299 × 200
    assert alpha == 255
    if mode == "RGBA" and output.has_alpha:
        assert made.convert("RGBA").getpixel((3, 10))[3] < 16


def test_grey_is_smaller_and_covers_the_canvas(tmp_path: pathlib.Path) -> None:
    """The colour of the canvas goes, too, and so do the bytes of colour."""
    path = samples.saved(tmp_path / "a.png", samples.scene((60, 60)))
    fields = {"width": 80, "height": 60, "fit": Fit.CANVAS, "background": CREAM}
    colour, _ = samples.rendered(path, format=Format.JPEG, **fields)
    grey, picture = samples.rendered(path, format=Format.JPEG, grey=True, **fields)
    assert picture.mode == "L"
    assert samples.near((picture.getpixel((2, 30)),), (240,))
    assert len(grey.data) < len(colour.data)


def test_grey_frames(tmp_path: pathlib.Path) -> None:
    """Every frame of an animation."""
    frames = [Image.new("RGB", (20, 20), colour) for colour in (samples.RED, samples.BLUE)]
    path = tmp_path / "a.gif"
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=50)
    for output in (Format.GIF, Format.WEBP):
        _, made = samples.rendered(path, width=20, format=output, grey=True)
        assert made.n_frames == 2
        for number in range(2):
            made.seek(number)
            red, green, blue = made.convert("RGB").getpixel((5, 5))
            assert max(red, green, blue) - min(red, green, blue) <= 2


COLOURS = [(0, 0, 0), (255, 255, 255), (255, 0, 0), (10, 200, 90), (127, 128, 129), (3, 3, 250)]


def as_css(name: str, percent: int, colour: tuple[int, ...]) -> list[float]:
    """What `brightness()`, `contrast()` and `saturate()` of CSS make of a colour (0-255), exactly.

    The matrix is written out as the specification prints it.
    """
    amount = Fraction(100 + percent, 100)
    red, green, blue = colour
    if name == "brightness":
        exact = [amount * each for each in colour]
    elif name == "contrast":
        exact = [amount * each + 255 * (Fraction(1, 2) - amount / 2) for each in colour]
    else:
        w = [Fraction(each, 1000) for each in (213, 715, 72)]
        s = amount
        exact = [
            (w[0] + (1 - w[0]) * s) * red + (w[1] - w[1] * s) * green + (w[2] - w[2] * s) * blue,
            (w[0] - w[0] * s) * red + (w[1] + (1 - w[1]) * s) * green + (w[2] - w[2] * s) * blue,
            (w[0] - w[0] * s) * red + (w[1] - w[1] * s) * green + (w[2] + (1 - w[2]) * s) * blue,
        ]
    return [float(min(Fraction(255), max(Fraction(0), each))) for each in exact]


@pytest.mark.parametrize("name", ["brightness", "contrast", "saturation"])
def test_looks_are_those_of_css(name: str) -> None:
    """Each level is the exact one rounded, in every mode; alpha stays."""
    for percent in (-100, -40, -1, 1, 25, 99, 100):
        for colour in COLOURS:
            wanted = as_css(name, percent, colour)
            for mode, alpha in (("RGB", ()), ("RGBA", (7,))):
                picture = Image.new(mode, (2, 1), colour + alpha)
                made = effects.FILTERS[name](picture, percent)
                pixel = made.getpixel((1, 0))
                assert made.mode == mode
                assert pixel[3:] == alpha
                assert samples.near(pixel[:3], wanted, 0.51), (percent, colour, pixel, wanted)
        for level in (0, 90, 200, 255):
            made = effects.FILTERS[name](Image.new("L", (1, 1), level), percent)
            assert made.mode == "L"
            assert samples.near(
                (made.getpixel((0, 0)),), as_css(name, percent, (level,) * 3)[:1], 0.51
            )


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
@pytest.mark.parametrize("side", [2, 7, 200])
def test_blocks_are_averages(mode: str, side: int) -> None:
    """From the upper left; those at the edges are cut, and are the average of what is there."""
    picture = samples.scene((30, 20)).convert(mode)
    made = effects.pixelated(picture, side)
    assert (made.mode, made.size) == (mode, (30, 20))
    for left, top in ((0, 0), (30 - (30 % side or side), 20 - (20 % side or side))):
        box = (left, top, min(left + side, 30), min(top + side, 20))
        block = made.crop(box)
        mean = ImageStat.Stat(picture.crop(box)).mean
        assert all(low == high for low, high in ImageStat.Stat(block).extrema)
        assert samples.near(ImageStat.Stat(block).mean, mean, 1)


def test_blocks_hide_what_is_transparent() -> None:
    """Colour is weighed by alpha."""
    picture = Image.new("RGBA", (8, 8), (0, 255, 0, 0))
    picture.paste((200, 0, 0, 255), (0, 0, 4, 8))
    assert samples.near(effects.pixelated(picture, 8).getpixel((7, 7)), (200, 0, 0, 128), 1)


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
def test_a_tint_is_between_its_colours(mode: str) -> None:
    """Black is the first, white the second, what is between goes by its luma; alpha stays."""
    dark, light = (10, 20, 200, 255), (250, 220, 0, 255)
    for level, wanted in ((0, dark), (255, light), (51, (58, 60, 160))):
        picture = Image.new("RGB", (1, 1), (level,) * 3).convert(mode)
        if mode == "RGBA":
            picture.putalpha(7)
        pixel = effects.tinted(picture, (dark, light)).getpixel((0, 0))
        assert pixel == wanted[:3] + ((7,) if mode == "RGBA" else ())


@pytest.mark.parametrize("output", [Format.JPEG, Format.PNG, Format.GIF])
def test_a_grey_picture_gets_the_colours_of_its_tint(
    tmp_path: pathlib.Path, output: Format
) -> None:
    """An original without colour is not stored without the new one."""
    path = samples.saved(tmp_path / "a.png", Image.new("L", (20, 20), 255))
    tint = ((0, 0, 0, 255), (200, 0, 0, 255))
    _, made = samples.rendered(path, width=10, format=output, tint=tint)
    assert samples.near(made.convert("RGB").getpixel((5, 5)), (200, 0, 0), 4)


@pytest.mark.parametrize("output", [Format.JPEG, Format.PNG, Format.WEBP, Format.AVIF, Format.GIF])
def test_looks_are_rendered(tmp_path: pathlib.Path, output: Format) -> None:
    """In every format, of every frame where it moves; transparency stays where it can."""
    frames = [Image.new("RGB", (20, 20), colour) for colour in ((100, 40, 40), (40, 40, 100))]
    path = tmp_path / "a.gif"
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=50)
    _, made = samples.rendered(path, width=20, format=output, brightness=50, saturation=-100)
    for number in range(getattr(made, "n_frames", 1)):
        made.seek(number)
        red, green, blue = made.convert("RGB").getpixel((5, 5))
        assert samples.near((red, green, blue), ((78,) * 3, (66,) * 3)[number], 5)
    assert getattr(made, "n_frames", 1) == (2 if output.animates else 1)


@pytest.mark.parametrize("effect", [effects.blurred, effects.sharpened])
def test_effects_do_not_bring_out_hidden_colour(effect: Any) -> None:
    """Blur and sharpening weigh colour by alpha."""
    picture = Image.new("RGBA", (40, 40), (0, 255, 0, 0))
    picture.paste((200, 0, 0, 255), (0, 0, 20, 40))
    made = effect(picture, 30)
    assert made.mode == "RGBA"
    assert all(pixel[1] <= 2 for pixel in made.get_flattened_data() if pixel[3] > 8)


def test_every_filter_of_the_table_is_made_here() -> None:
    """Rows and functions have the same names, and each row is told apart from doing nothing."""
    rows = {row.attribute for row in ROWS if row.effect is Effect.FILTER}
    assert effects.FILTERS.keys() == rows


def test_nothing_to_do_costs_nothing() -> None:
    """A step without work gives back the very picture."""
    picture = Image.new("RGB", (4, 4))
    assert effects.filtered(picture, samples.rendition()) is picture
    assert effects.flattened(picture, CREAM) is picture
    assert effects.placed(picture, (4, 4), (0, 0), CREAM) is picture
