"""PNGs that are damaged beside their pixels: taken, and stored without the damage."""

import pathlib
import struct
import zlib

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

Chunk = tuple[bytes, bytes]


@pytest.fixture
def desk(tmp_path: pathlib.Path) -> Desk:
    """An empty desk."""
    return Desk(tmp_path)


def split(data: bytes) -> list[Chunk]:
    """The chunks of a PNG."""
    at, chunks = 8, []
    while at < len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        chunks.append((kind, data[at + 8 : at + 8 + size]))
        at += 12 + size
    return chunks


def joined(*chunks: Chunk | bytes) -> bytes:
    """A PNG of these chunks, of which some are finished."""
    parts = [each if isinstance(each, bytes) else uploads.chunk(*each) for each in chunks]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def broken(chunk: Chunk) -> bytes:
    """A chunk with a wrong CRC."""
    data = uploads.chunk(*chunk)
    return data[:-1] + bytes((data[-1] ^ 1,))


def idat(packed: bytes) -> Chunk:
    """Pixels."""
    return b"IDAT", packed


WHOLE = uploads.saved(uploads.photo(), "PNG")
HEAD, PIXELS, END = split(WHOLE)
PACKED = PIXELS[1]
ROWS = zlib.decompress(PACKED)
WRONG_ADLER = PACKED[:-1] + bytes((PACKED[-1] ^ 1,))
TEXT = (b"tEXt", b"Comment\0hello")
LARGE = zlib.compress(bytes(1 << 21))

ODD: list[Chunk] = [
    (b"gAMA", bytes(3)),
    (b"cHRM", bytes(31)),
    (b"sRGB", b""),
    (b"pHYs", bytes(8)),
    (b"tRNS", bytes(5)),
    (b"sBIT", bytes(2)),
    (b"bKGD", bytes(5)),
    (b"cICP", bytes(3)),
    (b"sPLT", b""),
    (b"hIST", b""),
    (b"tIME", bytes(6)),
    (b"acTL", bytes(7)),
    (b"fcTL", bytes(25)),
    (b"fdAT", bytes(3)),
    (b"iCCP", b"name"),
    (b"iCCP", b"name\0\1" + zlib.compress(uploads.icc())),
    (b"iCCP", b"name\0\0" + zlib.compress(uploads.icc())[:-90]),
    (b"iCCP", b"name\0\0" + LARGE),
    (b"iTXt", b"key\0\1\0\0\0" + LARGE),
    (b"zTXt", b"key\0\0" + LARGE),
    (b"zTXt", b"key\0\1abc"),
    (b"PLTE", bytes(8)),
]
"""Chunks of an RGB picture that are too short, too large, or cannot be unpacked."""

SOUND: list[Chunk] = [TEXT, (b"eXIf", uploads.exif(1)[6:]), (b"gAMA", b"\0\0\xb1\x8f")]

ENDS: dict[str, bytes] = {
    "a text with a wrong CRC behind the pixels": joined(HEAD, PIXELS, broken(TEXT), END),
    "a text cut off": joined(HEAD, PIXELS, TEXT)[:-7],
    "no end": joined(HEAD, PIXELS),
    "half an end": WHOLE[:-6],
    "an end with a wrong CRC": joined(HEAD, PIXELS, broken(END)),
    "an end of two bytes": joined(HEAD, PIXELS, (b"IEND", b"xx")),
    "garbage in place of the end": joined(HEAD, PIXELS) + b"\0\0\0\1\xff\xfe\xfd\xfcgarbage",
    "an unknown chunk in place of the end": joined(HEAD, PIXELS, (b"ABcd", b"")),
    "half a CRC of the pixels": joined(HEAD, PIXELS)[:-2],
    "half a checksum of the rows": joined(HEAD, PIXELS)[:-6],
    "a wrong CRC of the pixels": joined(HEAD, broken(PIXELS), END),
    "a wrong checksum of the rows": joined(HEAD, idat(WRONG_ADLER), END),
    "a checksum of the rows that was changed later": WHOLE.replace(PACKED, WRONG_ADLER),
    "a wrong checksum in chunks of a byte": joined(
        HEAD, *(idat(WRONG_ADLER[at : at + 1]) for at in range(len(WRONG_ADLER))), END
    ),
    "no checksum": joined(HEAD, idat(PACKED[:-4]), END),
    "no checksum, and a wrong text": joined(HEAD, idat(PACKED[:-4]), broken(TEXT), END),
    "bytes behind the rows": joined(HEAD, idat(PACKED + b"more"), END),
    "a chunk behind the rows": joined(HEAD, PIXELS, PIXELS, END),
    "an empty chunk behind the rows": joined(HEAD, PIXELS, idat(b""), END),
    "more rows than the picture has": joined(HEAD, idat(zlib.compress(ROWS * 2)), broken(END)),
}


