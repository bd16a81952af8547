"""`trim`: what is left of a picture without the borders of one colour.

The definition is that of `find_trim` of libvips, which sharp, imgproxy and imagor use: a pixel
belongs to the picture where the median of its 3x3 neighbours, in any channel, is more than
`tolerance` levels from the border's colour. So the noise of JPEG and single specks do not count.
With a tolerance of 0 every pixel of another colour does.

The pixels are those of the file in its full size, so that a box never depends on the size that is
asked for. Only strips at the edges are looked at, until each one shows something.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Self

from PIL import Image, ImageFilter

from liveresize.imaging import modes

Box = tuple[int, int, int, int]
Point = tuple[int, int]

STRIP = 1_000_000
"""Pixels that are looked at together, at most."""

FIRST = 32
"""Rows or columns of the first strip at an edge; each one further in is twice as large."""

NEIGHBOURS = ImageFilter.BoxBlur(1)
"""Averages a pixel and its eight neighbours. Edges are repeated, as libvips does."""

MAJORITY = [255 * (average > 127) for average in range(256)]
"""Of nine pixels that are 0 or 255, five have an average of 142 and four of 113."""


def box(picture: Image.Image, part: Box, corner: Point, tolerance: int) -> Box:
    """The `part` (left, top, right, bottom) of a decoded picture without its border; `part` itself
    where nothing else is in it.

    The border has the colour of the pixel at `corner`. Where that is transparent, all that is
    transparent is border. Boxes are in pixels of the picture as stored.
    """
    return union([picture], part, corner, tolerance, as_moving=False)


def union(
    frames: Iterable[Image.Image],
    part: Box,
    corner: Point,
    tolerance: int,
    *,
    as_moving: bool = True,
) -> Box:
    """`box` for all `frames`: what any of them shows is kept. The border has the colour of the
    first one's corner."""
    border: Border | None = None
    kept: Box | None = None
    for frame in frames:
        if frame.mode in modes.MEASURED:
            frame = modes.normalised(frame)
        border = border or Border.of(frame, corner, tolerance, "RGBA" if as_moving else "")
        kept = _around(kept, border.inside(frame, part))
        if kept == part:
            break
    return kept or part


@dataclass(frozen=True, slots=True)
class Border:
    """What belongs to a border: `tables` has, by channel, the levels that do not, as 255 of a
    lookup table. With `exact` each pixel counts, otherwise the median of its neighbours."""

    mode: str
    tables: tuple[tuple[int, tuple[int, ...]], ...]
    exact: bool

    @classmethod
    def of(cls, picture: Image.Image, corner: Point, tolerance: int, mode: str = "") -> Self:
        """The border of a picture by its pixel at `corner`, in `mode` or as it is."""
        pixel = _read(picture, (*corner, corner[0] + 1, corner[1] + 1), mode)
        colour = pixel.tobytes()
        # What is transparent has no colour that anybody sees.
        clear = pixel.mode == "RGBA" and colour[3] <= tolerance
        tables = (
            (channel, table)
            for channel, level in enumerate(colour)
            if channel == 3 or not clear
            for table in _beyond(level, tolerance)
        )
        return cls(pixel.mode, tuple(tables), exact=tolerance == 0)

    def inside(self, picture: Image.Image, part: Box) -> Box | None:
        """The box of all in a `part` that is no border; None where all of it is."""
        left, top, right, bottom = part
        for start, end in _strips(bottom - top, right - left):
            found = self._found(picture, part, (left, part[1] + start, right, part[1] + end))
            if found:
                top = found[1]
                break
        else:
            return None
        for start, end in _strips(bottom - top, right - left):
            found = self._found(picture, part, (left, part[3] - end, right, part[3] - start))
            if found:
                bottom = found[3]
                break
        for start, end in _strips(right - left, bottom - top):
            found = self._found(picture, part, (part[0] + start, top, part[0] + end, bottom))
            if found:
                left = found[0]
                break
        for start, end in _strips(right - left, bottom - top):
            found = self._found(picture, part, (part[2] - end, top, part[2] - start, bottom))
            if found:
                right = found[2]
                break
        return left, top, right, bottom

    def _found(self, picture: Image.Image, part: Box, strip: Box) -> Box | None:
        """The box of what is no border in a strip of `part`."""
        # Neighbours count where there are any; beyond the edge of the part, the edge goes on.
        wide = (
            max(part[0], strip[0] - 1),
            max(part[1], strip[1] - 1),
            min(part[2], strip[2] + 1),
            min(part[3], strip[3] + 1),
        )
        left, top = strip[0] - wide[0], strip[1] - wide[1]
        inner = (left, top, left + strip[2] - strip[0], top + strip[3] - strip[1])
        pixels = _read(picture, wide, self.mode)
        found: Box | None = None
        for channel, table in self.tables:
            beyond = pixels.getchannel(channel).point(table)
            if not self.exact and beyond.getbbox():
                beyond = beyond.filter(NEIGHBOURS).point(MAJORITY)
            found = _around(found, beyond.crop(inner).getbbox())
        if found is None:
            return None
        x, y = strip[0], strip[1]
        return found[0] + x, found[1] + y, found[2] + x, found[3] + y


def _read(picture: Image.Image, box: Box, mode: str) -> Image.Image:
    """A part of a picture as L, RGB, RGBA or CMYK; in `mode` if that is given."""
    pixels = modes.normalised(picture.crop(box))
    return pixels.convert(mode) if mode else pixels


def _beyond(level: int, tolerance: int) -> Iterator[tuple[int, ...]]:
    """Tables of the levels more than `tolerance` above and below `level`, unless there are none."""
    if level + tolerance < 255:
        yield tuple(255 * (each > level + tolerance) for each in range(256))
    if level - tolerance > 0:
        yield tuple(255 * (each < level - tolerance) for each in range(256))


def _strips(length: int, across: int) -> Iterator[tuple[int, int]]:
    """Where the strips of something `length` begin and end, from an edge inwards."""
    start, size = 0, FIRST
    while start < length:
        end = min(length, start + max(1, min(size, STRIP // across)))
        yield start, end
        start, size = end, 2 * size


def _around(box: Box | None, other: Box | None) -> Box | None:
    """The smallest box with both in it."""
    if box is None or other is None:
        return box or other
    return (
        min(box[0], other[0]),
        min(box[1], other[1]),
        max(box[2], other[2]),
        max(box[3], other[3]),
    )
