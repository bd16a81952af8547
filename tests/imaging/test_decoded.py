"""Decoded pixels that are kept: the same bytes come out, in bounds, and for some seconds."""

import pathlib
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import tiers
from PIL import Image

from liveresize import errors
from liveresize.core.formats import Format
from liveresize.core.jobs import IntakeJob, ProbeJob, RenderJob
from liveresize.core.rect import Rect
from liveresize.core.values import SMART, Backdrop, Fit
from liveresize.imaging import decode, decoded, memory, perform, render

from .samples import SETTINGS, rendition, scene

NOTHING = replace(SETTINGS, decoded_bytes=0)

SIZE = (640, 480)
PIXELS = 4 * 640 * 480


class Clock:
    """Seconds that go on when a test says so."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(autouse=True)
def kept(monkeypatch: pytest.MonkeyPatch) -> Iterator[decoded.DecodedPixels]:
    """Nothing is kept at first, without any bound of memory."""
    pixels = decoded.DecodedPixels()
    monkeypatch.setattr(decoded, "kept", lambda: pixels)
    yield pixels
    pixels.clear()


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """The size of each picture that is decoded."""
    sizes: list[tuple[int, int]] = []
    loaded = decode.loaded

    def counted(image: Image.Image) -> Image.Image:
        sizes.append(image.size)
        return loaded(image)

    monkeypatch.setattr(decode, "loaded", counted)
    return sizes


def saved(folder: pathlib.Path, name: str, mode: str = "RGB", **options: Any) -> pathlib.Path:
    """A scene in a file of that name and mode."""
    path = folder / name
    picture = scene(SIZE)
    if mode == "RGBA":
        picture.putalpha(Image.linear_gradient("L").resize(SIZE))
    elif mode != "RGB":
        picture = picture.convert(mode)
    picture.save(path, **options)
    return path


FILES: dict[str, tuple[str, dict[str, Any]]] = {
    "photo.jpg": ("RGB", {"quality": 85}),
    "cmyk.jpg": ("CMYK", {}),
    "grey.jpg": ("L", {"progressive": True}),
    "photo.png": ("RGB", {}),
    "clear.png": ("RGBA", {}),
    "few.png": ("P", {}),
    "few.gif": ("P", {}),
    "photo.webp": ("RGB", {"quality": 80}),
    "clear.webp": ("RGBA", {"lossless": True}),
    "photo.avif": ("RGB", {"speed": 10}),
}

RENDITIONS = [
    rendition(width=200),
    rendition(width=200, format=Format.WEBP),
    rendition(width=500, height=300, fit=Fit.COVER, format=Format.JPEG),
    rendition(width=200, height=200, fit=Fit.CROP, gravity=SMART, format=Format.JPEG),
    rendition(width=300, height=300, fit=Fit.CANVAS, background=(255, 0, 0, 128)),
    rendition(width=300, height=300, fit=Fit.CANVAS, background=Backdrop.BLUR, radius=20),
    rendition(width=300, pad=(9, 0, 9, 30), background=(0, 0, 0, 255), radius=20),
    rendition(width=300, rotate=90, flip="h", format=Format.JPEG),
    rendition(width=300, blur=20, format=Format.JPEG),
    rendition(width=300, sharpen=10, grey=True, format=Format.JPEG),
    rendition(format=Format.PNG),
    rendition(format=Format.JPEG, blur=30),
]

PARTS = [
    rendition(width=120, rect=Rect.read("0.1,0.2,0.5,0.5"), format=Format.JPEG),
    rendition(width=120, trim=40, format=Format.JPEG),
    rendition(trim=0, rect=Rect.read("9,9,200,200")),
]
"""Those that are trimmed are not kept once they are finished: their size depends on pixels."""


@pytest.mark.parametrize("name", tiers.rows(FILES, "photo.jpg", "clear.png", "few.gif"))
def test_the_same_bytes_come_out_and_kept_pixels_stay_as_they_are(
    name: str, tmp_path: pathlib.Path, kept: decoded.DecodedPixels
) -> None:
    """Cold, warm, after everything was dropped, and without keeping: for every operation."""
    mode, options = FILES[name]
    path = saved(tmp_path, name, mode, **options)
    for each in RENDITIONS + PARTS:
        kept.clear()
        cold = render.render(path, each, SETTINGS)
        ((key, entry),) = kept._entries.items()
        before = entry.pixels.tobytes()
        warm = render.render(path, each, SETTINGS)
        assert list(kept._entries) == [key]
        assert entry.pixels.tobytes() == before
        kept.clear()
        assert cold.data == warm.data == render.render(path, each, NOTHING).data
        assert kept.bytes == 0


FORMATS = [(Format.JPEG, Format.WEBP), (Format.WEBP, Format.AVIF), (Format.PNG, Format.JPEG)]
QUICK = replace(SETTINGS, effort="fast")


@pytest.mark.parametrize("name", tiers.rows(FILES, "photo.jpg", "clear.png", "few.gif"))
def test_what_was_finished_for_one_format_serves_another_one(
    name: str, tmp_path: pathlib.Path, kept: decoded.DecodedPixels
) -> None:
    """With the same bytes and remarks, for every operation, and once.

    Every operation and every file meets each pair of formats.
    """
    mode, options = FILES[name]
    path = saved(tmp_path, name, mode, **options)
    for number, each in enumerate(RENDITIONS, list(FILES).index(name)):
        first, second = FORMATS[number % len(FORMATS)]
        kept.clear()
        quick, wanted = (replace(each, format=one).canonical() for one in (first, second))
        expected = [render.render(path, one, QUICK) for one in (quick, wanted)]
        made = [render.render(path, quick, QUICK, again=True)]
        ((key, entry),) = kept._finished.items()
        before = entry.pixels.tobytes()
        made.append(render.render(path, wanted, QUICK))
        assert [(one.data, one.notes) for one in made] == [
            (one.data, one.notes) for one in expected
        ]
        assert entry.pixels.tobytes() == before
        if first.has_alpha == second.has_alpha:
            assert kept.take(key) is None


def test_a_picture_is_finished_once_for_two_formats(
    tmp_path: pathlib.Path,
    kept: decoded.DecodedPixels,
    loads: list[tuple[int, int]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its remarks stay with it, and the format that was waited for leaves nothing behind."""
    path, sized = saved(tmp_path, "photo.jpg"), render.pipeline.sized
    calls: list[str] = []

    def counted(*args: Any) -> Any:
        calls.append("sized")
        return sized(*args)[0], ("icc_profile_ignored",)

    monkeypatch.setattr(render.pipeline, "sized", counted)
    wide = rendition(width=600, format=Format.JPEG)
    slow = replace(wide, format=Format.AVIF).canonical()
    perform(RenderJob(path=str(path), rendition=wide, then=slow), SETTINGS)
    left = kept.bytes
    made = render.render(path, slow, SETTINGS)
    assert made.notes == ("icc_profile_ignored",)
    assert (calls, loads) == (["sized"], [SIZE])
    assert kept.bytes == left - 4 * 600 * 450
    render.render(path, wide, SETTINGS)
    assert len(calls) == 2


