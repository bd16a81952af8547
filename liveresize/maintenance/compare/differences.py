"""What differs between two answers, and when that is too much."""

from collections import Counter
from dataclasses import dataclass, field

from liveresize.maintenance.compare.answers import Answer

KINDS = ("status", "type", "size", "likeness", "bytes")
"""Kinds of differences, the gravest first; after the first two, only pictures are compared."""

_SAME_TYPES = {"image/jpg": "image/jpeg", "image/pjpeg": "image/jpeg", "image/x-png": "image/png"}


@dataclass(frozen=True, slots=True)
class Limits:
    """When answers differ.

    `min_ssim` is the smallest SSIM of two pictures that are alike, `max_growth` the largest number
    of bytes of the new one, in those of the old one. Kinds in `ignored` do not count.
    `max_different` is the share of requests, in percent, that may differ.
    """

    min_ssim: float = 0.9
    max_growth: float = 2.0
    max_different: float = 0.0
    ignored: frozenset[str] = frozenset()

    def differences(self, old: Answer, new: Answer, ssim: float | None) -> tuple[str, ...]:
        """Return the kinds in which the answers differ, the gravest first."""
        if old.status != new.status:
            found = {"status"}
        else:
            pictures = old.is_picture and new.is_picture
            same_size = (old.width, old.height) == (new.width, new.height)
            differing = {
                "type": (old.is_picture or new.is_picture) and _type(old) != _type(new),
                "size": pictures and not same_size,
                "likeness": ssim is not None and ssim < self.min_ssim,
                "bytes": pictures and new.bytes > self.max_growth * old.bytes,
            }
            found = {kind for kind, differs in differing.items() if differs}
        return tuple(kind for kind in KINDS if kind in found - self.ignored)


@dataclass(frozen=True, slots=True)
class Row:
    """A request with its number of lines in the log, and both answers to it."""

    target: str
    count: int
    old: Answer
    new: Answer
    ssim: float | None
    differences: tuple[str, ...]

    def line(self) -> str:
        """Format the row as one line."""
        return f"{self.target}: {', '.join(self.differences)} ({self.facts()})"

    def facts(self) -> str:
        """Format what both answers are."""
        likeness = "" if self.ssim is None else f", SSIM {self.ssim:.3f}"
        return f"{_facts(self.old)} → {_facts(self.new)}{likeness}"


@dataclass(slots=True)
class Summary:
    """The rows of a comparison, counted by requests and by lines of the log."""

    limits: Limits
    requests: int = 0
    lines: int = 0
    unknown: int = 0
    different: int = 0
    different_lines: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    old_bytes: int = 0
    new_bytes: int = 0
    ssims: list[float] = field(default_factory=list)

    def add(self, row: Row) -> None:
        self.requests += 1
        self.lines += row.count
        self.kinds.update(row.differences)
        if row.differences:
            self.different += 1
            self.different_lines += row.count
        if row.old.is_picture and row.new.is_picture:
            self.old_bytes += row.old.bytes * row.count
            self.new_bytes += row.new.bytes * row.count
        if row.ssim is not None:
            self.ssims.append(row.ssim)

    @property
    def passed(self) -> bool:
        """Whether few enough requests differ."""
        return self.different * 100 <= self.limits.max_different * self.requests

    def text(self) -> list[str]:
        """Format the summary as lines."""
        ssims = sorted(self.ssims)
        requests = _percent(self.different, self.requests)
        shares = (
            f"{requests} of the requests, {_percent(self.different_lines, self.lines)} of lines"
        )
        found = [
            f"{self.requests} requests compared, which are {self.lines} lines of the log",
            f"{self.different} differ ({shares})",
        ]
        found += [f"  {kind:9}{self.kinds[kind]:6}" for kind in KINDS if self.kinds[kind]]
        if ssims:
            middle, least = ssims[len(ssims) // 2], ssims[0]
            found.append(f"SSIM: median {middle:.3f}, least {least:.3f}")
        if self.old_bytes:
            found.append(
                f"bytes of the pictures, weighted by lines: {self.old_bytes} → {self.new_bytes} "
                f"(× {self.new_bytes / self.old_bytes:.2f})"
            )
        if self.unknown:
            found.append(f"{self.unknown} of the log are not in the report of the old server")
        return found

    def as_json(self) -> dict[str, object]:
        """Return the summary as fields of a JSON document."""
        return {
            "requests": self.requests,
            "lines": self.lines,
            "different": self.different,
            "different_lines": self.different_lines,
            "kinds": {kind: self.kinds[kind] for kind in KINDS},
            "old_bytes": self.old_bytes,
            "new_bytes": self.new_bytes,
            "least_ssim": min(self.ssims, default=None),
            "not_recorded": self.unknown,
            "passed": self.passed,
        }


def _type(answer: Answer) -> str:
    return _SAME_TYPES.get(answer.type, answer.type)


def _facts(answer: Answer) -> str:
    size = f" {answer.width}×{answer.height}" if answer.is_picture else ""
    return f"{answer.status} {answer.type or 'without a type'}{size}, {answer.bytes} bytes"


def _percent(part: int, whole: int) -> str:
    return f"{part * 100 / whole:.1f} %" if whole else "0 %"
