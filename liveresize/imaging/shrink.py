"""Shrink on load: let the JPEG decoder leave out what the result will not show."""

from PIL import Image, JpegImagePlugin

Size = tuple[int, int]
Box = tuple[float, float, float, float]

MARGIN = 1.5
"""How much larger than the result the decoded pixels must be, at least.

The decoder's own averaging is coarser than Lanczos; what is left for Lanczos to shrink
hides that. Against a full decode, a photograph at this limit scores 46 dB eight times
smaller and 51 dB twice smaller; a margin of 1 scores 40 and 47, one of 2 50 and 53.
"""

FACTORS = (8, 4, 2)


def on_load(image: Image.Image, kept: tuple[float, float], size: Size) -> float:
    """Tell an opened JPEG to decode smaller; returns by how much it will be (1, 2, 4, 8).

    `kept` is the (width, height) of the part that is resized to `size`, all in pixels
    as stored. Coordinates divided by the factor are exact, while the decoded size is
    rounded up: a box scaled to the decoded size would shift the picture.
    """
    if not isinstance(image, JpegImagePlugin.JpegImageFile):
        return 1.0
    room = min(kept[0] / size[0], kept[1] / size[1])
    factor = next((factor for factor in FACTORS if room >= factor * MARGIN), 1)
    if factor == 1:
        return 1.0
    width, height = image.size
    drafted = image.draft(None, (max(1, width // factor), max(1, height // factor)))
    if drafted is None:
        return 1.0
    # Its box is the whole picture, in fractional pixels of what will be decoded.
    return width / drafted[1][2]


def boxed(box: Box, factor: float) -> Box:
    """A box of the picture, in the pixels decoded `factor` times smaller."""
    left, top, right, bottom = box
    return left / factor, top / factor, right / factor, bottom / factor
