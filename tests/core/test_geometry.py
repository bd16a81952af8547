"""Sizes and plans, held against exact fractions and against sizes worked out by hand."""

import csv
import math
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveresize.core import geometry
from liveresize.core.formats import Format
from liveresize.core.operation import UrlRules
from liveresize.core.rendition import Rendition
from liveresize.core.values import COMPASS, RIGHTS_FROM, Fit, Gravity

from . import strategies

Size = tuple[int, int]


def rounded(exact: Fraction) -> int:
    """Half up, and at least 1 pixel."""
    return max(1, math.floor(exact + Fraction(1, 2)))


def exact_scale(size: Size, rendition: Rendition) -> Fraction:
    """The factor by which a picture of `size` is scaled, by the words of the contract."""
    sides = zip((rendition.width, rendition.height), size, strict=True)
    scales = [Fraction(wanted, side) for wanted, side in sides if wanted]
    if not scales:
        return Fraction(1)
    scale = min(scales) if rendition.fit in (Fit.CLIP, Fit.CANVAS) else max(scales)
    return scale if rendition.enlarge else min(scale, Fraction(1))


def box(width: int, height: int, fit: Fit = Fit.CLIP, **changes: Any) -> Rendition:
    """A canonical PNG rendition in a box."""
    return Rendition(format=Format.PNG, width=width, height=height, fit=fit, **changes).canonical()


@given(strategies.sides, strategies.sides)
def test_rounding_is_half_up_and_never_to_nothing(a: int, b: int) -> None:
    """`half_up` is the exact fraction rounded, at least 1."""
    assert geometry.half_up(a, b) == rounded(Fraction(a, b))


@pytest.mark.parametrize(
    ("a", "b", "expected"), [(1, 2, 1), (3, 2, 2), (5, 2, 3), (4, 3, 1), (5, 3, 2), (1, 9, 1)]
)
def test_halves_go_up(a: int, b: int, expected: int) -> None:
    """Not to even, as `round` would have it."""
    assert geometry.half_up(a, b) == expected