def test_finished_pictures_have_most_of_the_room_and_go_before_decoded_ones(
    tmp_path: pathlib.Path,
) -> None:
    """None makes room for another one; one that nobody has come for goes after a while."""
    clock, path = Clock(), str(saved(tmp_path, "photo.png"))
    kept = decoded.DecodedPixels(idle=5.0, monotonic=clock)
    small, limit = Image.new("RGB", (10, 10)), 1600
    kept.keep(("decoded",), path, Image.new("RGB", (10, 30)), limit)
    assert kept.bytes == 1200
    for number in range(4):
        kept.finish(("finished", number), path, small, (), limit)
    assert (kept.get(("decoded",)), kept.bytes) == (None, 1200)
    assert kept.take(("finished", 3)) is None
    larger = Image.new("RGB", (10, 30))
    assert kept.keep(("decoded",), path, larger, limit) is larger
    assert kept.bytes == 1200
    clock.now += 4
    assert kept.take(("finished", 1)) is not None
    kept.finish(("finished", 4), path, small, (), limit)
    clock.now += 4
    assert kept.keep(("decoded",), path, larger, limit) is not larger
    assert kept.take(("finished", 0)) is None
    assert kept.take(("finished", 4)) is not None
    assert kept.clear()
    assert kept.bytes == 0


