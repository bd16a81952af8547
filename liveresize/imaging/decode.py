"""Opening pictures: what they are and how large, before a single pixel is decoded.

Everything that Pillow and the codecs behind it raise becomes one of our errors here, in
`translated`.
"""

import contextlib
import functools
import importlib
import math
import os
import re
import struct
import warnings
import zlib
from collections.abc import Iterator
from typing import Any

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
from liveresize.core.formats import TITLES
from liveresize.imaging import (
    apng,
    avif,
    cicp,
    gif,
    heif,
    memory,
    naming,
    pixel_limit,
    png,
    structure,
    tiff,
    webp,
)
from liveresize.imaging.settings import EngineSettings

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
    "tiff": "PIL.TiffImagePlugin",
    "bmp": "PIL.BmpImagePlugin",
    "jxl": "liveresize.imaging.jxl",
}
"""Formats that are off unless listed, and the module that opens them."""

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

PADDING = 63
"""By how many pixels HEIC stores a side longer than it is shown, at most: blocks are coded."""

_MAX_SIDE = 65_535
"""The longest side that is decoded, in pixels."""


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
        raise pixel_limit.told_by_pillow(exc) from exc
    except UnidentifiedImageError as exc:
        raise errors.UnsupportedImage("", str(exc)) from exc
    except FileNotFoundError as exc:
        raise errors.OriginalMissing("", str(exc)) from exc
    except MemoryError as exc:
        raise errors.MemoryExceeded("", str(exc)) from exc
    except DAMAGE as exc:
        detail = f"{type(exc).__name__}: {exc}"
        if STARVED.search(str(exc)):
            raise errors.MemoryExceeded("", detail) from exc
        raise errors.UnreadableImage("", detail) from exc


STARVED = re.compile(
    r"out of memory"
    r"|^memory allocation error(?!: security limit)"  # libheif
    r"|^encoding error [12](:|$)"  # libwebp: no memory for the picture, for the file
    r"|^can't allocate "
    r"|^broken data stream when writing"  # libjpeg and zlib, who are given good pixels
    r"|(Conversion to YUV|Encoding of (color|alpha) planes) failed",  # libavif, likewise
    re.IGNORECASE,
)
"""What codecs say where memory has run out."""


def loaded(image: Image.Image) -> Image.Image:
    """`image`, its pixels in memory; of a still all else that decoding took is given back."""
    image.load()
    if isinstance(image, AvifImagePlugin.AvifImageFile) and image.n_frames == 1:
        image._decoder = None  # holds the planes that the pixels were made of
    return image


@contextlib.contextmanager
def open_picture(
    path: str | os.PathLike[str], settings: EngineSettings, max_pixels: int
) -> Iterator[Image.Image]:
    """Open the picture at `path` for as long as the context lasts.

    Only the header has been read by then. What the codecs raise while it lasts is translated.
    Whether there is memory to decode it is for the caller to check, see `memory`.
    Raises UnsupportedImage for a format that `formats.input` does not list, UnreadableImage
    for a damaged picture of one that it lists and for a side of 0, ImageTooLarge above
    `max_pixels` (width × height) or 65,535 a side, WorkExceeded for a file whose structure
    asks for more work than its pixels do, and UnreadableImage for an animated JPEG XL, one
    in CMYK, or planes of a TIFF that would come out wrong.
    """
    constraints = settings.constraints
    usual = Image.MAX_IMAGE_PIXELS
    # Some plugins make room for the canvas as they open, and GIF frames may widen it
    # later; both ask this global, and raise above twice its value.
    Image.MAX_IMAGE_PIXELS = (max_pixels + 1) // 2
    try:
        with _named(path, settings.formats.input), translated():
            tally = structure.counted(path, settings.formats.input, constraints.max_frames + 1)
            memory.check_opening(tally)
            image = _opened(path, settings.formats.input, max_pixels, tally)
            with image:
                _check_size(image.size, max_pixels)
                if isinstance(image, avif.CroppedAvif):
                    _check_size(image.coded, max_pixels)
                    tally.frame_pixels = max(tally.frame_pixels, math.prod(image.coded))
                tally.check_work(max(constraints.max_input_pixels, image.width * image.height))
                image.tally = tally  # type: ignore[attr-defined]
                tally.peak = tally.peak or getattr(image, "peak", 0.0)
                if source_format(image) == "tiff":
                    tiff.settle(image)
                colours = cicp.of(image, tally)
                if colours is not None:
                    image.info["cicp"] = colours
                yield image
    finally:
        Image.MAX_IMAGE_PIXELS = usual


