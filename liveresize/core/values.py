"""Values of a rendition that have a type of their own: fit, gravity, quality, colour and pad."""

import enum
import re
from dataclasses import dataclass, replace
from typing import Self

from liveresize.core import numbers
from liveresize.core.formats import Format


class Fit(enum.StrEnum):
    """How a picture is fitted into its box."""

    CLIP = "clip"
    CROP = "crop"
    COVER = "cover"
    CANVAS = "canvas"
    FILL = "fill"


@dataclass(frozen=True, slots=True)
class Gravity:
    """The point, in thousandths, that `crop` keeps and where `canvas` places; or `smart`.

    `untrimmed`: the point is one of the picture before `trim`.
    """

    x: int = 500
    y: int = 500
    smart: bool = False
    untrimmed: bool = False

    @property
    def point(self) -> tuple[float, float]:
        """The point as fractions 0–1 of width and height."""
        return self.x / 1000, self.y / 1000


CENTER = Gravity()
SMART = Gravity(smart=True)
AUTO = "auto"
"""The gravity of a URL that is the focus of the picture, and `smart` without one."""
COMPASS = {
    "center": CENTER,
    "north": Gravity(500, 0),
    "south": Gravity(500, 1000),
    "east": Gravity(1000, 500),
    "west": Gravity(0, 500),
    "northeast": Gravity(1000, 0),
    "northwest": Gravity(0, 0),
    "southeast": Gravity(1000, 1000),
    "southwest": Gravity(0, 1000),
    "smart": SMART,
}


@dataclass(frozen=True, slots=True)
class Quality:
    """Encoder quality 0–100 for each lossy format.

    With `match`, a JPEG rendered from a JPEG keeps the quality of the original; `jpeg` is then
    used if that quality is unknown. `target` is the SSIM in thousandths that the levels were found
    for, with `quality=visual`; else 0. `jxl` is None where it is that of JPEG, whose scale it has.
    """

    jpeg: int
    webp: int
    avif: int
    match: bool = False
    target: int = 0
    jxl: int | None = None

    @classmethod
    def of(cls, level: int) -> Self:
        """Return the same level for every format."""
        return cls(level, level, level)

    def level(self, output: Format) -> int:
        """Return the level for `output`; 100 for lossless formats."""
        levels = {Format.JPEG: self.jpeg, Format.WEBP: self.webp, Format.AVIF: self.avif}
        levels[Format.JXL] = self.jpeg if self.jxl is None else self.jxl
        return levels.get(output, 100)

    def only(self, output: Format) -> "Quality":
        """Return the quality for one format."""
        match = self.match and output is Format.JPEG
        level = self.level(output)
        return Quality(level, level, level, match, self.target)

    def offered(self, *, jxl: bool) -> "Quality":
        """Return the quality for formats of which JPEG XL is one, or is not."""
        return self if jxl and self.jxl != self.jpeg else replace(self, jxl=None)

    @property
    def token(self) -> str:
        """The token in a variant: `q80`, `qa82`, `qa82.80.60`, `qv960.71` or `qv960.71.68.49`; a
        fourth level is that of JPEG XL."""
        kind = f"v{self.target}." if self.target else "a" if self.match else ""
        if self.jpeg == self.webp == self.avif and self.jxl is None:
            return f"q{kind}{self.jpeg}"
        jxl = "" if self.jxl is None else f".{self.jxl}"
        return f"q{kind}{self.jpeg}.{self.webp}.{self.avif}{jxl}"

    @classmethod
    def of_token(cls, token: str) -> Self:
        """Parse a token. Raises ValueError for any text that `token` does not return."""
        if not re.fullmatch(QUALITY, token):
            raise ValueError(token)
        levels = [numbers.digits(part) for part in token.lstrip("qav").split(".")]
        target = levels.pop(0) if token.startswith("qv") else 0
        jpeg, webp, avif, *jxl = levels if len(levels) > 1 else levels * 3
        quality = cls(jpeg, webp, avif, token.startswith("qa"), target, *jxl)
        if max(levels) > MAX_QUALITY or quality.token != token:
            raise ValueError(token)
        return quality


MAX_QUALITY = 100
QUALITY = r"q(?:a|v[0-9]{1,3}\.)?[0-9]{1,3}(?:\.[0-9]{1,3}\.[0-9]{1,3}(?:\.[0-9]{1,3})?)?"
"""What matches the token of a Quality."""
VISUAL = "visual"
"""The quality of a URL that is found for each picture."""
KIB = 1024
"""The step of `max_bytes`, and its lowest value above 0."""
MAX_BYTES = 64 * 1024 * KIB
"""The highest value of `max_bytes`."""
BLUR = (3, 1000)
"""The bounds of a blur that is on, ten times a sigma in pixels."""
MAX_SHARPEN = 100
"""Ten times an amount of 10."""
LOOK = 100
"""The bounds of brightness, contrast and saturation, below and above 0, in percent."""
PIXELATE = (2, 200)
"""The bounds of the side of a block, in pixels."""
TRIM = 10
"""The levels of `trim=true`, as in libvips and in the examples of imgproxy."""
MAX_TRIM = 255
"""The largest difference of two levels."""
MAX_PAD = 9999
"""The largest pad, in pixels a side."""
MAX_RADIUS = 10_000
"""A radius that is half of the shorter side, however large the picture is: `max`."""
RIGHTS_FROM = 256
"""The width or height in pixels from which on a rendition says the rights of its picture."""
FAR_EDGE = 1000
"""The right and the lower edge of a picture in the thousandths of a `Gravity`."""

Colour = tuple[int, int, int, int]
"""Red, green, blue, alpha; each 0–255, alpha 0 is transparent."""

Duotone = tuple[Colour, Colour]
"""The opaque colours that black and white become."""

WHITE: Colour = (255, 255, 255, 255)
TRANSPARENT: Colour = (255, 255, 255, 0)


class Backdrop(enum.StrEnum):
    """What is behind a picture instead of a colour."""

    BLUR = "blur"
    """The picture itself, blurred."""


Background = Colour | Backdrop


def is_opaque(background: Background) -> bool:
    """Whether nothing shows through a background."""
    return isinstance(background, Backdrop) or background[3] == 255


Pad = tuple[int, int, int, int]
"""Pixels around a picture: top, right, bottom and left, the order of CSS."""

NO_PAD: Pad = (0, 0, 0, 0)
