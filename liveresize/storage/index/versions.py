"""Versions of the imaging engine: dotted whole numbers."""

from liveresize.core import numbers


def parse(version: str) -> tuple[int, ...]:
    """Return the sort key of a version: "2" is below "2.0.1", which is below "10".

    Zeros at the end are ignored. A part counts as the digits that it begins with, or 0, so that
    every text can be compared.
    """
    parts = [_number(part) for part in version.split(".")]
    while parts and not parts[-1]:
        parts.pop()
    return tuple(parts)


def _number(part: str) -> int:
    begun = part[: len(part) - len(part.lstrip("0123456789"))]
    return numbers.digits(begun or "0")
