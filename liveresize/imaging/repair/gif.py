"""Repairing GIF: a missing trailer, and what stands in its place."""

import struct
from collections.abc import Iterator

from PIL import Image

from liveresize.imaging import pixel_limit
from liveresize.imaging.cleaning.parts import Piece, damaged, part
from liveresize.imaging.structure import gif


def repaired(data: memoryview, max_pixels: int) -> Iterator[Piece]:
    """The blocks up to the first that browsers do not know, and a trailer.

    Raises UnreadableImage where no image comes before that, and where the file was cut off
    inside an image or between it and its graphic control; ImageTooLarge.
    """
    if bytes(data[:6]) not in (b"GIF87a", b"GIF89a"):
        raise damaged("gif: no header")
    yield part(data, 0, gif.SCREEN_SIZE + gif.palette_size(part(data, 0, gif.SCREEN_SIZE)[10]))
    images, control = 0, b""
    for block in gif.blocks(data, lambda _parts: None):
        cut = block.end > len(data)
        whole = data[block.start : block.end]
        if block.kind == gif.IMAGE:
            images += 1
            yield control
            yield from _closed(data, block, max_pixels) if cut else (whole,)
            control = b""
        elif gif.label(data, block) == gif.GRAPHIC_CONTROL:
            if cut:
                raise damaged("gif: a graphic control is cut off")
            if bytes(whole[: len(gif.CONTROL)]) != gif.CONTROL:
                break
            control = bytes(whole[: gif.CONTROL_SIZE]) + b"\0"
        elif block.kind == gif.EXTENSION and not cut:
            yield whole
        elif block.kind:  # some writers leave a second terminator behind a chain
            break
    else:
        if control:
            raise damaged("gif: an image is missing")
    if not images:
        raise damaged("gif: no image")
    yield bytes([gif.TRAILER])


def _closed(data: memoryview, block: gif.Block, max_pixels: int) -> Iterator[Piece]:
    """An image whose chain has no end, with one.

    Raises UnreadableImage where pixels are missing, ValueError where they make no sense, and
    ImageTooLarge above `max_pixels`.
    """
    head = part(data, block.start, gif.IMAGE_SIZE)
    width, height, flags = struct.unpack_from("<HHB", head, 5)
    pixel_limit.check(width, height, max_pixels)
    start = block.start + gif.IMAGE_SIZE + gif.palette_size(flags)
    at = last = start + 1
    while at < len(data):
        last, at = at, at + data[at] + 1
    chain = bytes(data[start:last])
    if left := len(data) - last - 1:  # the last sub-block is as long as what there is of it
        chain += bytes([left]) + bytes(data[last + 1 :])
    chain += b"\0"
    codes, interlaced = chain[1:], bool(flags & gif.INTERLACED)
    Image.frombytes("P", (width, height), codes, "gif", chain[0], interlaced, -1)
    yield data[block.start : start]
    yield chain
