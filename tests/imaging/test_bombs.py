"""Files that ask for much more work than their pixels do are refused before it is done."""

import pathlib
from collections.abc import Callable

import pytest

from liveresize import errors
from liveresize.core.formats import Format
from liveresize.core.jobs import Facts, IntakeJob, ProbeJob, RenderJob
from liveresize.core.rendition import Rendition
from liveresize.imaging import decode, gif, perform, structure
from liveresize.imaging.settings import EngineSettings
from liveresize.imaging.structure import av1, tally
from scripts.sieging import _bombs as bombs

from . import films, samples, uploads

SIDE = (400, 300)
MANY = tally.PARTS + 20_000
"""More parts than files of some hundred kilobytes may have."""

REFUSED: dict[str, Callable[[], bytes]] = {
    "jpeg scans": lambda: bombs.jpeg_scans(101, SIDE),
    "jpeg scans of baseline": lambda: bombs.jpeg_baseline(102, SIDE),
    "jpeg scans behind damage": lambda: bombs.jpeg_scans(101, SIDE).replace(
        b"\xff\xda", b"\xff\xfe\x00\x00\xff\xda", 1
    ),
    "jpeg exif": lambda: bombs.jpeg_exif(101),
    "jpeg fill": lambda: bombs.jpeg_with(b"\xff" * MANY),
    "jpeg comments": lambda: bombs.jpeg_with(bombs.segment(0xFE, b"") * MANY),
    "png profiles": lambda: bombs.png_profiles(101),
    "png texts": lambda: bombs.png_texts(101),
    "png xmp": lambda: bombs.png_with(bombs.chunk(b"iTXt", b"k\0\1\0\0\0") * 101),
    "png pieces": lambda: bombs.png_pieces(MANY),
    "gif comments": lambda: bombs.gif_comments(101),
    "gif fill": lambda: bombs.gif_filled(MANY),
    "gif sub-blocks": lambda: bombs.gif_blocks(MANY),
    "webp chunks": lambda: bombs.webp_chunks(MANY),
    "avif items": lambda: bombs.avif_items(1_001),
    "heif as avif": lambda: bombs.avif_items(1_001).replace(b"ftypavif", b"ftypmif1", 1),
    "avif hidden frames": lambda: bombs.avif_hidden(20, (160, 120)),
    "avif hidden frames in motion": lambda: bombs.avif_hidden_in_motion(20, (160, 120)),
}

OTHERS = {
    "jpeg": lambda: bombs.jpeg_scans(85, SIDE),
    "jpeg exif": lambda: bombs.jpeg_exif(100),
    "png": lambda: bombs.png_profiles(100),
    "png texts": lambda: bombs.png_with(bombs.chunk(b"iTXt", b"k\0\0\0\0\0text") * 500),
    "gif": lambda: bombs.gif_comments(100),
    "webp": lambda: bombs.webp_chunks(10_000),
    "avif": lambda: bombs.avif_items(200),
    "avif hidden": lambda: bombs.avif_hidden(av1.SLOTS, (160, 120)),
    "avif in motion": lambda: bombs.sequence((160, 120)),
}
"""What is odd, and no more than that."""


@pytest.fixture
def path(tmp_path: pathlib.Path) -> pathlib.Path:
    """Where the file of a test lies."""
    return tmp_path / "picture"


def taken(path: pathlib.Path, settings: EngineSettings = samples.SETTINGS) -> Facts:
    """The file at `path` taken in as an upload."""
    facts = perform(IntakeJob(source=str(path), target=f"{path}.stored"), settings)
    assert isinstance(facts, Facts)
    return facts


def rendered(path: pathlib.Path) -> RenderJob:
    """A small rendition of the file."""
    return RenderJob(path=str(path), rendition=Rendition(width=20, format=Format.JPEG))


