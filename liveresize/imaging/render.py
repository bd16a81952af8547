"""The engine: one original and one rendition in, finished bytes out."""

import contextlib
import hashlib
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from PIL import Image

from liveresize import errors
from liveresize.domain import geometry
from liveresize.domain.jobs import Rendered
from liveresize.domain.rendition import WHITE, Fit, Rendition
from liveresize.imaging import (
    animation,
    colour,
    decode,
    effects,
    encode,
    layout,
    modes,
    resize,
    shrink,
    smart,
    turning,
)
from liveresize.imaging.options import ImagingOptions


@dataclass(slots=True)
class Stopwatch:
    """How many ms each stage has taken so far."""

    stages: dict[str, float] = field(default_factory=dict)

    @contextlib.contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Add what is done inside to the stage `name`."""
        begun = time.perf_counter()
        try:
            yield
        finally:
            spent = (time.perf_counter() - begun) * 1000
            self.stages[name] = self.stages.get(name, 0.0) + spent

    def ms(self, name: str) -> float:
        """The ms of one stage, to the hundredth."""
        return round(self.stages.get(name, 0.0), 2)


def render(path: str | os.PathLike[str], rendition: Rendition, options: ImagingOptions) -> Rendered:
    """Make `rendition` of the original at `path`.

    Raises UnsupportedImage, UnreadableImage, ImageTooLarge, MemoryExceeded or
    OriginalMissing; nothing else for any file.
    """
    watch = Stopwatch()
    with decode.translated(), contextlib.ExitStack() as stack:
        with watch.stage("decode"):
            image = stack.enter_context(decode.open_picture(path, options, options.max_pixels))
            task = layout.of(image, rendition, options)
        pictures, timing, notes = _pictures(image, task, watch)
        with watch.stage("encode"):
            data = encode.encode(pictures, task.output, task.level, options.encoder, timing)
            etag = hashlib.sha256(data).hexdigest()
    return Rendered(
        data=data,
        etag=etag,
        format=task.output,
        width=pictures[0].width,
        height=pictures[0].height,
        decode_ms=watch.ms("decode"),
        resize_ms=watch.ms("resize"),
        encode_ms=watch.ms("encode"),
        notes=task.notes + notes,
    )


def _pictures(
    image: Image.Image, task: layout.Layout, watch: Stopwatch
) -> tuple[list[Image.Image], animation.Timing | None, tuple[str, ...]]:
    """The finished frames of the result, their timing where they move, and remarks."""
    if task.frames > 1:
        return _moving(image, task, watch)
    with watch.stage("decode"):
        plan = task.plan()
        factor = shrink.on_load(
            image,
            turning.turned_size(_extent(plan.box), task.turn),
            turning.turned_size(plan.resized, task.turn),
        )
        image.load()
    with watch.stage("resize"):
        pixels = modes.normalised(image)
        focus = _focus(pixels, task, factor)
        picture, notes = _finished(pixels, task, task.plan(focus), factor)
    return [picture], None, notes


def _moving(
    image: Image.Image, task: layout.Layout, watch: Stopwatch
) -> tuple[list[Image.Image], animation.Timing, tuple[str, ...]]:
    """`_pictures` of an animation; what the first frame shows decides what is kept."""
    pictures: list[Image.Image] = []
    durations: list[int] = []
    notes: tuple[str, ...] = ()
    source = animation.frames(image, task.frames)
    plan = None
    while True:
        with watch.stage("decode"):
            frame = next(source, None)
        if frame is None:
            break
        with watch.stage("resize"):
            durations.append(animation.duration(image))
            pixels = modes.normalised(frame)
            plan = plan or task.plan(_focus(pixels, task, 1.0))
            picture, notes = _finished(pixels, task, plan, 1.0)
            # The next frame is drawn over this one, in place.
            pictures.append(picture.copy() if picture is image else picture)
    if not pictures:
        raise errors.UnreadableImage("", "an animation without a frame")
    timing = animation.Timing(durations=tuple(durations), plays=animation.plays(image))
    return animation.alike(pictures), timing, notes


def _finished(
    pixels: Image.Image, task: layout.Layout, plan: geometry.Plan, factor: float
) -> tuple[Image.Image, tuple[str, ...]]:
    """One frame as it is encoded, and remarks.

    `pixels` are normalised, stored as in the file and decoded `factor` times smaller.
    Turning waits until there are few pixels, and so does colour.
    """
    rendition = task.rendition
    background = rendition.background or WHITE
    box = shrink.boxed(turning.stored_box(plan.box, task.stored, task.turn), factor)
    pixels = resize.resize(pixels, box, turning.turned_size(plan.resized, task.turn))
    pixels, notes = colour.to_srgb(pixels, task.profile, task.grey)
    pixels = turning.turn(pixels, task.turn)
    if rendition.fit is Fit.CANVAS:
        pixels = effects.placed(pixels, plan.output, plan.offset, background)
    if not task.output.has_alpha:
        pixels = effects.flattened(pixels, background)
    pixels = effects.blurred(pixels, rendition.blur / 10)
    pixels = effects.sharpened(pixels, rendition.sharpen / 10)
    if task.grey and effects.is_neutral(background):
        pixels = modes.thinned(pixels)
    return pixels, notes


def _extent(box: resize.Box) -> tuple[float, float]:
    """The (width, height) of a box."""
    return box[2] - box[0], box[3] - box[1]


def _focus(pixels: Image.Image, task: layout.Layout, factor: float) -> tuple[float, float] | None:
    """What `gravity=smart` finds; None where the rendition says itself what is kept."""
    if task.rendition.fit is not Fit.CROP or not task.rendition.gravity.smart:
        return None
    whole = shrink.boxed((0.0, 0.0, *task.stored), factor)
    window = _extent(task.plan().box)
    share = (window[0] / task.seen[0], window[1] / task.seen[1])
    return smart.focus(pixels, whole, task.turn, share)
