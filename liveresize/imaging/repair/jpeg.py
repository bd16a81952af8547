"""Repairing JPEG: short application segments, a missing end."""

import hashlib
import io
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from PIL import Image

from liveresize.imaging import pixel_limit
from liveresize.imaging.cleaning.jpeg import (
    APP0,
    APP15,
    BARE,
    COM,
    EOI,
    FRAMES,
    NEXT_MARKER,
    SCAN_END,
    SOS,
    TABLES,
    is_sound,
)
from liveresize.imaging.cleaning.parts import Piece, damaged
from liveresize.imaging.structure.jpeg import PROGRESSIVE

SOI_MARK, EOI_MARK = b"\xff\xd8", b"\xff\xd9"

DRI = 0xDD

COEFFICIENTS = 64

RESTART = re.compile(rb"\xff[\xd0-\xd7]")

FILLING = bytes(range(254, 0, -1)) * 4
"""What no scan goes on with: unlike the zeros that decoders fill a missing end with."""

STRIP = 64
"""Rows that are compared at once."""


def repaired(data: memoryview, max_pixels: int) -> Iterator[Piece]:
    """The primary picture without application segments that are too short, and its end.

    Raises UnreadableImage where the end is missing and with it a part of the picture, and
    for what is no chain of segments; ImageTooLarge.
    """
    if bytes(data[:2]) != SOI_MARK:
        raise damaged("jpeg: no SOI")
    pieces: list[Piece] = [data[:2]]
    picture = _Picture()
    at = 2
    while found := NEXT_MARKER.search(data, at):
        at = found.start()
        code = data[at + 1]
        if code == EOI:
            break
        if code in BARE:
            at += 2
            continue
        size = max(2, int.from_bytes(data[at + 2 : at + 4], "big"))
        whole = data[at : at + 2 + size]
        if len(whole) < 2 + size:
            found = None
            break
        at += len(whole)
        if APP0 <= code <= APP15 or code == COM:
            if len(whole) > 4 and is_sound(code, whole[4:]):
                pieces.append(whole)
            continue
        picture.add(code, whole)
        pieces.append(whole)
        if code == SOS:
            end = SCAN_END.search(data, at)
            scan = data[at : end.start() if end else len(data)]
            at += len(scan)
            picture.scan(scan)
            pieces.append(picture.parts[-1])
    if not picture.scans:
        raise damaged("jpeg: no scan")
    if found is None:
        picture.check(max_pixels)
    yield from pieces
    yield EOI_MARK


@dataclass(slots=True)
class _Picture:
    """What of a file its decoder needs, and what it says of the picture."""

    parts: list[Piece] = field(default_factory=lambda: [SOI_MARK])
    frame: memoryview | None = None
    interval: int = 0
    scans: list[memoryview] = field(default_factory=list)

    def add(self, code: int, whole: memoryview) -> None:
        """Take a segment. Raises UnreadableImage for one that nobody knows."""
        if code in FRAMES:
            self.frame = whole
        elif code == SOS:
            self.scans.append(whole)
        elif code == DRI:
            self.interval = int.from_bytes(whole[4:6], "big")
        elif code not in TABLES:
            raise damaged(f"jpeg: marker {code:02x}")
        self.parts.append(whole)

    def scan(self, data: memoryview) -> None:
        """Take the data of a scan, without a half of a marker behind it."""
        end = len(data)
        while end and data[end - 1] == 0xFF:
            end -= 1
        self.parts.append(data[:end])

    def check(self, max_pixels: int) -> None:
        """Raise UnreadableImage unless every coefficient of every block is there.

        What follows the last block does not change the picture; what stands in the place
        of a block does. Raises ImageTooLarge above `max_pixels`.
        """
        if self.frame is None or len(self.frame) < 10 + 3 * self.frame[9]:
            raise damaged("jpeg: no frame")
        width, height = self._size()
        if not width * height:
            raise damaged("jpeg: no height")
        pixel_limit.check(width, height, max_pixels)
        if not self._is_covered():
            raise damaged("jpeg: scans are missing")
        body = b"".join(self.parts)
        scan = self.parts[-1]
        restarts = sum(1 for _ in RESTART.finditer(scan)) + 1
        if self.interval and restarts * self.interval < self._units():
            raise damaged("jpeg: restart intervals are missing")
        if _digest(body + EOI_MARK) != _digest(body + FILLING + EOI_MARK):
            raise damaged("jpeg: the last scan is cut off")

    def _size(self) -> tuple[int, int]:
        assert self.frame is not None
        return int.from_bytes(self.frame[7:9], "big"), int.from_bytes(self.frame[5:7], "big")

    def _factors(self) -> dict[int, tuple[int, int]]:
        """Component → how often it is sampled across and down."""
        assert self.frame is not None
        starts = range(10, 10 + 3 * self.frame[9], 3)
        return {
            self.frame[at]: (max(1, self.frame[at + 1] >> 4), max(1, self.frame[at + 1] & 15))
            for at in starts
        }

    def _is_covered(self) -> bool:
        """Whether the scans have sent each coefficient of each component to its last bit."""
        assert self.frame is not None
        left = {
            (component, index) for component in self._factors() for index in range(COEFFICIENTS)
        }
        for whole in self.scans:
            components = _components(whole)
            first, last, bits = whole[-3], whole[-2], whole[-1] & 15
            if self.frame[1] not in PROGRESSIVE:
                first, last, bits = 0, COEFFICIENTS - 1, 0
            sent = set(itertools.product(components, range(first, last + 1)))
            left = left | sent if bits else left - sent
        return not left

    def _units(self) -> int:
        """How many units of blocks the last scan has."""
        factors = self._factors()
        most = [max(each[axis] for each in factors.values()) for axis in (0, 1)]
        components = _components(self.scans[-1])
        units = 1
        for axis, pixels in enumerate(self._size()):
            if len(components) == 1:
                own = factors.get(components[0], (1, 1))[axis]
                units *= _ceil(_ceil(pixels * own, most[axis]), 8)
            else:
                units *= _ceil(pixels, 8 * most[axis])
        return units


def _ceil(number: int, divisor: int) -> int:
    return -(-number // divisor)


def _components(scan: memoryview) -> bytes:
    """The components that a scan header names."""
    return bytes(scan[5 : 5 + 2 * scan[4] : 2])


def _digest(data: bytes) -> bytes:
    """A digest of the pixels that a file is decoded to."""
    digest = hashlib.sha256()
    with Image.open(io.BytesIO(data), formats=("JPEG",)) as image:
        image.load()
        for top in range(0, image.height, STRIP):
            strip = image.crop((0, top, image.width, min(top + STRIP, image.height)))
            digest.update(strip.tobytes())
    return digest.digest()
