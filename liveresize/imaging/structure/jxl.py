"""Counting JPEG XL: a stream of code, naked or in boxes of the ISO base media file format."""

from liveresize.imaging.structure.boxes import boxes
from liveresize.imaging.structure.tally import Tally

CODESTREAM = b"\xff\x0a"
CONTAINER = b"\x00\x00\x00\x0cJXL \r\n\x87\n"


def accept(head: bytes) -> bool:
    """Whether a file that begins with `head` claims to be JPEG XL."""
    return head.startswith((CODESTREAM, CONTAINER))


def count(data: memoryview, tally: Tally) -> None:
    """Walk over the boxes, if there are any."""
    if data[: len(CONTAINER)] == CONTAINER:
        for _ in boxes(data, tally):
            pass
