"""What the servers are asked for, and what came of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from scripts.benchmarks import corpus, wrk
from scripts.benchmarks.peers import servers

SAMPLE = tuple(range(250, 1200, 100))
"""Widths whose bytes and SSIM are looked at."""

ONE, MANY = "many sizes of one picture", "one size each of many pictures"
"""The two shapes of cold renders. Decoded pixels that are kept help the first only."""

PICTURES = 1000
"""So many that in 10 s none is asked for twice below 100 renders a second."""

ROUND = 20_000
"""More requests than any round makes: each begins where no other one comes."""

PUBLISHED_SIDE = 512
PUBLISHED = {"jpeg": 80, "webp": 75, "avif": 65, "png": 80}
"""Qualities of the published image-servers-benchmark, which asks for the source's format."""


@dataclass(frozen=True)
class Shape:
    """One kind of work: the picture, its format, and the box if it is always the same.

    Of several `pictures` each is a copy of the source, and all are asked for in turn.
    """

    name: str
    title: str
    source: Path
    format: str
    quality: int
    side: int | None = None
    pictures: int = 1

    def pattern(self, server: servers.Server) -> str | None:
        """How `server` is asked for it, if it can do it."""
        return server.widths if self.side is None else server.box.get(self.format)

    def copies(self, rounds: int) -> Iterator[tuple[str, bytes]]:
        """(name, file) of all pictures that so many rounds and a warm-up ask for."""
        data = self.source.read_bytes()
        if self.pictures == 1:
            yield from ((f"{self.name}{turn}", data) for turn in range(rounds + 1))
            return
        for number in range(self.pictures):
            # Bytes behind the end of a JPEG are ignored, and make each file another one.
            yield f"{self.name}{number}", data + str(number).encode()

    def script(self, pattern: str, turn: int) -> str:
        """What wrk asks for in one of the rounds; 0 is the warm-up."""
        many = self.pictures > 1
        return wrk.distinct(
            pattern.replace("{name}", f"{self.name}{{p}}" if many else f"{self.name}{turn}"),
            self.quality,
            self.side,
            pictures=self.pictures,
            start=turn * ROUND if many else 0,
        )

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
    """What is measured: both shapes of widths first, then the published ones."""
    found = [
        Shape(name, f"{title}: widths 200–1200, JPEG q80", corpus.PHOTO, "jpeg", 80, pictures=count)
        for name, title, count in (("widths", ONE, 1), ("many", MANY, PICTURES))
    ]
    for kind, quality in PUBLISHED.items():
        source = corpus.PHOTO if kind == "jpeg" else corpus.reencoded(kind)
        lossy = "" if kind == "png" else f" q{quality}"
        title = f"{kind.upper()} → {kind.upper()}{lossy}, fit 512×512"
        found.append(Shape(kind, title, source, kind, quality, PUBLISHED_SIDE))
    return found
