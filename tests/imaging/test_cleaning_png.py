"""Cleaning PNG: all that shows stays, all that tells goes."""

import io

import pytest
from PIL import Image

from liveresize import errors
from liveresize.imaging import cleaning

from . import uploads

WHOLE = uploads.saved(uploads.photo(), "PNG")
HEADER = 33
"""Where the first chunk after IHDR starts."""

PIXELS = WHOLE.index(b"IDAT") - 4
END = WHOLE.index(b"IEND") - 4


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA", "P", "1", "I;16"])
def test_pixels_profile_and_orientation_stay(mode: str) -> None:
    """Whatever the colour type, a cleaned PNG decodes to the same picture."""
    picture = uploads.photo(mode="L" if mode == "I;16" else mode).convert(mode)
    data = uploads.saved(picture, "PNG", exif=uploads.exif(5), icc_profile=uploads.icc())
    assert uploads.looks(uploads.cleaned("png", data)) == uploads.looks(data)


def test_nothing_told_is_left() -> None:
    """EXIF, XMP, texts, dates, private chunks and trailing data are gone."""
    data = uploads.telling_png()
    clean = uploads.cleaned("png", data)
    assert uploads.looks(clean) == uploads.looks(data)
    for kind in (uploads.SECRET, b"tEXt", b"iTXt", b"zTXt", b"tIME", b"prVt"):
        assert kind in data
        assert kind not in clean


def test_what_shows_is_kept_byte_for_byte() -> None:
    """Gamma, primaries, background, density, palette and transparency pass unchanged."""
    shown = (
        uploads.chunk(b"gAMA", b"\0\0\xb1\x8f"),
        uploads.chunk(b"cHRM", bytes(32)),
        uploads.chunk(b"sBIT", b"\x08\x08\x08"),
        uploads.chunk(b"cICP", b"\x01\x0d\0\x01"),
        uploads.chunk(b"bKGD", bytes(6)),
        uploads.chunk(b"pHYs", b"\0\0\x0b\x13\0\0\x0b\x13\x01"),
        uploads.chunk(b"tRNS", bytes(6)),
    )
    data = WHOLE[:HEADER] + b"".join(shown) + WHOLE[HEADER:]
    assert uploads.cleaned("png", data, 1) == data


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_says_the_orientation_alone(orientation: int) -> None:
    """Orientations 2–8 are rewritten as the only tag, before the pixels."""
    clean = uploads.cleaned("png", uploads.telling_png(orientation))
    assert (b"eXIf" in clean[: clean.index(b"IDAT")]) == (orientation != 1)
    with Image.open(io.BytesIO(clean)) as image:
        told = dict(image.getexif())
    assert told == ({} if orientation == 1 else {uploads.ORIENTATION: orientation})


def test_animations_keep_their_frames() -> None:
    """An animated PNG plays as before, without its texts."""
    frames = [uploads.photo(mode="RGBA").rotate(angle) for angle in (0, 90, 180)]
    data = uploads.saved(
        frames[0], "PNG", save_all=True, append_images=frames[1:], duration=[40, 50, 60], loop=2
    )
    told = data[:-12] + uploads.chunk(b"tEXt", b"a\0" + uploads.SECRET) + data[-12:]
    assert len(uploads.looks(told).frames) == 3
    assert uploads.cleaned("png", told, 1) == data


def test_cleaning_a_clean_file_changes_nothing() -> None:
    """What was cleaned once is clean."""
    clean = uploads.cleaned("png", uploads.telling_png())
    assert uploads.cleaned("png", clean) == clean
    assert cleaning.is_clean("png", memoryview(clean), 6)


BROKEN = {
    "nothing": b"",
    "a signature alone": WHOLE[:8],
    "a wrong signature": b"\x88" + WHOLE[1:],
    "no header": WHOLE[:8] + WHOLE[HEADER:],
    "two headers": WHOLE[:HEADER] + WHOLE[8:],
    "no pixels": WHOLE[:PIXELS] + WHOLE[END:],
    "pixels in two places": WHOLE[:END] + uploads.chunk(b"tEXt", b"a\0b") + WHOLE[PIXELS:],
    "no end": WHOLE[:END],
    "a chunk cut off": WHOLE[: PIXELS + 50],
    "a length cut off": WHOLE[: PIXELS + 3],
    "a length beyond the end": WHOLE[:PIXELS] + b"\xff" + WHOLE[PIXELS + 1 :],
    "a critical chunk nobody knows": WHOLE[:PIXELS] + uploads.chunk(b"ABcd", b"") + WHOLE[PIXELS:],
}


@pytest.mark.parametrize("flaw", BROKEN)
def test_a_broken_structure_is_refused(flaw: str) -> None:
    """Whatever is not a chain of chunks from IHDR to IEND is unreadable."""
    with pytest.raises(errors.UnreadableImage):
        uploads.cleaned("png", BROKEN[flaw], 1)
