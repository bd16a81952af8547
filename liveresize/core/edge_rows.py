"""The operations at the edges of a picture, after all others: round corners, and what is around.

`core.operations` has them among its rows.
"""

import re

from liveresize.core import numbers
from liveresize.core.operation import Effect, Operation, Scale, UrlRules
from liveresize.core.values import MAX_PAD, MAX_RADIUS, NO_PAD, Pad

_MAX = "max"


def _read_radius(text: str, rules: UrlRules) -> int:
    number = MAX_RADIUS if text == _MAX else numbers.whole(text, MAX_RADIUS - 1)
    if number is None:
        raise ValueError(text)
    return number


def _radius_text(radius: int) -> str:
    return _MAX if radius == MAX_RADIUS else str(radius)


def _parse_radius(token: str) -> int:
    text = token.removeprefix("rad")
    return MAX_RADIUS if text == _MAX else numbers.digits(text)


def _scaled_radius(radius: int, scale: Scale) -> int:
    return min(scale(radius), MAX_RADIUS)


def _read_pad(text: str, rules: UrlRules) -> Pad:
    if not _PAD.fullmatch(text):
        raise ValueError(text)
    return _sides([numbers.digits(side) for side in text.split(",")])


_PAD = re.compile("[0-9]{1,4}(,[0-9]{1,4}){0,3}")


def _sides(values: list[int]) -> Pad:
    """Return all four sides for one to four values, as CSS does: a side left out is that across."""
    top = values[0]
    right = values[1] if len(values) > 1 else top
    bottom = values[2] if len(values) > 2 else top
    return top, right, bottom, values[3] if len(values) > 3 else right


def _pad_text(pad: Pad, between: str = ",") -> str:
    """Return the shortest text for a pad."""
    lengths = (length for length in (1, 2, 3) if _sides(list(pad[:length])) == pad)
    return between.join(map(str, pad[: next(lengths, 4)]))


def _scaled_pad(pad: Pad, scale: Scale) -> Pad:
    top, right, bottom, left = (min(scale(side), MAX_PAD) for side in pad)
    return top, right, bottom, left


EDGE_ROWS = (
    Operation(
        name="radius",
        about="Round corners, in pixels. `max` is half of the shorter side: a circle for a "
        "square. The corners are transparent, and `bg` in JPEG. A density multiplies it.",
        allowed=f"`max` or a whole number from 0 to {MAX_RADIUS - 1}",
        schema={
            "anyOf": [
                {"enum": [_MAX]},
                {"type": "integer", "minimum": 0, "maximum": MAX_RADIUS - 1},
            ],
            "default": 0,
        },
        example=20,
        effect=Effect.EDGE,
        plain=0,
        read=_read_radius,
        text=_radius_text,
        scaled=_scaled_radius,
        token=lambda radius: f"rad{_radius_text(radius)}" if radius else "",
        pattern=f"rad(?:{_MAX}|[0-9]{{1,4}})",
        parse=_parse_radius,
    ),
    Operation(
        name="pad",
        about="Pixels around the image, filled with `bg`, in the order of CSS: `10` is all sides, "
        "`10,20` top and bottom, then left and right; `10,20,30,40` is clockwise from the top. "
        "The result is larger than the box by that. A density multiplies it.",
        allowed=f"one to four whole numbers from 0 to {MAX_PAD}, as `10,20`",
        schema={"type": "string", "pattern": f"^{_PAD.pattern}$", "default": "0"},
        example="10,20",
        effect=Effect.EDGE,
        plain=NO_PAD,
        read=_read_pad,
        text=_pad_text,
        scaled=_scaled_pad,
        token=lambda pad: f"pad{_pad_text(pad, '.')}" if any(pad) else "",
        pattern=r"pad[0-9]{1,4}(?:\.[0-9]{1,4}){0,3}",
        parse=lambda token: _sides([numbers.digits(side) for side in token[3:].split(".")]),
    ),
)
