"""HEIC: the primary picture of the file, by libheif.

Pi-heif, which brings libheif, is missing where there is no wheel of it. libheif turns and crops
the picture as its file says; EXIF has no part in that.
"""

import importlib
import io
import os
from typing import Any

from PIL import ImageFile

from liveresize import errors

try:
    pi_heif: Any = importlib.import_module("pi_heif")
except ImportError:
    pi_heif = None
else:
    # One worker has one core, and with more threads libde265 ends the process where memory
    # runs out.
    pi_heif.options.DECODE_THREADS = 1
    pi_heif.options.THUMBNAILS = False
    pi_heif.options.DEPTH_IMAGES = False
    pi_heif.options.AUX_IMAGES = False

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
        self._picture = source[source.primary_index]
        self._size = self._picture.size
        self._mode = self._picture.mode.replace(PREMULTIPLIED, "RGBA")
        if "icc_profile" in self._picture.info:
            self.info["icc_profile"] = self._picture.info["icc_profile"]
        self.tile = []

    def load(self) -> Any:
        """Decode the picture, unless it is decoded."""
        picture, self._picture = self._picture, None
        if picture is not None:
            data = picture.data
            self._size = picture.size
            shown, self._mode = self._mode, picture.mode
            self.load_prepare()
            self.frombytes(data, "raw", (picture.mode, picture.stride))
            if shown != self._mode:
                self.im, self._mode = self.im.convert(shown), shown
            del data, picture
            self.fp = None
        return super().load()
