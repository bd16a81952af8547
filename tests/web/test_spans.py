"""Spans of requests, as a collector gets them by OTLP/HTTP."""

import contextlib
import itertools
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from cli import stub
from failures import production
from webhook.receivers import Manner, Receiver

from liveresize.observe.tracing import otlp

from . import pictures, servers
from .collectors import CLIENT, SERVER, Collector, Seen

PARENT = "00f067aa0ba902b7"
HEADERS = {"x-key": "of the collector"}


class Traced:
    """A server that exports spans, on a bucket with a mirror, a webhook and a hook.

    It records nothing but what is asked for with `headers`.
    """

    def __init__(self, folder: Path, stack: contextlib.ExitStack) -> None:
        self.buckets = stack.enter_context(production.buckets("moto"))
        self.webhook = stack.enter_context(Receiver())
        self.hook = stack.enter_context(stub.running())
        self.hook.reply = lambda path: (204, {}, b"")
        self.collector = stack.enter_context(Collector())
        stack.enter_context(servers.replaced(otlp, "_EVERY", 20.0))
        self.server = stack.enter_context(
            servers.Running(
                folder,
                webhook__url=self.webhook.url,
                webhook__secrets=["sixteen bytes or more"],
                intake__http=self.hook.url,
                intake__timeout=servers.PATIENCE,
                trusted_proxies=["127.0.0.0/8"],
                tracing__enabled=True,
                tracing__endpoint=self.collector.endpoint,
                tracing__headers=HEADERS,
                tracing__ratio=0,
                tracing__service_name="pictures",
                **self.buckets.settings,
            )
        )
        self.client = self.server.client

    @property
    def asked_of_s3(self) -> set[str]:
        """The traces of requests to S3."""
        return {each["traceparent"] for each in self.buckets.relay.traced}

    @staticmethod
    def headers() -> tuple[str, dict[str, str]]:
        """A new trace, and the header that begins it."""
        trace = secrets.token_hex(16)
        return trace, {"traceparent": f"00-{trace}-{PARENT}-01"}


@pytest.fixture(scope="module")
def traced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Traced]:
    """The server of these tests."""
    with contextlib.ExitStack() as stack:
        yield Traced(tmp_path_factory.mktemp("spans"), stack)


def below(spans: list[Seen], parent: Seen | None) -> list[Seen]:
    """The spans with that parent, in their order."""
    return [span for span in spans if span.parent == (parent.id if parent else PARENT)]


def named(spans: list[Seen], name: str) -> Seen:
    """The only one of that name."""
    (span,) = [span for span in spans if span.name == name]
    return span


def has(*names: str) -> Callable[[list[Seen]], bool]:
    """Whether all of these have arrived."""
    return lambda spans: {span.name for span in spans} >= set(names)


def timings(answer: httpx.Response) -> dict[str, float]:
    """The seconds in Server-Timing."""
    parts = answer.headers["Server-Timing"].split(", ")
    return {part.partition(";")[0]: float(part.partition("dur=")[2]) / 1000 for part in parts}


def test_a_cold_render_and_a_hit(traced: Traced) -> None:
    """Every stage is below the request, in its order, with the times that the client is told."""
    traced.client.put_in("cat", pictures.jpeg(900, 600))
    trace, headers = traced.headers()
    answer = traced.client.get("/cat_200_0.jpg?quality=71", headers=headers)
    assert answer.status_code == 200
    spans = traced.collector.whole(trace, has("GET rendition", "publish"))
    (request,) = below(spans, None)
    assert (request.name, request.kind, request.failed) == ("GET rendition", SERVER, False)
    about = dict(request.attributes)
    assert about.pop("liveresize.request_id") == answer.headers["X-Request-Id"]
    assert about == {
        "url.scheme": "http",
        "network.protocol.version": "1.1",
        "http.request.method": "GET",
        "url.path": "/cat_200_0.jpg",
        "http.response.status_code": 200,
        "http.response.body.size": len(answer.content),
        "client.address": "127.0.0.1",
        "liveresize.route": "rendition",
        "liveresize.cache": "MISS",
        "liveresize.image_id": "cat",
        "liveresize.variant": "200x0-q71-jpeg",
    }
    stages = below(spans, request)
    rows = [span.attributes["db.query.summary"] for span in stages if span.name == "index"]
    assert rows[-1] == "SqlLinks.of"
    in_order = [span for span in stages if span.name != "index"]
    names = ["parse", "queue", "decode", "resize", "encode", "publish"]
    assert [span.name for span in in_order] == names
    for before, after in itertools.pairwise(in_order):
        assert request.began <= before.began
        assert before.ended <= after.began + 1e-6
    assert in_order[-2].ended <= request.ended + 1e-6
    told = timings(answer)
    for span in in_order[2:-1]:
        assert span.ended - span.began == pytest.approx(told[span.name], abs=0.0002), span.name
    publish = in_order[-1]
    store, index = below(spans, publish)
    assert (store.name, index.name) == ("store", "index")
    put = below(spans, store)[-1]
    assert (put.name, put.kind) == ("S3/PutObject", CLIENT)
    assert put.attributes["aws.s3.bucket"] == traced.buckets.renditions
    assert publish.began <= store.began <= put.began <= put.ended <= store.ended <= publish.ended
    assert f"00-{trace}-{put.id}-01" in traced.asked_of_s3
    assert len({span.id for span in spans}) == len(spans)

    trace, headers = traced.headers()
    assert traced.client.get("/cat_200_0.jpg?quality=71", headers=headers).status_code == 303
    (hit,) = traced.collector.whole(trace, has("GET hit"))
    assert (hit.parent, hit.attributes["liveresize.cache"]) == (PARENT, "HIT")
    assert {each["service.name"] for each in traced.collector.resources()} == {"pictures"}
    assert all(each.headers["x-key"] == HEADERS["x-key"] for each in traced.collector.heard)


