"""The eight ways to turn a picture, and boxes under them."""

import pytest
from PIL import Image, ImageOps

from liveresize.imaging import orientation

from . import samples

ALL = range(1, 9)


@pytest.mark.parametrize("first", ALL)
@pytest.mark.parametrize("second", ALL)
def test_two_turns_make_one(first: int, second: int) -> None:
    """`then` names the one turn that does what two do after each other."""
    picture = samples.quarters((6, 4))
    step_by_step = orientation.turn(orientation.turn(picture, first), second)
    at_once = orientation.turn(picture, orientation.then(first, second))
    assert at_once.tobytes() == step_by_step.tobytes()


@pytest.mark.parametrize("exif_orientation", ALL)
def test_turning_is_what_pillow_does(exif_orientation: int) -> None:
    """Our turns are those that EXIF means, as Pillow's own `exif_transpose` knows them."""
    picture = samples.quarters((6, 4))
    picture.getexif()[0x0112] = exif_orientation
    expected = ImageOps.exif_transpose(picture)
    assert orientation.turn(picture, exif_orientation).tobytes() == expected.tobytes()


@pytest.mark.parametrize("exif_orientation", ALL)
def test_a_stored_box_holds_the_same_pixels(exif_orientation: int) -> None:
    """Cropping before turning and after it gives the same part of the picture."""
    picture = samples.scene((40, 30))
    turned = orientation.turn(picture, exif_orientation)
    assert turned.size == orientation.turned_size(picture.size, exif_orientation)
    box = (3, 5, 17, 21)
    stored = orientation.stored_box((3.0, 5.0, 17.0, 21.0), picture.size, exif_orientation)
    assert all(side.is_integer() for side in stored)
    cut = orientation.turn(picture.crop(stored), exif_orientation)
    assert cut.tobytes() == turned.crop(box).tobytes()


def test_nothing_to_turn_costs_nothing() -> None:
    """An upright picture comes back as it is, not as a copy."""
    picture = Image.new("RGB", (2, 3))
    assert orientation.turn(picture, 1) is picture


def test_rotate_comes_before_flip() -> None:
    """`rotate=90&flip=h` turns first and mirrors then."""
    wanted = orientation.wanted(1, samples.rendition(rotate=90, flip="h"))
    picture = samples.quarters((4, 4))
    expected = ImageOps.mirror(picture.transpose(Image.Transpose.ROTATE_270))
    assert orientation.turn(picture, wanted).tobytes() == expected.tobytes()
