"""What the engines are asked for, and what came of it."""

import dataclasses
import itertools
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from scripts.benchmarks import corpus
from scripts.benchmarks.peers import engines


@dataclass(frozen=True)
class Size:
    """A box in pixels, fitted into or covered and cropped."""

    title: str
    width: int
    height: int
    crop: bool = False


SIZES = (
    Size("fit 400", 400, 400),
    Size("fit 720", 720, 720),
    Size("fit 1040", 1040, 1040),
    Size("crop 100", 100, 100, crop=True),
)

EQUAL: dict[str, dict[str, Any]] = {
    "jpeg": {"quality": 80, "progressive": False, "optimize": True},
    "png": {"level": 6},
    "webp": {"quality": 80, "effort": 4},
    "avif": {"quality": 65, "speed": 8},
}
"""What every engine is told alike; chroma is 4:2:0 and PNG filters are adaptive too."""

OWN: dict[str, dict[str, Any]] = {
    kind: {key: value for key, value in settings.items() if key == "quality"} | {"defaults": True}
    for kind, settings in EQUAL.items()
}
"""Each at its own defaults, but for the quality."""


@dataclass(frozen=True)
class Case:
    """One source, one size, one format of the result."""

    source: corpus.Source
    size: Size
    output: str

    @property
    def pair(self) -> str:
        """The formats from and to, as groups are called."""
        return f"{self.source.format} → {self.output}"


@dataclass(frozen=True)
class Measured:
    """What one engine did with one case: medians in ms, bytes, closeness to the reference.

    `ms` is processor time of the whole process, `wall_ms` what passed meanwhile: on a core
    of its own the same, while other loads on the machine hardly move the first.
    """

    ms: float
    wall_ms: float
    bytes: int
    ssim: float
    psnr: float
    size: tuple[int, int]
    stages: dict[str, float]


@dataclass(frozen=True)
class Outcome:
    """What all engines did with one case; those that failed with their reason."""

    case: Case
    results: dict[str, Measured]
    failures: dict[str, str]

    def speed(self, peer: str) -> float | None:
        """How many times as fast as `peer` ours is; None where either failed."""
        return self._ratio(peer, "ms")

    def wall_speed(self, peer: str) -> float | None:
        """The same by the clock."""
        return self._ratio(peer, "wall_ms")

    def plain(self) -> dict[str, Any]:
        """The outcome as plain values, to be kept."""
        source = self.case.source
        return {
            "source": f"{source.title} {source.format}",
            "path": source.path.name,
            "size": self.case.size.title,
            "output": self.case.output,
            "results": {name: dataclasses.asdict(one) for name, one in self.results.items()},
            "failures": self.failures,
        }

    def _ratio(self, peer: str, what: str) -> float | None:
        if engines.OURS not in self.results or peer not in self.results:
            return None
        theirs: float = getattr(self.results[peer], what)
        ours: float = getattr(self.results[engines.OURS], what)
        return theirs / ours


def cases(inputs: Iterable[str], outputs: Iterable[str], sizes: Iterable[str]) -> list[Case]:
    """Every case whose formats and size are among those named; empty means all."""
    found = itertools.product(corpus.sources(), SIZES, EQUAL)
    wanted_inputs, wanted_outputs, wanted_sizes = set(inputs), set(outputs), set(sizes)
    return [
        Case(source, size, output)
        for source, size, output in found
        if (not wanted_inputs or source.format in wanted_inputs)
        and (not wanted_outputs or output in wanted_outputs)
        and (not wanted_sizes or size.title in wanted_sizes)
    ]
