"""JPEG XL out: one still, encoded by libjxl in one thread.

libjxl asks for planes through the allocator that it is given, and says where it gets none. What
its C++ asks for beside them ends the process where there is none. So as much as an encoding takes
at most is asked for, and given back, before it begins: memory that is short shows there.
"""

import ctypes
import weakref

from PIL import Image

from liveresize.imaging import libjxl

TAKES = (79, 97)
"""Bytes for each pixel that encoding takes at most, without alpha and with, at any effort that the
settings allow; measured with noise at the highest quality."""

BESIDE = 10_000_000
"""What it takes whatever the size of the picture, in bytes."""

FINEST = 0.1
"""The least distance from the picture, in what an eye can tell: at 0 libjxl would leave its lossy
mode, for files that are many times as large."""

CHUNK = 256 * 1024
"""Bytes of the file that are taken at a time."""


def encoded(picture: Image.Image, level: int, effort: int) -> bytes:
    """`picture` (L, LA, RGB or RGBA, in sRGB) as a file of the quality `level`, 0–100.

    Alpha is without loss. Raises MemoryError where memory is short, and OSError.
    """
    alpha = picture.mode.endswith("A")
    libjxl.memory().probe(BESIDE + TAKES[alpha] * picture.width * picture.height)
    encoder = _Encoder()
    encoder.begin(picture.size, len(picture.getbands()) - alpha, alpha=alpha)
    encoder.add(picture, level, effort, alpha=alpha)
    return encoder.file()


class _Encoder:
    """The encoding of one file. Raises MemoryError, and OSError where libjxl refuses a call."""

    def __init__(self) -> None:
        found = libjxl.encoder()
        if found is None:
            raise OSError("there is no libjxl that encodes")
        self._library = found
        self._refused = libjxl.memory().refused
        self._handle = found.JxlEncoderCreate(ctypes.byref(libjxl.memory()))
        if not self._handle:
            raise MemoryError
        weakref.finalize(self, found.JxlEncoderDestroy, self._handle)

    def begin(self, size: tuple[int, int], colours: int, *, alpha: bool) -> None:
        """Tell what picture comes."""
        info = libjxl.BasicInfo()
        self._library.JxlEncoderInitBasicInfo(ctypes.byref(info))
        info.width, info.height = size
        info.bits, info.colours = 8, colours
        info.extras, info.alpha_bits = int(alpha), 8 * alpha
        info.original_profile = 0
        self._call("SetBasicInfo", self._handle, ctypes.byref(info))
        srgb = libjxl.Colour(
            space=libjxl.GREY_SPACE if colours == 1 else 0,
            white=libjxl.D65,
            primaries=libjxl.SRGB_PRIMARIES,
            transfer=libjxl.SRGB_TRANSFER,
        )
        self._call("SetColorEncoding", self._handle, ctypes.byref(srgb))

    def add(self, picture: Image.Image, level: int, effort: int, *, alpha: bool) -> None:
        """Give it the pixels."""
        frame = self._library.JxlEncoderFrameSettingsCreate(self._handle, None)
        if not frame:
            raise MemoryError
        distance = max(FINEST, self._library.JxlEncoderDistanceFromQuality(level))
        self._call("FrameSettingsSetOption", frame, libjxl.EFFORT, effort)
        self._call("SetFrameDistance", frame, distance)
        if alpha:
            self._call("SetExtraChannelDistance", frame, 0, 0.0)
        order = libjxl.PixelFormat(len(picture.getbands()), libjxl.BYTES, 0, 0)
        pixels = picture.tobytes()
        self._call("AddImageFrame", frame, ctypes.byref(order), pixels, len(pixels))
        self._library.JxlEncoderCloseInput(self._handle)

    def file(self) -> bytes:
        """Encode, and return the file."""
        parts = []
        room = ctypes.create_string_buffer(CHUNK)
        told = libjxl.NEED_MORE_OUTPUT
        while told == libjxl.NEED_MORE_OUTPUT:
            place, left = ctypes.c_void_p(ctypes.addressof(room)), ctypes.c_size_t(CHUNK)
            told = self._library.JxlEncoderProcessOutput(
                self._handle, ctypes.byref(place), ctypes.byref(left)
            )
            parts.append(ctypes.string_at(room, CHUNK - left.value))
        self._check("ProcessOutput", told)
        return b"".join(parts)

    def _call(self, name: str, *arguments: object) -> None:
        self._check(name, getattr(self._library, f"JxlEncoder{name}")(*arguments))

    def _check(self, name: str, told: int) -> None:
        if told == libjxl.SUCCESS:
            return
        if libjxl.memory().refused > self._refused:
            raise MemoryError
        raise OSError(f"libjxl: {name} says {told:#x}")
