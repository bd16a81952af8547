"""The engine: one original and one rendition in, finished bytes out."""

import contextlib
import functools
import hashlib
import math
import os
from collections.abc import Callable, Iterator
from dataclasses import replace

from PIL import Image

from liveresize import errors
from liveresize.core import geometry
from liveresize.core.colour_rows import KEEP
from liveresize.core.formats import Format
from liveresize.core.jobs import OverlayJob, Rendered
from liveresize.core.rendition import Rendition
from liveresize.core.values import RIGHTS_FROM, WHITE
from liveresize.imaging import (
    animation,
    cleaning,
    colour,
    decode,
    decoded,
    encode,
    fitting,
    frame_sequence,
    gain_map,
    memory,
    modes,
    orientation,
    overlay_pictures,
    overlays,
    passthrough,
    pipeline,
    render_plan,
    resize,
    rights,
    shrink,
    structure,
    trim,
)
from liveresize.imaging.settings import EngineSettings
from liveresize.imaging.stopwatch import Stopwatch

Made = tuple[bytes, tuple[str, ...]]
"""A finished file, and remarks."""


def render(
    path: str | os.PathLike[str],
    rendition: Rendition,
    settings: EngineSettings,
    *,
    again: bool = False,
    overlay: OverlayJob | None = None,
) -> Rendered:
    """Make `rendition` of the original at `path`, with its `overlay` if it has one.

    With `again` the finished pixels are kept: another format of them is asked for next. Where
    memory runs out, pixels that were kept are dropped and it is tried once more. Raises
    UnsupportedImage, UnreadableImage, ImageTooLarge, MemoryExceeded, OverlayUnavailable or
    OriginalMissing; nothing else for any file.
    """
    if rendition.overlay is not None and overlay is None:
        raise errors.OverlayUnavailable("", "the job does not say where it is")
    try:
        return _rendered(path, rendition, settings, again, overlay)
    except errors.MemoryExceeded:
        if not decoded.kept().clear():
            raise
    return _rendered(path, rendition, settings, again, overlay)


def _rendered(
    path: str | os.PathLike[str],
    rendition: Rendition,
    settings: EngineSettings,
    again: bool,
    overlay: OverlayJob | None,
) -> Rendered:
    watch = Stopwatch()
    max_pixels = settings.constraints.max_decode_pixels
    with decode.translated(), contextlib.ExitStack() as stack:
        with watch.stage("decode"):
            image = stack.enter_context(decode.open_picture(path, settings, max_pixels))
            task = render_plan.of(image, rendition, settings)
            if rendition.trim is not None:
                part = _trimmed(os.fspath(path), image, task, settings.decoded_bytes)
                task = render_plan.trimmed(task, image, rendition, part, settings)
            as_stored = passthrough.as_stored(image, task)
            kept = _rights(path, image, task)
            drawing = _drawing(overlay, task, settings)
        level: int | None = task.level
        if task.frames > 1:
            data, notes = _moving(image, task, settings, watch, kept.in_xmp(), drawing)
            if as_stored and render_plan.TRUNCATED not in notes:
                data = passthrough.smaller(path, image, data, kept)
        else:
            picture, notes, plan = finished_still(
                os.fspath(path), image, task, settings.decoded_bytes, watch, again, drawing
            )
            with watch.stage("encode"):
                hdr = task.rendition.hdr == KEEP
                shorter = functools.partial(passthrough.smaller, path, image, kept=kept, hdr=hdr)
                data, level = _encoded(
                    picture,
                    task,
                    settings,
                    kept,
                    shorter if as_stored else None,
                    functools.partial(gain_map.added, path, task, plan) if hdr else None,
                )
                del picture
        with watch.stage("encode"):
            etag = hashlib.sha256(data).hexdigest()
        most = task.rendition.max_bytes
        if most and len(data) > most:
            notes += (fitting.EXCEEDED,)
    return Rendered(
        data=data,
        etag=etag,
        format=task.output,
        decode_ms=watch.ms("decode"),
        resize_ms=watch.ms("resize"),
        encode_ms=watch.ms("encode"),
        notes=task.notes + notes,
        quality=level
        if most or (task.rendition.quality and task.rendition.quality.target)
        else None,
    )


