"""Cleaning JPEG: all that shows stays, all that tells goes."""

import io
from typing import Any

import pytest
from PIL import Image, JpegImagePlugin

from liveresize import errors
from liveresize.imaging import cleaning

from . import uploads

WAYS: dict[str, dict[str, Any]] = {
    "baseline": {},
    "progressive": {"progressive": True},
    "with restart markers": {"restart_marker_blocks": 2},
    "progressive with restart markers": {"restart_marker_blocks": 3, "progressive": True},
    "with full chroma": {"subsampling": 0},
    "with tables of its own": {"optimize": True},
}

WHOLE = uploads.saved(uploads.photo(), "JPEG")
SCAN = WHOLE.index(b"\xff\xda")


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_pixels_profile_and_orientation_stay(way: str, mode: str) -> None:
    """Whatever the coding, a cleaned JPEG decodes to the same picture."""
    data = uploads.telling_jpeg(mode=mode, **WAYS[way])
    assert uploads.looks(uploads.cleaned("jpeg", data)) == uploads.looks(data)


@pytest.mark.parametrize("way", WAYS)
def test_nothing_told_is_left(way: str) -> None:
    """EXIF, XMP, IPTC, maker notes, comments, thumbnails and trailing data are gone."""
    data = uploads.telling_jpeg(**WAYS[way])
    assert data.count(uploads.SECRET) > 10
    assert uploads.SECRET not in uploads.cleaned("jpeg", data)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_says_the_orientation_alone(orientation: int) -> None:
    """Orientations 2–8 are rewritten as the only tag; 1 needs no EXIF."""
    with Image.open(io.BytesIO(uploads.cleaned("jpeg", uploads.telling_jpeg(orientation)))) as it:
        told = dict(it.getexif())
        assert told == ({} if orientation == 1 else {uploads.ORIENTATION: orientation})
        assert isinstance(it, JpegImagePlugin.JpegImageFile)
        assert [name for name, _ in it.applist] == (
            ["APP0", "APP2"] if orientation == 1 else ["APP0", "APP1", "APP2"]
        )


def test_the_second_picture_of_a_camera_goes() -> None:
    """Of a multi-picture file only the first is kept, as a plain JPEG."""
    second = uploads.photo((33, 22))
    pictures = uploads.saved(
        uploads.photo(), "MPO", save_all=True, append_images=[second], exif=uploads.exif(3)
    )
    with Image.open(io.BytesIO(pictures)) as before:
        assert before.format == "MPO"
    data = uploads.cleaned("jpeg", pictures)
    with Image.open(io.BytesIO(data)) as after:
        assert after.format == "JPEG"
    assert data.count(b"\xff\xd8") == 1
    assert uploads.looks(data) == uploads.looks(pictures)


def test_the_thumbnail_inside_jfif_goes() -> None:
    """The JFIF segment loses its thumbnail and says that it has none."""
    thumbnail = segment_of_jfif(2, 2) + uploads.SECRET
    data = b"\xff\xd8" + uploads.segment(0xE0, thumbnail) + WHOLE[20:]
    clean = uploads.cleaned("jpeg", data)
    assert clean[2:20] == uploads.segment(0xE0, segment_of_jfif(0, 0))
    assert uploads.looks(clean) == uploads.looks(data)


def segment_of_jfif(width: int, height: int) -> bytes:
    """What a JFIF segment holds before a thumbnail of that size."""
    return b"JFIF\0\x01\x02\x00\0\x01\0\x01" + bytes((width, height))


def test_what_hides_behind_the_adobe_marker_goes() -> None:
    """Of the Adobe segment only what says the colour transform stays."""
    data = uploads.saved(uploads.photo(mode="CMYK"), "JPEG")
    at = data.index(b"Adobe") - 4
    assert data[at : at + 4] == b"\xff\xee\0\x0e"
    longer = data[:at] + uploads.segment(0xEE, data[at + 4 : at + 16] + uploads.SECRET)
    assert uploads.cleaned("jpeg", longer + data[at + 16 :]) == data


def test_comments_between_scans_go() -> None:
    """A progressive JPEG may hold comments between its scans; they are found there."""
    data = uploads.saved(uploads.photo(), "JPEG", progressive=True)
    comment = uploads.segment(0xFE, uploads.SECRET) + uploads.segment(0xE1, uploads.SECRET)
    first = data.index(b"\xff\xda")
    told = data[:first] + data[first:].replace(b"\xff\xc4", comment + b"\xff\xc4")
    assert told.count(uploads.SECRET) >= 4
    assert uploads.cleaned("jpeg", told) == data


def test_fill_bytes_before_markers_do_no_harm() -> None:
    """Any number of FF may stand before a marker, in the header and behind a scan."""
    filled = WHOLE[:2] + b"\xff" * 5 + WHOLE[2:SCAN] + b"\xff\xff" + WHOLE[SCAN:-2]
    data = filled + b"\xff\xff\xff\xd9"
    assert uploads.looks(uploads.cleaned("jpeg", data)) == uploads.looks(WHOLE)


def test_cleaning_a_clean_file_changes_nothing() -> None:
    """What was cleaned once is clean, and what was not is not."""
    data = uploads.telling_jpeg()
    clean = uploads.cleaned("jpeg", data)
    assert uploads.cleaned("jpeg", clean) == clean
    assert cleaning.is_clean("jpeg", memoryview(clean), 6)
    assert not cleaning.is_clean("jpeg", memoryview(data), 6)
    assert not cleaning.is_clean("jpeg", memoryview(clean + b"!"), 6)


BROKEN = {
    "nothing": b"",
    "no start": b"\0" + WHOLE,
    "a start alone": b"\xff\xd8",
    "no picture": b"\xff\xd8\xff\xd9",
    "tables without a scan": WHOLE[:SCAN] + b"\xff\xd9",
    "a scan without a frame": b"\xff\xd8" + WHOLE[SCAN:],
    "no end": WHOLE[:-2],
    "a scan cut off": WHOLE[: SCAN + 40],
    "a length of one": b"\xff\xd8\xff\xfe\0\x01" + WHOLE[2:],
    "a length beyond the end": b"\xff\xd8\xff\xfe\xff\xff" + WHOLE[2:40],
    "a length cut off": b"\xff\xd8\xff\xfe\0",
    "a marker nobody knows": b"\xff\xd8\xff\x02\0\x04ab" + WHOLE[2:],
    "two starts": b"\xff\xd8" + WHOLE,
}


@pytest.mark.parametrize("flaw", BROKEN)
def test_a_broken_structure_is_refused(flaw: str) -> None:
    """Whatever is not a chain of segments from SOI to EOI is unreadable."""
    with pytest.raises(errors.UnreadableImage):
        uploads.cleaned("jpeg", BROKEN[flaw], 1)
    assert not cleaning.is_clean("jpeg", memoryview(BROKEN[flaw]), 1)


@pytest.mark.parametrize("filling", [b"\xff", b"\xff\x00", b"\xff\xd0", b"\xff\x01"])
def test_long_runs_take_no_longer_than_others(filling: bytes) -> None:
    """Megabytes of what looks like markers are walked over once."""
    data = WHOLE[:-2] + filling * (4_000_000 // len(filling)) + b"\xff\xd9"
    assert uploads.cleaned("jpeg", data, 1) == data
