"""How close results come to the best that could be made of their source.

One JSON object a line in, one a line out: `source`, `crop`, and `results` as name →
path; back come name → [SSIM, PSNR in dB, width, height].

The reference is the whole picture decoded, turned to sRGB, set upright, and resized in
one step with Pillow's Lanczos to the size that the result has. Where there is alpha,
both lie on white. SSIM is that of the luma, with the usual Gaussian window (σ 1.5, 11
pixels); PSNR is that of RGB.
"""

import functools
import io
import json
import sys
from typing import Any

import numpy  # type: ignore[import-not-found]
from PIL import Image, ImageCms, ImageOps
from skimage.metrics import structural_similarity  # type: ignore[import-not-found]

Image.MAX_IMAGE_PIXELS = None

LUMA = (0.299, 0.587, 0.114)
BEST = 99.0
"""What PSNR is called where nothing differs, as infinity is no JSON."""


@functools.lru_cache(maxsize=2)
def upright(source: str) -> Image.Image:
    """The whole picture in sRGB, RGB or RGBA."""
    with Image.open(source) as opened:
        profile = opened.info.get("icc_profile")
        image = opened.convert("RGBA" if opened.has_transparency_data else "RGB")
        image = ImageOps.exif_transpose(image)
    if profile and image.mode == "RGB":
        converted = ImageCms.profileToProfile(
            image,
            ImageCms.ImageCmsProfile(io.BytesIO(profile)),
            ImageCms.createProfile("sRGB"),
            renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
            flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
        assert converted is not None
        image = converted
    return image


@functools.lru_cache(maxsize=4)
def reference(source: str, size: tuple[int, int], crop: bool) -> Any:
    """The reference as an array, height × width × 3."""
    image = upright(source)
    box = None
    if crop:
        ratio = size[0] / size[1]
        width = min(image.width, image.height * ratio)
        height = min(image.height, image.width / ratio)
        left, top = (image.width - width) / 2, (image.height - height) / 2
        box = (left, top, left + width, top + height)
    if box is not None or image.size != size:
        image = image.resize(size, Image.Resampling.LANCZOS, box=box)
    return on_white(image)


def on_white(image: Image.Image) -> Any:
    """A picture as an array, height × width × 3, on white where one sees through it."""
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return numpy.asarray(image.convert("RGB"), dtype=numpy.float64)


def compare(result: str, source: str, crop: bool) -> list[float]:
    """[SSIM, PSNR, width, height] of one result."""
    with Image.open(result) as image:
        found = on_white(image)
        size = image.size
    wanted = reference(source, size, crop)
    ssim = structural_similarity(
        found @ LUMA,
        wanted @ LUMA,
        data_range=255,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
    )
    error = float(numpy.mean((found - wanted) ** 2))
    psnr = 10 * numpy.log10(255**2 / error) if error else BEST
    return [float(ssim), float(psnr), *size]


if __name__ == "__main__":
    for line in sys.stdin:
        asked = json.loads(line)
        answer = {
            name: compare(path, asked["source"], asked.get("crop", False))
            for name, path in asked["results"].items()
        }
        print(json.dumps(answer), flush=True)
