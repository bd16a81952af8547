"""Bodies that nobody wants: read for seconds, whatever they promise, and then answered."""

import asyncio
import json
from collections.abc import Callable, Iterator

import pytest
from tornado.httputil import HTTPHeaders

from liveresize.http.transport import unwanted

from . import http2_client, pictures, servers, wire
from .http2_client import Http2Wire

Launch = Callable[..., servers.Running]


@pytest.fixture(scope="module")
def impatient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Running]:
    """A server that gives no body more than a moment."""
    folder = tmp_path_factory.mktemp("impatient")
    keys = {"limits__body_grace": 0.2, "limits__body_rate": 0, "admin__secrets": ["admin"]}
    with servers.Running(folder, http2_cleartext=True, **keys) as running:
        running.client.put_in("cat", pictures.jpeg())
        running.client.get("/cat_10_0.jpg")
        running.client.close()
        yield running


CASES = [
    ("POST", "/dog", 403, "token_refused"),
    ("POST", "/purge", 401, "secret_refused"),
    ("POST", "/_nothing", 404, "not_found"),
    ("PUT", "/dog", 405, "method_not_allowed"),
    ("BREW", "/dog", 405, "method_not_allowed"),
    ("DELETE", "/dog", 401, "secret_refused"),
    ("GET", "/nobody.jpg", 404, "original_missing"),
]
"""Requests whose bodies nobody wants, and how they are refused."""


@pytest.mark.parametrize(("method", "target", "status", "code"), CASES)
@pytest.mark.parametrize("length", ["1000", "4000000"])
def test_a_refusal_does_not_wait_for_a_body_that_dawdles(
    impatient: servers.Running, method: str, target: str, status: int, code: str, length: str
) -> None:
    """It is answered after seconds, and the connection ends."""
    with wire.Wire(impatient.port) as connection:
        head = wire.request(
            target, method, X_Token="none", Content_Type="image/png", Content_Length=length
        )
        connection.send(head + b"a")
        reply = connection.reply()
        assert (reply.status, json.loads(reply.body)["code"]) == (status, code)
        assert connection.rest() == b""
    servers.until(lambda: impatient.server.listener.connections == 0)


@pytest.mark.parametrize(
    "target", ["/cat_10_0.jpg?proxy=true", "/cat_11_0.jpg?proxy=true", "/cat.jpg", "/_live"]
)
@pytest.mark.parametrize("chunked", [False, True])
def test_a_picture_does_not_wait_for_the_body_of_its_get(
    impatient: servers.Running, target: str, chunked: bool
) -> None:
    """Hits and everything else: the answer comes whole, and the connection ends."""
    asked_for = {"Transfer_Encoding": "chunked"} if chunked else {"Content_Length": "1000"}
    with wire.Wire(impatient.port) as connection:
        connection.send(wire.request(target, Content_Type="multipart/form-data", **asked_for))
        connection.send(b"1\r\na\r\n" if chunked else b"a")
        reply = connection.reply()
        assert reply.status == 200
        assert connection.rest() == b""
    assert reply.body == wire.ask(impatient.port, target).body


@pytest.mark.parametrize("target", ["/cat_10_0.jpg?proxy=true", "/cat.jpg", "/_live"])
def test_a_long_body_of_a_get_is_not_read_to_its_end(
    impatient: servers.Running, target: str
) -> None:
    """Nor is it waited for where its client wants to be told to send it."""
    for fields in (
        {"Content_Length": str(9 << 20)},
        {"Content_Length": "9", "Expect": "100-continue"},
    ):
        with wire.Wire(impatient.port) as connection:
            connection.send(wire.request(target, **fields))
            data = connection.rest()
            assert data.startswith(b"HTTP/1.1 200 ")
            assert data.count(b"HTTP/1.1 ") == 1


@pytest.mark.parametrize("method", ["PUT", "POST", "GET"])
def test_a_body_that_comes_soon_keeps_the_connection(server: servers.Running, method: str) -> None:
    """Of up to 8 MiB, as a form or not."""
    with wire.Wire(server.port) as connection:
        for kind in (
            "image/png",
            "multipart/form-data; boundary=x",
            "application/x-www-form-urlencoded",
        ):
            reply = connection.ask("/_nothing", method, bytes(1 << 20), Content_Type=kind)
            assert reply.status == 404
        assert connection.ask("/_live").status == 200


@pytest.mark.parametrize(("method", "target", "status", "code"), CASES)
def test_over_http_2_only_the_stream_ends(
    impatient: servers.Running, method: str, target: str, status: int, code: str
) -> None:
    """With the whole answer; others on the connection go on."""
    with Http2Wire(impatient.port) as connection:
        number = connection.open(
            target,
            method,
            end=False,
            x_token="none",
            content_type="image/png",
            content_length="1000",
        )
        connection.data(number, b"a")
        connection.until(lambda: connection.answers[number].reset is not None)
        answer = connection.answers[number]
        assert (answer.status, json.loads(answer.body)["code"]) == (status, code)
        assert answer.reset == http2_client.NO_ERROR
        assert connection.ask("/_live").status == 200
    assert http2_client.exchanges(impatient) == []


def test_a_client_that_leaves_in_such_a_body_is_not_answered(impatient: servers.Running) -> None:
    """And nothing is left of it."""
    for target in ("/cat_10_0.jpg?proxy=true", "/_live", "/_nothing"):
        with wire.Wire(impatient.port) as connection:
            connection.send(wire.request(target, "GET", Content_Length="1000"))
            servers.until(lambda: impatient.server.listener.connections == 1)
            connection.vanish()
        servers.until(lambda: impatient.server.listener.connections == 0)


def test_a_grace_that_is_long_is_not_that_of_refused_bodies(launch: Launch) -> None:
    """`limits.body_grace` is for bodies that are wanted."""
    running = launch(limits__body_grace=3600)
    assert running.components.site.unwanted_body == unwanted.SECONDS


def test_it_is_enough_once() -> None:
    """By bytes or by time, and never after the end."""

    async def main() -> None:
        told: list[int] = []
        body = unwanted.UnwantedBody(3600.0, lambda: told.append(1))
        body.arrived(unwanted.MOST)
        assert told == []
        body.arrived(1)
        body.arrived(unwanted.MOST)
        assert told == [1]
        over = unwanted.UnwantedBody(3600.0, lambda: told.append(2))
        over.end()
        over.arrived(unwanted.MOST + 1)
        assert told == [1]

    asyncio.run(main())


@pytest.mark.parametrize(
    ("fields", "is_worth"),
    [
        ({}, True),
        ({"Content-Length": str(unwanted.MOST)}, True),
        ({"Transfer-Encoding": "chunked"}, True),
        ({"Content-Length": str(unwanted.MOST + 1)}, False),
        ({"Content-Length": "1", "Expect": "100-continue"}, False),
    ],
)
def test_what_is_worth_reading(fields: dict[str, str], is_worth: bool) -> None:
    """Short bodies whose clients send them anyway."""
    assert unwanted.is_worth_reading(HTTPHeaders(fields)) == is_worth
