"""`scripts/bench visual`: bytes of `quality=visual` and of one quality for all, at equal SSIM; what
finding the quality takes; and how near `max_bytes` comes to its limit."""

import bisect
import io
import itertools
import math
import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from liveresize.core.formats import Format
from liveresize.core.jobs import Rendered, RenderJob, VisualJob
from liveresize.core.operation import UrlRules
from liveresize.core.rendition import Rendition
from liveresize.core.values import Quality
from liveresize.imaging import encode, fitting, perform, similarity
from liveresize.imaging.settings import EngineSettings
from liveresize.settings.pictures import Quality as Qualities
from scripts.benchmarks import corpus, report

FOLDERS = ("photos", "formats", "colour")
SMALLEST = 200
"""Pixels that each side of a picture has at least."""

WIDTHS = (240, 600, 1200)
LEVELS = tuple(range(10, 97, 3))
LOSSY = (Format.JPEG, Format.WEBP, Format.AVIF)
SHARES = (0.9, 0.7, 0.5, 0.3)
"""The limits of `max_bytes`, in bytes of the default quality."""

SETTINGS = EngineSettings()


@dataclass(frozen=True)
class Curve:
    """Bytes and SSIM of one picture at each of LEVELS, in one format."""

    bytes: tuple[int, ...]
    ssim: tuple[float, ...]

    def bytes_at(self, level: float) -> float:
        """The bytes at a level between those that were measured."""
        return math.exp(_between([math.log(size) for size in self.bytes], level))

    def ssim_at(self, level: float) -> float:
        """The SSIM at a level between those that were measured."""
        return _between(self.ssim, level)


def measure() -> str:
    """`quality=visual` against one quality for all, and `max_bytes`, over the corpus."""
    paths = _pictures()
    target = UrlRules().visual
    found, spent = {}, []
    for path in paths:
        begun = time.process_time()
        quality = perform(VisualJob(path=str(path), target=target), SETTINGS)
        spent.append(time.process_time() - begun)
        assert isinstance(quality, Quality)
        found[path] = quality
    rows, limits = [], []
    for output, width in itertools.product(LOSSY, WIDTHS):
        curves = {path: _curve(path, width, output) for path in paths}
        usual = getattr(Qualities(), output.value)
        levels = [found[path].level(output) for path in curves]
        rows.append(_compared(output, width, list(curves.values()), usual, levels))
        if width == WIDTHS[1]:
            limits += [_fitted(output, share, curves.values(), usual) for share in SHARES]
    head = ["format, width", "one quality", "SSIM: mean, worst tenth", "`visual`: levels"]
    head += ["SSIM: mean, worst tenth", "bytes", "at the same mean SSIM", "at the same worst tenth"]
    milliseconds = sorted(1000 * each for each in spent)
    about = (
        f"{len(paths)} still pictures of the corpus, of at least {SMALLEST} pixels a side; "
        f"`visual` with an SSIM of {target / 1000}. `bytes` are those of `visual` beside one "
        "quality for all: the mean of pictures, and in brackets all bytes together. The next "
        "columns compare with the one quality for all that has the same mean SSIM, or the same "
        "SSIM in the worst tenth. Finding the qualities of a picture takes "
        f"{statistics.median(milliseconds):.0f} ms of processor time (median, decoding included; "
        f"the longest {milliseconds[-1]:.0f} ms)."
    )
    fits = ["format", "limit ÷ bytes", "of the limit used", "below the best level", "encodes"]
    return "\n\n".join(
        [
            about,
            report.table(head, rows),
            f"### `max_bytes`: {WIDTHS[1]} wide, at most {fitting.MOST_ENCODES} encodes",
            report.table(fits, limits),
        ]
    )


def _pictures() -> list[Path]:
    """The pictures of the corpus that are large enough."""
    found = []
    for path in sorted(path for folder in FOLDERS for path in (corpus.FOLDER / folder).iterdir()):
        try:
            with Image.open(path) as image:
                if image.format in ("JPEG", "MPO", "PNG", "WEBP", "AVIF", "GIF"):
                    image.load()
                    found += [path] if min(image.size) >= SMALLEST else []
        except (OSError, ValueError, SyntaxError):
            continue
    return found


