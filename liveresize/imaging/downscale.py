"""Storing less of an upload than was sent: cropped, shrunk, and upright ever after.

The result has the upload's format, profile and rights, and nothing else that the upload told. What
is PQ or HLG becomes sRGB.
"""

import io
from collections.abc import Iterator
from typing import Any

from PIL import Image, JpegImagePlugin

from liveresize.core.formats import Format
from liveresize.imaging import (
    animation,
    cicp,
    colour,
    decode,
    frame_sequence,
    gamma,
    gif_headers,
    modes,
    orientation,
    resize,
    rights,
)
from liveresize.settings.pictures import Constraints

Box = tuple[int, int, int, int]
Size = tuple[int, int]

RUN_LENGTH = 3
"""zlib's Z_RLE: several times as fast on photographs, and hardly larger."""

SETTINGS: dict[str, dict[str, Any]] = {
    "jpeg": {"quality": 95},
    # Photographs of 30 MP must be done within a render's deadline: hence the speeds.
    "png": {"compress_type": RUN_LENGTH},
    "webp": {"quality": 95, "method": 2},
    "avif": {"quality": 90, "speed": 9, "max_threads": 1},
}
"""How each format is written: originals are kept for good, so quality goes first."""

SPACE = slice(16, 20)
"""Where a profile says which colour space it is for."""


def stored_as(image: Image.Image) -> str:
    """Our name of the format that `reduced` makes of an opened picture: its own, but nothing here
    encodes HEIC and JPEG XL."""
    kind = decode.source_format(image)
    if kind in ("heif", "jxl"):
        return "png" if decode.has_alpha(image) else "jpeg"
    return kind


def reduced(
    image: Image.Image,
    exif_orientation: int,
    box: Box,
    size: Size,
    constraints: Constraints,
    kept: rights.Rights = rights.NONE,
) -> bytes:
    """The part `box` of an opened picture, made `size`, encoded in its own format with the rights
    `kept`; HEIC and JPEG XL become JPEG, or PNG with alpha.

    `box` is (left, top, right, bottom) in pixels of the upright picture. An animation
    keeps its frames, unless `constraints` call it too long: then the first. Where pixels
    are resampled, 16 bits a channel become 8 and palettes true colour. Raises what
    `decode.translated` raises.
    """
    with decode.translated():
        kind = stored_as(image)
        settings = _settings(image, kind) | kept.saving(kind)
        # A grey profile fits no colours. (GIF has neither profiles nor grey with alpha.)
        grey = modes.is_grey(image) and kind != "gif"
        count = animation.frame_count(image, constraints)
        if count > 1:
            parts = _parts(image, grey, exif_orientation, box, size, count)
            return _moving(image, kind, parts, count, settings)
        part = _cut(decode.loaded(image), grey, exif_orientation, box, size)
        if part is not image:
            image.close()
        return _saved(_upright(part, exif_orientation), kind, settings)


def _moving(
    image: Image.Image,
    kind: str,
    parts: Iterator[frame_sequence.Frame],
    count: int,
    settings: dict[str, Any],
) -> bytes:
    """An animation, written as its frames are read where the encoder goes over them once."""
    first: Image.Image
    if kind == "gif":
        pictures, how = frame_sequence.gif_frames(parts)
        first, settings = pictures[0], settings | how
    elif kind == "png":
        frames = list(frame_sequence.merged(parts, frame_sequence.LONGEST[Format.PNG]))
        settings |= {
            "save_all": True,
            "append_images": [frame.picture for frame in frames[1:]],
            "duration": [fraction(frame.duration) for frame in frames],
        }
        first = frames[0].picture
    else:
        first = frame_sequence.FrameSequence(
            parts, count, kind, alpha=animation.may_be_clear(image)
        )
        settings |= {"save_all": True, "duration": first.durations}
    if "loop" in image.info:
        settings["loop"] = image.info["loop"]
    data = _saved(first, kind, settings)
    return gif_headers.once(data) if kind == "gif" else data


def fraction(duration: float) -> float:
    """`duration` in ms, rounded until Pillow can write it as a fraction of 16-bit numbers."""
    step = next(step for step in (1, 10, 100, 1000) if duration <= step * 65_535)
    return duration if step == 1 else step * int(duration // step)


def _saved(picture: Image.Image, kind: str, settings: dict[str, Any]) -> bytes:
    out = io.BytesIO()
    picture.save(out, decode.PILLOW_NAMES[kind], **settings)
    return out.getvalue()


def _parts(
    image: Image.Image, grey: bool, exif_orientation: int, box: Box, size: Size, count: int
) -> Iterator[frame_sequence.Frame]:
    """The parts of the frames in one mode, with their durations as the file tells them."""
    mode = "RGBA" if animation.may_be_clear(image) else "RGB"
    for frame in animation.frames(image, count):
        part = _upright(_cut(frame, False, exif_orientation, box, size), exif_orientation)
        part = modes.normalised(part).convert(mode)
        part = modes.thinned(part) if grey else part
        yield frame_sequence.Frame(part, image.info.get("duration", 0))


def _settings(image: Image.Image, kind: str) -> dict[str, Any]:
    """What to tell the encoder: pace, quality, colour."""
    settings = dict(SETTINGS.get(kind, {}))
    profile = gamma.profile(image, to_store=True)
    # Pillow reads 16-bit grey with alpha as RGBA, which a profile for greys does not fit.
    if isinstance(profile, bytes) and (modes.is_grey(image) or profile[SPACE] != b"GRAY"):
        settings["icc_profile"] = profile
    if isinstance(image, JpegImagePlugin.JpegImageFile):
        # What was sampled coarsely stays so; -1 is a way that Pillow has no name for.
        settings["subsampling"] = max(0, JpegImagePlugin.get_sampling(image))
    return settings


def _cut(
    image: Image.Image, grey: bool, exif_orientation: int, box: Box, size: Size
) -> Image.Image:
    """The part of the current frame, resized if need be, as it is stored."""
    left, top, right, bottom = box
    stored = orientation.stored_box((left, top, right, bottom), image.size, exif_orientation)
    if (right - left, bottom - top) == size:
        # Halves cancel out: a box of whole pixels is one of whole pixels.
        frame = image.crop((int(stored[0]), int(stored[1]), int(stored[2]), int(stored[3])))
    else:
        frame = resize.resize(image, stored, orientation.turned_size(size, exif_orientation))
        if grey:
            frame = modes.thinned(frame)
    told: cicp.Cicp | None = image.info.get("cicp")
    if told is not None and told.hdr:
        # There is no profile for it, and not every encoder writes code points.
        frame, _ = colour.to_srgb(modes.normalised(frame), told)
    return frame


def _upright(frame: Image.Image, exif_orientation: int) -> Image.Image:
    """A part upright, told of nothing else but its transparency."""
    frame = orientation.turn(frame, exif_orientation)
    frame.info = {key: frame.info[key] for key in ("transparency",) if key in frame.info}
    return frame
