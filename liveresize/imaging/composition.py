"""Composing the frames of GIF and APNG: each is a patch that is put on a canvas.

Both formats say where a patch goes, whether it covers or blends, and what becomes of its
place before the next one. Browsers follow their specifications, Pillow does not.
"""

import abc
import enum
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from PIL import Image

from liveresize.imaging import modes

Box = tuple[int, int, int, int]
Size = tuple[int, int]


class Disposal(enum.Enum):
    """What becomes of the place of a patch before the next one is put on the canvas."""

    KEEP = enum.auto()
    BACKGROUND = enum.auto()
    """It becomes transparent."""

    PREVIOUS = enum.auto()
    """It becomes what it was before."""


@dataclass(frozen=True, slots=True)
class Patch:
    """What one frame changes in `box` (left, top, right, bottom), which lies on the canvas.

    With `over` it blends with what is there, else it replaces it. `opaque` says that no
    pixel of it can be transparent. `duration` is in ms, None where the file says nothing.
    """

    box: Box
    disposal: Disposal
    over: bool
    opaque: bool
    duration: float | None


class ComposedImage(Image.Image, abc.ABC):
    """The frames of a file as they are to be seen; `seek` composes one after the other.

    The first one keeps its own mode where it fills the canvas, so that stills stay as
    they are stored; all others are RGBA, or RGB where nothing can be transparent.
    """

    def __init__(self, data: memoryview, size: Size, mode: str, patches: Sequence[Patch]) -> None:
        """`data` is the file, `mode` that of the first patch, `patches` has at least one."""
        super().__init__()
        self._data = data
        whole = (0, 0, *size)
        self._patches = patches
        self._as_stored = patches[0].box == whole
        self._size, self._mode = size, mode if self._as_stored else "RGBA"
        self.n_frames = len(patches)
        disposals = [patch.disposal for patch in patches[:-1]]
        # Before the first patch there was nothing.
        cleared = Disposal.BACKGROUND in disposals or disposals[:1] == [Disposal.PREVIOUS]
        holed = any(not patch.opaque and not patch.over for patch in patches[1:])
        self.may_be_clear = not (self._as_stored and patches[0].opaque) or cleared or holed
        """Whether a frame can be transparent somewhere."""

        self._canvas: Image.Image | None = None
        self._before: Image.Image | None = None
        self._at = -1
        self._time(0)

    @abc.abstractmethod
    def patch_pixels(self, index: int) -> Image.Image:
        """Decode the patch of that number, in any mode; raise what Pillow raises for damage."""

    def load(self) -> Any:
        """Decode the first frame unless one has been sought."""
        if self._at < 0:
            self._draw(0)
        return super().load()

    def tell(self) -> int:
        return max(0, self._at)

    def seek(self, frame: int) -> None:
        """Show the frame of that number. Raises EOFError after the last."""
        if not 0 <= frame < self.n_frames:
            raise EOFError
        if frame < self._at:
            self._canvas, self._at = None, -1
        while self._at < frame:
            self._draw(self._at + 1)

    def close(self) -> None:
        super().close()
        self._canvas = self._before = None
        self._data = memoryview(b"")

    def _draw(self, index: int) -> None:
        """Show the next frame. Where it is damaged, the one before stays."""
        patch = self._patches[index]
        empty = 0 in _extent(patch.box)
        pixels = Image.new("RGBA", (0, 0)) if empty else self.patch_pixels(index)
        if index == 0 and self._as_stored:
            self._show(pixels)
        else:
            canvas = self._disposed(index)
            self._before = None
            if patch.disposal is Disposal.PREVIOUS and index:
                self._before = canvas.crop(patch.box)
            if not empty:
                # Over nothing is as good as in its place.
                _put(canvas, pixels, patch.box[:2], patch.over and index > 0)
            self._canvas = canvas
            self._show(canvas)
        self._at = index
        self._time(index)

    def _disposed(self, index: int) -> Image.Image:
        """The canvas that the patch of that number is put on."""
        mode = "RGBA" if self.may_be_clear else "RGB"
        if index == 0:
            return Image.new(mode, self.size)
        canvas = self._canvas or modes.normalised(self).convert(mode)
        last = self._patches[index - 1]
        if last.disposal is Disposal.KEEP or 0 in _extent(last.box):
            return canvas
        before = self._before or Image.new(mode, _extent(last.box))
        canvas.paste(before, last.box[:2])
        return canvas

    def _show(self, picture: Image.Image) -> None:
        self.im = picture.im
        self._mode = picture.mode
        self.palette = picture.palette
        self.info.pop("transparency", None)
        if "transparency" in picture.info:
            self.info["transparency"] = picture.info["transparency"]

    def _time(self, index: int) -> None:
        self.info.pop("duration", None)
        duration = self._patches[index].duration
        if duration is not None:
            self.info["duration"] = duration


def _put(canvas: Image.Image, pixels: Image.Image, place: tuple[int, int], over: bool) -> None:
    """Put a decoded patch in its place."""
    picture = modes.normalised(pixels)
    if not over or picture.mode != "RGBA":
        canvas.paste(picture, place)
    elif canvas.mode == "RGB":
        canvas.paste(picture.convert("RGB"), place, picture.getchannel("A"))
    elif _is_soft(pixels):
        canvas.alpha_composite(picture, place)
    else:
        # The same for pixels that are transparent or not, in half of the memory.
        canvas.paste(picture, place, picture.getchannel("A"))


def _is_soft(pixels: Image.Image) -> bool:
    """Whether a decoded patch can be half-transparent somewhere."""
    key = pixels.info.get("transparency")
    return pixels.mode in ("LA", "PA", "RGBA") or isinstance(key, bytes)


def _extent(box: Box) -> Size:
    return box[2] - box[0], box[3] - box[1]
