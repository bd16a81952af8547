"""Renditions: one frozen value each, and the variant string that names it."""

import functools
import itertools
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import Self

from liveresize.core import numbers
from liveresize.core.colour_rows import HDR_LOST, NONE, SRGB
from liveresize.core.formats import Format, Negotiated
from liveresize.core.operations import ROWS, VARIANT
from liveresize.core.overlay import OverlayMark
from liveresize.core.rect import Rect
from liveresize.core.values import (
    CENTER,
    MAX_RADIUS,
    NO_PAD,
    RIGHTS_FROM,
    TRANSPARENT,
    WHITE,
    Backdrop,
    Background,
    Duotone,
    Fit,
    Gravity,
    Pad,
    Quality,
    is_opaque,
)


@dataclass(frozen=True, kw_only=True)  # without slots: `variant` is kept once it is made
class Rendition:
    """The parameters of one rendition, with every default resolved.

    `width` and `height` are the box in pixels (multiplied by the density); 0 means that this
    side is calculated, both 0 the picture's own size. `rect` is the part of the upright picture
    that counts as the picture, and `trim` by how many levels the border that is cut off it may
    differ from its upper left pixel; None is all of it. `max_bytes` is a multiple of KIB; 0 is no
    limit. `blur` is ten times a sigma in pixels,
    `sharpen` ten times an amount 0–10; 0 is off, as it is for `brightness`, `contrast` and
    `saturation`, percents from −100 to 100, and for `pixelate`, the side of a block in pixels.
    `tint` has the colours of black and of white. `overlay` is drawn over the result. `rotate` is
    clockwise degrees, `flip` one of `""`, `h`, `v`, `hv`; both apply to the upright picture, rotate
    first. `radius` is that of its corners, and `pad` what is around it, in pixels (multiplied by
    the density). `floor` rounds a calculated side down, as vip does, and not half up. `bare` drops
    the transparency of a JPEG, as vip does, and shows what lies under it. With `rights` the file
    says the rights of its picture. `colour` is `srgb` or `p3`, `hdr` is `none` or
    `keep`.

    Two renditions that look the same are equal after `canonical`, which resets values
    without an effect.
    """

    format: Format | Negotiated
    width: int = 0
    height: int = 0
    fit: Fit = Fit.CLIP
    gravity: Gravity = CENTER
    rect: Rect | None = None
    trim: int | None = None
    quality: Quality | None = None
    max_bytes: int = 0
    blur: int = 0
    sharpen: int = 0
    brightness: int = 0
    contrast: int = 0
    saturation: int = 0
    pixelate: int = 0
    tint: Duotone | None = None
    grey: bool = False
    overlay: OverlayMark | None = None
    rotate: int = 0
    flip: str = ""
    background: Background | None = None
    radius: int = 0
    pad: Pad = NO_PAD
    enlarge: bool = True
    floor: bool = False
    bare: bool = False
    rights: bool = False
    animate: bool = True
    colour: str = SRGB
    hdr: str = NONE

    def __hash__(self) -> int:
        """Return the hash of the variant, which is kept: caches on the way of a hit ask for it."""
        return hash(self.variant)

    def canonical(self) -> "Rendition":
        """Return the same rendition, with every value that has no effect reset."""
        fit, gravity, background, quality, radius = (
            self.fit,
            self.gravity,
            self.background,
            self.quality,
            self.radius,
        )
        if not (self.width and self.height):
            fit = Fit.CLIP
        if fit not in (Fit.CROP, Fit.CANVAS) or (fit is Fit.CANVAS and gravity.smart):
            gravity = CENTER
        if gravity.untrimmed and self.trim is None:
            gravity = replace(gravity, untrimmed=False)
        lossless = isinstance(self.format, Format) and not self.format.lossy
        if isinstance(self.format, Format):
            quality = quality.only(self.format) if quality and not lossless else None
        elif quality:
            quality = quality.offered(jxl=self.format.jxl)
        background = background or WHITE
        if self.format is Format.JPEG:
            background = _over_white(background)
        elif fit is Fit.CANVAS or any(self.pad) or isinstance(self.format, Negotiated):
            clear = not isinstance(background, Backdrop) and background[3] == 0
            background = TRANSPARENT if clear else background
        else:
            background = None
        if fit is not Fit.COVER and 0 < self._shorter_side <= 2 * radius:
            radius = MAX_RADIUS
        has_profile = self.format not in (Format.GIF, Format.JXL)
        may_be_jpeg = self.format is Format.JPEG or isinstance(self.format, Negotiated)
        lost = fit is Fit.CANVAS or any(self.pad) or any(getattr(self, name) for name in HDR_LOST)
        return replace(
            self,
            fit=fit,
            gravity=gravity,
            quality=quality,
            max_bytes=0 if lossless else self.max_bytes,
            background=background,
            radius=radius,
            enlarge=self.enlarge or not (self.width or self.height),
            animate=self.animate or not self.format.animates,
            floor=self.floor and bool(self.width) != bool(self.height),
            bare=self.bare and self.format is Format.JPEG,
            rights=self.rights and self.format.says_rights and not self._is_small,
            colour=self.colour if has_profile and not (self.grey or self.tint) else SRGB,
            hdr=self.hdr if may_be_jpeg and not lost else NONE,
        )

    @property
    def _is_small(self) -> bool:
        """Whether no picture is large enough in this box to say its rights."""
        inside = self.width and self.height and self.fit is not Fit.COVER and not any(self.pad)
        return bool(inside) and max(self.width, self.height) < RIGHTS_FROM

    @property
    def _shorter_side(self) -> int:
        """The shorter side of the box; 0 if there is none."""
        return min(self.width or self.height, self.height or self.width)

    def may_be_clear(self, *, has_alpha: bool) -> bool:
        """Whether the result may be transparent somewhere, in a format that can be that.

        `has_alpha` says this of the picture.
        """
        canonical = self.canonical()
        background = canonical.background or WHITE
        if any(canonical.pad):
            return not is_opaque(background)
        if canonical.radius:
            return True
        return has_alpha if canonical.fit is not Fit.CANVAS else not is_opaque(background)

    def boxed(self, width: int, height: int) -> "Rendition":
        """Return the same rendition in another box."""
        return replace(self, width=width, height=height)

    def resolved(self, output: Format) -> "Rendition":
        """Return an `auto` rendition in its final format."""
        return replace(self, format=output).canonical()

    @functools.cached_property
    def variant(self) -> str:
        """The name of this rendition: its identity in memory, index and object keys.

        It has only ASCII letters, digits, `-` and `.`; `from_variant` parses it.
        """
        parts = [f"{self.width}x{self.height}"]
        # What is as it was by default is not looked at.
        for value, plain, token in zip(_operation_fields(self), _PLAIN, _TOKENS):  # noqa: B905 (slower)
            if value is not plain and (text := token(value)):
                parts.append(text)
        parts.append(self.format.value if isinstance(self.format, Format) else self.format.token)
        return "-".join(parts)

    @classmethod
    def from_variant(cls, variant: str) -> Self:
        """Parse a variant. Raises ValueError for any text that `variant` does not return."""
        match = VARIANT.fullmatch(variant)
        if match is None:
            raise ValueError(f"not a variant: {variant!r}")
        part = match.groupdict()
        word = part["format"]
        output = _NEGOTIATED.get(word) or Format(word)
        try:
            fields = {
                row.attribute: row.parse(token) for row in ROWS if (token := part[row.attribute])
            }
        except ValueError:
            raise ValueError(f"not a variant: {variant!r}") from None
        width, height = numbers.digits(part["width"]), numbers.digits(part["height"])
        canonical = cls(format=output, width=width, height=height, **fields).canonical()
        if canonical.variant != variant:
            raise ValueError(f"not a canonical variant: {variant!r}")
        return canonical  # type: ignore[return-value]


_operation_fields = attrgetter(*(row.attribute for row in ROWS))
_PLAIN = _operation_fields(Rendition(format=Format.JPEG))
_TOKENS = [row.token for row in ROWS]

_NEGOTIATED = {
    each.token: each
    for each in itertools.starmap(Negotiated, itertools.product((False, True), repeat=3))
}


def _over_white(background: Background) -> Background:
    """Blend a colour over white, for formats without transparency."""
    if isinstance(background, Backdrop):
        return background
    red, green, blue, alpha = background
    return (
        (red * alpha + 255 * (255 - alpha) + 127) // 255,
        (green * alpha + 255 * (255 - alpha) + 127) // 255,
        (blue * alpha + 255 * (255 - alpha) + 127) // 255,
        255,
    )
