"""Moving pictures: their frames one by one, and how long each is shown."""

from collections.abc import Iterator

from PIL import Image

from liveresize import errors
from liveresize.imaging import composition, decode
from liveresize.settings.pictures import Constraints

QUICKEST = 11
"""Frames said to last less, in ms, are shown for DEFAULT by every browser."""

DEFAULT = 100

FOREVER = 0


def frames(image: Image.Image, count: int) -> Iterator[Image.Image]:
    """Seek through up to `count` frames, each composed onto those before it.

    The one object comes back each time, loaded, with its `duration` in its info. The film
    ends before a frame that is damaged or not there. Raises what `decode.translated` raises
    for the first frame, and MemoryExceeded for all.
    """
    for index in range(count):
        try:
            with decode.translated():
                image.seek(index)
                image.load()
        except (errors.UnreadableImage, errors.ImageTooLarge):
            if index == 0:
                raise
            return
        yield image


def frame_count(image: Image.Image, constraints: Constraints) -> int:
    """How many frames are worked on: all, or only the first of an animation that is too long."""
    count = decode.frame_count(image, constraints.max_frames + 1)
    pixels = count * decode.frame_pixels(image)
    too_long = count > constraints.max_frames or pixels > constraints.max_animation_pixels
    return 1 if too_long else count


def playable(image: Image.Image, constraints: Constraints) -> int:
    """How many frames of an opened picture play, up to one more than are ever shown.

    All that a rendition would decode are decoded: those of an animation beyond
    `constraints` are not, since it stands still. Raises what `frames` raises.
    """
    count = frame_count(image, constraints)
    if count == 1:
        return decode.frame_count(image, constraints.max_frames + 1)
    return max(1, sum(1 for _ in frames(image, count)))


def duration(image: Image.Image) -> int:
    """How long the frame that was sought last is shown, in ms, as browsers do."""
    value = round(image.info.get("duration", 0))
    return value if value >= QUICKEST else DEFAULT


def may_be_clear(image: Image.Image) -> bool:
    """Whether a frame can be transparent somewhere."""
    if isinstance(image, composition.ComposedImage):
        return image.may_be_clear
    return decode.has_alpha(image)


def plays(image: Image.Image) -> int:
    """How often the animation runs; 0 is for ever."""
    loop = image.info.get("loop")
    if decode.source_format(image) != "gif":
        return int(loop or FOREVER)
    # GIF counts repetitions after the first run, and none is said by saying nothing.
    if loop is None:
        return 1
    return int(loop) + 1 if loop else FOREVER
