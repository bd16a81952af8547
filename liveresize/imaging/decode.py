"""Opening pictures: what they are and how large, before a single pixel is decoded.

Everything that Pillow and the codecs behind it raise becomes one of our errors here, in
`translated`.
"""

import contextlib
import functools
import importlib
import mmap
import os
import struct
import warnings
import zlib
from collections.abc import Iterator

from PIL import (
    AvifImagePlugin,
    GifImagePlugin,
    Image,
    JpegImagePlugin,
    PngImagePlugin,
    UnidentifiedImageError,
    WebPImagePlugin,
)

from liveresize import errors
from liveresize.imaging.options import ImagingOptions

# One worker has one core: more decoder threads only take turns on it.
AvifImagePlugin.DEFAULT_MAX_THREADS = 1

PILLOW_NAMES = {
    "jpeg": JpegImagePlugin.JpegImageFile.format,
    "png": PngImagePlugin.PngImageFile.format,
    "webp": WebPImagePlugin.WebPImageFile.format,
    "gif": GifImagePlugin.GifImageFile.format,
    "avif": AvifImagePlugin.AvifImageFile.format,
    "tiff": "TIFF",
    "bmp": "BMP",
    "heif": "HEIF",
    "jxl": "JXL",
}
"""Our names of formats → Pillow's. A camera's MPO is opened as the JPEG it begins with."""

PLUGINS = {
    "tiff": ("PIL.TiffImagePlugin", ""),
    "bmp": ("PIL.BmpImagePlugin", ""),
    "heif": ("pillow_heif", "register_heif_opener"),
    "jxl": ("pillow_jxl", ""),
}
"""Formats that are off unless listed: module and, where it takes one, the call that registers."""

DAMAGE = (
    OSError,
    ValueError,
    SyntaxError,
    RuntimeError,
    LookupError,
    TypeError,
    AttributeError,
    AssertionError,
    EOFError,
    ArithmeticError,
    BufferError,
    struct.error,
    zlib.error,
)
"""What Pillow has been seen to raise for pictures that are damaged or made to do harm."""

ORIENTATION_TAG = 0x0112


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep Pillow's warnings in: remarks on bad EXIF and half-full limits are no news."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@contextlib.contextmanager
def translated() -> Iterator[None]:
    """Turn whatever the codecs raise into an ImageError, and keep their warnings in.

    Raises UnsupportedImage for what is no image of an accepted format, UnreadableImage
    for a damaged one, ImageTooLarge for one beyond the limits, MemoryExceeded, and
    OriginalMissing where there is no file.
    """
    try:
        with quiet():
            yield
    except errors.LiveResizeError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as exc:
        raise errors.ImageTooLarge("", str(exc)) from exc
    except UnidentifiedImageError as exc:
        raise errors.UnsupportedImage("", str(exc)) from exc
    except FileNotFoundError as exc:
        raise errors.OriginalMissing("", str(exc)) from exc
    except MemoryError as exc:
        raise errors.MemoryExceeded("", str(exc)) from exc
    except DAMAGE as exc:
        detail = f"{type(exc).__name__}: {exc}"
        if _out_of_memory(str(exc)):
            raise errors.MemoryExceeded("", detail) from exc
        raise errors.UnreadableImage("", detail) from exc


def _out_of_memory(message: str) -> bool:
    """Whether a codec tells in words that memory ran out (1 is what libwebp calls it)."""
    return (
        "out of memory" in message.lower()
        or message.startswith("encoding error 1:")
        or (message == "encoding error 1")
    )


@contextlib.contextmanager
def open_picture(
    path: str | os.PathLike[str], options: ImagingOptions, max_pixels: int
) -> Iterator[Image.Image]:
    """Open the picture at `path` for as long as the context lasts.

    Only the header has been read by then. Raises UnsupportedImage for a format that
    `options.formats` does not list, UnreadableImage for a side of 0 and ImageTooLarge
    above `max_pixels` (width × height) or `options.max_side`.
    """
    usual = Image.MAX_IMAGE_PIXELS
    # Some plugins make room for the canvas as they open, and GIF frames may widen it
    # later; both ask this global, and raise above twice its value.
    Image.MAX_IMAGE_PIXELS = (max_pixels + 1) // 2
    try:
        with translated():
            image = Image.open(path, formats=accepted(options.formats))
        with image:
            _check_size(image.size, options.max_side, max_pixels)
            yield image
    finally:
        Image.MAX_IMAGE_PIXELS = usual


