"""Encoding finished frames: pixels are sRGB, which is implied, or have the profile of Display P3.

The only metadata are rights.
"""

import contextlib
import io
from collections.abc import Iterator
from typing import Any, TypeVar

from PIL import Image, ImageFile

from liveresize import errors
from liveresize.core.formats import Format
from liveresize.imaging import (
    avif_times,
    display_p3,
    frame_sequence,
    gif_headers,
    jxl_encoder,
    palette,
    png,
    rights,
)
from liveresize.imaging.settings import EngineSettings

T = TypeVar("T")

FULL_CHROMA_FROM = 90
"""From this quality on, colour keeps its full resolution: who asks for it wants to see it."""

JPEG_PIXEL = 6
"""The most bytes a pixel of a JPEG; black and white noise at quality 100 takes 4.8."""

PNG_LEVEL = {"fast": 3, "balanced": 6, "small": 7}

PALETTE_LEVEL = 9
"""For indices, of which there are few: as quick as level 6 of zlib, and 1 % smaller."""

WEBP_METHOD = {"fast": 2, "balanced": 4, "small": 6}
JXL_EFFORT = {"fast": 3, "balanced": 3, "small": 5}
AVIF_SPEED = {"fast": 9, "balanced": 8, "small": 6}

AVIF_QUICK = 9
AVIF_LARGE = 500_000
"""From so many pixels on `balanced` means AVIF_QUICK: a third of the time, for 4 % more bytes
at the same SSIM. Small pictures would pay 13 %, which is more than WebP takes.
"""


def still(
    picture: Image.Image,
    output: Format,
    level: int,
    settings: EngineSettings,
    *,
    indexed: bool = False,
    kept: rights.Rights = rights.NONE,
    wide: bool = False,
) -> bytes:
    """`picture` (L, LA, RGB or RGBA) as one file that says the rights `kept`; its info is lost.

    `level` is the quality 0–100 of lossy formats; `indexed` asks PNG for a palette
    where nobody can tell; `wide` says that colours are in Display P3.

    Raises ImageTooLarge when a side is more than the format holds, and what
    `decode.translated` knows how to read.
    """
    check_side(picture, output)
    # Plugins write along what they find there.
    picture.info = {}
    if output is Format.GIF:
        picture = palette.indexed(picture, dithered=True)
    elif output is Format.PNG and indexed:
        picture = palette.faithful(picture) or picture
    if output is Format.PNG:
        arguments = _told(wide) | kept.saving(output)
        return png.encoded(picture, *_packing(picture.mode, settings), **arguments)
    if output is Format.JXL:
        effort = _either(settings.jxl.effort, JXL_EFFORT[settings.effort])
        return jxl_encoder.encoded(picture, level, effort)
    file = io.BytesIO()
    with room(picture.width * picture.height):
        arguments = _arguments(output, picture, level, settings)
        arguments |= _told(wide) | kept.saving(output)
        picture.save(file, output.name, **arguments)
    return file.getvalue()


def moving(
    frames: Iterator[frame_sequence.Frame],
    output: Format,
    level: int,
    settings: EngineSettings,
    *,
    count: int,
    alpha: bool,
    plays: int,
    kept: rights.Rights = rights.NONE,
    wide: bool = False,
) -> bytes:
    """The frames as one file that says the rights `kept`, played `plays` times (0: for ever).

    There are at most `count` frames, and none has transparency unless `alpha`. Times and
    runs beyond what the format can store become its longest. An AVIF plays for ever:
    Pillow has no way to say anything else. `wide` is as in `still`. Raises UnreadableImage when
    there is no frame, and as `still` does.
    """
    first, how = _film(frames, output, count, alpha)
    check_side(first, output)
    arguments = _arguments(output, first, level, settings) | how | _told(wide)
    arguments |= kept.saving(output)
    if output is Format.WEBP:
        arguments |= {"loop": min(plays, frame_sequence.MOST_LOOPS), "background": (0, 0, 0, 0)}
    elif output is Format.GIF and plays != 1:
        # GIF counts the runs after the first.
        arguments["loop"] = min(max(0, plays - 1), frame_sequence.MOST_LOOPS)
    file = io.BytesIO()
    first.save(file, output.name, **arguments)
    data = file.getvalue()
    if output is Format.GIF:
        return gif_headers.once(data)
    return avif_times.removed(data) if output is Format.AVIF else data


