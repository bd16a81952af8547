"""Placeholders: one colour and a hash that stand for a picture until it arrives."""

import base64
import io
import math
import pathlib

import pytest
from PIL import Image, ImageDraw

from liveresize.imaging import decode, placeholder

from . import uploads

TRANSPARENT = (0, 0, 0, 0)
ORANGE, BLUE = (240, 120, 20), (20, 60, 200)


def halves(size: tuple[int, int] = (200, 120), mode: str = "RGB") -> Image.Image:
    """An orange picture whose right third is blue."""
    picture = Image.new(mode, size, ORANGE)
    ImageDraw.Draw(picture).rectangle((size[0] * 2 // 3, 0, *size), fill=BLUE)
    return picture


def sketched(picture: Image.Image, kind: str = "PNG", orientation: int = 1) -> Image.Image:
    """The sketch of `picture` once it is a file."""
    with Image.open(io.BytesIO(uploads.saved(picture, kind))) as image:
        return placeholder.sketch(image, orientation)


def levels(colour: str) -> tuple[int, ...]:
    """The channels of `#rrggbb`."""
    return tuple(bytes.fromhex(colour[1:]))


def pixel(image: Image.Image, x: int, y: int) -> tuple[int, ...]:
    """The channels of one pixel."""
    return tuple(image.crop((x, y, x + 1, y + 1)).tobytes())


def wavy(size: tuple[int, int], transparent: bool) -> Image.Image:
    """A picture by formula, without the symmetries that leave waves at exactly zero."""
    width, height = size
    data = bytes(
        level
        for y in range(height)
        for x in range(width)
        for level in (
            (x * x + y) % 256,
            x * y % 256,
            (y * y + 3 * x) % 256,
            (x * 5 + y * y) % 256 if transparent else 255,
        )
    )
    return Image.frombytes("RGBA", size, data)


@pytest.mark.parametrize("size", [(1, 1), (3, 2000), (940, 2), (200, 120), (48, 48)])
def test_a_sketch_is_small_and_never_empty(size: tuple[int, int]) -> None:
    """However large or thin the picture, its sketch has 1–48 pixels a side."""
    copy = sketched(uploads.photo(size))
    assert copy.mode == "RGBA"
    assert 1 <= min(copy.size) <= max(copy.size) <= placeholder.SIDE


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_every_mode_can_be_sketched(mode: str) -> None:
    """Palettes, lone bits and deep greys give colours, not indices."""
    picture = Image.new("L", (90, 60), 255).convert(mode)
    if mode == "I;16":
        picture = Image.new("I;16", (90, 60), 65535)
    assert placeholder.dominant_color(sketched(picture)) == "#ffffff"


def test_a_jpeg_is_sketched_in_its_own_place() -> None:
    """Decoding a JPEG small shifts nothing: left and right halves meet in the middle."""
    picture = Image.new("RGB", (801, 601))
    picture.paste((255, 255, 255), (401, 0, 801, 601))
    copy = sketched(picture, "JPEG")
    assert pixel(copy, 21, 18)[0] < 12
    assert pixel(copy, 26, 18)[0] > 243


def test_cmyk_becomes_the_colour_it_prints() -> None:
    """A CMYK JPEG is sketched in RGB."""
    copy = sketched(Image.new("CMYK", (64, 64), (0, 0, 0, 0)), "JPEG")
    assert placeholder.dominant_color(copy) == "#ffffff"


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_sketch_is_upright(orientation: int) -> None:
    """Orientations from 5 on swap the sides."""
    copy = sketched(halves(), orientation=orientation)
    assert copy.size == ((48, 29) if orientation < 5 else (29, 48))


def test_the_dominant_colour_is_one_of_the_picture() -> None:
    """Two thirds of orange win over one of blue; nothing is mixed."""
    colour = levels(placeholder.dominant_color(sketched(halves())))
    assert all(abs(a - b) <= 6 for a, b in zip(colour, ORANGE, strict=True))


def test_transparent_pixels_have_no_colour() -> None:
    """What cannot be seen does not count, and nothing to see at all is white."""
    picture = Image.new("RGBA", (90, 60), (255, 0, 255, 0))
    assert placeholder.dominant_color(sketched(picture)) == placeholder.NOTHING_SEEN
    picture.paste((*BLUE, 255), (0, 0, 30, 60))
    colour = levels(placeholder.dominant_color(sketched(picture)))
    assert all(abs(a - b) <= 6 for a, b in zip(colour, BLUE, strict=True))


def test_equal_shares_are_settled_the_same_way_every_time() -> None:
    """Of two colours with as many pixels the darker one is taken."""
    copy = Image.new("RGBA", (2, 1), (255, 255, 255, 255))
    copy.putpixel((0, 0), (0, 0, 0, 255))
    assert placeholder.dominant_color(copy) == "#000000"


AUTHORS = {
    ((40, 24), False): "mgcKJIggY4ZSiImCiZUDqWz02Q==",
    ((24, 40), False): "mvcJJAYwNoY4iIVYaIgQeSr02A==",
    ((32, 32), False): "mwcKJwYwZIhiiIhziEiIZ3mICZGpQa8P",
    ((30, 30), True): "XfeFHQIXEGWCmaNKWzCaS9L6cHcidyAYNw==",
    ((33, 20), True): "XAeGE4QXIFaRm8IAvHvl+HB3M3dSWd0=",
}
"""What the program of the format's author makes of `wavy` pictures: (size, transparent)."""


@pytest.mark.parametrize(("size", "transparent"), AUTHORS)
def test_the_hash_is_that_of_the_formats_author(size: tuple[int, int], transparent: bool) -> None:
    """Bit for bit what the published implementation gives for the same pixels."""
    assert placeholder.thumbhash(wavy(size, transparent)) == AUTHORS[size, transparent]


@pytest.mark.parametrize(
    "picture",
    [
        pytest.param(halves(), id="wide"),
        pytest.param(halves((120, 200)), id="tall"),
        pytest.param(halves((90, 90)), id="square"),
        pytest.param(halves((400, 20)), id="a strip"),
        pytest.param(uploads.photo((160, 100)), id="gradients"),
        pytest.param(Image.new("RGB", (50, 50), BLUE), id="one colour"),
    ],
)
def test_the_hash_shows_the_picture_blurred(picture: Image.Image) -> None:
    """Decoded, a hash has the mean colour of the picture and its rough shape."""
    copy = sketched(picture)
    shown = decoded(placeholder.thumbhash(copy), copy.size)
    assert distance(shown.resize((1, 1), Image.Resampling.BOX), copy.resize((1, 1))) <= 12
    # Sharp edges overshoot where there are few waves; each ninth of the picture is right.
    ninths = copy.resize((3, 3), Image.Resampling.BOX)
    assert distance(shown.resize((3, 3), Image.Resampling.BOX), ninths) <= 32


def test_the_hash_keeps_transparency() -> None:
    """A solid disk on nothing comes back as something solid on next to nothing."""
    picture = Image.new("RGBA", (96, 96), TRANSPARENT)
    ImageDraw.Draw(picture).ellipse((16, 16, 80, 80), fill=(*ORANGE, 255))
    shown = decoded(placeholder.thumbhash(sketched(picture)), (48, 48))
    assert pixel(shown, 24, 24)[3] > 200
    assert pixel(shown, 1, 1)[3] < 70


def test_hashes_are_short_and_plain() -> None:
    """5 to 25 bytes, whatever the picture; nothing but rounding is no wave."""
    assert len(base64.b64decode(placeholder.thumbhash(Image.new("RGBA", (1, 1))))) <= 25
    grey = base64.b64decode(placeholder.thumbhash(Image.new("RGBA", (48, 32), (90, 90, 90, 255))))
    assert set(grey[5:]) == {0}


def test_both_come_from_a_file_again_and_again(tmp_path: pathlib.Path) -> None:
    """The same file gives the same placeholders."""
    path = tmp_path / "photo.jpg"
    path.write_bytes(uploads.telling_jpeg())
    answers = set()
    for _ in range(2):
        with decode.quiet(), Image.open(path) as image:
            copy = placeholder.sketch(image, 6)
        answers.add((placeholder.dominant_color(copy), placeholder.thumbhash(copy)))
    assert len(answers) == 1


def distance(one: Image.Image, other: Image.Image) -> int:
    """The largest difference of any two channels of RGB."""
    pairs = zip(one.convert("RGB").tobytes(), other.convert("RGB").tobytes(), strict=True)
    return max(abs(a - b) for a, b in pairs)


def decoded(text: str, size: tuple[int, int]) -> Image.Image:
    """A ThumbHash as an RGBA picture, each pixel the sum of its waves there."""
    data = base64.b64decode(text)
    first, second = int.from_bytes(data[:3], "little"), int.from_bytes(data[3:5], "little")
    transparent, wide = first >> 23 & 1, second >> 15 & 1
    most, short = 5 if transparent else 7, second & 7
    across, down = (most, short) if wide else (short, most)
    nibbles = [half for byte in data[5:] for half in (byte & 15, byte >> 4)]
    alpha = (nibbles.pop(0) / 15, nibbles.pop(0) / 15) if transparent else (1.0, 0.0)
    light = channel(
        (first & 63) / 63, (first >> 18 & 31) / 31, max(3, across), max(3, down), nibbles, size
    )
    mean, scale = (first >> 6 & 63) / 31.5 - 1, (second >> 3 & 63) / 63 * 1.25
    yellow = channel(mean, scale, 3, 3, nibbles, size)
    mean, scale = (first >> 12 & 63) / 31.5 - 1, (second >> 9 & 63) / 63 * 1.25
    reddish = channel(mean, scale, 3, 3, nibbles, size)
    solid = channel(*alpha, 5, 5, nibbles if transparent else [0] * 99, size)
    pixels = bytearray()
    for grey, p, q, a in zip(light, yellow, reddish, solid, strict=True):
        blue = grey - 2 / 3 * p
        red = (3 * grey - blue + q) / 2
        for level in (red, red - q, blue, a):
            pixels.append(round(255 * min(1.0, max(0.0, level))))
    return Image.frombytes("RGBA", size, bytes(pixels))


def channel(
    mean: float, scale: float, across: int, down: int, nibbles: list[int], size: tuple[int, int]
) -> list[float]:
    """The levels of one channel; takes what it needs from the front of `nibbles`."""
    width, height = size
    places = [
        (x, y)
        for y in range(down)
        for x in range(across)
        if (x or y) and x * down < across * (down - y)
    ]
    terms = {place: (nibbles.pop(0) / 7.5 - 1) * scale for place in places}
    return [
        mean
        + sum(
            2 ** ((x > 0) + (y > 0))
            * term
            * math.cos(math.pi * x * (column + 0.5) / width)
            * math.cos(math.pi * y * (row + 0.5) / height)
            for (x, y), term in terms.items()
        )
        for row in range(height)
        for column in range(width)
    ]
