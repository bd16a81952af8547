"""Export spans by OTLP/HTTP, with the SDK of OpenTelemetry.

Imported only where tracing is on: it needs the extra `liveresize[otel]`. Whatever the collector
does, nobody waits for it: spans wait in a bounded queue for a thread, and too many are dropped.
"""

import logging
import socket
import threading
from collections.abc import Sequence

import requests
import structlog
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_ON

from liveresize import __version__
from liveresize.observe.metrics import spans as metrics
from liveresize.observe.tracing.spans import Kind, Span
from liveresize.settings.backends import Tracing

_log = structlog.get_logger("liveresize.tracing")

_QUEUE = 4096
"""Spans that may wait for the collector, 1 to 2 KB each; further ones are dropped."""

_BATCH = 256
"""Spans of a request to the collector; encoding so many takes some milliseconds."""

_EVERY = 2_000.0
"""Milliseconds for which spans are collected."""

_TIMEOUT = 5.0
"""Seconds for a batch to reach the collector, retries included."""

_CLOSING = 2.0
"""Seconds that stopping waits for the last spans to be exported."""

_QUIET = "opentelemetry"
"""The loggers of the SDK, which would write lines for each batch that fails."""

_KINDS = {
    Kind.SERVER: trace.SpanKind.SERVER,
    Kind.CLIENT: trace.SpanKind.CLIENT,
    Kind.INTERNAL: trace.SpanKind.INTERNAL,
}


class OtlpRecorder:
    """spans.Recorder that exports to the collector of the settings, between `start` and `close`."""

    def __init__(self, settings: Tracing) -> None:
        self._settings = settings
        self._quiet = logging.getLogger(_QUIET)
        self._level = self._quiet.level
        self._given = 0
        self._recording = threading.Lock()
        self._tracer: trace.Tracer | None = None

    def start(self) -> None:
        """Start the thread that exports."""
        settings = self._settings
        self._quiet.setLevel(logging.CRITICAL + 1)
        session = requests.Session()
        session.trust_env = False  # no proxies and no .netrc, as for webhooks
        self._exporter = _Watched(
            OTLPSpanExporter(
                endpoint=settings.collector,
                headers=dict(settings.headers),
                timeout=_TIMEOUT,
                session=session,
            )
        )
        self._processor = BatchSpanProcessor(
            self._exporter,
            max_queue_size=_QUEUE + _BATCH,  # never full: `record` refuses earlier, and counts
            schedule_delay_millis=_EVERY,
            max_export_batch_size=_BATCH,
        )
        self._ids = _GivenIds()
        provider = TracerProvider(
            sampler=ALWAYS_ON,  # what comes here was sampled
            resource=Resource.create(
                {
                    "service.name": settings.service_name,
                    "service.version": __version__,
                    "host.name": socket.gethostname(),
                }
            ),
            id_generator=self._ids,
            shutdown_on_exit=False,
        )
        provider.add_span_processor(self._processor)
        self._tracer = provider.get_tracer("liveresize", __version__)

    @property
    def _waiting(self) -> int:
        return self._given - self._exporter.taken

    def record(self, span: Span, ended: float) -> None:
        """See spans.Recorder."""
        tracer = self._tracer
        if tracer is None or self._waiting >= _QUEUE:
            metrics.count(metrics.DROPPED)
            return
        trace_id, flags = int(span.context.trace_id, 16), trace.TraceFlags(span.context.flags)
        above: trace.Span = trace.INVALID_SPAN
        if span.parent:
            remote = span.kind is Kind.SERVER
            parent = trace.SpanContext(trace_id, int(span.parent, 16), remote, flags)
            above = trace.NonRecordingSpan(parent)
        with self._recording:
            self._given += 1
            self._ids.next = (trace_id, int(span.context.span_id, 16))
            made = tracer.start_span(
                span.name,
                trace.set_span_in_context(above),
                _KINDS[span.kind],
                span.attributes,
                start_time=_nanoseconds(span.began + span.offset),
            )
        if span.error:
            made.set_attribute("error.type", span.error)
            made.set_status(trace.StatusCode.ERROR)
        made.end(_nanoseconds(max(ended, span.began) + span.offset))

    def close(self) -> None:
        """Export what waits, for a moment, and stop; blocks up to `_CLOSING` seconds."""
        if self._tracer is None:
            return
        self._tracer = None
        # The processor alone would wait for half a minute.
        ending = threading.Thread(
            target=self._processor.shutdown, name="liveresize-traces", daemon=True
        )
        ending.start()
        ending.join(_CLOSING)
        if ending.is_alive():
            metrics.count(metrics.DROPPED, self._waiting)
            self._exporter.shutdown()
        self._quiet.setLevel(self._level)


class _GivenIds(IdGenerator):
    """Gives spans the ids that they have had from their beginning."""

    next = (0, 0)

    def generate_trace_id(self) -> int:
        return self.next[0]

    def generate_span_id(self) -> int:
        return self.next[1]


class _Watched(SpanExporter):
    """Counts what becomes of spans, and logs when exporting begins to fail, and when it works
    again. `taken` is how many it has been given."""

    def __init__(self, exporter: OTLPSpanExporter) -> None:
        self._exporter = exporter
        self._failing = False
        self._stopped = threading.Event()
        self.taken = 0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """See SpanExporter; one thread calls it."""
        result = SpanExportResult.FAILURE
        try:
            result = self._exporter.export(spans)
        finally:
            self._count(len(spans), failed=result is not SpanExportResult.SUCCESS)
        return result

    def _count(self, spans: int, *, failed: bool) -> None:
        self.taken += spans
        if self._stopped.is_set():
            return  # `close` has counted them
        metrics.count(metrics.FAILED if failed else metrics.EXPORTED, spans)
        if failed and not self._failing:
            _log.warning("traces_failing", hint="see tracing.endpoint, and whether it answers")
        elif self._failing and not failed:
            _log.info("traces_recovered")
        self._failing = failed

    def shutdown(self) -> None:
        """See SpanExporter: give up what is being tried again; once."""
        if not self._stopped.is_set():
            self._stopped.set()
            self._exporter.shutdown()


def _nanoseconds(seconds: float) -> int:
    return int(seconds * 1e9)
