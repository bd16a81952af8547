"""Pictures made on the spot, and how to render and compare them."""

import io
import math
import os
import pathlib
import struct
from typing import Any

from PIL import Image, ImageChops, ImageCms, ImageDraw, ImageFilter, ImageStat

from liveresize.core.formats import Format
from liveresize.core.jobs import Rendered
from liveresize.core.rendition import Rendition
from liveresize.core.values import Quality
from liveresize.imaging import jxl, render
from liveresize.imaging.settings import EngineSettings
from liveresize.settings.pictures import Constraints, Formats

SETTINGS = EngineSettings()

RED, GREEN, BLUE, YELLOW = (230, 30, 30), (30, 180, 30), (30, 30, 230), (230, 210, 30)

ROOT = pathlib.Path(__file__).parents[2]
CORPUS = ROOT / os.environ.get("LIVERESIZE_CORPUS", "../shared/corpus")


def scene(size: tuple[int, int]) -> Image.Image:
    """A picture with slopes, curves and fine lines: no part of it looks like another."""
    width, height = size
    slope = Image.linear_gradient("L").resize(size)
    across = Image.linear_gradient("L").transpose(Image.Transpose.ROTATE_90).resize(size)
    round_ = Image.radial_gradient("L").resize(size)
    picture = Image.merge("RGB", (slope, across, round_))
    draw = ImageDraw.Draw(picture)
    for step in range(24):
        x, y = width * step * 7 % width, height * step * 5 // 24 % height
        colour = (step * 37 % 256, step * 91 % 256, step * 53 % 256)
        draw.line((step * width // 24, 0, x, height), colour, 1 + step % 4)
        draw.ellipse((y, y // 2, y + width // 9, y // 2 + height // 7), outline=colour, width=3)
    return picture.filter(ImageFilter.GaussianBlur(0.8))


def quarters(size: tuple[int, int]) -> Image.Image:
    """Red, green, blue and yellow quarters, in reading order."""
    picture = Image.new("RGB", (2, 2))
    for at, colour in zip(
        [(0, 0), (1, 0), (0, 1), (1, 1)], (RED, GREEN, BLUE, YELLOW), strict=True
    ):
        picture.putpixel(at, colour)
    return picture.resize(size, Image.Resampling.NEAREST)


def exif(orientation: int) -> bytes:
    """An EXIF block that says nothing but the orientation."""
    block = Image.Exif()
    block[0x0112] = orientation
    return block.tobytes()


def saved(path: pathlib.Path, picture: Image.Image, **arguments: Any) -> pathlib.Path:
    """`picture` written to `path`, whose suffix is the format."""
    picture.save(path, **arguments)
    return path


def rendition(**fields: Any) -> Rendition:
    """A canonical rendition: PNG and quality 80 unless told otherwise."""
    defaults: dict[str, Any] = {"format": Format.PNG, "quality": Quality.of(80)}
    return Rendition(**defaults | fields).canonical()


def rendered(path: pathlib.Path, **fields: Any) -> tuple[Rendered, Any]:
    """What the engine makes of the file, and that decoded again."""
    settings = fields.pop("settings", SETTINGS)
    result = render.render(path, rendition(**fields), settings)
    return result, opened(result.data)


def opened(data: bytes) -> Any:
    """The picture in `data`, loaded; any kind, since what its plugin adds is looked at."""
    jxl.register()
    picture = Image.open(io.BytesIO(data))
    picture.load()
    return picture


def tuned(*, formats: tuple[str, ...] = Formats().input, **limits: int) -> EngineSettings:
    """The engine's settings with other `formats`, and with some keys of `constraints` changed:
    those in megapixels by their properties, as `max_input_pixels`."""
    keys = {
        # Half a pixel is cut off where megapixels become pixels, whichever way they round.
        name.removesuffix("_pixels"): (most + 0.5) / 1e6 if name.endswith("_pixels") else most
        for name, most in limits.items()
    }
    return EngineSettings(constraints=Constraints(**keys), formats=Formats(input=formats))


def psnr(one: Image.Image, other: Image.Image) -> float:
    """How alike two pictures are, in dB; above 40 nobody sees the difference."""
    assert one.size == other.size
    difference = ImageChops.difference(one.convert("RGB"), other.convert("RGB"))
    squares = [value * value for value in ImageStat.Stat(difference).rms]
    mean = sum(squares) / len(squares)
    return 10 * math.log10(255 * 255 / mean) if mean else 99.0


def near(one: Any, other: Any, tolerance: int = 8) -> bool:
    """Whether two pixels differ by no more than `tolerance` in any channel."""
    return all(abs(a - b) <= tolerance for a, b in zip(one, other, strict=True))


def profile(gamma: float, space: bytes = b"RGB ") -> bytes:
    """A profile with the primaries of sRGB and a plain gamma; `space` may be `GRAY`."""
    data = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    curve = data.index(b"para")
    data[curve + 8 : curve + 32] = struct.pack(">HHi16x", 0, 0, round(gamma * 65536))
    data[16:20] = space
    if space == b"GRAY":
        data[:] = data.replace(b"rTRC", b"kTRC")
    return bytes(data)