def _rights(
    path: str | os.PathLike[str], image: Image.Image, task: render_plan.RenderPlan
) -> rights.Rights:
    """The rights that the result says: those of the original if it is large enough."""
    if not task.rendition.rights or max(task.whole) < RIGHTS_FROM:
        return rights.NONE
    return cleaning.rights_in(decode.source_format(image), structure.mapped(path))


def _drawing(
    overlay: OverlayJob | None, task: render_plan.RenderPlan, settings: EngineSettings
) -> overlays.Drawing | None:
    if overlay is None:
        return None
    return overlay_pictures.prepared(overlay, task.plan().output, settings, wide=task.wide)


def _encoded(
    picture: Image.Image,
    task: render_plan.RenderPlan,
    settings: EngineSettings,
    kept: rights.Rights,
    shorter: Callable[[bytes], bytes] | None,
    brighter: Callable[[bytes, int], bytes] | None,
) -> tuple[bytes, int | None]:
    """A finished still as a file within `max_bytes`, if that is possible, and its quality.

    The file says the rights `kept`. `shorter` is there if the original would do, and returns it
    if it has fewer bytes; it has no quality. `brighter` is there if a gain map is asked for, and
    puts it behind a file of some quality.
    """
    said = kept.in_xmp()

    def at(level: int) -> bytes:
        made = encode.still(
            picture,
            task.output,
            level,
            settings,
            indexed=task.indexed,
            wide=task.wide,
            kept=said,
        )
        return made if brighter is None else brighter(made, level)

    data, most = at(task.level), task.rendition.max_bytes
    stored = data if shorter is None else shorter(data)
    if stored is not data and (not most or len(stored) <= most):
        return stored, None
    if not most or len(data) <= most:
        return data, task.level
    size = len(data)
    del data, stored
    return fitting.fitted(at, task.output, task.level, most, size)


def _trimmed(
    path: str, image: Image.Image, task: render_plan.RenderPlan, most: int
) -> render_plan.Part:
    """What `trim` leaves of an opened picture, all frames that are shown together; what it was
    decoded to is in `image`, or kept within `most` bytes."""
    assert task.rendition.trim is not None
    plan = task.plan()
    part = orientation.turned_size(pipeline.extent(plan.box), task.turn)
    need = _checked(image, task, part, orientation.turned_size(plan.resized, task.turn), most)
    corner = task.corner(decode.orientation(image))
    if task.frames == 1:
        pixels = _decoded(path, image, need, most, bare=task.rendition.bare)
        return trim.box(pixels, task.part, corner, task.rendition.trim)
    decoded.kept().clear()
    frames = animation.frames(image, task.frames)
    left = trim.union(frames, task.part, corner, task.rendition.trim)
    image.seek(0)
    return left


def finished_still(
    path: str,
    image: Image.Image,
    task: render_plan.RenderPlan,
    most: int,
    watch: Stopwatch,
    again: bool,
    drawing: overlays.Drawing | None = None,
) -> tuple[Image.Image, tuple[str, ...], geometry.Plan]:
    """One picture as it is encoded, remarks, and its layout.

    It was finished by the job before this one, or is shrunk as it is decoded. What was decoded is
    given back before it is encoded. At most `most` bytes of pixels are kept, those of the picture
    where it is asked for `again`.
    """
    kept = decoded.kept()
    with watch.stage("decode"):
        key = kept.key(path, *_looks(image, task))
        plan = task.plan()
        part = orientation.turned_size(pipeline.extent(plan.box), task.turn)
        size = orientation.turned_size(plan.resized, task.turn)
        need = _checked(image, task, part, size, most, drawing)
        # How large a trimmed picture is, which the key does not say, depends on its pixels. And a
        # gain map is cut out as the picture was, which is not known of a finished one.
        once = task.trims or task.rendition.hdr == KEEP
        finished = None if once else kept.take(key)
        if finished is not None:
            kept.make_room(need.finishing)
            return *finished, plan
        scale = shrink.WHOLE if task.trims else shrink.on_load(image, part, size)
        pixels = _decoded(path, image, need, most, bare=task.rendition.bare)
    with watch.stage("resize"):
        plan = task.plan(pipeline.focus(pixels, task, scale))
        picture, notes = pipeline.sized(pixels, task, plan, scale)
        if picture is not image:
            image.close()
        del pixels
        picture = pipeline.finished(picture, task, plan, pipeline.behind(task), drawing)
        if again and not once:
            kept.finish(key, path, picture, notes, most)
    return picture, notes, plan


