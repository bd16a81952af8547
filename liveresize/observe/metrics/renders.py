"""Renders: what became of them, and what each of their parts took."""

import asyncio
from typing import Protocol

from prometheus_client import Counter, Histogram

from liveresize import errors
from liveresize.observe.metrics.registry import CANCELLED, INTERNAL, OK, OTHER, REGISTRY, SECONDS

FORMATS = ("jpeg", "png", "webp", "avif", "gif", "jxl", OTHER)
"""What comes out; `other` of what failed before that was decided."""

PARTS = ("queue", "decode", "resize", "encode")

_renders = Counter(
    "liveresize_renders",
    "Renders by what became of them: ok, or the code of the error.",
    ("format", "outcome"),
    registry=REGISTRY,
)
_total = Histogram(
    "liveresize_render_duration_seconds",
    "From the wish for a render to its bytes, for those that succeeded.",
    ("format",),
    buckets=SECONDS,
    registry=REGISTRY,
)
_parts = {
    part: Histogram(
        f"liveresize_render_{part}_seconds",
        f"What a render took to {part}, for those that succeeded."
        if part != "queue"
        else "What a render waited for a worker, for those that succeeded.",
        ("format",),
        buckets=SECONDS,
        registry=REGISTRY,
    )
    for part in PARTS
}


class Took(Protocol):
    """What the parts of a render took, in milliseconds."""

    @property
    def queue(self) -> float: ...
    @property
    def decode(self) -> float: ...
    @property
    def resize(self) -> float: ...
    @property
    def encode(self) -> float: ...


def done(output: str, total: float, took: Took) -> None:
    """Count a render into the format `output` that took `total` seconds in all."""
    output = output if output in FORMATS else OTHER
    _renders.labels(output, OK).inc()
    _total.labels(output).observe(total)
    parts = (took.queue, took.decode, took.resize, took.encode)
    for part, milliseconds in zip(PARTS, parts, strict=True):
        _parts[part].labels(output).observe(milliseconds / 1000)


def failed(output: object, error: BaseException) -> None:
    """Count a render that ended in `error`; `output` is its format, if that was known."""
    name = str(output)
    outcome = INTERNAL
    if isinstance(error, errors.LiveResizeError):
        outcome = error.code
    elif isinstance(error, asyncio.CancelledError):
        outcome = CANCELLED
    _renders.labels(name if name in FORMATS else OTHER, outcome).inc()


def made() -> int:
    """How many renders have succeeded."""
    (family,) = _renders.collect()
    return int(sum(each.value for each in family.samples if each.labels["outcome"] == OK))
