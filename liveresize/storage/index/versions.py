"""Versions of the imaging engine: dotted whole numbers."""

from liveresize.core import numbers


def parse(version: str) -> tuple[int, ...]:
    """What to compare versions by: "2" is below "2.0.1", which is below "10".

    Zeros at the end mean nothing. A part counts by the digits that it begins with, and
    as 0 without any, so that every string has a place in the order.
    """
    parts = [_number(part) for part in version.split(".")]
    while parts and not parts[-1]:
        parts.pop()
    return tuple(parts)


def _number(part: str) -> int:
    begun = part[: len(part) - len(part.lstrip("0123456789"))]
    return numbers.digits(begun or "0")
