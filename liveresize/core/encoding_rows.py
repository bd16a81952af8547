"""The rows of the operations that say how a result is encoded."""

from liveresize.core import numbers
from liveresize.core.operation import Effect, Operation, UrlRules
from liveresize.core.values import KIB, MAX_BYTES, MAX_QUALITY, Quality


def _number(digits: str, low: int, high: int) -> int:
    """Parse the digits of a token."""
    number = numbers.digits(digits)
    if not low <= number <= high:
        raise ValueError(digits)
    return number


def _read_quality(text: str, rules: UrlRules) -> int | None:
    if text == "auto":
        return None
    level = numbers.at_most(text.removeprefix("-"), MAX_QUALITY)
    if level is None or (text.startswith("-") and level > 1):
        raise ValueError(text)
    return None if text.startswith("-") and level == 1 else level


def _parse_quality(token: str) -> Quality:
    match = token.startswith("qa")
    levels = [_number(part, 0, MAX_QUALITY) for part in token.lstrip("qa").split(".")]
    return Quality(levels[0], levels[-2] if len(levels) > 1 else levels[0], levels[-1], match)


def _read_max_bytes(text: str, rules: UrlRules) -> int:
    number = numbers.whole(text, MAX_BYTES)
    if number is None or 0 < number < KIB:
        raise ValueError(text)
    return number - number % KIB


QUALITY = Operation(
    name="quality",
    about="0–100 for JPEG, WebP and AVIF; values above 100 are 100, and −1 is `auto`. `auto` "
    "keeps the quality of a JPEG; for other originals it is the configured one.",
    allowed="`auto` or a whole number from 0 to 100",
    schema={
        "anyOf": [{"const": "auto"}, {"type": "integer", "minimum": -1}],
        "default": "auto",
    },
    example=75,
    effect=Effect.ENCODING,
    plain=None,
    read=_read_quality,
    resolve=lambda level, rules: rules.quality if level is None else Quality.of(level),
    text=lambda quality: str(quality.jpeg),
    token=lambda quality: quality.token if quality else "",
    pattern=r"qa?[0-9]{1,3}(?:\.[0-9]{1,3}\.[0-9]{1,3})?",
    parse=_parse_quality,
)

BYTES = Operation(
    name="max_bytes",
    about="At most so many bytes of JPEG, WebP and AVIF, in steps of 1024: the best quality that "
    "fits, not above `quality`, and not below 10. 0 is no limit.",
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
    parse=lambda token: KIB * _number(token[2:], 1, MAX_BYTES // KIB),
)
