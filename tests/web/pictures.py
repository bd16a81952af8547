"""Small pictures, made on the spot."""

import io
import random
from typing import Any

from PIL import Image


def gradient(width: int, height: int, shade: int = 0) -> Image.Image:
    """A picture with something in it; another `shade`, other pixels."""
    across = Image.linear_gradient("L").resize((width, height))
    down = across.transpose(Image.Transpose.ROTATE_180)
    return Image.merge("RGB", (across, down, Image.new("L", (width, height), shade % 256)))


def encoded(picture: Image.Image, form: str = "PNG", **options: Any) -> bytes:
    """The bytes of a picture."""
    file = io.BytesIO()
    picture.save(file, form, **options)
    return file.getvalue()


def png(width: int = 64, height: int = 48, shade: int = 0) -> bytes:
    """A PNG."""
    return encoded(gradient(width, height, shade))


def jpeg(width: int = 64, height: int = 48, shade: int = 0, **options: Any) -> bytes:
    """A JPEG."""
    return encoded(gradient(width, height, shade), "JPEG", **options)


def blank(width: int, height: int) -> bytes:
    """A PNG of one colour and one bit a pixel: large, and made in no time."""
    return encoded(Image.new("1", (width, height)))


def noise(width: int, height: int, form: str = "JPEG", **options: Any) -> bytes:
    """A picture that no encoder makes small, and that keeps each busy."""
    return encoded(grain(width, height), form, **options)


def grain(width: int, height: int) -> Image.Image:
    """Grey pixels at random, the same ones each time."""
    return Image.frombytes("L", (width, height), random.Random(width).randbytes(width * height))


def cube() -> bytes:
    """A PNG of 64 × 64 pixels with 16 levels of each colour, and all their combinations."""
    levels = range(0, 256, 17)
    colours = [(red, green, blue) for red in levels for green in levels for blue in levels]
    picture = Image.new("RGB", (64, 64))
    picture.putdata(colours)
    return encoded(picture)


def transparent(width: int = 64, height: int = 48) -> bytes:
    """A PNG whose left half can be seen through."""
    picture = gradient(width, height).convert("RGBA")
    picture.paste((0, 0, 0, 0), (0, 0, width // 2, height))
    return encoded(picture)


def animation(width: int = 64, height: int = 48, frames: int = 3, form: str = "GIF") -> bytes:
    """An animated picture."""
    pictures = [gradient(width, height, 60 * index) for index in range(frames)]
    return encoded(pictures[0], form, save_all=True, append_images=pictures[1:], duration=50)


def opened(data: bytes) -> Image.Image:
    """The picture in `data`, decoded."""
    picture = Image.open(io.BytesIO(data))
    picture.load()
    return picture
