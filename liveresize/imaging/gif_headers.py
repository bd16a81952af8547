"""The header of an animated GIF, which Pillow writes again before a frame that is wholly clear.

Such a frame, where others are taken away before the next one, looks like the ground on which an
animation begins. Programs that keep to the format stop at the second header.
"""

from liveresize.imaging.structure import gif

AGAIN = ord("G")
"""How a header begins; no block does."""


def once(data: bytes) -> bytes:
    """Return a GIF of Pillow without the headers behind its first frame."""
    header, start = b"", 0
    parts: list[memoryview] = []
    while True:
        rest = memoryview(data)[start:]  # from a header on, as a file of its own
        end = len(rest)
        for block in gif.blocks(rest, lambda count: None):
            if not header and _begins_frame(rest, block):
                header = bytes(rest[: block.start])
            elif block.kind == AGAIN and bytes(rest[block.start :][: len(header)]) == header:
                end = block.start
                break
        parts.append(rest[len(header) if parts else 0 : end])
        if end == len(rest):
            return b"".join(parts)
        start += end


def _begins_frame(data: memoryview, block: gif.Block) -> bool:
    control = bytes(data[block.start :][: len(gif.CONTROL)]) == gif.CONTROL
    return control or block.kind == gif.IMAGE
