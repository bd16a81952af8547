"""JPEGs of two pictures: one for all displays, and a gain map for HDR displays.

Both are cleaned as JPEGs are. What says how the gain map is applied is written again from what
was understood of it.
"""

from collections.abc import Iterator, Sequence

from liveresize import errors
from liveresize.imaging import rights
from liveresize.imaging.cleaning import jpeg
from liveresize.imaging.cleaning.gain_map import iso, mpf, search, xmp
from liveresize.imaging.cleaning.gain_map.apple import AMPF, maker_notes
from liveresize.imaging.cleaning.gain_map.gains import Gains
from liveresize.imaging.cleaning.jpeg import APP0, APP1, APP2, JFIF_SIZE, headed
from liveresize.imaging.cleaning.parts import Piece


def cleaned(
    data: memoryview, orientation: int, kept_rights: rights.Rights = rights.NONE
) -> Iterator[Piece]:
    """The picture and its gain map; of a JPEG without one the primary picture alone.

    The picture says `kept_rights`. Pictures of any other kind go. Raises UnreadableImage as
    `jpeg.cleaned` does; a gain map that is damaged goes, too.
    """
    found = search.find(data)
    second = found and _second(found)
    if not found or not second:
        yield from jpeg.cleaned(data, orientation, kept_rights)
        return
    told = [headed(APP2, iso.MARK + iso.VERSION)] if found.iso else []
    notes = found.apple.notes if found.apple else None
    pieces = list(
        jpeg.cleaned(
            data,
            orientation,
            kept_rights,
            [*told, _index()],
            maker_notes=maker_notes(notes) if notes else b"",
            description=xmp.of_picture(size(second)) if found.gains else "",
        )
    )
    if found.apple and found.ampf:
        pieces = [_marked(piece) for piece in pieces]
    yield from joined(pieces, second)


def together(first: bytes, second: bytes, gains: Gains) -> Iterator[Piece]:
    """A JPEG and its gain map as one file that says `gains` in each way.

    The first one has no other metadata than rights.
    """
    told = _behind_jfif(
        memoryview(second),
        headed(APP1, xmp.of_map(gains, None)),
        headed(APP2, iso.MARK + iso.Iso.of(gains).block),
    )
    start, packet, rest = _behind_jfif(memoryview(first), b"")
    if bytes(rest[4 : 4 + len(xmp.MARK)]) == xmp.MARK:
        # Readers look at the first packet alone.
        end = 2 + int.from_bytes(rest[2:4], "big")
        packet, rest = rest[4:end], rest[end:]
    packet = xmp.with_more(bytes(packet), xmp.of_picture(size(told)))
    version = headed(APP2, iso.MARK + iso.VERSION)
    return joined([start, headed(APP1, packet), version, _index(), rest], told)


def joined(first: Sequence[Piece], second: Sequence[Piece]) -> Iterator[Piece]:
    """Both pictures as one file; the empty index among the pieces of the first is filled in."""
    empty = _index()
    at = next(at for at, piece in enumerate(first) if bytes(piece[: len(empty)]) == empty)
    length = size(first)
    start = size(first[:at]) + len(empty) - len(mpf.written(0, 0, 0)) + len(mpf.MARK)
    yield from first[:at]
    yield headed(APP2, mpf.written(length, length - start, size(second)))
    yield from first[at + 1 :]
    yield from second


def size(pieces: Sequence[Piece]) -> int:
    """The bytes of all pieces."""
    return sum(len(piece) for piece in pieces)


def _second(found: search.GainMap) -> list[Piece] | None:
    """The gain map cleaned, with its metadata; None where it is damaged."""
    told = []
    if found.gains or found.apple:
        told.append(headed(APP1, xmp.of_map(found.gains, found.apple)))
    if found.iso:
        told.append(headed(APP2, iso.MARK + found.iso.block))
    try:
        return list(jpeg.cleaned(found.file, 1, told=told))
    except errors.UnreadableImage:
        return None


def _behind_jfif(file: memoryview, *told: bytes) -> list[Piece]:
    """A JPEG with other segments behind JFIF and EXIF."""
    at = 2
    while file[at + 1] == APP0 or bytes(file[at + 4 : at + 10]) == search.EXIF:
        at += 2 + int.from_bytes(file[at + 2 : at + 4], "big")
    return [file[:at], *told, file[at:]]


def _index() -> bytes:
    """An index of pictures that are nowhere yet."""
    return headed(APP2, mpf.written(0, 0, 0))


def _marked(piece: Piece) -> Piece:
    """A JFIF segment with Apple's mark of several pictures; any other piece as it is."""
    if bytes(piece[:2]) != bytes((0xFF, APP0)):
        return piece
    return headed(APP0, bytes(piece[4 : 4 + JFIF_SIZE]) + AMPF)
