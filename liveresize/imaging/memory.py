"""The memory that a job takes, computed from the header of its picture before it is decoded.

Where memory runs out in the middle, some decoders report a damaged file and others end the
process. So every job is computed first, and refused with the figures where it does not fit.
An upload is taken only if its largest rendition fits as well: what is stored can be rendered.
All sizes are in bytes; formulas are measured by `scripts/bench memory`, and tests hold them
against the memory that is really used.
"""

import contextlib
import ctypes
import functools
import math
import pathlib
import resource
from dataclasses import dataclass

from PIL import Image, TiffImagePlugin

from liveresize import errors
from liveresize.core.formats import Format
from liveresize.imaging import composition, modes, resize, shrink, webp
from liveresize.imaging.structure import Tally
from liveresize.settings.pictures import Constraints

MEGABYTE = 1_000_000

STATUS = pathlib.Path("/proc/self/statm")
"""Begins with the pages of address space that this process has."""

SLACK = 15 * 2**20
"""What a job takes whatever the size of its picture: buffers of codecs, the sketch, profiles."""

RESULT = 8
"""Bytes for each pixel of a result while it is finished: its colours, a canvas, a filter."""

DRAWN = 12
"""The same while an overlay is drawn over it: as it was, a copy, and its colours if it was grey."""

BENT = 16
"""The same of a picture that is converted to sRGB before it is resized."""

STRAIGHT = 24
"""Bytes for each pixel of greys of 16 bits or more while they become 8 bits."""

SAMPLED = 64
"""How many pixels are picked for each one of a sketch, at most."""

COMPOSED = 25
"""Bytes for each pixel of the canvas and of the largest frame of an animation: the canvas, what
was there before, the frame as stored and as RGBA, the blend of both, and a copy to finish."""

PLAYED = 20
"""The same of an animated WebP or AVIF, which its library composes."""

Size = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Layout:
    """What decoding a format takes beside the pixels that come out.

    `coded` is in bytes for each pixel of the file, `alpha` the same more where it has alpha;
    `copies` is how often the file itself is in memory.
    """

    coded: float = 0.0
    alpha: float = 0.0
    copies: int = 0


LAYOUTS = {
    "jpeg": Layout(),  # and its coefficients, unless they come in one scan
    "png": Layout(),
    "webp": Layout(alpha=6.4, copies=1),
    "gif": Layout(copies=1),
    # RGB as the library gives it; its planes are counted by their depth and sampling.
    "avif": Layout(coded=3.5, alpha=1.6, copies=2),
    "heif": Layout(coded=1.7, alpha=8.2, copies=1),
    "tiff": Layout(coded=0.2),
    "bmp": Layout(),
    # Up to 40 if it is progressive and lossless, or progressive with alpha.
    "jxl": Layout(coded=12.0, copies=1),
}
"""Our names of formats → what decoding them takes."""

LOSSLESS_WEBP = 4.2
"""What a lossless WebP takes for each pixel of the file, at any size that it is decoded to."""

DEEP_HEIC = 6.5
"""What a HEIC of more than 8 bits takes more for each pixel, while it is brought down to 8."""

PLANES = 1.15
"""How much larger the planes of a video codec are than what shows of them."""

ENCODING = {
    Format.JPEG: (14, 14),
    Format.PNG: (6, 8),
    Format.WEBP: (24, 38),
    Format.AVIF: (52, 56),
    Format.GIF: (18, 24),
    Format.JXL: (79, 105),
}
"""Format → bytes for each pixel of a result that its encoder takes, without alpha and with;
measured with noise at the highest quality."""

INDEXED = (22, 52)
"""The same for a PNG of what has a palette: one is looked for that shows the same."""

STORING = {
    "jpeg": (5, 5),
    "png": (5, 8),
    "webp": (13, 38),
    "avif": (33, 36),
    "gif": (10, 18),
}
"""The same for what `downscale` stores; other formats take as much as their pixels."""

FITTING = 6
"""Bytes for each pixel of a file that is kept while a larger one is tried, at most."""

GAIN_MAP = 6
"""Bytes of coefficients for each pixel of a progressive gain map."""

COMPARING = 96
"""Bytes for each pixel of a small copy that is encoded as AVIF, decoded and compared, above what
JPEG takes."""

BETWEEN_BANDS = 2**20
"""What one band leaves behind for each copy of the next, in bytes: the allocator's, not ours."""

