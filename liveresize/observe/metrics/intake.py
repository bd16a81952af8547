"""The hooks that are asked about uploads: how often, how long, and what they said."""

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass

from prometheus_client import Counter, Histogram

from liveresize.observe.metrics.registry import REGISTRY, SECONDS

HOOKS = ("clamd", "http")
OUTCOMES = TAKEN, REFUSED, FAILED = ("taken", "refused", "failed")

_checks = Counter(
    "liveresize_intake_checks",
    "Uploads that a hook was asked about, by what it said.",
    ("hook", "outcome"),
    registry=REGISTRY,
)
_seconds = Histogram(
    "liveresize_intake_check_duration_seconds",
    "What a hook took to answer.",
    ("hook",),
    buckets=SECONDS,
    registry=REGISTRY,
)

for _hook in HOOKS:
    for _outcome in OUTCOMES:
        _checks.labels(_hook, _outcome)


@dataclass(slots=True)
class Outcome:
    """What a hook has said."""

    refused: bool = False


@contextlib.contextmanager
def asked(hook: str) -> Iterator[Outcome]:
    """Count and time one question to a hook; an exception is a failure."""
    outcome, began = Outcome(), time.perf_counter()
    try:
        yield outcome
    except BaseException:
        _checks.labels(hook, FAILED).inc()
        raise
    finally:
        _seconds.labels(hook).observe(time.perf_counter() - began)
    _checks.labels(hook, REFUSED if outcome.refused else TAKEN).inc()
