"""Animations written by the letter of their formats, and what their frames show.

Nothing here uses Pillow or the product: pixels are composed one by one, as the text of
GIF89a and of the APNG specification says.
"""

import itertools
import random
import struct
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

Colour = tuple[int, int, int]
Pixel = tuple[int, int, int, int]
Box = tuple[int, int, int, int]
"""Left, top, width and height."""

Screen = list[Pixel]
"""The pixels of a frame, row by row."""

NOTHING: Pixel = (0, 0, 0, 0)

KEEP, BACKGROUND, PREVIOUS = 1, 2, 3
"""Disposals of GIF; those of APNG are one less."""

ROWS = ((0, 8), (4, 8), (2, 4), (1, 2))
"""First row and step of the four passes of an interlaced GIF."""


@dataclass(frozen=True)
class GifFrame:
    """An image block with its graphic control (`disposal` 0–7, `key` for transparent)."""

    box: Box
    pixels: Sequence[int]
    disposal: int = 0
    key: int | None = None
    delay: int = 10
    palette: Sequence[Colour] = ()
    interlaced: bool = False


@dataclass(frozen=True)
class Gif:
    """A GIF; `palette` may be empty where all frames have their own."""

    size: tuple[int, int]
    frames: Sequence[GifFrame]
    palette: Sequence[Colour] = ()
    background: int = 0
    loop: int | None = 0
    version: bytes = b"GIF89a"

    def file(self) -> bytes:
        """The bytes of the file."""
        flags = 0x70 | (0x80 | _bits(self.palette) - 1 if self.palette else 0)
        parts = [self.version, struct.pack("<HHBBB", *self.size, flags, self.background, 0)]
        parts.append(_table(self.palette))
        if self.loop is not None:
            parts.append(b"!\xff\x0bNETSCAPE2.0\x03\x01" + struct.pack("<H", self.loop) + b"\0")
        parts += [self.control(frame) + self.image(frame) for frame in self.frames]
        return b"".join(parts) + b";"

    @staticmethod
    def control(frame: GifFrame) -> bytes:
        """The graphic control extension of a frame."""
        flags = frame.disposal << 2 | (frame.key is not None)
        return b"!\xf9\x04" + struct.pack("<BHBB", flags, frame.delay, frame.key or 0, 0)

    def image(self, frame: GifFrame) -> bytes:
        """The image block of a frame."""
        flags = 0x40 * frame.interlaced
        if frame.palette:
            flags |= 0x80 | _bits(frame.palette) - 1
        head = b"," + struct.pack("<HHHHB", *frame.box, flags) + _table(frame.palette)
        width, height = frame.box[2:]
        rows = [frame.pixels[width * row : width * (row + 1)] for row in range(height)]
        if frame.interlaced:
            rows = [row for first, step in ROWS for row in rows[first::step]]
        bits = max(2, _bits(frame.palette or self.palette))
        return head + bytes([bits]) + _chained(_lzw(itertools.chain(*rows), bits))

    def shown(self) -> list[Screen]:
        """What every frame shows."""
        width, height = self.size
        screen, shown = [NOTHING] * (width * height), []
        for frame in self.frames:
            before = list(screen)
            colours = frame.palette or self.palette
            for at, index in _places(frame.box, self.size, frame.pixels):
                if index != frame.key:
                    screen[at] = (*colours[index], 255)
            shown.append(list(screen))
            if frame.disposal == BACKGROUND:
                for at, _ in _places(frame.box, self.size, frame.pixels):
                    screen[at] = NOTHING
            elif frame.disposal == PREVIOUS:
                screen = before
        return shown


def _bits(palette: Sequence[Colour]) -> int:
    """Bits of an index into a palette, which is stored with a power of two of colours."""
    return max(1, (len(palette) - 1).bit_length())


def _table(palette: Sequence[Colour]) -> bytes:
    if not palette:
        return b""
    return b"".join(map(bytes, palette)).ljust(3 << _bits(palette), b"\0")


