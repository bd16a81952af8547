"""Collectors of traces that take no spans, and that nobody waits for one."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import structlog
from web import servers
from web.collectors import Collector
from webhook.receivers import Manner

from liveresize.maintenance.doctor import tracing as doctor
from liveresize.observe.metrics.registry import REGISTRY
from liveresize.observe.tracing import otlp
from liveresize.observe.tracing.incoming import IncomingTraces
from liveresize.settings.backends import Tracing

HEADERS = {"x-key": "of the collector"}


def fates() -> dict[str, float]:
    """How many spans ended how so far."""
    return {
        fate: REGISTRY.get_sample_value("liveresize_trace_spans_total", {"fate": fate}) or 0.0
        for fate in ("exported", "failed", "dropped")
    }


def since(before: dict[str, float]) -> dict[str, int]:
    """How many more there are, where there are."""
    return {name: int(more) for name, now in fates().items() if (more := now - before[name])}


@contextlib.contextmanager
def recorder(endpoint: str, **changes: float) -> Iterator[Callable[[int], None]]:
    """Records so many spans, with `changes` of the module's constants; closed in the end."""
    with contextlib.ExitStack() as stack:
        for name, value in {"_EVERY": 5.0, "_TIMEOUT": 0.3, **changes}.items():
            stack.enter_context(servers.replaced(otlp, name, value))
        one = otlp.OtlpRecorder(Tracing(enabled=True, endpoint=endpoint))
        one.start()
        traces = IncomingTraces(one, 1.0)

        def record(count: int) -> None:
            for _ in range(count):
                span = traces.begin({}, trusted=False, began=time.perf_counter())
                assert span is not None
                span.end()

        try:
            yield record
        finally:
            one.close()


@pytest.mark.parametrize(
    "manner", [Manner.FAIL, Manner.REFUSE, Manner.CLOSE, Manner.BABBLE, Manner.HANG, None]
)
def test_a_collector_that_does_not_take_spans(manner: Manner | None) -> None:
    """They are counted, the log says so once, and exporting goes on when it takes some."""
    before = fates()
    with Collector() as collector, structlog.testing.capture_logs() as events:
        port = collector.port
        collector.manner = manner or Manner.CONFIRM
        if manner is None:
            collector.__exit__()
        with recorder(f"http://127.0.0.1:{port}/v1/traces") as record:
            for failed in (1, 2):
                record(1)
                servers.until(lambda: since(before) == {"failed": failed})  # noqa: B023
            collector.over.set()  # who hangs, hangs no longer
            if manner is None:
                collector.__enter__()
            collector.manner = Manner.CONFIRM
            record(3)
            servers.until(lambda: since(before) == {"failed": 2, "exported": 3})
    told = [each["event"] for each in events]
    assert told == ["traces_failing", "traces_recovered"]


@pytest.mark.parametrize("manner", [Manner.HANG, Manner.TRICKLE])
def test_a_collector_that_hangs_is_waited_for_by_nobody(manner: Manner) -> None:
    """Recording goes on at once, what is too much is dropped and counted, and so is what waits
    when the server stops, which takes a moment."""
    before = fates()
    with Collector() as collector:
        collector.manner = manner
        changes = {"_QUEUE": 50, "_TIMEOUT": servers.PATIENCE, "_CLOSING": 0.2}
        with recorder(collector.endpoint, **changes) as record:
            record(80)
            servers.until(lambda: collector.heard)
            assert since(before) == {"dropped": 30}
            began = time.monotonic()
        took = time.monotonic() - began
        assert since(before) == {"dropped": 80}
    assert took < 5


def test_the_doctor_asks_the_collector() -> None:
    """With an empty message; one that refuses is a warning, since images are served."""

    def found(**changes: Any) -> list[tuple[str, str]]:
        looked = asyncio.run(doctor.look(Tracing(**changes)))
        return [(each.part, each.level.value) for each in looked]

    with Collector() as collector:
        settings: dict[str, Any] = {"enabled": True, "endpoint": collector.endpoint}
        settings["headers"] = HEADERS
        for manner, level in (
            (Manner.LONG, "ok"),
            (Manner.FAIL, "warning"),
            (Manner.CLOSE, "warning"),
        ):
            collector.manner = manner
            assert found(**settings) == [("tracing.endpoint", level)]
        assert collector.heard[0].headers["x-key"] == HEADERS["x-key"]
    assert found(**settings) == [("tracing.endpoint", "warning")]
    assert found() == [("tracing", "ok")]