MOVING = 60
"""Bytes for each pixel of an animated result that is encoded."""

PIXEL = 4
"""Bytes of a pixel in Pillow, of any mode but greys and indices."""


def pixel_bytes(mode: str) -> int:
    """Bytes that Pillow stores a pixel of this mode in."""
    if mode in ("1", "L", "P"):
        return 1
    return 2 if mode.startswith("I;16") else PIXEL


@dataclass(frozen=True, slots=True)
class Need:
    """What one job takes in its two halves, and what it does: `noun` is the subject of a
    sentence, such as `This picture of 12000x9000 pixels`."""

    noun: str
    decoding: int
    finishing: int

    @property
    def bytes(self) -> int:
        """The most that is taken at a time, with everything that does not grow."""
        return SLACK + max(self.decoding, self.finishing)

    @property
    def fits(self) -> bool:
        """Whether this process has so much memory."""
        most = room()
        return most is None or self.bytes <= most

    def check(self) -> None:
        """Raise ImageTooLarge, with the figures, where this process has not so much memory."""
        most = room()
        if most is None or self.fits:
            return
        raise errors.ImageTooLarge(
            f"{self.noun} needs {math.ceil(self.bytes / MEGABYTE)} MB of memory, and a worker "
            f"has {most // MEGABYTE} MB for it (workers.memory_bytes)."
        )


@functools.cache
def address_space() -> tuple[int, int] | None:
    """The limit of this process and what it had taken before the first picture; None without."""
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit == resource.RLIM_INFINITY:
        return None
    return limit, int(STATUS.read_text().split()[0]) * resource.getpagesize()


def room() -> int | None:
    """What a job may take; None without a limit."""
    bounds = address_space()
    return None if bounds is None else bounds[0] - bounds[1]


