"""Applications: what each was answered, and what was made for it."""

from collections import Counter
from dataclasses import dataclass, field

from liveresize.observe.metrics.requests import CACHES, NO_CACHE

REFUSED = ("application_rate_limited", "quota_full")
"""The errors that tell of a limit of the application."""


@dataclass(slots=True)
class Tally:
    """What one application has taken since the start."""

    # A series that begins with its first request would show no increase: all are there before.
    requests: Counter[str] = field(default_factory=lambda: Counter(dict.fromkeys(CACHES, 0)))
    """By what `X-Cache` says."""
    refused: Counter[str] = field(default_factory=lambda: Counter(dict.fromkeys(REFUSED, 0)))
    """By the code of the error."""
    bytes: int = 0
    renders: int = 0
    render_seconds: float = 0.0


_tallies: dict[str, Tally] = {}


def of(application: str) -> Tally:
    """Return the tally of an application; its name is one of the configuration."""
    tally = _tallies.get(application)
    if tally is None:
        tally = _tallies[application] = Tally()
    return tally


def count(application: str, *, cache: str | None, size: int, error: str | None) -> None:
    """Count one request; for its arguments see `requests.count`."""
    tally = of(application)
    tally.requests[cache or NO_CACHE] += 1
    tally.bytes += size
    if error in REFUSED:
        tally.refused[error] += 1


def rendered(application: str, seconds: float) -> None:
    """Count one render that a worker took `seconds` for."""
    tally = of(application)
    tally.renders += 1
    tally.render_seconds += seconds
