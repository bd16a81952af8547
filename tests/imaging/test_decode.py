"""Opening: what is let in, what it is said to be, and what errors become."""

import io
import pathlib
import struct
import warnings
import zlib
from typing import Any

import pytest
from PIL import Image, PngImagePlugin, UnidentifiedImageError

from liveresize import errors
from liveresize.core.formats import Format
from liveresize.imaging import decode, render
from liveresize.imaging.settings import EngineSettings

from . import samples

RAISED = [
    (OSError("image file is truncated"), errors.UnreadableImage),
    (ValueError("odd"), errors.UnreadableImage),
    (SyntaxError("broken PNG file"), errors.UnreadableImage),
    (RuntimeError("odd"), errors.UnreadableImage),
    (NotImplementedError("odd"), errors.UnreadableImage),
    (IndexError("odd"), errors.UnreadableImage),
    (KeyError("odd"), errors.UnreadableImage),
    (TypeError("odd"), errors.UnreadableImage),
    (AttributeError("odd"), errors.UnreadableImage),
    (AssertionError("odd"), errors.UnreadableImage),
    (EOFError("no more"), errors.UnreadableImage),
    (ZeroDivisionError("odd"), errors.UnreadableImage),
    (OverflowError("odd"), errors.UnreadableImage),
    (BufferError("odd"), errors.UnreadableImage),
    (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "odd"), errors.UnreadableImage),
    (struct.error("odd"), errors.UnreadableImage),
    (zlib.error("odd"), errors.UnreadableImage),
    (UnidentifiedImageError("cannot identify"), errors.UnsupportedImage),
    (Image.DecompressionBombError("too large"), errors.ImageTooLarge),
    (Image.DecompressionBombWarning("too large"), errors.ImageTooLarge),
    (MemoryError(), errors.MemoryExceeded),
    (ValueError("encoding error 1"), errors.MemoryExceeded),
    (OSError("out of memory when writing image file"), errors.MemoryExceeded),
    (RuntimeError("Failed to decode frame 0: Out of memory"), errors.MemoryExceeded),
    (ValueError("encoding error 10"), errors.UnreadableImage),
    (FileNotFoundError("gone"), errors.OriginalMissing),
    (errors.BadCrop("as it was"), errors.BadCrop),
]


@pytest.mark.parametrize(("raised", "becomes"), RAISED, ids=lambda value: repr(value)[:40])
def test_every_error_of_a_codec_becomes_ours(
    raised: Exception, becomes: type[errors.LiveResizeError]
) -> None:
    """What Pillow raises becomes one of our errors, with the cause kept for the log."""
    with pytest.raises(becomes) as caught, decode.translated():
        raise raised
    assert type(caught.value) is becomes
    assert caught.value is raised or caught.value.__cause__ is raised


def test_our_own_mistakes_are_not_called_damage() -> None:
    """A NameError is a bug of ours and passes through as one."""
    with pytest.raises(NameError), decode.translated():
        raise NameError("bug")


