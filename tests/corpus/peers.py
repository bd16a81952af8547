"""What the tests of other servers ask, in our words: one reader for each peer.

A reader takes an operation as `expect.jsonl` has it and the (width, height) of the
picture, and returns what to ask of us, or None for what we do not offer.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from liveresize.core.formats import Format
from liveresize.core.rect import Rect
from liveresize.core.rendition import Rendition
from liveresize.core.values import Fit, Gravity, Pad

Size = tuple[int, int]

SHARP_FITS = {
    "inside": Fit.CLIP,
    "outside": Fit.COVER,
    "cover": Fit.CROP,
    "contain": Fit.CANVAS,
    "fill": Fit.FILL,
}
"""weserv has these words from sharp."""

SHARP_SIZELESS = re.compile(
    r"none|flatten|fl[io]p( false)?|withMetadata|to (jpeg|jpg|png|webp|tif|raw)|JPEG|WebP"
    r"|to sharp\.format\.\w+|input (failOn|sequentialRead): '?\w+'?|failOn=none|toUint8Array"
    r"|extractChannel|"
)
"""Steps of sharp's that leave sizes alone."""

WESERV_SIZELESS = re.compile(r"a|bg|blur|bri|cbg|con|filt|fsol|hue|mod|output|sat|sharp[fj]?|tint")
"""Parameters of weserv's that leave sizes alone; `mask` does too, without `mtrim`."""

WESERV_TRANSFORMS = {
    "fit": (Fit.CLIP, False),
    "fitup": (Fit.CLIP, True),
    "square": (Fit.CROP, True),
    "squaredown": (Fit.CROP, False),
    "letterbox": (Fit.CANVAS, True),
    "absolute": (Fit.FILL, True),
}
"""Its old parameter `t`, and whether that enlarges."""

LARGEST = 65_535
"""A side that no picture here reaches."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One rendition; `upright` tells whether EXIF orientation comes first."""

    rendition: Rendition
    upright: bool = True


@dataclass(frozen=True, slots=True)
class Cut:
    """A part of the picture, as an upload may be cut: x, y, width, height."""

    box: tuple[int, int, int, int]


Reading = Asked | Cut | None
Reader = Callable[[str, Size], Reading]


def boxed(width: int, height: int, fit: Fit, *, enlarge: bool = True, **more: Any) -> Rendition:
    """The rendition as a URL would give it."""
    return Rendition(
        format=Format.PNG, width=width, height=height, fit=fit, enlarge=enlarge, **more
    ).canonical()


def whole(*, upright: bool) -> Asked:
    """The picture at its own size."""
    return Asked(boxed(0, 0, Fit.CLIP), upright)


def sharp(operation: str, size: Size) -> Reading:
    """Steps such as `rotate 90; resize w=320 h=240; to jpeg`."""
    rendition: Rendition | None = None
    upright, turn = False, 0
    first, *rest = operation.split("; ")
    rect = None
    if match := re.fullmatch(
        r"extract left: (\d+), top: (\d+), width: (\d+), height: (\d+)", first
    ):
        if not rest:
            return Cut((int(match[1]), int(match[2]), int(match[3]), int(match[4])))
        rect = Rect.read(",".join(match.groups()))
    for step in rest if rect else (first, *rest):
        if step == "auto-orient":
            upright = True
        elif rendition is None and (match := re.fullmatch(r"rotate (90|180|270)", step)):
            turn = int(match[1])
        elif rendition is None and step.startswith("resize "):
            rendition = _sharp_resize(step.removeprefix("resize "), turn, size)
            if rendition is None:
                return None
        elif step.startswith("extend "):
            around = _sharp_pad(step)
            rendition = replace(rendition or boxed(0, 0, Fit.CLIP), pad=around).canonical()
        elif not SHARP_SIZELESS.fullmatch(step):
            return None
    if rendition is None:
        if rect:
            return Asked(boxed(0, 0, Fit.CLIP, rect=rect, rotate=turn), upright)
        return None if turn else whole(upright=upright)
    return Asked(replace(rendition, rect=rect), upright)


def _sharp_pad(step: str) -> Pad:
    """The pixels of `extend 10`, or of `extend top: 10, left: 20`."""
    if match := re.fullmatch(r"extend (\d+)", step):
        return (int(match[1]),) * 4
    sides = {side: int(pixels) for side, pixels in re.findall(r"(\w+): (\d+)", step)}
    top, right, bottom, left = (sides.get(each, 0) for each in ("top", "right", "bottom", "left"))
    return top, right, bottom, left


def _sharp_resize(words: str, turn: int, size: Size) -> Rendition | None:
    if match := re.fullmatch(r"(\d+)x(\d+)", words):
        return boxed(int(match[1]), int(match[2]), Fit.CROP, rotate=turn)
    options = dict(word.partition("=")[::2] for word in words.split())
    fit = SHARP_FITS.get(options.pop("fit", "cover"))
    enlarge = options.pop("withoutEnlargement", "false") == "false"
    if options.get("withoutReduction") == "false":
        del options["withoutReduction"]
    options.pop("position", None)
    width, height = int(options.pop("w", 0)), int(options.pop("h", 0))
    if fit is Fit.FILL:  # a side that is not said stays; here the ratio would
        width, height = width or size[0], height or size[1]
    if fit is None or options or not (width or height):
        return None
    return boxed(width, height, fit, enlarge=enlarge, rotate=turn)


