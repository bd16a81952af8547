"""JPEG XL for Pillow: stills, decoded by libjxl.

The header of the picture says how it is turned; the Exif beside it has no say in that.
"""

import ctypes
import weakref
from dataclasses import dataclass
from typing import IO, Any

from PIL import Image, ImageFile

from liveresize import errors
from liveresize.imaging import libjxl
from liveresize.imaging.structure import jxl as structure

FORMAT = "JXL"

CHUNK = 256 * 1024
"""Bytes of the file that are read at a time, at least."""

MOST = 10_000.0
"""What PQ can say at most, in cd/m²: written where nobody knows what there is."""


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
        found = libjxl.load()
        assert found is not None
        self._library, self._file = found, file
        self._refused = libjxl.memory().refused
        self._handle = found.JxlDecoderCreate(ctypes.byref(libjxl.memory()))
        if not self._handle:
            raise MemoryError
        weakref.finalize(self, found.JxlDecoderDestroy, self._handle)
        self._given = b""
        self._call("SubscribeEvents", libjxl.BASIC_INFO | libjxl.COLOUR | libjxl.FULL_IMAGE)
        self._call("SetUnpremultiplyAlpha", 1)

    def header(self) -> Header:
        """Read as far as the pixels. Raises UnreadableImage for CMYK."""
        self._until(libjxl.BASIC_INFO)
        info = libjxl.BasicInfo()
        self._call("GetBasicInfo", ctypes.byref(info))
        for index in range(info.extras):
            extra = libjxl.ExtraChannel()
            self._call("GetExtraChannelInfo", index, ctypes.byref(extra))
            if extra.kind == libjxl.BLACK:
                raise errors.UnreadableImage("JPEG XL in CMYK is not supported.")
        self._mode = ("L" if info.colours == 1 else "RGB") + ("A" if info.alpha_bits else "")
        self._until(libjxl.COLOUR)
        colour = self._colour()
        if colour.transfer == libjxl.LINEAR and not info.original_profile:
            # 256 levels of light are too few for shadows; lossy files convert to anything.
            colour.primaries, colour.transfer = libjxl.SRGB_PRIMARIES, libjxl.SRGB_TRANSFER
            self._call("SetPreferredColorProfile", ctypes.byref(colour))
            colour = self._colour()
        hdr = colour.transfer in libjxl.HDR_TRANSFERS and info.peak < MOST
        return Header(
            size=(info.width, info.height),
            mode=self._mode,
            profile=b"" if _is_srgb(colour) else self._profile(),
            peak=info.peak if hdr else 0.0,
            animated=bool(info.animation),
        )

    def pixels(self) -> bytearray:
        """Decode the picture behind the header, row by row in the mode that the header told."""
        self._until(libjxl.NEED_PIXELS)
        order = ctypes.byref(libjxl.PixelFormat(len(self._mode), libjxl.BYTES, 0, 0))
        size = ctypes.c_size_t()
        self._call("ImageOutBufferSize", order, ctypes.byref(size))
        pixels = bytearray(size.value)
        place = (ctypes.c_char * len(pixels)).from_buffer(pixels)
        self._call("SetImageOutBuffer", order, place, size)
        self._until(libjxl.FULL_IMAGE)
        return pixels

    def _colour(self) -> libjxl.Colour:
        """The colours of the pixels as libjxl names them; nothing in it where it has no name."""
        colour = libjxl.Colour()
        self._library.JxlDecoderGetColorAsEncodedProfile(
            self._handle, libjxl.OF_PIXELS, ctypes.byref(colour)
        )
        return colour

    def _profile(self) -> bytes:
        size = ctypes.c_size_t()
        self._call("GetICCProfileSize", libjxl.OF_PIXELS, ctypes.byref(size))
        profile = ctypes.create_string_buffer(size.value)
        self._call("GetColorAsICCProfile", libjxl.OF_PIXELS, profile, size)
        return profile.raw

    def _until(self, event: int) -> None:
        """Go on up to this event."""
        while (told := self._library.JxlDecoderProcessInput(self._handle)) != event:
            if told != libjxl.NEED_MORE_INPUT:
                if libjxl.memory().refused > self._refused:
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
        if told != libjxl.SUCCESS:
            raise OSError(f"libjxl: {name} says {told:#x}")


def _is_srgb(colour: libjxl.Colour) -> bool:
    primaries = libjxl.SRGB_PRIMARIES if colour.space == libjxl.GREY_SPACE else colour.primaries
    told = colour.white, primaries, colour.transfer
    return told == (libjxl.D65, libjxl.SRGB_PRIMARIES, libjxl.SRGB_TRANSFER)


class JXLImageFile(ImageFile.ImageFile):
    """An opened JPEG XL, upright.

    `peak` is the brightest light of PQ and HLG in cd/m², 0 where the file does not say it.
    """

    format = FORMAT
    format_description = "JPEG XL"
    peak = 0.0
    _decoder: Decoder | None = None

    def _open(self) -> None:
        """Read the header. Raises UnreadableImage for an animation, CMYK and a damaged file."""
        assert self.fp is not None
        self._decoder = Decoder(self.fp)
        header = self._decoder.header()
        if header.animated:
            raise errors.UnreadableImage("Animated JPEG XL is not supported.")
        self._size, self._mode, self.peak = header.size, header.mode, header.peak
        if header.profile:
            self.info["icc_profile"] = header.profile

    def load(self) -> Any:
        """Decode, once."""
        decoder, self._decoder = self._decoder, None
        if decoder is not None:
            pixels = decoder.pixels()
            self.im = Image.frombuffer(self.mode, self.size, pixels, "raw", self.mode, 0, 1).im
        return super().load()


def register() -> bool:
    """Let Pillow open JPEG XL; whether there is a decoder."""
    if libjxl.load() is None:
        return False
    Image.register_open(FORMAT, JXLImageFile, structure.accept)
    return True
