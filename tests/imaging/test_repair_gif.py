"""GIFs that are damaged beside their pixels: taken, and stored without the damage."""

import pathlib

import pytest
from PIL import Image

from liveresize import errors
from liveresize.core.formats import Format

from . import samples, strict, uploads
from .test_ingest import KEEP, SETTINGS, Desk

FIELD = uploads.CORPUS / "field"

needs_corpus = pytest.mark.skipif(
    not FIELD.is_dir(), reason="the corpus of test pictures is not here (LIVERESIZE_CORPUS)"
)

FRAMES = [uploads.photo((61, 43)).rotate(angle).convert("P") for angle in (0, 90, 180)]
WHOLE = uploads.saved(FRAMES[0], "GIF", save_all=True, append_images=FRAMES[1:], duration=70)
CONTROL = b"\x21\xf9\x04"
THIRD = WHOLE.rindex(CONTROL)
IMAGE = THIRD + 8
COMMENT = uploads.extension(0xFE, b"hello")


@pytest.fixture
def desk(tmp_path: pathlib.Path) -> Desk:
    """An empty desk."""
    return Desk(tmp_path)


ENDS: dict[str, tuple[bytes, int]] = {
    "no trailer": (WHOLE[:-1], 3),
    "two stray bytes before it": (WHOLE[:-1] + b"\x99\x98;", 3),
    "zeros in its place": (WHOLE[:-1] + bytes(5), 3),
    "an introducer in its place": (WHOLE[:-1] + b"!", 3),
    "half of a comment in its place": (WHOLE[:-1] + COMMENT[:5], 3),
    "a comment in its place": (WHOLE[:-1] + COMMENT, 3),
    "a control and a stray byte": (WHOLE[:-1] + WHOLE[THIRD:IMAGE] + b"\x99;", 3),
    "no end of the last chain": (WHOLE[:-2], 3),
    "a stray byte before the third frame": (WHOLE[:THIRD] + b"\x99" + WHOLE[THIRD:], 2),
    "a stray byte behind the third control": (WHOLE[:IMAGE] + b"\x99" + WHOLE[IMAGE:], 2),
    "a third control of three bytes": (
        WHOLE[:THIRD] + uploads.extension(0xF9, b"abc") + WHOLE[IMAGE:],
        2,
    ),
    "a third control of two blocks": (WHOLE[: IMAGE - 1] + b"\1a\0" + WHOLE[IMAGE:-1], 3),
}


@pytest.mark.parametrize("flaw", ENDS)
def test_a_film_ends_where_its_blocks_do(desk: Desk, flaw: str) -> None:
    """All frames before the first byte that starts no block are there, as in browsers."""
    data, frames = ENDS[flaw]
    whole = uploads.looks(WHOLE)
    for options in (SETTINGS, KEEP):
        assert desk.take(data, options).frames == frames
        strict.gif(desk.stored)
        assert uploads.looks(desk.stored).frames == whole.frames[:frames]
        desk.target.unlink()
    assert desk.take(data, crop=(3, 4, 20, 30)).frames == frames
    desk.target.unlink()
    assert [path.name for path in desk.source.parent.iterdir()] == ["upload"]


@pytest.mark.parametrize("cut", [40, 300, len(WHOLE) - IMAGE - 20, len(WHOLE) - IMAGE - 5])
def test_a_film_that_was_cut_off_in_a_frame_is_refused(desk: Desk, cut: int) -> None:
    """Its last frame lacks pixels."""
    desk.refuse(errors.UnreadableImage, WHOLE[:-cut])
    with pytest.raises(errors.UnreadableImage, match="a damaged GIF "):
        desk.take(WHOLE[:-cut])


@pytest.mark.parametrize("end", [IMAGE, IMAGE - 1, IMAGE - 5])
def test_a_film_that_was_cut_off_before_a_frame_is_refused(desk: Desk, end: int) -> None:
    """A control says that a frame comes."""
    desk.refuse(errors.UnreadableImage, WHOLE[:end])


def test_a_picture_is_needed(desk: Desk) -> None:
    """Damage before the first frame leaves nothing to show."""
    start = WHOLE.index(CONTROL)
    desk.refuse(errors.UnreadableImage, WHOLE[:start] + b"\x99" + WHOLE[start:])
    desk.refuse(errors.UnreadableImage, WHOLE[:start])
    desk.refuse(errors.UnreadableImage, WHOLE[:100])


def test_comments_stay_where_metadata_is_kept(desk: Desk) -> None:
    """Only what is damaged is dropped."""
    start = WHOLE.index(CONTROL)
    data = WHOLE[:start] + COMMENT + WHOLE[start:-1]
    desk.take(data, KEEP)
    assert desk.stored == data + b";"


def test_the_limit_of_pixels_comes_before_decoding(desk: Desk) -> None:
    """A last frame without an end that claims to be large is not decoded."""
    data = WHOLE[:IMAGE] + b",\0\0\0\0" + b"\xff\xff\xff\xff" + WHOLE[IMAGE + 9 : -2]
    desk.refuse(errors.UploadTooLarge, data)


@needs_corpus
@pytest.mark.parametrize("name", ["gif-no-trailer.gif", "gif-unknown-block.gif"])
def test_files_of_the_field(desk: Desk, name: str) -> None:
    """Files of real bug reports are taken with all frames, and every format can be made of them."""
    data = (FIELD / name).read_bytes()
    for options in (SETTINGS, KEEP):
        desk.take(data, options)
        strict.gif(desk.stored)
        assert len(uploads.looks(desk.stored).frames) == len(uploads.looks(data).frames)
        for output in (Format.WEBP, Format.JPEG, Format.PNG, Format.AVIF, Format.GIF):
            _, picture = samples.rendered(desk.target, width=40, format=output)
            assert isinstance(picture, Image.Image)
            assert picture.width == 40
