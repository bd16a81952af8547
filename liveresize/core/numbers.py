"""Numbers and times that come from outside as text, bounded before they are converted.

`int` takes signs, underscores, spaces and the digits of every script, and raises ValueError
above 4,300 digits; `float` takes `nan`, `inf` and `1e400`. What clients and other servers
send is converted here only, and a time that we tell them is written here.
"""

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

LARGEST = 10**18 - 1
"""The largest whole number that is read unless the caller says otherwise; 64 bits hold it."""

_WHOLE = re.compile(r"[0-9]+")
_DECIMAL = re.compile(r"[0-9]{1,4}(?:\.[0-9]{1,99})?")
"""With as many digits as programs print: a third is `0.3333333333333333` to most."""

_LONGEST_DATE = 64
"""Characters of a date in a header; the longest of HTTP's three formats has 33."""


def whole(text: str, largest: int = LARGEST) -> int | None:
    """The whole number in `text`, written in ASCII digits; None for anything else.

    A number above `largest` is None, too.
    """
    number = at_most(text, largest + 1)
    return None if number is None or number > largest else number


def at_most(text: str, largest: int) -> int | None:
    """The same, but any number above `largest` counts as `largest`."""
    if not _WHOLE.fullmatch(text):
        return None
    digits = text.lstrip("0")
    if len(digits) > len(str(largest)):
        return largest
    return min(int(digits or "0"), largest)


def digits(text: str) -> int:
    """The number in `text`, which a pattern has matched as digits; `LARGEST` at most.

    Raises ValueError for anything but digits.
    """
    number = at_most(text, LARGEST)
    if number is None:
        raise ValueError("not a whole number")
    return number


def decimal(text: str) -> float | None:
    """The number in `text`, such as `7` or `0.25`, below 10,000; None for anything else."""
    return float(text) if _DECIMAL.fullmatch(text) else None


def instant(text: str) -> float | None:
    """Unix seconds of an ISO 8601 time with its zone; None for anything else."""
    try:
        moment = datetime.fromisoformat(text)
        return None if moment.tzinfo is None else moment.timestamp()
    except (ValueError, OverflowError):
        return None


def iso_instant(seconds: float) -> str:
    """Unix seconds as ISO 8601 in UTC, with milliseconds: `2026-01-31T09:15:00.123Z`."""
    moment = datetime.fromtimestamp(seconds, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def http_instant(text: str) -> float | None:
    """Unix seconds of a date in a header; None for anything else."""
    if len(text) > _LONGEST_DATE:
        return None
    try:
        moment = parsedate_to_datetime(text)
        # The format of asctime names no zone, and HTTP means UTC by it.
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None
