"""libjxl, the reference decoder of JPEG XL, out of the wheels of imagecodecs.

What imagecodecs itself decodes comes without its ICC profile, with alpha multiplied in where
it is stored so, and wants numpy in each worker: 130 MB of address space. So its module is
opened as a plain library here, to call the functions of libjxl that it is linked against.
"""

import ctypes
import functools
import importlib.util
import pathlib
import weakref
from dataclasses import dataclass
from typing import IO

from liveresize import errors

PACKAGE, MODULE = "imagecodecs", "_jpegxl.*"
"""The package, and its file that is linked against libjxl."""

OLDEST = 9_000
"""0.9.0, since which the functions take what they are given here."""

CHUNK = 256 * 1024
"""Bytes of the file that are read at a time, at least."""

SUCCESS, ERROR, NEED_MORE_INPUT, NEED_PIXELS = 0, 1, 2, 5
BASIC_INFO, COLOUR, FULL_IMAGE = 0x40, 0x100, 0x1000
"""What the decoder answers, and tells of."""

OF_PIXELS = 1
"""The colours of what is decoded, which need not be those of what was encoded."""

BYTES = 2
"""Levels of 0 to 255, whatever the file has."""

BLACK = 5
"""The kind of extra channel that makes a picture CMYK."""

GREY_SPACE = 1
D65, SRGB_PRIMARIES, SRGB_TRANSFER, LINEAR = 1, 1, 13, 8
HDR_TRANSFERS = (16, 18)
"""PQ and HLG."""

MOST = 10_000.0
"""What PQ can say at most, in cd/m²: written where nobody knows what there is."""


_Allocate = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t)
_Free = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p)


class _Memory(ctypes.Structure):
    """Memory from the C library; `refused` says how often there was none for libjxl.

    It answers both that and damage with the same error.
    """

    _fields_ = (("opaque", ctypes.c_void_p), ("allocate", _Allocate), ("free", _Free))

    def __init__(self) -> None:
        self.refused = 0
        c = ctypes.CDLL(None)
        c.malloc.argtypes, c.malloc.restype = (ctypes.c_size_t,), ctypes.c_void_p
        c.free.argtypes, c.free.restype = (ctypes.c_void_p,), None

        def allocate(_: object, size: int) -> int | None:
            place: int | None = c.malloc(size)
            self.refused += place is None
            return place

        super().__init__(None, _Allocate(allocate), _Free(lambda _, place: c.free(place)))


class _BasicInfo(ctypes.Structure):
    _fields_ = (
        *((name, ctypes.c_int) for name in ("container", "width", "height", "bits", "exponent")),
        *((name, ctypes.c_float) for name in ("peak", "darkest")),
        ("relative", ctypes.c_int),
        ("linear_below", ctypes.c_float),
        *((name, ctypes.c_int) for name in ("original_profile", "preview", "animation")),
        *((name, ctypes.c_int) for name in ("orientation", "colours", "extras", "alpha_bits")),
        # Room for what else there is, and for what later versions add.
        ("rest", ctypes.c_byte * 256),
    )


class _Colour(ctypes.Structure):
    _fields_ = (
        ("space", ctypes.c_int),
        ("white", ctypes.c_int),
        ("white_xy", ctypes.c_double * 2),
        ("primaries", ctypes.c_int),
        ("primaries_xy", ctypes.c_double * 6),
        ("transfer", ctypes.c_int),
        ("gamma", ctypes.c_double),
        ("intent", ctypes.c_int),
    )


class _ExtraChannel(ctypes.Structure):
    _fields_ = (("kind", ctypes.c_int), ("rest", ctypes.c_byte * 128))


class _PixelFormat(ctypes.Structure):
    _fields_ = (
        ("channels", ctypes.c_uint32),
        ("type", ctypes.c_int),
        ("endianness", ctypes.c_int),
        ("align", ctypes.c_size_t),
    )


@functools.cache
def library() -> ctypes.CDLL | None:
    """The library, its functions declared; None where there is none, or an old one."""
    spec = importlib.util.find_spec(PACKAGE)
    folders = spec.submodule_search_locations if spec else None
    for folder in folders or ():
        for path in sorted(pathlib.Path(folder).glob(MODULE)):
            try:
                return _declared(ctypes.CDLL(str(path)))
            except (OSError, AttributeError):
                continue
    return None


@functools.cache
def _memory() -> _Memory:
    """The memory of all decoders, which must outlive them."""
    return _Memory()


def version() -> str:
    """The version of the library, such as `0.11.2`; "" where there is none."""
    found = library()
    if found is None:
        return ""
    number = found.JxlDecoderVersion()
    return f"{number // 1_000_000}.{number // 1_000 % 1_000}.{number % 1_000}"


def _declared(found: ctypes.CDLL) -> ctypes.CDLL | None:
    """`found`, told what its functions take. Raises AttributeError where one is missing."""
    found.JxlDecoderVersion.restype = ctypes.c_uint32
    if found.JxlDecoderVersion() < OLDEST:
        return None
    pointer, size, number = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int
    found.JxlDecoderCreate.restype = pointer
    found.JxlDecoderReleaseInput.restype = size
    for name, *arguments in (
        ("Create",),  # of the memory
        ("Destroy",),
        ("SubscribeEvents", number),
        ("ProcessInput",),
        ("SetInput", ctypes.c_char_p, size),
        ("ReleaseInput",),
        ("CloseInput",),
        ("GetBasicInfo", pointer),
        ("GetExtraChannelInfo", size, pointer),
        ("GetColorAsEncodedProfile", number, pointer),
        ("SetPreferredColorProfile", pointer),
        ("SetUnpremultiplyAlpha", number),
        ("GetICCProfileSize", number, pointer),
        ("GetColorAsICCProfile", number, pointer, size),
        ("ImageOutBufferSize", pointer, pointer),
        ("SetImageOutBuffer", pointer, pointer, size),
    ):
        getattr(found, f"JxlDecoder{name}").argtypes = (pointer, *arguments)
    return found