def weserv(operation: str, size: Size) -> Reading:
    """A query such as `w=320&h=240&fit=cover`."""
    pairs = operation.removeprefix("query ").split("&")
    options = dict(pair.partition("=")[::2] for pair in pairs if pair)
    options = {
        name: value for name, value in options.items() if not WESERV_SIZELESS.fullmatch(name)
    }
    more: dict[str, Any] = {}
    if {"cx", "cy", "cw", "ch"} <= set(options) and "%" not in operation:
        x, y, width, height = (int(options.pop(name)) for name in ("cx", "cy", "cw", "ch"))
        if not options:
            return Cut((x, y, width, height))
        if options.pop("precrop", None) is None:
            return None  # it cuts after the box
        more["rect"] = Rect.read(f"{x},{y},{width},{height}")
    if tolerance := options.pop("trim", None):
        more["trim"] = int(tolerance)
    if "mtrim" not in options:
        options.pop("mask", None)
    enlarge = options.pop("we", "false") == "false"
    fit = SHARP_FITS.get(options.pop("fit", "inside"))
    if (old := options.pop("t", "")) and fit is not None:
        fit, enlarge = WESERV_TRANSFORMS.get(old, (None, True))
    density = int(options.pop("dpr", 1))
    width, height = int(options.pop("w", 0)), int(options.pop("h", 0))
    if fit is Fit.FILL:
        width, height = width or size[0], height or size[1]
    if fit is None or options:
        return None
    return Asked(boxed(width * density, height * density, fit, enlarge=enlarge, **more))


def imagor(operation: str, size: Size) -> Reading:
    """A path such as `fit-in/100x65/filters:…`."""
    match = re.fullmatch(r"(full-fit-in/|fit-in/)?(\d+)x(\d+)(/filters:.*)?", operation)
    if match is None:
        return None
    fit = {None: Fit.CROP, "fit-in/": Fit.CLIP, "full-fit-in/": Fit.COVER}[match[1]]
    return Asked(boxed(int(match[2]), int(match[3]), fit, enlarge=fit is not Fit.CLIP))


THUMBOR_GRAVITY = {"left": 0, "center": 500, "right": 1000, "top": 0, "middle": 500, "bottom": 1000}


def thumbor(operation: str, size: Size) -> Reading:
    """`crop-to-fill 400x300 halign=left valign=top`, or `fit-in adaptive full 100xorig`."""
    match = re.fullmatch(r"crop-to-fill (\d+)x(\d+) halign=(\w+) valign=(\w+)", operation)
    if match:
        gravity = Gravity(THUMBOR_GRAVITY[match[3]], THUMBOR_GRAVITY[match[4]])
        return Asked(boxed(int(match[1]), int(match[2]), Fit.CROP, gravity=gravity))
    match = re.fullmatch(r"fit-in (adaptive )?(full )?(\w+)x(\w+)", operation)
    if match is None:
        return None
    width, height = (
        own if word == "orig" else int(word)
        for word, own in zip(match.group(3, 4), size, strict=True)
    )
    if match[1] and (width < height) != (size[0] < size[1]):
        width, height = height, width
    return Asked(boxed(width, height, Fit.COVER if match[2] else Fit.CLIP, enlarge=bool(match[2])))


def vip(operation: str, size: Size) -> Reading:
    """`resize w=250 crop=square`; without a width the square is as large as it can be."""
    if operation == "none (original)":
        return whole(upright=True)
    match = re.fullmatch(r"resize w=(\d+)( crop=square)?", operation)
    if match is None:
        return None
    side = int(match[1]) or LARGEST
    fit = Fit.CROP if match[2] else Fit.CLIP
    return Asked(boxed(side, side if match[2] else 0, fit, enlarge=False))


def go_imaging(operation: str, size: Size) -> Reading:
    """The library under vip: `Fit 10x10`; its Resize keeps the ratio where a side is free."""
    word, _, box = operation.partition(" ")
    width, height = (int(side) for side in box.split("x"))
    if not (width or height):
        return None
    fit = {"Fill": Fit.CROP, "Thumbnail": Fit.CROP, "Resize": Fit.FILL}.get(word, Fit.CLIP)
    return Asked(boxed(width, height, fit, enlarge=word != "Fit"))


def pilbox(operation: str, size: Size) -> Reading:
    """Turned as EXIF says."""
    return whole(upright=True) if operation.startswith("rotate-degree=auto") else None


def nothing(operation: str, size: Size) -> Reading:
    """What says something of settings and statuses only."""
    return None


READERS: dict[str, Reader] = {
    "lovell/sharp": sharp,
    "weserv/images": weserv,
    "cshum/imagor": imagor,
    "thumbor/thumbor": thumbor,
    "vokal/vip": vip,
    "disintegration/imaging": go_imaging,
    "agschwender/pilbox": pilbox,
    "imgproxy": nothing,
}
"""The beginning of a row's source → who reads its operation."""
