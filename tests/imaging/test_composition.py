"""GIF and APNG are composed as their specifications say, pixel by pixel."""

import itertools
import pathlib
import random

import pytest
from PIL import Image

from liveresize.core.formats import Format
from liveresize.core.jobs import IntakeJob
from liveresize.imaging import animation, decode, frame_sequence, ingest, modes

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


@pytest.mark.parametrize("kind", ["gif", "png"])
def test_what_is_cropped_at_upload_plays_as_before(tmp_path: pathlib.Path, kind: str) -> None:
    """The frames that are stored show the same part of the same pictures, for as long."""
    source, target = tmp_path / "upload", tmp_path / "stored"
    for seed in range(40):
        chance = random.Random(seed)
        film = films.random_gif(chance) if kind == "gif" else films.random_png(chance)
        source.write_bytes(film.file())
        width, height = film.size
        box = (0, 0, width, height - 1)
        if height == 1 or (kind == "png" and film.depth == 16):
            continue
        ingest.ingest(IntakeJob(source=str(source), target=str(target), crop=box), samples.SETTINGS)
        expected = [screen[: width * (height - 1)] for screen in film.shown()]
        check(distinct(shown(target)), distinct(expected), 3 if kind == "png" else 8)


def distinct(screens: list[films.Screen]) -> list[films.Screen]:
    """The frames without those that repeat the one before, colours of nothing left out."""
    seen = [[pixel if pixel[3] else films.NOTHING for pixel in screen] for screen in screens]
    return [screen for screen, _ in itertools.groupby(seen)]


FIELD = samples.CORPUS / "field"

BLUE, RED, CLEAR = (20, 60, 230, 255), (220, 30, 30, 255), (0, 0, 0, 0)

PIXELS = [
    ("apng-soft-edges.png", 1, (20, 29), (30, 60, 221, 127)),
    ("apng-soft-edges.png", 1, (10, 20), (28, 61, 219, 63)),
    ("apng-hidden-fallback.png", 0, (1, 1), CLEAR),
    ("apng-hidden-fallback.png", 1, (1, 1), CLEAR),
    ("apng-over-half-on-opaque.png", 1, (32, 32), (128, 127, 0, 255)),
    ("apng-grey-key-over.png", 1, (1, 1), (200, 200, 200, 255)),
    ("gif-disposal-2-then-0.gif", 1, (5, 5), RED),
    ("gif-disposal-2-then-0.gif", 2, (5, 5), RED),
    ("gif-disposal-2-then-0.gif", 3, (5, 5), RED),
    ("gif-small-only-frame.gif", 0, (1, 1), CLEAR),
    ("gif-previous-first.gif", 0, (1, 1), BLUE),
    ("gif-previous-first.gif", 1, (1, 1), CLEAR),
]
"""Files of real reports (see EXPECT.tsv there): frame, place, and what it shows."""


@pytest.mark.skipif(not FIELD.is_dir(), reason="without the corpus")
@pytest.mark.parametrize(("name", "number", "place", "right"), PIXELS)
def test_files_of_real_reports_show_what_they_should(
    name: str, number: int, place: tuple[int, int], right: films.Pixel
) -> None:
    """Each of them was composed wrongly once."""
    with decode.open_picture(FIELD / name, samples.SETTINGS, MOST) as image:
        width = image.width
    screen = shown(FIELD / name)[number]
    seen = screen[place[1] * width + place[0]]
    assert seen[3] == right[3]
    assert right[3] == 0 or samples.near(seen[:3], right[:3], 2)


LENGTHS = [
    ("gif-loop-65535.gif", [100, 100, 100], ()),
    ("apng-plays-100000.png", [100, 100, 100], ()),
    ("gif-two-same-frames-400s.gif", [800_000, 100], ()),
    ("apng-frame-20000s.png", [20_000_000, 100, 100], ()),
    ("gif-late-frame-short.gif", [80] * 20, ("animation_truncated",)),
]


@pytest.mark.skipif(not FIELD.is_dir(), reason="without the corpus")
@pytest.mark.parametrize(("name", "lengths", "notes"), LENGTHS)
@pytest.mark.parametrize("output", [Format.GIF, Format.WEBP, Format.AVIF])
def test_files_of_real_reports_play_in_every_format(
    tmp_path: pathlib.Path, name: str, lengths: list[int], notes: tuple[str, ...], output: Format
) -> None:
    """Times and runs are those of the file, as far as the format can store them."""
    target = tmp_path / "stored"
    ingest.ingest(IntakeJob(source=str(FIELD / name), target=str(target)), samples.SETTINGS)
    result, picture = samples.rendered(target, format=output)
    assert result.notes == notes
    found = []
    for index in range(picture.n_frames):
        picture.seek(index)
        picture.load()
        found.append(picture.info["duration"])
    assert found == [min(each, frame_sequence.LONGEST[output]) for each in lengths]


def test_a_still_of_a_film_of_one_frame_shows_that_frame(tmp_path: pathlib.Path) -> None:
    """A default image that is no part of the film is not sent, in no format."""
    size = 40, 40
    chance = random.Random(7)
    rows = [[(*chance.randbytes(3), 255) for _ in range(size[0])] for _ in range(2)]
    frame = films.PngFrame((0, 0, *size), (rows[0] + rows[1]) * 20)
    film = films.Png(size, [frame], hidden=[(255, 0, 0, 255)] * 1600)
    path = tmp_path / "film.png"
    path.write_bytes(film.file())
    result, picture = samples.rendered(path, format=Format.PNG)
    # The re-encoded file is larger.
    assert len(result.data) > path.stat().st_size
    assert b"acTL" not in result.data
    check([pixels(picture)], film.shown(), 0)


def test_the_damaged_end_of_a_film_is_not_sent(tmp_path: pathlib.Path) -> None:
    """At its own size and in its own format, too, a film is written again up to there."""
    palette = [(level, 255 - level, 90) for level in range(256)]
    first = films.GifFrame((0, 0, 16, 16), list(range(256)))
    patches = [films.GifFrame((3 * at, 3, 2, 2), [7, 99, 180, 9]) for at in range(4)]
    broken = films.GifFrame(patches[-1].box, [7])
    film = films.Gif((16, 16), [first, *patches], palette)
    path = tmp_path / "film.gif"
    path.write_bytes(film.file().replace(film.image(patches[-1]), film.image(broken)))
    result, _ = samples.rendered(path, format=Format.GIF)
    # The palettes of its frames make the new file the larger one.
    assert len(result.data) > path.stat().st_size
    assert result.notes == ("animation_truncated",)
    path.write_bytes(result.data)
    check(shown(path), film.shown()[:4], 2)


def test_a_frame_of_no_size_is_shown_and_not_sent(tmp_path: pathlib.Path) -> None:
    """It lasts as long as it says and changes nothing; Pillow cannot read it, browsers can."""
    palette = [(level, 255 - level, 90) for level in range(256)]
    first = films.GifFrame((0, 0, 16, 16), list(range(256)))
    last = films.GifFrame((3, 3, 2, 2), [7, 99, 180, 9])
    film = films.Gif((16, 16), [first, films.GifFrame((5, 5, 0, 0), []), last], palette)
    path = tmp_path / "film.gif"
    path.write_bytes(film.file())
    check(shown(path), film.shown(), 0)
    result, picture = samples.rendered(path, format=Format.GIF)
    assert len(result.data) > path.stat().st_size
    assert (picture.n_frames, picture.info["duration"]) == (2, 200)
