"""Metrics: their label sets, what is measured how, and what a scrape shares."""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from prometheus_client.core import Metric
from prometheus_client.parser import text_string_to_metric_families

from liveresize import errors
from liveresize.app import application
from liveresize.app.stats import Stats
from liveresize.core.formats import Format
from liveresize.delivery.outcomes import Cache, Timings
from liveresize.http import failures
from liveresize.http.handlers.base import Handler
from liveresize.observe.metrics import machine, registry, renders, requests, stores
from liveresize.observe.metrics.exposition import Scrape, counter, described, gauge, gauges


def value(name: str, **labels: str) -> float:
    """The sample of that name and those labels; 0 where there is none."""
    return registry.REGISTRY.get_sample_value(f"liveresize_{name}", labels) or 0.0


def subclasses(of: type[Any]) -> Iterator[type[Any]]:
    yield of
    for each in of.__subclasses__():
        yield from subclasses(each)


def count(**changes: object) -> None:
    """Count a request that is as plain as can be, but for `changes`."""
    plain: dict[str, object] = {
        "route": "other",
        "method": "GET",
        "status": 200,
        "cache": None,
        "seconds": 0.001,
        "size": 0,
        "error": None,
    }
    requests.count(**{**plain, **changes})  # type: ignore[arg-type]


def test_every_handler_counts_as_a_route_that_there_is() -> None:
    """Each has said which, and none but those without an address of their own are `other`."""
    for _, _, handler in application.ROUTES:
        assert issubclass(handler, Handler)
        assert handler.route in requests.ROUTES
    others = {handler for handler in subclasses(Handler) if getattr(handler, "route") == "other"}  # noqa: B009
    assert {
        handler.__name__ for handler in others if handler.__module__ == application.__name__
    } == {"WrongMethod"}


def test_label_sets_are_those_of_what_they_name() -> None:
    """What is declared here in words is what the rest of the program says."""
    assert set(requests.CACHES) == {*Cache, requests.NO_CACHE}
    assert set(renders.FORMATS) == {*Format, registry.OTHER}
    assert {str(failure.status) for failure in failures.TABLE.values()} <= set(requests.STATUSES)
    assert set(requests.OUR_FAULT) <= registry.OUTCOMES


@pytest.mark.parametrize(
    "kind", list(subclasses(errors.LiveResizeError)), ids=lambda kind: kind.__name__
)
def test_every_error_is_an_outcome(kind: type[errors.LiveResizeError]) -> None:
    """By the code that answers and logs have for it."""
    assert failures.code_of(kind()) == kind.code
    if kind.__module__ == errors.__name__:
        assert kind.code in registry.OUTCOMES


def test_what_is_not_ours_is_internal() -> None:
    """In answers, in the log and here."""
    assert failures.code_of(ValueError()) == registry.INTERNAL in registry.OUTCOMES


def test_methods_and_statuses_from_outside_are_other() -> None:
    """Whatever a client calls its method, and whatever Tornado may answer one day."""
    other = {"route": "other", "method": "other", "status": "other", "cache": "none"}
    before = value("requests_total", **other)
    count(method="BREW", status=799)
    count(method="get", status=799)
    assert value("requests_total", **other) == before + 2


@pytest.mark.parametrize(
    ("status", "error", "outcome"),
    [
        (200, None, "ok"),
        (201, None, "ok"),
        (415, "unsupported_image", "unsupported_image"),
        (499, "unsupported_image", "cancelled"),
        (400, None, "internal"),
        (400, "of no class of ours", "internal"),
    ],
)
@pytest.mark.parametrize("route", ["upload", "vip_upload", "token"])
def test_posts_are_counted_by_what_became_of_them(
    route: str, status: int, error: str | None, outcome: str
) -> None:
    """Uploads and tokens alike; other methods of the same address are none."""
    labels = {"outcome": outcome} if route == "token" else {"route": route, "outcome": outcome}
    name = "tokens_total" if route == "token" else "uploads_total"
    before = value(name, **labels)
    for method in ("POST", "OPTIONS", "GET"):
        count(route=route, method=method, status=status, error=error)
    assert value(name, **labels) == before + 1


def test_a_render_is_counted_in_seconds() -> None:
    """Its timings come in milliseconds."""
    name = "render_decode_seconds_sum"
    before, made = value(name, format="gif"), renders.made()
    renders.done("gif", 2.0, Timings(queue=1.0, decode=1500.0, resize=1.0, encode=1.0))
    assert value(name, format="gif") - before == pytest.approx(1.5)
    assert renders.made() == made + 1


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (errors.QueueFull(), "queue_full"),
        (asyncio.CancelledError(), "cancelled"),
        (ValueError(), "internal"),
    ],
)
def test_a_failed_render_is_counted_by_its_error(error: BaseException, outcome: str) -> None:
    """Under no format where that was still open, and without a duration."""
    before, durations = (
        value("renders_total", format="other", outcome=outcome),
        value("render_duration_seconds_count", format="other"),
    )
    renders.failed(object(), error)
    assert value("renders_total", format="other", outcome=outcome) == before + 1
    assert value("render_duration_seconds_count", format="other") == durations


