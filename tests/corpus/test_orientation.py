"""Pictures that were stored in every way a camera may be held come out upright."""

import pytest
from PIL import Image

from . import table, visits
from .visits import House

pytestmark = [table.needs_corpus, pytest.mark.long]

ALIKE = 4.0
"""Levels by which two photographs of a series differ at most: each is a JPEG of its own, and
all but the first carry a profile. The wrong way up they are 40 apart, unconverted 14."""


LEVEL = (
    Image.Transpose.FLIP_LEFT_RIGHT,
    Image.Transpose.FLIP_TOP_BOTTOM,
    Image.Transpose.ROTATE_180,
)
"""The turns that keep the sides of a picture."""


@pytest.mark.parametrize("number", range(2, 9))
@pytest.mark.parametrize("series", ["Landscape", "Portrait"])
def test_the_words_stand_where_they_say(house: House, series: str, number: int) -> None:
    """A photograph looks like the first of its series, and like no turned or mirrored one."""
    first = house.show(f"orientation/{series}_1.jpg", "_120_120.png")
    picture = house.show(f"orientation/{series}_{number}.jpg", "_120_120.png")
    assert visits.distance(picture, first) < ALIKE
    for turn in Image.Transpose:
        wrong = first.transpose(turn).resize(picture.size)
        assert visits.distance(picture, wrong) > 5 * ALIKE


def test_eight_letters_are_one(house: House) -> None:
    """The letter F of vip's own tests is the same picture from all eight files."""
    letters = [
        house.show(f"orientation/vip-f{each}-exif.jpg", "_40_80.png") for each in range(1, 9)
    ]
    assert all(letter.size == (40, 80) for letter in letters)
    assert all(letter.tobytes() == letters[0].tobytes() for letter in letters)


@pytest.mark.parametrize(
    ("number", "turn"),
    [
        (5, Image.Transpose.TRANSPOSE),
        (6, Image.Transpose.ROTATE_270),
        (8, Image.Transpose.ROTATE_90),
    ],
)
def test_a_png_is_turned_as_its_exif_says(house: House, number: int, turn: Image.Transpose) -> None:
    """The eXIf chunk counts as the EXIF of a JPEG does; 0 is no orientation."""
    plain = house.show("orientation/orientation-0.png", "_200_100.png")
    upright = plain.transpose(turn)
    box = "_{}_{}.png".format(*upright.size)
    picture = house.show(f"orientation/orientation-{number}.png", box)
    assert picture.tobytes() == upright.tobytes()


def test_orientation_in_xmp_does_not_count(house: House) -> None:
    """A picture turned in XMP alone is shown as it is stored, as browsers do."""
    path = "orientation/xmp_tags_orientation.png"
    stored = visits.opened((table.CORPUS / path).read_bytes())
    shown = house.show(path, "_326_268.png")
    for turn in LEVEL:
        assert visits.distance(shown, stored.transpose(turn)) > visits.distance(shown, stored) + 10


@pytest.mark.parametrize("name", ["rot1mir0.avif", "rot3mir1.avif"])
def test_avif_is_turned_once(house: House, name: str) -> None:
    """Orientation that both the container and EXIF tell is applied a single time."""
    path = f"orientation/{name}"
    stored = visits.opened((table.CORPUS / path).read_bytes())
    orientation = stored.getexif()[0x0112]
    assert orientation == 5
    upright = stored.transpose(Image.Transpose.TRANSPOSE)
    assert visits.distance(house.show(path, "_640_427.png"), upright) < 1
