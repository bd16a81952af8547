"""Cleaning GIF: a screen, then extensions and images as chains of short sub-blocks."""

from collections.abc import Iterator

from liveresize.imaging import rights
from liveresize.imaging.cleaning.parts import Piece, damaged, part
from liveresize.imaging.rights import xmp
from liveresize.imaging.structure import gif

XMP = b"\x21\xff\x0bXMP DataXMP"

MAGIC = b"\x01" + bytes(range(255, -1, -1)) + b"\0"
"""Ends XMP, which is no chain of sub-blocks: whichever byte of it a decoder takes for the size of
one, the chain comes to its end here."""


def cleaned(
    data: memoryview, orientation: int, kept: rights.Rights = rights.NONE
) -> Iterator[Piece]:
    """Screen, rights in XMP, images, their graphic controls and the loop count.

    Comments, captions, other XMP and profiles go. GIF has no place for an orientation, so
    `orientation` is not looked at. Raises UnreadableImage for blocks cut off or unknown
    and where there is no image or no trailer.
    """
    screen = part(data, 0, gif.SCREEN_SIZE)
    if bytes(screen[:6]) not in (b"GIF87a", b"GIF89a"):
        raise damaged("gif: no header")
    yield part(data, 0, gif.SCREEN_SIZE + gif.palette_size(screen[10]))
    packet = kept.xmp()
    if packet:
        yield XMP + packet + MAGIC
    images, trailer = 0, False
    for block in gif.blocks(data, lambda _parts: None):
        piece = part(data, block.start, block.end - block.start)
        if block.kind == gif.IMAGE:
            images += 1
            yield piece
        elif block.kind == gif.EXTENSION:
            yield from _kept(piece)
        elif block.kind == gif.TRAILER:
            trailer = True
        elif block.kind:  # some writers leave a second terminator behind a chain
            raise damaged(f"gif: block {block.kind:02x}")
    if not images:
        raise damaged("gif: no image")
    if not trailer:
        raise damaged("gif: no trailer")
    yield bytes([gif.TRAILER])


def rights_in(data: memoryview) -> rights.Rights:
    """What the XMP in front of the first image says."""
    if len(data) < gif.SCREEN_SIZE:
        return rights.NONE
    for block in gif.blocks(data, lambda _parts: None):
        if block.kind == gif.IMAGE:
            break
        packet = bytes(data[block.start : min(block.end, block.start + xmp.MOST_BYTES)])
        if packet.startswith(XMP) and packet.endswith(MAGIC):
            return rights.in_blocks(packet=packet[len(XMP) : -len(MAGIC)])
    return rights.NONE


def _kept(extension: memoryview) -> Iterator[Piece]:
    """What stays of an extension: a graphic control or a loop count, alone in its chain."""
    head = bytes(extension[: gif.LOOP_SIZE])
    if extension[1] == gif.GRAPHIC_CONTROL:
        if not head.startswith(gif.CONTROL):
            raise damaged(f"gif: a graphic control of {extension[2]} bytes")
        yield extension[: gif.CONTROL_SIZE]
        yield b"\0"
    elif head.startswith(gif.LOOPS):
        yield head
        yield b"\0"
