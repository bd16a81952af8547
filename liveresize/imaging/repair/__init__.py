"""Making a damaged file whole where its damage is not in the pixels.

Browsers show a picture of which a text has a wrong checksum, or which lacks its end. What is
stored has neither fault: each format's module writes the file again with its coded pixels as
they came, without the parts that are damaged, and with the end in its place. A picture with
pixels missing stays damaged.
"""

from collections.abc import Callable, Iterator, Mapping

from liveresize.imaging.cleaning.parts import Piece
from liveresize.imaging.repair import gif, jpeg, png

REPAIRS: Mapping[str, Callable[[memoryview, int], Iterator[Piece]]] = {
    "gif": gif.repaired,
    "jpeg": jpeg.repaired,
    "png": png.repaired,
}
"""Format → repair. A repair takes the file and the most pixels that it may have."""


def can_repair(container: str) -> bool:
    """Whether there is a repair for files of this format (lower case)."""
    return container in REPAIRS


def repaired(container: str, data: memoryview, max_pixels: int) -> Iterator[Piece]:
    """The pieces of a well-formed file that shows the same; `can_repair(container)` must hold.

    Metadata stays where it is sound. Raises UnreadableImage where pixels are missing or
    damaged, ImageTooLarge above `max_pixels`, and WorkExceeded, possibly after some pieces.
    """
    return REPAIRS[container](data, max_pixels)
