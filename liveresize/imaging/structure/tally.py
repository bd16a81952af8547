"""The bounds of what a file may ask of its decoder, and counting against them."""

import collections

from liveresize import errors

PARTS, PART = 65_536, 128
"""How many parts (segments, chunks, blocks, boxes) any file may have, and for how many of
its bytes one more. Each costs Pillow or us some microseconds, as much as 100 bytes of a photo.
"""

PASSES = 100
"""How often the same work may be asked for again: scans, or profiles to be unpacked. Encoders
that try for the smallest file write up to 64 scans, others up to 12.
"""

WORK = 32
"""How many times the largest picture that is decoded may be gone over, in all its scans
together. A progressive JPEG takes 14 passes over one of its components, one of CMYK 24.
"""


class Tally:
    """What has been counted of one file of `size` bytes and format `kind`.

    `work` is how many pixels its decoder goes over, each as often as it does; 0 where
    that is once. Of an animation, up to `max_frames` frames are looked at, and
    `frame_pixels` is what decoding one of them takes; 0 where the decoder tells itself.

    `coefficients` are the bytes in which a JPEG of several scans is kept until its last one, and
    `planes` those for each pixel in which an AVIF or HEIC is coded; 0 where the file does not say.

    `cicp` are the code points of primaries and transfer, `peak` is the brightest light in
    cd/m² (0 where the file does not say), and `aperture` the (width, height) that is shown of
    a larger picture. Of AVIF and HEIF, `codec` is the type of the item that the picture is
    made of, as `av01`, and `size` is the (width, height) that the file says before anything is
    cut off; of HEIC, `coded` is that of the largest picture that decoding it makes, `deep` says
    whether it has more than 8 bits, and `cut_off` whether a part of it is missing.
    """

    def __init__(self, kind: str, size: int, max_frames: int) -> None:
        self.kind = kind.upper()
        self.max_frames = max_frames
        self.work = 0
        self.frame_pixels = 0
        self.file_size = size
        self.coefficients = 0
        self.planes = 0.0
        self.cicp: tuple[int, int] | None = None
        self.peak = 0.0
        self.aperture: tuple[int, int] | None = None
        self.codec = b""
        self.size: tuple[int, int] | None = None
        self.coded: tuple[int, int] | None = None
        self.deep = False
        self.cut_off = False
        self._left = PARTS + size // PART
        self._counts: collections.Counter[str] = collections.Counter()

    def parts(self, count: int = 1) -> None:
        """There are so many more parts. Raises WorkExceeded."""
        self._left -= count
        if self._left < 0:
            raise self._exceeded("is made of too many parts")

    def passes(self, what: str) -> None:
        """The same work is asked for once more; `what` names it in the plural.

        Raises WorkExceeded.
        """
        self._counts[what] += 1
        self.limit(what, self._counts[what], PASSES)

    def limit(self, what: str, count: int, most: int) -> None:
        """There are `count` of what may be there `most` times. Raises WorkExceeded."""
        if count > most:
            raise self._exceeded(f"has more than {most} {what}")

    def check_work(self, max_pixels: int) -> None:
        """Raise WorkExceeded where pictures of `max_pixels` would take less work."""
        if self.work > WORK * max_pixels:
            raise self._exceeded("goes over its pixels too often")

    def _exceeded(self, what: str) -> errors.WorkExceeded:
        return errors.WorkExceeded(
            f"This {self.kind} {what}. Save it again with an ordinary encoder."
        )