def test_sizes_are_those_of_libvips() -> None:
    """As libvips 8.18.7 gave them to the same pictures in the same boxes; see libvips.py."""
    with Path(__file__).with_name("libvips_sizes.tsv").open(newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    assert len(rows) > 300
    for row in rows:
        sides = (map(int, row[name].split("x")) for name in ("size", "box", "result"))
        (width, height), (box_width, box_height), result = sides
        asked = box(box_width, box_height, Fit(row["fit"]), enlarge=row["enlarge"] == "true")
        assert geometry.output_size((width, height), asked) == tuple(result), row


SIZES: list[tuple[Size, Rendition, Size]] = [
    ((940, 2), box(0, 2000), (940_000, 2000)),
    ((940, 2), box(134, 134), (134, 1)),
    ((940, 2), box(100, 100, Fit.COVER), (47_000, 100)),
    ((940, 2), box(100, 100, Fit.COVER, enlarge=False), (940, 2)),
    ((940, 2), box(100, 100, Fit.CROP), (100, 100)),
    ((940, 2), box(100, 100, Fit.CROP, enlarge=False), (2, 2)),
    ((1024, 768), box(8, 6), (8, 6)),
    ((1024, 640), box(500, 0), (500, 313)),
    ((1024, 640), box(250, 0), (250, 156)),
    ((2725, 2225), box(320, 0), (320, 261)),
    ((2725, 2225), box(0, 320), (392, 320)),
    ((2725, 2225), box(320, 320, Fit.COVER), (392, 320)),
    ((600, 401), box(500, 0), (500, 334)),
    ((100, 100), box(200, 300), (200, 200)),
    ((100, 100), box(200, 300, enlarge=False), (100, 100)),
    ((100, 50), box(0, 80, enlarge=False), (100, 50)),
    ((100, 50), box(80, 0, enlarge=False), (80, 40)),
    ((100, 50), box(100, 50), (100, 50)),
    ((100, 50), box(101, 0, enlarge=False), (100, 50)),
    ((100, 50), box(80, 60, Fit.COVER, enlarge=False), (100, 50)),
    ((100, 50), box(60, 20, Fit.COVER), (60, 30)),
    ((100, 50), box(300, 300, Fit.CROP), (300, 300)),
    ((100, 50), box(300, 300, Fit.CROP, enlarge=False), (50, 50)),
    ((100, 50), box(400, 100, Fit.CROP, enlarge=False), (100, 25)),
    ((100, 50), box(40, 60, Fit.CROP, enlarge=False), (33, 50)),
    ((100, 50), box(40, 30, Fit.CROP, enlarge=False), (40, 30)),
    ((100, 50), box(30, 0, Fit.CROP), (30, 15)),
    ((100, 50), box(0, 30, Fit.CANVAS), (60, 30)),
    ((100, 50), box(300, 300, Fit.CANVAS), (300, 300)),
    ((100, 50), box(300, 300, Fit.CANVAS, enlarge=False), (300, 300)),
    ((100, 50), box(300, 20, Fit.FILL), (300, 20)),
    ((100, 50), box(300, 20, Fit.FILL, enlarge=False), (100, 20)),
    ((100, 50), box(300, 20, Fit.FILL, enlarge=False, rotate=90), (50, 20)),
    ((100, 50), box(30, 0, Fit.FILL), (30, 15)),
    ((100, 50), box(0, 0), (100, 50)),
    ((100, 50), box(0, 0, rotate=270), (50, 100)),
    ((100, 50), box(50, 0, rotate=90), (50, 100)),
    ((100, 50), box(50, 0, rotate=180), (50, 25)),
    ((100, 50), box(30, 30, rotate=90, flip="h"), (15, 30)),
    ((1, 65_535), box(1, 1, Fit.CLIP), (1, 1)),
    ((65_535, 1), box(0, 10), (655_350, 10)),
    ((1, 1), box(999_999_999, 0), (999_999_999, 999_999_999)),
]


@pytest.mark.parametrize(("size", "rendition", "expected"), SIZES)
def test_a_picture_in_a_box_has_the_size_of_the_contract(
    size: Size, rendition: Rendition, expected: Size
) -> None:
    """Clip, cover, crop and canvas; free sides; with and without enlarging."""
    assert geometry.output_size(size, rendition) == expected


@given(strategies.picture_sizes, strategies.renditions())
def test_scaling_is_exact_up_to_one_rounding(size: Size, rendition: Rendition) -> None:
    """Each side is its exact fraction rounded half up; one of them is the box's own."""
    if rendition.fit is Fit.FILL:
        return
    if rendition.fit is Fit.CROP and not rendition.enlarge:
        rendition = rendition.boxed(
            *geometry.largest_crop(size, (rendition.width, rendition.height))
        )
    scale = exact_scale(size, rendition)
    assert geometry.fit_size(size, rendition) == (
        rounded(size[0] * scale),
        rounded(size[1] * scale),
    )


@given(strategies.picture_sizes, strategies.renditions())
def test_the_result_keeps_the_promise_of_its_fit(size: Size, rendition: Rendition) -> None:
    """Clip stays inside, cover reaches out, the others are exact, nothing is empty."""
    width, height = geometry.inner_size(size, rendition)
    assert width >= 1
    assert height >= 1
    upright = geometry.turned(size, rendition)
    wanted = (rendition.width, rendition.height)
    exact = rendition.fit in (Fit.CROP, Fit.FILL) and rendition.enlarge
    if rendition.fit is Fit.CANVAS or exact:
        assert (width, height) == wanted
    elif rendition.fit is Fit.COVER and rendition.enlarge:
        assert width >= wanted[0]
        assert height >= wanted[1]
    else:
        assert rendition.fit is Fit.COVER or width <= (wanted[0] or width)
        assert rendition.fit is Fit.COVER or height <= (wanted[1] or height)
        if not rendition.enlarge:
            assert width <= upright[0]
            assert height <= upright[1]


@given(strategies.picture_sizes, st.tuples(strategies.sides, strategies.sides))
def test_a_crop_that_may_not_enlarge_is_the_largest_of_its_ratio(size: Size, wanted: Size) -> None:
    """The exact largest box of that ratio inside box and picture, each side rounded."""
    scale = min(
        Fraction(1), *(Fraction(side, want) for side, want in zip(size, wanted, strict=True))
    )
    assert geometry.largest_crop(size, wanted) == (
        rounded(wanted[0] * scale),
        rounded(wanted[1] * scale),
    )


@given(strategies.picture_sizes, strategies.renditions())
def test_turning_swaps_the_sides_at_a_right_angle(size: Size, rendition: Rendition) -> None:
    """90 and 270 swap, 0 and 180 do not, and the box is for the turned picture."""
    turned = geometry.turned(size, rendition)
    assert turned == (size if rendition.rotate in (0, 180) else size[::-1])
    shown = geometry.turned(geometry.part_size(size, rendition), rendition)
    plain = replace(rendition, rect=None, rotate=0)
    assert geometry.inner_size(size, rendition) == geometry.inner_size(shown, plain)


@given(
    strategies.picture_sizes,
    strategies.renditions(),
    st.none() | st.tuples(st.floats(0, 1), st.floats(0, 1)),
)
def test_a_plan_keeps_a_part_of_the_picture_in_its_own_proportions(
    size: Size, rendition: Rendition, focus: tuple[float, float] | None
) -> None:
    """The box is inside the picture, not empty, and no more distorted than rounding asks."""
    plan, scaled = geometry.plan(size, rendition, focus), geometry.fit_size(size, rendition)
    left, top, right, bottom = plan.box
    assert 0 <= left < right <= size[0]
    assert 0 <= top < bottom <= size[1]
    if rendition.fit is Fit.CROP:
        # Half a pixel of the scaled picture, on the side that was rounded.
        slack = 0.5 / min(scaled) + 1e-6
        across, down = (right - left) / plan.output[0], (bottom - top) / plan.output[1]
        assert across / down == pytest.approx(1, rel=slack)
        assert right - left == pytest.approx(plan.output[0] * size[0] / scaled[0])
        assert bottom - top == pytest.approx(plan.output[1] * size[1] / scaled[1])
    else:
        assert plan.box == (0, 0, *size)


@given(strategies.picture_sizes, strategies.renditions())
def test_a_plan_ends_at_the_size_that_was_announced(size: Size, rendition: Rendition) -> None:
    """What is planned for the turned part is what `inner_size` told beforehand."""
    turned = geometry.turned(geometry.part_size(size, rendition), rendition)
    plan = geometry.plan(turned, rendition)
    assert plan.output == geometry.inner_size(size, rendition)
    if rendition.fit is Fit.CANVAS:
        assert plan.resized == geometry.fit_size(turned, rendition)
        for offset, placed, canvas in zip(plan.offset, plan.resized, plan.output, strict=True):
            assert 0 <= offset <= canvas - placed
    else:
        assert plan.resized == plan.output
        assert plan.offset == (0, 0)


def test_a_pad_makes_the_result_larger_than_its_box() -> None:
    """By top and bottom, left and right; turning the picture does not turn it."""
    for turn, inner in ((0, (50, 25)), (90, (50, 100))):
        rendition = box(50, 0, rotate=turn, pad=(1, 20, 300, 4000))
        assert geometry.inner_size((100, 50), rendition) == inner
        assert geometry.output_size((100, 50), rendition) == (inner[0] + 4020, inner[1] + 301)


CROPS = [
    ("center", (200, 100), (50.0, 0.0, 150.0, 100.0)),
    ("north", (200, 100), (50.0, 0.0, 150.0, 100.0)),
    ("west", (200, 100), (0.0, 0.0, 100.0, 100.0)),
    ("southwest", (200, 100), (0.0, 0.0, 100.0, 100.0)),
    ("northeast", (200, 100), (100.0, 0.0, 200.0, 100.0)),
    ("smart", (200, 100), (50.0, 0.0, 150.0, 100.0)),
    ("center", (100, 200), (0.0, 50.0, 100.0, 150.0)),
    ("west", (100, 200), (0.0, 50.0, 100.0, 150.0)),
    ("north", (100, 200), (0.0, 0.0, 100.0, 100.0)),
    ("northeast", (100, 200), (0.0, 0.0, 100.0, 100.0)),
    ("southwest", (100, 200), (0.0, 100.0, 100.0, 200.0)),
    ("smart", (100, 200), (0.0, 50.0, 100.0, 150.0)),
]


@pytest.mark.parametrize(("word", "size", "kept"), CROPS)
def test_gravity_says_which_part_a_crop_keeps(
    word: str, size: Size, kept: tuple[float, float, float, float]
) -> None:
    """A square out of 2:1 or 1:2: the near end, the middle or the far end of it."""
    rendition = box(10, 10, Fit.CROP, gravity=COMPASS[word])
    assert geometry.plan(size, rendition).box == kept


@pytest.mark.parametrize(
    ("focus", "edge"), [(0, 0.0), (100, 0.0), (250, 0.0), (400, 30.0), (750, 100.0), (1000, 100.0)]
)
def test_a_focal_point_is_the_middle_of_the_crop_where_it_can_be(focus: int, edge: float) -> None:
    """Near an edge the window stops at the edge, across and down."""
    across = box(10, 10, Fit.CROP, gravity=Gravity(focus, 300))
    assert geometry.plan((200, 100), across).box == (edge, 0.0, edge + 100.0, 100.0)
    down = box(10, 10, Fit.CROP, gravity=Gravity(300, focus))
    assert geometry.plan((100, 200), down).box == (0.0, edge, 100.0, edge + 100.0)


def test_a_focus_that_was_found_overrides_the_gravity() -> None:
    """What `smart` finds in the picture is where the window goes."""
    rendition = box(10, 10, Fit.CROP, gravity=COMPASS["smart"])
    assert geometry.plan((200, 100), rendition, (0.4, 0.9)).box == (30.0, 0.0, 130.0, 100.0)


@pytest.mark.parametrize(
    ("word", "offset"),
    [("center", (0, 3)), ("north", (0, 0)), ("south", (0, 5)), ("southeast", (0, 5))],
)
def test_gravity_says_where_a_canvas_has_its_picture(word: str, offset: Size) -> None:
    """A 2:1 picture on a square: at the top, in the middle (half up) or at the foot."""
    plan = geometry.plan((200, 100), box(10, 10, Fit.CANVAS, gravity=COMPASS[word]))
    assert (plan.resized, plan.output, plan.offset) == ((10, 5), (10, 10), offset)


@given(strategies.picture_sizes, strategies.renditions(UrlRules(rights=True)))
def test_no_result_in_a_small_box_is_large_enough_for_rights(
    size: Size, rendition: Rendition
) -> None:
    """Where a box makes rights inert, no picture comes out of it that would say them."""
    if not rendition.rights and rendition.format.says_rights:
        assert max(geometry.output_size(size, rendition)) < RIGHTS_FROM
