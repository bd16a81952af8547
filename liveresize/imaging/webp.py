"""Still WebP pictures, decoded straight into place and smaller where that will do.

Pillow decodes every WebP as an animation, at four times the memory of its pixels. The
libwebp that Pillow has loaded can do better: it is asked through its stable C interface.
Where it cannot be found (`LIBRARY` is None) Pillow decodes stills too.
"""

import ctypes
import functools
import os
import pathlib
import re
import struct
from collections.abc import Iterator
from typing import IO, Any

from PIL import Image, ImageFile, WebPImagePlugin

MAPS = pathlib.Path("/proc/self/maps")
"""What is loaded into this process, and from where."""

LOADED = re.compile(r"(/\S*/libwebp[-.][^/\s]*)$", re.MULTILINE)

ABI = 0x0209
"""Layout of the structures below; libwebp refuses another major version (high byte)."""

OUT_OF_MEMORY = 1
LOSSLESS = 2
RGBA = 1
"""Numbers of libwebp's own: a status, a bitstream format and a pixel layout."""

ANIMATION, EXTENDED = 0x02, b"VP8X"
FLAGS_AT = 20
"""Where a file that begins with VP8X says whether it moves."""

METADATA = {b"ICCP": "icc_profile", b"EXIF": "exif", b"XMP ": "xmp"}

Size = tuple[int, int]


class _Features(ctypes.Structure):
    _fields_ = [
        ("width", ctypes.c_int),
        ("height", ctypes.c_int),
        ("has_alpha", ctypes.c_int),
        ("has_animation", ctypes.c_int),
        ("format", ctypes.c_int),
        ("pad", ctypes.c_uint32 * 5),
    ]


class _Buffer(ctypes.Structure):
    """The part for RGBA of a union whose other part is larger."""

    _fields_ = [
        ("colorspace", ctypes.c_int),
        ("width", ctypes.c_int),
        ("height", ctypes.c_int),
        ("is_external_memory", ctypes.c_int),
        ("pixels", ctypes.c_void_p),
        ("stride", ctypes.c_int),
        ("size", ctypes.c_size_t),
        ("other", ctypes.c_uint8 * 56),
        ("pad", ctypes.c_uint32 * 4),
        ("private_memory", ctypes.c_void_p),
    ]


class _Options(ctypes.Structure):
    _fields_ = [
        ("bypass_filtering", ctypes.c_int),
        ("no_fancy_upsampling", ctypes.c_int),
        ("use_cropping", ctypes.c_int),
        ("crop", ctypes.c_int * 4),
        ("use_scaling", ctypes.c_int),
        ("scaled_width", ctypes.c_int),
        ("scaled_height", ctypes.c_int),
        ("use_threads", ctypes.c_int),
        ("dithering_strength", ctypes.c_int),
        ("flip", ctypes.c_int),
        ("alpha_dithering_strength", ctypes.c_int),
        ("pad", ctypes.c_uint32 * 5),
    ]


class _Config(ctypes.Structure):
    _fields_ = [("input", _Features), ("output", _Buffer), ("options", _Options)]


@functools.cache
def _library() -> Any:
    """The libwebp of this process; None where there is none that we can talk to."""
    try:
        found = LOADED.search(MAPS.read_text())
        library = ctypes.CDLL(found[1]) if found else None
    except OSError:
        return None
    if library is None:
        return None
    library.WebPInitDecoderConfigInternal.argtypes = [ctypes.POINTER(_Config), ctypes.c_int]
    library.WebPGetFeaturesInternal.argtypes = [
        ctypes.c_char_p,
        ctypes.c_size_t,
        ctypes.POINTER(_Features),
        ctypes.c_int,
    ]
    library.WebPDecode.argtypes = [ctypes.c_char_p, ctypes.c_size_t, ctypes.POINTER(_Config)]
    known = library.WebPInitDecoderConfigInternal(ctypes.byref(_Config()), ABI)
    return library if known else None