def test_one_decode_serves_all_that_ask_for_the_same(
    tmp_path: pathlib.Path, loads: list[tuple[int, int]]
) -> None:
    """Formats and sizes that want the same decoded pixels share them; a JPEG is decoded once
    for each of its scales."""
    path = saved(tmp_path, "photo.png")
    for width in (100, 200, 300):
        for output in (Format.JPEG, Format.WEBP):
            render.render(path, rendition(width=width, format=output), SETTINGS)
    assert loads == [SIZE]
    loads.clear()
    photo = saved(tmp_path, "photo.jpg")
    for width in (200, 210, 500, 510):
        render.render(photo, rendition(width=width), SETTINGS)
    assert loads == [(320, 240), SIZE]


def test_another_file_under_the_same_path_is_another_picture(tmp_path: pathlib.Path) -> None:
    """What is kept belongs to a file, not to its name."""
    path = saved(tmp_path, "photo.png")
    before = render.render(path, rendition(width=100), SETTINGS)
    fresh = tmp_path / "fresh.png"
    Image.new("RGB", SIZE, (200, 30, 30)).save(fresh)
    fresh.rename(path)
    after = render.render(path, rendition(width=100), SETTINGS)
    assert before.data != after.data
    assert after.data == render.render(path, rendition(width=100), NOTHING).data


def test_a_deleted_original_is_missing_and_its_pixels_go(
    tmp_path: pathlib.Path, kept: decoded.DecodedPixels
) -> None:
    """The file is opened for each job; the next that keeps something drops what is gone."""
    path, other = saved(tmp_path, "photo.png"), saved(tmp_path, "other.png")
    render.render(path, rendition(width=100), SETTINGS, again=True)
    path.unlink()
    with pytest.raises(errors.OriginalMissing):
        render.render(path, rendition(width=100), SETTINGS)
    render.render(other, rendition(width=100), SETTINGS)
    assert [entry.path for entry in kept._entries.values()] == [str(other)]
    assert not kept._finished
    other.unlink()
    assert kept.tidy() is None
    assert kept.bytes == 0


def test_the_least_recently_used_make_room(
    tmp_path: pathlib.Path, kept: decoded.DecodedPixels, loads: list[tuple[int, int]]
) -> None:
    """Two fit; the third takes the place of the one that was used longest ago."""
    settings = replace(SETTINGS, decoded_bytes=2 * PIXELS)
    one, two, three = (saved(tmp_path, f"{name}.png") for name in ("one", "two", "three"))
    for path in (one, two, one, three, one):
        render.render(path, rendition(width=100), settings)
    assert len(loads) == 3
    assert [entry.path for entry in kept._entries.values()] == [str(three), str(one)]
    assert kept.bytes == 2 * PIXELS
    render.render(two, rendition(width=100), settings)
    assert len(loads) == 4


def test_what_is_larger_than_all_room_is_not_kept(
    tmp_path: pathlib.Path, kept: decoded.DecodedPixels
) -> None:
    """It is rendered as ever."""
    path = saved(tmp_path, "photo.png")
    settings = replace(SETTINGS, decoded_bytes=PIXELS - 1)
    render.render(path, rendition(width=100), settings)
    assert kept.bytes == 0


def test_idle_pixels_are_dropped(tmp_path: pathlib.Path) -> None:
    """Some seconds after the last use nothing is left; the thread is told when to look."""
    clock, path = Clock(), saved(tmp_path, "photo.png")
    kept = decoded.DecodedPixels(idle=5.0, monotonic=clock)
    assert kept.tidy() is None
    with Image.open(path) as image:
        key = kept.key(str(path), image.size)
        image.load()
        kept.keep(key, str(path), image, PIXELS)
    clock.now += 3
    assert kept.tidy() == 2.0
    assert kept.get(key) is not None
    clock.now += 4
    assert kept.tidy() == 1.0
    clock.now += 1
    assert kept.tidy() is None
    assert (kept.get(key), kept.bytes) == (None, 0)


