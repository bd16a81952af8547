"""Animations on their way into an encoder: one frame at a time, each told once."""

import io
import pathlib
from collections.abc import Iterator

import pytest
from PIL import Image

from liveresize.core.formats import Format
from liveresize.imaging import decode, downscale, encode, frame_sequence
from liveresize.imaging.settings import EngineSettings
from liveresize.imaging.structure import gif

from . import samples

COLOURS = ("red", "red", "green", "blue", "blue", "blue", "red")


def frames(colours: tuple[str, ...] = COLOURS, mode: str = "RGB") -> Iterator[frame_sequence.Frame]:
    """Plain frames that last 40, 50, 60 ms and so on."""
    for index, colour in enumerate(colours):
        yield frame_sequence.Frame(Image.new(mode, (20, 10), colour), 40 + 10 * index)


def shown(data: bytes) -> list[tuple[tuple[int, ...], float]]:
    """The colour and the duration of every frame of a file."""
    found = []
    with Image.open(io.BytesIO(data)) as image:
        for index in range(getattr(image, "n_frames", 1)):
            image.seek(index)
            image.load()
            found.append((image.convert("RGBA").getpixel((3, 3)), image.info.get("duration", 0)))
    return found  # type: ignore[return-value]


def test_frames_that_look_alike_are_one() -> None:
    """Frames that follow one another and are the same become one that lasts longer."""
    merged = list(frame_sequence.merged(frames(), 10_000))
    assert [frame.duration for frame in merged] == [90, 60, 240, 100]
    assert merged[0].picture.getpixel((0, 0)) == (255, 0, 0)


@pytest.mark.parametrize("output", [Format.GIF, Format.WEBP, Format.AVIF])
def test_every_format_tells_them_once(output: Format) -> None:
    """Merged frames keep their colours, their order and the whole time."""
    data = encode.moving(
        frames(), output, 90, EngineSettings(), count=len(COLOURS), alpha=False, plays=0
    )
    found = shown(data)
    assert [duration for _, duration in found] == [90, 60, 240, 100]
    for (colour, _), expected in zip(found, ["red", "green", "blue", "red"], strict=True):
        wanted = Image.new("RGBA", (1, 1), expected).getpixel((0, 0))
        assert samples.near(colour, wanted, 12)


def test_a_clear_frame_does_not_end_a_gif() -> None:
    """Pillow writes the header again before it, where programs that keep to the format stop."""
    clear = Image.new("RGBA", (20, 10))
    colours = [Image.new("RGBA", (20, 10), colour) for colour in ("red", "blue", "green")]
    film = [colours[0], clear, colours[1], clear, colours[2]]
    data = encode.moving(
        (frame_sequence.Frame(picture, 50) for picture in film),
        *(Format.GIF, 90, EngineSettings()),
        count=len(film),
        alpha=True,
        plays=0,
    )
    assert data.count(b"GIF89a") == data.count(b"NETSCAPE") == 1
    kinds = [block.kind for block in gif.blocks(memoryview(data), lambda count: None)]
    assert kinds.count(gif.IMAGE) == len(film)
    assert set(kinds) == {gif.EXTENSION, gif.IMAGE, gif.TRAILER}
    found = [colour for colour, _ in shown(data)]
    assert [colour[3] for colour in found] == [255, 0, 255, 0, 255]


def test_no_file_says_when_it_was_made() -> None:
    """libavif writes the time into three headers; without, the same frames are the same bytes."""
    film = {"output": Format.AVIF, "level": 90, "settings": EngineSettings(), "count": len(COLOURS)}
    data = encode.moving(frames(), **film, alpha=False, plays=0)  # type: ignore[arg-type]
    for header in (b"mvhd", b"tkhd", b"mdhd"):
        at = data.index(header) + 4
        size = 16 if data[at] == 1 else 8
        assert data[at + 4 : at + 4 + size] == bytes(size)
    assert len(shown(data)) == 4


@pytest.mark.parametrize("output", [Format.WEBP, Format.AVIF])
def test_only_two_frames_are_in_memory(output: Format) -> None:
    """An encoder that takes frames as they come never has more than are being compared."""
    alive: list[int] = []
    held: set[int] = set()

    class Counted(Image.Image):
        def __del__(self) -> None:
            held.discard(id(self))

    def counted() -> Iterator[frame_sequence.Frame]:
        for index in range(20):
            picture = Counted()
            source = Image.new("RGB", (20, 10), (index * 12, 0, 0))
            picture.im, picture._mode, picture._size = source.im, "RGB", source.size
            held.add(id(picture))
            alive.append(len(held))
            yield frame_sequence.Frame(picture, 50)
            del picture

    encode.moving(counted(), output, 50, EngineSettings(), count=20, alpha=False, plays=0)
    assert len(alive) == 20
    assert max(alive) <= 3


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ([75] * 4, [80, 70, 80, 70]),
        ([33, 33, 34], [30, 40, 30]),
        ([100, 20], [100, 20]),
        ([0, 0], [0, 0]),
        ([10, 10, 40], [10, 10, 40]),
        ([16, 17, 17, 16, 17], [20, 20, 20, 20, 20]),
        ([12, 50], [20, 40]),
        ([655_350, 655_348], [655_350, 655_350]),
    ],
)
def test_gif_keeps_the_time_of_the_whole(told: list[int], kept: list[int]) -> None:
    """Hundredths of a second are rounded so that what is lost of one frame the next gets."""
    assert frame_sequence.hundredths(told) == kept


