"""Moving pictures: their frames one by one, and how long each is shown."""

import contextlib
from collections.abc import Iterator

from PIL import GifImagePlugin, Image

from liveresize.imaging import decode

QUICKEST = 11
"""Frames said to last less, in ms, are shown for DEFAULT by every browser."""

DEFAULT = 100

FOREVER = 0

TO_BACKGROUND = 2
"""The number that GIF has for taking a frame away before the next one comes."""


def frames(image: Image.Image, count: int) -> Iterator[Image.Image]:
    """Seek through up to `count` frames, each composed onto those before it.

    The one object comes back each time, loaded, with its `duration` in its info. A file
    that holds fewer frames than it says ends early; the picture that an APNG shows
    where animation is not understood is left out.
    """
    first = 1 if getattr(image, "default_image", False) else 0
    size = image.size
    for index in range(first, count):
        with contextlib.suppress(EOFError):
            image.seek(index)
            image.load()
            # A GIF frame that leaves the canvas makes Pillow enlarge the picture.
            yield image if image.size == size else image.crop((0, 0, *size))
            if isinstance(image, GifImagePlugin.GifImageFile):
                _uncover(image)
            continue
        return


def _uncover(image: GifImagePlugin.GifImageFile) -> None:
    """Let what the current frame takes away with it be transparent, as browsers do.

    Pillow shows the colour of the background instead, unless a frame is transparent.
    """
    if image.disposal_method != TO_BACKGROUND or not (image.dispose and image.dispose_extent):
        return
    if image.mode != "RGBA":
        image.im = image.convert("RGBA").im
        image._mode = "RGBA"
        image.info.pop("transparency", None)
    left, top, right, bottom = image.dispose_extent
    image.dispose = Image.new("RGBA", (right - left, bottom - top)).im


def duration(image: Image.Image) -> int:
    """How long the frame that was sought last is shown, in ms, as browsers do."""
    value = round(image.info.get("duration", 0))
    return value if value >= QUICKEST else DEFAULT


def may_be_clear(image: Image.Image) -> bool:
    """Whether a frame can be transparent somewhere; of a GIF only its last one tells."""
    return decode.source_format(image) == "gif" or decode.has_alpha(image)


def plays(image: Image.Image) -> int:
    """How often the animation runs; 0 is for ever."""
    loop = image.info.get("loop")
    if decode.source_format(image) != "gif":
        return int(loop or FOREVER)
    # GIF counts repetitions after the first run, and none is said by saying nothing.
    if loop is None:
        return 1
    return int(loop) + 1 if loop else FOREVER