def test_warnings_of_codecs_stay_in() -> None:
    """No warning of Pillow's gets out, even where warnings are errors."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with decode.translated():
            warnings.warn("Corrupt EXIF data", stacklevel=1)


@pytest.mark.parametrize("suffix", ["jpg", "png", "gif", "webp", "avif"])
def test_a_cut_off_file_raises_only_our_errors(tmp_path: pathlib.Path, suffix: str) -> None:
    """Wherever a file ends too early, the worst is one of our errors."""
    whole = samples.saved(tmp_path / f"whole.{suffix}", samples.scene((24, 18))).read_bytes()
    path = tmp_path / "cut"
    outcomes = set()
    for end in range(0, len(whole), max(1, len(whole) // 150)):
        path.write_bytes(whole[:end])
        try:
            samples.rendered(path, width=10, format=Format.JPEG)
        except errors.ImageError as error:
            outcomes.add(type(error))
    assert {errors.UnsupportedImage, errors.UnreadableImage} >= outcomes
    assert errors.UnsupportedImage in outcomes


@pytest.mark.parametrize("suffix", ["jpg", "png", "gif", "webp", "avif"])
def test_formats_are_told_by_their_bytes(tmp_path: pathlib.Path, suffix: str) -> None:
    """The name of the file means nothing; only listed formats are opened."""
    file = io.BytesIO()
    name = {"jpg": "jpeg"}.get(suffix, suffix)
    Image.new("RGB", (4, 3)).save(file, name.upper())
    path = tmp_path / "picture.txt"
    path.write_bytes(file.getvalue())
    with decode.open_picture(path, samples.SETTINGS, 100) as image:
        assert decode.source_format(image) == name
    others = tuple(other for other in samples.SETTINGS.formats.input if other != name)
    with pytest.raises(errors.UnsupportedImage):
        refused(path, samples.tuned(formats=others), 100)


def test_optional_formats_open_only_when_listed(tmp_path: pathlib.Path) -> None:
    """BMP and TIFF are off by default, and on once listed; a missing plugin is no error."""
    listed = samples.tuned(formats=("bmp", "tiff", "jxl", "nonsense"))
    for suffix in ("bmp", "tiff"):
        path = samples.saved(tmp_path / f"a.{suffix}", Image.new("RGB", (4, 3)))
        with pytest.raises(errors.UnsupportedImage):
            refused(path, samples.SETTINGS, 100)
        with decode.open_picture(path, listed, 100) as image:
            assert decode.source_format(image) == suffix


def test_pixel_and_side_limits_come_before_decoding(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One pixel more than allowed is refused from the header; exactly as many are not."""
    for suffix in ("png", "webp", "jpg"):
        path = samples.saved(tmp_path / f"a.{suffix}", Image.new("RGB", (31, 7)))
        with decode.open_picture(path, samples.SETTINGS, 31 * 7) as image:
            assert image.size == (31, 7)
        with pytest.raises(errors.ImageTooLarge):
            refused(path, samples.SETTINGS, 31 * 7 - 1)
        with monkeypatch.context() as patch:
            patch.setattr(decode, "_MAX_SIDE", 30)
            with pytest.raises(errors.ImageTooLarge):
                refused(path, samples.SETTINGS, 10_000)


def refused(path: pathlib.Path, settings: EngineSettings, max_pixels: int) -> None:
    """Try to open a picture that is not to be opened."""
    with decode.open_picture(path, settings, max_pixels):
        pytest.fail("it was opened")


def test_the_limit_ends_with_the_picture(tmp_path: pathlib.Path) -> None:
    """Pillow's own limit is what it was, once the picture is closed or refused."""
    usual = Image.MAX_IMAGE_PIXELS
    path = samples.saved(tmp_path / "a.png", Image.new("RGB", (31, 7)))
    with decode.open_picture(path, samples.SETTINGS, 500):
        assert Image.MAX_IMAGE_PIXELS == 250
    with pytest.raises(errors.ImageTooLarge):
        refused(path, samples.SETTINGS, 50)
    assert usual == Image.MAX_IMAGE_PIXELS


def test_a_missing_file_is_a_missing_original(tmp_path: pathlib.Path) -> None:
    """A picture that was deleted meanwhile is not called damaged."""
    with pytest.raises(errors.OriginalMissing):
        render.render(tmp_path / "gone", samples.rendition(width=5), samples.SETTINGS)


def png_with(path: pathlib.Path, chunk: bytes, data: bytes, before: bytes) -> pathlib.Path:
    """A 3×2 PNG with one chunk put in before the first one called `before`."""
    file = io.BytesIO()
    Image.new("RGB", (3, 2)).save(file, "PNG")
    whole = file.getvalue()
    at = whole.index(before) - 4
    extra = struct.pack(">I", len(data)) + chunk + data
    extra += struct.pack(">I", zlib.crc32(chunk + data))
    path.write_bytes(whole[:at] + extra + whole[at:])
    return path


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "avif"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_read_from_exif(
    tmp_path: pathlib.Path, suffix: str, orientation: int
) -> None:
    """Orientation and upright size come from the header, in every format that has EXIF."""
    path = tmp_path / f"a.{suffix}"
    samples.saved(path, Image.new("RGB", (6, 4)), exif=samples.exif(orientation))
    with decode.open_picture(path, samples.SETTINGS, 100) as image:
        assert decode.orientation(image) == orientation
        assert decode.upright_size(image) == ((4, 6) if orientation >= 5 else (6, 4))