def _curve(path: Path, width: int, output: Format) -> Curve:
    """What a rendition of that width is at each level, without loss before."""
    rendition = Rendition(format=Format.PNG, width=width, enlarge=False, animate=False).canonical()
    done = perform(RenderJob(path=str(path), rendition=rendition), SETTINGS)
    assert isinstance(done, Rendered)
    with Image.open(io.BytesIO(done.data)) as opened:
        image = opened.convert("RGBA")
    image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
    luma = image.convert("L")
    sizes, alike = [], []
    for level in LEVELS:
        data = encode.still(image.copy(), output, level, SETTINGS)
        with Image.open(io.BytesIO(data)) as made:
            alike.append(similarity.overlapping(luma, made.convert("L")))
        sizes.append(len(data))
    return Curve(tuple(sizes), tuple(alike))


def _compared(
    output: Format, width: int, curves: list[Curve], usual: int, levels: list[int]
) -> list[str]:
    """The row of one format and width."""
    fixed = [usual] * len(curves)
    before, after = _ssims(curves, fixed), _ssims(curves, levels)
    same_mean = _level_with(curves, statistics.mean, statistics.mean(after))
    same_worst = _level_with(curves, _worst, _worst(after))
    ordered = sorted(levels)
    return [
        f"{output.value}, {width}",
        str(usual),
        f"{statistics.mean(before):.3f}, {_worst(before):.3f}",
        f"{ordered[0]}–{ordered[-1]}, median {ordered[len(ordered) // 2]}",
        f"{statistics.mean(after):.3f}, {_worst(after):.3f}",
        _saved(curves, levels, usual),
        f"{_saved(curves, levels, same_mean)} (q{same_mean:.0f})",
        f"{_saved(curves, levels, same_worst)} (q{same_worst:.0f})",
    ]


def _saved(curves: list[Curve], levels: Iterable[int], fixed: float) -> str:
    """How many bytes more or less these levels take than `fixed`."""
    pairs = [
        (curve.bytes_at(level), curve.bytes_at(fixed))
        for curve, level in zip(curves, levels, strict=True)
    ]
    mean = statistics.geometric_mean(one / other for one, other in pairs)
    total = sum(one for one, _ in pairs) / sum(other for _, other in pairs)
    return f"{100 * mean - 100:+.0f} % ({100 * total - 100:+.0f} %)"


def _level_with(
    curves: list[Curve], summary: Callable[[list[float]], float], wanted: float
) -> float:
    """The one level at which the pictures have that SSIM."""
    steps = [each / 4 for each in range(4 * LEVELS[0], 4 * LEVELS[-1] + 1)]
    return next(
        (each for each in steps if summary(_ssims(curves, [each] * len(curves))) >= wanted),
        float(LEVELS[-1]),
    )


def _ssims(curves: list[Curve], levels: Sequence[float]) -> list[float]:
    return [curve.ssim_at(level) for curve, level in zip(curves, levels, strict=True)]


def _worst(ssims: list[float]) -> float:
    """The best of the worst tenth."""
    return sorted(ssims)[len(ssims) // 10]


def _fitted(output: Format, share: float, curves: Iterable[Curve], usual: int) -> list[str]:
    """How near `max_bytes` comes to a limit, of those pictures that some level fits."""
    used, below, encodes = [], [], []
    for curve in curves:
        limit = int(share * curve.bytes_at(usual))
        best = [level for level in range(fitting.LOWEST, usual) if curve.bytes_at(level) <= limit]
        if not best:
            continue
        tried = [usual]

        def sized(level: int, curve: Curve = curve, tried: list[int] = tried) -> bytes:
            tried.append(level)
            return bytes(round(curve.bytes_at(level)))

        data, level = fitting.fitted(sized, output, usual, limit, round(curve.bytes_at(usual)))
        used.append(len(data) / limit)
        below.append(best[-1] - level)
        encodes.append(len(tried))
    return [
        output.value,
        str(share),
        f"{100 * statistics.mean(used):.0f} %",
        f"{statistics.mean(below):.1f}",
        f"{statistics.mean(encodes):.1f}",
    ]


def _between(values: Sequence[float], level: float) -> float:
    """The value at a level, in a straight line between its neighbours."""
    at = min(max(bisect.bisect_left(LEVELS, level), 1), len(LEVELS) - 1)
    share = (level - LEVELS[at - 1]) / (LEVELS[at] - LEVELS[at - 1])
    return values[at - 1] * (1 - share) + values[at] * share
