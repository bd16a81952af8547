"""What once came out wrong: found by fuzzing, by memory limits and by looking."""

import pathlib
import struct

import pytest
from PIL import Image

from liveresize import errors
from liveresize.core.formats import Format
from liveresize.imaging import decode, webp

from . import samples, uploads


@pytest.mark.parametrize(
    "message",
    [
        "broken data stream when writing image file",
        "Failed to encode image: Encoding of color planes failed",
        "Failed to encode image: Encoding of alpha planes failed",
        "encoding error 1",
        "encoding error 2: Out of memory while writing partition",
        "can't allocate picture frame",
        "Failed to decode frame 0: Out of memory",
    ],
)
@pytest.mark.parametrize("kind", [OSError, ValueError, RuntimeError])
def test_starved_encoders_are_no_damage(message: str, kind: type[Exception]) -> None:
    """Encoders that run out of memory call it many names; the picture is not to blame."""
    with pytest.raises(errors.MemoryExceeded), decode.translated():
        raise kind(message)


@pytest.mark.parametrize(
    "message", ["broken data stream when reading image file", "encoding error 6: bad dimension"]
)
def test_damage_is_no_want_of_memory(message: str) -> None:
    """What a decoder says of a broken file stays UnreadableImage."""
    with pytest.raises(errors.UnreadableImage), decode.translated():
        raise OSError(message)


def lossy(width: int, height: int) -> bytes:
    """A WebP whose header claims a size, with hardly any pixels behind it."""
    frame = b"\x10\x02\x00\x9d\x01\x2a" + struct.pack("<HH", width, height) + bytes(30)
    return uploads.riff(uploads.riff_chunk(b"VP8 ", frame))


@pytest.mark.parametrize("size", [(0, 0), (0, 7), (7, 0), (16_383, 5)])
def test_webp_headers_without_pixels(tmp_path: pathlib.Path, size: tuple[int, int]) -> None:
    """A WebP that claims any size and holds nothing is refused, not decoded."""
    path = tmp_path / "a.webp"
    path.write_bytes(lossy(*size))
    with pytest.raises((errors.UnreadableImage, errors.UnsupportedImage, errors.ImageTooLarge)):
        samples.rendered(path, width=5, format=Format.JPEG)


def test_a_webp_canvas_that_its_picture_does_not_fill(tmp_path: pathlib.Path) -> None:
    """Where the extended header says another size than the picture, it is refused."""
    data = bytearray(uploads.telling_webp())
    assert data[12:16] == b"VP8X"
    data[24:27] = (5_000).to_bytes(3, "little")
    path = tmp_path / "a.webp"
    path.write_bytes(data)
    with pytest.raises((errors.UnreadableImage, errors.UnsupportedImage)):
        samples.rendered(path, width=5, format=Format.JPEG)


def test_metadata_lengths_that_point_outside(tmp_path: pathlib.Path) -> None:
    """A chunk that claims more bytes than there are is left out, and the picture shown."""
    data = uploads.saved(uploads.photo(), "WEBP")
    path = tmp_path / "a.webp"
    path.write_bytes(uploads.riff(data[12:], b"EXIF" + struct.pack("<I", 2**31) + b"short"))
    if webp.opened(path) is not None:
        assert samples.rendered(path, width=9, format=Format.JPEG)[1].width == 9


def test_a_gif_hole_in_the_first_frame_alone(tmp_path: pathlib.Path) -> None:
    """An AVIF of an animation whose frames differ in transparency keeps every hole."""
    holed = Image.new("RGBA", (40, 20), (200, 30, 30, 255))
    solid = holed.copy()
    holed.paste((0, 0, 0, 0), (0, 0, 20, 20))
    path = tmp_path / "a.webp"
    solid.save(path, save_all=True, append_images=[holed, solid], duration=50, lossless=True)
    data = samples.rendered(path, format=Format.GIF)[0].data
    path = tmp_path / "a.gif"
    path.write_bytes(data)
    for output in (Format.AVIF, Format.WEBP):
        _, shown = samples.rendered(path, width=20, format=output)
        found = []
        for index in range(3):
            shown.seek(index)
            shown.load()
            found.append(shown.convert("RGBA").getpixel((3, 3))[3] > 127)
        assert found == [True, False, True]
