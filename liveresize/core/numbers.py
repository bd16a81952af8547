"""Convert numbers and times of clients and other servers from text, within bounds.

`int` accepts signs, underscores, spaces and the digits of every script, and raises ValueError
above 4,300 digits; `float` accepts `nan`, `inf` and `1e400`. Text from clients and other
servers is converted only here, and times in responses are formatted here.
"""

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

LARGEST = 10**18 - 1
"""The default limit of a whole number; it fits in 64 bits."""

_WHOLE = re.compile(r"[0-9]+")
_DECIMAL = re.compile(r"[0-9]{1,4}(?:\.[0-9]{1,99})?")
"""With as many digits as programs print: one third is `0.3333333333333333`."""

_NUMBER = re.compile(
    r"[-+]?(?:[0-9]{1,99}(?:\.[0-9]{0,99})?|\.[0-9]{1,99})(?:[eE][-+]?[0-9]{1,3})?"
)
"""As browsers and phones print what they have calculated: `-1`, `10.5`, `2.8e-14`."""

_LONGEST_DATE = 64
"""Characters of a date in a header; the longest of HTTP's three formats has 33."""


def whole(text: str, largest: int = LARGEST) -> int | None:
    """Parse a whole number in ASCII digits; None for any other text.

    None if the number is above `largest`.
    """
    number = at_most(text, largest + 1)
    return None if number is None or number > largest else number


def at_most(text: str, largest: int) -> int | None:
    """Parse a whole number as `whole`, but return `largest` for any number above it."""
    if not _WHOLE.fullmatch(text):
        return None
    digits = text.lstrip("0")
    if len(digits) > len(str(largest)):
        return largest
    return min(int(digits or "0"), largest)


def digits(text: str) -> int:
    """Parse digits that a pattern has matched; at most `LARGEST`.

    Raises ValueError if there is anything but digits.
    """
    number = at_most(text, LARGEST)
    if number is None:
        raise ValueError("not a whole number")
    return number


def decimal(text: str) -> float | None:
    """Parse a decimal number below 10,000, such as `7` or `0.25`; None for any other text."""
    return float(text) if _DECIMAL.fullmatch(text) else None


def truncated(text: str, largest: int = LARGEST) -> int | None:
    """Parse a decimal number without its fraction, from `-largest` to `largest`.

    Numbers beyond that become the nearest of the two. None for any other text.
    """
    if not _NUMBER.fullmatch(text):
        return None
    return int(min(max(float(text), -largest), largest))


def instant(text: str) -> float | None:
    """Parse an ISO 8601 time with a time zone, as Unix seconds; None for any other text."""
    try:
        moment = datetime.fromisoformat(text)
        return None if moment.tzinfo is None else moment.timestamp()
    except (ValueError, OverflowError):
        return None


def iso_instant(seconds: float) -> str:
    """Format Unix seconds as ISO 8601 in UTC, with milliseconds: `2026-01-31T09:15:00.123Z`."""
    moment = datetime.fromtimestamp(seconds, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def http_instant(text: str) -> float | None:
    """Parse the date in a header, as Unix seconds; None for any other text."""
    if len(text) > _LONGEST_DATE:
        return None
    try:
        moment = parsedate_to_datetime(text)
        # The format of asctime names no zone, and HTTP means UTC by it.
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None
