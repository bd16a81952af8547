"""Look at two pictures as a browser shows them: size, format, likeness.

Runs in a process of its own, since decoding holds up whoever does it.
"""

import io
import warnings
from dataclasses import dataclass

from PIL import Image, ImageCms, ImageMath, ImageOps

MOST_PIXELS = 128_000_000
"""Pixels of the largest picture that is decoded."""

THUMBNAIL = (220, 165)
"""(width, height) of the room for a picture on the contact sheet, in pixels."""

_WINDOW = 8
"""Side of the windows of SSIM, in pixels."""

_C1, _C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
"""Constants of SSIM for 8-bit levels."""


@dataclass(frozen=True, slots=True)
class Look:
    """What one picture is: format, width and height in pixels, and a small PNG of it.

    The format is empty, and the rest too, where the bytes are no picture.
    """

    format: str = ""
    width: int = 0
    height: int = 0
    thumbnail: bytes = b""


@dataclass(frozen=True, slots=True)
class Pair:
    """Two pictures, and their SSIM; None where their sizes differ or one is no picture."""

    old: Look
    new: Look
    ssim: float | None = None


def prepare() -> None:
    """Set up a process that looks at pictures."""
    Image.MAX_IMAGE_PIXELS = None
    warnings.simplefilter("ignore")


def look(old: bytes, new: bytes) -> Pair:
    """Decode both pictures, and compare them if they have the same size."""
    before, after = _decoded(old), _decoded(new)
    ssim = None
    if before[1] and after[1] and before[1].size == after[1].size:
        ssim = structural_similarity(before[1].convert("L"), after[1].convert("L"))
    return Pair(_looked_at(*before), _looked_at(*after), ssim)


def structural_similarity(old: Image.Image, new: Image.Image) -> float:
    """Return the mean SSIM of two grey pictures of one size; 1.0 where they are equal.

    SSIM as Wang, Bovik, Sheikh and Simoncelli define it (2004), with windows of 8 × 8 pixels that
    do not overlap and weigh the same, those at the edges with the pixels that there are.
    """
    x, y = old.convert("F"), new.convert("F")
    mean_x, mean_y = x.reduce(_WINDOW), y.reduce(_WINDOW)
    squares_x, squares_y, products = (
        ImageMath.lambda_eval(lambda of: of["a"] * of["b"], a=a, b=b).reduce(_WINDOW)
        for a, b in ((x, x), (y, y), (x, y))
    )
    similarity = ImageMath.lambda_eval(
        lambda of: (
            (2 * of["mx"] * of["my"] + _C1)
            * (2 * (of["xy"] - of["mx"] * of["my"]) + _C2)
            / (of["mx"] * of["mx"] + of["my"] * of["my"] + _C1)
            / (of["xx"] - of["mx"] * of["mx"] + of["yy"] - of["my"] * of["my"] + _C2)
        ),
        mx=mean_x,
        my=mean_y,
        xx=squares_x,
        yy=squares_y,
        xy=products,
    )
    mean = similarity.resize((1, 1), Image.Resampling.BOX).getpixel((0, 0))
    assert isinstance(mean, float)
    return min(mean, 1.0)


def _decoded(data: bytes) -> tuple[str, Image.Image | None]:
    """Return the format and the pixels of the first frame: upright, sRGB, on white."""
    try:
        with Image.open(io.BytesIO(data)) as opened:
            if opened.width * opened.height > MOST_PIXELS:
                return "", None
            return opened.format or "", _shown(opened)
    except (OSError, ValueError, SyntaxError, MemoryError):
        return "", None


def _shown(opened: Image.Image) -> Image.Image:
    profile = opened.info.get("icc_profile")
    image = opened.convert("RGBA" if opened.has_transparency_data else "RGB")
    if profile and opened.mode in ("RGB", "RGBA"):
        image = _in_srgb(image, profile)
    image.info.pop("icc_profile", None)
    image.getexif().update(opened.getexif())
    image = ImageOps.exif_transpose(image)
    if image.mode == "RGBA":
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image.convert("RGB")


def _in_srgb(image: Image.Image, profile: bytes) -> Image.Image:
    """Return the picture in sRGB; as it is where its profile cannot be read."""
    try:
        converted = ImageCms.profileToProfile(
            image, ImageCms.ImageCmsProfile(io.BytesIO(profile)), ImageCms.createProfile("sRGB")
        )
    except (ImageCms.PyCMSError, OSError):
        return image
    return converted or image


def _looked_at(kind: str, image: Image.Image | None) -> Look:
    if image is None:
        return Look()
    size, small = image.size, io.BytesIO()
    image.thumbnail(THUMBNAIL)
    image.save(small, "PNG")
    return Look(kind, *size, small.getvalue())
