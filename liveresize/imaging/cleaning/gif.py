"""Cleaning GIF: a screen, then extensions and images as chains of short sub-blocks."""

from collections.abc import Iterator

from liveresize.imaging.cleaning.parts import Piece, damaged, part
from liveresize.imaging.structure.gif import EXTENSION, IMAGE, TRAILER, palette_size

GRAPHIC_CONTROL, APPLICATION = 0xF9, 0xFF

SCREEN_SIZE = 13
IMAGE_SIZE = 10

CONTROL_SIZE = 4
"""Bytes of the one sub-block of a graphic control: flags, delay, transparent colour."""

LOOPS = frozenset({b"\x0bNETSCAPE2.0\x03\x01", b"\x0bANIMEXTS1.0\x03\x01"})
"""How extensions begin that say how often an animation plays.

A sub-block of 11 bytes names the application; then comes one of 3, of which the first
is 1 and the others the number.
"""

LOOP_SIZE = 18
"""Bytes of such an extension up to that number."""


def cleaned(data: memoryview, orientation: int) -> Iterator[Piece]:
    """Screen, images, their graphic controls and the loop count.

    Comments, captions, XMP and profiles go. GIF has no place for an orientation, so
    `orientation` is not looked at. Raises UnreadableImage for blocks cut off or unknown
    and where there is no image or no trailer.
    """
    screen = part(data, 0, SCREEN_SIZE)
    if bytes(screen[:6]) not in (b"GIF87a", b"GIF89a"):
        raise damaged("gif: no header")
    at = SCREEN_SIZE + palette_size(screen[10])
    yield part(data, 0, at)
    images = 0
    while True:
        introducer = part(data, at, 1)[0]
        if introducer == TRAILER:
            break
        if introducer == IMAGE:
            images += 1
            end = _image_end(data, at)
            yield data[at:end]
        elif introducer == EXTENSION:
            end = _blocks_end(data, at + 2)
            yield from _kept(data[at:end])
        elif introducer == 0:
            # Some writers leave a second terminator behind a chain.
            end = at + 1
        else:
            raise damaged(f"gif: block {introducer:02x}")
        at = end
    if not images:
        raise damaged("gif: no image")
    yield data[at : at + 1]


def _image_end(data: memoryview, at: int) -> int:
    """Where the image at `at` ends: descriptor, palette, code size and sub-blocks."""
    flags = part(data, at, IMAGE_SIZE)[9]
    return _blocks_end(data, at + IMAGE_SIZE + palette_size(flags) + 1)


def _blocks_end(data: memoryview, at: int) -> int:
    """Where the chain of sub-blocks at `at` ends, behind its terminator."""
    limit = len(data)
    while at < limit:
        size = data[at]
        at += size + 1
        if not size:
            return at
    raise damaged("gif: a chain of blocks has no end")


def _kept(extension: memoryview) -> Iterator[Piece]:
    """What stays of an extension: a graphic control or a loop count, alone in its chain."""
    label = extension[1]
    if label == GRAPHIC_CONTROL:
        if extension[2] != CONTROL_SIZE:
            raise damaged(f"gif: a graphic control of {extension[2]} bytes")
        yield extension[: 3 + CONTROL_SIZE]
        yield b"\0"
    elif label == APPLICATION and bytes(extension[2:16]) in LOOPS:
        yield extension[:LOOP_SIZE]
        yield b"\0"