@pytest.mark.parametrize(
    ("error", "failed", "timed"),
    [
        (None, 0, 1),
        (errors.ObjectStoreUnavailable(), 1, 1),
        (errors.IdTaken(), 0, 1),
        (asyncio.CancelledError(), 0, 0),
    ],
)
def test_only_a_store_that_does_not_answer_fails(
    error: BaseException | None, failed: int, timed: int
) -> None:
    """A refusal is an answer, and what nobody waited for tells nothing."""
    failures_before = value("s3_failures_total", operation="put")
    seconds_before = value("s3_request_duration_seconds_count", operation="put")
    try:
        with stores.s3("put_object"):
            if error is not None:
                raise error
    except (errors.LiveResizeError, asyncio.CancelledError) as raised:
        assert raised is error  # noqa: PT017 - there are cases without
    assert value("s3_failures_total", operation="put") - failures_before == failed
    assert value("s3_request_duration_seconds_count", operation="put") - seconds_before == timed


@pytest.mark.parametrize(
    ("name", "operation"),
    [
        ("put_object", "put"),
        ("get_object", "get"),
        ("head_object", "head"),
        ("delete_object", "delete"),
        ("delete_objects", "delete"),
        ("list_objects_v2", "list"),
        ("create_bucket", "other"),
    ],
)
def test_requests_to_s3_are_told_apart_by_their_verb(name: str, operation: str) -> None:
    """As botocore names them."""
    before = value("s3_request_duration_seconds_count", operation=operation)
    with stores.s3(name):
        pass
    assert value("s3_request_duration_seconds_count", operation=operation) == before + 1


def test_scrapes_at_once_share_one_reading() -> None:
    """The second joins the first, in whatever form each wants it; the third reads anew."""

    async def scenario() -> None:
        gate, both, reads = asyncio.Event(), asyncio.Event(), 0

        async def read() -> list[Metric]:
            nonlocal reads
            reads += 1
            if reads == 2:
                both.set()
            await gate.wait()
            return [
                gauge("liveresize_read", "How often.", reads),
                gauges("liveresize_each", "Of several.", "part", {"a": 1, "b": 2}),
                counter("liveresize_many", "Counted.", 3),
                described("liveresize_facts", "What is.", {"version": "1"}),
            ]

        scrape = Scrape(read)
        waiting = [asyncio.create_task(scrape.answer("")) for _ in range(3)]
        waiting.append(asyncio.create_task(scrape.answer("application/openmetrics-text")))
        await both.wait()
        waiting[0].cancel()  # one who leaves takes nothing away from the others
        gate.set()
        answers = await asyncio.gather(*waiting, return_exceptions=True)
        assert isinstance(answers[0], asyncio.CancelledError)
        assert answers[1] == answers[2]
        assert reads == 2
        await scrape.answer("")
        assert reads == 3
        kind, body = await scrape.answer("")
        assert kind.startswith("text/plain")
        found = {
            (sample.name, *sample.labels.values()): sample.value
            for family in text_string_to_metric_families(body.decode())
            for sample in family.samples
        }
        assert found["liveresize_read",] == 4
        assert found["liveresize_each", "b"] == 2
        assert found["liveresize_many_total",] == 3
        assert found["liveresize_facts", "1"] == 1
        assert ("liveresize_process_open_fds",) in found  # what the registry holds is there too

    asyncio.run(scenario())


def test_a_scrape_that_fails_is_not_remembered() -> None:
    """The next one tries again."""

    async def scenario() -> None:
        failing = True

        async def read() -> list[Metric]:
            if failing:
                raise OSError("no such thing")
            return []

        scrape = Scrape(read)
        with pytest.raises(OSError, match="no such thing"):
            await scrape.answer("")
        failing = False
        assert (await scrape.answer(""))[1]

    asyncio.run(scenario())


def test_the_system_is_read_without_what_is_gone(tmp_path: Path) -> None:
    """A folder that is not there has no room to tell of, a process that ended has no memory."""
    assert machine.disk(tmp_path / "nowhere") == []
    assert {family.name for family in machine.disk(tmp_path)} == {
        "liveresize_disk_free_bytes",
        "liveresize_disk_size_bytes",
        "liveresize_disk_free_inodes",
        "liveresize_disk_inodes",
    }
    gone = 2**22 + 1  # no process has a larger id
    assert [family.samples[0].value for family in machine.workers([gone])] == [0, 0, 0, 0]
    total, most, descriptors, most_descriptors = (
        family.samples[0].value for family in machine.workers([os.getpid(), gone, os.getppid()])
    )
    assert total > most > 1 << 20
    assert descriptors >= most_descriptors > 0


def test_the_stats_line_counts_from_its_start() -> None:
    """Hits of both kinds, misses, their ratio, uploads, renders and their pace."""
    now = 1000.0

    async def scenario() -> None:
        nonlocal now
        count(cache="MISS")
        stats = Stats(lambda: now)
        with structlog.testing.capture_logs() as logged:
            await stats.write()
            for cache in ("HIT", "HIT-MEMORY", "HIT-MEMORY", "MISS", "COALESCED", "BYPASS", None):
                count(cache=cache)
            count(route="upload", method="POST")
            count(route="vip_upload", method="POST", status=201)
            count(route="upload", method="POST", status=415, error="unsupported_image")
            for _ in range(3):
                renders.done("png", 1.0, Timings())
            now = 1120.0
            await stats.write()
        nothing, line = logged
        assert (nothing["hits"], nothing["hit_ratio"], nothing["uptime_s"]) == (0, 0.0, 0)
        assert line == {
            "event": "stats",
            "log_level": "info",
            "hits": 3,
            "misses": 2,
            "hit_ratio": 0.6,
            "uploads": 2,
            "generations": 3,
            "generations_per_minute": 1.5,
            "uptime_s": 120,
        }

    asyncio.run(scenario())
