"""GIF and APNG are composed as their specifications say, pixel by pixel."""

import pathlib
import random

import pytest
from PIL import Image

from liveresize.imaging import animation, decode, modes

from . import films, samples

FILMS = 300
"""How many animations of each format are made up."""

MOST = 1_000_000


def pixels(picture: Image.Image) -> films.Screen:
    """The pixels of a picture, row by row."""
    levels = iter(modes.normalised(picture).convert("RGBA").tobytes())
    return list(zip(levels, levels, levels, levels, strict=True))


def shown(path: pathlib.Path) -> list[films.Screen]:
    """The frames of a file as the engine composes them."""
    with decode.open_picture(path, samples.SETTINGS, MOST) as image:
        count = decode.frame_count(image, MOST)
        found = [pixels(frame) for frame in animation.frames(image, count)]
        if not animation.may_be_clear(image):
            assert all(pixel[3] == 255 for screen in found for pixel in screen)
    return found


def check(found: list[films.Screen], expected: list[films.Screen], off: int) -> None:
    """Every frame is there, transparent where it should be, and no more than `off` off.

    Colours matter as much as they are seen.
    """
    assert len(found) == len(expected)
    for number, (screen, right) in enumerate(zip(found, expected, strict=True)):
        for at, (one, other) in enumerate(zip(screen, right, strict=True)):
            assert abs(one[3] - other[3]) <= off, (number, at, one, other)
            for level, wanted in zip(one[:3], other[:3], strict=True):
                assert abs(level - wanted) * other[3] <= 255 * off, (number, at, one, other)


@pytest.mark.parametrize("seed", range(0, FILMS, 50))
def test_gifs_are_composed_as_the_specification_says(tmp_path: pathlib.Path, seed: int) -> None:
    """Disposals, keys, palettes, interlacing and frames off the canvas, to the last pixel."""
    path = tmp_path / "a.gif"
    for number in range(seed, seed + 50):
        film = films.random_gif(random.Random(number))
        path.write_bytes(film.file())
        expected = film.shown()
        check(shown(path), expected, 0)
        with decode.open_picture(path, samples.SETTINGS, MOST) as image:
            clear = any(pixel[3] < 255 for pixel in expected[0])
            assert decode.has_alpha(image) >= clear
            still = pixels(image)
            check([still], expected[:1], 0)


@pytest.mark.parametrize("seed", range(0, FILMS, 50))
def test_pngs_are_composed_as_the_specification_says(tmp_path: pathlib.Path, seed: int) -> None:
    """Blending, disposals, keys, soft alpha, depths and a hidden default image.

    Two levels are what rounding once a frame may add up to.
    """
    path = tmp_path / "a.png"
    for number in range(seed, seed + 50):
        film = films.random_png(random.Random(number))
        path.write_bytes(film.file())
        expected = film.shown()
        check(shown(path), expected, 2)
        with decode.open_picture(path, samples.SETTINGS, MOST) as image:
            clear = any(pixel[3] < 255 for pixel in expected[0])
            assert decode.has_alpha(image) >= clear
            check([pixels(image)], expected[:1], 0)
