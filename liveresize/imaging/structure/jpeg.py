"""Counting JPEG: segments, and how often its scans go over the picture."""

from dataclasses import dataclass

from liveresize import errors
from liveresize.imaging.cleaning.jpeg import APP1, FRAMES, SOS, segments
from liveresize.imaging.structure.tally import Tally

PROGRESSIVE = frozenset({0xC2, 0xC6, 0xCA, 0xCE})

SCAN = b"\xff\xda"

COEFFICIENT = 2
"""Bytes of a coefficient, of which each sample has one."""


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame header: `pixels` of the picture, and how much of it each component has.

    `components` is how many it announces, which may share a name.
    """

    progressive: bool
    pixels: int
    components: int
    shares: dict[int, float]

    def passed(self, components: bytes) -> int:
        """The samples that a scan of these components goes over; unknown ones count whole."""
        return round(self.pixels * sum(self.shares.get(each, 1.0) for each in components))


def count(data: memoryview, tally: Tally) -> None:
    """Walk to the end, or to the one scan that holds all of the picture.

    Where the structure breaks, every mark of a scan behind that counts as one of all
    components: decoders get over more damage than we do.
    """
    frame, at = None, 2
    try:
        for segment in segments(data):
            at += segment.skipped + len(segment.whole)
            tally.parts(1 + segment.skipped)
            if segment.code in FRAMES:
                frame = frame or _frame(segment.code, segment.whole)
            elif segment.code == APP1 and bytes(segment.whole[4:10]) == b"Exif\0\0":
                tally.passes("EXIF segments")
            elif segment.code == SOS and frame is not None:
                components = _components(segment.whole)
                if not frame.progressive and len(components) >= frame.components:
                    break
                # Decoders keep all of it where the first scan does not hold all.
                tally.coefficients = COEFFICIENT * frame.passed(bytes(frame.shares))
                tally.passes("scans")
                tally.work += frame.passed(components)
    except errors.UnreadableImage:
        scans = bytes(data[at:]).count(SCAN)
        if frame and (frame.progressive or scans > 1):
            tally.coefficients = COEFFICIENT * frame.passed(bytes(frame.shares))
        for _ in range(scans):
            tally.passes("scans")
            tally.work += frame.passed(bytes(frame.shares)) if frame else 0


def _frame(code: int, whole: memoryview) -> Frame | None:
    """What a frame header says; None where it is cut off."""
    if len(whole) < 10 or len(whole) < 10 + 3 * whole[9]:
        return None
    height, width = int.from_bytes(whole[5:7], "big"), int.from_bytes(whole[7:9], "big")
    named = {whole[at]: whole[at + 1] for at in range(10, 10 + 3 * whole[9], 3)}
    samples = {name: (ratio >> 4) * (ratio & 15) for name, ratio in named.items()}
    most = max([*samples.values(), 1])
    shares = {name: each / most for name, each in samples.items()}
    return Frame(code in PROGRESSIVE, width * height, whole[9], shares)


def _components(whole: memoryview) -> bytes:
    """The components of a scan header, as it names them."""
    count = whole[4] if len(whole) > 4 else 0
    return bytes(whole[5 : 5 + 2 * count : 2])
