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
        self._frames = merged(frames)
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
    shown = [
        Frame(palette.indexed(frame.picture, dithered=False), frame.duration)
        for frame in merged(frames)
    ]
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
    """Durations in ms as GIF can tell them, in steps of 10, with the sum kept."""
    ends = (10 * ((end + 5) // 10) for end in itertools.accumulate(durations, initial=0))
    return [end - start for start, end in itertools.pairwise(ends)]


def merged(frames: Iterator[Frame]) -> Iterator[Frame]:
    """`frames`, of those that follow one another and look the same only one."""
    held: Frame | None = None
    for frame in frames:
        if held is not None and _same(held.picture, frame.picture):
            held = Frame(held.picture, held.duration + frame.duration)
            continue
        if held is not None:
            yield held
        held = frame
    if held is not None:
        yield held


def _same(one: Image.Image, other: Image.Image) -> bool:
    return one.mode == other.mode and one.tobytes() == other.tobytes()
