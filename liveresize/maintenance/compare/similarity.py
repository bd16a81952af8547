"""Look at two pictures as a browser shows them: size, format, likeness.

Runs in a process of its own, since decoding holds up whoever does it.
"""

import io
import warnings
from dataclasses import dataclass

from PIL import Image, ImageCms, ImageOps

from liveresize.imaging import similarity

MOST_PIXELS = 128_000_000
"""Pixels of the largest picture that is decoded."""

THUMBNAIL = (220, 165)
"""(width, height) of the room for a picture on the contact sheet, in pixels."""


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
        ssim = similarity.structural_similarity(before[1].convert("L"), after[1].convert("L"))
    return Pair(_looked_at(*before), _looked_at(*after), ssim)


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