@contextlib.contextmanager
def _named(path: str | os.PathLike[str], formats: tuple[str, ...]) -> Iterator[None]:
    """Say what the file is where it cannot be opened or decoded, and which formats can be.

    Raises UnreadableImage for a damaged file of one of `formats`, instead of UnsupportedImage.
    """
    try:
        yield
    except (errors.UnreadableImage, errors.UnsupportedImage) as exc:
        if exc.args and exc.args[0]:
            raise  # explained
        can = [name for name in formats if name in PILLOW_NAMES and _ready(name)]
        title = naming.title(structure.mapped(path))
        if title in (TITLES[name] for name in can):
            public = f"The picture is a damaged {title} and cannot be decoded."
            raise errors.UnreadableImage(public, exc.detail) from exc
        if isinstance(exc, errors.UnsupportedImage):
            raise errors.UnsupportedImage(naming.refusal(title, can), exc.detail) from exc
        raise


def _opened(
    path: str | os.PathLike[str], formats: tuple[str, ...], max_pixels: int, tally: structure.Tally
) -> Image.Image:
    """The picture, its header read by whoever does it best."""
    if tally.codec == structure.HEVC and "heif" in formats and heif.available():
        for size in filter(None, (tally.size, tally.coded)):
            _check_size((max(1, size[0] - PADDING), max(1, size[1] - PADDING)), max_pixels)
        if tally.cut_off:
            raise errors.UnreadableImage("", "heif: a part of the picture is missing")
        return heif.opened(path)
    if tally.aperture and "avif" in formats:
        part = avif.cropped(path, tally.aperture)
        if part is not None:
            return part
    ours = webp.opened(path) if "webp" in formats else None
    if ours is None and "png" in formats:
        ours = apng.opened(path, tally.max_frames) or png.opened(path)
    if ours is None and "gif" in formats:
        ours = gif.opened(path, tally.max_frames)
    by_pillow = tuple(name for name in accepted(formats) if name != heif.HeifImage.format)
    return ours or Image.open(path, formats=by_pillow)


@functools.cache
def accepted(formats: tuple[str, ...]) -> tuple[str, ...]:
    """Pillow's names of those of `formats` whose plugin is there."""
    return tuple(PILLOW_NAMES[name] for name in formats if name in PILLOW_NAMES and _ready(name))


def _ready(name: str) -> bool:
    """Load what opens an optional format; whether it is installed."""
    if name == "heif":
        return heif.available()
    if name not in PLUGINS:
        return True
    try:
        plugin: Any = importlib.import_module(PLUGINS[name])
    except ImportError:
        return False
    if name == "jxl":
        return bool(plugin.register())
    return True


def _check_size(size: tuple[int, int], max_pixels: int) -> None:
    width, height = size
    if width <= 0 or height <= 0:
        raise errors.UnreadableImage("", f"{width}x{height}")
    pixel_limit.check(width, height, max_pixels)
    if max(size) > _MAX_SIDE:
        raise errors.ImageTooLarge(
            f"This picture of {width}x{height} pixels is too long; the limit is {_MAX_SIDE} a side."
        )


def source_format(image: Image.Image) -> str:
    """Our name of the format of an opened picture, such as `jpeg`."""
    name = image.format or ""
    return "jpeg" if name == "MPO" else name.lower()


def orientation(image: Image.Image) -> int:
    """The EXIF orientation 1–8 of an opened picture; anything odd is 1.

    Like browsers, this ignores the orientation in XMP. No pixels are decoded: the EXIF behind
    the pixels of a PNG does not count. The first answer stays, whatever is loaded later.
    """
    if source_format(image) == "tiff":
        return 1  # Pillow turns these itself, and has told their upright size
    known: int | None = getattr(image, "exif_orientation", None)
    if known is None:
        known = _exif_orientation(image.info.get("exif"))
        image.exif_orientation = known  # type: ignore[attr-defined]
    return known


def _exif_orientation(block: bytes | None) -> int:
    """The orientation in a block of EXIF; 1 where it says none or makes no sense."""
    if not block:
        return 1
    exif = Image.Exif()
    try:
        with quiet():
            # Not `image.getexif()`, which takes XMP for EXIF, and decodes a PNG to its end.
            exif.load(block)
            value = exif.get(ORIENTATION_TAG, 1)
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
    if source_format(image) in ("png", "webp", "avif", "gif"):
        return max(1, min(limit, getattr(image, "n_frames", 1)))
    return 1


def frame_pixels(image: Image.Image) -> int:
    """The pixels that decoding one of its frames takes: its own, or more where frames lie
    outside of the picture or are larger than it says."""
    return max(image.width * image.height, _tally(image).frame_pixels)


def _tally(image: Image.Image) -> structure.Tally:
    """What `open_picture` has counted."""
    tally: structure.Tally = image.tally  # type: ignore[attr-defined]
    return tally
