"""Animations: every frame takes every step, and time is kept."""

import pathlib
import struct
from typing import Any

import pytest
from PIL import Image, ImageSequence

from liveresize.core.formats import Format, Negotiated
from liveresize.core.values import Fit
from liveresize.imaging import decode, render_plan

from . import samples

COLOURS = [samples.RED, samples.GREEN, samples.BLUE, samples.YELLOW]
DURATIONS = [50, 120, 200, 80]
MOVING = ["gif", "webp", "png", "avif"]
OUTPUTS = [Format.GIF, Format.WEBP, Format.AVIF]


def moving(path: pathlib.Path, size: tuple[int, int] = (60, 40), **more: Any) -> pathlib.Path:
    """Four frames, each half in another colour and half transparent, for ever."""
    frames = []
    for colour in COLOURS:
        frame = Image.new("RGBA", size, (*colour, 0))
        frame.paste((*colour, 255), (0, 0, size[0] // 2, size[1]))
        frames.append(frame)
    arguments: dict[str, Any] = {"duration": DURATIONS, "loop": 0}
    if path.suffix == ".gif":
        arguments["disposal"] = 2
    elif path.suffix == ".webp":
        arguments["lossless"] = True
    arguments |= more
    frames[0].save(path, save_all=True, append_images=frames[1:], **arguments)
    return path


@pytest.mark.parametrize("suffix", MOVING)
@pytest.mark.parametrize("output", OUTPUTS)
def test_an_animation_stays_one(tmp_path: pathlib.Path, suffix: str, output: Format) -> None:
    """Colours, transparency and timing of each frame survive between all formats."""
    result, picture = samples.rendered(moving(tmp_path / f"a.{suffix}"), width=30, format=output)
    assert result.notes == ()
    assert picture.n_frames == len(COLOURS)
    for index, colour in enumerate(COLOURS):
        picture.seek(index)
        frame = picture.convert("RGBA")
        assert frame.size == (30, 20)
        assert picture.info["duration"] == DURATIONS[index]
        assert samples.near(frame.getpixel((5, 10))[:3], colour, 24)
        assert frame.getpixel((5, 10))[3] == 255
        assert frame.getpixel((26, 10))[3] <= 4


@pytest.mark.parametrize("output", OUTPUTS)
def test_every_frame_takes_every_step(tmp_path: pathlib.Path, output: Format) -> None:
    """Turning, cropping and background apply to all frames alike."""
    _, picture = samples.rendered(
        moving(tmp_path / "a.gif"),
        width=50,
        height=30,
        fit=Fit.CANVAS,
        background=(255, 255, 255, 255),
        rotate=90,
        format=output,
    )
    frames = [frame.convert("RGB") for frame in ImageSequence.Iterator(picture)]
    assert len(frames) == 4
    for frame, colour in zip(frames, COLOURS, strict=True):
        assert frame.size == (50, 30)
        assert samples.near(frame.getpixel((25, 5)), colour, 24)
        assert samples.near(frame.getpixel((25, 25)), (255, 255, 255), 12)
        assert samples.near(frame.getpixel((2, 5)), (255, 255, 255), 12)


def test_frames_at_full_size_are_not_one_frame(tmp_path: pathlib.Path) -> None:
    """Without resizing, each frame is still a picture of its own."""
    frames = [Image.new("RGB", (20, 10), colour) for colour in COLOURS]
    path = tmp_path / "a.webp"
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=50, lossless=True)
    _, picture = samples.rendered(path, format=Format.WEBP)
    for index, colour in enumerate(COLOURS):
        picture.seek(index)
        assert samples.near(picture.convert("RGB").getpixel((5, 5)), colour, 24)


@pytest.mark.parametrize("suffix", MOVING)
@pytest.mark.parametrize("output", [Format.JPEG, Format.PNG])
def test_stills_take_the_first_frame(
    tmp_path: pathlib.Path, suffix: str, output: Format, monkeypatch: pytest.MonkeyPatch
) -> None:
    """JPEG and PNG of an animation show its first frame, and no other is looked at."""
    path = moving(tmp_path / f"a.{suffix}")
    monkeypatch.setattr(decode, "frame_count", None)
    result, picture = samples.rendered(path, width=30, format=output)
    assert (getattr(picture, "n_frames", 1), result.notes) == (1, ())
    assert samples.near(picture.convert("RGBA").getpixel((5, 10))[:3], COLOURS[0], 24)


@pytest.mark.parametrize("output", OUTPUTS)
def test_animate_false_takes_the_first_frame(tmp_path: pathlib.Path, output: Format) -> None:
    """`animate=false` makes a still of what could move, without a remark."""
    result, picture = samples.rendered(
        moving(tmp_path / "a.gif"), width=30, format=output, animate=False
    )
    assert (getattr(picture, "n_frames", 1), result.notes) == (1, ())


@pytest.mark.parametrize("limits", [{"max_frames": 3}, {"max_animation_pixels": 4 * 60 * 40 - 1}])
def test_too_long_an_animation_is_cut(tmp_path: pathlib.Path, limits: dict[str, int]) -> None:
    """Above either limit only the first frame is made, with a note."""
    path = moving(tmp_path / "a.gif")
    settings = samples.tuned(**limits)
    result, picture = samples.rendered(path, width=30, format=Format.WEBP, settings=settings)
    assert result.notes == ("animation_truncated",)
    assert getattr(picture, "n_frames", 1) == 1
    still, _ = samples.rendered(path, width=30, format=Format.PNG, settings=settings)
    assert still.notes == ()


def test_an_enlarged_animation_is_bounded(tmp_path: pathlib.Path) -> None:
    """The pixels of the result count as well as those of the original."""
    settings = samples.tuned(max_animation_pixels=4 * 60 * 40)
    path = moving(tmp_path / "a.gif")
    assert samples.rendered(path, format=Format.GIF, settings=settings)[0].notes == ()
    result, _ = samples.rendered(path, width=61, format=Format.GIF, settings=settings)
    assert result.notes == ("animation_truncated",)


@pytest.mark.parametrize(
    ("suffix", "loop", "output", "expected"),
    [
        ("gif", None, Format.WEBP, 1),
        ("gif", 0, Format.WEBP, 0),
        ("gif", 2, Format.WEBP, 3),
        ("gif", None, Format.GIF, None),
        ("gif", 5, Format.GIF, 5),
        ("webp", 1, Format.GIF, None),
        ("webp", 3, Format.GIF, 2),
        ("webp", 0, Format.GIF, 0),
        ("webp", 4, Format.WEBP, 4),
        ("png", 2, Format.WEBP, 2),
    ],
)
def test_loops_are_counted_as_each_format_counts(
    tmp_path: pathlib.Path, suffix: str, loop: int | None, output: Format, expected: int | None
) -> None:
    """GIF counts repetitions and the others runs; so often as before is it played."""
    path = moving(tmp_path / f"a.{suffix}", loop=loop)
    _, picture = samples.rendered(path, width=30, format=output)
    assert picture.info.get("loop") == expected


def test_frames_too_quick_to_see_last_as_in_browsers(tmp_path: pathlib.Path) -> None:
    """A frame of 0 or 10 ms is shown for 100, as every browser does."""
    path = moving(tmp_path / "a.gif", duration=[0, 10, 20, 30])
    _, picture = samples.rendered(path, width=30, format=Format.WEBP)
    durations = []
    for index in range(4):
        picture.seek(index)
        picture.load()
        durations.append(picture.info["duration"])
    assert durations == [100, 100, 20, 30]


def test_frames_that_are_not_there_end_the_animation(tmp_path: pathlib.Path) -> None:
    """A GIF whose last frame is an empty promise moves as far as it goes."""
    path = moving(tmp_path / "a.gif")
    data = path.read_bytes()
    assert data.endswith(b";")
    path.write_bytes(data[:-1] + b"!\xf9\x04\x04\x05\x00\x00\x00;")
    _, picture = samples.rendered(path, width=30, format=Format.WEBP)
    assert picture.n_frames == 4


@pytest.mark.parametrize(
    ("offer", "alpha", "animated", "fields", "expected"),
    [
        (Negotiated(), False, False, {}, Format.JPEG),
        (Negotiated(), True, False, {}, Format.PNG),
        (Negotiated(webp=True), True, False, {}, Format.WEBP),
        (Negotiated(webp=True, avif=True), False, False, {}, Format.AVIF),
        (Negotiated(avif=True), False, False, {}, Format.AVIF),
        (Negotiated(webp=True, avif=True), False, False, {"width": 2450}, Format.WEBP),
        (Negotiated(avif=True), False, False, {"width": 2450}, Format.JPEG),
        (Negotiated(webp=True), False, False, {"width": 16384, "height": 1}, Format.WEBP),
        (Negotiated(webp=True, avif=True), False, True, {}, Format.WEBP),
        (Negotiated(avif=True), False, True, {}, Format.GIF),
        (Negotiated(), True, True, {}, Format.GIF),
        (Negotiated(), True, True, {"animate": False}, Format.PNG),
        (Negotiated(webp=True, avif=True), False, True, {"animate": False}, Format.AVIF),
        (Negotiated(), True, False, {"fit": Fit.CANVAS, "width": 9, "height": 9}, Format.JPEG),
        (
            Negotiated(),
            False,
            False,
            {"fit": Fit.CANVAS, "width": 9, "height": 9, "background": (0, 0, 0, 0)},
            Format.PNG,
        ),
        (Format.GIF, True, False, {}, Format.GIF),
    ],
)
def test_auto_takes_the_best_that_can_be_shown(
    tmp_path: pathlib.Path,
    offer: Format | Negotiated,
    alpha: bool,
    animated: bool,
    fields: dict[str, Any],
    expected: Format,
) -> None:
    """`auto` becomes AVIF, WebP, GIF, PNG or JPEG by what is offered and what is shown."""
    shown = [(*colour, 90) if alpha else colour for colour in COLOURS]
    frames = [Image.new("RGBA" if alpha else "RGB", (40, 40), colour) for colour in shown]
    path = tmp_path / "a.webp"
    frames[0].save(path, save_all=animated, append_images=frames[1:] if animated else [])
    wanted = samples.rendition(format=offer, **fields)
    with decode.open_picture(path, samples.SETTINGS, 10_000) as image:
        made = render_plan.of(image, wanted, samples.SETTINGS)
    assert made.output is expected
    assert made.rendition == wanted.resolved(expected)
    assert made.frames == (4 if animated and expected.animates and wanted.animate else 1)


def test_auto_keeps_to_the_sides_of_a_format(tmp_path: pathlib.Path) -> None:
    """A result too wide for WebP is a JPEG."""
    path = samples.saved(tmp_path / "a.png", Image.new("RGB", (16_384, 2)))
    result, _ = samples.rendered(path, format=Negotiated(webp=True))
    assert result.format is Format.JPEG


def test_an_auto_animation_that_is_too_long_is_a_still(tmp_path: pathlib.Path) -> None:
    """What is cut to its first frame is negotiated as a still, and says so."""
    result, _ = samples.rendered(
        moving(tmp_path / "a.gif"),
        width=30,
        format=Negotiated(),
        settings=samples.tuned(max_frames=2),
    )
    assert (result.format, result.notes) == (Format.PNG, ("animation_truncated",))


CANVAS = (8, 6)
PALETTE = bytes((*samples.RED, *samples.GREEN, *samples.BLUE, 128, 128, 128))
KEPT, TAKEN_AWAY = 1, 2

Patch = tuple[tuple[int, int, int, int], int, int]
"""A frame: (left, top, width, height), the index of its colour, and what becomes of it."""


def patches(path: pathlib.Path, *frames: Patch, clear: bool) -> pathlib.Path:
    """A GIF of patches in one colour each; `clear` says that grey means transparent."""
    data = b"GIF89a" + struct.pack("<HHBBB", *CANVAS, 0x91, 3, 0) + PALETTE
    for (left, top, width, height), index, disposal in frames:
        data += b"!\xf9\x04" + struct.pack("<BHBB", disposal << 2 | clear, 10, 3 * clear, 0)
        data += b"," + struct.pack("<HHHHB", left, top, width, height, 0)
        # Codes of three bits, the table cleared (4) before it would need a fourth; 5 ends.
        codes = [4, *(code for _ in range(width * height // 2) for code in (index, index, 4)), 5]
        bits = sum(code << 3 * at for at, code in enumerate(codes))
        coded = bits.to_bytes((3 * len(codes) + 7) // 8, "little")
        data += b"\x02" + bytes([len(coded)]) + coded + b"\0"
    path.write_bytes(data + b";")
    return path


@pytest.mark.parametrize("clear", [False, True])
def test_what_is_taken_away_leaves_nothing(tmp_path: pathlib.Path, clear: bool) -> None:
    """A frame that goes back to the background leaves transparency, as in browsers."""
    path = patches(
        tmp_path / "a.gif",
        ((0, 0, *CANVAS), 0, KEPT),
        ((2, 1, 4, 3), 1, TAKEN_AWAY),
        ((6, 4, 2, 2), 2, TAKEN_AWAY),
        ((0, 0, 2, 1), 1, KEPT),
        clear=clear,
    )
    red, green, blue = ((*colour, 255) for colour in (samples.RED, samples.GREEN, samples.BLUE))
    nothing = (0, 0, 0, 0)
    points = [(10, 5), (40, 25), (70, 50)]
    expected = [
        [red, red, red],
        [red, green, red],
        [red, nothing, blue],
        [green, nothing, nothing],
    ]
    _, picture = samples.rendered(path, width=10 * CANVAS[0], format=Format.WEBP)
    for index, colours in enumerate(expected):
        picture.seek(index)
        frame = picture.convert("RGBA")
        for point, colour in zip(points, colours, strict=True):
            seen = frame.getpixel(point)
            assert abs(seen[3] - colour[3]) <= 24
            assert not colour[3] or samples.near(seen, colour, 40)


def test_the_first_frame_may_be_taken_away(tmp_path: pathlib.Path) -> None:
    """So may the first one, whose transparent pixels were none before."""
    path = patches(
        tmp_path / "a.gif", ((0, 0, *CANVAS), 3, TAKEN_AWAY), ((0, 0, 4, 6), 2, KEPT), clear=True
    )
    _, picture = samples.rendered(path, format=Format.WEBP)
    for index, alphas in enumerate([[0, 0], [255, 0]]):
        picture.seek(index)
        assert [picture.convert("RGBA").getpixel(at)[3] for at in ((1, 1), (6, 4))] == alphas