def trim() -> None:
    """Have the C library give back what it keeps of the jobs before, if it can."""
    with contextlib.suppress(AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


def check_opening(tally: Tally) -> None:
    """Raise ImageTooLarge for a file whose library takes its canvases as it opens it."""
    if tally.kind == "WEBP" and tally.frame_pixels:
        Need("This animation", PLAYED * tally.frame_pixels, 0).check()


def sketching(image: Image.Image, side: int, frames: int) -> Need:
    """What it takes to describe an opened picture of so many `frames`, by a sketch of `side`
    pixels a side at most."""
    share = side / max(*image.size, side)
    size = max(1, round(image.width * share)), max(1, round(image.height * share))
    decoded = _decoded(image, shrink.factor(image, image.size, size))
    loading, _ = _loading(image, decoded)
    sampled = resize.is_sampled(image, decoded)
    resizing = _resizing(image, decoded, decoded, size)
    if sampled:
        resizing = STRAIGHT * SAMPLED * math.prod(size) + resize.SLACK
    kept = pixel_bytes(image.mode) * math.prod(decoded)
    needed = max(loading, kept + resizing) + _tally(image).file_size
    return Need(_noun(image), max(needed, _playing(image, frames)), 0)


def storing(image: Image.Image, kind: str, part: Size, size: Size, frames: int) -> Need:
    """What it takes to store the `part` (width, height) of an opened picture as `size`."""
    loading, kept = _loading(image, image.size)
    pixels = math.prod(size)
    if part == size:
        cut = pixel_bytes(image.mode) * pixels
    else:
        cut = _resizing(image, image.size, part, size)
    encoding = STORING.get(kind, (PIXEL, PIXEL))[image.has_transparency_data] * pixels
    finishing = max(kept + cut, 2 * PIXEL * pixels, PIXEL * pixels + encoding)
    if frames > 1:
        loading = _playing(image, frames)
        finishing = loading + (PIXEL + encoding) * pixels
    return Need(_noun(image), loading, finishing)


def rendering(
    image: Image.Image,
    factor: float,
    part: tuple[float, float],
    size: Size,
    output: Format,
    *,
    frames: int,
    bent: bool,
    keeps: int,
    opened: bool = False,
    beside: int = 0,
    within: Size | None = None,
    overlay: int = 0,
) -> Need:
    """What a rendition takes: the `part` of an opened picture made `size`, both (width, height).

    The picture is decoded `factor` times smaller. `within` is the size of what may be looked at of
    it, if that is not all. `bent` says that its colours are converted
    before it is resized, and `keeps` is how many bytes of decoded pixels may be kept. The
    result is `output`, and takes so many bytes for each pixel `beside` its encoder; `opened` says
    that it may be transparent where the picture is not. `overlay` is how many pixels are drawn over
    it; these are in memory all the time.
    """
    decoded = _decoded(image, factor)
    loading, kept = _loading(image, decoded)
    pixels = math.prod(size)
    part = math.ceil(part[0] / factor), math.ceil(part[1] / factor)
    sizing = _resizing(image, decoded, part, size, within and _seen(within, factor))
    sizing += RESULT * pixels
    if bent:
        sizing += BENT * min(math.prod(part), 4 * pixels)
    alpha = output.has_alpha and (opened or image.has_transparency_data)
    indexed = INDEXED[alpha] if output is Format.PNG and image.mode in ("1", "P") else 0
    encoding = (PIXEL + max(RESULT, ENCODING[output][alpha], indexed) + beside) * pixels
    if overlay:
        sizing = max(sizing, DRAWN * pixels + (PIXEL + 1) * overlay)
    drawn = PIXEL * overlay
    if frames > 1:
        loading = _playing(image, frames) + drawn
        return Need(_noun(image), loading, loading + sizing + MOVING * pixels)
    finishing = max(kept + sizing, encoding + (kept if kept <= keeps else 0))
    return Need(_noun(image), loading + drawn, finishing + drawn)


def gain_map(source: Size, size: Size, file: int, whole: int, data: int, beside: int) -> Need:
    """What it takes to put a gain map of `size` behind a finished JPEG of `data` bytes.

    It is made of one of the size `source`, possibly progressive, which has `file` of the `whole`
    bytes of the original; `beside` is what is in memory meanwhile.
    """
    pixels = math.prod(size)
    decoding = whole + file + (PIXEL + GAIN_MAP) * math.prod(source)
    encoding = (2 * PIXEL + ENCODING[Format.JPEG][0]) * pixels
    noun = f"This gain map of {source[0]}x{source[1]} pixels"
    return Need(noun, beside + data + decoding, beside + 3 * data + whole + encoding)


def check_renderable(image: Image.Image, frames: int, bent: bool, constraints: Constraints) -> None:
    """Raise ImageTooLarge unless all renditions of an opened picture fit that `constraints`
    allow, as far as a worker has memory for a result of that size at all."""
    most = room()
    if most is None:
        return
    bounds = constraints.max_width, constraints.max_height
    factor = shrink.least(image, bounds)
    # JPEG XL, which is off unless asked for, says itself where it does not fit.
    beside = (max(pair) for output, pair in ENCODING.items() if output is not Format.JXL)
    largest = (most - SLACK) // (PIXEL + max(beside))
    share = min(1.0, math.sqrt(largest / math.prod(bounds)))
    size = math.ceil(bounds[0] * share), math.ceil(bounds[1] * share)
    turned = size[1], size[0]
    for box in (size, turned):
        inside = min(box[0] / image.width, box[1] / image.height)
        outside = max(box[0] / image.width, box[1] / image.height)
        whole = math.ceil(image.width * inside), math.ceil(image.height * inside)
        for part, result in (
            (image.size, whole),  # `clip`
            ((box[0] / outside, box[1] / outside), box),  # `crop`
            (image.size, box),  # `fill`
        ):
            rendering(
                image, factor, part, result, Format.PNG, frames=frames, bent=bent, keeps=0
            ).check()


def _decoded(image: Image.Image, factor: float) -> Size:
    """The size of an opened picture that is decoded `factor` times smaller."""
    return math.ceil(image.width / factor), math.ceil(image.height / factor)


def _loading(image: Image.Image, decoded: Size) -> tuple[int, int]:
    """What loading an opened picture (its first frame) takes, and what of it stays."""
    tally = _tally(image)
    kind = _kind(image)
    layout = LAYOUTS[kind]
    full = max(math.prod(_coded(image)), tally.frame_pixels)
    pixels = math.ceil(math.prod(decoded)) * pixel_bytes(image.mode)
    alpha = image.mode == "RGBA"
    beside = layout.coded + layout.alpha * alpha
    if kind in ("avif", "heif"):
        beside += PLANES * (tally.planes or 3.0)
        beside += DEEP_HEIC * tally.deep
    elif isinstance(image, webp.StillWebP) and image.lossless:
        beside = LOSSLESS_WEBP
    elif kind == "webp" and not isinstance(image, webp.StillWebP):
        beside = PLAYED - PIXEL
    elif isinstance(image, TiffImagePlugin.TiffImageFile):
        beside += _strip(image) / full
    elif isinstance(image, composition.ComposedImage) and image.n_frames > 1:
        beside = COMPOSED - PIXEL
    if image.mode in modes.MEASURED:
        pixels += STRAIGHT * math.prod(decoded)
    file = layout.copies * tally.file_size
    return pixels + round(beside * full) + tally.coefficients + file, pixels + file


def _playing(image: Image.Image, frames: int) -> int:
    """What going through the frames of an opened animation takes; 0 for a still."""
    if frames < 2:
        return 0
    tally = _tally(image)
    full = max(image.width * image.height, tally.frame_pixels)
    each = COMPOSED if isinstance(image, composition.ComposedImage) else PLAYED
    return each * full + LAYOUTS[_kind(image)].copies * tally.file_size


def _seen(size: Size, factor: float) -> Size:
    """The decoded pixels, `factor` times fewer, that a part of `size` may lie on."""
    return math.ceil(size[0] / factor) + 1, math.ceil(size[1] / factor) + 1


def _resizing(
    image: Image.Image, decoded: Size, part: Size, size: Size, within: Size | None = None
) -> int:
    """What it takes to resample a `part` of `image`, decoded to `decoded`, result included; where
    only what is `within` some pixels may be looked at, with a copy of these."""
    if within is not None:
        copy = 0 if resize.is_banded(image, within) else pixel_bytes(image.mode)
        return copy * math.prod(within) + _resizing(image, within, part, size)
    copies = PIXEL if resize.is_copied(image) else 0
    if image.mode not in modes.KEPT:
        copies += STRAIGHT if image.mode in modes.DEEP else PIXEL
    if resize.is_crossed(part, size):
        lower = decoded[0], size[1]
        first = _resizing(image, decoded, (decoded[0], part[1]), lower)
        return max(first, PIXEL * (2 * math.prod(lower) + 3 * math.prod(size)) + resize.SLACK)
    pixels, rows = math.prod(part), part[1]
    if resize.is_banded(image, decoded):
        across, down = resize.reduction(decoded, part, size)
        if (across, down) != (1, 1):
            averaged = Image.new(image.mode, (0, 0))
            smaller = -(-decoded[0] // across), -(-decoded[1] // down)
            return max(
                (2 * PIXEL + copies) * (resize.BAND + decoded[0] * down),
                _resizing(averaged, smaller, smaller, size),
            ) + PIXEL * math.prod(smaller)
        rows = min(rows, resize.band_rows(part, size))
        pixels = part[0] * rows + BETWEEN_BANDS // PIXEL
        copies += PIXEL
    return copies * pixels + PIXEL * (size[0] * rows + 2 * math.prod(size)) + resize.SLACK


def _strip(image: TiffImagePlugin.TiffImageFile) -> int:
    """What libtiff takes for an opened TIFF, if it has to unpack it: a strip or a tile."""
    if not any(tile.codec_name == "libtiff" for tile in image.tile):
        return 0
    tags = image.tag_v2
    width = int(tags.get(TiffImagePlugin.TILEWIDTH, image.width))
    rows = tags.get(TiffImagePlugin.TILELENGTH, tags.get(TiffImagePlugin.ROWSPERSTRIP))
    rows = min(int(rows or image.height), image.height)
    # libtiff makes RGBA of what is YCbCr.
    depth = max(PIXEL, sum(tags.get(TiffImagePlugin.BITSPERSAMPLE, (8,))) / 8)
    # It maps the file as well.
    return math.ceil(width * rows * depth) + _tally(image).file_size


def _coded(image: Image.Image) -> Size:
    """The size of what is coded, of which `image` may show a part or decode less."""
    size: Size = getattr(image, "coded", image.size)
    return size


def _noun(image: Image.Image) -> str:
    width, height = image.size
    return f"This picture of {width}x{height} pixels"


def _kind(image: Image.Image) -> str:
    name = (image.format or "").lower()
    return "jpeg" if name == "mpo" else name


def _tally(image: Image.Image) -> Tally:
    """What `decode.open_picture` has counted."""
    tally: Tally = image.tally  # type: ignore[attr-defined]
    return tally
