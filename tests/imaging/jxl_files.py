"""JPEG XL files for tests, encoded by the libjxl that decodes them."""

import ctypes
from collections.abc import Mapping, Sequence
from typing import Any

from PIL import Image

from liveresize.imaging import libjxl

LINEAR, SRGB, PQ, HLG = 8, 13, 16, 18
"""Transfers."""

BT709, BT2020, P3 = 1, 9, 11
"""Primaries."""

ALPHA, BITS = 0, 8
ROOM = 1 << 22

Colours = tuple[int, int]
"""Primaries and transfer."""


class _FrameHeader(ctypes.Structure):
    _fields_ = (("duration", ctypes.c_uint32), ("rest", ctypes.c_byte * 256))


def encoded(
    picture: Image.Image,
    *,
    distance: float = 0.0,
    orientation: int = 1,
    colours: Colours = (BT709, SRGB),
    icc: bytes = b"",
    peak: float = 0.0,
    bits: int = BITS,
    levels: bytes = b"",
    premultiplied: bool = False,
    container: bool = False,
    boxes: Sequence[tuple[bytes, bytes, bool]] = (),
    frames: int = 1,
    black: bool = False,
) -> bytes:
    """`picture` (L, LA, RGB or RGBA) as JPEG XL; lossless with a `distance` of 0.

    `levels` replace its pixels where there are more than 8 `bits`: two bytes each, of the
    full range. `boxes` are types, contents, and whether these are compressed by Brotli.
    """
    jxl = _Encoder()
    bands = picture.getbands()
    alpha = bands[-1] == "A"
    info = libjxl.BasicInfo()
    jxl.functions.JxlEncoderInitBasicInfo(ctypes.byref(info))
    info.width, info.height = picture.size
    info.bits, info.orientation = bits, orientation
    info.original_profile = not distance
    info.colours = len(bands) - alpha
    info.extras = alpha + black
    info.alpha_bits = bits * alpha
    info.peak = peak
    if frames > 1:
        info.animation = 1
        # Behind the size of a preview: ticks a second.
        ctypes.c_uint32.from_buffer(info.rest, 16).value = 10
        ctypes.c_uint32.from_buffer(info.rest, 20).value = 1
    jxl.call("UseContainer", container or bool(boxes))
    if boxes:
        jxl.call("UseBoxes")
    jxl.call("SetCodestreamLevel", 10)
    jxl.call("SetBasicInfo", ctypes.byref(info))
    if premultiplied:
        jxl.extra(0, ALPHA, bits, premultiplied)
    if black:
        jxl.extra(alpha, libjxl.BLACK, bits)
    if icc:
        jxl.call("SetICCProfile", icc, ctypes.c_size_t(len(icc)))
    else:
        primaries, transfer = colours
        space = libjxl.GREY_SPACE if info.colours == 1 else 0
        colour = libjxl.Colour(space, libjxl.D65, (0, 0), primaries, (0,) * 6, transfer, 0, 0)
        jxl.call("SetColorEncoding", ctypes.byref(colour))
    for kind, content, packed in boxes:
        jxl.call("AddBox", kind, content, ctypes.c_size_t(len(content)), packed)
    form = libjxl.PixelFormat(len(bands), 3 if bits > BITS else libjxl.BYTES, 1, 0)
    data = levels or picture.tobytes()
    jxl.picture(form, data, {"lossless": not distance, "distance": distance}, frames, black)
    return jxl.output()


class _Encoder:
    """Calls of the encoder in libjxl; each must succeed."""

    def __init__(self) -> None:
        found = libjxl.load()
        assert found is not None
        self.functions = found
        found.JxlEncoderCreate.restype = ctypes.c_void_p
        found.JxlEncoderFrameSettingsCreate.restype = ctypes.c_void_p
        self._handle = ctypes.c_void_p(found.JxlEncoderCreate(None))

    def call(self, name: str, *arguments: Any, on: Any = None) -> None:
        """Call a function of the encoder, or of something else that it has made."""
        told = getattr(self.functions, f"JxlEncoder{name}")(on or self._handle, *arguments)
        assert told == 0, (name, self.functions.JxlEncoderGetError(self._handle))

    def extra(self, index: int, kind: int, bits: int, premultiplied: bool = False) -> None:
        """Declare an extra channel."""
        channel = libjxl.ExtraChannel()
        self.functions.JxlEncoderInitExtraChannelInfo(kind, ctypes.byref(channel))
        ctypes.c_uint32.from_buffer(channel, 4).value = bits
        ctypes.c_int.from_buffer(channel, 20).value = premultiplied
        self.call("SetExtraChannelInfo", ctypes.c_size_t(index), ctypes.byref(channel))

    def picture(
        self,
        form: libjxl.PixelFormat,
        data: bytes,
        how: Mapping[str, float],
        frames: int,
        black: bool,
    ) -> None:
        """Add the pixels, as often as there are frames."""
        settings = ctypes.c_void_p(self.functions.JxlEncoderFrameSettingsCreate(self._handle, None))
        self.call("SetFrameLossless", int(how["lossless"]), on=settings)
        self.call("SetFrameDistance", ctypes.c_float(how["distance"]), on=settings)
        if frames > 1:
            header = _FrameHeader()
            self.functions.JxlEncoderInitFrameHeader(ctypes.byref(header))
            header.duration = 1
            self.call("SetFrameHeader", ctypes.byref(header), on=settings)
        for _ in range(frames):
            size = ctypes.c_size_t(len(data))
            self.call("AddImageFrame", ctypes.byref(form), data, size, on=settings)
            if black:
                one = libjxl.PixelFormat(1, form.type, 1, 0)
                plane = bytes(len(data) // form.channels)
                rest = (plane, ctypes.c_size_t(len(plane)), 0)
                self.call("SetExtraChannelBuffer", ctypes.byref(one), *rest, on=settings)
        self.functions.JxlEncoderCloseInput(self._handle)

    def output(self) -> bytes:
        """The file."""
        room = ctypes.create_string_buffer(ROOM)
        place = ctypes.c_void_p(ctypes.addressof(room))
        left = ctypes.c_size_t(ROOM)
        self.call("ProcessOutput", ctypes.byref(place), ctypes.byref(left))
        self.functions.JxlEncoderDestroy(self._handle)
        return room.raw[: ROOM - left.value]
