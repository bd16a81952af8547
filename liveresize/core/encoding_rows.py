"""The rows of the operations that say how a result is encoded."""

from liveresize.core import numbers, values
from liveresize.core.operation import Effect, Operation, UrlRules
from liveresize.core.values import KIB, MAX_BYTES, MAX_QUALITY, VISUAL, Quality


def _read_quality(text: str, rules: UrlRules) -> int | str | None:
    if text == VISUAL:
        return VISUAL
    if text == "auto":
        return None
    level = numbers.at_most(text.removeprefix("-"), MAX_QUALITY)
    if level is None or (text.startswith("-") and level > 1):
        raise ValueError(text)
    return None if text.startswith("-") and level == 1 else level


def _resolve_quality(level: int | str | None, rules: UrlRules) -> Quality:
    """Return the quality; of `visual` the configured one, which is for pictures of which nothing
    is known yet."""
    return Quality.of(level) if isinstance(level, int) else rules.quality


def _read_max_bytes(text: str, rules: UrlRules) -> int:
    number = numbers.whole(text, MAX_BYTES)
    if number is None or 0 < number < KIB:
        raise ValueError(text)
    return number - number % KIB


def _parse_max_bytes(token: str) -> int:
    most = KIB * numbers.digits(token.removeprefix("mb"))
    if not KIB <= most <= MAX_BYTES:
        raise ValueError(token)
    return most


QUALITY = Operation(
    name="quality",
    about="0–100 for JPEG, WebP, AVIF and JPEG XL; values above 100 are 100, and −1 is `auto`. "
    "`auto` keeps the quality of a JPEG; for other originals it is the configured one. `visual` "
    "is the lowest one that looks like the original, and is found for each image.",
    allowed="`auto`, `visual` or a whole number from 0 to 100",
    schema={
        "anyOf": [{"enum": ["auto", VISUAL]}, {"type": "integer", "minimum": -1}],
        "default": "auto",
    },
    example=75,
    effect=Effect.ENCODING,
    plain=None,
    read=_read_quality,
    resolve=_resolve_quality,
    text=lambda quality: VISUAL if quality.target else str(quality.jpeg),
    token=lambda quality: quality.token if quality else "",
    pattern=values.QUALITY,
    parse=Quality.of_token,
)

BYTES = Operation(
    name="max_bytes",
    about="At most so many bytes of JPEG, WebP, AVIF and JPEG XL, in steps of 1024: the best "
    "quality that fits, not above `quality`, and not below 10. 0 is no limit.",
    allowed=f"0 or a whole number from {KIB} to {MAX_BYTES}",
    schema={
        "anyOf": [{"const": 0}, {"type": "integer", "minimum": KIB, "maximum": MAX_BYTES}],
        "default": 0,
    },
    example=50 * KIB,
    effect=Effect.ENCODING,
    plain=0,
    read=_read_max_bytes,
    token=lambda most: f"mb{most // KIB}" if most else "",
    pattern="mb[0-9]{1,5}",
    parse=_parse_max_bytes,
)
