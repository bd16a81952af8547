"""`python -m scripts.benchmarks.jpeg_xl`: JPEG XL against our AVIF and WebP at the same SSIM.

Each picture is finished in some widths, and encoded as AVIF with our defaults. The quality of the
others is bisected until the SSIM of brightness is that of the AVIF, and bytes and ms are those
between the two levels next to it. Time is processor time, the least of three. Wants the corpus,
and `liveresize[jxl]`, which brings numpy.
"""

import functools
import io
import math
import statistics
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy
from numpy.typing import NDArray
from PIL import Image

from liveresize.core.formats import Format
from liveresize.imaging import encode, jxl, jxl_encoder
from liveresize.imaging.settings import EngineSettings
from scripts.benchmarks import corpus, report
from scripts.benchmarks.knees import pictures

NAMES = (
    "photos/006mp-cathedral.jpg",
    "photos/012mp-bus.jpg",
    "photos/2569067123_aca715a2ee_o.jpg",
    "photos/DJI_0025.JPG",
    "photos/Giunchedi%2C_Filippo.jpg",
    "photos/canon-1300d-18mp-gps.jpg",
    "photos/iphone-xs-12mp-o6-gps-p3.jpg",
    "photos/kodim23.png",
    "photos/large.jpg",
    "photos/vip-AWESOME.jpg",
    "photos/vip-exif_test_img.jpg",
    "photos/vip-test_inspiration.png",
    "colour/apple_gainmap_new.jpg",
    "colour/alpha-premultiply-1024x768-paper.png",
    "formats/Crash_test.gif",
)
WIDTHS = (400, 1000, 2000)
QUALITIES = (60, 80)
"""Of the AVIF that the others are held against."""

ROUNDS = 3
WINDOW = 1.5
"""The sigma of the window of SSIM."""

Encode = Callable[[Image.Image, int], bytes]
Plane = NDArray[numpy.float32]


def _ours(output: Format) -> Encode:
    return lambda image, level: encode.still(image.copy(), output, level, EngineSettings())


def _jxl(effort: int) -> Encode:
    return lambda image, level: jxl_encoder.encoded(image, level, effort)


AVIF = _ours(Format.AVIF)
OTHERS: dict[str, Encode] = {
    "WebP": _ours(Format.WEBP),
    **{f"JPEG XL, effort {effort}": _jxl(effort) for effort in (1, 3, 5)},
}


@dataclass(frozen=True)
class Point:
    """One encoding: its quality, SSIM, the logarithm of its bytes, and ms."""

    level: float
    ssim: float
    bytes: float
    ms: float


def main(*only: str) -> None:
    """Measure, and print a table for each quality and width."""
    jxl.register()
    for quality in QUALITIES:
        for width in WIDTHS:
            found = [_matched(image, quality) for image in _finished(width, only)]
            print(f"\n{len(found)} pictures, at most {width} wide, SSIM of AVIF q{quality}\n")
            print(report.table(("", "bytes", "least", "most", "ms", "quality"), _rows(found)))


def _finished(width: int, only: Iterable[str]) -> Iterable[Image.Image]:
    for name in NAMES:
        path = corpus.FOLDER / name
        with Image.open(path) as image:
            own = max(image.size) if image.getexif().get(0x112, 1) < 5 else min(image.size)
        if (not only or name in only) and own > 0.6 * width:
            yield pictures.made(path, min(width, own)).convert("RGB")


def _matched(image: Image.Image, quality: int) -> dict[str, tuple[float, float, float]]:
    """The ratio of bytes and of ms to those of AVIF, and the quality, of each that is as close."""
    truth = _brightness(image)
    reference = _point(image, truth, AVIF, quality, ROUNDS)
    found = {"AVIF": (1.0, reference.ms, float(quality))}
    for name, how in OTHERS.items():
        point = _at(functools.partial(_point, image, truth, how), reference.ssim)
        if point is not None:
            found[name] = (math.exp(point.bytes - reference.bytes), point.ms, point.level)
    return found


def _at(point: Callable[..., Point], ssim: float) -> Point | None:
    """What lies at `ssim` between the two levels next to it; None where the best is below."""
    low, high = point(1), point(100)
    if not low.ssim <= ssim <= high.ssim:
        return None
    while high.level - low.level > 1:
        middle = point(int(low.level + high.level) // 2)
        low, high = (middle, high) if middle.ssim <= ssim else (low, middle)
    low, high = (point(int(each.level), ROUNDS) for each in (low, high))
    share = (ssim - low.ssim) / ((high.ssim - low.ssim) or 1)
    pairs = ((getattr(low, each), getattr(high, each)) for each in ("level", "bytes", "ms"))
    level, size, ms = (one + share * (other - one) for one, other in pairs)
    return Point(level, ssim, size, ms)


def _point(image: Image.Image, truth: Plane, how: Encode, level: int, rounds: int = 1) -> Point:
    times = []
    for _ in range(rounds):
        begun = time.process_time()
        data = how(image, level)
        times.append((time.process_time() - begun) * 1000)
    with Image.open(io.BytesIO(data)) as shown:
        ssim = _ssim(truth, _brightness(shown))
    return Point(level, ssim, math.log(len(data)), min(times))


def _brightness(image: Image.Image) -> Plane:
    return numpy.asarray(image.convert("RGB").convert("L"), dtype=numpy.float32)


def _ssim(one: Plane, other: Plane) -> float:
    """The mean of the structural similarity of two planes (Wang et al., 2004)."""
    first, second = _blurred(one), _blurred(other)
    spread = _blurred(one * one) - first * first + _blurred(other * other) - second * second
    common = _blurred(one * other) - first * second
    light, shape = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    closeness = ((2 * first * second + light) * (2 * common + shape)) / (
        (first * first + second * second + light) * (spread + shape)
    )
    return float(closeness.mean())


def _blurred(plane: Plane) -> Plane:
    reach = range(-5, 6)
    weights = [math.exp(-(step**2) / (2 * WINDOW**2)) for step in reach]
    for axis in (0, 1):
        length = plane.shape[axis] - 10
        parts = (
            weight
            / sum(weights)
            * (plane[turn : turn + length] if axis == 0 else plane[:, turn : turn + length])
            for turn, weight in enumerate(weights)
        )
        plane = functools.reduce(numpy.add, parts)
    return plane


def _rows(found: list[dict[str, tuple[float, float, float]]]) -> list[list[str]]:
    rows = []
    for name in ("AVIF", *OTHERS):
        each = [one[name] for one in found if name in one]
        sizes, times, levels = zip(*each, strict=True)
        rows.append(
            [
                f"{name} ({len(each)})",
                f"{statistics.geometric_mean(sizes):.3f}",
                f"{min(sizes):.2f}",
                f"{max(sizes):.2f}",
                f"{statistics.geometric_mean(times):.0f}",
                f"{statistics.mean(levels):.0f}",
            ]
        )
    return rows


if __name__ == "__main__":
    main(*sys.argv[1:])
