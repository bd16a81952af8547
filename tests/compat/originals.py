"""The pictures that the published services were asked for when their answers were recorded."""

import io

from PIL import Image
from web import pictures


def _turned() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    return pictures.jpeg(1000, 750, exif=exif, quality=90)


def _transparent() -> bytes:
    picture = pictures.gradient(640, 480).convert("RGBA")
    picture.putalpha(Image.linear_gradient("L").resize((640, 480)))
    return pictures.encoded(picture)


def _film(form: str) -> bytes:
    frames = [Image.new("RGB", (320, 240), name) for name in ("red", "lime", "blue")]
    file = io.BytesIO()
    frames[0].save(file, form, save_all=True, append_images=frames[1:], duration=80, loop=0)
    return file.getvalue()


ORIGINALS = {
    "land": pictures.jpeg(1200, 800, quality=90),
    "large": pictures.jpeg(2600, 1800, quality=80),
    "tiny": pictures.jpeg(60, 40, quality=90),
    "turned": _turned(),
    "glass": _transparent(),
    "film": _film("GIF"),
    "grey": pictures.encoded(Image.linear_gradient("L").resize((300, 200)), "JPEG"),
}
"""Originals by id: what they are named for is what is odd about them."""