@pytest.mark.parametrize(
    ("kind", "count", "value"),
    [
        pytest.param(3, 1, b"\x00\x00\x00\x00", id="zero"),
        pytest.param(3, 1, b"\x09\x00\x00\x00", id="nine"),
        pytest.param(2, 4, b"<?p\x00", id="text"),
        pytest.param(11, 1, struct.pack("<f", 6), id="a fraction"),
        pytest.param(99, 1, b"\x06\x00\x00\x00", id="no known type"),
    ],
)
def test_odd_orientations_are_upright(
    tmp_path: pathlib.Path, kind: int, count: int, value: bytes
) -> None:
    """An orientation that is none of 1–8 is 1."""
    entry = struct.pack("<HHI", 0x0112, kind, count) + value
    block = b"Exif\x00\x00II*\x00" + struct.pack("<IH", 8, 1) + entry + bytes(4)
    path = samples.saved(tmp_path / "a.jpg", Image.new("RGB", (6, 4)), exif=block)
    with decode.open_picture(path, samples.SETTINGS, 100) as image:
        assert decode.orientation(image) == 1


def test_broken_exif_is_upright(tmp_path: pathlib.Path) -> None:
    """EXIF that cannot be read is no reason to refuse a picture."""
    broken = b"Exif\x00\x00II*\x00\xff\xff\xff\x7f"
    path = samples.saved(tmp_path / "a.jpg", Image.new("RGB", (6, 4)), exif=broken)
    with decode.open_picture(path, samples.SETTINGS, 100) as image:
        assert decode.orientation(image) == 1


def test_orientation_of_a_png_decodes_nothing(tmp_path: pathlib.Path) -> None:
    """EXIF behind the pixels does not count, neither before nor after they are loaded."""
    tags = samples.exif(6)[6:]
    early = png_with(tmp_path / "early.png", b"eXIf", tags, b"IDAT")
    late = png_with(tmp_path / "late.png", b"eXIf", tags, b"IEND")
    with decode.open_picture(early, samples.SETTINGS, 100) as image:
        assert decode.orientation(image) == 6
    with decode.open_picture(late, samples.SETTINGS, 100) as image:
        assert decode.orientation(image) == 1
        assert image._im is None
        image.load()
        assert decode.orientation(image) == 1


XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><a tiff:Orientation="8"/></x:xmpmeta>'


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "avif"])
def test_orientation_in_xmp_does_not_count(tmp_path: pathlib.Path, suffix: str) -> None:
    """XMP turns nothing, neither alone nor beside EXIF without an orientation."""
    block = Image.Exif()
    block[0x010F] = "a camera"
    how: dict[str, Any] = {"xmp": XMP}
    if suffix == "png":
        text = PngImagePlugin.PngInfo()
        text.add_itxt("XML:com.adobe.xmp", XMP.decode())
        how = {"pnginfo": text}
    for more in ({}, {"exif": block.tobytes()}):
        path = samples.saved(tmp_path / f"a.{suffix}", Image.new("RGB", (6, 4)), **how, **more)
        with decode.open_picture(path, samples.SETTINGS, 100) as image:
            assert XMP in _xmp(image)
            assert decode.orientation(image) == 1
            image.load()
            assert decode.orientation(image) == 1


def _xmp(image: Image.Image) -> bytes:
    """The XMP that Pillow has found."""
    found = image.info.get("xmp") or image.info["XML:com.adobe.xmp"].encode()
    assert isinstance(found, bytes)
    return found


def test_orientation_in_the_xmp_of_a_tiff_does_not_count(tmp_path: pathlib.Path) -> None:
    """Pillow turns a TIFF itself, and must not do it as XMP says."""
    path = samples.saved(tmp_path / "a.tif", Image.new("RGB", (6, 4)), tiffinfo={700: XMP})
    settings = samples.tuned(formats=("tiff",))
    with decode.open_picture(path, settings, 100) as image:
        image.load()
        assert image.size == decode.upright_size(image) == (6, 4)


