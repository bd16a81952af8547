"""An animation as encoders take it: one picture that shows one frame after the other.

Frames are finished as they are asked for, so that only one or two are in memory.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from PIL import Image

from liveresize.core.formats import Format
from liveresize.imaging import palette

KEEP, CLEAR = 1, 2
"""What GIF does with a frame before the next one: leave it, or take it away."""

MOST_LOOPS = 65_535
"""The largest loop count of GIF and WebP."""

LONGEST = {
    Format.GIF: 10 * 65_535,  # 16 bits of hundredths
    Format.WEBP: 2**24 - 1,
    Format.PNG: 1000 * 65_535,  # a fraction of two numbers of 16 bits
    Format.AVIF: 2**31 - 1,
}
"""The longest time that a format can store for one frame, in ms."""

WEBP_TOTAL = 2**31 - 1
"""The longest time of a whole WebP, in ms: libwebp counts it in an int."""

SHORTEST_GIF = 20
"""Frames of a GIF that last less, in ms, are shown for 100 by every browser."""


@dataclass(frozen=True, slots=True)
class Frame:
    """A finished frame and how long it is shown, in ms."""

    picture: Image.Image
    duration: int


class FrameSequence(Image.Image):
    """The frames of an animated WebP or AVIF; `seek` goes forward only, one at a time.

    `kind` is the name of the format that they are for, and `alpha` whether one of them
    may be transparent somewhere.
    `durations` grows as frames are sought: an encoder that asks for the duration of the
    frame it has just sought finds it. Frames that show the same as the one before are
    one, shown longer.
    """

    is_animated = True

    def __init__(
        self, frames: Iterator[Frame], count: int, kind: str, *, alpha: bool = True
    ) -> None:
        super().__init__()
        longest = LONGEST[Format(kind)]
        if kind == Format.WEBP:
            longest = min(longest, WEBP_TOTAL // count)
        self._frames = merged(frames, longest)
        self._kind = kind
        # Encoders take one mode for all, and a later frame may have holes.
        self._true = "RGBA" if alpha else "RGB"
        self._at = -1
        self._over = False
        self.durations: list[int] = []
        # How many there are shows at the end. Pillow's WebP wants to know before, and
        # gets the last one again, for no time.
        self.n_frames = count
        self._advance()

    @property
    def empty(self) -> bool:
        """Whether there is no frame at all."""
        return not self.durations

    def tell(self) -> int:
        return max(0, self._at)

    def seek(self, frame: int) -> None:
        """Show the frame of that number; one that is past stays past.

        Raises EOFError after the last, except for WebP.
        """
        if frame > self._at:
            self._advance()
            if self._over and self._kind != Format.WEBP:
                raise EOFError

    def _advance(self) -> None:
        frame = None if self._over else next(self._frames, None)
        self._at += 1
        if frame is None:
            self._over = True
            self.durations += [0] if self.durations else []
            return
        self.durations.append(frame.duration)
        self._show(frame.picture)

    def _show(self, picture: Image.Image) -> None:
        """Become `picture`, in a mode that the encoder takes for all frames."""
        if picture.mode != self._true:
            picture = picture.convert(self._true)
        self.im = picture.im
        self._mode, self._size = picture.mode, picture.size


def gif_frames(frames: Iterator[Frame]) -> tuple[list[Image.Image], dict[str, Any]]:
    """The frames of an animated GIF, a byte a pixel, and what tells Pillow to save them.

    Whether a frame has to go before the next one comes shows only when all are there.
    """
    indexed = (
        Frame(palette.indexed(frame.picture, dithered=False), frame.duration)
        for frame in merged(frames, LONGEST[Format.GIF])
    )
    # Frames that differ in colours or alpha that GIF does not have are equal by now.
    shown = list(merged(indexed, LONGEST[Format.GIF]))
    pictures = [frame.picture for frame in shown]
    cleared = any(palette.uncovers(one, other) for one, other in itertools.pairwise(pictures))
    if cleared:
        # Some readers ask the frame itself, whole as it is, what it leaves behind.
        for picture in pictures:
            picture.info["transparency"] = palette.NOTHING
    return pictures, {
        "save_all": True,
        "append_images": pictures[1:],
        "duration": hundredths([frame.duration for frame in shown]),
        "disposal": CLEAR if cleared else KEEP,
        "optimize": not cleared,
    }


def hundredths(durations: list[int]) -> list[int]:
    """Durations in ms as GIF stores them, in steps of 10, with the sum kept where possible.

    A frame that browsers show for its own time does not become one that they slow down.
    """
    rounded: list[int] = []
    end = written = 0
    for duration in durations:
        end += duration
        least = SHORTEST_GIF if duration > SHORTEST_GIF // 2 else 0
        value = max(least, 10 * ((end + 5) // 10) - written)
        rounded.append(min(value, LONGEST[Format.GIF]))
        written += rounded[-1]
    return rounded


def merged(frames: Iterator[Frame], longest: int) -> Iterator[Frame]:
    """`frames`, with equal frames that follow one another as one, shown `longest` ms at most."""
    held: Frame | None = None
    for frame in frames:
        if held is not None and _same(held.picture, frame.picture):
            held = Frame(held.picture, held.duration + frame.duration)
            continue
        if held is not None:
            yield Frame(held.picture, min(held.duration, longest))
        held = frame
    if held is not None:
        yield Frame(held.picture, min(held.duration, longest))


def _same(one: Image.Image, other: Image.Image) -> bool:
    if one.mode == other.mode == "P":
        # Converting marks the palette of the original, so copies are converted.
        one, other = one.copy().convert("RGBA"), other.copy().convert("RGBA")
    return one.mode == other.mode and one.tobytes() == other.tobytes()