@dataclass(frozen=True, slots=True)
class Header:
    """What the header tells of a picture that is already turned upright.

    `profile` is the ICC profile of the pixels, empty for sRGB; `peak` the brightest light of
    PQ and HLG in cd/m², 0 where the file does not say it.
    """

    size: tuple[int, int]
    mode: str
    profile: bytes
    peak: float
    animated: bool


class Decoder:
    """The decoding of one file, in one thread. Raises OSError for damage, and MemoryError."""

    def __init__(self, file: IO[bytes]) -> None:
        """Decode what is in `file`, of which nothing is read yet."""
        found = library()
        assert found is not None
        self._library, self._file = found, file
        self._refused = _memory().refused
        self._handle = found.JxlDecoderCreate(ctypes.byref(_memory()))
        if not self._handle:
            raise MemoryError
        weakref.finalize(self, found.JxlDecoderDestroy, self._handle)
        self._given = b""
        self._call("SubscribeEvents", BASIC_INFO | COLOUR | FULL_IMAGE)
        self._call("SetUnpremultiplyAlpha", 1)

    def header(self) -> Header:
        """Read as far as the pixels. Raises UnreadableImage for CMYK."""
        self._until(BASIC_INFO)
        info = _BasicInfo()
        self._call("GetBasicInfo", ctypes.byref(info))
        for index in range(info.extras):
            extra = _ExtraChannel()
            self._call("GetExtraChannelInfo", index, ctypes.byref(extra))
            if extra.kind == BLACK:
                raise errors.UnreadableImage("JPEG XL in CMYK is not supported.")
        self._mode = ("L" if info.colours == 1 else "RGB") + ("A" if info.alpha_bits else "")
        self._until(COLOUR)
        colour = self._colour()
        if colour.transfer == LINEAR and not info.original_profile:
            # 256 levels of light are too few for shadows; lossy files convert to anything.
            colour.primaries, colour.transfer = SRGB_PRIMARIES, SRGB_TRANSFER
            self._call("SetPreferredColorProfile", ctypes.byref(colour))
            colour = self._colour()
        hdr = colour.transfer in HDR_TRANSFERS and info.peak < MOST
        return Header(
            size=(info.width, info.height),
            mode=self._mode,
            profile=b"" if _is_srgb(colour) else self._profile(),
            peak=info.peak if hdr else 0.0,
            animated=bool(info.animation),
        )

    def pixels(self) -> bytearray:
        """Decode the picture behind the header, row by row in the mode that the header told."""
        self._until(NEED_PIXELS)
        order = ctypes.byref(_PixelFormat(len(self._mode), BYTES, 0, 0))
        size = ctypes.c_size_t()
        self._call("ImageOutBufferSize", order, ctypes.byref(size))
        pixels = bytearray(size.value)
        place = (ctypes.c_char * len(pixels)).from_buffer(pixels)
        self._call("SetImageOutBuffer", order, place, size)
        self._until(FULL_IMAGE)
        return pixels

    def _colour(self) -> _Colour:
        """The colours of the pixels as libjxl names them; nothing in it where it has no name."""
        colour = _Colour()
        self._library.JxlDecoderGetColorAsEncodedProfile(
            self._handle, OF_PIXELS, ctypes.byref(colour)
        )
        return colour

    def _profile(self) -> bytes:
        size = ctypes.c_size_t()
        self._call("GetICCProfileSize", OF_PIXELS, ctypes.byref(size))
        profile = ctypes.create_string_buffer(size.value)
        self._call("GetColorAsICCProfile", OF_PIXELS, profile, size)
        return profile.raw

    def _until(self, event: int) -> None:
        """Go on up to this event."""
        while (told := self._library.JxlDecoderProcessInput(self._handle)) != event:
            if told != NEED_MORE_INPUT:
                if _memory().refused > self._refused:
                    raise MemoryError
                raise OSError(f"libjxl: {told:#x} instead of {event:#x}")
            left = self._library.JxlDecoderReleaseInput(self._handle)
            more = self._file.read(max(CHUNK, left))
            if not more:
                raise OSError(f"libjxl: the file ends before {event:#x}")
            self._given = self._given[len(self._given) - left :] + more
            self._call("SetInput", self._given, len(self._given))

    def _call(self, name: str, *arguments: object) -> None:
        """Call a function that has no reason to fail."""
        told = getattr(self._library, f"JxlDecoder{name}")(self._handle, *arguments)
        if told != SUCCESS:
            raise OSError(f"libjxl: {name} says {told:#x}")


def _is_srgb(colour: _Colour) -> bool:
    primaries = SRGB_PRIMARIES if colour.space == GREY_SPACE else colour.primaries
    told = colour.white, primaries, colour.transfer
    return told == (D65, SRGB_PRIMARIES, SRGB_TRANSFER)
