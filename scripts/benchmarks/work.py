"""What the servers are asked for, and what came of it."""

from dataclasses import dataclass
from pathlib import Path

from scripts.benchmarks import corpus, wrk
from scripts.benchmarks.peers import servers

SAMPLE = tuple(range(250, 1200, 100))
"""Widths whose bytes and SSIM are looked at."""

PUBLISHED_SIDE = 512
PUBLISHED = {"jpeg": 80, "webp": 75, "avif": 65, "png": 80}
"""Qualities of the published image-servers-benchmark, which asks for the source's format."""


@dataclass(frozen=True)
class Shape:
    """One kind of work: the picture, its format, and the box if it is always the same."""

    name: str
    title: str
    source: Path
    format: str
    quality: int
    side: int | None = None

    def pattern(self, server: servers.Server) -> str | None:
        """How `server` is asked for it, if it can do it."""
        return server.widths if self.side is None else server.box.get(self.format)

    def paths(self, pattern: str, name: str) -> list[str]:
        """The addresses of the sample."""
        widths = SAMPLE if self.side is None else (self.side,)
        return [
            pattern.format(name=name, w=width, h=self.side, q=self.quality, n=self.side)
            for width in widths
        ]


@dataclass(frozen=True)
class Finding:
    """What one server did with one shape: loads of all rounds, memory, bytes, SSIM.

    `cpu_ms` is processor time of its process tree for each answer, by round.
    """

    server: str
    loads: list[wrk.Load]
    cpu_ms: list[float]
    peak_kib: int
    bytes: float
    ssim: float

    @property
    def load(self) -> wrk.Load:
        """The round with the median rate."""
        return sorted(self.loads, key=lambda load: load.rate)[(len(self.loads) - 1) // 2]


def shapes() -> list[Shape]:
    """What is measured: widths first, then the published shapes."""
    found = [Shape("widths", "distinct widths 200–1200, JPEG q80", corpus.PHOTO, "jpeg", 80)]
    for kind, quality in PUBLISHED.items():
        source = corpus.PHOTO if kind == "jpeg" else corpus.reencoded(kind)
        lossy = "" if kind == "png" else f" q{quality}"
        title = f"{kind.upper()} → {kind.upper()}{lossy}, fit 512×512"
        found.append(Shape(kind, title, source, kind, quality, PUBLISHED_SIDE))
    return found
