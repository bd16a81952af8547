"""Knobs of decoding, resizing and colour."""

import functools
import io
import math
import mmap
import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image

from liveresize.imaging import colour, resize
from scripts.benchmarks import charts, corpus, report
from scripts.benchmarks.knees import timing
from scripts.benchmarks.peers import engines

MARGINS = (1.0, 1.1, 1.25, 1.5, 2.0)
WIDTHS = (200, 270, 340, 400, 480, 600, 720, 860, 1040)

Scores = dict[str, list[float]]


def tables(rounds: int) -> list[str]:
    """Shrinking on load, shrinking before resizing, order of colour, and how files are read."""
    return [
        "### Shrink on load: decoded pixels over result, at least",
        *_margins(rounds),
        "### Other sources: reducing by whole numbers before Lanczos (6 MP PNG)",
        _before_resizing(rounds),
        "### Display P3 to sRGB (12 MP JPEG, decoded at half, to 720): order",
        _orders(rounds),
        "### How the file is read (JPEG at half size)",
        _reading(rounds),
    ]


def _margins(rounds: int) -> list[str]:
    """All JPEG photos at widths that fall on either side of every margin."""
    photos = [one for one in corpus.sources() if one.format == "jpeg"]
    rows, points = [], []
    with (
        engines.started(engines.OURS) as (children, _),
        engines.scorer() as scorer,
        tempfile.TemporaryDirectory() as folder,
    ):
        child = children[engines.OURS]
        scores: dict[float, list[list[float]]] = {margin: [] for margin in MARGINS}
        spent: dict[float, list[float]] = {margin: [] for margin in MARGINS}
        for photo in photos:
            for width in WIDTHS:
                found, ms = _one(
                    child, scorer, photo.path, width, Path(folder), max(2, rounds // 2)
                )
                for margin in MARGINS:
                    scores[margin].append(found[str(margin)])
                    spent[margin].append(ms[margin])
    for margin in MARGINS:
        losses = [
            (best[0] - mine[0], best[1] - mine[1])
            for best, mine in zip(scores[MARGINS[-1]], scores[margin], strict=True)
        ]
        mean = statistics.geometric_mean(spent[margin])
        ssim = statistics.mean(one[0] for one in scores[margin])
        rows.append(
            [
                f"{margin}",
                f"{mean:.1f}",
                f"{statistics.geometric_mean(spent[1.5]) / mean:.2f}",
                f"{ssim:.4f}",
                f"{max(loss[0] for loss in losses):.4f}",
                f"{max(loss[1] for loss in losses):.2f}",
            ]
        )
        points.append((mean, ssim, f"{margin}"))
    head = ("margin", "ms", "× 1.5", "SSIM", "worst loss of SSIM to 2.0", "worst loss of dB to 2.0")
    axes = ("ms (geometric mean)", "mean SSIM")
    chart = charts.curves(
        "knee-margin", "Shrink on load: JPEG to JPEG q80", axes, {"margin": points}
    )
    return [report.table(head, rows), chart]


def _one(
    child: engines.Child,
    scorer: engines.Child,
    path: Path,
    width: int,
    folder: Path,
    rounds: int,
) -> tuple[Scores, dict[float, float]]:
    """Scores and ms of one picture at one width, by margin."""
    results, ms = {}, {}
    for margin in MARGINS:
        out = str(folder / str(margin))
        request: dict[str, Any] = {
            "source": str(path),
            "width": width,
            "height": width,
            "crop": False,
            "format": "jpeg",
            "settings": {"quality": 80, "progressive": False, "optimize": True, "margin": margin},
        }
        child.ask({**request, "out": out})
        answers = [child.ask({**request, "out": None}) for _ in range(rounds)]
        ms[margin] = float(statistics.median([answer["cpu_ms"] for answer in answers]))
        results[str(margin)] = out
    return scorer.ask({"source": str(path), "results": results}), ms


def _before_resizing(rounds: int) -> str:
    with Image.open(corpus.reencoded("png")) as opened:
        image = opened.convert("RGB")
    whole = (0.0, 0.0, float(image.width), float(image.height))
    rows = []
    for width in (200, 400, 720):
        size = (width, round(width * image.height / image.width))
        best = image.resize(size, Image.Resampling.LANCZOS)
        lanczos = functools.partial(image.resize, size, Image.Resampling.LANCZOS)
        ways: dict[str, Callable[[], Image.Image]] = {
            "Lanczos alone": functools.partial(resize.resize, image, whole, size),
            **{
                f"reduced to {gap} times, then Lanczos": functools.partial(
                    _reduced, image, size, gap
                )
                for gap in (2, 3, 4)
            },
            "Pillow's Lanczos": lanczos,
            "Pillow's with reducing_gap 3": functools.partial(lanczos, reducing_gap=3.0),
        }
        for name, way in ways.items():
            ms = timing.ms(way, rounds)
            rows.append([f"{width}: {name}", f"{ms:.1f}", f"{_psnr(way(), best):.1f}"])
    return report.table(("width: way", "ms", "dB to Pillow's Lanczos"), rows)


def _reduced(image: Image.Image, size: tuple[int, int], gap: int) -> Image.Image:
    factor = max(1, int(min(image.width / size[0], image.height / size[1]) / gap))
    box = (0.0, 0.0, image.width / factor, image.height / factor)
    return resize.resize(image.reduce(factor) if factor > 1 else image, box, size)


def _psnr(one: Image.Image, other: Image.Image) -> float:
    """In dB, without numpy; 99 where nothing differs."""
    pairs = zip(one.tobytes(), other.tobytes(), strict=True)
    error = statistics.fmean((a - b) ** 2 for a, b in pairs)
    return 10 * math.log10(255**2 / error) if error else 99.0


def _orders(rounds: int) -> str:
    path = corpus.FOLDER / "photos" / "012mp-bus.jpg"
    with Image.open(path) as image:
        profile = image.info["icc_profile"]
        image.draft(None, (image.width // 2, image.height // 2))
        image.load()
    whole = (0.0, 0.0, float(image.width), float(image.height))
    size = (720, 540)

    def after() -> Image.Image:
        return colour.to_srgb(resize.resize(image, whole, size), profile)[0]

    def before() -> Image.Image:
        return resize.resize(colour.to_srgb(image, profile)[0], whole, size)

    closeness = _psnr(after(), before())
    rows = [
        ["resize, then colour", f"{timing.ms(after, rounds):.1f}"],
        ["colour, then resize", f"{timing.ms(before, rounds):.1f}"],
        ["the one against the other, dB", f"{closeness:.1f}"],
    ]
    return report.table(("order", "ms"), rows)


def _reading(rounds: int) -> str:
    rows = []
    for name in ("2569067123_aca715a2ee_o.jpg", "012mp-bus.jpg"):
        path = corpus.FOLDER / "photos" / name
        for title, way in (
            ("from the path", half),
            ("read whole first", _read_first),
            ("memory map", _mapped),
        ):
            ms = timing.ms(functools.partial(way, path), rounds)
            rows.append([f"{name}, {title}", f"{ms:.2f}"])
    return report.table(("file, way", "ms"), rows)


def half(file: Any) -> None:
    """Decode a JPEG, given as path or file, at half its size."""
    with Image.open(file) as image:
        image.draft(None, (image.width // 2, image.height // 2))
        image.load()


def _read_first(path: Path) -> None:
    half(io.BytesIO(path.read_bytes()))


def _mapped(path: Path) -> None:
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        half(data)
