"""What every container is made of: parts of the file as it came, cut out with care."""

import struct

from liveresize import errors

Piece = bytes | memoryview
"""A stretch of the cleaned file: a view of the upload, or a few new bytes."""

ORIENTATION_TAG = 0x0112


def damaged(detail: str) -> errors.UnreadableImage:
    """The error for a structure that breaks its format's rules; `detail` is for the log."""
    return errors.UnreadableImage("", detail)


def part(data: memoryview, start: int, size: int) -> memoryview:
    """`size` bytes of `data` from `start`. Raises UnreadableImage where the file ends sooner."""
    if start + size > len(data):
        raise damaged(f"ends at {len(data)}, {start + size} bytes were announced")
    return data[start : start + size]


def orientation_exif(orientation: int) -> bytes:
    r"""The smallest EXIF block that says `orientation` (1–8) and nothing else.

    A big-endian TIFF header, then one directory with one entry: a SHORT, padded to four
    bytes. Without the `Exif\0\0` that JPEG puts in front.
    """
    header = struct.pack(">2sHI", b"MM", 42, 8)
    entry = struct.pack(">HHIHH", ORIENTATION_TAG, 3, 1, orientation, 0)
    return header + struct.pack(">H", 1) + entry + struct.pack(">I", 0)
