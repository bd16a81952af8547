"""HEIC: the primary picture of the file, by libheif.

Pi-heif, which brings libheif, is missing where there is no wheel of it. libheif turns and crops
the picture as its file says; EXIF has no part in that. It decodes nothing smaller. In bytes for
each pixel, the decoded picture included, it takes 7.1 (4:2:0, 8 bits), 9 (4:4:4), 15.5 (10 bits,
or with alpha) or 3.4 (grey), and 20 MB.
"""

import importlib
import io
import os
from typing import Any

from PIL import ImageFile

from liveresize import errors

Size = tuple[int, int]


class Picture:
    """A picture of a file that pi-heif has opened, in place of pi-heif's own class.

    That one asks for metadata, thumbnails and more, of all pictures at once, and crashes for some
    that are damaged.
    """

    def __init__(self, decoder: Any) -> None:
        """`decoder` is libheif's handle of the picture."""
        self.size, self.mode = decoder.size_mode
        self.info = {"primary": bool(decoder.primary)}
        self._decoder = decoder

    @property
    def profile(self) -> bytes | None:
        """Its ICC profile."""
        known = self._decoder.color_profile
        return known["data"] if known and known["type"] in ("rICC", "prof") else None

    def pixels(self) -> tuple[memoryview, Size, int]:
        """The decoded pixels, their (width, height), and the bytes of a row."""
        data = self._decoder.data
        size, _ = self._decoder.size_mode
        return data, size, self._decoder.stride


try:
    pi_heif: Any = importlib.import_module("pi_heif")
except ImportError:
    pi_heif = None
else:
    # One worker has one core, and with more threads libde265 ends the process where memory
    # runs out.
    pi_heif.options.DECODE_THREADS = 1
    pi_heif.heif.HeifImage = Picture

DAMAGED = (OSError, ValueError, SyntaxError, EOFError, IndexError)
"""What pi-heif raises for a file that libheif refuses."""

PREMULTIPLIED = "RGBa"


def available() -> bool:
    """Whether HEIC can be decoded here."""
    return pi_heif is not None


def opened(path: str | os.PathLike[str]) -> "HeifImage":
    """The HEIC at `path`, its header read. Raises UnreadableImage."""
    with open(path, "rb") as file:
        data = file.read()
    try:
        return HeifImage(io.BytesIO(data))
    except DAMAGED as exc:
        raise errors.UnreadableImage("", f"{type(exc).__name__}: {exc}") from exc


class HeifImage(ImageFile.ImageFile):
    """An opened HEIC."""

    format = "HEIF"
    format_description = "High efficiency image"

    def _open(self) -> None:
        assert self.fp is not None
        source = pi_heif.HeifFile(self.fp, remove_stride=False)
        self._picture: Picture | None = source[source.primary_index]
        self._size = self._picture.size
        self._mode = self._picture.mode.replace(PREMULTIPLIED, "RGBA")
        if self._picture.profile is not None:
            self.info["icc_profile"] = self._picture.profile
        self.tile = []

    def load(self) -> Any:
        """Decode the picture, unless it is decoded."""
        picture, self._picture = self._picture, None
        if picture is not None:
            data, self._size, stride = picture.pixels()
            shown, self._mode = self._mode, picture.mode
            self.load_prepare()
            self.frombytes(data, "raw", (picture.mode, stride))
            if shown != self._mode:
                self.im, self._mode = self.im.convert(shown), shown
            del data, picture
            self.fp = None
        return super().load()
