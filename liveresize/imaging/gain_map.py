"""Gain maps of results: cut out, scaled and turned as the picture is, and put behind it.

Levels are scaled as they are coded: they are logarithms of a gain, and readers fill the room
between them in the same way. What Apple says becomes what ISO 21496-1 and `hdrgm` say.
"""

import dataclasses
import io
import math
import os
from dataclasses import dataclass
from typing import Any

from PIL import Image, ImageFilter

from liveresize.core import geometry
from liveresize.imaging import (
    decode,
    decoded,
    downscale,
    encode,
    memory,
    orientation,
    pipeline,
    render_plan,
    shrink,
    structure,
)
from liveresize.imaging.cleaning import hdr_jpeg
from liveresize.imaging.cleaning.gain_map import search
from liveresize.imaging.cleaning.gain_map.apple import Apple
from liveresize.imaging.cleaning.gain_map.gains import Gains

ALL_CHROMA = 0
"""Of three channels none is less than another."""

MOST_SPACE = 2**16
"""How many bytes a profile has at most that goes along with a gain map."""


@dataclass(frozen=True, slots=True)
class _Source:
    """A gain map, what its levels mean, and how they are written so that they do."""

    file: memoryview
    size: tuple[int, int]
    gains: Gains
    levels: list[int] | None


def added(
    path: str | os.PathLike[str],
    task: render_plan.RenderPlan,
    plan: geometry.Plan,
    data: bytes,
    level: int,
) -> bytes:
    """`data`, a JPEG of the quality `level` made of the one at `path`, with its gain map; itself
    where it has none.

    A gain map that is damaged, or for which there is no memory, is left out.
    """
    original = structure.mapped(path)
    source = _source(search.find(original))
    if source is None:
        return data
    box, size = _placed(source.size, task, plan)
    beside = (memory.PIXEL + task.beside) * math.prod(plan.output)
    need = memory.gain_map(source.size, size, len(source.file), len(original), len(data), beside)
    if not need.fits:
        return data
    decoded.kept().make_room(need.bytes)
    try:
        levels, profile = _scaled(source, box, size, task)
    except decode.DAMAGE:
        return data
    told: dict[str, Any] = {}
    gains = dataclasses.replace(source.gains, own_space=False)
    space = _space(source.gains, profile, levels, task)
    if space:
        gains, told = dataclasses.replace(gains, own_space=True), {"icc_profile": space}
    file = io.BytesIO()
    told |= {"quality": max(1, level), "subsampling": ALL_CHROMA, "optimize": True}
    with encode.room(levels.width * levels.height):
        levels.save(file, "JPEG", **told)
    return b"".join(hdr_jpeg.together(data, file.getvalue(), gains))


def _source(found: search.GainMap | None) -> _Source | None:
    """A gain map by the first of its metadata that can be applied; None without any."""
    if found is None:
        return None
    gains = (found.iso and found.iso.gains) or found.gains
    if gains:
        return _Source(found.file, found.size, gains, None)
    if found.apple and found.apple.brightest > 1:
        return _Source(found.file, found.size, *of_apple(found.apple))
    return None


def of_apple(told: Apple) -> tuple[Gains, list[int]]:
    """What Apple's gain map means, and the level for each of its levels that then means the same.

    Apple, "Applying Apple HDR effect to your photos": a level is coded as in Rec. 709, and light
    is multiplied by 1 + (headroom - 1) * level.
    """
    stops = math.log2(told.brightest)
    levels = [
        round(255 * math.log2(1 + (told.brightest - 1) * _rec709(level / 255)) / stops)
        for level in range(256)
    ]
    gains = Gains(most=(stops,), sdr_offset=(0.0,), hdr_offset=(0.0,), full=stops)
    return gains, levels


def _rec709(level: float) -> float:
    """The light of a level (ITU-R BT.709)."""
    return level / 4.5 if level < 0.081 else float(((level + 0.099) / 1.099) ** (1 / 0.45))


def _placed(
    source: tuple[int, int], task: render_plan.RenderPlan, plan: geometry.Plan
) -> tuple[shrink.Box, tuple[int, int]]:
    """The part of a gain map that is shown, and its size, both before turning.

    It is to the picture as it was in the original, but never larger than that part of it.
    """
    across, down = source[0] / task.stored[0], source[1] / task.stored[1]
    left, top, right, bottom = task.as_stored(plan.box)
    box = (
        max(0.0, left * across),
        max(0.0, top * down),
        min(float(source[0]), right * across),
        min(float(source[1]), bottom * down),
    )
    width, height = orientation.turned_size(plan.resized, task.turn)
    part = pipeline.extent(box)
    return box, (
        max(1, min(math.floor(width * across + 0.5), math.ceil(part[0]))),
        max(1, min(math.floor(height * down + 0.5), math.ceil(part[1]))),
    )


def _scaled(
    source: _Source, box: shrink.Box, size: tuple[int, int], task: render_plan.RenderPlan
) -> tuple[Image.Image, bytes]:
    """The part `box` in `size`, as it goes with the picture, and the profile of the gain map.

    Raises one of `decode.DAMAGE`.
    """
    with decode.quiet(), Image.open(io.BytesIO(source.file), formats=("JPEG",)) as image:
        profile = image.info.get("icc_profile", b"")
        scale = shrink.on_load(image, pipeline.extent(box), size)
        image.load()
        pixels = image.resize(size, Image.Resampling.BILINEAR, box=shrink.boxed(box, scale))
    pixels = orientation.turn(pixels, task.turn)
    if source.levels:
        pixels = pixels.point(source.levels * len(pixels.getbands()))
    if task.rendition.blur:
        sigma = task.rendition.blur / 10 * source.size[0] / task.stored[0]
        pixels = pixels.filter(ImageFilter.GaussianBlur(sigma))
    return pixels, profile


def _space(
    gains: Gains, own: bytes, levels: Image.Image, task: render_plan.RenderPlan
) -> bytes | None:
    """The profile of the colours that the gains belong to; None for those of the result.

    One gain for all channels is the same in every one. Three are for the colours that the
    picture had.
    """
    if levels.mode == "L":
        return None
    if gains.own_space:
        return own or None
    profile = task.profile if isinstance(task.profile, bytes) else b""
    return profile if profile[downscale.SPACE] == b"RGB " and len(profile) < MOST_SPACE else None