def taken(desk: Desk, data: bytes) -> None:
    """Assert that `data` is taken in every way, and shows what WHOLE does."""
    for options in (SETTINGS, KEEP):
        facts = desk.take(data, options)
        strict.png(desk.stored)
        assert opened(desk.stored).tobytes() == opened(WHOLE).tobytes()
        assert (facts.format, facts.frames, facts.bytes) == ("png", 1, len(desk.stored))
        desk.target.unlink()
    desk.take(data, crop=(3, 4, 20, 30))
    assert opened(desk.stored).tobytes() == opened(WHOLE).crop((3, 4, 23, 34)).tobytes()
    desk.target.unlink()
    assert [path.name for path in desk.source.parent.iterdir()] == ["upload"]


@pytest.mark.parametrize("chunk", ODD, ids=lambda chunk: chunk[0].decode())
def test_a_chunk_that_is_not_sound_is_dropped(desk: Desk, chunk: Chunk) -> None:
    """Before the pixels and behind them: too short, too large, or packed in no known way."""
    taken(desk, joined(HEAD, chunk, PIXELS, END))
    if chunk[0] not in (b"PLTE", b"tRNS"):
        taken(desk, joined(HEAD, PIXELS, chunk, END))


@pytest.mark.parametrize("chunk", SOUND, ids=lambda chunk: chunk[0].decode())
def test_a_chunk_with_a_wrong_crc_is_dropped(desk: Desk, chunk: Chunk) -> None:
    """Its bytes may be damaged; others stay where metadata is kept."""
    taken(desk, joined(HEAD, broken(chunk), PIXELS, END))
    taken(desk, joined(HEAD, PIXELS, broken(chunk), END))
    desk.take(joined(HEAD, broken(chunk), *SOUND, PIXELS), KEEP)
    assert [kind for kind, _ in split(desk.stored)] == [
        b"IHDR",
        *(kind for kind, _ in SOUND),
        b"IDAT",
        b"IEND",
    ]


@pytest.mark.parametrize("flaw", ENDS)
def test_an_end_is_put_right(desk: Desk, flaw: str) -> None:
    """A missing end or checksum costs no pixel, and nor does a wrong one."""
    taken(desk, ENDS[flaw])


