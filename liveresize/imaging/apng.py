"""Animated PNG as browsers show it: each frame is decoded as a PNG of its own."""

import io
import os
import struct
import zlib
from collections.abc import Iterable

from PIL import Image

from liveresize.imaging import composition, png, structure
from liveresize.imaging.structure import png as chunks

DISPOSALS = (
    composition.Disposal.KEEP,
    composition.Disposal.BACKGROUND,
    composition.Disposal.PREVIOUS,
)
"""What the numbers in a frame control mean."""

DECODING = (b"IHDR", b"PLTE", b"tRNS")
"""The chunks that the pixels of a frame depend on."""


def opened(path: str | os.PathLike[str], max_frames: int) -> Image.Image | None:
    """The PNG at `path` with up to so many frames; None where it announces no animation.

    It is a still where no frame is whole. None also for a broken one.
    """
    data = structure.mapped(path)
    film = chunks.animation(data, max_frames)
    if film is None:
        return None
    pixels = [] if film.frames else film.still
    try:
        still = png.QuickPNG(io.BytesIO(_file(data, film.head, film.size, pixels)))
    except png.NO_PNG:
        return None
    return APNG(data, film, still) if film.frames else still


class APNG(composition.ComposedImage):
    """An opened animation."""

    format = "PNG"
    format_description = "Portable network graphics"
    whole = True
    """As of `png.QuickPNG`, of the frames that have been decoded."""

    def __init__(self, data: memoryview, film: chunks.Animation, still: png.QuickPNG) -> None:
        """`still` is a PNG of the same chunks, whose pixels are not asked for."""
        self._frames = film.frames
        self._head = [span for span in film.head if _kind(data, span) in DECODING]
        opaque = not still.has_transparency_data
        patches = [
            composition.Patch(
                box=frame.box,
                disposal=DISPOSALS[frame.disposal],
                over=frame.over,
                opaque=opaque,
                duration=frame.duration,
            )
            for frame in film.frames
        ]
        super().__init__(data, film.size, still.mode, patches)
        self.palette = still.palette
        self.tile = still.tile  # tells greys of 16 bits from colours
        self.info |= still.info | {"loop": film.plays}
        if self.mode != still.mode:
            self.info.pop("transparency", None)

    def patch_pixels(self, index: int) -> Image.Image:
        frame = self._frames[index]
        left, top, right, bottom = frame.box
        size = right - left, bottom - top
        picture = png.QuickPNG(io.BytesIO(_file(self._data, self._head, size, frame.pixels)))
        whole, self.whole = self.whole, False
        picture.load()
        self.whole = whole and picture.whole
        return picture


def _file(
    data: memoryview,
    head: Iterable[chunks.Span],
    size: chunks.Size,
    pixels: Iterable[chunks.Span],
) -> bytes:
    """A still of `size` with these chunks of the file before its pixels."""
    parts: list[bytes | memoryview] = [chunks.SIGNATURE]
    for start, end in head:
        chunk = data[start:end]
        if _kind(data, (start, end)) == b"IHDR":
            chunk = memoryview(_chunk(b"IHDR", struct.pack(">II", *size) + bytes(chunk[16:-4])))
        parts.append(chunk)
    parts.append(_chunk(b"IDAT", b"".join(data[start:end] for start, end in pixels)))
    return b"".join((*parts, _chunk(b"IEND", b"")))


def _kind(data: memoryview, span: chunks.Span) -> bytes:
    return bytes(data[span[0] + 4 : span[0] + 8])


def _chunk(kind: bytes, payload: bytes) -> bytes:
    check = zlib.crc32(payload, zlib.crc32(kind))
    return struct.pack(">I", len(payload)) + kind + payload + check.to_bytes(4)
