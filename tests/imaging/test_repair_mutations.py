"""Small pictures with their structure damaged: what is taken is whole, what is not is refused."""

import struct
import zlib
from collections.abc import Callable

import pytest
import tiers
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ImageFile

from liveresize import errors
from liveresize.core.formats import Format
from liveresize.core.jobs import Facts
from liveresize.http import failures

from . import samples, strict, uploads
from .test_ingest import KEEP, SETTINGS, Desk

STILLS = (Format.WEBP, Format.JPEG, Format.PNG, Format.AVIF, Format.GIF)

FRAMES = [uploads.photo((31, 23), "RGBA").rotate(angle) for angle in (0, 90, 180)]


def moving(kind: str) -> bytes:
    """An animation of three frames."""
    return uploads.saved(FRAMES[0], kind, save_all=True, append_images=FRAMES[1:], duration=50)


SEEDS: dict[str, tuple[str, bytes]] = {
    "png": ("png", uploads.telling_png()),
    "palette png": ("png", uploads.saved(uploads.photo(mode="P"), "PNG")),
    "animated png": ("png", moving("PNG")),
    "jpeg": ("jpeg", uploads.telling_jpeg()),
    "progressive jpeg": ("jpeg", uploads.telling_jpeg(progressive=True)),
    "restarted jpeg": ("jpeg", uploads.telling_jpeg(restart_marker_blocks=2)),
    "gif": ("gif", uploads.telling_gif()),
    "animated gif": ("gif", moving("GIF")),
}


def chunks(data: bytes) -> list[bytes]:
    """A PNG in its signature, chunks, and what stands behind them."""
    ends = [0, 8]
    while data[ends[-1] - 8 : ends[-1] - 4] != b"IEND":
        ends.append(ends[-1] + 12 + struct.unpack_from(">I", data, ends[-1])[0])
    return sliced(data, ends)


def segments(data: bytes) -> list[bytes]:
    """A JPEG in SOI, the segments up to the first scan, and the rest."""
    ends = [0, 2]
    while data[ends[-1] + 1] != 0xDA:
        ends.append(ends[-1] + 2 + int.from_bytes(data[ends[-1] + 2 : ends[-1] + 4]))
    return sliced(data, [*ends, data.rindex(b"\xff\xd9")])


def blocks(data: bytes) -> list[bytes]:
    """A GIF in its screen, blocks, and its trailer with what stands behind it."""
    at = 13 + strict.palette(data[10])
    ends = [0, at]
    while data[at] != 0x3B:
        at += 2 if data[at] == 0x21 else 11 + strict.palette(data[at + 9])
        while data[at]:
            at += data[at] + 1
        at += 1
        ends.append(at)
    return sliced(data, ends)


def sliced(data: bytes, ends: list[int]) -> list[bytes]:
    """`data` cut in these places."""
    return [data[start:end] for start, end in zip(ends, [*ends[1:], len(data)], strict=True)]


CUT: dict[str, Callable[[bytes], list[bytes]]] = {"png": chunks, "jpeg": segments, "gif": blocks}

STRICT: dict[str, Callable[..., None]] = {
    "png": strict.png,
    "jpeg": strict.jpeg,
    "gif": strict.gif,
}


def resized(kind: str, part: bytes, size: int) -> bytes:
    """A chunk or segment with so many bytes more or fewer, and its length and CRC right."""
    if kind == "png" and len(part) >= 12:
        payload = part[8:-4][:size] if size < 0 else part[8:-4] + bytes(size)
        checksum = zlib.crc32(part[4:8] + payload)
        return struct.pack(">I", len(payload)) + part[4:8] + payload + checksum.to_bytes(4)
    if kind == "jpeg" and len(part) > 4:
        payload = part[4:][:size] if size < 0 else part[4:] + bytes(size)
        return part[:2] + (len(payload) + 2).to_bytes(2) + payload
    return part[:size] if size < 0 else part + bytes(size)


@st.composite
def damaged(draw: st.DrawFn, kind: str, seed: bytes) -> bytes:
    """`seed` with one or two of its parts damaged, and perhaps another end."""
    parts = CUT[kind](seed)
    for _ in range(draw(st.integers(0, 2))):
        at = draw(st.integers(1, len(parts) - 1))
        part = bytearray(parts[at])
        way = draw(st.sampled_from(("checksum", "length", "size", "drop", "double", "stray")))
        if way == "checksum" and part:
            part[-draw(st.integers(1, min(4, len(part))))] ^= 1 << draw(st.integers(0, 7))
        elif way == "length" and len(part) > 4:
            place = draw(st.integers(2, 3))
            part[place] = draw(st.integers(0, 255))
        elif way == "size":
            part = bytearray(resized(kind, bytes(part), draw(st.integers(-40, 4))))
        elif way == "drop":
            part.clear()
        elif way == "double":
            part = part * 2
        elif way == "stray":
            part += draw(st.binary(min_size=1, max_size=6))
        parts[at] = bytes(part)
    data = b"".join(parts)
    end = draw(st.sampled_from((0, 0, 1, 2, 4, 8, 12, 16, 20, 24, 40)))
    return data[: len(data) - end] + draw(st.sampled_from((b"", b"", b"\0\0", b"\xff", b"junk")))


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """One desk for many uploads."""
    return Desk(tmp_path_factory.mktemp("desk"))


@pytest.mark.parametrize("seed", SEEDS)
@settings(deadline=None, max_examples=tiers.examples(50))
@given(drawn=st.data())
def test_what_is_taken_is_whole(shared: Desk, seed: str, drawn: st.DataObject) -> None:
    """A stored file is well-formed and every still format is made of it; others are refused.

    No refusal is an error of the server, and none leaves anything behind.
    """
    kind, whole = SEEDS[seed]
    data = drawn.draw(damaged(kind, whole))
    options = drawn.draw(st.sampled_from((SETTINGS, KEEP)))
    assert not ImageFile.LOAD_TRUNCATED_IMAGES
    shared.target.unlink(missing_ok=True)
    taken: Facts | errors.LiveResizeError
    try:
        taken = shared.take(data, options)
    except errors.LiveResizeError as error:
        taken = error
    if isinstance(taken, errors.LiveResizeError):
        assert failures.failure_of(taken).status in (413, 415, 422)
        assert not shared.target.exists()
        return
    assert taken.format == kind
    STRICT[kind](shared.stored, more=options is KEEP)
    uploads.looks(shared.stored, taken.frames)
    for output in STILLS:
        samples.rendered(shared.target, width=9, format=output, animate=False)


def test_parts_are_all_of_a_file() -> None:
    """What is damaged above are whole chunks, segments and blocks."""
    for kind, whole in SEEDS.values():
        parts = CUT[kind](whole)
        assert b"".join(parts) == whole
        assert len(parts) > 3