def test_packed_pixels_stay_as_they_came(desk: Desk) -> None:
    """Only the checksum behind them is written again."""
    for packed in (WRONG_ADLER, PACKED[:-4], PACKED + b"more"):
        desk.take(joined(HEAD, idat(packed[:50]), idat(packed[50:])))
        found = b"".join(payload for kind, payload in split(desk.stored) if kind == b"IDAT")
        assert found == PACKED
        desk.target.unlink()


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "I;16"])
def test_every_mode_is_repaired(desk: Desk, mode: str) -> None:
    """The size of the rows is known for every colour type and depth."""
    picture = uploads.photo(mode="L" if mode == "I;16" else mode).convert(mode)
    data = uploads.saved(picture, "PNG")
    kinds = split(data)
    packed = b"".join(payload for kind, payload in kinds if kind == b"IDAT")
    around = [chunk for chunk in kinds if chunk[0] not in (b"IDAT", b"IEND")]
    desk.take(joined(*around, idat(packed[:-4] + bytes(4))))
    strict.png(desk.stored)
    assert opened(desk.stored).tobytes() == opened(data).tobytes()
    short = zlib.compress(zlib.decompress(packed)[:-1])
    desk.target.unlink()
    desk.refuse(errors.UnreadableImage, joined(*around, idat(short), broken(END)))


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (5, 1), (9, 17), (61, 43)])
def test_interlaced_rows_are_counted(desk: Desk, size: tuple[int, int]) -> None:
    """The passes of an interlaced picture have as many rows as they need, and no more."""
    width, height = size
    steps = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4)]
    steps += [(0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
    passes = [(len(range(x, width, dx)), len(range(y, height, dy))) for x, y, dx, dy in steps]
    rows = b"".join((b"\0" + b"abc" * across) * down for across, down in passes if across)
    head = (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 1))
    desk.take(joined(head, idat(zlib.compress(rows)[:-4])))
    strict.png(desk.stored)
    assert opened(desk.stored).tobytes() == b"abc" * (width * height)
    desk.target.unlink()
    desk.refuse(errors.UnreadableImage, joined(head, idat(zlib.compress(rows[:-1])), broken(END)))


DAMAGED: dict[str, bytes] = {
    "a wrong CRC of the header": joined(broken(HEAD), PIXELS, END),
    "a header of 12 bytes": joined((b"IHDR", HEAD[1][:12]), PIXELS, END),
    "a header of no known colour": joined((b"IHDR", HEAD[1][:9] + b"\5\0\0\0"), PIXELS, END),
    "a palette with a wrong CRC": joined(HEAD, broken((b"PLTE", bytes(9))), PIXELS, END),
    "no pixels": joined(HEAD, broken(TEXT), END),
    "a row too few": joined(HEAD, idat(zlib.compress(ROWS[:-184])), broken(TEXT), END),
    "half of the pixels": joined(HEAD, PIXELS)[: -len(PACKED) // 2],
    "pixels that were changed": joined(
        HEAD, broken(idat(PACKED[:400] + bytes(4) + PACKED[404:])), END
    ),
    "another zlib header": joined(HEAD, idat(b"\x78\2" + PACKED[2:]), broken(END)),
    "both checksums of the pixels wrong": joined(HEAD, broken(idat(WRONG_ADLER)), END),
    "a critical chunk nobody knows": joined(HEAD, (b"ABcd", b""), PIXELS, broken(END)),
}


@pytest.mark.parametrize("flaw", DAMAGED)
def test_what_damages_pixels_is_refused(desk: Desk, flaw: str) -> None:
    """It is called a damaged PNG, and nothing of it stays."""
    desk.refuse(errors.UnreadableImage, DAMAGED[flaw])
    with pytest.raises(errors.UnreadableImage, match="a damaged PNG "):
        desk.take(DAMAGED[flaw])


def test_transparency_longer_than_it_may_be_is_cut(desk: Desk) -> None:
    """Browsers read the values that there should be, and overlook the rest."""
    palette = (b"PLTE", bytes(range(90)))
    clear = bytes(range(30))
    head = (b"IHDR", struct.pack(">IIBBBBB", 30, 2, 8, 3, 0, 0, 0))
    pixels = idat(zlib.compress((b"\0" + bytes(range(30))) * 2))
    desk.take(joined(head, palette, (b"tRNS", clear + b"\x77" * 300), pixels, END))
    strict.png(desk.stored)
    assert (b"tRNS", clear) in split(desk.stored)
    desk.target.unlink()
    desk.take(joined(HEAD, (b"tRNS", b"\0\1\0\2\0\3\0\4"), PIXELS, END))
    assert (b"tRNS", b"\0\1\0\2\0\3") in split(desk.stored)


FRAMES = [uploads.photo(mode="RGBA").rotate(angle) for angle in (0, 90, 180)]
FILM = split(
    uploads.saved(FRAMES[0], "PNG", save_all=True, append_images=FRAMES[1:], duration=50, loop=2)
)
ACTL, FIRST, SECOND, THIRD = 1, 2, 4, 6


def changed(at: int, chunk: Chunk | bytes) -> bytes:
    """The animation with another chunk in the place of one."""
    return joined(*FILM[:at], chunk, *FILM[at + 1 :])


MOVING: dict[str, tuple[bytes, int]] = {
    "no end": (joined(*FILM[:-1]), 3),
    "a wrong CRC of the second frame's pixels": (changed(5, broken(FILM[5])), 3),
    "a wrong checksum in the second frame": (
        changed(5, (b"fdAT", FILM[5][1][:-1] + bytes((FILM[5][1][-1] ^ 1,)))),
        3,
    ),
    "a wrong checksum in the first frame": (changed(3, idat(FILM[3][1][:-4] + bytes(4))), 3),
    "a wrong CRC of the third control": (changed(THIRD, broken(FILM[THIRD])), 2),
    "a third control of 25 bytes": (changed(THIRD, (b"fcTL", FILM[THIRD][1][:25])), 2),
    "a frame fewer than announced": (joined(*FILM[:THIRD], END), 2),
    "no pixels in the third frame": (joined(*FILM[: THIRD + 1], broken(TEXT), END), 2),
    "a third control of another number": (
        changed(THIRD, (b"fcTL", b"\0\0\0\x09" + FILM[THIRD][1][4:])),
        2,
    ),
    "pixels of the third frame of another number": (
        changed(THIRD + 1, (b"fdAT", b"\0\0\0\x09" + FILM[THIRD + 1][1][4:])),
        2,
    ),
    "no checksum in the second frame": (changed(5, (b"fdAT", FILM[5][1][:-4])), 3),
    "a wrong CRC of the second control": (changed(SECOND, broken(FILM[SECOND])), 1),
    "a wrong CRC of the first control": (changed(FIRST, broken(FILM[FIRST])), 1),
    "a wrong CRC of the announcement": (changed(ACTL, broken(FILM[ACTL])), 1),
}


@pytest.mark.parametrize("flaw", MOVING)
def test_a_film_ends_at_its_last_sound_frame(desk: Desk, flaw: str) -> None:
    """Where the damage is in what describes a frame, that frame and those behind it go."""
    data, frames = MOVING[flaw]
    for options in (SETTINGS, KEEP):
        assert desk.take(data, options).frames == frames
        strict.png(desk.stored)
        shown = uploads.looks(desk.stored).frames
        whole = uploads.looks(joined(*FILM)).frames
        assert [frame[2] for frame in shown] == [frame[2] for frame in whole[:frames]]
        desk.target.unlink()
    assert desk.take(data, crop=(3, 4, 20, 30)).frames == frames


@pytest.mark.parametrize("share", [0.4, 0.8, 0.95])
def test_a_film_that_was_cut_off_is_refused(desk: Desk, share: float) -> None:
    """Inside a frame, and between two of them."""
    data = joined(*FILM)
    desk.refuse(errors.UnreadableImage, data[: int(len(data) * share)])
    desk.refuse(errors.UnreadableImage, joined(*FILM[:THIRD]))


def test_the_limit_of_pixels_comes_before_unpacking(desk: Desk) -> None:
    """A damaged chunk in front of them opens no way around it."""
    head = (b"IHDR", struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0))
    desk.refuse(errors.UploadTooLarge, joined(head, broken(TEXT), PIXELS, END))


def test_frames_without_end_are_not_unpacked(desk: Desk) -> None:
    """Unpacking is bounded by what the server decodes of the largest picture."""
    chunks, number = [], 1
    for _ in range(60):
        chunks.append((b"fcTL", struct.pack(">I", number) + FILM[SECOND][1][4:]))
        chunks.append((b"fdAT", struct.pack(">I", number + 1) + FILM[SECOND + 1][1][4:]))
        number += 2
    head = FILM[0], (b"acTL", struct.pack(">II", 61, 0)), FILM[FIRST], FILM[FIRST + 1]
    data = joined(*head, *chunks, broken(TEXT), END)
    limited = samples.tuned(max_input_pixels=61 * 43, max_decode_pixels=61 * 43)
    desk.refuse(errors.WorkExceeded, data, limited)


FIELD_FILES = [
    "png-ztxt-large.png",
    "png-iccp-large.png",
    "png-text-bad-crc.png",
    "png-iccp-bad-crc.png",
    "png-without-iend.png",
    "png-wrong-adler.png",
    "png-short-phys.png",
]


@needs_corpus
@pytest.mark.parametrize("name", FIELD_FILES)
def test_files_of_the_field(desk: Desk, name: str) -> None:
    """Files of real bug reports are taken, and every format can be made of them."""
    for options in (SETTINGS, KEEP):
        desk.take((FIELD / name).read_bytes(), options)
        strict.png(desk.stored)
        for output in (Format.WEBP, Format.JPEG, Format.PNG, Format.AVIF, Format.GIF):
            _, picture = samples.rendered(desk.target, width=40, format=output)
            assert isinstance(picture, Image.Image)
            assert picture.width == 40