def _film(
    frames: Iterator[frame_sequence.Frame], output: Format, count: int, alpha: bool
) -> tuple[Image.Image, dict[str, Any]]:
    """What Pillow saves, and the arguments that go with it."""
    if output is Format.GIF:
        pictures, how = frame_sequence.gif_frames(frames)
        if pictures:
            return pictures[0], how
    else:
        strip = frame_sequence.FrameSequence(frames, count, output, alpha=alpha)
        if not strip.empty:
            return strip, {"save_all": True, "duration": strip.durations}
    raise errors.UnreadableImage("", "an animation without a frame")


def check_side(picture: Image.Image, output: Format) -> None:
    """Raise ImageTooLarge when a side of `picture` is more than `output` holds."""
    if max(picture.size) > output.max_side:
        raise errors.ImageTooLarge(f"The result is larger than {output.value} can hold.")


@contextlib.contextmanager
def room(pixels: int) -> Iterator[None]:
    """Let Pillow's encoders write a picture of so many pixels in one go.

    libjpeg cannot pause where it optimises, so the buffer must hold the whole file.
    Pillow counts on a byte a pixel or two, which noise and fine print exceed.
    """
    usual = ImageFile.MAXBLOCK
    ImageFile.MAXBLOCK = max(usual, JPEG_PIXEL * pixels)
    try:
        yield
    finally:
        ImageFile.MAXBLOCK = usual


def _arguments(
    output: Format, picture: Image.Image, level: int, settings: EngineSettings
) -> dict[str, Any]:
    """What Pillow is told to save one frame or the first of several."""
    subsampling = "4:4:4" if level >= FULL_CHROMA_FROM else "4:2:0"
    encoder, effort = settings.encoder, settings.effort
    thrifty = effort != "fast"
    match output:
        case Format.JPEG:
            return {
                "quality": max(1, level),
                "subsampling": subsampling,
                "progressive": _either(encoder.jpeg_progressive, thrifty),
                "optimize": _either(encoder.jpeg_optimize, thrifty),
            }
        case Format.WEBP:
            method = _either(encoder.webp_method, WEBP_METHOD[effort])
            return {"quality": level, "method": method}
        case Format.AVIF:
            # One worker has one core, and tiles only help several threads.
            return {
                "quality": level,
                "subsampling": "4:0:0" if picture.mode == "L" else subsampling,
                "speed": _either(encoder.avif_speed, _avif_speed(picture, effort)),
                "max_threads": 1,
                "autotiling": False,
            }
        case Format.GIF | Format.PNG | Format.JXL:
            return {}


def _told(wide: bool) -> dict[str, Any]:
    """What Pillow is told of the colours; without a profile they are sRGB."""
    return {"icc_profile": display_p3.profile()} if wide else {}


def _avif_speed(picture: Image.Image, effort: str) -> int:
    large = picture.width * picture.height >= AVIF_LARGE
    return AVIF_QUICK if large and effort == "balanced" else AVIF_SPEED[effort]


def _packing(mode: str, settings: EngineSettings) -> tuple[int, int]:
    """The level and the strategy of zlib for a PNG."""
    encoder, effort = settings.encoder, settings.effort
    level, strategy = PNG_LEVEL[effort], png.FILTERED
    runs = effort != "small"
    if mode == "P":
        # Of indices the general strategy makes a third less, and there are few bytes.
        strategy, runs = png.DEFAULT, False
        level = level if effort == "fast" else PALETTE_LEVEL
    if _either(encoder.png_run_length, runs):
        strategy = png.RUN_LENGTH
    return _either(encoder.png_level, level), strategy


def _either(chosen: T | None, otherwise: T) -> T:
    return otherwise if chosen is None else chosen
