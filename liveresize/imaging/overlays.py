"""Drawing an overlay over a finished picture: where it goes, and how it is laid over the pixels.

It is drawn over what is as large as the result, turned and filtered.
"""

from dataclasses import dataclass

from PIL import Image

from liveresize.core import geometry
from liveresize.core.overlay import Overlay

Size = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Drawing:
    """What is drawn: `patch` (LA or RGBA) at `offset`, whose pixels nobody may change."""

    patch: Image.Image
    offset: tuple[int, int]

    @property
    def pixels(self) -> int:
        """How many pixels are in memory."""
        return self.patch.width * self.patch.height

    def over(self, picture: Image.Image) -> Image.Image:
        """Return `picture` (L, LA, RGB or RGBA) with the patch over it.

        A grey picture gets the colours of the patch, and stays grey under a grey one. `picture`
        itself is not changed.
        """
        if picture.mode == "LA" or (picture.mode == "L" and self.patch.mode == "RGBA"):
            result = picture.convert("RGBA" if picture.mode == "LA" else "RGB")
        else:
            result = picture.copy()
        if result.mode == "RGBA":
            result.alpha_composite(self.patch.convert("RGBA"), self.offset)
            return result.convert("LA") if self._stays_grey(picture) else result
        colours = self.patch.convert(result.mode)
        result.paste(colours, self.offset, self.patch.getchannel("A"))
        return result

    def _stays_grey(self, picture: Image.Image) -> bool:
        return picture.mode == "LA" and self.patch.mode == "LA"


@dataclass(frozen=True, slots=True)
class Place:
    """Where an overlay is drawn: its `size`, the `offset` of its left upper corner in the result,
    and the `step` from one to the next, all in pixels."""

    size: Size
    offset: tuple[int, int]
    step: tuple[int, int]


def placed(overlay: Overlay, picture: Size, result: Size) -> Place:
    """Lay out an overlay, whose upright picture has that size, over a result.

    It is as wide as `scale` says, or less so that it fits inside the margins. A result too small
    for margins has none.
    """
    margin = (overlay.margin * result[0] + 500) // 1000
    room = result[0] - 2 * margin, result[1] - 2 * margin
    if min(room) < 1:
        margin, room = 0, result
    wide = min(room[0], max(1, (overlay.scale * result[0] + 500) // 1000))
    high = geometry.half_up(picture[1] * wide, picture[0])
    if high > room[1]:
        high = room[1]
        wide = min(room[0], geometry.half_up(picture[0] * high, picture[1]))
    x, y = overlay.gravity.point
    left = margin + int((room[0] - wide) * x + 0.5)
    top = margin + int((room[1] - high) * y + 0.5)
    return Place((wide, high), (left, top), (wide + margin, high + margin))


def tiled(patch: Image.Image, place: Place, result: Size) -> Image.Image:
    """Return `patch` repeated over the whole of a result, with one of them in its place."""
    across, down = place.step
    row = Image.new(patch.mode, (result[0], patch.height))
    for left in range(place.offset[0] % across - across, result[0], across):
        row.paste(patch, (left, 0))
    layer = Image.new(patch.mode, result)
    for top in range(place.offset[1] % down - down, result[1], down):
        layer.paste(row, (0, top))
    return layer
