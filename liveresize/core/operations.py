"""The table of operations that the URL of a picture can have, one row each.

The query parser, the variants, the URL builder, OpenAPI, the studio and the documentation of
URLs read these rows. `imaging.effects.FILTERS` has the implementations of the filters, under
the same names.
"""

import re
from typing import TypedDict

from liveresize.core import colours, encoding_rows, numbers
from liveresize.core.colour_rows import COLOUR_ROWS
from liveresize.core.edge_rows import EDGE_ROWS
from liveresize.core.operation import FLAGS, Effect, Operation, UrlRules, choice, flag
from liveresize.core.overlay_row import OVERLAY
from liveresize.core.part_rows import PART_ROWS
from liveresize.core.values import (
    AUTO,
    BLUR,
    CENTER,
    COMPASS,
    FAR_EDGE,
    LOOK,
    MAX_SHARPEN,
    PIXELATE,
    SMART,
    Backdrop,
    Fit,
    Gravity,
)


def _tenths(text: str, low: int, high: int) -> int:
    """Parse a decimal number into tenths, rounded; `low` and `high` are in tenths, too."""
    number = numbers.decimal(text)
    if number is None or not low / 10 <= number <= high / 10:
        raise ValueError(text)
    return round(number * 10)


def _within(text: str, low: int, high: int) -> int:
    """Parse the digits after the first letter of a token."""
    number = numbers.digits(text[1:])
    if not low <= number <= high:
        raise ValueError(text)
    return number


def _read_gravity(text: str, rules: UrlRules) -> Gravity | str:
    if text == AUTO:
        return AUTO
    if text in COMPASS:
        return COMPASS[text]
    x, y = (numbers.decimal(part) for part in text.partition(",")[::2])
    if x is None or y is None or x > 1 or y > 1:
        raise ValueError(text)
    return Gravity(round(x * FAR_EDGE), round(y * FAR_EDGE))


def _gravity_text(gravity: Gravity) -> str:
    if gravity.untrimmed:
        return AUTO  # the focus of the picture: no URL has such a point itself
    for word, point in COMPASS.items():
        if point == gravity:
            return word
    return f"{gravity.x / 1000:g},{gravity.y / 1000:g}"


def _gravity_token(gravity: Gravity) -> str:
    if gravity == CENTER:
        return ""
    if gravity.smart:
        return "smart"
    return f"g{'u' * gravity.untrimmed}{gravity.x}x{gravity.y}"


def _parse_gravity(token: str) -> Gravity:
    if token == "smart":  # noqa: S105 (no secret)
        return SMART
    x, y = (_within(f"g{part}", 0, FAR_EDGE) for part in token.lstrip("gu").split("x"))
    return Gravity(x, y, untrimmed=token.startswith("gu"))


def _read_blur(text: str, rules: UrlRules) -> int:
    if text in FLAGS:
        return rules.blur if FLAGS[text] else 0
    return _tenths(text, *BLUR)


def _read_percent(text: str, rules: UrlRules) -> int:
    number = numbers.whole(text.removeprefix("-"), LOOK)
    if number is None:
        raise ValueError(text)
    return -number if text.startswith("-") else number


def _look(name: str, about: str, prefix: str) -> Operation:
    """Return an operation whose values are percents of more or less."""

    def parse(token: str) -> int:
        digits = token.removeprefix(prefix)
        number = _within(f"n{digits.removeprefix('m')}", 1, LOOK)
        return -number if digits.startswith("m") else number

    return Operation(
        name=name,
        about=about,
        allowed=f"a whole number from −{LOOK} to {LOOK}",
        schema={"type": "integer", "minimum": -LOOK, "maximum": LOOK, "default": 0},
        example=20,
        effect=Effect.FILTER,
        plain=0,
        read=_read_percent,
        token=lambda percent: f"{prefix}{percent}".replace("-", "m") if percent else "",
        pattern=f"{prefix}m?[0-9]{{1,3}}",
        parse=parse,
    )


def _read_pixelate(text: str, rules: UrlRules) -> int:
    number = numbers.whole(text, PIXELATE[1])
    if number is None or 0 < number < PIXELATE[0]:
        raise ValueError(text)
    return number


