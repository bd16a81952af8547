"""The head of a request by RFC 9112: what is refused, and what has more than one spelling."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from tornado.httputil import HTTPHeaders, RequestStartLine

from liveresize import errors
from liveresize.http.transport import heads

from . import certificates, pictures, servers, wire

Launch = Callable[..., servers.Running]

HOST = ("Host", "test")


def read(
    *fields: tuple[str, str], target: str = "/cat.jpg", method: str = "GET", version: str = "1.1"
) -> tuple[RequestStartLine, HTTPHeaders]:
    """A head as it is read."""
    headers = HTTPHeaders()
    for name, value in fields:
        headers.add(name, value)
    return heads.read(RequestStartLine(method, target, f"HTTP/{version}"), headers), headers


@pytest.mark.parametrize(
    "host",
    ["test", "test:80", "test:", "", "192.0.2.1:1", "[::1]:80", "[::1]", "a_b.example", "%41"],
)
def test_hosts_that_rfc_3986_allows_are_read(host: str) -> None:
    """An empty one as well: a client that has no host must send that."""
    line, _ = read(("Host", host))
    assert line.path == "/cat.jpg"


@pytest.mark.parametrize(
    "host", ["a b", "a/b", "u@a", "a:x", "a:1:2", "[::1", "a,b", "a\\b", "\xff", "%4", "a?b", "a#b"]
)
@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_a_host_that_is_none_is_refused(host: str, version: str) -> None:
    """Whatever the version."""
    with pytest.raises(errors.MalformedRequest, match="host with an optional port"):
        read(("Host", host), version=version)


@pytest.mark.parametrize("hosts", [(), (HOST, HOST), (HOST, ("Host", "other"))])
def test_there_is_exactly_one_host(hosts: tuple[tuple[str, str], ...]) -> None:
    """Only HTTP/1.0 may name none."""
    with pytest.raises(errors.MalformedRequest, match="Host"):
        read(*hosts)
    if hosts:
        with pytest.raises(errors.MalformedRequest, match="Host"):
            read(*hosts, version="1.0")
    else:
        assert read(version="1.0")


@pytest.mark.parametrize(
    ("target", "path", "host"),
    [
        ("http://other/cat.jpg", "/cat.jpg", "other"),
        ("HTTPS://other:443/cat.jpg?a=b", "/cat.jpg?a=b", "other:443"),
        ("http://other", "/", "other"),
        ("http://other?a=b", "/?a=b", "other"),
    ],
)
def test_a_url_is_as_good_as_a_path(target: str, path: str, host: str) -> None:
    """Its host counts, and `Host` does not."""
    for version in ("1.0", "1.1"):
        line, headers = read(HOST, target=target, version=version)
        assert (line.path, headers.get_list("Host")) == (path, [host])
    line, headers = read(target=target, version="1.0")
    assert (line.path, headers.get_list("Host")) == (path, [host])


def test_a_url_does_not_stand_for_the_host() -> None:
    """HTTP/1.1 asks for both."""
    for hosts in ((), (HOST, HOST)):
        with pytest.raises(errors.MalformedRequest, match="Host"):
            read(*hosts, target="http://other/cat.jpg")
    with pytest.raises(errors.MalformedRequest, match="Host"):
        read(HOST, target="http://user@other/cat.jpg")


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("GET", "*"),
        ("GET", "cat.jpg"),
        ("GET", "ftp://other/cat.jpg"),
        ("GET", "http:///cat.jpg"),
        ("GET", "http://other/cat.jpg#a"),
        ("GET", "@other"),
        ("CONNECT", "other:443"),
    ],
)
def test_a_target_that_is_neither_is_refused(method: str, target: str) -> None:
    """`*` is for OPTIONS alone."""
    with pytest.raises(errors.MalformedUrl):
        read(HOST, method=method, target=target)


def test_options_may_ask_for_everything() -> None:
    """The target `*` stays what it is."""
    line, _ = read(HOST, method="OPTIONS", target="*")
    assert line.path == "*"


LENGTHS = ["", "+5", "-1", "1_0", "5 5", "²", "1" * 5000, "5, 6", "5,", "0x5", "5.0", "1e3"]


@pytest.mark.parametrize("length", LENGTHS)
def test_a_length_is_one_whole_number(length: str) -> None:
    """Anything else could mean another end of the body to somebody else."""
    with pytest.raises(errors.MalformedRequest, match="Content-Length"):
        read(HOST, ("Content-Length", length))


@pytest.mark.parametrize(
    ("lengths", "read_as"), [(["5"], "5"), (["5", "5"], "5"), (["5, 5"], "5"), (["007"], "7")]
)
def test_a_length_may_be_repeated(lengths: list[str], read_as: str) -> None:
    """As proxies do; it is read once."""
    _, headers = read(HOST, *(("Content-Length", each) for each in lengths))
    assert headers.get_list("Content-Length") == [read_as]


@pytest.mark.parametrize(
    ("fields", "version"),
    [
        ([("Transfer-Encoding", "chunked"), ("Content-Length", "5")], "1.1"),
        ([("Transfer-Encoding", "gzip, chunked")], "1.1"),
        ([("Transfer-Encoding", "identity")], "1.1"),
        ([("Transfer-Encoding", "chunked"), ("Transfer-Encoding", "chunked")], "1.1"),
        ([("Transfer-Encoding", "chunked")], "1.0"),
    ],
)
def test_what_may_be_framed_in_two_ways_is_refused(
    fields: list[tuple[str, str]], version: str
) -> None:
    """One request would be two to whoever stands in front."""
    with pytest.raises(errors.MalformedRequest, match="Transfer-Encoding"):
        read(HOST, *fields, version=version)


def test_chunks_are_read() -> None:
    """In any spelling."""
    _, headers = read(HOST, ("Transfer-Encoding", "Chunked"))
    assert heads.has_body(headers)


@pytest.mark.parametrize(
    ("fields", "version", "expected"),
    [
        ([("Content-Length", "1"), ("Expect", "100-Continue")], "1.1", ["100-continue"]),
        ([("Transfer-Encoding", "chunked"), ("Expect", "100-CONTINUE")], "1.1", ["100-continue"]),
        ([("Content-Length", "1"), ("Expect", "a, 100-Continue ,b")], "1.1", ["100-continue"]),
        (
            [("Expect", "a"), ("Expect", "100-continue"), ("Content-Length", "1")],
            "1.1",
            ["100-continue"],
        ),
        ([("Expect", "100-Continue")], "2.0", ["100-continue"]),
        ([("Content-Length", "1"), ("Expect", "100-continue")], "1.0", []),
        ([("Expect", "100-continue")], "1.1", []),
        ([("Content-Length", "0"), ("Expect", "100-continue")], "1.1", []),
        ([("Content-Length", "1"), ("Expect", "tea")], "1.1", []),
        ([("Content-Length", "1"), ("Expect", "100-continued")], "1.1", []),
        ([("Content-Length", "1"), ("Expect", "")], "1.1", []),
    ],
)
def test_an_expectation_is_read_in_any_case(
    fields: list[tuple[str, str]], version: str, expected: list[str]
) -> None:
    """It is removed if it is unknown, or if no body follows or HTTP/1.0 has no 100."""
    _, headers = read(HOST, *fields, version=version)
    assert headers.get_list("Expect") == expected


@pytest.mark.parametrize("options", ["close, TE", "TE ,Close", "keep-alive, close"])
def test_close_counts_among_other_options(options: str) -> None:
    """Tornado would look for it alone."""
    _, headers = read(HOST, ("Connection", options))
    assert headers["Connection"] == "close"


def test_other_options_close_nothing() -> None:
    """They stay as they are."""
    _, headers = read(HOST, ("Connection", "TE, keep-alive"))
    assert headers["Connection"] == "TE, keep-alive"


def sent(port: int, data: bytes) -> wire.Reply:
    """The answer to these bytes, after which the connection has to end."""
    with wire.Wire(port) as connection:
        connection.send(data)
        reply = connection.reply()
        assert connection.rest() == b""
    return reply


@pytest.mark.parametrize("path", ["/{name}_10_0.jpg?proxy=true", "/_live", "/nobody.jpg", "/token"])
@pytest.mark.parametrize(
    "fields",
    [b"", b"Host: a\r\nHost: a\r\n", b"Host: a b\r\n", b"Host: a\r\nContent-Length: +5\r\n"],
)
def test_hits_are_as_strict_as_everything_else(
    server: servers.Running, name: str, path: str, fields: bytes
) -> None:
    """400 in JSON, a line in the log, and the connection ends."""
    server.client.put_in(name, pictures.jpeg())
    server.client.get(f"/{name}_10_0.jpg")
    target = path.format(name=name).encode()
    reply = sent(
        server.port, b"GET " + target + b" HTTP/1.1\r\nX-Request-Id: me\r\n" + fields + b"\r\n"
    )
    assert (reply.status, reply.headers["connection"]) == (400, "close")
    assert (
        json.loads(reply.body).items() >= {"code": "malformed_request", "request_id": "me"}.items()
    )
    assert reply.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("head", "status", "code"),
    [
        (wire.request("/_live", X_Filler="a" * 5000), 431, "head_too_large"),
        (wire.request("/_live", **{f"X_{n}": "a" * 90 for n in range(50)}), 431, "head_too_large"),
        (wire.request("/" + "a" * 5000), 414, "url_too_long"),
        (b"a" * 5000, 414, "url_too_long"),
    ],
)
def test_a_head_that_is_too_large_is_told_so(
    launch: Launch, head: bytes, status: int, code: str
) -> None:
    """In JSON, over a connection that ends; those after it are answered."""
    running = launch(limits__header_bytes=2048)
    for _ in range(3):
        reply = sent(running.port, head)
        assert reply.status == status
        assert json.loads(reply.body)["code"] == code
        assert reply.headers["x-request-id"] == json.loads(reply.body)["request_id"]
    with wire.Wire(running.port) as connection:
        assert connection.ask("/_live", X_Filler="a" * 1500).status == 200
        connection.send(head)
        assert connection.reply().status == status
    servers.until(lambda: running.server.listener.connections == 0)


def test_a_head_that_is_too_large_reaches_who_sends_all_of_it_first(launch: Launch) -> None:
    """A megabyte of headers is dropped; the answer is not lost to a connection that is reset."""
    running = launch(limits__header_bytes=2048)
    assert sent(running.port, wire.request("/_live", X_Filler="a" * (1 << 20))).status == 431


def test_a_head_that_is_too_large_is_told_so_over_tls(launch: Launch, tmp_path: Path) -> None:
    """The answer is encrypted like any other."""
    pair = certificates.make(tmp_path / "tls")
    running = launch(limits__header_bytes=2048, **pair.keys)
    context = certificates.trusting(pair.certificate)
    with wire.Wire(running.port) as connection:
        connection.socket = context.wrap_socket(connection.socket, server_hostname="127.0.0.1")
        connection.send(wire.request("/_live", X_Filler="a" * 5000))
        assert connection.reply().status == 431


def test_a_head_that_is_too_large_has_its_access_line(
    spawn: Callable[..., servers.Process],
) -> None:
    """With what could be read of it."""
    process = spawn(limits__header_bytes=2048)
    request_id = sent(process.port, wire.request("/cat.jpg?a=b", "DELETE", X="a" * 5000)).headers[
        "x-request-id"
    ]
    line = process.line_of(request_id)
    assert (line["http.method"], line["url.path"], line["http.status"]) == (
        "DELETE",
        "/cat.jpg",
        431,
    )
    assert (line["client.ip"], line["error"]) == ("127.0.0.1", "head_too_large")


def test_a_chunk_whose_size_does_not_end_is_400(server: servers.Running, name: str) -> None:
    """And what had been begun for it is given up."""
    token = server.client.token(name)
    with wire.Wire(server.port) as connection:
        connection.send(
            wire.request(
                f"/{name}",
                "POST",
                X_Token=token,
                Content_Type="image/png",
                Transfer_Encoding="chunked",
            )
        )
        connection.send(b"1" * 5000 + b"\r\n")
        assert connection.rest().startswith(b"HTTP/1.1 400 ")
    servers.until(lambda: server.staged == [])
    assert server.client.token(name)


def test_urls_are_answered_like_their_paths(server: servers.Running, name: str) -> None:
    """The host that they name is nobody's to redirect to."""
    server.client.put_in(name, pictures.jpeg())
    for target in (f"/{name}_10_0.jpg?proxy=true", "/_live", f"/{name}.json"):
        direct = wire.ask(server.port, target)
        reply = wire.ask(server.port, f"http://evil.example{target}")
        assert (reply.status, reply.body) == (direct.status, direct.body)
        assert "evil" not in str(reply.headers)
