"""Dropping what a picture tells about its maker, without touching a pixel.

A cleaned file is its upload with parts left out: location, XMP, IPTC, maker notes,
comments, thumbnails, second pictures and whatever trails the picture. The colour profile
stays, of EXIF an orientation of 2–8, of a JPEG its gain map for HDR displays, and what
`imaging.rights` keeps, which is rebuilt. In AVIF and HEIC, whose parts cannot move, zeros
are written instead, and further pictures stay. Nothing is decoded or copied: a cleaner yields
views of the upload one after the other, so that memory does not grow with the file.
"""

import collections
from collections.abc import Callable, Iterator, Mapping

from liveresize import errors
from liveresize.imaging import rights
from liveresize.imaging.cleaning import gif, hdr_jpeg, isobmff, jpeg, jxl, png, webp
from liveresize.imaging.cleaning.parts import Piece

CLEANERS: Mapping[str, Callable[[memoryview, int, rights.Rights], Iterator[Piece]]] = {
    "jpeg": hdr_jpeg.cleaned,
    "png": png.cleaned,
    "webp": webp.cleaned,
    "gif": gif.cleaned,
    "avif": isobmff.cleaned,
    "heif": isobmff.cleaned,
    "jxl": jxl.cleaned,
}
"""Format → cleaner. A cleaner takes the file, and the orientation and rights that it is to have."""

READERS: Mapping[str, Callable[[memoryview], rights.Rights]] = {
    "jpeg": jpeg.rights_in,
    "png": png.rights_in,
    "webp": webp.rights_in,
    "gif": gif.rights_in,
    "avif": isobmff.rights_in,
    "heif": isobmff.rights_in,
    "jxl": jxl.rights_in,
    "tiff": rights.in_blocks,
}
"""Format → what reads the rights in a file. The tags of a TIFF are those of EXIF."""


def can_clean(container: str) -> bool:
    """Whether files of this format (lower case) can be cleaned without loss."""
    return container in CLEANERS


def rights_in(container: str, data: memoryview) -> rights.Rights:
    """What a file says of rights; none where it is damaged, or of another format."""
    return READERS[container](data) if container in READERS else rights.NONE


def cleaned(
    container: str,
    data: memoryview,
    orientation: int,
    kept: rights.Rights = rights.NONE,
    *,
    hdr: bool = True,
) -> Iterator[Piece]:
    """The pieces of the cleaned file, in order; `can_clean(container)` must hold.

    `orientation` (1–8) is what the EXIF of the upload says, `kept` the rights that the cleaned
    file says; without `hdr` a JPEG loses its gain map. Raises UnreadableImage,
    possibly after some pieces, where the structure breaks the format's rules.
    """
    if container == "jpeg" and not hdr:
        return jpeg.cleaned(data, orientation, kept)
    return CLEANERS[container](data, orientation, kept)


def check(container: str, data: memoryview) -> None:
    """Raise UnreadableImage where a structure breaks its rules; AVIF and HEIC are not looked at."""
    if can_clean(container) and CLEANERS[container] is not isobmff.cleaned:
        collections.deque(cleaned(container, data, 1), maxlen=0)


def is_clean(container: str, data: memoryview, orientation: int) -> bool:
    """Whether cleaning would leave `data` as it is, with its rights.

    False for what cannot be cleaned.
    """
    if not can_clean(container):
        return False
    at = 0
    try:
        for piece in cleaned(container, data, orientation, rights_in(container, data)):
            if data[at : at + len(piece)] != piece:
                return False
            at += len(piece)
    except errors.UnreadableImage:
        return False
    return at == len(data)
