"""The quality at which a picture still looks like its original, found for `quality=visual`.

A small copy is encoded at several levels, and each file is compared with the copy. What is found
depends on nothing but the original and the target: encoders have the same options everywhere,
quick ones, which need a level or two more than slow ones.
"""

import io
import os
from collections.abc import Iterator
from dataclasses import replace

from PIL import Image

from liveresize import errors
from liveresize.core.formats import Format
from liveresize.core.rendition import Rendition
from liveresize.core.values import Quality
from liveresize.imaging import decode, decoded, encode, memory, render, render_plan, similarity
from liveresize.imaging.settings import EngineSettings
from liveresize.imaging.stopwatch import Stopwatch
from liveresize.settings.pictures import Encoder

SIDE = 512
"""Pixels of the longer side of the copy."""

LOWEST = {Format.JPEG: 50, Format.WEBP: 40, Format.AVIF: 40}
"""Below these, soft colour gradients get steps, which luma hardly shows."""

HIGHEST = encode.FULL_CHROMA_FROM - 1
"""Above it, colour at full resolution would cost more than what SSIM asks for."""

ENCODER = Encoder(jpeg_progressive=False, jpeg_optimize=False, webp_method=4, avif_speed=9)

_COPY = Rendition(format=Format.JPEG, width=SIDE, height=SIDE, enlarge=False, animate=False)
"""Of an animation the first frame, and what is transparent on white."""


def quality(path: str | os.PathLike[str], target: int, settings: EngineSettings) -> Quality:
    """The lowest level of each format at which the copy has an SSIM of `target` thousandths.

    Raises as `render.render`.
    """
    try:
        levels = _found(path, target, settings)
    except errors.MemoryExceeded:
        if not decoded.kept().clear():
            raise
        levels = _found(path, target, settings)
    return Quality(levels[Format.JPEG], levels[Format.WEBP], levels[Format.AVIF], target=target)


def _found(
    path: str | os.PathLike[str], target: int, settings: EngineSettings
) -> dict[Format, int]:
    max_pixels = settings.constraints.max_decode_pixels
    with decode.translated(), decode.open_picture(path, settings, max_pixels) as image:
        task = render_plan.of(image, _COPY, settings)
        task = replace(task, beside=memory.COMPARING)
        copy, _, _ = render.finished_still(
            os.fspath(path), image, task, settings.decoded_bytes, Stopwatch(), again=False
        )
        return dict(_levels(copy, target / 1000, replace(settings, encoder=ENCODER)))


def _levels(
    copy: Image.Image, target: float, settings: EngineSettings
) -> Iterator[tuple[Format, int]]:
    """The level of each lossy format, by bisection."""
    luma = copy.convert("L")
    for output, low in LOWEST.items():
        high = HIGHEST
        while low < high:
            level = (low + high) // 2
            data = encode.still(copy, output, level, settings)
            with Image.open(io.BytesIO(data)) as made:
                alike = similarity.overlapping(luma, made.convert("L")) >= target
            low, high = (low, level) if alike else (level + 1, high)
        yield output, low
