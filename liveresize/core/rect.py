"""The rectangle of `rect`: a part of a picture, in pixels, in fractions, or in both."""

import math
import re
from dataclasses import dataclass
from typing import Self

from liveresize.core import numbers

Box = tuple[int, int, int, int]
"""Left, top, right, bottom, in pixels."""

WHOLE_SIDE = 10_000
"""A side of the picture in the ten-thousandths of a `Length`."""

_NOTHING = r"0{1,9}|0\.0{1,99}|0{1,2}(?:\.0{1,99})?%"
_PIXELS = r"0{0,8}[1-9][0-9]{0,8}"
_FRACTION = r"0\.0{0,49}[1-9][0-9]{0,49}"
_PERCENT = r"(?:0?[1-9]|[1-9][0-9])(?:\.[0-9]{1,49})?%|0{1,2}\.0{0,49}[1-9][0-9]{0,49}%"
_ALL = r"1\.0{1,99}|100(?:\.0{1,99})?%"
_START = f"(?:{_NOTHING}|{_PIXELS}|{_FRACTION}|{_PERCENT})"
_LENGTH = f"(?:{_PIXELS}|{_FRACTION}|{_PERCENT}|{_ALL})"

PATTERN = f"{_START},{_START},{_LENGTH},{_LENGTH}"
"""A rectangle as a text. A whole number is pixels, all others are fractions of a side."""

_RECT = re.compile(PATTERN)
_IS_ALL = re.compile(_ALL)


@dataclass(frozen=True, slots=True)
class Length:
    """A length in pixels, or with `relative` in ten-thousandths of a side of the picture."""

    value: int
    relative: bool = False

    @classmethod
    def read(cls, text: str) -> Self:
        """Parse a length of a text that matches `PATTERN`: `120`, `12.5%` or `0.125`.

        Fractions are rounded to ten-thousandths. What is more than nothing is at least one of
        them, and what is less than all at most 9,999.
        """
        pixels = numbers.whole(text)
        if pixels is not None:
            return cls(pixels)
        if _IS_ALL.fullmatch(text):
            return cls(WHOLE_SIDE, relative=True)
        each = WHOLE_SIDE // 100 if text.endswith("%") else WHOLE_SIDE
        parts = (numbers.decimal(text.removesuffix("%")) or 0) * each
        return (
            cls(min(max(1, math.floor(parts + 0.5)), WHOLE_SIDE - 1), relative=True)
            if parts
            else cls(0)
        )

    @property
    def text(self) -> str:
        """The length in a URL: a whole number, or a decimal fraction."""
        if not self.relative:
            return str(self.value)
        return f"{self.value / WHOLE_SIDE:.4f}".rstrip("0").ljust(3, "0")

    def of(self, side: int) -> int:
        """Return the pixels of this length in a picture with such a side, rounded half up."""
        if not self.relative:
            return self.value
        return (2 * self.value * side + WHOLE_SIDE) // (2 * WHOLE_SIDE)


@dataclass(frozen=True, slots=True)
class Rect:
    """Where a part begins in the upright picture, and how large it is."""

    x: Length
    y: Length
    width: Length
    height: Length

    @classmethod
    def read(cls, text: str) -> "Rect | None":
        """Parse `x,y,width,height`; None for all of any picture. Raises ValueError."""
        if not _RECT.fullmatch(text):
            raise ValueError(text)
        return cls.of(tuple(map(Length.read, text.split(","))))

    @classmethod
    def of(cls, lengths: tuple[Length, ...]) -> "Rect | None":
        """Return the rectangle of x, y, width and height; None if it is all of any picture.

        What a picture of any size cuts off is left out. Raises ValueError for a part that is
        empty, or outside of every picture.
        """
        x, y, width, height = lengths
        rect = cls(x, y, _within(x, width), _within(y, height))
        return None if rect == _WHOLE else rect

    @property
    def lengths(self) -> tuple[Length, Length, Length, Length]:
        """x, y, width and height."""
        return self.x, self.y, self.width, self.height

    def box(self, size: tuple[int, int]) -> Box | None:
        """Return the part of a picture of `size`, in whole pixels and at least one a side.

        What is over its edges is cut off. None if all of it is outside. Fractions are rounded
        at the edges of the part, so that two parts which meet leave no gap.
        """
        across, down = _span(self.x, self.width, size[0]), _span(self.y, self.height, size[1])
        if across is None or down is None:
            return None
        return across[0], down[0], across[1], down[1]


_WHOLE = Rect(
    Length(0), Length(0), Length(WHOLE_SIDE, relative=True), Length(WHOLE_SIDE, relative=True)
)


def _within(start: Length, length: Length) -> Length:
    """Return `length`, without what ends beyond a side of any size. Raises ValueError."""
    if not length.value or (start.relative and start.value >= WHOLE_SIDE):
        raise ValueError("nothing is left")
    if start.relative and length.relative:
        return Length(min(length.value, WHOLE_SIDE - start.value), relative=True)
    return length


def _span(start: Length, length: Length, side: int) -> tuple[int, int] | None:
    """Return the first pixel of a part and the one after its last; None if it is outside."""
    first = start.of(side)
    if start.relative:
        first = min(first, side - 1)
    if not 0 <= first < side:
        return None
    if start.relative and length.relative:
        last = Length(start.value + length.value, relative=True).of(side)
    else:
        last = first + length.of(side)
    return first, min(side, max(last, first + 1))
