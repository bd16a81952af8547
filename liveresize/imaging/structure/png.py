"""PNG: counting its chunks, those that Pillow unpacks among them, and finding its animation."""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from liveresize.imaging.structure.tally import Tally

UNPACKED = frozenset({b"zTXt", b"iCCP"})
"""Each may become a megabyte, which takes 3 ms."""

SIZES = {b"cICP": 4, b"cLLI": 8, b"mDCV": 24}
"""The chunks that tell colours by code points and how bright they are, and their sizes."""

LIGHT = 10_000
"""In these chunks 1 cd/m² is so many."""

KEYWORD = 80
"""The longest keyword of a text, and the zero behind it."""


SIGNATURE = b"\x89PNG\r\n\x1a\n"

ANIMATING = frozenset({b"acTL", b"fcTL", b"fdAT"})

CONTROL_SIZE = 26
DISPOSALS = range(3)
BLENDS = range(2)

HUNDREDTHS = 100
"""The denominator of a time that says 0."""

Size = tuple[int, int]

Span = tuple[int, int]
"""Where something starts and ends in the file."""


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame of an animation and where its packed pixels are.

    `box` is (left, top, right, bottom) on the canvas, `disposal` 0–2, `duration` in ms.
    """

    box: tuple[int, int, int, int]
    duration: float
    disposal: int
    over: bool
    pixels: list[Span] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Animation:
    """What an animated PNG says of itself.

    `head` are the chunks before the pixels that do not concern the animation, `still` the
    packed pixels of the default image. There are no frames where none is whole.
    """

    size: Size
    head: list[Span]
    still: list[Span]
    frames: list[Frame]
    plays: int


def count(data: memoryview, tally: Tally) -> None:
    """Walk to IEND, or as far as the chunks go."""
    at, pixels = 8, False
    while at + 8 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        tally.parts()
        if kind in UNPACKED or (kind == b"iTXt" and _packed(bytes(data[at + 8 :][: KEYWORD + 1]))):
            tally.passes("compressed texts and profiles")
        elif kind in SIZES and size == SIZES[kind] and not pixels:
            _note(bytes(data[at + 4 : at + 12 + size]), tally)
        elif kind == b"IEND":
            break
        pixels = pixels or kind == b"IDAT"
        at += 12 + size


def _note(chunk: bytes, tally: Tally) -> None:
    """Note what a chunk (from its type on) of SIZES says, if its checksum is right."""
    kind, content = chunk[:4], chunk[4:-4]
    if zlib.crc32(chunk[:-4]).to_bytes(4) != chunk[-4:]:
        return
    if kind == b"cICP":
        primaries, transfer, matrix, full = content
        # PNG is RGB; levels of a narrow range are shown by Chromium as if nothing was said.
        if (matrix, full) == (0, 1):
            tally.cicp = primaries, transfer
    elif kind == b"cLLI":
        tally.peak = int.from_bytes(content[:4]) / LIGHT or tally.peak
    else:
        # The brightest pixel counts more than the brightest that the display could show.
        tally.peak = tally.peak or int.from_bytes(content[16:20]) / LIGHT


def _packed(head: bytes) -> bool:
    """Whether an iTXt chunk that begins with `head` says that it is compressed."""
    end = head.find(b"\0")
    return head[end + 1 : end + 2] != b"\0"


def animation(data: memoryview, max_frames: int) -> Animation | None:
    """The animation of a PNG, with up to so many frames; None where none is announced.

    As in browsers, the first control that breaks the rules ends it, and so does a frame
    without pixels. A default image without a control before it is no part of it.
    """
    if bytes(data[:8]) != SIGNATURE or bytes(data[12:16]) != b"IHDR":
        return None
    width, height = struct.unpack_from(">II", data, 16)
    head: list[Span] = []
    still: list[Span] = []
    frames: list[Frame] = []
    announced: int | None = None
    plays = number = 0
    for kind, start, end in _chunks(data):
        if kind == b"acTL" and announced is None and not still and end - start == 8:
            announced, plays = struct.unpack_from(">II", data, start)
        elif kind == b"IDAT":
            if announced is None:
                return None
            if frames and frames[0].box != (0, 0, width, height):
                frames, announced = [], 0
            still.append((start, end))
            if frames:
                frames[0].pixels.append((start, end))
        elif kind == b"fcTL" and announced:
            frame = frame_of(data[start:end], number, (width, height))
            full = len(frames) == min(announced, max_frames)
            if frame is None or full or (frames and not frames[-1].pixels):
                break
            frames.append(frame)
            number += 1
        elif kind == b"fdAT" and announced:
            if not frames or data[start : start + 4] != number.to_bytes(4):
                break
            frames[-1].pixels.append((start + 4, end))
            number += 1
        elif kind == b"IEND":
            break
        elif not still and kind not in ANIMATING:
            head.append((start - 8, end + 4))
    if frames and not frames[-1].pixels:
        frames.pop()
    return Animation((width, height), head, still, frames, plays) if still else None


def _chunks(data: memoryview) -> Iterator[tuple[bytes, int, int]]:
    """The chunks of a PNG: their types, and where their payloads start and end."""
    at = len(SIGNATURE)
    while at + 8 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        yield kind, at + 8, at + 8 + size
        at += 12 + size


def frame_of(control: memoryview, number: int, size: Size) -> Frame | None:
    """The frame that a control announces; None where it is not the expected one or wrong."""
    if len(control) != CONTROL_SIZE:
        return None
    found, width, height, left, top, part, whole, disposal, blend = struct.unpack(
        ">IIIIIHHBB", control
    )
    right, bottom = left + width, top + height
    fits = width and height and right <= size[0] and bottom <= size[1]
    if found != number or not fits or disposal not in DISPOSALS or blend not in BLENDS:
        return None
    duration = 1000 * part / (whole or HUNDREDTHS)
    return Frame((left, top, right, bottom), duration, disposal, bool(blend))
