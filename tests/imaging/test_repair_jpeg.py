"""JPEGs that are damaged beside their pixels: taken, and stored without the damage."""

import pathlib
from typing import Any

import pytest
from PIL import Image

from liveresize import errors
from liveresize.core.formats import Format

from . import samples, strict, uploads
from .test_ingest import KEEP, SETTINGS, Desk, opened

FIELD = uploads.CORPUS / "field"

needs_corpus = pytest.mark.skipif(
    not FIELD.is_dir(), reason="the corpus of test pictures is not here (LIVERESIZE_CORPUS)"
)

WAYS: dict[str, dict[str, Any]] = {
    "baseline": {},
    "progressive": {"progressive": True},
    "restart markers": {"restart_marker_blocks": 2},
    "progressive with restart markers": {"restart_marker_blocks": 3, "progressive": True},
    "full chroma": {"subsampling": 0},
    "tables of its own": {"optimize": True},
}


@pytest.fixture
def desk(tmp_path: pathlib.Path) -> Desk:
    """An empty desk."""
    return Desk(tmp_path)


def taken(desk: Desk, data: bytes, whole: bytes) -> None:
    """Assert that `data` is taken in every way, and shows what `whole` does."""
    for options in (SETTINGS, KEEP):
        facts = desk.take(data, options)
        strict.jpeg(desk.stored)
        assert opened(desk.stored).tobytes() == opened(whole).tobytes()
        assert (facts.format, facts.bytes) == ("jpeg", len(desk.stored))
        desk.target.unlink()
    assert desk.take(data, crop=(3, 4, 20, 30)).width == 20
    strict.jpeg(desk.stored)
    desk.target.unlink()
    assert [path.name for path in desk.source.parent.iterdir()] == ["upload"]


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("way", WAYS)
def test_an_end_is_put_back(desk: Desk, way: str, mode: str) -> None:
    """With nothing, half a marker, fill bytes, or garbage in its place."""
    whole = uploads.saved(uploads.photo((130, 70), mode), "JPEG", **WAYS[way])
    for end in (b"", b"\xff", b"\xff\xff\xff", bytes(9), b"\xff\x00"):
        taken(desk, whole[:-2] + end, whole)


@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize("way", WAYS)
def test_a_part_of_the_last_blocks_is_missing(desk: Desk, way: str, mode: str) -> None:
    """Wherever a file was cut off before its last block, it is refused.

    A byte or two may hold nothing but the padding of the scan.
    """
    whole = uploads.saved(uploads.photo((130, 70), mode), "JPEG", **WAYS[way])
    start = whole.index(b"\xff\xda")
    for cut in (6, 9, 14, 40, 200, (len(whole) - start) // 2, len(whole) - start - 20):
        desk.refuse(errors.UnreadableImage, whole[:-cut])
    with pytest.raises(errors.UnreadableImage, match="a damaged JPEG "):
        desk.take(whole[:-200])


def test_a_missing_restart_interval_is_found(desk: Desk) -> None:
    """A file that was cut off at a restart marker is as complete as its last interval."""
    whole = uploads.saved(uploads.photo((130, 70)), "JPEG", restart_marker_blocks=2)
    for marker in (b"\xff\xd0", b"\xff\xd3", b"\xff\xd5"):
        at = whole.rindex(marker)
        desk.refuse(errors.UnreadableImage, whole[:at])
        desk.refuse(errors.UnreadableImage, whole[: at + 2])


def test_missing_scans_are_found(desk: Desk) -> None:
    """A progressive JPEG that ends between two scans lacks the bits of the later ones."""
    whole = uploads.saved(uploads.photo((130, 70)), "JPEG", progressive=True)
    starts = [at for at in range(len(whole)) if whole[at : at + 2] == b"\xff\xc4"]
    assert len(starts) > 4
    for at in starts[2:]:
        desk.refuse(errors.UnreadableImage, whole[:at])


WHOLE = uploads.saved(uploads.photo((130, 70)), "JPEG")
JFIF = WHOLE[6:20]
ADOBE = b"Adobe\0\x64\0\0\0\0\1"
RESOURCES = b"Photoshop 3.0\x008BIM\4\4\0\0\0\0\0\3abc\x008BIM\4\5\0\0\0\0\0\1a\0"

SEGMENTS: dict[str, bytes] = {
    **{f"{size} bytes of JFIF": uploads.segment(0xE0, JFIF[:size]) for size in range(14)},
    **{f"{size} bytes of Adobe": uploads.segment(0xEE, ADOBE[:size]) for size in range(12)},
    **{
        f"{size} bytes of Photoshop": uploads.segment(0xED, RESOURCES[:size])
        for size in range(len(RESOURCES))
    },
    "a profile without a number": uploads.segment(0xE2, b"ICC_PROFILE\0"),
    "half of a number of a profile": uploads.segment(0xE2, b"ICC_PROFILE\0\1"),
    "an empty EXIF": uploads.segment(0xE1, b"Exif\0\0"),
    "half of a name": uploads.segment(0xE1, b"Exi"),
    "a comment of no bytes": uploads.segment(0xFE, b""),
    "a length of 0": b"\xff\xe5\0\0",
    "a length of 1": b"\xff\xfe\0\1",
}


@pytest.mark.parametrize("flaw", SEGMENTS)
def test_a_short_segment_is_overlooked(desk: Desk, flaw: str) -> None:
    """An application segment may end anywhere: decoders look at those that they can read."""
    taken(desk, WHOLE[:2] + SEGMENTS[flaw] + WHOLE[2:], WHOLE)


def test_colours_are_those_without_the_segment(desk: Desk) -> None:
    """An Adobe segment that ends before its colour transform says nothing about colours."""
    rgb = uploads.saved(uploads.photo((130, 70)), "JPEG", keep_rgb=True)
    assert ADOBE[:5] in rgb
    at = rgb.index(b"Adobe") - 4
    short = rgb[:at] + uploads.segment(0xEE, b"Adobe\0") + rgb[at + 16 :]
    taken(desk, short, rgb[:at] + rgb[at + 16 :])


def test_sound_metadata_stays_where_it_is_kept(desk: Desk) -> None:
    """Only what is damaged is dropped, and what stands behind the end."""
    data = uploads.telling_jpeg()
    odd = data[:2] + SEGMENTS["6 bytes of Adobe"] + data[2:]
    desk.take(odd, KEEP)
    assert desk.stored == data.removesuffix(uploads.SECRET)


def test_the_limit_of_pixels_comes_before_decoding(desk: Desk) -> None:
    """A damaged segment in front opens no way around it."""
    frame = WHOLE.index(b"\xff\xc0") + 5
    large = WHOLE[:frame] + b"\xff\xff\xff\xff" + WHOLE[frame + 4 :]
    desk.refuse(errors.UploadTooLarge, large[:2] + SEGMENTS["6 bytes of Adobe"] + large[2:-2])


@needs_corpus
@pytest.mark.parametrize(
    "name", ["jpeg-without-eoi.jpg", "jpeg-short-app14.jpg", "jpeg-empty-jfif.jpg"]
)
def test_files_of_the_field(desk: Desk, name: str) -> None:
    """Files of real bug reports are taken, and every format can be made of them."""
    for options in (SETTINGS, KEEP):
        desk.take((FIELD / name).read_bytes(), options)
        strict.jpeg(desk.stored)
        for output in (Format.WEBP, Format.JPEG, Format.PNG, Format.AVIF, Format.GIF):
            _, picture = samples.rendered(desk.target, width=40, format=output)
            assert isinstance(picture, Image.Image)
            assert picture.width == 40
