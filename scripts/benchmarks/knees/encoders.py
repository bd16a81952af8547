"""Knobs of the encoders: what each costs and saves on finished pixels."""

import functools
import io
import statistics
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from PIL import Image

from scripts.benchmarks import charts, report
from scripts.benchmarks.knees import pictures, timing
from scripts.benchmarks.peers import engines

WIDTH = 720

JPEG: dict[str, dict[str, Any]] = {
    "plain": {},
    "optimised": {"optimize": True},
    "progressive": {"progressive": True, "optimize": True},
}

WEBP: dict[str, dict[str, Any]] = {f"method {method}": {"method": method} for method in range(7)}

AVIF: dict[str, dict[str, Any]] = {f"speed {speed}": {"speed": speed} for speed in range(4, 11)}
AVIF_ALWAYS: dict[str, Any] = {"max_threads": 1, "autotiling": False, "subsampling": "4:2:0"}

RIVALS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("WebP, method 4", "webp", {"quality": 80, "method": 4}),
    ("AVIF, speed 8", "avif", {"quality": 60, "speed": 8, **AVIF_ALWAYS}),
    ("AVIF, speed 9", "avif", {"quality": 60, "speed": 9, **AVIF_ALWAYS}),
)
WIDTHS = (400, 720, 1040, 1600, 2000)


def tables(rounds: int) -> list[str]:
    """One table an encoder, and AVIF against WebP by size."""
    photos = [pictures.shrunk(name, WIDTH).convert("RGB") for name in pictures.PHOTOS]
    with engines.scorer() as scorer:
        lossy: list[tuple[str, str, dict[str, dict[str, Any]], dict[str, Any]]] = [
            ("JPEG q80", "jpeg", JPEG, {"quality": 80, "subsampling": "4:2:0"}),
            ("WebP q80", "webp", WEBP, {"quality": 80}),
            ("AVIF q65", "avif", AVIF, {"quality": 65, **AVIF_ALWAYS}),
        ]
        parts = []
        for title, kind, knobs, always in lossy:
            parts.append(f"### {title}: three photos, {WIDTH} wide, each")
            parts.append(_lossy(kind, knobs, always, photos, rounds, scorer))
    return [*parts, "### AVIF against WebP by size (6 MP photo)", *_by_size(rounds)]


def encoded(image: Image.Image, kind: str, settings: dict[str, Any]) -> bytes:
    """`image` as a file."""
    file = io.BytesIO()
    image.save(file, kind, **settings)
    return file.getvalue()


def _cost(
    images: Iterable[Image.Image], kind: str, settings: dict[str, Any], rounds: int
) -> tuple[float, float]:
    """Mean ms and bytes."""
    found = [
        (
            timing.ms(functools.partial(encoded, image, kind, settings), rounds),
            len(encoded(image, kind, settings)),
        )
        for image in images
    ]
    return statistics.mean(ms for ms, _ in found), statistics.mean(size for _, size in found)


def _lossy(
    kind: str,
    knobs: dict[str, dict[str, Any]],
    always: dict[str, Any],
    photos: list[Image.Image],
    rounds: int,
    scorer: engines.Child,
) -> str:
    body = []
    with tempfile.TemporaryDirectory() as folder:
        for name, settings in knobs.items():
            ms, size = _cost(photos, kind, {**always, **settings}, rounds)
            closeness = []
            for turn, photo in enumerate(photos):
                source, result = Path(folder) / f"{turn}.png", Path(folder) / "result"
                if not source.exists():
                    photo.save(source, compress_level=1)
                result.write_bytes(encoded(photo, kind, {**always, **settings}))
                asked = {"source": str(source), "results": {"it": str(result)}}
                closeness.append(scorer.ask(asked)["it"][0])
            body.append((name, ms, size, statistics.mean(closeness)))
    least = min(size for _, _, size, _ in body)
    rows = [
        [name, f"{ms:.1f}", f"{size:,.0f}", f"{size / least - 1:+.1%}", f"{ssim:.4f}"]
        for name, ms, size, ssim in body
    ]
    return report.table(("knob", "ms", "bytes", "over the smallest", "SSIM"), rows)


def _by_size(rounds: int) -> list[str]:
    """What a result of so many pixels costs in either format."""
    rows: list[list[str]] = []
    curves: dict[str, list[tuple[float, float, str]]] = {name: [] for name, _, _ in RIVALS}
    for width in WIDTHS:
        image = pictures.shrunk(pictures.PHOTOS[0], width).convert("RGB")
        pixels = image.width * image.height / 1e6
        row = [f"{image.width}×{image.height} ({pixels:.2f} MP)"]
        for name, kind, settings in RIVALS:
            ms, size = _cost([image], kind, settings, max(2, rounds // 2))
            row += [f"{ms:.0f}", f"{size:,.0f}"]
            curves[name].append((pixels, ms, f"{ms:.0f}"))
        rows.append(row)
    head = ["size"]
    for name in curves:
        head += [f"{name}, ms", "bytes"]
    axes = ("megapixels of the result", "ms")
    return [report.table(head, rows), charts.curves("knee-avif", "Encoding by size", axes, curves)]
