"""What every container is made of: parts of the file as it came, cut out with care."""

from liveresize import errors

Piece = bytes | memoryview
"""A stretch of the cleaned file: a view of the upload, or a few new bytes."""


def damaged(detail: str) -> errors.UnreadableImage:
    """The error for a structure that breaks its format's rules; `detail` is for the log."""
    return errors.UnreadableImage("", detail)


def part(data: memoryview, start: int, size: int) -> memoryview:
    """`size` bytes of `data` from `start`. Raises UnreadableImage where the file ends sooner."""
    if start + size > len(data):
        raise damaged(f"ends at {len(data)}, {start + size} bytes were announced")
    return data[start : start + size]