_FRACTION = r"(0(\.[0-9]{1,99})?|1(\.0{1,99})?)"

ROWS = (
    choice(
        "fit",
        "`clip` fits inside the box; `crop` fills the box and cuts off the rest; `cover` is at "
        "least as large as the box; `canvas` fits inside the box and fills the rest with `bg`; "
        "`fill` stretches to the box and does not keep the ratio.",
        Effect.BOX,
        "",
        Fit.CLIP,
        tuple(Fit),
        example=Fit.CROP,
    ),
    Operation(
        name="gravity",
        about="What `crop` keeps, and where `canvas` places the image: a direction, the most "
        "detailed region (`smart`), or a focal point `x,y` in fractions. `auto` is the focus of "
        "the image for `crop`, or `smart` if it has none. Without a gravity, `crop` keeps the "
        "focus, too.",
        allowed="a point of the compass, `center`, `smart`, `auto`, or `x,y` with each from 0 to 1",
        schema={
            "anyOf": [
                {"enum": [*COMPASS, AUTO]},
                {"type": "string", "pattern": f"^{_FRACTION},{_FRACTION}$"},
            ],
            "default": "center",
        },
        example="smart",
        effect=Effect.BOX,
        plain=CENTER,
        read=_read_gravity,
        resolve=lambda gravity, rules: SMART if gravity == AUTO else gravity,
        text=_gravity_text,
        token=_gravity_token,
        pattern="smart|gu?[0-9]{1,4}x[0-9]{1,4}",
        parse=_parse_gravity,
    ),
    *PART_ROWS,
    encoding_rows.QUALITY,
    encoding_rows.BYTES,
    Operation(
        name="blur",
        about="Sigma in pixels, without an exponent. `true` is the configured one.",
        allowed="`true`, `false` or a sigma from 0.3 to 100",
        schema={
            "anyOf": [
                {"type": "boolean"},
                {"type": "number", "minimum": BLUR[0] / 10, "maximum": BLUR[1] // 10},
            ],
            "default": False,
        },
        effect=Effect.FILTER,
        plain=0,
        read=_read_blur,
        text=lambda tenths: f"{tenths / 10:g}",
        token=lambda tenths: f"b{tenths}" if tenths else "",
        pattern="b[0-9]{1,4}",
        parse=lambda token: _within(token, *BLUR),
    ),
    Operation(
        name="sharpen",
        about="How much to sharpen after resizing, without an exponent.",
        allowed="a number from 0 to 10",
        schema={"type": "number", "minimum": 0, "maximum": MAX_SHARPEN // 10, "default": 0},
        effect=Effect.FILTER,
        plain=0,
        read=lambda text, rules: _tenths(text, 0, MAX_SHARPEN),
        text=lambda tenths: f"{tenths / 10:g}",
        token=lambda tenths: f"s{tenths}" if tenths else "",
        pattern="s[0-9]{1,3}",
        parse=lambda token: _within(token, 1, MAX_SHARPEN),
    ),
    _look(
        "brightness",
        "Percent lighter, or darker below 0: −100 is black, 100 twice as light.",
        "br",
    ),
    _look(
        "contrast",
        "Percent more contrast, or less below 0: −100 is one grey, 100 twice the contrast.",
        "co",
    ),
    _look(
        "saturation",
        "Percent more colour, or less below 0: −100 are shades of grey, 100 twice the colour.",
        "sa",
    ),
    Operation(
        name="pixelate",
        about="Blocks of so many pixels a side, in their average colour. 0 is none.",
        allowed=f"0 or a whole number from {PIXELATE[0]} to {PIXELATE[1]}",
        schema={
            "anyOf": [
                {"const": 0},
                {"type": "integer", "minimum": PIXELATE[0], "maximum": PIXELATE[1]},
            ],
            "default": 0,
        },
        example=8,
        effect=Effect.FILTER,
        plain=0,
        read=_read_pixelate,
        token=lambda side: f"px{side}" if side else "",
        pattern="px[0-9]{1,3}",
        parse=lambda token: _within(token[1:], *PIXELATE),
    ),
    Operation(
        name="tint",
        about="Two colours, for what is dark and what is light; everything else is between them.",
        allowed="two colours of 3 or 6 hex digits, as `264653,e9c46a`",
        schema={"type": "string", "pattern": f"^{colours.TWO.pattern}$"},
        example="264653,e9c46a",
        effect=Effect.FILTER,
        plain=None,
        read=colours.read_duotone,
        text=colours.duotone_text,
        token=lambda both: "t" + colours.duotone_text(both, ".") if both else "",
        pattern=r"t[0-9a-f]{6}\.[0-9a-f]{6}",
        parse=lambda token: (
            colours.from_hex(f"{token[1:7]}ff"),
            colours.from_hex(f"{token[8:]}ff"),
        ),
    ),
    flag(
        "grey",
        "Shades of grey instead of colours.",
        Effect.FILTER,
        "grey",
        plain=False,
        shown=True,
    ),
    OVERLAY,
    choice(
        "rotate",
        "Degrees clockwise, after the EXIF orientation is applied.",
        Effect.TURN,
        "r",
        0,
        (0, 90, 180, 270),
    ),
    choice(
        "flip", "Mirror horizontally, vertically or both.", Effect.TURN, "f", "", ("h", "v", "hv")
    ),
    Operation(
        name="bg",
        attribute="background",
        about="A colour in hex digits, with or without alpha, or `blur`: the image itself, "
        "blurred. It fills `canvas` and `pad`, and is the background of transparent images in "
        "JPEG.",
        allowed="`transparent`, `blur` or a colour of 3, 6 or 8 hex digits",
        schema={
            "anyOf": [
                {"enum": ["transparent", *Backdrop]},
                {"type": "string", "pattern": f"^({colours.HEX.pattern})$"},
            ],
            "default": "ffffff",
        },
        example="f0f0f0",
        effect=Effect.BOX,
        plain=None,
        read=colours.read_background,
        text=colours.background_text,
        token=colours.background_token,
        pattern=f"bg(?:{'|'.join(Backdrop)}|[0-9a-f]{{8}})",
        parse=colours.parse_background,
    ),
    *EDGE_ROWS,
    flag(
        "enlarge",
        "Whether a small original is enlarged. Without it, the settings decide.",
        Effect.BOX,
        "noenlarge",
        plain=None,
        shown=False,
        resolve=lambda value, rules: rules.enlarge if value is None else value,
    ),
    flag("", "", Effect.BOX, "floor", plain=False, shown=True, attribute="floor"),
    flag("", "", Effect.ENCODING, "bare", plain=False, shown=True, attribute="bare"),
    flag(
        "",
        "",
        Effect.ENCODING,
        "rights",
        plain=False,
        shown=True,
        attribute="rights",
        resolve=lambda value, rules: rules.rights,
    ),
    flag(
        "animate",
        "Whether an animation stays animated, if the format can do that.",
        Effect.FRAMES,
        "still",
        plain=True,
        shown=False,
    ),
    *COLOUR_ROWS,
)
"""Every operation, in the order of the tokens in a variant."""

OPERATIONS = {row.name: row for row in ROWS if row.name}
"""The operations that a URL can have, by name."""

_HEAD = r"(?P<width>[0-9]{1,11})x(?P<height>[0-9]{1,11})"
_TAIL = r"-(?P<format>auto\.(?:j?(?:aw|a|w)|j|n)|jpeg|png|webp|avif|gif|jxl)"

VARIANT = re.compile(
    _HEAD + "".join(f"(?:-(?P<{row.attribute}>{row.pattern}))?" for row in ROWS) + _TAIL
)
"""A variant: the box, the tokens of the operations, and the format."""


class Spelled(TypedDict, total=False):
    """The operations as keyword arguments of `liveresize.urls`."""

    fit: str | None
    gravity: str | tuple[float, float] | None
    rect: str | tuple[float, float, float, float] | None
    trim: bool | int | None
    quality: int | str | None
    max_bytes: int | None
    blur: bool | float | None
    sharpen: float | None
    brightness: int | None
    contrast: int | None
    saturation: int | None
    pixelate: int | None
    tint: str | None
    grey: bool | None
    overlay: str | None
    rotate: int | None
    flip: str | None
    bg: str | None
    radius: int | str | None
    pad: int | str | tuple[int, ...] | None
    enlarge: bool | None
    animate: bool | None
    colour: str | None
    hdr: str | None
