"""Resampling: two engines, one result."""

import pytest
from PIL import Image, ImageChops

from liveresize.imaging import resize, shrink

from . import samples

needs_simd = pytest.mark.skipif(
    resize.SIMD is None, reason="cykooz-resizer has no wheel for this platform"
)

CASES = [
    ((0.0, 0.0, 301.0, 203.0), (100, 67)),
    ((10.25, 7.75, 290.5, 190.125), (64, 41)),
    ((100.5, 50.5, 130.25, 70.75), (211, 140)),
    ((0.0, 0.0, 301.0, 203.0), (1, 1)),
    ((5.0, 5.0, 5.5, 200.0), (3, 90)),
]


@needs_simd
@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "CMYK"])
@pytest.mark.parametrize(("box", "size"), CASES)
def test_both_engines_agree(mode: str, box: resize.Box, size: tuple[int, int]) -> None:
    """With and without SIMD the pixels are the same to the eye."""
    picture = samples.scene((301, 203)).convert(mode)
    if mode == "RGBA":
        picture.putalpha(Image.radial_gradient("L").resize(picture.size))
    ours, theirs = resize.with_simd(picture, box, size), resize.with_pillow(picture, box, size)
    assert (ours.mode, ours.size) == (mode, size) == (theirs.mode, theirs.size)
    over = Image.new("RGBA", size, "white")
    one = Image.alpha_composite(over, ours.convert("RGBA"))
    two = Image.alpha_composite(over, theirs.convert("RGBA"))
    assert samples.psnr(one, two) > 42


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
@pytest.mark.parametrize("box", [(0.0, 0.0, 301.0, 203.0), (50.5, 7.25, 90.25, 190.0)])
def test_lower_first_shows_the_same(
    mode: str, box: resize.Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Made wider and lower in two steps a picture is the one made at once, to the eye."""
    picture = samples.scene((301, 203)).convert(mode)
    if mode == "RGBA":
        picture.putalpha(Image.radial_gradient("L").resize(picture.size))
    assert resize.is_crossed((box[2] - box[0], box[3] - box[1]), (700, 50))
    steps = resize.resize(picture, box, (700, 50))
    monkeypatch.setattr(resize, "CROSSED", 1000)
    at_once = resize.resize(picture, box, (700, 50))
    assert (steps.mode, steps.size) == (mode, (700, 50)) == (at_once.mode, at_once.size)
    assert samples.psnr(steps.convert("RGB"), at_once.convert("RGB")) > 42


@pytest.mark.parametrize("mode", ["RGBA", "P", "LA", "1", "I;16", "RGB with a key"])
@pytest.mark.parametrize(("box", "size"), CASES)
def test_bands_are_seamless(
    mode: str, box: resize.Box, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A picture resized band by band is the one resized whole, to a level of rounding."""
    picture = samples.scene((301, 203))
    if mode == "RGB with a key":
        picture.info["transparency"] = (0, 0, 0)
    elif mode == "I;16":
        picture = picture.convert("L").convert("I").point(lambda level: level * 257)
        picture = picture.convert("I;16")
    elif mode in ("RGBA", "LA"):
        picture = picture.convert(mode)
        picture.putalpha(Image.radial_gradient("L").resize(picture.size))
    else:
        picture = picture.convert(mode)
    whole = resize.resize(picture, box, size)
    monkeypatch.setattr(resize, "WHOLE", 100)
    monkeypatch.setattr(resize, "BAND", 2_000)
    banded = resize.resize(picture, box, size)
    assert (banded.mode, banded.size) == (whole.mode, whole.size)
    difference = ImageChops.difference(whole, banded).getextrema()
    extrema = difference if isinstance(difference[0], tuple) else (difference,)
    assert all(most <= 1 for _, most in extrema)  # type: ignore[misc]


def test_no_room_is_told_before_it_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the resizer would end the process for want of memory, MemoryError is raised."""
    monkeypatch.setattr(resize, "SLACK", 2**50)
    with pytest.raises(MemoryError):
        resize.make_sure(1)


@pytest.mark.parametrize("engine", ["simd", "pillow"])
def test_hidden_colour_does_not_bleed(engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a transparent pixel would look like never tints its neighbours."""
    if engine == "pillow" or resize.SIMD is None:
        monkeypatch.setattr(resize, "SIMD", None)
    picture = Image.new("RGBA", (64, 64), (0, 255, 0, 0))
    picture.paste((200, 0, 0, 255), (0, 0, 33, 64))
    small = resize.resize(picture, (0.0, 0.0, 64.0, 64.0), (13, 13))
    green, alpha = small.getchannel("G").tobytes(), small.getchannel("A").tobytes()
    assert all(level <= 2 for level, shown in zip(green, alpha, strict=True) if shown > 8)


def test_a_box_moved_out_by_rounding_is_moved_back() -> None:
    """A ten-thousandth of a pixel too much is no error, on either side."""
    picture = samples.scene((30, 20))
    result = resize.resize(picture, (-1e-4, -1e-4, 30.0001, 20.0001), (10, 7))
    assert result.size == (10, 7)


@pytest.mark.parametrize(
    "box", [(5.0, 5.0, 5.0, 9.0), (5.0, 9.0, 8.0, 5.0), (30.0, 0.0, 40.0, 9.0)]
)
def test_an_empty_box_is_refused(box: resize.Box) -> None:
    """A box that holds nothing raises instead of giving black."""
    with pytest.raises(ValueError, match="holds nothing"):
        resize.resize(samples.scene((30, 20)), box, (4, 4))


def test_nothing_to_resize_costs_nothing() -> None:
    """The whole picture at its own size is the picture itself; a whole part is cut out."""
    picture = samples.scene((30, 20))
    assert resize.resize(picture, (0.0, 0.0, 30.0, 20.0), (30, 20)) is picture
    part = resize.resize(picture, (3.0, 4.0, 13.0, 14.0), (10, 10))
    assert part.tobytes() == picture.crop((3, 4, 13, 14)).tobytes()


def test_boxes_at_the_far_edge_stay_inside() -> None:
    """Left plus width never passes the edge, however floats round."""
    for step in range(1, 400):
        box = (step / 7.3, step / 11.9, 1000 / 3, 500 / 3)
        width = resize._within(box[0], box[2])
        assert box[0] + width <= box[2]
        assert width == pytest.approx(box[2] - box[0])


def test_only_jpeg_shrinks_on_load() -> None:
    """Other pictures are decoded whole, and JPEG only where enough is left for Lanczos."""
    assert shrink.on_load(Image.new("RGB", (800, 800)), (800.0, 800.0), (10, 10)) == (1.0, 1.0)