def test_a_job_that_does_not_fit_beside_has_everything_dropped(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the job is: a render, an upload, a probe. One that fits leaves it alone."""
    small, large = tmp_path / "small.png", saved(tmp_path, "large.png")
    scene((64, 48)).save(small)
    jobs = [
        RenderJob(path=str(large), rendition=rendition(width=10)),
        IntakeJob(source=str(large), target=str(tmp_path / "stored")),
        ProbeJob(path=str(large)),
    ]
    needs: list[int] = []
    monkeypatch.setattr(memory.Need, "check", lambda need: needs.append(need.bytes))
    for job in jobs:
        needs.clear()
        perform(job, NOTHING)
        work = max(needs)
        for room, left in ((work + 4 * 64 * 48, 4 * 64 * 48), (work + 1000, 0)):
            kept = decoded.DecodedPixels(room)
            monkeypatch.setattr(decoded, "kept", lambda kept=kept: kept)
            perform(RenderJob(path=str(small), rendition=rendition(width=10)), SETTINGS)
            assert kept.bytes == 4 * 64 * 48
            perform(job, NOTHING)
            assert kept.bytes == left


def test_an_animation_has_everything_dropped(
    tmp_path: pathlib.Path, kept: decoded.DecodedPixels
) -> None:
    """Its frames take what memory there is."""
    still, film = saved(tmp_path, "photo.png"), tmp_path / "film.gif"
    frames = [Image.new("RGB", (40, 30), (level, 0, 0)) for level in (0, 100, 200)]
    frames[0].save(film, save_all=True, append_images=frames[1:], duration=100)
    render.render(still, rendition(width=100), SETTINGS)
    assert kept.bytes
    render.render(film, rendition(width=20, format=Format.GIF), SETTINGS)
    assert kept.bytes == 0


def test_out_of_memory_is_tried_once_more_without_what_was_kept(
    tmp_path: pathlib.Path, kept: decoded.DecodedPixels, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only where there was something to drop; the second time it is an error."""
    path = saved(tmp_path, "photo.png")
    expected = render.render(path, rendition(width=100), SETTINGS)
    finished, calls = render.pipeline.finished, []

    def starved(*args: Any) -> Any:
        calls.append(kept.bytes)
        if len(calls) in (1, 3, 4):
            raise MemoryError
        return finished(*args)

    monkeypatch.setattr(render.pipeline, "finished", starved)
    assert render.render(path, rendition(width=100), SETTINGS).data == expected.data
    assert len(calls) == 2
    with pytest.raises(errors.MemoryExceeded):
        render.render(path, rendition(width=100), SETTINGS)
    assert len(calls) == 4
    kept.clear()
    calls[:] = [0, 0]
    with pytest.raises(errors.MemoryExceeded):
        render.render(saved(tmp_path, "other.gif", "P"), rendition(width=100), NOTHING)
    assert len(calls) == 3


@pytest.mark.parametrize(
    ("mode", "size"), [("L", 1), ("P", 1), ("1", 1), ("I;16", 2), ("RGB", 4), ("CMYK", 4), ("F", 4)]
)
def test_pixels_are_counted_as_pillow_stores_them(mode: str, size: int) -> None:
    """A byte for one band of eight bits, four for anything with more."""
    assert memory.pixel_bytes(mode) == size


def test_a_worker_drops_what_is_idle(tmp_path: pathlib.Path) -> None:
    """The thread of the process does so by itself, again and again."""
    path = saved(tmp_path, "photo.png")
    kept = decoded.DecodedPixels(idle=0.0)
    waited = []

    class Over(Exception):
        pass

    class Filled:
        def wait(self) -> bool:
            if len(waited) == 2:
                raise Over
            with Image.open(path) as image:
                key = kept.key(str(path), image.size)
                image.load()
                kept.keep(key, str(path), image, PIXELS)
            waited.append(kept.bytes)
            return True

        def clear(self) -> None: ...

        def set(self) -> None: ...

    kept._filled = Filled()  # type: ignore[assignment]
    with pytest.raises(Over):
        kept.watch()
    assert waited == [PIXELS, PIXELS]
    assert kept.bytes == 0