@functools.cache
def accepted(formats: tuple[str, ...]) -> tuple[str, ...]:
    """Pillow's names of those of `formats` whose plugin is there."""
    return tuple(PILLOW_NAMES[name] for name in formats if name in PILLOW_NAMES and _ready(name))


def _ready(name: str) -> bool:
    """Load the plugin of an optional format; whether it is installed."""
    if name not in PLUGINS:
        return True
    module, register = PLUGINS[name]
    try:
        plugin = importlib.import_module(module)
    except ImportError:
        return False
    if register:
        getattr(plugin, register)()
    return True


def _check_size(size: tuple[int, int], max_side: int, max_pixels: int) -> None:
    width, height = size
    if width <= 0 or height <= 0:
        raise errors.UnreadableImage("", f"{width}x{height}")
    if max(size) > max_side or width * height > max_pixels:
        raise errors.ImageTooLarge("", f"{width}x{height}, at most {max_pixels} pixels")


def source_format(image: Image.Image) -> str:
    """Our name of the format of an opened picture, such as `jpeg`."""
    name = image.format or ""
    return "jpeg" if name == "MPO" else name.lower()


def orientation(image: Image.Image) -> int:
    """The EXIF orientation 1–8 of an opened picture; anything odd is 1.

    XMP is honoured where EXIF says nothing. No pixels are decoded: of a PNG, what
    stands behind them does not count. The first answer stays, whatever is loaded later.
    """
    try:
        with quiet():
            # Not `image.getexif()`: that of a PNG decodes it whole to look behind it.
            value = Image.Image.getexif(image).get(ORIENTATION_TAG, 1)
    except DAMAGE:
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def upright_size(image: Image.Image) -> tuple[int, int]:
    """(width, height) in pixels once the orientation is applied."""
    width, height = image.size
    return (height, width) if orientation(image) >= 5 else (width, height)


def has_alpha(image: Image.Image) -> bool:
    """Whether the (first frame of the) picture can be transparent somewhere."""
    with translated():
        return image.has_transparency_data


def frame_count(image: Image.Image, limit: int) -> int:
    """How many frames the picture has, counted no further than `limit`; 1 for a still.

    A header may claim frames that are not there. The pages of a document and the other
    pictures in a camera's JPEG are not frames.
    """
    kind = source_format(image)
    if kind == "gif":
        with translated():
            return max(1, _gif_frames(image, limit))
    if kind in ("png", "webp", "avif"):
        return max(1, min(limit, getattr(image, "n_frames", 1)))
    return 1


def _gif_frames(image: Image.Image, limit: int) -> int:
    """Count image descriptors by walking over the blocks of the file.

    Pillow's own `n_frames` has no limit, and builds objects for each of 40,000 frames.
    """
    with (
        open(image.filename, "rb") as file,  # type: ignore[attr-defined]
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data,
    ):
        frames, at, end = 0, 13 + _gif_palette(data[10]), len(data)
        while at < end and frames < limit:
            introducer = data[at]
            if introducer == 0x2C and at + 10 < end:
                frames += 1
                at = _gif_blocks_end(data, at + 11 + _gif_palette(data[at + 9]))
            elif introducer == 0x21:
                at = _gif_blocks_end(data, at + 2)
            elif introducer == 0x3B:
                break
            else:
                at += 1  # as Pillow does, skip what is no block
        return frames


def _gif_palette(flags: int) -> int:
    """The size in bytes of the palette that these flags announce."""
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _gif_blocks_end(data: mmap.mmap, at: int) -> int:
    """Where the chain of sub-blocks that starts at `at` ends."""
    end = len(data)
    while at < end and data[at]:
        at += data[at] + 1
    return at + 1
