"""Traces that clients begin: in the log, and in what the server asks of others."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from cli import stub
from failures import production
from webhook.receivers import Receiver

from . import pictures, servers

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
SENT = {"traceparent": f"00-{TRACE}-{PARENT}-01", "tracestate": "rojo=1,congo=2"}
KEY = "sixteen bytes or more"


class Traced:
    """A server with a mirror, a bucket, a webhook and a hook; 127.0.0.2 is its proxy."""

    def __init__(self, folder: Path, stack: contextlib.ExitStack) -> None:
        self.buckets = stack.enter_context(production.buckets("moto"))
        self.webhook = stack.enter_context(Receiver())
        self.hook = stack.enter_context(stub.running())
        self.hook.reply = lambda path: (204, {}, b"")
        self.server = stack.enter_context(
            servers.Process(
                folder,
                webhook__url=self.webhook.url,
                webhook__secrets=[KEY],
                intake__http=self.hook.url,
                intake__timeout=servers.PATIENCE,
                trusted_proxies=["127.0.0.2/32"],
                **self.buckets.settings,
            )
        )
        self.stranger = self.server.client
        self.proxy = stack.enter_context(
            httpx.Client(
                base_url=self.server.url,
                timeout=servers.PATIENCE,
                transport=httpx.HTTPTransport(local_address="127.0.0.2"),
            )
        )

    def upload(self, client: httpx.Client, name: str) -> httpx.Response:
        """Upload a picture in the trace."""
        headers = {"X-Token": self.stranger.token(name), "Content-Type": "image/jpeg", **SENT}
        return client.post(f"/{name}", content=pictures.jpeg(), headers=headers)


@pytest.fixture(scope="module")
def traced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Traced]:
    """The server of these tests."""
    with contextlib.ExitStack() as stack:
        yield Traced(tmp_path_factory.mktemp("traced"), stack)


def test_every_line_of_a_request_has_its_trace(traced: Traced) -> None:
    """Of misses and hits, of errors, and of what happens inside; and no line of others."""
    assert traced.upload(traced.proxy, "logged").status_code == 200
    traced.hook.reply = lambda path: (422, {}, b"")
    assert traced.upload(traced.proxy, "refused").status_code == 422
    traced.hook.reply = lambda path: (204, {}, b"")
    (inside,) = servers.until(lambda: traced.server.lines("picture_refused"))
    assert (inside["trace.id"], inside["span.id"]) == (TRACE, PARENT)
    for method, path, status in (
        ("GET", "/logged_20_0.jpg?proxy=true", 200),
        ("GET", "/logged_20_0.jpg?proxy=true", 200),
        ("GET", "/logged_0_0.jpg", 400),
        ("GET", "/missing_20_0.jpg", 404),
        ("PUT", "/logged", 405),
        ("GET", "/robots.txt", 200),
    ):
        answer = traced.proxy.request(method, path, headers=SENT)
        assert answer.status_code == status, path
        line = traced.server.line_of(answer.headers["X-Request-Id"])
        assert (line["trace.id"], line["span.id"]) == (TRACE, PARENT), path
    assert {line.get("cache") for line in traced.server.lines("access")} >= {"MISS", "HIT-MEMORY"}
    for headers in ({}, {"traceparent": f"00-{TRACE}-{PARENT}-1"}):
        answer = traced.proxy.get("/logged_20_0.jpg?proxy=true", headers=headers)
        line = traced.server.line_of(answer.headers["X-Request-Id"])
        assert "trace.id" not in line
        assert "span.id" not in line


def test_what_is_asked_of_others_belongs_to_the_trace(traced: Traced) -> None:
    """S3, the hook and the webhook hear what a proxy sent, unchanged, and outside of signatures;
    of a stranger's trace they hear that nobody records it."""
    for client, name in ((traced.proxy, "proxied"), (traced.stranger, "strange")):
        for heard in (traced.buckets.relay.traced, traced.webhook.heard, traced.hook.requests):
            heard.clear()
        assert traced.upload(client, name).status_code == 200
        assert client.get(f"/{name}_20_0.jpg", headers=SENT).status_code == 200
        (message,) = traced.webhook.hears(1)
        heard = servers.until(lambda: len(puts := list(traced.buckets.relay.traced)) >= 2 and puts)
        assert {each["method"] for each in heard} == {"PUT"}, "the mirror and the rendition"
        assert all("traceparent" not in each["Authorization"] for each in heard)
        (asked,) = traced.hook.requests
        told = [*heard, message.headers, asked.headers]
        parents = {each["traceparent"] for each in told}
        if client is traced.proxy:
            assert parents == {SENT["traceparent"]}
            assert {each["tracestate"] for each in told} == {SENT["tracestate"]}
            continue
        for parent in parents:
            version, trace, span, flags = parent.split("-")
            assert (version, trace, flags) == ("00", TRACE, "00")
            assert span != PARENT
        assert all("tracestate" not in each for each in told)
    assert "_trace" not in message.said


def test_what_has_no_trace_is_sent_without_one(traced: Traced) -> None:
    """The webhook of an upload without a header has none, whatever was told before."""
    traced.webhook.heard.clear()
    traced.stranger.put_in("plain", pictures.jpeg())
    (message,) = traced.webhook.hears(1)
    assert "traceparent" not in message.headers
