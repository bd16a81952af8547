"""AVIF with a clean aperture: the part of the coded picture that is shown.

Pillow decodes the whole picture and does not say that there is an aperture.
"""

import os

from PIL import AvifImagePlugin, ImageFile

Size = tuple[int, int]

NO_AVIF = (SyntaxError, ValueError)
"""What is raised for a file that is no AVIF."""


def cropped(path: str | os.PathLike[str], aperture: Size) -> "CroppedAvif | None":
    """The AVIF at `path`, its header read, as large as its aperture; None for anything else."""
    try:
        return CroppedAvif(os.fspath(path), aperture)
    except NO_AVIF:
        return None


class CroppedAvif(AvifImagePlugin.AvifImageFile):
    """An opened AVIF of which the left top corner is shown; `coded` is the size before that."""

    def __init__(self, path: str, aperture: Size) -> None:
        """Show `aperture`, or everything where that does not lie inside the picture."""
        self.coded: Size = (0, 0)
        super().__init__(path)
        self.coded = self.size
        if aperture[0] <= self.width and aperture[1] <= self.height:
            self._size = aperture
            self._corner()

    def seek(self, frame: int) -> None:
        """Select a frame. Raises EOFError."""
        super().seek(frame)
        self._corner()

    def _corner(self) -> None:
        """Let Pillow read a part of each row of what is decoded."""
        if self.tile and self.coded[0]:
            stride = self.coded[0] * len(self.getbands())
            self.tile = [ImageFile._Tile("raw", (0, 0, *self.size), 0, (self.mode, stride, 1))]
