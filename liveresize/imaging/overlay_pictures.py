"""The pictures of overlays: as large as they are drawn, upright, in the colours of the result.

Of an animation the first frame is drawn. What was made is kept like other decoded pixels.
"""

from PIL import Image, ImageChops

from liveresize import errors
from liveresize.core.formats import Format
from liveresize.core.jobs import OverlayJob
from liveresize.core.overlay import MAX_PIXELS
from liveresize.core.rendition import Rendition
from liveresize.core.values import Fit
from liveresize.imaging import (
    colour,
    decode,
    decoded,
    memory,
    modes,
    orientation,
    overlays,
    pipeline,
    render_plan,
    shrink,
)
from liveresize.imaging.settings import EngineSettings

Size = tuple[int, int]


def prepared(
    job: OverlayJob, result: Size, settings: EngineSettings, *, wide: bool
) -> overlays.Drawing:
    """Return what is drawn over a result of that size, which is in Display P3 if `wide`.

    Raises OverlayUnavailable for a picture that is missing, damaged or too large, and
    MemoryExceeded.
    """
    try:
        return _prepared(job, result, settings, wide)
    except errors.MemoryExceeded:
        raise
    except (errors.ImageError, errors.OriginalMissing) as error:
        name = job.overlay.name
        raise errors.OverlayUnavailable(
            f"The overlay `{name}` cannot be drawn: its picture is missing or damaged.",
            f"{error.code}: {error.detail or error.public}",
        ) from error


def _prepared(
    job: OverlayJob, result: Size, settings: EngineSettings, wide: bool
) -> overlays.Drawing:
    overlay = job.overlay
    with decode.open_picture(job.path, settings, MAX_PIXELS) as image:
        place = overlays.placed(overlay, decode.upright_size(image), result)
        kept = decoded.kept()
        key = kept.key(job.path, "overlay", place.size, overlay.opacity, wide)
        patch = kept.get(key)
        if patch is None:
            patch = _patch(image, place.size, overlay.opacity, settings)
            patch = colour.widened(patch) if wide else patch
            patch = kept.keep(key, job.path, patch, settings.decoded_bytes)
    if not overlay.tile:
        return overlays.Drawing(patch, place.offset)
    return overlays.Drawing(overlays.tiled(patch, place, result), (0, 0))


def _patch(image: Image.Image, size: Size, opacity: int, settings: EngineSettings) -> Image.Image:
    """Return an opened picture as LA or RGBA in that size, upright, with that opacity."""
    box = Rendition(format=Format.PNG, width=size[0], height=size[1], fit=Fit.FILL, animate=False)
    task = render_plan.of(image, box.canonical(), settings)
    stored = orientation.turned_size(size, task.turn)
    whole = (float(image.width), float(image.height))
    need = memory.rendering(
        image,
        shrink.factor(image, whole, stored),
        whole,
        stored,
        Format.PNG,
        frames=1,
        bent=colour.bends(task.profile),
        keeps=0,
    )
    need.check()
    decoded.kept().make_room(need.bytes)
    scale = shrink.on_load(image, whole, stored)
    pixels, _ = pipeline.sized(decode.loaded(image), task, task.plan(), scale)
    picture = orientation.turn(pixels, task.turn).convert("RGBA")
    if opacity < 1000:
        alpha = picture.getchannel("A")
        picture.putalpha(alpha.point([(each * opacity + 500) // 1000 for each in range(256)]))
    return modes.thinned(picture) if _is_grey(picture) else picture


def _is_grey(picture: Image.Image) -> bool:
    """Whether every pixel of an RGBA picture is a grey."""
    red, green, blue, _ = picture.split()
    return not (
        ImageChops.difference(red, green).getbbox() or ImageChops.difference(red, blue).getbbox()
    )
