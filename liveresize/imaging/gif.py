"""GIF as browsers show it: our walker finds the frames, Pillow unpacks their pixels."""

import os

from PIL import Image, ImagePalette

from liveresize.imaging import composition, structure
from liveresize.imaging.structure import gif

SIGNATURES = (b"GIF87a", b"GIF89a")

DISPOSALS = {
    2: composition.Disposal.BACKGROUND,
    3: composition.Disposal.PREVIOUS,
    4: composition.Disposal.PREVIOUS,  # an old mistake of encoders that browsers know
}
"""What graphic controls say; all other numbers leave a frame in place."""

COLOURS = 256

GREYS = bytes(level for level in range(COLOURS) for _ in range(3))
"""The palette of a GIF that has none."""


def opened(path: str | os.PathLike[str], max_frames: int) -> Image.Image | None:
    """The GIF at `path` with up to so many frames; None for anything else, and without any."""
    data = structure.mapped(path)
    if bytes(data[:6]) not in SIGNATURES or len(data) < gif.SCREEN_SIZE:
        return None
    screen = gif.screen(data, max_frames)
    if not screen.frames or 0 in screen.size:
        return None
    return GIF(data, screen)


class GIF(composition.ComposedImage):
    """An opened GIF."""

    format = "GIF"
    format_description = "Compuserve GIF"

    def __init__(self, data: memoryview, screen: gif.Screen) -> None:
        self._data = data
        self._frames = screen.frames
        self._palettes: dict[gif.Span, bytes] = {}
        grey = all(self._palette(frame.palette) == GREYS for frame in screen.frames)
        self._stored = "L" if grey else "P"
        first = screen.frames[0]
        patches = [_patch(frame, screen.size) for frame in screen.frames]
        super().__init__(data, screen.size, self._stored, patches)
        if self.mode == "P":
            self.palette = ImagePalette.raw("RGB", self._palette(first.palette))
        if self.mode == self._stored and first.clear is not None:
            self.info["transparency"] = first.clear
        if screen.loop is not None:
            self.info["loop"] = screen.loop

    @property
    def has_empty_frames(self) -> bool:
        """Whether a frame has no width or no height."""
        return any(
            left == right or top == bottom
            for left, top, right, bottom in (frame.box for frame in self._frames)
        )

    def patch_pixels(self, index: int) -> Image.Image:
        frame = self._frames[index]
        left, top, right, bottom = frame.box
        size = right - left, bottom - top
        Image._decompression_bomb_check(size)
        start, end = frame.pixels
        codes = bytes(self._data[start + 1 : end])
        picture = Image.frombytes(
            self._stored, size, codes, "gif", self._data[start], frame.interlaced, -1
        )
        if self._stored == "P":
            picture.putpalette(self._palette(frame.palette))
        if frame.clear is not None:
            picture.info["transparency"] = frame.clear
        seen = min(right, self.width) - left, min(bottom, self.height) - top
        return picture if seen == size else picture.crop((0, 0, *seen))

    def _palette(self, span: gif.Span) -> bytes:
        """256 colours; those beyond the palette are black, as in browsers."""
        if span not in self._palettes:
            colours = bytes(self._data[slice(*span)])
            if not colours or GREYS.startswith(colours):
                colours = GREYS
            self._palettes[span] = colours.ljust(3 * COLOURS, b"\0")
        return self._palettes[span]


def _patch(frame: gif.Frame, size: gif.Size) -> composition.Patch:
    """What a frame changes on a canvas of `size`; what leaves it is cut off."""
    left, top, right, bottom = frame.box
    width, height = size
    return composition.Patch(
        box=(min(left, width), min(top, height), min(right, width), min(bottom, height)),
        disposal=DISPOSALS.get(frame.disposal, composition.Disposal.KEEP),
        over=True,
        opaque=frame.clear is None,
        duration=frame.duration,
    )
