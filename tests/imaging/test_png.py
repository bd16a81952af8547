"""PNG with its own deflates: the same pixels, sizes and refusals as Pillow alone."""

import io
import itertools
import pathlib
import random
import struct
import zlib
from typing import Any

import pytest
from PIL import Image, ImageFile

from liveresize import errors
from liveresize.core.formats import Format
from liveresize.imaging import decode, png

from . import samples, uploads

needs_unpacker = pytest.mark.skipif(
    png.UNPACKER is None, reason="neither isal nor zlib-ng is installed on this platform"
)
needs_packer = pytest.mark.skipif(
    png.PACKER is None, reason="zlib-ng is not installed on this platform"
)

SIZE = (301, 203)
MODES = ("1", "L", "LA", "I;16", "P", "RGB", "RGBA")
STRATEGIES = (png.DEFAULT, png.FILTERED, png.RUN_LENGTH)

Outcome = str | tuple[str, tuple[int, int], bytes]


def picture(mode: str) -> Image.Image:
    """A scene in some mode, with alpha where the mode has it."""
    scene = samples.scene(SIZE)
    if mode == "I;16":
        return scene.convert("L").convert("I").point(lambda level: level * 257).convert("I;16")
    if mode == "P":
        return scene.quantize(200)
    if mode in ("LA", "RGBA"):
        scene.putalpha(Image.radial_gradient("L").resize(SIZE))
    return scene.convert(mode)


def outcome(image: Image.Image) -> Outcome:
    """What loading a picture comes to: its pixels, or the name of what is raised."""
    with image:
        try:
            image.load()
        except (*decode.DAMAGE, errors.LiveResizeError) as exc:
            return type(exc).__name__
        return image.mode, image.size, image.tobytes()


def both(path: pathlib.Path) -> tuple[Outcome, Outcome]:
    """What comes of a file with our unpacker and with Pillow alone, which opens it."""
    with decode.quiet():
        theirs = outcome(Image.open(path))
        return outcome(png.opened(path) or Image.open(path)), theirs


def repacked(path: pathlib.Path, packed: bytes, chunk: int) -> pathlib.Path:
    """The PNG at `path` with other packed pixels, in chunks of so many bytes."""
    data = path.read_bytes()
    parts = [packed[at : at + chunk] for at in range(0, len(packed), chunk)]
    pixels = b"".join(uploads.chunk(b"IDAT", part) for part in parts)
    path.write_bytes(data[:33] + pixels + uploads.chunk(b"IEND", b""))
    return path


def rows(path: pathlib.Path) -> bytes:
    """The filtered rows of a small PNG as it was saved by Pillow."""
    data, at, found = path.read_bytes(), 8, b""
    while at < len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        found += data[at + 8 : at + 8 + size] if kind == b"IDAT" else b""
        at += size + 12
    return zlib.decompress(found)


@needs_unpacker
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("level", [0, 1, 9])
def test_pixels_are_those_of_pillow(tmp_path: pathlib.Path, mode: str, level: int) -> None:
    """Every mode and way of packing is read to the byte as Pillow reads it."""
    path = samples.saved(tmp_path / "a.png", picture(mode), compress_level=level)
    ours, theirs = both(path)
    assert isinstance(ours, tuple)
    assert ours == theirs


@needs_unpacker
@pytest.mark.parametrize("chunk", [1, 2, 7, 8192, 10**6])
def test_chunks_may_be_of_any_size(tmp_path: pathlib.Path, chunk: int) -> None:
    """Pixels may lie in chunks of a byte each, or in one."""
    path = samples.saved(tmp_path / "a.png", picture("RGB").resize((40, 30)))
    ours, theirs = both(repacked(path, zlib.compress(rows(path)), chunk))
    assert isinstance(ours, tuple)
    assert ours == theirs


@needs_unpacker
def test_pixels_longer_than_a_block(tmp_path: pathlib.Path) -> None:
    """What a few bytes unpack to is taken piece by piece."""
    path = samples.saved(tmp_path / "a.png", Image.new("RGB", (3000, 700), samples.BLUE))
    assert len(path.read_bytes()) < ImageFile.MAXBLOCK
    ours, theirs = both(path)
    assert isinstance(ours, tuple)
    assert ours == theirs


@needs_unpacker
def test_interlaced_and_animated(tmp_path: pathlib.Path) -> None:
    """Seven passes are read like one; frames are Pillow's own matter."""
    path = tmp_path / "a.png"
    header = struct.pack(">IIBBBBB", 3, 2, 8, 2, 0, 0, 1)
    passes = [(1, 1), (1, 1), (1, 1), (1, 2)]  # (rows, pixels a row) of those not empty
    raw = b"".join(
        bytes([index % 3]) + bytes(random.Random(at).randbytes(3 * width))
        for at, (height, width) in enumerate(passes)
        for index in range(height)
    )
    pixels = uploads.chunk(b"IDAT", zlib.compress(raw))
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + uploads.chunk(b"IHDR", header) + pixels + uploads.chunk(b"IEND", b"")
    )
    ours, theirs = both(path)
    assert ours == theirs
    frames = [Image.new("RGB", (8, 8), colour) for colour in (samples.RED, samples.BLUE)]
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=50)
    for index in range(2):
        ours_moving, theirs_moving = png.opened(path), Image.open(path)
        assert ours_moving is not None
        ours_moving.seek(index)
        theirs_moving.seek(index)
        assert outcome(ours_moving) == outcome(theirs_moving)


