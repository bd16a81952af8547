"""Spans of traces: how many reached the collector, and how many did not."""

from prometheus_client import Counter

from liveresize.observe.metrics.registry import REGISTRY

EXPORTED, FAILED, DROPPED = FATES = ("exported", "failed", "dropped")

_spans = Counter(
    "liveresize_trace_spans",
    "Spans by what became of them: exported, failed where the collector did not take them, dropped "
    "where too many waited for it.",
    ("fate",),
    registry=REGISTRY,
)
for _fate in FATES:
    _spans.labels(_fate)


def count(fate: str, spans: int = 1) -> None:
    """Count spans."""
    _spans.labels(fate).inc(spans)