def _looks(image: Image.Image, task: render_plan.RenderPlan) -> tuple[Rendition, bool]:
    """What the finished pixels of an opened still depend on, whichever format they get: the
    rendition, and whether something transparent is laid over its background."""
    background = task.rendition.background or WHITE
    clear = decode.has_alpha(image) or task.rendition.may_be_clear(has_alpha=False)
    rendition = replace(
        task.rendition,
        format=Format.PNG,
        quality=None,
        max_bytes=0,
        background=background,
        rights=False,
        animate=True,
    )
    return rendition, clear and not task.output.has_alpha


def _checked(
    image: Image.Image,
    task: render_plan.RenderPlan,
    part: tuple[float, float],
    size: tuple[int, int],
    most: int,
    drawing: overlays.Drawing | None = None,
) -> memory.Need:
    """What it takes to make the `part` of an opened picture `size`, both as stored, where `most`
    bytes of pixels are kept.

    Raises ImageTooLarge where a worker has not so much memory.
    """
    need = memory.rendering(
        image,
        1 if task.trims else shrink.factor(image, part, size),
        part,
        max(size, task.whole, key=math.prod),
        task.output,
        opened=task.rendition.may_be_clear(has_alpha=False),
        frames=task.frames,
        bent=colour.bends(task.profile),
        keeps=most,
        beside=task.beside,
        within=None if task.uncut else resize.extent(task.part),
        overlay=0 if drawing is None else drawing.pixels,
    )
    need.check()
    return need


def _decoded(
    path: str, image: Image.Image, need: memory.Need, most: int, *, bare: bool
) -> Image.Image:
    """The pixels of an opened still, opaque if `bare`: kept by an earlier job, or kept from now on
    within `most` bytes."""
    kept = decoded.kept()
    key = kept.key(path, image.size, image.mode, bare)
    pixels = kept.get(key)
    if pixels is not None:
        kept.make_room(need.finishing)
        return pixels
    kept.make_room(need.bytes)
    pixels = decode.loaded(image)
    if bare:
        modes.lay_bare(pixels)
    return kept.keep(key, path, pixels, most)


def _moving(
    image: Image.Image,
    task: render_plan.RenderPlan,
    settings: EngineSettings,
    watch: Stopwatch,
    kept: rights.Rights,
    drawing: overlays.Drawing | None,
) -> Made:
    """An animation that says the rights `kept`, each frame finished as the encoder asks for it."""
    notes: set[str] = set()
    plan = task.plan()
    part = orientation.turned_size(pipeline.extent(plan.box), task.turn)
    _checked(image, task, part, orientation.turned_size(plan.resized, task.turn), 0, drawing)
    decoded.kept().clear()  # its frames, and the encoder's, take what memory there is
    with watch.stage("encode"):
        data = encode.moving(
            _frames(image, task, drawing, watch, notes),
            task.output,
            task.level,
            settings,
            count=task.frames,
            alpha=animation.may_be_clear(image) or task.rendition.may_be_clear(has_alpha=False),
            plays=animation.plays(image),
            kept=kept,
            wide=task.wide,
        )
        return data, tuple(sorted(notes))


def _frames(
    image: Image.Image,
    task: render_plan.RenderPlan,
    drawing: overlays.Drawing | None,
    watch: Stopwatch,
    notes: set[str],
) -> Iterator[frame_sequence.Frame]:
    """The finished frames; what the first one shows decides what is kept of all.

    A film that ends before its last frame is remarked.
    """
    source = animation.frames(image, task.frames)
    back = pipeline.behind(task)
    plan, made = None, 0
    while True:
        with watch.stage("decode"):
            frame = next(source, None)
        if frame is None:
            if made < task.frames:
                notes.add(render_plan.TRUNCATED)
            return
        made += 1
        with watch.stage("resize"):
            plan = plan or task.plan(pipeline.focus(frame, task, shrink.WHOLE))
            picture, remarks = pipeline.sized(frame, task, plan, shrink.WHOLE)
            picture = pipeline.finished(picture, task, plan, back, drawing)
            notes.update(remarks)
            # The next frame is drawn over this one, in place.
            picture = picture.copy() if picture is frame else picture
            finished = frame_sequence.Frame(picture, animation.duration(image))
        yield finished
