"""What becomes of the trace that a request brings along."""

import random
import time
from collections.abc import Mapping

from liveresize.observe.tracing.context import (
    RANDOM,
    SAMPLED,
    TraceContext,
    new_span_id,
    new_trace_id,
    parse,
)
from liveresize.observe.tracing.spans import Kind, Recorder, Span

HEADER = "Traceparent"
_STATE = "Tracestate"


class IncomingTraces:
    """Begins the span of each request.

    Without a `recorder` only traces that clients began have one, which is logged and passed on.
    With it every request has a trace, and `ratio` of those for which no trusted proxy has decided
    are recorded.
    """

    def __init__(self, recorder: Recorder | None = None, ratio: float = 0.0) -> None:
        self.on = recorder is not None
        self._recorder = recorder
        self._ratio = ratio

    def begin(self, headers: Mapping[str, str], *, trusted: bool, began: float) -> Span | None:
        """Return the span of a request; None if it has none.

        The sampling flag and `tracestate`, in which vendors repeat it, count only from `trusted`
        peers: anybody else could have everything recorded, here and behind.
        """
        sent = headers.get(HEADER)
        parent = None if sent is None else parse(sent, headers.get(_STATE, "") if trusted else "")
        if self._recorder is None:
            return None if parent is None else Span(context=_passed_on(parent, trusted=trusted))
        if parent is not None and trusted:
            sampled = parent.sampled
        else:
            sampled = random.random() < self._ratio  # noqa: S311 (not by the id, which is theirs)
        return Span(
            context=TraceContext(
                trace_id=new_trace_id() if parent is None else parent.trace_id,
                span_id=new_span_id(),
                flags=(RANDOM if parent is None else parent.flags & RANDOM)
                | (SAMPLED if sampled else 0),
                state="" if parent is None else parent.state,
            ),
            recorder=self._recorder if sampled else None,
            parent="" if parent is None else parent.span_id,
            kind=Kind.SERVER,
            began=began,
            offset=time.time() - time.perf_counter(),
        )

    def resumed(self, sent: Mapping[str, str]) -> Span | None:
        """Return the span of what a request has caused, from `TraceContext.headers` of then."""
        context = parse(sent.get("traceparent", ""), sent.get("tracestate", ""))
        if context is None:
            return None
        return Span(
            context=context,
            recorder=self._recorder if context.sampled else None,
            offset=time.time() - time.perf_counter(),
        )


def _passed_on(parent: TraceContext, *, trusted: bool) -> TraceContext:
    """Return the context as it came; of a stranger, as one that is not recorded."""
    if trusted:
        return parent
    return parent._replace(span_id=new_span_id(), flags=parent.flags & ~SAMPLED)


OFF = IncomingTraces()
"""For parts that are used without a server."""
