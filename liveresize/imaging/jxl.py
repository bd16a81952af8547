"""JPEG XL for Pillow: stills, decoded by libjxl.

The header of the picture says how it is turned; the Exif beside it has no say in that.
"""

from typing import Any

from PIL import Image, ImageFile

from liveresize import errors
from liveresize.imaging import libjxl
from liveresize.imaging.structure import jxl as structure

FORMAT = "JXL"


class JXLImageFile(ImageFile.ImageFile):
    """An opened JPEG XL, upright.

    `peak` is the brightest light of PQ and HLG in cd/m², 0 where the file does not say it.
    """

    format = FORMAT
    format_description = "JPEG XL"
    peak = 0.0
    _decoder: libjxl.Decoder | None = None

    def _open(self) -> None:
        """Read the header. Raises UnreadableImage for an animation, CMYK and a damaged file."""
        assert self.fp is not None
        self._decoder = libjxl.Decoder(self.fp)
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
    if libjxl.library() is None:
        return False
    Image.register_open(FORMAT, JXLImageFile, structure.accept)
    return True