def test_an_upload_with_its_hook_its_mirror_and_its_webhook(traced: Traced) -> None:
    """What is asked of others names the span that it was asked in, in their headers."""
    trace, headers = traced.headers()
    headers |= {"X-Token": traced.client.token("dog"), "Content-Type": "image/jpeg"}
    assert traced.client.post("/dog", content=pictures.jpeg(), headers=headers).status_code == 200
    spans = traced.collector.whole(trace, has("POST upload", "deliver"))
    (request,) = [span for span in below(spans, None) if span.name == "POST upload"]
    steps = [span.name for span in below(spans, request) if span.name != "index"]
    assert steps == ["parse", "receive", "queue", "ingest", "hook", "store", "mirror", "deliver"]
    changes = {span.attributes["db.query.summary"] for span in spans if span.name == "index"}
    assert {"SqlTokens.claim", "SqlTokens.complete"} <= changes
    asked = named(below(spans, named(spans, "hook")), "POST")
    told = named(below(spans, named(spans, "deliver")), "POST")
    put = named(below(spans, named(spans, "mirror")), "S3/PutObject")
    assert f"00-{trace}-{put.id}-01" in traced.asked_of_s3
    assert traced.hook.requests[-1].headers["traceparent"] == f"00-{trace}-{asked.id}-01"
    (message,) = [each for each in traced.webhook.heard if each.said["id"] == "dog"]
    assert message.headers["traceparent"] == f"00-{trace}-{told.id}-01"
    about = {
        "http.request.method": "POST",
        "server.address": "127.0.0.1",
        "server.port": traced.webhook.port,
        "http.response.status_code": 204,
    }
    assert told.attributes == about, "neither path nor password"
    assert told.kind == asked.kind == CLIENT


def test_errors_are_told_apart(traced: Traced) -> None:
    """What a client does wrong is no failure of ours; secrets of a URL are not exported."""
    trace, headers = traced.headers()
    answer = traced.client.get("/nobody_20_0.jpg?sig=hidden", headers=headers)
    assert answer.status_code == 404
    request = named(traced.collector.whole(trace, has("GET rendition")), "GET rendition")
    assert not request.failed
    assert request.attributes["liveresize.error"] == "original_missing"
    assert "hidden" not in repr(request)
    traced.webhook.manner = Manner.FAIL
    trace, headers = traced.headers()
    headers |= {"X-Token": traced.client.token("bird"), "Content-Type": "image/jpeg"}
    assert traced.client.post("/bird", content=pictures.jpeg(), headers=headers).status_code == 200
    spans = traced.collector.whole(trace, has("deliver"))
    traced.webhook.manner = Manner.CONFIRM
    told = named(below(spans, next(span for span in spans if span.name == "deliver")), "POST")
    assert told.failed
    assert told.attributes["error.type"] == "500"


def test_what_nobody_asked_to_record_is_not_exported(traced: Traced) -> None:
    """Requests without a sampled trace leave no span, and still have one in what they cause."""
    before = len(traced.collector.spans())
    traced.client.put_in("quiet", pictures.jpeg())
    message = servers.until(
        lambda: next((each for each in traced.webhook.heard if each.said["id"] == "quiet"), None)
    )
    assert message.headers["traceparent"].endswith("-02"), "random, and not recorded"
    trace, headers = traced.headers()
    traced.client.get("/quiet.jpg", headers=headers)
    traced.collector.whole(trace, has("GET original"))
    assert {span.trace for span in traced.collector.spans()[before:]} <= {trace}


def test_without_the_extra_the_server_serves(tmp_path: Path, monkeypatch: Any) -> None:
    """And says in its warnings what is missing."""
    monkeypatch.setattr("liveresize.settings.backends._is_missing", lambda package: True)
    with servers.Running(tmp_path, tracing__enabled=True) as running:
        assert running.components.recorder is None
        assert running.client.get("/_live").status_code == 200
        (warning,) = [each for each in running.settings.warnings if "tracing" in each]
        assert "liveresize[otel]" in warning