@needs_unpacker
@pytest.mark.parametrize("mode", ["RGB", "P"])
def test_damage_is_judged_by_pillow(tmp_path: pathlib.Path, mode: str) -> None:
    """With its pixels cut short or changed, a file is read or refused as by Pillow alone."""
    random_bytes = random.Random(7)
    path = samples.saved(tmp_path / "a.png", picture(mode).resize((60, 40)))
    whole = path.read_bytes()
    for at in random_bytes.sample(range(whole.index(b"IDAT") + 4, len(whole)), 150):
        path.write_bytes(whole[:at])
        ours, theirs = both(path)
        assert ours == theirs, f"cut at {at}"
        changed = bytes([whole[at] ^ 1 << random_bytes.randrange(8)])
        path.write_bytes(whole[:at] + changed + whole[at + 1 :])
        ours, theirs = both(path)
        assert ours == theirs, f"changed at {at}"


@needs_unpacker
@pytest.mark.parametrize("missing", ["checksum", "wrong checksum", "rows", "more"])
def test_odd_endings(tmp_path: pathlib.Path, missing: str) -> None:
    """A stream that ends early, late or with a wrong checksum is what Pillow makes of it."""
    path = samples.saved(tmp_path / "a.png", picture("RGB").resize((40, 30)))
    raw = rows(path)
    packed = {
        "checksum": zlib.compress(raw)[:-4],
        "wrong checksum": zlib.compress(raw)[:-4] + b"\0\0\0\0",
        "rows": zlib.compress(raw[: len(raw) // 2]),
        "more": zlib.compress(raw * 2),
    }
    ours, theirs = both(repacked(path, packed[missing], 4096))
    assert ours == theirs
    assert isinstance(ours, tuple) == (missing != "wrong checksum")


@needs_unpacker
@pytest.mark.parametrize("kept", [0, 7, 8, 20, 33, 40, 0.5, 0.9])
def test_a_cut_file_is_refused(tmp_path: pathlib.Path, kept: float) -> None:
    """A file that ends too soon raises an error of ours, wherever it ends."""
    path = samples.saved(tmp_path / "a.png", picture("RGB"))
    data = path.read_bytes()
    path.write_bytes(data[: int(kept) if kept >= 1 else int(len(data) * kept)])
    with pytest.raises((errors.UnreadableImage, errors.UnsupportedImage)):
        samples.rendered(path, width=40, format=Format.JPEG)


@needs_unpacker
def test_only_png_is_taken_and_only_where_listed(tmp_path: pathlib.Path) -> None:
    """Other files are left to Pillow, and so is PNG where it is not accepted."""
    assert png.opened(samples.saved(tmp_path / "a.jpg", picture("RGB"))) is None
    path = samples.saved(tmp_path / "a.png", picture("RGB"))
    with decode.open_picture(path, samples.SETTINGS, 100_000) as image:
        assert isinstance(image, png.QuickPNG)
    with (
        pytest.raises(errors.UnsupportedImage),
        decode.open_picture(path, samples.tuned(formats=("jpeg",)), 100_000),
    ):
        pass


@pytest.mark.parametrize("mode", ["L", "LA", "P", "RGB", "RGBA"])
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_what_is_packed_is_the_picture(mode: str, strategy: int) -> None:
    """Every mode, level and strategy keeps every pixel, in sound chunks."""
    original = picture(mode)
    for level in (1, 6, 9):
        original.info = {}
        data = png.encoded(original, level, strategy)
        found = samples.opened(data)
        assert (found.mode, found.size) == (original.mode, SIZE)
        assert found.convert("RGBA").tobytes() == original.convert("RGBA").tobytes()
        with Image.open(io.BytesIO(data)) as checked:
            checked.verify()


@pytest.mark.long
@needs_packer
def test_files_are_no_larger_than_those_of_pillow() -> None:
    """The same level and strategy takes about as many bytes, from one pixel to many."""
    sizes: list[tuple[int, int]] = [(1, 1), (16, 16), SIZE, (1200, 800)]
    for size, (level, strategy) in itertools.product(
        sizes, [(6, png.RUN_LENGTH), (9, png.FILTERED)]
    ):
        scene = samples.scene((1200, 800)).resize(size)
        theirs = io.BytesIO()
        scene.save(theirs, "PNG", compress_level=level, compress_type=strategy)
        assert len(png.encoded(scene, level, strategy)) <= 1.02 * len(theirs.getvalue())


@pytest.mark.parametrize("name", ["UNPACKER", "PACKER"])
def test_without_the_wheels_pillow_does_it(
    tmp_path: pathlib.Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a deflate is missing renditions show the same pixels."""
    path = samples.saved(tmp_path / "a.png", picture("RGBA"))
    _, ours = samples.rendered(path, width=90)
    monkeypatch.setattr(png, name, None)
    _, theirs = samples.rendered(path, width=90)
    assert ours.tobytes() == theirs.tobytes()


def test_any_of_the_deflates_will_do(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Python's own zlib speaks as the two others do, so each of them is read alike."""
    path = samples.saved(tmp_path / "a.png", picture("RGB"))
    expected = outcome(Image.open(path))
    modules: list[Any] = [zlib, png._first("zlib_ng.zlib_ng"), png._first("isal.isal_zlib")]
    for module in filter(None, modules):
        monkeypatch.setattr(png, "UNPACKER", module)
        opened = png.opened(path)
        assert opened is not None
        assert outcome(opened) == expected
    assert png._first("no_such_module_here") is None