def test_frames_are_counted_up_to_a_limit(tmp_path: pathlib.Path) -> None:
    """Counting stops at the limit, and leaves the picture at its first frame."""
    frames = [Image.new("L", (5, 4), level) for level in range(0, 250, 25)]
    for suffix in ("gif", "webp", "png", "avif"):
        path = tmp_path / f"a.{suffix}"
        frames[0].save(path, save_all=True, append_images=frames[1:], duration=50)
        with decode.open_picture(path, samples.SETTINGS, 100) as image:
            assert decode.frame_count(image, 100) == 10
            assert decode.frame_count(image, 4) == 4
            assert image.tell() == 0


def test_a_still_has_one_frame(tmp_path: pathlib.Path) -> None:
    """Stills of every format have one frame, and so has a JPEG of several pictures."""
    picture = Image.new("RGB", (5, 4))
    for suffix in ("gif", "webp", "png", "avif", "jpg"):
        with decode.open_picture(
            samples.saved(tmp_path / f"a.{suffix}", picture), samples.SETTINGS, 100
        ) as image:
            assert decode.frame_count(image, 100) == 1
    path = tmp_path / "several.jpg"
    picture.save(path, "MPO", save_all=True, append_images=[Image.new("RGB", (5, 4), "red")])
    with decode.open_picture(path, samples.SETTINGS, 100) as image:
        assert image.format == "MPO"
        assert (decode.source_format(image), decode.frame_count(image, 100)) == ("jpeg", 1)


@pytest.mark.parametrize(
    ("suffix", "mode", "alpha"),
    [
        ("png", "RGBA", True),
        ("png", "LA", True),
        ("png", "RGB", False),
        ("webp", "RGBA", True),
        ("webp", "RGB", False),
        ("avif", "RGBA", True),
        ("jpg", "RGB", False),
        ("jpg", "CMYK", False),
    ],
)
def test_alpha_is_told_from_the_header(
    tmp_path: pathlib.Path, suffix: str, mode: str, alpha: bool
) -> None:
    """Whether a picture can be transparent is known before it is decoded."""
    path = samples.saved(tmp_path / f"a.{suffix}", Image.new(mode, (5, 4)))
    with decode.open_picture(path, samples.SETTINGS, 100) as image:
        assert decode.has_alpha(image) is alpha


def test_a_transparent_colour_is_alpha(tmp_path: pathlib.Path) -> None:
    """A palette entry, a grey or a colour that means transparent counts as alpha."""
    for name, mode, key in [("a.gif", "P", 0), ("a.png", "L", 7), ("b.png", "RGB", (1, 2, 3))]:
        path = samples.saved(tmp_path / name, Image.new(mode, (5, 4)), transparency=key)
        with decode.open_picture(path, samples.SETTINGS, 100) as image:
            assert decode.has_alpha(image)


@pytest.mark.parametrize("suffix", ["jpg", "png", "gif", "webp", "avif"])
def test_a_damaged_picture_is_named(tmp_path: pathlib.Path, suffix: str) -> None:
    """The message says what the file claims to be, unless that format is not accepted."""
    name, title = {"jpg": ("jpeg", "JPEG"), "webp": ("webp", "WebP")}.get(
        suffix, (suffix, suffix.upper())
    )
    whole = samples.saved(tmp_path / f"whole.{suffix}", samples.scene((24, 18))).read_bytes()
    path = tmp_path / "cut"
    others = samples.tuned(
        formats=tuple(other for other in samples.SETTINGS.formats.input if other != name)
    )
    for size in (40, len(whole) // 2):
        path.write_bytes(whole[:size])
        with pytest.raises(errors.UnreadableImage, match=f"a damaged {title} "):
            samples.rendered(path, width=10, format=Format.JPEG)
        with pytest.raises(errors.UnsupportedImage):
            refused(path, others, 10_000)


def test_what_is_no_picture_is_not_called_damaged(tmp_path: pathlib.Path) -> None:
    """Text, a video in the container of AVIF, and less of a file than tells its format."""
    path = tmp_path / "file"
    everything = samples.tuned(formats=(*samples.SETTINGS.formats.input, "heif"))
    video = b"\0\0\0\x18ftypisom\0\0\2\0isommp42" + bytes(200)
    for data in (b"", b"\x89P", b"\xff\xd8", b"hello" * 20, video):
        path.write_bytes(data)
        with pytest.raises(errors.UnsupportedImage):
            refused(path, everything, 10_000)
