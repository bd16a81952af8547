"""Spans of what a worker has done, from the times that come back with its result."""

import time

from liveresize.core.jobs import IntakeJob, Job, OrientationJob, Rendered, Result, VisualJob
from liveresize.observe.tracing import spans

_NAMES: dict[type[Job], str] = {
    IntakeJob: "ingest",
    OrientationJob: "orientation",
    VisualJob: "visual_quality",
}
_OTHERS = "probe"


def record(job: Job, result: Result, began: float) -> None:
    """Record the stages of a job that has just ended; `began` is in seconds of `perf_counter`.

    The stages of a render are laid one after the other, up to now: those of an animation
    alternate.
    """
    span, now = spans.current(), time.perf_counter()
    if span is None or span.recorder is None:
        return
    if not isinstance(result, Rendered):
        span.past(_NAMES.get(type(job), _OTHERS), began, now)
        return
    stages = {
        "decode": result.decode_ms,
        "resize": result.resize_ms,
        "encode": result.encode_ms,
    }
    begun = max(began, now - sum(stages.values()) / 1000)
    for name, milliseconds in stages.items():
        ended = min(now, begun + milliseconds / 1000)
        if milliseconds:
            span.past(name, begun, ended)
        begun = ended
