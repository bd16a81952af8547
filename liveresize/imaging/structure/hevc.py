"""Counting HEVC: how many pictures a piece of the stream codes, and how large they are."""

from collections.abc import Iterator

from liveresize.imaging.structure.bits import Bits
from liveresize.imaging.structure.boxes import Reader
from liveresize.imaging.structure.tally import Tally

Size = tuple[int, int]

DEPTH_AT, LENGTH_AT = 17, 21
"""Where hvcC says how many bits a pixel has, and how long the lengths of units are."""

LAST_SLICE, SEQUENCE = 31, 33
"""Types of units: up to the one they hold pixels, the other is a sequence parameter set."""

HEAD = 2
"""Bytes of a unit before what it holds."""

SETS = 128
"""Bytes of a sequence parameter set in which its size stands at the latest."""


class Stream:
    """The stream of one item. `size` is (width, height) of its largest picture, and `deep`
    whether it has more than 8 bits."""

    def __init__(self, config: memoryview, tally: Tally) -> None:
        """`config` is what is in hvcC. Raises EOFError for one that is cut off."""
        self.size: Size = (0, 0)
        reader = Reader(config)
        reader.bytes(LENGTH_AT)
        self.deep = config[DEPTH_AT] & 7 > 0
        self._wide = (reader.take(1) & 3) + 1
        for _ in range(reader.take(1)):
            reader.take(1)
            for _ in range(reader.take(2)):
                tally.parts()
                self._unit(reader.bytes(reader.take(2)))

    def pixels(self, piece: memoryview, tally: Tally) -> int:
        """The pixels in all pictures that `piece` codes."""
        pictures = 0
        for unit in self._units(piece, tally):
            pictures += self._unit(unit)
        return pictures * self.size[0] * self.size[1]

    def _units(self, piece: memoryview, tally: Tally) -> Iterator[bytes]:
        """The beginnings of the units of a piece."""
        at = 0
        while at + self._wide < len(piece):
            start = at + self._wide
            tally.parts()
            size = int.from_bytes(piece[at:start], "big")
            yield bytes(piece[start : start + min(size, SETS)])
            at = start + size

    def _unit(self, unit: bytes) -> bool:
        """Look at a unit; whether a picture begins with it."""
        if len(unit) <= HEAD:
            return False
        kind = unit[0] >> 1 & 63
        if kind == SEQUENCE:
            width, height = _size(unit[HEAD:SETS])
            self.size = max(self.size[0], width), max(self.size[1], height)
        return kind <= LAST_SLICE and unit[HEAD] & 0x80 != 0


def _size(parameters: bytes) -> Size:
    """Width and height in a sequence parameter set."""
    # Three bytes 0, 0, 3 stand for two.
    bits = Bits(parameters.replace(b"\0\0\3", b"\0\0"))
    bits.take(4)
    layers = bits.take(3)
    bits.take(1)
    bits.take(96)  # profile and level
    present = [(bits.take(1), bits.take(1)) for _ in range(layers)]
    if layers:
        bits.take(2 * (8 - layers))
    for profile, level in present:
        bits.take(88 * profile + 8 * level)
    bits.golomb()
    if bits.golomb() == 3:  # 4:4:4
        bits.take(1)
    return bits.golomb(), bits.golomb()
