"""Encoding finished frames, without any metadata: pixels are sRGB, which is implied."""

import contextlib
import io
from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

from PIL import Image, ImageFile

from liveresize import errors
from liveresize.domain.rendition import Format
from liveresize.imaging import animation
from liveresize.imaging.options import Effort, EncoderOptions

T = TypeVar("T")

FULL_CHROMA_FROM = 90
"""From this quality on, colour keeps its full resolution: who asks for it wants to see it."""

JPEG_PIXEL = 6
"""The most bytes a pixel of a JPEG; black and white noise at quality 100 takes 4.8."""

RUN_LENGTH = 3
"""zlib's Z_RLE: four times as fast as level 6, and 2 % larger on photographs."""

PNG_LEVEL = {Effort.FAST: 1, Effort.BALANCED: 6, Effort.SMALL: 9}
WEBP_METHOD = {Effort.FAST: 2, Effort.BALANCED: 4, Effort.SMALL: 6}
AVIF_SPEED = {Effort.FAST: 9, Effort.BALANCED: 8, Effort.SMALL: 6}

GIF_COLOURS = 255
"""One of the 256 is kept for transparency."""

SOLID_FROM = 128
"""GIF knows no half-transparent pixels: alpha at or above this is opaque."""


def encode(
    pictures: Sequence[Image.Image],
    output: Format,
    level: int,
    options: EncoderOptions,
    timing: animation.Timing | None = None,
) -> bytes:
    """The frames (L, LA, RGB or RGBA, all of one size) as one file.

    `level` is the quality 0–100 of lossy formats. `timing` is needed where there is
    more than one frame. Raises ImageTooLarge when a side is more than `output` holds.
    """
    if max(pictures[0].size) > output.max_side:
        raise errors.ImageTooLarge(f"The result is larger than {output.value} can hold.")
    first, *others = (_bare(picture) for picture in pictures)
    if output is Format.GIF:
        first, *others = (_indexed(picture, bool(others)) for picture in (first, *others))
    arguments = _arguments(output, first.mode, level, options)
    if others and timing is not None:
        arguments |= {"save_all": True, "append_images": others}
        arguments |= _timed(output, timing, first)
    file = io.BytesIO()
    with _room(first.width * first.height):
        first.save(file, output.name, **arguments)
    return file.getvalue()


@contextlib.contextmanager
def _room(pixels: int) -> Iterator[None]:
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


def _bare(picture: Image.Image) -> Image.Image:
    """`picture` with nothing attached that a plugin might write along with it."""
    if picture.info:
        picture = picture.copy()
        picture.info = {}
    return picture


def _arguments(output: Format, mode: str, level: int, options: EncoderOptions) -> dict[str, Any]:
    """What Pillow is told to save one frame or the first of several."""
    subsampling = "4:4:4" if level >= FULL_CHROMA_FROM else "4:2:0"
    thrifty = options.effort is not Effort.FAST
    match output:
        case Format.JPEG:
            return {
                "quality": max(1, level),
                "subsampling": subsampling,
                "progressive": _either(options.jpeg_progressive, thrifty),
                "optimize": _either(options.jpeg_optimize, thrifty),
            }
        case Format.PNG:
            runs = _either(options.png_run_length, options.effort is not Effort.SMALL)
            return {
                "compress_level": _either(options.png_level, PNG_LEVEL[options.effort]),
                **({"compress_type": RUN_LENGTH} if runs else {}),
            }
        case Format.WEBP:
            method = _either(options.webp_method, WEBP_METHOD[options.effort])
            return {"quality": level, "method": method}
        case Format.AVIF:
            # One worker has one core, and tiles only help several threads.
            return {
                "quality": level,
                "subsampling": "4:0:0" if mode == "L" else subsampling,
                "speed": _either(options.avif_speed, AVIF_SPEED[options.effort]),
                "max_threads": 1,
                "autotiling": False,
            }
        case Format.GIF:
            return {"optimize": False}


def _either(chosen: T | None, otherwise: T) -> T:
    return otherwise if chosen is None else chosen


def _timed(output: Format, timing: animation.Timing, first: Image.Image) -> dict[str, Any]:
    """How Pillow is told the timing of an animation; AVIF always plays for ever."""
    arguments: dict[str, Any] = {"duration": list(timing.durations)}
    if output is Format.WEBP:
        arguments["loop"] = timing.plays
        arguments["background"] = (0, 0, 0, 0)
    elif output is Format.GIF:
        if timing.plays != 1:
            arguments["loop"] = max(0, timing.plays - 1)
        # See-through frames start from nothing, or what was under them would stay.
        arguments["disposal"] = 2 if "transparency" in first.info else 1
    return arguments


def _indexed(picture: Image.Image, moving: bool) -> Image.Image:
    """`picture` as GIF has it: greys as they are, else 255 colours and one for none.

    Stills are dithered; in a moving picture the dots would flicker and fill the file.
    """
    if picture.mode == "L":
        return picture
    solid = picture.getchannel("A") if picture.mode in ("LA", "RGBA") else None
    colour = picture.convert("RGB")
    palette = colour.quantize(GIF_COLOURS)
    dither = Image.Dither.NONE if moving else Image.Dither.FLOYDSTEINBERG
    indexed = colour.quantize(palette=palette, dither=dither)
    if solid is not None:
        clear = solid.point(lambda alpha: 255 if alpha < SOLID_FROM else 0)
        indexed.paste(GIF_COLOURS, (0, 0), clear)
        indexed.info["transparency"] = GIF_COLOURS
    return indexed
