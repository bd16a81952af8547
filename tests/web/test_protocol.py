"""HTTP itself: connections that go on, clients that wait, and those that do neither."""

import contextlib
import re
import socket

import pytest
from tornado.httputil import HTTPInputError

from liveresize.http import direct

from . import forms, pictures, servers, wire


def test_a_connection_goes_on_after_errors(server: servers.Running, name: str) -> None:
    """Whatever was refused, the next request on the same connection is answered."""
    server.client.put_in(name, pictures.jpeg())
    png = pictures.png()
    with wire.Wire(server.port) as connection:
        for _ in range(2):
            assert connection.ask("/nobody_10_10.jpg").status == 404
            assert connection.ask("/cat_0_0.jpg").status == 400
            assert connection.ask("/_live", "PUT").status == 405
            assert connection.ask("/_live", "POST", b"x" * 1000).status == 405
            assert connection.ask(f"/{name}", "POST", png, Content_Type="image/png").status == 403
            assert connection.ask("/token", "POST", b"{").status == 400
            assert connection.ask(f"/{name}", "DELETE").status == 401
            assert connection.ask(f"/{name}_10_0.jpg?proxy=true").status == 200
            assert connection.ask(f"/{name}.jpg", Range="bytes=999999-").status == 416
            assert connection.ask(f"/{name}", "OPTIONS").status == 204
            assert connection.ask("/_live").body == b"OK"


def test_requests_sent_at_once_are_answered_in_their_order(
    server: servers.Running, name: str
) -> None:
    """Hits do not overtake what has to be rendered."""
    server.client.put_in(name, pictures.jpeg())
    server.client.get(f"/{name}_10_0.jpg")
    paths = [f"/{name}_11_0.jpg", f"/{name}_10_0.jpg?proxy=true", "/_live", "/nobody_1_1.jpg"]
    asked = [path for path in paths for _ in range(3)]
    with wire.Wire(server.port) as connection:
        connection.send(
            b"".join(
                wire.request(path, X_Request_Id=f"no-{index}") for index, path in enumerate(asked)
            )
        )
        replies = [connection.reply() for _ in asked]
    assert [reply.headers["x-request-id"] for reply in replies] == [
        f"no-{index}" for index in range(len(asked))
    ]
    assert [reply.status for reply in replies][3:] == [200] * 6 + [404] * 3


def test_a_body_that_a_get_brings_along_is_read_past(server: servers.Running, name: str) -> None:
    """By hits and by everything else."""
    server.client.put_in(name, pictures.jpeg())
    server.client.get(f"/{name}_10_0.jpg")
    with wire.Wire(server.port) as connection:
        for path in (f"/{name}_10_0.jpg?proxy=true", f"/{name}.jpg", "/_live"):
            assert connection.ask(path, "GET", b"GET /nobody HTTP/1.1\r\n\r\n").status == 200


@pytest.mark.parametrize("expect", ["100-continue", "100-Continue"])
def test_whoever_waits_for_leave_to_send_is_refused_before_it(
    server: servers.Running, name: str, expect: str
) -> None:
    """With a bad token, length, URL or method: there is no 100, and the connection ends."""
    good = server.client.token(name)
    cases = [
        ("POST", "/cat", "none", "1000", 403),
        ("POST", f"/{name}", good, str(1 << 40), 413),
        ("POST", "/a%00b", "none", "1000", 400),
        ("POST", "/token", "none", "1000000", 413),
        ("POST", "/_nothing", "none", "1000", 404),
        ("POST", "/_live", "none", "1000", 405),
        ("DELETE", "/cat", "none", "1000", 401),
    ]
    for method, path, token, length, status in cases:
        with wire.Wire(server.port) as connection:
            connection.send(
                wire.request(
                    path,
                    method,
                    Content_Type="image/png",
                    X_Token=token,
                    Expect=expect,
                    Content_Length=length,
                )
            )
            assert connection.reply().status == status
            assert connection.rest() == b""


def test_whoever_waits_for_leave_to_send_gets_it(server: servers.Running, name: str) -> None:
    """100, then the body, then 200."""
    data = pictures.png()
    with wire.Wire(server.port) as connection:
        connection.send(
            wire.request(
                f"/{name}",
                "POST",
                Content_Type="image/png",
                X_Token=server.client.token(name),
                Expect="100-Continue",
                Content_Length=str(len(data)),
            )
        )
        assert connection.reply().status == 100
        connection.send(data)
        assert connection.reply().status == 200
        assert connection.ask("/_live", Expect="100-continue").status == 200


@pytest.mark.parametrize("size", [1 << 20, 7 << 20])
def test_a_refusal_is_seen_by_a_client_that_only_sends(
    server: servers.Running, name: str, size: int
) -> None:
    """What is refused early is read to its end, or the answer would be lost on the way."""
    body = forms.form(forms.part(bytes(size)))
    with wire.Wire(server.port) as connection:
        reply = connection.ask(
            f"/{name}", "POST", body, Content_Type=forms.CONTENT_TYPE, X_Token="none"
        )
        assert reply.status == 403
        assert connection.ask("/_live").status == 200


