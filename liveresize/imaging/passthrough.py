"""Not sending more bytes than the original has, where it shows the very same."""

import mmap
import os

from PIL import Image

from liveresize import errors
from liveresize.core.values import Fit
from liveresize.imaging import apng, cleaning, decode, effects, gif, render_plan, rights

FORMATS = ("jpeg", "png", "webp", "gif")
"""Formats whose files are cleaned by leaving out what does not show."""

MODES = ("1", "L", "LA", "I;16", "P", "RGB", "RGBA")
"""Modes that every client can show: CMYK is not among them."""


def as_stored(image: Image.Image, task: render_plan.RenderPlan) -> bool:
    """Whether the cleaned original would do as the result: same format, same pixels.

    An animated PNG would not, not even one of a single frame: its default image may be another.
    Nor would a GIF with a frame of no size, which some decoders refuse.
    """
    rendition = task.rendition
    kind = decode.source_format(image)
    return (
        kind == task.output.value
        and kind in FORMATS
        and not isinstance(image, apng.APNG)
        and not (isinstance(image, gif.GIF) and image.has_empty_frames)
        and task.turn == 1
        and task.profile is None
        and image.mode in MODES
        and not effects.filters(rendition)
        and task.uncut
        and rendition.overlay is None
        and task.plan().output == task.stored
        and rendition.fit is not Fit.CANVAS
        and not rendition.radius
        and not any(rendition.pad)
        and task.frames == decode.frame_count(image, task.frames + 1)
    )


def smaller(
    path: str | os.PathLike[str],
    image: Image.Image,
    data: bytes,
    kept: rights.Rights,
    *,
    hdr: bool = False,
) -> bytes:
    """The original with no other metadata than the rights `kept` if that is smaller than `data`,
    else `data`.

    With `hdr` it keeps its gain map.
    """
    if os.path.getsize(path) > 2 * len(data):
        return data  # what is dropped is hardly ever as much as what shows
    with open(path, "rb") as file:
        stored = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    try:
        kind = decode.source_format(image)
        clean = b"".join(cleaning.cleaned(kind, stored, 1, kept, hdr=hdr))
    except errors.UnreadableImage:
        return data
    return min(clean, data, key=len)
