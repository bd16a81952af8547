"""Dropping what a picture tells about its maker, without touching a pixel.

A cleaned file is its upload with parts left out: location, XMP, IPTC, maker notes,
comments, thumbnails, second pictures and whatever trails the picture. The colour profile
stays, and of EXIF an orientation of 2–8. In AVIF and HEIC, whose parts cannot move, zeros are
written instead, and further pictures stay. Nothing is decoded or copied: a cleaner yields
views of the upload one after the other, so that memory does not grow with the file.
"""

import collections
from collections.abc import Callable, Iterator, Mapping

from liveresize import errors
from liveresize.imaging.cleaning import gif, isobmff, jpeg, jxl, png, webp
from liveresize.imaging.cleaning.parts import Piece

CLEANERS: Mapping[str, Callable[[memoryview, int], Iterator[Piece]]] = {
    "jpeg": jpeg.cleaned,
    "png": png.cleaned,
    "webp": webp.cleaned,
    "gif": gif.cleaned,
    "avif": isobmff.cleaned,
    "heif": isobmff.cleaned,
    "jxl": jxl.cleaned,
}
"""Format → cleaner. A cleaner takes the file and the orientation that it is to keep."""


def can_clean(container: str) -> bool:
    """Whether files of this format (lower case) can be cleaned without loss."""
    return container in CLEANERS


def cleaned(container: str, data: memoryview, orientation: int) -> Iterator[Piece]:
    """The pieces of the cleaned file, in order; `can_clean(container)` must hold.

    `orientation` (1–8) is what the EXIF of the upload says. Raises UnreadableImage,
    possibly after some pieces, where the structure breaks the format's rules.
    """
    return CLEANERS[container](data, orientation)


def check(container: str, data: memoryview) -> None:
    """Raise UnreadableImage where a structure breaks its rules; AVIF and HEIC are not looked at."""
    if can_clean(container) and CLEANERS[container] is not isobmff.cleaned:
        collections.deque(cleaned(container, data, 1), maxlen=0)


def is_clean(container: str, data: memoryview, orientation: int) -> bool:
    """Whether cleaning would leave `data` as it is; False for what cannot be cleaned."""
    if not can_clean(container):
        return False
    at = 0
    try:
        for piece in cleaned(container, data, orientation):
            if data[at : at + len(piece)] != piece:
                return False
            at += len(piece)
    except errors.UnreadableImage:
        return False
    return at == len(data)
