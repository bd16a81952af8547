"""libjxl, the reference codec of JPEG XL, out of the wheels of imagecodecs.

What imagecodecs itself decodes comes without its ICC profile, with alpha multiplied in where
it is stored so, and wants numpy in each worker: 130 MB of address space; what it encodes ends the
process where memory is short. So its module is opened as a plain library here, to call the
functions of libjxl that it is linked against.
"""

import contextlib
import ctypes
import functools
import importlib.util
import pathlib

PACKAGE, MODULE = "imagecodecs", "_jpegxl.*"
"""The package, and its file that is linked against libjxl."""

OLDEST = 9_000
"""0.9.0, since which the functions take what they are given here."""

SUCCESS, NEED_MORE_INPUT, NEED_PIXELS = 0, 2, 5
BASIC_INFO, COLOUR, FULL_IMAGE = 0x40, 0x100, 0x1000
"""What the decoder answers, and tells of."""

NEED_MORE_OUTPUT = 2
"""What the encoder answers until all is written."""

EFFORT = 0
"""The option of a frame that says how hard the encoder tries."""

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

Allocate = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t)
Free = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p)


class Memory(ctypes.Structure):
    """Memory from the C library; `refused` says how often there was none for libjxl.

    It answers both that and damage with the same error.
    """

    _fields_ = (("opaque", ctypes.c_void_p), ("allocate", Allocate), ("free", Free))

    def __init__(self) -> None:
        self.refused = 0
        c = ctypes.CDLL(None)
        c.malloc.argtypes, c.malloc.restype = (ctypes.c_size_t,), ctypes.c_void_p
        c.free.argtypes, c.free.restype = (ctypes.c_void_p,), None

        def allocate(_: object, size: int) -> int | None:
            place: int | None = c.malloc(size)
            self.refused += place is None
            return place

        self._c = c
        super().__init__(None, Allocate(allocate), Free(lambda _, place: c.free(place)))

    def probe(self, size: int) -> None:
        """Raise MemoryError unless there are `size` bytes in one piece, which nobody has then."""
        place = self._c.malloc(size)
        if not place:
            with contextlib.suppress(AttributeError):  # of the C library of GNU alone
                self._c.malloc_trim(0)
            place = self._c.malloc(size)
        if not place:
            raise MemoryError
        self._c.free(place)


class BasicInfo(ctypes.Structure):
    """What comes first in a file; the size is that of the upright picture."""

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


class Colour(ctypes.Structure):
    """A colour space as libjxl names it."""

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


class ExtraChannel(ctypes.Structure):
    """A channel beside the colours."""

    _fields_ = (("kind", ctypes.c_int), ("rest", ctypes.c_byte * 128))


class PixelFormat(ctypes.Structure):
    """How pixels are laid out in memory."""

    _fields_ = (
        ("channels", ctypes.c_uint32),
        ("type", ctypes.c_int),
        ("endianness", ctypes.c_int),
        ("align", ctypes.c_size_t),
    )


@functools.cache
def load() -> ctypes.CDLL | None:
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
def memory() -> Memory:
    """The memory of all decoders and encoders, which must outlive them."""
    return Memory()


@functools.cache
def encoder() -> ctypes.CDLL | None:
    """The library, the functions of its encoder declared; None where it has none."""
    found = load()
    if found is None:
        return None
    pointer, size, number = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int
    try:
        found.JxlEncoderCreate.restype = pointer
        found.JxlEncoderFrameSettingsCreate.restype = pointer
        found.JxlEncoderDistanceFromQuality.restype = ctypes.c_float
        found.JxlEncoderDistanceFromQuality.argtypes = (ctypes.c_float,)
        for name, *arguments in (
            ("Create",),  # of the memory
            ("Destroy",),
            ("InitBasicInfo",),
            ("SetBasicInfo", pointer),
            ("SetColorEncoding", pointer),
            ("FrameSettingsCreate", pointer),
            ("FrameSettingsSetOption", number, ctypes.c_int64),  # of frame settings, as below
            ("SetFrameDistance", ctypes.c_float),
            ("SetExtraChannelDistance", size, ctypes.c_float),
            ("AddImageFrame", pointer, pointer, size),
            ("CloseInput",),
            ("ProcessOutput", pointer, pointer),
        ):
            getattr(found, f"JxlEncoder{name}").argtypes = (pointer, *arguments)
    except AttributeError:
        return None
    return found


def version() -> str:
    """The version of the library, such as `0.11.2`; "" where there is none."""
    found = load()
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
