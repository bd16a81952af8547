"""The rows of the operations that choose a part of the picture, before it meets its box."""

from liveresize.core import numbers
from liveresize.core.operation import FLAGS, Effect, Operation, UrlRules
from liveresize.core.rect import PATTERN, Length, Rect
from liveresize.core.values import MAX_TRIM, TRIM

_TOKEN = r"[0-9]{1,9}f?"  # noqa: S105 (no secret)


def _rect_token(rect: Rect | None) -> str:
    if rect is None:
        return ""
    return "rect" + ".".join(f"{each.value}{'f' * each.relative}" for each in rect.lengths)


def _parse_rect(token: str) -> Rect | None:
    parts = token.removeprefix("rect").split(".")
    return Rect.of(
        tuple(Length(numbers.digits(part.removesuffix("f")), part.endswith("f")) for part in parts)
    )


def _read_trim(text: str, rules: UrlRules) -> int | None:
    if text in FLAGS:
        return TRIM if FLAGS[text] else None
    level = numbers.whole(text, MAX_TRIM)
    if level is None:
        raise ValueError(text)
    return level


def _parse_trim(token: str) -> int:
    level = numbers.digits(token.removeprefix("trim"))
    if level > MAX_TRIM:
        raise ValueError(token)
    return level


def rect_text(value: object) -> str:
    """Format what an application gives as `rect`, a text or four numbers, for a URL.

    A float is a fraction, also if it is 1.0; an int is pixels.
    """
    if not isinstance(value, tuple | list):
        return str(value)
    return ",".join(
        f"{each:.4f}".rstrip("0").ljust(3, "0") if isinstance(each, float) else str(each)
        for each in value
    )


PART_ROWS = (
    Operation(
        name="rect",
        about="The part `x,y,w,h` of the upright image, which then counts as the image. A whole "
        "number is pixels; a number with a decimal point (`0.25`, `1.0`) or `%` is a fraction of "
        "the width or height, rounded to 0.0001. What is over the edges is cut off.",
        allowed="`x,y,w,h`, each in pixels (`40`) or as a fraction of the image (`0.25`, `1.0`, "
        "`25%25` for 25%), with something left of the image",
        schema={"type": "string", "pattern": f"^{PATTERN}$"},
        example="0.25,0.25,0.5,0.5",
        effect=Effect.PART,
        plain=None,
        read=lambda text, rules: Rect.read(text),
        text=lambda rect: ",".join(each.text for each in rect.lengths),
        token=_rect_token,
        pattern=rf"rect{_TOKEN}(?:\.{_TOKEN}){{3}}",
        parse=_parse_rect,
    ),
    Operation(
        name="trim",
        about="Cuts off borders of the colour of the upper left pixel, or transparent ones where "
        f"that is transparent. The number is how many levels of {MAX_TRIM} a colour may differ; "
        f"`true` is {TRIM}.",
        allowed=f"`true`, `false` or a whole number from 0 to {MAX_TRIM}",
        schema={
            "anyOf": [
                {"type": "boolean"},
                {"type": "integer", "minimum": 0, "maximum": MAX_TRIM},
            ],
            "default": False,
        },
        example=True,
        effect=Effect.PART,
        plain=None,
        read=_read_trim,
        token=lambda level: "" if level is None else f"trim{level}",
        pattern="trim[0-9]{1,3}",
        parse=_parse_trim,
    ),
)
"""What is shown of the picture, in the order in which it is cut."""
