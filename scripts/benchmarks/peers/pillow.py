"""Pillow as most people use it: decode all, orient, convert, Lanczos, save."""

import io
from typing import Any

from PIL import Image, ImageOps

from scripts.benchmarks.peers import program


def render(request: program.Request) -> program.Done:
    """One rendition, without shrinking on load and without colour management."""
    box = (request["width"], request["height"])
    with Image.open(request["source"]) as opened:
        image = ImageOps.exif_transpose(opened)
        image = image.convert("RGBA" if image.has_transparency_data else "RGB")
        if request["crop"]:
            image = ImageOps.fit(image, box, Image.Resampling.LANCZOS)
        elif image.width > box[0] or image.height > box[1]:
            image = ImageOps.contain(image, box, Image.Resampling.LANCZOS)
    if request["format"] == "jpeg" and image.mode == "RGBA":
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image).convert("RGB")
    file = io.BytesIO()
    image.info = {}
    image.save(file, request["format"], **_arguments(request["format"], request["settings"]))
    return file.getvalue(), {}


def _arguments(kind: str, settings: program.Request) -> dict[str, Any]:
    quality = {"quality": settings["quality"]} if "quality" in settings else {}
    if settings.get("defaults"):
        return quality
    return (
        quality
        | {
            "jpeg": {
                "progressive": settings.get("progressive"),
                "optimize": settings.get("optimize"),
                "subsampling": "4:2:0",
            },
            "png": {"compress_level": settings.get("level")},
            "webp": {"method": settings.get("effort")},
            "avif": {
                "speed": settings.get("speed"),
                "subsampling": "4:2:0",
                "max_threads": 1,
                "autotiling": False,
            },
        }[kind]
    )


if __name__ == "__main__":
    program.serve(render)