def is_still(head: bytes) -> bool:
    """Whether a file that begins with these 30 bytes is a WebP that does not move."""
    if not WebPImagePlugin._accept(head) or len(head) <= FLAGS_AT:
        return False
    return head[12:16] != EXTENDED or not head[FLAGS_AT] & ANIMATION


def opened(path: str | os.PathLike[str]) -> Image.Image | None:
    """The still WebP at `path`, its header read; None where it is anything else.

    Raises SyntaxError for a damaged header.
    """
    if _library() is None:
        return None
    with open(path, "rb") as file:
        if not is_still(file.read(30)):
            return None
        file.seek(0)
        return StillWebP(file, os.fspath(path))


class StillWebP(ImageFile.ImageFile):
    """An opened still. `draft` makes it decode smaller, as that of a JPEG does."""

    format = WebPImagePlugin.WebPImageFile.format
    format_description = "WebP image"
    n_frames = 1

    def __init__(self, file: IO[bytes], name: str) -> None:
        self._data = b""
        super().__init__(file, name)

    def _open(self) -> None:
        assert self.fp is not None
        self._data = self.fp.read()
        features = _Features()
        status = _library().WebPGetFeaturesInternal(
            self._data, len(self._data), ctypes.byref(features), ABI
        )
        if status:
            raise SyntaxError(f"libwebp: status {status} from the header")
        self._size = self.coded = features.width, features.height
        if not min(self._size):
            raise SyntaxError("libwebp: no size")
        self._mode = "RGBA" if features.has_alpha else "RGB"
        self.lossless = features.format == LOSSLESS
        for kind, payload in _chunks(self._data):
            if kind in METADATA and payload:
                self.info.setdefault(METADATA[kind], payload)

    @property
    def scales(self) -> bool:
        """Whether it can be decoded smaller."""
        return self.mode != "RGBA" or self.lossless

    def draft(self, mode: str | None, size: Size | None) -> tuple[str, Any] | None:
        """Decode to `size` instead; as Pillow's, with the box of the whole picture.

        Not where colour lies under half-transparent pixels: of lossy files libwebp
        would average it in.
        """
        if not self._data or size is None or not self.scales:
            return None
        self._size = size
        return self.mode, (0, 0, *size)

    def load(self) -> Any:
        """Decode, once. Raises OSError for damage and MemoryError."""
        if self._data:
            pixels = _decoded(self._data, self.size, self.size != self.coded)
            self._data = b""
            # Not Image.frombuffer, which copies all that is not called RGBX.
            core: Any = Image.core  # type: ignore[attr-defined]
            self.im = core.map_buffer(pixels, self.size, "raw", 0, (self.mode, 0, 1))
        return super().load()


def _decoded(data: bytes, size: Size, scaled: bool) -> bytearray:
    """The pixels of the file, four bytes each, `scaled` to `size` where that is another."""
    library, config = _library(), _Config()
    library.WebPInitDecoderConfigInternal(ctypes.byref(config), ABI)
    config.options.use_scaling = scaled
    config.options.scaled_width, config.options.scaled_height = size
    pixels = bytearray(4 * size[0] * size[1])
    config.output.colorspace = RGBA
    config.output.is_external_memory = 1
    config.output.pixels = ctypes.addressof(ctypes.c_char.from_buffer(pixels))
    config.output.stride = 4 * size[0]
    config.output.size = len(pixels)
    status = library.WebPDecode(data, len(data), ctypes.byref(config))
    if status == OUT_OF_MEMORY:
        raise MemoryError("libwebp: out of memory")
    if status:
        raise OSError(f"libwebp: status {status}")
    return pixels


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The RIFF chunks that are not pixels, as (name, payload), as far as they are whole."""
    end = min(len(data), 8 + struct.unpack_from("<I", data, 4)[0])
    at = 12
    while at + 8 <= end:
        kind, size = struct.unpack_from("<4sI", data, at)
        if kind in METADATA and at + 8 + size <= end:
            yield kind, data[at + 8 : at + 8 + size]
        at += 8 + size + (size & 1)
