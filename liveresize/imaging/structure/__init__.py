"""What a file is made of, counted before anything decodes it.

Width and height bound what a decoder has to do only where it goes over the pixels once. A
file of some kilobytes can ask for more: a JPEG of a thousand scans, a PNG of a thousand
compressed profiles, an AVIF of a thousand hidden frames, a million empty chunks. So the
structure of every file is walked first, and what would take too much work is refused.
Nothing here decodes, and a walk ends at the first bound that it meets.
"""

import mmap
import os
from collections.abc import Callable, Mapping

from liveresize.imaging.structure import gif, isobmff, jpeg, jxl, png, webp
from liveresize.imaging.structure.heif import CODED as HEVC
from liveresize.imaging.structure.tally import Tally

__all__ = ["HEAD", "HEVC", "Tally", "counted", "kind_of", "mapped"]

Count = Callable[[memoryview, Tally], None]

COUNTED: Mapping[str, Count] = {
    "jpeg": jpeg.count,
    "png": png.count,
    "gif": gif.count,
    "webp": webp.count,
    "avif": isobmff.count,
    "heif": isobmff.count,
    "jxl": jxl.count,
}
"""Format → what walks over its structure. TIFF and BMP are bounded by time alone, and so is
what JPEG XL codes."""

SHARED = frozenset({"avif", "heif"})
"""Formats of one container, which do not always say at once which of them they are."""

HEAD = 12
"""Bytes that tell these formats apart."""


def counted(path: str | os.PathLike[str], formats: tuple[str, ...], max_frames: int) -> Tally:
    """Walk over the file at `path` if it is of one of `formats`, and return what there is.

    Raises WorkExceeded for a file that has more parts, or asks more often for the same,
    than any encoder writes, and OSError. What breaks the rules of its format is left to
    its decoder.
    """
    data = mapped(path)
    kind = kind_of(bytes(data[:HEAD]))
    tally = Tally(kind, len(data), max_frames)
    if kind in formats or (kind in SHARED and SHARED.intersection(formats)):
        COUNTED[kind](data, tally)
    return tally


def kind_of(head: bytes) -> str:
    """The format of a file that begins with `head`; "" for those that are not counted."""
    if head.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    if head.startswith(b"\x89PNG"):
        return "png"
    if head.startswith(b"GIF8"):
        return "gif"
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "webp"
    if jxl.accept(head):
        return "jxl"
    if head[4:8] == b"ftyp":
        return "avif" if head[8:12] in (b"avif", b"avis") else "heif"
    return ""


def mapped(path: str | os.PathLike[str]) -> memoryview:
    """The file as memory that costs none; it is given back with the last view of it."""
    with open(path, "rb") as file:
        if not os.fstat(file.fileno()).st_size:
            return memoryview(b"")
        return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
