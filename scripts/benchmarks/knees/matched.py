"""AVIF and WebP at the same closeness: bytes and time once quality is matched by SSIM."""

import itertools
import math
import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from scripts.benchmarks import report
from scripts.benchmarks.knees import encoders, pictures
from scripts.benchmarks.peers import engines

WAYS: dict[str, tuple[str, dict[str, Any]]] = {
    "AVIF, speed 8": ("avif", {"speed": 8, **encoders.AVIF_ALWAYS}),
    "AVIF, speed 9": ("avif", {"speed": 9, **encoders.AVIF_ALWAYS}),
    "WebP, method 4": ("webp", {"method": 4}),
    "WebP, method 2": ("webp", {"method": 2}),
}
FIRST = next(iter(WAYS))
QUALITIES = {"avif": (50, 58, 65, 72, 80), "webp": (60, 70, 80, 88, 94)}
MIDDLE = 2
"""Which of them the first way is matched at: 65."""

WIDTHS = (400, 1040)
NAMES = (*pictures.PHOTOS, "vip-exif_test_img.jpg", pictures.GRAPHIC)


@dataclass(frozen=True)
class Point:
    """One encoding: SSIM, the logarithm of its bytes, and ms."""

    ssim: float
    bytes: float
    ms: float


def tables() -> list[str]:
    """One row a way: bytes against the first way's, and ms, by width."""
    rows = {name: [name] for name in WAYS}
    with engines.scorer() as scorer:
        for width in WIDTHS:
            found = [_matched(name, width, scorer) for name in NAMES]
            for way, row in rows.items():
                ratios = [one[way] for one in found if way in one]
                share = math.exp(statistics.mean(ratio for ratio, _ in ratios))
                worst = math.exp(max(ratio for ratio, _ in ratios))
                ms = statistics.geometric_mean(spent for _, spent in ratios)
                row += [f"{ms:.0f}", f"{share:.3f}", f"{worst:.3f}"]
    head = ["knob"]
    for width in WIDTHS:
        head += [f"{width} wide, ms", "bytes", "worst"]
    title = f"### AVIF and WebP at the SSIM of AVIF q65: four photos and a graphic, to {FIRST}"
    return [title, report.table(head, rows.values())]


def _matched(name: str, width: int, scorer: engines.Child) -> dict[str, tuple[float, float]]:
    """Logarithm of the bytes to the first way's, and ms, by way, where SSIM is the same."""
    image = pictures.shrunk(name, width).convert("RGB")
    curves = {way: _curve(image, *knobs, scorer) for way, knobs in WAYS.items()}
    target = curves[FIRST][MIDDLE]
    found = {}
    for way, curve in curves.items():
        point = _between(sorted(curve, key=lambda one: one.ssim), target.ssim)
        if point is not None:
            found[way] = point.bytes - target.bytes, point.ms
    return found


def _curve(
    image: Image.Image, kind: str, settings: dict[str, Any], scorer: engines.Child
) -> list[Point]:
    points = []
    # A folder each time: the scorer keeps what it has read.
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "source.png"
        image.save(source, compress_level=1)
        for quality in QUALITIES[kind]:
            begun = time.process_time()
            data = encoders.encoded(image, kind, {**settings, "quality": quality})
            ms = (time.process_time() - begun) * 1000
            result = Path(folder) / str(quality)
            result.write_bytes(data)
            asked = {"source": str(source), "results": {"it": str(result)}}
            points.append(Point(scorer.ask(asked)["it"][0], math.log(len(data)), ms))
    return points


def _between(curve: list[Point], ssim: float) -> Point | None:
    """The point of a rising curve at `ssim`; None where it does not get there."""
    for low, high in itertools.pairwise(curve):
        if low.ssim <= ssim <= high.ssim:
            share = (ssim - low.ssim) / ((high.ssim - low.ssim) or 1)
            size = low.bytes + share * (high.bytes - low.bytes)
            return Point(ssim, size, low.ms + share * (high.ms - low.ms))
    return None
