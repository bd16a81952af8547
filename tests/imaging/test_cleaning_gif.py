"""Cleaning GIF: all that shows stays, all that tells goes."""

import pytest

from liveresize import errors
from liveresize.imaging import cleaning

from . import uploads

WHOLE = uploads.saved(uploads.photo(mode="P"), "GIF")
IMAGE = WHOLE.index(b",", 13 + 768)


def test_frames_timing_and_loop_stay() -> None:
    """A cleaned animation plays as before."""
    data = uploads.telling_gif()
    shown = uploads.looks(data)
    assert (len(shown.frames), shown.loop) == (2, 3)
    assert uploads.looks(uploads.cleaned("gif", data)) == shown


def test_nothing_told_is_left() -> None:
    """Comments, captions, XMP, profiles and trailing data are gone."""
    data = uploads.telling_gif()
    assert data.count(uploads.SECRET) == 5
    assert uploads.SECRET not in uploads.cleaned("gif", data)


def test_nothing_hides_behind_controls_and_loop_counts() -> None:
    """Of the extensions that stay only the one block stays that is meant."""
    control = uploads.extension(0xF9, bytes(4), uploads.SECRET)
    loop = uploads.extension(0xFF, b"NETSCAPE2.0", b"\x01\x05\0", b"\x02" + uploads.SECRET)
    odd = uploads.extension(0xFF, b"NETSCAPE2.0", b"\x02" + uploads.SECRET)
    data = WHOLE[:IMAGE] + control + loop + odd + WHOLE[IMAGE:]
    clean = uploads.cleaned("gif", data)
    assert uploads.SECRET not in clean
    assert uploads.looks(clean) == uploads.looks(data)
    assert uploads.looks(clean).loop == 5


def test_stray_terminators_are_left_out() -> None:
    """Zeros between blocks mean nothing and go."""
    assert uploads.cleaned("gif", WHOLE[:IMAGE] + b"\0\0" + WHOLE[IMAGE:]) == WHOLE


def test_cleaning_a_clean_file_changes_nothing() -> None:
    """What was cleaned once is clean."""
    clean = uploads.cleaned("gif", uploads.telling_gif())
    assert uploads.cleaned("gif", clean) == clean
    assert cleaning.is_clean("gif", memoryview(clean), 1)


BROKEN = {
    "nothing": b"",
    "half a screen": WHOLE[:9],
    "another version": b"GIF90a" + WHOLE[6:],
    "a palette cut off": WHOLE[:100],
    "no image": WHOLE[:IMAGE] + b";",
    "no trailer": WHOLE[:-1],
    "an image cut off": WHOLE[: IMAGE + 60],
    "a descriptor cut off": WHOLE[: IMAGE + 5],
    "an extension cut off": WHOLE[:IMAGE] + b"!",
    "a block nobody knows": WHOLE[:IMAGE] + b"?" + WHOLE[IMAGE:],
    "a control of three bytes": WHOLE[:IMAGE] + uploads.extension(0xF9, b"abc") + WHOLE[IMAGE:],
}


@pytest.mark.parametrize("flaw", BROKEN)
def test_a_broken_structure_is_refused(flaw: str) -> None:
    """Whatever is not a chain of blocks from screen to trailer is unreadable."""
    with pytest.raises(errors.UnreadableImage):
        uploads.cleaned("gif", BROKEN[flaw], 1)
