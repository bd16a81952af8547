"""The limit of a picture's pixels, and the sentence about a picture beyond it."""

import re

from PIL import Image

from liveresize import errors

LIMIT = "megapixels; the limit is"
"""Words of the sentence that who knows the setting may replace by its name."""

_OF_PILLOW = re.compile(r"\((?P<pixels>[0-9]+) pixels\).* (?P<most>[0-9]+) pixels")


def check(width: int, height: int, most: int) -> None:
    """Raise ImageTooLarge, with the figures, for more than `most` pixels."""
    if width * height > most:
        raise _refusal(
            f"This picture of {width}x{height} pixels",
            width * height,
            most,
            f"{width}x{height}, at most {most} pixels",
        )


def told_by_pillow(
    error: Image.DecompressionBombError | Image.DecompressionBombWarning,
) -> errors.ImageTooLarge:
    """Return our error for what Pillow refuses before it tells width and height."""
    figures = _OF_PILLOW.search(str(error))
    if figures is None:
        return errors.ImageTooLarge("", str(error))
    return _refusal("This picture", int(figures["pixels"]), int(figures["most"]), str(error))


def _refusal(noun: str, pixels: int, most: int, detail: str) -> errors.ImageTooLarge:
    sentence = f"{noun} has {pixels / 1e6:.1f} {LIMIT} {most / 1e6:g}."
    return errors.ImageTooLarge(sentence, detail)
