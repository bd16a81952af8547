"""From decoded pixels to what is encoded: one frame, or a still."""

import functools
import math

from PIL import Image

from liveresize.core import geometry
from liveresize.core.values import Backdrop, Colour, Fit
from liveresize.imaging import (
    colour,
    corners,
    effects,
    ground,
    modes,
    orientation,
    overlays,
    render_plan,
    resize,
    shrink,
    smart,
)

FEW = 4_000_000
"""Up to so many decoded pixels are converted before they are resized, 14 ms a megapixel;
30 of PQ and 60 of HLG.

Lanczos averages numbers; where the profile's curve differs from that of sRGB, the
average of two colours is another one. A chart in eciRGB at 60x48 is 1.5 levels off when
it is converted after resizing, 0.9 when before, at the size that shrinking on load left.
"""

BENT_MARGIN = 2
"""How much larger than the result a picture of more pixels is when it is converted."""


def sized(
    pixels: Image.Image, task: render_plan.RenderPlan, plan: geometry.Plan, scale: shrink.Scale
) -> tuple[Image.Image, tuple[str, ...]]:
    """The part of a frame that is shown, in its size and in sRGB, and remarks.

    `pixels` are stored as in the file and decoded `scale` times smaller.
    """
    box = shrink.boxed(task.as_stored(plan.box), scale)
    size = orientation.turned_size(plan.resized, task.turn)
    return _sized(pixels, box, size, task, within(pixels, task, scale))


def within(
    pixels: Image.Image, task: render_plan.RenderPlan, scale: shrink.Scale
) -> resize.Pixels | None:
    """The decoded pixels that may be looked at, None for all: nothing outside of the part that is
    shown may blur into its edges."""
    if task.uncut:
        return None
    left, top, right, bottom = shrink.boxed(_floats(task.part), scale)
    return (
        math.floor(left),
        math.floor(top),
        min(pixels.width, math.ceil(right)),
        min(pixels.height, math.ceil(bottom)),
    )


def _floats(part: render_plan.Part) -> resize.Box:
    left, top, right, bottom = map(float, part)
    return left, top, right, bottom


def behind(task: render_plan.RenderPlan) -> ground.Ground:
    """What is behind all frames of a result."""
    return ground.Ground(task.background, task.whole)


def finished(
    pixels: Image.Image,
    task: render_plan.RenderPlan,
    plan: geometry.Plan,
    back: ground.Ground,
    overlay: overlays.Drawing | None = None,
) -> Image.Image:
    """What `sized` has made, as it is encoded. Turning waits until there are few pixels."""
    rendition = task.rendition
    top, _, _, left = rendition.pad
    pixels = orientation.turn(pixels, task.turn)
    background = task.background
    if isinstance(background, Backdrop):
        pixels = _on_itself(pixels, task, plan, back)
    else:
        pixels = _on_colour(pixels, task, plan, background)
    if overlay is not None:
        pixels = overlay.over(pixels)
    if rendition.radius:
        pixels = corners.rounded(pixels, rendition.radius)
    clear = pixels.mode in ("LA", "RGBA")
    if any(rendition.pad) or (clear and not task.output.has_alpha):
        pixels = back.under(pixels, (0, 0, *task.whole), (left, top))
    return pixels


def _on_colour(
    pixels: Image.Image, task: render_plan.RenderPlan, plan: geometry.Plan, background: Colour
) -> Image.Image:
    """An upright picture on its canvas, filtered."""
    rendition = task.rendition
    if rendition.fit is Fit.CANVAS:
        pixels = effects.placed(pixels, plan.output, plan.offset, background)
    if not task.output.has_alpha:
        pixels = effects.flattened(pixels, background)
    pixels = effects.filtered(pixels, rendition)
    if task.grey and effects.is_neutral(background) and not rendition.tint:
        pixels = modes.thinned(pixels)
    return pixels


def _on_itself(
    pixels: Image.Image, task: render_plan.RenderPlan, plan: geometry.Plan, back: ground.Ground
) -> Image.Image:
    """The same on a canvas that shows the picture, blurred, as the filters leave it."""
    top, _, _, left = task.rendition.pad
    pixels = effects.filtered(pixels, task.rendition)
    if task.grey and not task.rendition.tint:
        pixels = modes.thinned(pixels)
    back.see(pixels)
    if task.rendition.fit is Fit.CANVAS:
        box = (left, top, left + plan.output[0], top + plan.output[1])
        pixels = back.under(pixels, box, plan.offset)
    return pixels


def _sized(
    pixels: Image.Image,
    box: resize.Box,
    size: resize.Size,
    task: render_plan.RenderPlan,
    inside: resize.Pixels | None,
) -> tuple[Image.Image, tuple[str, ...]]:
    """The part `box` made `size` and sRGB (or Display P3), of what is `inside` some pixels, and
    remarks."""
    convert = functools.partial(
        colour.to_srgb, profile=task.profile, grey=task.grey, wide=task.wide
    )
    if colour.bends(task.profile):
        if pixels.width * pixels.height <= FEW:
            pixels, notes = convert(modes.normalised(pixels))
            return resize.resize(pixels, box, size, inside), notes
        across, down = extent(box)
        larger = (
            min(round(across), BENT_MARGIN * size[0]),
            min(round(down), BENT_MARGIN * size[1]),
        )
        if larger[0] > size[0] and larger[1] > size[1]:
            pixels = resize.resize(pixels, box, larger, inside)
            pixels, notes = convert(pixels)
            whole = (0.0, 0.0, float(larger[0]), float(larger[1]))
            return resize.resize(pixels, whole, size), notes
    return convert(resize.resize(pixels, box, size, inside))


def extent(box: resize.Box) -> tuple[float, float]:
    """The (width, height) of a box."""
    return box[2] - box[0], box[3] - box[1]


def focus(
    pixels: Image.Image, task: render_plan.RenderPlan, scale: shrink.Scale
) -> tuple[float, float] | None:
    """What `gravity=smart` finds; None where the rendition says itself what is kept."""
    if task.rendition.fit is not Fit.CROP or not task.rendition.gravity.smart:
        return None
    shown = shrink.boxed(_floats(task.part), scale)
    window = extent(task.plan().box)
    share = (window[0] / task.seen[0], window[1] / task.seen[1])
    return smart.focus(pixels, shown, task.turn, share, within(pixels, task, scale))
