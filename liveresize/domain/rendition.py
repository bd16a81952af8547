"""What a rendition is: one frozen value, and the variant string that names it."""

import enum
import re
from dataclasses import dataclass, replace
from typing import Self

from liveresize.domain import numbers


class Format(enum.StrEnum):
    """A format that renditions are written in."""

    JPEG = "jpeg"
    PNG = "png"
    WEBP = "webp"
    AVIF = "avif"
    GIF = "gif"

    @property
    def extension(self) -> str:
        """What a URL ends in, without the dot."""
        return "jpg" if self is Format.JPEG else self.value

    @property
    def mime(self) -> str:
        """The media type."""
        return f"image/{self.value}"

    @property
    def max_side(self) -> int:
        """The most pixels a side that the format can hold."""
        return _MAX_SIDE[self]

    @property
    def lossy(self) -> bool:
        """Whether `quality` means something."""
        return self in (Format.JPEG, Format.WEBP, Format.AVIF)

    @property
    def animates(self) -> bool:
        """Whether the format can hold more than one frame."""
        return self in (Format.GIF, Format.WEBP, Format.AVIF)

    @property
    def has_alpha(self) -> bool:
        """Whether the format can hold transparency."""
        return self is not Format.JPEG


_MAX_SIDE = {
    Format.JPEG: 65_500,  # libjpeg's JPEG_MAX_DIMENSION
    Format.PNG: 2**31 - 1,
    Format.WEBP: 16_383,  # 14 bits in the VP8 frame header
    Format.AVIF: 65_536,
    Format.GIF: 65_535,
}

EXTENSIONS = {
    "jpg": Format.JPEG,
    "jpeg": Format.JPEG,
    "jfif": Format.JPEG,
    "jpe": Format.JPEG,
    "png": Format.PNG,
    "webp": Format.WEBP,
    "avif": Format.AVIF,
    "gif": Format.GIF,
}
"""Extension in lower case → format. `auto` is not here: it depends on `Accept`."""


def sniff(data: bytes) -> Format:
    """The format of bytes that this server itself has encoded, from their first twelve."""
    if data.startswith(b"\xff\xd8"):
        return Format.JPEG
    if data.startswith(b"\x89PNG"):
        return Format.PNG
    if data.startswith(b"GIF8"):
        return Format.GIF
    return Format.WEBP if data[8:12] == b"WEBP" else Format.AVIF


def is_known(data: bytes) -> bool:
    """Whether bytes of unknown origin begin as one of the formats that `sniff` tells apart."""
    return sniff(data) is not Format.AVIF or data[4:12] in (b"ftypavif", b"ftypavis")


@dataclass(frozen=True, slots=True)
class Negotiated:
    """`auto`: which formats beyond JPEG, PNG and GIF the client would rather have."""

    avif: bool = False
    webp: bool = False

    animates = True
    lossy = True
    has_alpha = True

    @property
    def token(self) -> str:
        """`auto.aw`, `auto.a`, `auto.w` or `auto.n`, as it stands in a variant."""
        return "auto." + (("a" if self.avif else "") + ("w" if self.webp else "") or "n")

    @property
    def max_side(self) -> int:
        """The limit of what it can fall back to."""
        return Format.JPEG.max_side


class Fit(enum.StrEnum):
    """How a picture meets its box."""

    CLIP = "clip"
    CROP = "crop"
    COVER = "cover"
    CANVAS = "canvas"


@dataclass(frozen=True, slots=True)
class Gravity:
    """What `crop` keeps and where `canvas` places: a point in thousandths, or `smart`."""

    x: int = 500
    y: int = 500
    smart: bool = False

    @property
    def point(self) -> tuple[float, float]:
        """The point as fractions 0–1 of width and height."""
        return self.x / 1000, self.y / 1000


