"""A collector of traces: a receiver of the webhook's tests, and what it makes of its messages."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from webhook.receivers import Receiver

from . import servers


@dataclass(frozen=True)
class Seen:
    """A span as it arrived; times in seconds."""

    trace: str
    id: str
    parent: str
    name: str
    kind: int
    began: float
    ended: float
    failed: bool
    attributes: dict[str, Any]


SERVER, CLIENT = 2, 3


class Collector(Receiver):
    """Takes what is sent to `endpoint`, unless its `manner` is another."""

    @property
    def endpoint(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}/v1/traces"

    def spans(self, trace: str = "") -> list[Seen]:
        """All that have arrived, or those of one trace."""
        found = [
            _seen(span)
            for message in list(self.heard)
            for spans in _read(message.body)
            for span in spans.spans
        ]
        return [span for span in found if trace in ("", span.trace)]

    def resources(self) -> list[dict[str, Any]]:
        """Who has sent them."""
        return [
            _attributes(spans.resource.attributes)
            for message in list(self.heard)
            for spans in ExportTraceServiceRequest.FromString(message.body).resource_spans
        ]

    def whole(self, trace: str, done: Callable[[list[Seen]], bool]) -> list[Seen]:
        """The spans of a trace, in the order in which they began, once that holds for them."""
        servers.until(lambda: done(self.spans(trace)))
        return sorted(self.spans(trace), key=lambda span: span.began)


def _read(body: bytes) -> Iterator[Any]:
    for spans in ExportTraceServiceRequest.FromString(body).resource_spans:
        yield from spans.scope_spans


def _seen(span: Any) -> Seen:
    assert span.start_time_unix_nano <= span.end_time_unix_nano
    assert abs(span.start_time_unix_nano / 1e9 - time.time()) < 600
    return Seen(
        trace=span.trace_id.hex(),
        id=span.span_id.hex(),
        parent=span.parent_span_id.hex(),
        name=span.name,
        kind=span.kind,
        began=span.start_time_unix_nano / 1e9,
        ended=span.end_time_unix_nano / 1e9,
        failed=span.status.code == 2,
        attributes=_attributes(span.attributes),
    )


def _attributes(pairs: Any) -> dict[str, Any]:
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in pairs}
