"""How many frames a GIF has, without asking Pillow, who builds an object for each."""

import mmap


def frames(path: str, limit: int) -> int:
    """Count the frames of the GIF at `path` up to `limit`, walking over its blocks.

    Pillow's own `n_frames` has no limit, and builds objects for each of 40,000 frames.
    """
    with (
        open(path, "rb") as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data,
    ):
        count, at, end = 0, 13 + _palette(data[10]), len(data)
        while at < end and count < limit:
            introducer = data[at]
            if introducer == 0x2C and at + 10 < end:
                count += 1
                at = _blocks_end(data, at + 11 + _palette(data[at + 9]))
            elif introducer == 0x21:
                at = _blocks_end(data, at + 2)
            elif introducer == 0x3B:
                break
            else:
                at += 1  # as Pillow does, skip what is no block
        return count


def _palette(flags: int) -> int:
    """The size in bytes of the palette that these flags announce."""
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _blocks_end(data: mmap.mmap, at: int) -> int:
    """Where the chain of sub-blocks that starts at `at` ends."""
    end = len(data)
    while at < end and data[at]:
        at += data[at] + 1
    return at + 1