def _lzw(indices: Iterable[int], bits: int) -> bytes:
    """Codes of one width: the table is cleared before it would need a wider one."""
    clear = 1 << bits
    codes = [clear]
    for number, index in enumerate(indices, 1):
        codes.append(index)
        if number % (clear - 2) == 0:
            codes.append(clear)
    codes.append(clear + 1)
    packed = sum(code << (bits + 1) * at for at, code in enumerate(codes))
    return packed.to_bytes(((bits + 1) * len(codes) + 7) // 8, "little")


def _chained(data: bytes) -> bytes:
    parts = [data[at : at + 255] for at in range(0, len(data), 255)]
    return b"".join(bytes([len(part)]) + part for part in parts) + b"\0"


def _places(box: Box, size: tuple[int, int], pixels: Sequence[Any]) -> Iterable[tuple[int, Any]]:
    """Where the pixels of a box lie on the canvas, for those that do."""
    left, top, width, _ = box
    for number, pixel in enumerate(pixels):
        x, y = left + number % width, top + number // width
        if x < size[0] and y < size[1]:
            yield y * size[0] + x, pixel


@dataclass(frozen=True)
class PngFrame:
    """An fcTL and its pixels, as the samples that are stored; `over` blends."""

    box: Box
    samples: Sequence[tuple[int, ...]]
    disposal: int = KEEP
    over: bool = False
    delay: tuple[int, int] = (1, 10)


@dataclass(frozen=True)
class Png:
    """An APNG of one of the colour types 0, 2, 3, 4 and 6.

    `key` is a colour that means transparent; `palette` has RGBA. With `hidden` the default
    image is no part of the animation. Everything has 8 or 16 bits a sample.
    """

    size: tuple[int, int]
    frames: Sequence[PngFrame]
    kind: int = 6
    depth: int = 8
    key: tuple[int, ...] | None = None
    palette: Sequence[Pixel] = ()
    hidden: Sequence[tuple[int, ...]] | None = None
    plays: int = 0

    def file(self) -> bytes:
        """The bytes of the file."""
        width, height = self.size
        head = struct.pack(">IIBBBBB", width, height, self.depth, self.kind, 0, 0, 0)
        parts = [b"\x89PNG\r\n\x1a\n", chunk(b"IHDR", head)]
        parts.append(chunk(b"acTL", struct.pack(">II", len(self.frames), self.plays)))
        if self.palette:
            parts.append(chunk(b"PLTE", b"".join(bytes(each[:3]) for each in self.palette)))
            parts.append(chunk(b"tRNS", bytes(each[3] for each in self.palette)))
        elif self.key is not None:
            parts.append(chunk(b"tRNS", struct.pack(f">{len(self.key)}H", *self.key)))
        if self.hidden is not None:
            parts.append(chunk(b"IDAT", self._packed(self.hidden, width)))
        numbers = itertools.count()
        for frame in self.frames:
            left, top, across, down = frame.box
            control = struct.pack(
                ">IIIIIHHBB",
                next(numbers),
                *(across, down, left, top),
                *frame.delay,
                frame.disposal - 1,
                frame.over,
            )
            parts.append(chunk(b"fcTL", control))
            pixels = self._packed(frame.samples, across)
            if b"IDAT" in {part[4:8] for part in parts}:
                parts.append(chunk(b"fdAT", struct.pack(">I", next(numbers)) + pixels))
            else:
                parts.append(chunk(b"IDAT", pixels))
        return b"".join((*parts, chunk(b"IEND", b"")))

    def _packed(self, samples: Sequence[tuple[int, ...]], width: int) -> bytes:
        form = "B" if self.depth == 8 else "H"
        rows = []
        for at in range(0, len(samples), width):
            row = list(itertools.chain(*samples[at : at + width]))
            rows.append(b"\0" + struct.pack(f">{len(row)}{form}", *row))
        return zlib.compress(b"".join(rows))

    def pixel(self, sample: tuple[int, ...]) -> Pixel:
        """What a stored sample means, in 8 bits."""
        if self.kind == 3:
            return self.palette[sample[0]]
        colour, alpha = (sample[:-1], sample[-1]) if self.kind in (4, 6) else (sample, None)
        if alpha is None:
            alpha = 0 if sample == self.key else (1 << self.depth) - 1
        red, green, blue = colour * 3 if len(colour) == 1 else colour
        shift = self.depth - 8
        return red >> shift, green >> shift, blue >> shift, alpha >> shift

    def shown(self) -> list[Screen]:
        """What every frame shows."""
        width, height = self.size
        screen, shown = [NOTHING] * (width * height), []
        for number, frame in enumerate(self.frames):
            before = list(screen)
            for at, sample in _places(frame.box, self.size, frame.samples):
                pixel = self.pixel(sample)
                screen[at] = over(pixel, screen[at]) if frame.over else pixel
            shown.append(list(screen))
            if frame.disposal == BACKGROUND or (frame.disposal == PREVIOUS and not number):
                for at, _ in _places(frame.box, self.size, frame.samples):
                    screen[at] = NOTHING
            elif frame.disposal == PREVIOUS:
                screen = before
        return shown


def chunk(kind: bytes, payload: bytes) -> bytes:
    """A chunk of PNG."""
    check = zlib.crc32(kind + payload)
    return struct.pack(">I", len(payload)) + kind + payload + struct.pack(">I", check)


def over(front: Pixel, back: Pixel) -> Pixel:
    """Source-over of colours that are not multiplied by their alpha, rounded once."""
    front_part, back_part = 255 * front[3], (255 - front[3]) * back[3]
    both = front_part + back_part
    if not both:
        return NOTHING
    red, green, blue = (
        round(Fraction(one * front_part + two * back_part, both))
        for one, two in zip(front[:3], back[:3], strict=True)
    )
    return red, green, blue, round(Fraction(both, 255))


def random_gif(chance: random.Random) -> Gif:
    """Frames of every disposal, some with keys, palettes of their own, or off the canvas."""
    size = chance.randint(1, 9), chance.randint(1, 9)
    palette = _colours(chance)
    frames = []
    for number in range(chance.randint(1, 6)):
        own = _colours(chance) if chance.random() < 0.3 else ()
        box = _box(chance, size, beyond=number > 0)
        colours = len(own or palette)
        frames.append(
            GifFrame(
                box,
                [chance.randrange(colours) for _ in range(box[2] * box[3])],
                disposal=chance.choice((0, 1, 2, 3)),
                key=chance.randrange(colours) if chance.random() < 0.6 else None,
                palette=own,
                interlaced=chance.random() < 0.3,
                delay=chance.choice((2, 7, 10)),
            )
        )
    return Gif(size, frames, palette, background=chance.randrange(len(palette)))


def random_png(chance: random.Random) -> Png:
    """Frames of every disposal and blend, of all colour types, with keys and soft alpha."""
    size = chance.randint(1, 9), chance.randint(1, 9)
    kind = chance.choice((0, 2, 3, 4, 6, 6))
    depth = 8 if kind == 3 else chance.choice((8, 8, 16))
    palette = [(*colour, chance.choice((0, 90, 255))) for colour in _colours(chance)]
    png = Png(size, [], kind, depth, palette=palette if kind == 3 else ())
    few = [_sample(chance, png) for _ in range(5)]
    hidden = chance.random() < 0.3
    frames = []
    for number in range(chance.randint(1, 6)):
        box = _box(chance, size) if number or hidden else (0, 0, *size)
        frames.append(
            PngFrame(
                box,
                [chance.choice(few) for _ in range(box[2] * box[3])],
                disposal=chance.choice((KEEP, BACKGROUND, PREVIOUS)),
                over=chance.random() < 0.6,
            )
        )
    keyed = kind in (0, 2) and chance.random() < 0.7
    return replace(
        png,
        frames=frames,
        key=chance.choice(few) if keyed else None,
        hidden=[few[0]] * (size[0] * size[1]) if hidden else None,
    )


def _colours(chance: random.Random) -> list[Colour]:
    count = chance.choice((2, 3, 8, 20))
    return [(chance.randrange(256), chance.randrange(256), 7 * each) for each in range(count)]


def _sample(chance: random.Random, png: Png) -> tuple[int, ...]:
    if png.kind == 3:
        return (chance.randrange(len(png.palette)),)
    channels = {0: 1, 2: 3, 4: 2, 6: 4}[png.kind]
    sample = [chance.randrange(256) for _ in range(channels)]
    if png.kind in (4, 6):
        sample[-1] = chance.choice((0, 1, 60, 128, 200, 254, 255))
    return tuple(value * (257 if png.depth == 16 else 1) for value in sample)


def _box(chance: random.Random, size: tuple[int, int], *, beyond: bool = False) -> Box:
    more = 3 if beyond and chance.random() < 0.2 else 0
    left, top = chance.randrange(size[0]), chance.randrange(size[1])
    width = chance.randint(1, size[0] - left + more)
    return left, top, width, chance.randint(1, size[1] - top + more)