CENTER = Gravity()
SMART = Gravity(smart=True)
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

    `match` asks JPEG from JPEG to keep the original's own quality; `jpeg` is then what
    is used where that cannot be known.
    """

    jpeg: int
    webp: int
    avif: int
    match: bool = False

    @classmethod
    def of(cls, level: int) -> Self:
        """One level for whatever format comes out."""
        return cls(level, level, level)

    def level(self, output: Format) -> int:
        """The level for `output`; lossless formats have none and get 100."""
        levels = {Format.JPEG: self.jpeg, Format.WEBP: self.webp, Format.AVIF: self.avif}
        return levels.get(output, 100)

    def only(self, output: Format) -> "Quality":
        """What is left of it once the format is known."""
        match = self.match and output is Format.JPEG
        level = self.level(output)
        return Quality(level, level, level, match)

    @property
    def token(self) -> str:
        """`q80`, `qa82` or `qa82.80.60`, as it stands in a variant."""
        auto = "a" if self.match else ""
        if self.jpeg == self.webp == self.avif:
            return f"q{auto}{self.jpeg}"
        return f"q{auto}{self.jpeg}.{self.webp}.{self.avif}"


MAX_QUALITY = 100
BLUR = (3, 1000)
"""The least and the most of a blur that is on, ten times a sigma in pixels."""
MAX_SHARPEN = 100
"""Ten times an amount of 10."""
FAR_EDGE = 1000
"""The right and the lower edge of a picture in the thousandths of a `Gravity`."""

Colour = tuple[int, int, int, int]
"""Red, green, blue, alpha; each 0–255, alpha 0 is transparent."""

WHITE: Colour = (255, 255, 255, 255)
TRANSPARENT: Colour = (255, 255, 255, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendition:
    """One way of showing a picture, every default resolved.

    `width` and `height` are the box in pixels (density folded in), 0 leaves that side
    free, both 0 is the picture's own size. `blur` is ten times a sigma in pixels,
    `sharpen` ten times an amount 0–10; 0 is off. `rotate` is clockwise degrees, `flip`
    one of `""`, `h`, `v`, `hv`; both act on the upright picture, rotate first. `floor`
    rounds a side that is free down, as vip does, and not half up.

    Two renditions that would look the same are equal after `canonical`, which drops
    what has no effect.
    """

    format: Format | Negotiated
    width: int = 0
    height: int = 0
    fit: Fit = Fit.CLIP
    gravity: Gravity = CENTER
    quality: Quality | None = None
    blur: int = 0
    sharpen: int = 0
    rotate: int = 0
    flip: str = ""
    background: Colour | None = None
    enlarge: bool = True
    animate: bool = True
    floor: bool = False

    def canonical(self) -> "Rendition":
        """The same rendition with everything inert dropped."""
        fit, gravity, background, quality = (
            self.fit,
            self.gravity,
            self.background,
            self.quality,
        )
        if not (self.width and self.height):
            fit = Fit.CLIP
        if fit not in (Fit.CROP, Fit.CANVAS) or (fit is Fit.CANVAS and gravity.smart):
            gravity = CENTER
        if isinstance(self.format, Format):
            quality = quality.only(self.format) if quality and self.format.lossy else None
        if self.format is Format.JPEG:
            background = _over_white(background or WHITE)
        elif fit is Fit.CANVAS or isinstance(self.format, Negotiated):
            background = background or WHITE
            background = TRANSPARENT if background[3] == 0 else background
        else:
            background = None
        return replace(
            self,
            fit=fit,
            gravity=gravity,
            quality=quality,
            background=background,
            enlarge=self.enlarge or not (self.width or self.height),
            animate=self.animate or not self.format.animates,
            floor=self.floor and bool(self.width) != bool(self.height),
        )

    def boxed(self, width: int, height: int) -> "Rendition":
        """The same rendition in another box."""
        return replace(self, width=width, height=height)

    def resolved(self, output: Format) -> "Rendition":
        """What an `auto` rendition is once its format is known."""
        return replace(self, format=output).canonical()

    @property
    def variant(self) -> str:
        """The name of this rendition: its identity in memory, index and object keys.

        Made of ASCII letters, digits, `-` and `.` alone; `from_variant` reads it back.
        """
        parts = [f"{self.width}x{self.height}"]
        if self.fit is not Fit.CLIP:
            parts.append(self.fit.value)
        if self.gravity.smart:
            parts.append("smart")
        elif self.gravity != CENTER:
            parts.append(f"g{self.gravity.x}x{self.gravity.y}")
        if self.quality is not None:
            parts.append(self.quality.token)
        if self.blur:
            parts.append(f"b{self.blur}")
        if self.sharpen:
            parts.append(f"s{self.sharpen}")
        if self.rotate:
            parts.append(f"r{self.rotate}")
        if self.flip:
            parts.append(f"f{self.flip}")
        if self.background is not None and self.background != WHITE:
            parts.append("bg" + bytes(self.background).hex())
        if not self.enlarge:
            parts.append("noenlarge")
        if self.floor:
            parts.append("floor")
        if not self.animate:
            parts.append("still")
        parts.append(self.format.value if isinstance(self.format, Format) else self.format.token)
        return "-".join(parts)

    @classmethod
    def from_variant(cls, variant: str) -> Self:
        """Read a variant back; raises ValueError for what `variant` never writes."""
        match = _VARIANT.fullmatch(variant)
        if match is None:
            raise ValueError(f"not a variant: {variant!r}")
        part = match.groupdict()
        gravity = CENTER
        if part["smart"]:
            gravity = SMART
        elif part["gx"]:
            gravity = Gravity(numbers.digits(part["gx"]), numbers.digits(part["gy"]))
        quality = None
        if part["jpeg"]:
            level = numbers.digits(part["jpeg"])
            quality = Quality(
                level,
                numbers.digits(part["webp"] or part["jpeg"]),
                numbers.digits(part["avif"] or part["jpeg"]),
                bool(part["match"]),
            )
        output: Format | Negotiated
        if part["auto"]:
            output = Negotiated(avif="a" in part["auto"], webp="w" in part["auto"])
        else:
            output = Format(part["format"])
        background: Colour | None = None
        if part["bg"]:
            red, green, blue, alpha = bytes.fromhex(part["bg"])
            background = (red, green, blue, alpha)
        rendition = cls(
            format=output,
            width=numbers.digits(part["width"]),
            height=numbers.digits(part["height"]),
            fit=Fit(part["fit"] or "clip"),
            gravity=gravity,
            quality=quality,
            blur=numbers.digits(part["blur"] or "0"),
            sharpen=numbers.digits(part["sharpen"] or "0"),
            rotate=numbers.digits(part["rotate"] or "0"),
            flip=part["flip"] or "",
            background=background,
            enlarge=not part["noenlarge"],
            animate=not part["still"],
            floor=bool(part["floor"]),
        )
        canonical = rendition.canonical()
        if canonical.variant != variant or not rendition._in_range():
            raise ValueError(f"not a canonical variant: {variant!r}")
        return canonical  # type: ignore[return-value]

    def _in_range(self) -> bool:
        """Whether every number is one that a URL or the configuration can ask for."""
        gravity, quality = self.gravity, self.quality
        levels = (quality.jpeg, quality.webp, quality.avif) if quality else ()
        return (
            max(gravity.x, gravity.y) <= FAR_EDGE
            and all(level <= MAX_QUALITY for level in levels)
            and (not self.blur or BLUR[0] <= self.blur <= BLUR[1])
            and self.sharpen <= MAX_SHARPEN
        )


_VARIANT = re.compile(
    r"(?P<width>[0-9]{1,11})x(?P<height>[0-9]{1,11})"
    r"(?:-(?P<fit>crop|cover|canvas))?"
    r"(?:-(?P<smart>smart)|-g(?P<gx>[0-9]{1,4})x(?P<gy>[0-9]{1,4}))?"
    r"(?:-q(?P<match>a)?(?P<jpeg>[0-9]{1,3})(?:\.(?P<webp>[0-9]{1,3})\.(?P<avif>[0-9]{1,3}))?)?"
    r"(?:-b(?P<blur>[0-9]{1,4}))?"
    r"(?:-s(?P<sharpen>[0-9]{1,3}))?"
    r"(?:-r(?P<rotate>90|180|270))?"
    r"(?:-f(?P<flip>h|v|hv))?"
    r"(?:-bg(?P<bg>[0-9a-f]{8}))?"
    r"(?:-(?P<noenlarge>noenlarge))?"
    r"(?:-(?P<floor>floor))?"
    r"(?:-(?P<still>still))?"
    r"-(?:auto\.(?P<auto>aw|a|w|n)|(?P<format>jpeg|png|webp|avif|gif))"
)


def _over_white(colour: Colour) -> Colour:
    """`colour` laid over white, for formats without transparency."""
    red, green, blue, alpha = colour
    return (
        (red * alpha + 255 * (255 - alpha) + 127) // 255,
        (green * alpha + 255 * (255 - alpha) + 127) // 255,
        (blue * alpha + 255 * (255 - alpha) + 127) // 255,
        255,
    )