def test_a_hole_that_opens_later_shows_nothing(tmp_path: pathlib.Path) -> None:
    """A GIF whose second frame is see-through where the first was not leaves no ghost."""
    solid = Image.new("RGBA", (40, 20), (200, 30, 30, 255))
    holed = solid.copy()
    holed.paste((0, 0, 0, 0), (0, 0, 20, 20))
    path = tmp_path / "a.webp"
    solid.save(path, save_all=True, append_images=[holed, solid], duration=50, lossless=True)
    result, _ = samples.rendered(path, width=20, format=Format.GIF)
    assert [colour[3] for colour, _ in shown(result.data)] == [255, 0, 255]


def test_unchanged_pixels_cost_nothing(tmp_path: pathlib.Path) -> None:
    """A dot that moves over a busy picture adds little to a GIF of the picture."""
    ground = samples.scene((200, 150))
    still = encode.still(ground.copy(), Format.GIF, 100, EngineSettings())

    def dots() -> Iterator[frame_sequence.Frame]:
        for step in range(8):
            picture = ground.quantize(200, dither=Image.Dither.NONE).convert("RGB")
            picture.paste((255, 0, 0), (20 * step, 70, 20 * step + 6, 76))
            yield frame_sequence.Frame(picture, 50)

    data = encode.moving(dots(), Format.GIF, 100, EngineSettings(), count=8, alpha=False, plays=0)
    assert len(data) < 3 * len(still)


@pytest.mark.parametrize("output", [Format.GIF, Format.WEBP, Format.AVIF])
@pytest.mark.parametrize("total", [1, 500])
def test_times_and_runs_beyond_the_format_become_its_longest(output: Format, total: int) -> None:
    """Whatever an animation asks for can be written, and no field wraps around."""

    def slow() -> Iterator[frame_sequence.Frame]:
        for index in range(4):
            picture = Image.new("RGB", (8, 8), ("red", "blue")[index // 2])
            yield frame_sequence.Frame(picture, 65_535_000)

    data = encode.moving(
        slow(), output, 50, EngineSettings(), count=4 * total, alpha=False, plays=2**32 - 1
    )
    longest = frame_sequence.LONGEST[output]
    if output is Format.WEBP:
        longest = min(longest, frame_sequence.WEBP_TOTAL // (4 * total))
    shown_for = [duration for _, duration in shown(data) if duration]
    assert shown_for == [min(131_070_000, longest)] * 2
    with Image.open(io.BytesIO(data)) as image:
        assert image.info.get("loop") == (None if output is Format.AVIF else 65_535)


def test_equal_frames_of_400_seconds_are_one_of_655() -> None:
    """Times that add up past 16 bits of hundredths stop there."""
    pictures = [Image.new("RGB", (8, 8), colour) for colour in ("red", "red", "lime")]
    steps = zip(pictures, (400_000, 400_000, 100), strict=True)
    made = encode.moving(
        (frame_sequence.Frame(*step) for step in steps),
        Format.GIF,
        50,
        EngineSettings(),
        count=3,
        alpha=False,
        plays=1,
    )
    assert [duration for _, duration in shown(made)] == [655_350, 100]


@pytest.mark.parametrize("duration", [40.0, 1000 / 30, 70_005.0, 999_999.0, 20_000_000.5, 10.0**9])
def test_a_png_stores_any_time_as_a_fraction(duration: float) -> None:
    """Pillow refuses numerators above 16 bits: long times become coarser, at most 65,535 s."""
    longest = frame_sequence.LONGEST[Format.PNG]
    written = downscale.fraction(min(duration, longest))
    assert written == pytest.approx(min(duration, longest), rel=1 / 5_000)
    data = io.BytesIO()
    pictures = [Image.new("RGB", (8, 8), colour) for colour in ("red", "lime")]
    pictures[0].save(data, "PNG", save_all=True, append_images=pictures[1:], duration=written)
    assert shown(data.getvalue())[0][1] == pytest.approx(written)


def test_frames_that_look_alike_in_a_gif_are_one() -> None:
    """Shades that the palette does not have apart add their times up, within 16 bits."""

    def faint() -> Iterator[frame_sequence.Frame]:
        for alpha in (255, 250, 40):
            yield frame_sequence.Frame(Image.new("RGBA", (8, 8), (200, 30, 30, alpha)), 400_000)

    data = encode.moving(faint(), Format.GIF, 50, EngineSettings(), count=3, alpha=True, plays=1)
    assert [(colour[3], duration) for colour, duration in shown(data)] == [
        (255, 655_350),
        (0, 400_000),
    ]


@pytest.mark.parametrize("ground", ["black", "white", "#ff00ff"])
def test_a_spot_that_blinks_leaves_nothing(tmp_path: pathlib.Path, ground: str) -> None:
    """A frame that shows nothing at all is a frame like any other."""

    def blinking() -> Iterator[frame_sequence.Frame]:
        for step in range(4):
            picture = Image.new("RGBA", (8, 8))
            if step % 2 == 0:
                picture.paste(ground, (2, 2, 5, 5))
            yield frame_sequence.Frame(picture, 50)

    data = encode.moving(blinking(), Format.GIF, 50, EngineSettings(), count=4, alpha=True, plays=1)
    assert [colour[3] for colour, _ in shown(data)] == [255, 0, 255, 0]
    path = tmp_path / "a.gif"
    path.write_bytes(data)
    with decode.open_picture(path, samples.SETTINGS, 100) as image:
        assert decode.frame_count(image, 9) == 4