@pytest.mark.parametrize("kind", REFUSED)
def test_no_job_decodes_a_bomb(
    path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """Uploads, files of others and stored originals: nothing opens them, and the error says why."""
    path.write_bytes(REFUSED[kind]())
    monkeypatch.setattr(decode, "_opened", None)
    jobs = (IntakeJob(source=str(path), target=f"{path}.stored"), ProbeJob(path=str(path)))
    for job in (*jobs, rendered(path)):
        with pytest.raises(errors.WorkExceeded) as raised:
            perform(job, samples.SETTINGS)
        assert raised.value.public.startswith(f"This {kind.split()[0].upper()} ")
        assert raised.value.public.endswith("Save it again with an ordinary encoder.")
    assert list(path.parent.iterdir()) == [path]


def test_scans_are_counted_whatever_becomes_of_metadata(path: pathlib.Path) -> None:
    """An upload that is kept as it comes is looked at like one that is cleaned."""
    path.write_bytes(bombs.jpeg_scans(101, SIDE))
    for metadata in ("clean", "keep"):
        with pytest.raises(errors.WorkExceeded, match="has more than 100 scans"):
            taken(path, EngineSettings(metadata=metadata))


@pytest.mark.parametrize("kind", OTHERS)
def test_what_is_odd_is_taken_and_rendered(path: pathlib.Path, kind: str) -> None:
    """Files just below a bound: the bound is where it says, and they are answered."""
    path.write_bytes(OTHERS[kind]())
    taken(path)
    perform(rendered(pathlib.Path(f"{path}.stored")), samples.SETTINGS)


@pytest.mark.parametrize("size", [(640, 400), (400, 640)])
def test_the_work_of_all_scans_is_bounded_by_the_largest_picture(
    path: pathlib.Path, size: tuple[int, int]
) -> None:
    """A few scans of a large picture take as long as many of a small one; both have one bound."""
    path.write_bytes(bombs.jpeg_arithmetic(90, size))
    pixels = size[0] * size[1]
    # Three passes for the first scan, one for each of the other 93.
    enough = -(-96 * pixels // tally.WORK)
    assert taken(path, samples.tuned(max_input_pixels=enough)).format == "jpeg"
    with pytest.raises(errors.WorkExceeded, match="goes over its pixels too often"):
        taken(path, samples.tuned(max_input_pixels=enough - 1))


@pytest.mark.parametrize("way", [{}, {"progressive": True}, {"restart_marker_blocks": 1}])
@pytest.mark.parametrize("subsampling", [0, 2])
@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_ordinary_jpegs_of_the_largest_size_are_within_bounds(
    path: pathlib.Path, way: dict[str, object], subsampling: int, mode: str
) -> None:
    """Whatever an encoder writes of a picture as large as is taken."""
    picture = samples.scene((320, 200)).convert(mode)
    path.write_bytes(uploads.saved(picture, "JPEG", subsampling=subsampling, **way))
    assert taken(path, samples.tuned(max_input_pixels=320 * 200)).format == "jpeg"


def test_a_picture_that_is_too_large_is_called_so(path: pathlib.Path) -> None:
    """Size is looked at before work: the answer is 413 as ever."""
    path.write_bytes(bombs.jpeg_arithmetic(90, (640, 400)))
    with pytest.raises(errors.UploadTooLarge):
        taken(path, samples.tuned(max_input_pixels=640 * 400 - 1))


def test_second_pictures_and_thumbnails_are_no_scans(path: pathlib.Path) -> None:
    """Bytes that look like a scan, inside a segment or after the image, are not counted."""
    base = uploads.saved(uploads.photo(), "JPEG", progressive=True)
    inside = uploads.segment(0xE5, b"\xff\xda" * 500)
    path.write_bytes(base[:2] + inside + base[2:] + b"\xff\xda" * 500)
    assert taken(path).format == "jpeg"


def test_frames_outside_of_a_gif_cost_nothing(path: pathlib.Path) -> None:
    """They change nothing on the canvas, which stays as large as it was."""
    path.write_bytes(bombs.gif_outside(100, 5_000))
    assert taken(path).frames == 100
    moving, shown = samples.rendered(path, width=20, format=Format.WEBP)
    assert (moving.notes, shown.size) == ((), (20, 20))


def test_frames_larger_than_their_gif_count_as_they_are(path: pathlib.Path) -> None:
    """A small canvas does not make an animation of huge frames affordable."""
    large = films.GifFrame((0, 0, 200, 100), [1] * 20_000)
    first = films.GifFrame((0, 0, 4, 4), [0] * 16)
    film = films.Gif((4, 4), [first] + [large] * 3, [(0, 0, 0), (9, 9, 9)])
    path.write_bytes(film.file())
    job = RenderJob(path=str(path), rendition=Rendition(width=2, format=Format.WEBP))
    for limit, notes in ((80_000, ()), (79_999, ("animation_truncated",))):
        assert perform(job, samples.tuned(max_animation_pixels=limit)).notes == notes


def test_checked_frames_are_those_that_may_be_shown(
    path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of an animation that stands still no further frame is decoded at its intake."""
    path.write_bytes(bombs.gif_outside(100, 9_000))
    sought: list[int] = []
    monkeypatch.setattr(gif.GIF, "seek", lambda image, index: sought.append(index))
    taken(path, samples.tuned(max_frames=99))
    assert sought == []
    taken(path)
    assert sought == list(range(100))


def test_frames_of_an_avif_are_as_large_as_their_stream_says(path: pathlib.Path) -> None:
    """A container that says a smaller size does not make an animation of huge frames affordable."""
    path.write_bytes(bombs.avif_larger((320, 240), (64, 64), frames=10))
    with decode.open_picture(path, samples.SETTINGS, 10_000_000) as image:
        assert image.size == (64, 64)
        assert decode.frame_pixels(image) >= 320 * 240 // 2
    limit = 10 * 320 * 240 // 4
    settings = samples.tuned(max_animation_pixels=limit)
    job = RenderJob(path=str(path), rendition=Rendition(width=20, format=Format.WEBP))
    assert perform(job, settings).notes == ("animation_truncated",)


def test_an_honest_avif_has_the_frames_that_it_says(path: pathlib.Path) -> None:
    """Hidden frames of an encoder, at their usual number, do not make its frames any larger."""
    path.write_bytes(bombs.sequence((160, 120)))
    with decode.open_picture(path, samples.SETTINGS, 10_000_000) as image:
        assert decode.frame_pixels(image) == 160 * 120


@pytest.mark.parametrize("kind", ["jpeg", "png", "gif", "webp", "avif"])
@pytest.mark.parametrize("keep", [0, 5, 12, 20, 100, 300])
def test_files_cut_off_anywhere_are_left_to_their_decoder(
    path: pathlib.Path, kind: str, keep: int
) -> None:
    """Counting neither refuses them nor stumbles."""
    whole = uploads.saved(uploads.photo(), kind.upper(), progressive=True)
    path.write_bytes(whole[:keep])
    counted = structure.counted(path, (kind,), 10)
    assert counted.work <= tally.WORK * 61 * 43


def test_formats_that_are_not_accepted_are_not_looked_at(path: pathlib.Path) -> None:
    """The answer is about the format, as for every other file of it."""
    path.write_bytes(bombs.jpeg_scans(101, SIDE))
    with pytest.raises(errors.UnsupportedImage):
        taken(path, samples.tuned(formats=("png",)))


def unit(kind: int, fields: list[tuple[int, int]]) -> bytes:
    """An OBU of these fields, each as (value, bits)."""
    bits = "".join(f"{value:0{width}b}" for value, width in fields)
    bits += "0" * (-len(bits) % 8)
    payload = int(bits, 2).to_bytes(len(bits) // 8, "big")
    return bytes((kind << 3 | 2, len(payload))) + payload


PLAIN = [(0, 3), (0, 1), (0, 1), (0, 1), (0, 1), (0, 5), (0, 12), (4, 5)]
TIMED = [
    *((0, 3), (0, 1), (0, 1)),
    # Timing, of frames that are all as long, which is a number of its own kind.
    *((1, 1), (1, 32), (30, 32), (1, 1), (0b00101, 5)),
    # A model of the decoder, whose delays have ten bits.
    *((1, 1), (9, 5), (1, 32), (9, 5), (9, 5)),
    # Two operating points, the first with all that one can have.
    *((1, 1), (1, 5), (0, 12), (9, 5), (1, 1), (1, 1), (7, 10), (7, 10), (0, 1), (1, 1), (3, 4)),
    *((0, 12), (4, 5), (0, 1), (0, 1)),
]
REDUCED = [(0, 3), (1, 1), (1, 1), (4, 5)]


@pytest.mark.parametrize("before", [PLAIN, TIMED, REDUCED])
def test_the_size_of_frames_is_found_behind_whatever_may_precede_it(
    before: list[tuple[int, int]],
) -> None:
    """Sequence headers of AV1, with timing and operating points and without."""
    header = unit(av1.SEQUENCE_HEADER, [*before, (15, 4), (11, 4), (40_000, 16), (2_999, 12)])
    frames = unit(av1.FRAME, [(0b00010000, 8)]) + unit(av1.FRAME_HEADER, [(0b00110000, 8)])
    again = unit(av1.FRAME_HEADER, [(0b10000000, 8)])
    counted = av1.Stream().coded(memoryview(header + frames + again), tally.Tally("avif", 0, 1))
    assert counted == 2 * 40_001 * 3_000