def test_much_too_much_is_refused_at_once(server: servers.Running, name: str) -> None:
    """A terabyte is not read to its end."""
    with wire.Wire(server.port) as connection:
        connection.send(
            wire.request(
                f"/{name}",
                "POST",
                Content_Type="image/png",
                X_Token=server.client.token(name),
                Content_Length=str(1 << 40),
            )
        )
        reply = connection.reply()
        assert (reply.status, b'"upload_too_large"' in reply.body) == (413, True)
        assert connection.rest() == b""


def test_a_body_without_end_is_given_up_on(server: servers.Running) -> None:
    """Chunk after chunk for a token that nobody issued: 403 after a few megabytes, and an
    end after as many as a picture may have."""
    chunk = b"10000\r\n" + bytes(1 << 16) + b"\r\n"
    with wire.Wire(server.port) as connection:
        connection.send(
            wire.request(
                "/cat", "POST", Content_Type="image/png", X_Token="x", Transfer_Encoding="chunked"
            )
        )
        sent = 0
        with pytest.raises(OSError):  # noqa: PT012
            while True:
                connection.send(chunk)
                sent += len(chunk)
                assert sent < 128 << 20
        assert sent > 8 << 20


@pytest.mark.parametrize(
    "data",
    [
        b"\0\0\0\0\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\nHost: a\r\n\r\n",
        b"GET /_live HTTP/1.1\r\n\r\n",
        b"GET /_live HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET /_live HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n",
        b"POST /token HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        b"POST /token HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\n{}{}{",
        b"POST /token HTTP/1.1\r\nHost: a\r\nContent-Length: 1, 2\r\n\r\n{}",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0",
        b"POST /token HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n",
        b"POST /token HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 70_000 + b"\r\n\r\n",
    ],
)
def test_what_is_no_http_ends_the_connection(server: servers.Running, data: bytes) -> None:
    """With a 400 or without an answer; nothing is done, and the server goes on."""
    with wire.Wire(server.port) as connection:
        connection.send(data)
        with contextlib.suppress(OSError):  # it may have been broken off by now
            connection.socket.shutdown(socket.SHUT_WR)
        answered = connection.rest()
        assert answered == b"" or answered.startswith(b"HTTP/1.1 4")
        assert b"Traceback" not in answered
    assert server.client.get("/_live").status_code == 200


def test_old_clients_are_answered(server: servers.Running, name: str) -> None:
    """HTTP/1.0: one request, one answer, and the connection ends."""
    server.client.put_in(name, pictures.jpeg())
    for path in (f"/{name}_10_0.jpg?proxy=true", f"/{name}_10_0.jpg?proxy=true", f"/{name}.jpg"):
        with wire.Wire(server.port) as connection:
            connection.send(f"GET {path} HTTP/1.0\r\n\r\n".encode())
            reply = connection.reply()
            assert (reply.status, reply.body[:2]) == (200, b"\xff\xd8")
            assert connection.rest() == b""


def _head_of(port: int, target: str, **headers: str) -> bytes:
    """The head of an answer as it came, without what changes from one answer to the next."""
    with wire.Wire(port) as connection:
        connection.send(wire.request(target, X_Request_Id="the-same", **headers))
        head = connection._up_to(b"\r\n\r\n").partition(b"\r\n\r\n")[0]
    return re.sub(rb"(?m)^(?:Connection|Date|Expires): .*\n?", b"", head + b"\r\n")


@pytest.mark.parametrize(
    ("query", "asked", "status"),
    [
        ("", {}, 303),
        ("", {"If_None_Match": "*"}, 304),
        ("?proxy=true", {}, 200),
        ("?proxy=true", {"If_None_Match": "*"}, 304),
        ("?proxy=true", {"Range": "bytes=1-2"}, 206),
        ("?proxy=true", {"Range": "bytes=999999-"}, 416),
    ],
)
def test_a_head_is_the_same_whoever_writes_it(
    server: servers.Running, name: str, query: str, asked: dict[str, str], status: int
) -> None:
    """Of a connection that stays open we write it, of another one Tornado does."""
    server.client.put_in(name, pictures.jpeg())
    target = f"/{name}_10_0.jpg"
    server.client.get(target)
    server.published()
    head = _head_of(server.port, target + query, **asked)
    assert head.startswith(f"HTTP/1.1 {status} ".encode())
    assert head == _head_of(server.port, target + query, Connection="keep-alive", **asked)
    assert head == _head_of(server.port, target + query, Connection="close", **asked)


@pytest.mark.parametrize(
    "header",
    [
        ("Location", "/cat\r\nX-Cache: HIT"),
        ("Location", "/cat\nX-Cache"),
        ("Location", "/cat\r"),
        ("Location", "/cat\0"),
        ("Location", "/\u732b"),
        ("X Cache", "HIT"),
        ("", "HIT"),
    ],
)
def test_a_header_that_would_be_read_as_another_is_not_sent(header: tuple[str, str]) -> None:
    """Whatever a value holds, an answer has the headers that it was given."""
    assert direct._head(303, [("X-Cache", "HIT"), ("Location", "")])
    with pytest.raises(HTTPInputError):
        direct._head(303, [("X-Cache", "HIT"), header])
