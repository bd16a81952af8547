"""Small originals of our own, for what docs/sample.jpg cannot show."""

import io
import math
from typing import Any

from PIL import Image, ImageDraw, ImageOps

from liveresize.imaging import display_p3
from liveresize.imaging.cleaning import hdr_jpeg
from liveresize.imaging.cleaning.gain_map.gains import Gains

SCALE = 4
"""Shapes are drawn so many times too large and shrunk, which smooths their edges."""

FRAMES = 12


def badge(size: tuple[int, int]) -> bytes:
    """A PNG with a star on a ring, transparent around and between."""
    width, height = (side * SCALE for side in size)
    image = Image.new("RGBA", (width, height), (231, 111, 81, 0))
    pen = ImageDraw.Draw(image)
    line = width // 14
    pen.ellipse((line, line, width - line, height - line), outline=(38, 70, 83, 255), width=line)
    points = []
    for corner in range(10):
        radius = width * (0.34 if corner % 2 == 0 else 0.15)
        angle = math.pi * (corner / 5 - 0.5)
        points.append((width / 2 + radius * math.cos(angle), height / 2 + radius * math.sin(angle)))
    pen.polygon(points, fill=(231, 111, 81, 255))
    return _saved(image.resize(size, Image.Resampling.LANCZOS), "PNG")


def stamp(size: tuple[int, int]) -> bytes:
    """A PNG as small as a thumbnail: hills under a sun."""
    width, height = (side * SCALE for side in size)
    image = Image.new("RGB", (width, height), (233, 196, 106))
    pen = ImageDraw.Draw(image)
    pen.ellipse((width * 0.6, height * 0.15, width * 0.8, height * 0.45), fill=(231, 111, 81))
    pen.ellipse((-width * 0.3, height * 0.5, width * 0.7, height * 1.8), fill=(42, 157, 143))
    pen.ellipse((width * 0.4, height * 0.6, width * 1.4, height * 1.7), fill=(38, 70, 83))
    return _saved(image.resize(size, Image.Resampling.LANCZOS), "PNG")


def lamp(size: tuple[int, int]) -> bytes:
    """A JPEG in Display P3: a lamp before a wall, in colours that sRGB does not have.

    On an HDR display the lamp is up to eight times as bright as white.
    """
    width, height = size
    glow = Image.radial_gradient("L").resize((height * 3 // 2, height * 3 // 2))
    image = Image.new("RGB", size, (140, 0, 20))
    pen = ImageDraw.Draw(image)
    for number in range(6):
        left, upper = width * number // 6, height * (number % 2) // 8
        pen.rectangle((left, upper, left + width // 12, height), fill=(255, 30 * number, 0))
    middle = ((width - glow.width) // 2, (height - glow.height) // 2)
    image.paste((255, 235, 140), middle, ImageOps.invert(glow).point(lambda level: level * 0.8))
    pen.ellipse((width * 0.42, height * 0.38, width * 0.58, height * 0.62), fill=(255, 250, 220))
    shade = ImageOps.invert(glow).point(lambda level: level * 0.5)
    bright = Image.new("L", size)
    bright.paste(shade, middle)
    ImageDraw.Draw(bright).ellipse(
        (width * 0.42, height * 0.38, width * 0.58, height * 0.62), fill=255
    )
    gain_map = _saved(bright.resize((width // 4, height // 4)), "JPEG", quality=92)
    picture = _saved(image, "JPEG", quality=92, icc_profile=display_p3.profile())
    return b"".join(hdr_jpeg.together(picture, gain_map, Gains(most=(3.0,), full=3.0)))


def ball(size: tuple[int, int]) -> bytes:
    """An animated GIF: a ball that bounces, and its shadow."""
    frames = [_bounce(size, number / FRAMES) for number in range(FRAMES)]
    made = io.BytesIO()
    frames[0].save(
        made, "GIF", save_all=True, append_images=frames[1:], duration=80, loop=0, disposal=1
    )
    return made.getvalue()


def _bounce(size: tuple[int, int], moment: float) -> Image.Image:
    """One frame; `moment` is 0–1 of one bounce."""
    width, height = (side * SCALE for side in size)
    image = Image.new("RGB", (width, height), (244, 241, 222))
    pen = ImageDraw.Draw(image)
    aloft = abs(math.sin(math.pi * moment))
    radius, ground = height * 0.15, height * 0.85
    shadow = radius * (1 - aloft / 2)
    middle, bottom = width / 2, ground - aloft * height * 0.5
    pen.ellipse(
        (middle - shadow, ground - shadow / 4, middle + shadow, ground + shadow / 4),
        fill=(204, 197, 175),
    )
    pen.ellipse(
        (middle - radius, bottom - 2 * radius, middle + radius, bottom), fill=(231, 111, 81)
    )
    return image.resize(size, Image.Resampling.LANCZOS).quantize(32)


def _saved(image: Image.Image, name: str, **told: Any) -> bytes:
    made = io.BytesIO()
    image.save(made, name, optimize=True, **told)
    return made.getvalue()
