"""The times at which the tracks of an animated AVIF were made, which libavif takes from the clock.

The same rendition must have the same bytes whenever it is made: its key and its ETag say so.
"""

from liveresize.imaging.structure import Tally
from liveresize.imaging.structure.boxes import FULL, inside

_HEADERS = ((b"moov", b"mvhd"), (b"moov", b"trak", b"tkhd"), (b"moov", b"trak", b"mdia", b"mdhd"))


def removed(data: bytes) -> bytes:
    """Return an AVIF without them: creation and modification become 0, which is unknown.

    ISO/IEC 14496-12: both stand first in each header, with 4 bytes each, or 8 in version 1.
    """
    changed = bytearray(data)
    view = memoryview(changed)
    for path in _HEADERS:
        for header in inside(view, Tally("avif", len(data), 1), *path):
            size = 16 if header[0] == 1 else 8
            header[FULL : FULL + size] = bytes(size)
    return bytes(changed)
