"""What is behind a picture: a colour, or the picture itself, blurred."""

import math

from PIL import Image, ImageFilter

from liveresize.core.values import WHITE, Backdrop, Background
from liveresize.imaging import effects, modes

SIDE = 128
"""Pixels of the longer side of the copy that is blurred: the blur leaves no finer detail."""

SIGMA = 6.0
"""The blur, in pixels of that copy: 1/21 of the longer side of the result."""

Size = tuple[int, int]
Box = tuple[int, int, int, int]


class Ground:
    """What is behind a result of the size `whole`, its pad included.

    What is blurred is the first picture that is seen: of an animation the first frame, so that
    what is around it does not flicker.
    """

    def __init__(self, background: Background, whole: Size) -> None:
        self._background = background
        self._whole = whole
        self._small: Image.Image | None = None

    def see(self, picture: Image.Image) -> None:
        """Keep a small blurred copy of `picture` (L, LA, RGB or RGBA), unless there is one."""
        if self._small is None:
            self._small = blurred(picture, self._whole)

    def under(self, picture: Image.Image, box: Box, offset: tuple[int, int]) -> Image.Image:
        """The part `box` of what is behind, with `picture` (L, LA, RGB or RGBA) on it at `offset`.

        A ground that is opaque shows through transparent pixels; on any other the result has alpha.
        """
        size = box[2] - box[0], box[3] - box[1]
        if not isinstance(self._background, Backdrop):
            result = effects.placed(picture, size, offset, self._background)
            grey = picture.mode in ("L", "LA") and effects.is_neutral(self._background)
            return modes.thinned(result) if grey else result
        clear = picture.mode in ("LA", "RGBA")
        if picture.size == size and not clear:
            return picture
        self.see(picture)
        result = self._painted(box, "L" if picture.mode in ("L", "LA") else "RGB")
        result.paste(picture, offset, picture if clear else None)
        return result

    def _painted(self, box: Box, mode: str) -> Image.Image:
        """The part `box` of the blurred picture, enlarged to the size of the result.

        It is of `mode`, or RGB where what was seen has colours.
        """
        assert self._small is not None
        if mode == "RGB":
            self._small = self._small.convert(mode)  # of an animation that began in grey
        across = self._small.width / self._whole[0]
        down = self._small.height / self._whole[1]
        left, top, right, bottom = box
        return self._small.resize(
            (right - left, bottom - top),
            Image.Resampling.BICUBIC,
            box=(left * across, top * down, right * across, bottom * down),
        )


def blurred(picture: Image.Image, whole: Size) -> Image.Image:
    """The middle of `picture` in the ratio of `whole`, small and blurred, over white (L or RGB)."""
    share = min(picture.width / whole[0], picture.height / whole[1])
    left, top = (picture.width - whole[0] * share) / 2, (picture.height - whole[1] * share) / 2
    box = (
        max(0.0, left),
        max(0.0, top),
        min(float(picture.width), picture.width - left),
        min(float(picture.height), picture.height - top),
    )
    ratio = SIDE / max(whole)
    size = math.ceil(whole[0] * ratio), math.ceil(whole[1] * ratio)
    small = picture.resize(size, Image.Resampling.BILINEAR, box=box)
    small = effects.placed(small, size, (0, 0), WHITE)
    return small.filter(ImageFilter.GaussianBlur(SIGMA))
