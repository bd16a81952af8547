"""Cleaning WebP: all that shows stays, all that tells goes."""

import io
import struct

import pytest
from PIL import Image

from liveresize import errors
from liveresize.imaging import cleaning

from . import uploads

PLAIN = uploads.saved(uploads.photo(), "WEBP")
EXTENDED = uploads.saved(uploads.photo(), "WEBP", exif=uploads.bare_exif(6))
FRAMES = [uploads.photo(mode="RGBA").rotate(angle) for angle in (0, 90, 180)]
MOVING = uploads.saved(
    FRAMES[0], "WEBP", save_all=True, append_images=FRAMES[1:], duration=[40, 50, 60], loop=2
)


@pytest.mark.parametrize("lossless", [False, True])
@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_pixels_profile_and_orientation_stay(mode: str, lossless: bool) -> None:
    """Lossy or lossless, with alpha or without, the picture is the same."""
    data = uploads.telling_webp(mode=mode, lossless=lossless)
    assert uploads.looks(uploads.cleaned("webp", data)) == uploads.looks(data)


def test_nothing_told_is_left() -> None:
    """EXIF, XMP, private chunks and trailing data are gone, and the sizes are right."""
    data = uploads.telling_webp()
    clean = uploads.cleaned("webp", data)
    assert data.count(uploads.SECRET) > 5
    assert uploads.SECRET not in clean
    assert struct.unpack_from("<I", clean, 4)[0] == len(clean) - 8


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_says_the_orientation_alone(orientation: int) -> None:
    """Orientations 2–8 are rewritten as the only tag, and the flags tell what is left."""
    clean = uploads.cleaned("webp", uploads.telling_webp(orientation))
    with Image.open(io.BytesIO(clean)) as image:
        told = dict(image.getexif())
    assert told == ({} if orientation == 1 else {uploads.ORIENTATION: orientation})
    flags = clean[20]
    assert bool(flags & 0x08) == (orientation != 1)
    assert not flags & 0x04


def test_animations_keep_their_frames() -> None:
    """An animated WebP plays as before, without what was hidden in its frames."""
    at = MOVING.index(b"ANMF")
    size = struct.unpack_from("<I", MOVING, at + 4)[0]
    frame = MOVING[at + 8 : at + 8 + size] + uploads.riff_chunk(b"PRVT", uploads.SECRET)
    rest = MOVING[at + 8 + size + size % 2 :]
    told = uploads.riff(MOVING[12:at], uploads.riff_chunk(b"ANMF", frame), rest)
    assert len(uploads.looks(told).frames) == 3
    assert uploads.cleaned("webp", told) == MOVING


def test_what_follows_a_plain_picture_goes() -> None:
    """A file without an extended header is its first picture and nothing else."""
    told = uploads.riff(PLAIN[12:], uploads.riff_chunk(b"EXIF", uploads.exif(6)))
    assert uploads.cleaned("webp", told) == PLAIN


def test_a_missing_last_padding_byte_is_mended() -> None:
    """Some writers leave the last chunk odd; what is stored is even."""
    data = uploads.riff(EXTENDED[12:], b"PRVT\x01\0\0\0!")
    assert len(data) % 2
    clean = uploads.cleaned("webp", data, 6)
    assert len(clean) % 2 == 0
    assert uploads.looks(clean) == uploads.looks(EXTENDED)


def test_cleaning_a_clean_file_changes_nothing() -> None:
    """What was cleaned once is clean."""
    clean = uploads.cleaned("webp", uploads.telling_webp())
    assert uploads.cleaned("webp", clean) == clean
    assert cleaning.is_clean("webp", memoryview(clean), 6)
    assert cleaning.is_clean("webp", memoryview(PLAIN), 1)


HEADER = EXTENDED[12:30]
BROKEN = {
    "nothing": b"",
    "half a header": PLAIN[:10],
    "another kind of RIFF": PLAIN[:8] + b"WAVE" + PLAIN[12:],
    "no picture": uploads.riff(HEADER),
    "a file cut off": PLAIN[:-4],
    "a length beyond the end": PLAIN[:16] + b"\xff\xff\xff\x7f" + PLAIN[20:],
    "a short header": uploads.riff(b"VP8X\x02\0\0\0ab", PLAIN[12:]),
    "two headers": uploads.riff(HEADER, HEADER, PLAIN[12:]),
    "a short frame": uploads.riff(HEADER, uploads.riff_chunk(b"ANMF", b"abc")),
    "a frame with two pictures": uploads.riff(
        HEADER, uploads.riff_chunk(b"ANMF", bytes(16) + PLAIN[12:] + PLAIN[12:])
    ),
}


@pytest.mark.parametrize("flaw", BROKEN)
def test_a_broken_structure_is_refused(flaw: str) -> None:
    """Whatever is not a RIFF file with a picture is unreadable."""
    with pytest.raises(errors.UnreadableImage):
        uploads.cleaned("webp", BROKEN[flaw], 1)
