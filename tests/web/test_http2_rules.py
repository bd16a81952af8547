"""What RFC 9113 forbids: no handler ever hears of it, and it is no error in the log."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hyperframe.frame import (
    ContinuationFrame,
    DataFrame,
    Frame,
    GoAwayFrame,
    HeadersFrame,
    PingFrame,
    PriorityFrame,
    PushPromiseFrame,
    RstStreamFrame,
    SettingsFrame,
    WindowUpdateFrame,
)

from liveresize.http import fast_path

from . import certificates, http2_client, servers, wire
from .http2_client import FRAME_SIZE_ERROR, PROTOCOL_ERROR, Fields, Http2Wire, speaking

GET = [(":method", "GET"), (":scheme", "https"), (":authority", "test"), (":path", "/_live")]

Heard = list[str]

Launch = Callable[..., servers.Running]


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Running]:
    """A server for balancers."""
    folder = tmp_path_factory.mktemp("plain")
    with servers.Running(folder, http2_cleartext=True) as running:
        yield running


@pytest.fixture
def heard() -> Iterator[Heard]:
    """The targets of the requests that anybody behind the protocol hears of."""
    targets: Heard = []
    received = fast_path.FastPathRequest.headers_received

    def noted(self: fast_path.FastPathRequest, line: Any, headers: Any) -> Any:
        targets.append(line.path)
        return received(self, line, headers)

    with servers.replaced(fast_path.FastPathRequest, "headers_received", noted):
        yield targets


def but(name: str, *values: str | bytes) -> Fields:
    """A good request, but for one field: with these values of it, in its place or at the end."""
    fields: list[tuple[str, str | bytes]] = []
    for key, value in GET:
        fields += [(key, each) for each in values] if key == name else [(key, value)]
    known = name in dict(GET)
    return fields if known else [*fields, *((name, value) for value in values)]


MALFORMED: dict[str, Fields] = {
    "capitals": but("X-Word", "a"),
    "a capital": but("x-Word", "a"),
    "Connection": but("connection", "close"),
    "Keep-Alive": but("keep-alive", "timeout=5"),
    "Proxy-Connection": but("proxy-connection", "close"),
    "Upgrade": but("upgrade", "h2c"),
    "Transfer-Encoding": but("transfer-encoding", "chunked"),
    "TE of gzip": but("te", "gzip"),
    "two paths": but(":path", "/_live", "/ping"),
    "two methods": but(":method", "GET", "POST"),
    "two authorities": but(":authority", "test", "test"),
    "no path": but(":path"),
    "an empty path": but(":path", ""),
    "no method": but(":method"),
    "no scheme": but(":scheme"),
    "no authority": but(":authority"),
    "another Host": but("host", "evil"),
    "two Hosts": [*but(":authority"), ("host", "test"), ("host", "test")],
    "a pseudo-header that nobody knows": but(":what", "a"),
    "that of answers": but(":status", "200"),
    "a pseudo-header at the end": [GET[0], GET[1], GET[2], ("x-word", "a"), GET[3]],
    "CR in a value": but("x-word", "a\rb"),
    "LF in a value": but("x-word", "a\nX-Token: b"),
    "NUL in a value": but("x-word", "a\0b"),
    "space around a value": but("x-word", " a"),
    "CR in a name": but("x\rword", "a"),
    "space in a name": but("x word", "a"),
    "a colon in a name": but("x:word", "a"),
    "no name": but("", "a"),
    "LF in the path": but(":path", "/_live\nX: y"),
    "two lengths": [*GET, ("content-length", "1"), ("content-length", "2")],
    "a length that is none": but("content-length", "many"),
    "a length with a sign": but("content-length", "+5"),
    "a length with an underscore": but("content-length", "1_0"),
    "a length of too many digits": but("content-length", "1" * 5000),
    "CONNECT with a path": but(":method", "CONNECT"),
}
"""Requests after which the connection is at its end."""


@pytest.mark.parametrize("fields", MALFORMED.values(), ids=MALFORMED.keys())
@pytest.mark.parametrize("ends", [True, False])
def test_a_head_that_is_malformed_ends_the_connection(
    plain: servers.Running, heard: Heard, fields: Fields, ends: bool
) -> None:
    """With PROTOCOL_ERROR, whatever else was sent with it."""
    with Http2Wire(plain.port) as connection:
        connection.settled()
        connection.frames(connection.head_of(fields, end=ends), connection.head("/ping"))
        assert connection.rest() == PROTOCOL_ERROR
        assert [each.status for each in connection.answers.values()] == [0, 0]
    assert heard == []


REFUSED: dict[str, Fields] = {
    "a path without a slash": but(":path", "_live"),
    "an absolute form": but(":path", "http://evil/_live"),
    "space in the path": but(":path", "/_live HTTP/1.1"),
    "a tab in the path": but(":path", "/_li\tve"),
    "DEL in the path": but(":path", "/_live\x7f"),
    "a method in small letters": but(":method", "get"),
    "space in the method": but(":method", "GET /ping HTTP/1.1"),
    "an empty method": but(":method", ""),
    "CONNECT": [(":method", "CONNECT"), (":authority", "evil:443")],
    "CONNECT to another protocol": [(":method", "CONNECT"), *GET[1:], (":protocol", "websocket")],
    "a name that is no token": but("x(word)", "a"),
    "a control character": but("x-word", "a\x01b"),
}
"""Requests that are well-formed as far as HTTP/2 goes."""


@pytest.mark.parametrize("fields", REFUSED.values(), ids=REFUSED.keys())
def test_what_would_be_no_request_of_http_1_is_refused(
    plain: servers.Running, heard: Heard, fields: Fields
) -> None:
    """400 for that alone; others on the connection are answered."""
    with Http2Wire(plain.port) as connection:
        frame = connection.head_of(fields)
        connection.frames(frame)
        assert connection.answer(frame.stream_id).status == 400
        assert heard == []
        assert connection.ask("/ping").body == b"pong"


@pytest.mark.parametrize("authority", ["a b", "evil/", "evil@", "a,b", "[::1", "\xff", "a\\b"])
def test_an_authority_is_one_or_is_refused(
    plain: servers.Running, heard: Heard, authority: str
) -> None:
    """As a Host of HTTP/1 is."""
    with Http2Wire(plain.port) as connection:
        frame = connection.head_of(but(":authority", authority))
        connection.frames(frame)
        answer = connection.answer(frame.stream_id)
        assert answer.status in (200, 400)
        assert "location" not in answer.headers
        assert connection.ask("/ping").body == b"pong"


@pytest.mark.parametrize("authority", ["a:x", "a:1:2", "a%4"])
def test_an_authority_is_checked_like_a_host(plain: servers.Running, authority: str) -> None:
    """400, also where Tornado would take it."""
    with Http2Wire(plain.port) as connection:
        frame = connection.head_of(but(":authority", authority))
        connection.frames(frame)
        assert connection.answer(frame.stream_id).status == 400
        assert connection.ask("/ping").body == b"pong"


@pytest.mark.parametrize("value", ["trailers", "Trailers"])
def test_te_may_say_trailers(plain: servers.Running, value: str) -> None:
    """The one thing that it may say."""
    with Http2Wire(plain.port) as connection:
        assert connection.ask("/_live", te=value).status == 200


def test_host_may_stand_for_the_authority(plain: servers.Running) -> None:
    """Alone, or with the same words."""
    with Http2Wire(plain.port) as connection:
        for fields in ([*but(":authority"), ("host", "test")], but("host", "test")):
            frame = connection.head_of(fields)
            connection.frames(frame)
            assert connection.answer(frame.stream_id).status == 200


@pytest.mark.parametrize(("declared", "sent"), [("10", 5), ("10", 15), ("0", 1), ("10", 0)])
def test_a_length_that_is_not_that_of_the_body_ends_the_connection(
    plain: servers.Running, declared: str, sent: int
) -> None:
    """No part of it can be smuggled anywhere."""
    with Http2Wire(plain.port) as connection:
        number = connection.open("/_live", end=False, Content_Length=declared)
        connection.data(number, bytes(sent), end=True)
        assert connection.rest() == PROTOCOL_ERROR
        assert connection.answers[number].status == 0


def settings(**values: int) -> SettingsFrame:
    named = {getattr(SettingsFrame, name): value for name, value in values.items()}
    return SettingsFrame(0, settings=named)


def as_sent(frame: Frame) -> bytes:
    return frame.serialize()


def raw(kind: int, flags: int, stream: int, body: bytes) -> bytes:
    """A frame that hyperframe would not make."""
    return len(body).to_bytes(3) + bytes([kind, flags]) + stream.to_bytes(4) + body


FORBIDDEN: dict[str, tuple[bytes, int]] = {
    "DATA of nothing": (as_sent(DataFrame(1, b"x")), PROTOCOL_ERROR),
    "DATA on stream 0": (raw(0, 0, 0, b"x"), PROTOCOL_ERROR),
    "padding over its frame": (raw(1, 0xD, 1, b"\xff"), PROTOCOL_ERROR),
    "HEADERS on stream 0": (raw(1, 5, 0, b"\x82"), PROTOCOL_ERROR),
    "HEADERS of a server": (raw(1, 5, 2, b"\x82\x84\x86"), PROTOCOL_ERROR),
    "a field out of the table": (raw(1, 5, 1, b"\xff\xff\x7f"), PROTOCOL_ERROR),
    "an index of 0": (raw(1, 5, 1, b"\x80"), PROTOCOL_ERROR),
    "Huffman's code cut off": (raw(1, 5, 1, b"\x00\x81"), PROTOCOL_ERROR),
    "a number without an end": (raw(1, 5, 1, b"\xff" * 20), PROTOCOL_ERROR),
    "a table of any size": (raw(1, 5, 1, b"\x3f\xff\xff\xff\x7f"), PROTOCOL_ERROR),
    "a stray CONTINUATION": (as_sent(ContinuationFrame(1, b"")), PROTOCOL_ERROR),
    "something inside a head": (
        as_sent(HeadersFrame(1, b"\x82")) + as_sent(PingFrame(0, opaque_data=bytes(8))),
        PROTOCOL_ERROR,
    ),
    "a push": (
        as_sent(PushPromiseFrame(1, 2, b"\x82", flags=["END_HEADERS"])),
        PROTOCOL_ERROR,
    ),
    "PING on a stream": (raw(6, 0, 1, bytes(8)), PROTOCOL_ERROR),
    "PING of 7 bytes": (raw(6, 0, 0, bytes(7)), FRAME_SIZE_ERROR),
    "SETTINGS on a stream": (raw(4, 0, 1, b""), PROTOCOL_ERROR),
    "SETTINGS of 5 bytes": (raw(4, 0, 0, bytes(5)), FRAME_SIZE_ERROR),
    "frames of 0 bytes at most": (as_sent(settings(MAX_FRAME_SIZE=0)), PROTOCOL_ERROR),
    "a window over 2³¹": (
        as_sent(settings(INITIAL_WINDOW_SIZE=2**31)),
        http2_client.FLOW_CONTROL_ERROR,
    ),
    "a window of the connection over 2³¹": (
        as_sent(WindowUpdateFrame(0, 2**31 - 1)),
        http2_client.FLOW_CONTROL_ERROR,
    ),
    "a window that is not opened": (raw(8, 0, 0, bytes(4)), PROTOCOL_ERROR),
    "RST_STREAM of nothing": (as_sent(RstStreamFrame(1)), PROTOCOL_ERROR),
    "RST_STREAM of 3 bytes": (raw(3, 0, 1, bytes(3)), FRAME_SIZE_ERROR),
    "a stream that depends on itself": (as_sent(PriorityFrame(1, 1)), PROTOCOL_ERROR),
    "GOAWAY on a stream": (raw(7, 0, 1, bytes(8)), PROTOCOL_ERROR),
    "a frame that is too large": (raw(0, 0, 1, bytes(16_385)), FRAME_SIZE_ERROR),
    "an unknown frame that is too large": (raw(0xEE, 0, 0, bytes(16_385)), FRAME_SIZE_ERROR),
}
"""What is sent, and the code of GOAWAY that it has."""


@pytest.mark.parametrize(("sent", "code"), FORBIDDEN.values(), ids=FORBIDDEN.keys())
def test_frames_that_are_forbidden_end_the_connection(
    plain: servers.Running, heard: Heard, sent: bytes, code: int
) -> None:
    """With the error that they are."""
    with Http2Wire(plain.port) as connection:
        connection.settled()
        connection.send(sent)
        assert connection.rest() == code
    assert heard == []


@pytest.mark.parametrize("sent", [b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n", wire.request("/_live")])
def test_a_preface_that_goes_wrong_ends_the_connection(
    launch: Launch, heard: Heard, tmp_path: Path, sent: bytes
) -> None:
    """Where HTTP/2 was agreed on, nothing else is spoken; GOAWAY may be left out then."""
    pair = certificates.make(tmp_path)
    running = launch(**pair.keys)
    with Http2Wire(running.port, speaking(pair.certificate), preface=sent) as connection:
        assert connection.rest() in (None, PROTOCOL_ERROR)
    assert heard == []


@pytest.mark.parametrize("end", [GoAwayFrame(0, 0, 0), GoAwayFrame(0, 0, 2)])
def test_what_is_under_way_is_answered_to_who_leaves(
    plain: servers.Running, end: GoAwayFrame
) -> None:
    """GOAWAY of a client: its requests are answered, and the connection is closed."""
    with Http2Wire(plain.port) as connection:
        connection.frames(connection.head("/_live"), end)
        assert connection.answer(1).status == 200
        assert connection.rest() == http2_client.NO_ERROR
    servers.until(lambda: http2_client.exchanges(plain) == [])


@pytest.mark.parametrize("again", [3, 5])
def test_numbers_of_streams_grow(plain: servers.Running, again: int) -> None:
    """One that was passed over, or had, is not opened any more."""
    with Http2Wire(plain.port) as connection:
        first, second = connection.head("/_live"), connection.head("/_live")
        first.stream_id, connection.answers[5] = 5, http2_client.Answer()
        connection.frames(first)
        assert connection.answer(5).status == 200
        second.stream_id = again
        connection.frames(second)
        assert connection.rest() in (PROTOCOL_ERROR, http2_client.STREAM_CLOSED)
        assert connection.answers[3].status == 0


@pytest.mark.parametrize(
    "field", ["", "u=9", "u=-1", "u", "u=1.5", "i=?2", "u=\xff", ",,,", "u=1" * 500, "x=(a b);u=1"]
)
def test_a_priority_without_sense_is_ignored(plain: servers.Running, field: str) -> None:
    """Whatever it says, the answer comes."""
    with Http2Wire(plain.port) as connection:
        number = connection.open("/_live", priority=field)
        for body in (b"", b"\0", number.to_bytes(4), number.to_bytes(4) + field.encode("latin-1")):
            connection.send(raw(0x10, 0, 0, body))
        assert connection.answer(number).status == 200
        assert connection.ask("/ping").body == b"pong"


def test_a_head_may_be_as_large_as_over_http_1(launch: Launch, heard: Heard) -> None:
    """By `limits.header_bytes`, as what it unpacks to; what is larger is 431, and what is much
    larger ends the connection."""
    running = launch(http2_cleartext=True, limits__header_bytes=4096)
    with Http2Wire(running.port) as connection:
        connection.settled()
        assert connection.server[http2_client.HEADER_LIST] == 4096
        assert connection.ask("/ping", x_filler="a" * 3500).status == 200
        refused = connection.ask("/_live", x_filler="a" * 4500)
        assert (refused.status, json.loads(refused.body)["code"]) == (431, "head_too_large")
        assert connection.ask("/ping").status == 200
        connection.open("/_live", x_filler="a" * 9000)
        assert connection.rest() == http2_client.ENHANCE_YOUR_CALM
    assert heard == ["/ping", "/_live", "/ping"]
