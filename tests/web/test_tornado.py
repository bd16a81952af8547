"""What Tornado does not have, and we have instead: when a test fails, ours can be removed.

Raise the oldest Tornado of pyproject.toml to the version that has it.
"""

import asyncio
import contextlib
import socket

import pytest
from tornado.httpserver import HTTPServer
from tornado.httputil import HTTPServerRequest
from tornado.iostream import IOStream

CHUNKED = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"

REFUSED = b"HTTP/1.1 400 "


def answered(data: bytes) -> bytes:
    """What Tornado answers to a request; its body is the target and the body of the request."""

    def respond(request: HTTPServerRequest) -> None:
        assert request.connection is not None
        said = request.path.encode() + b" " + request.body
        request.connection.write(b"HTTP/1.1 200 OK\r\n\r\n" + said)  # type: ignore[attr-defined]
        request.connection.finish()

    async def main() -> bytes:
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        HTTPServer(respond).handle_stream(IOStream(theirs), ("127.0.0.1", 0))
        loop, answer = asyncio.get_running_loop(), b""
        with ours, contextlib.suppress(ConnectionError):
            await loop.sock_sendall(ours, data)
            while part := await loop.sock_recv(ours, 65536):
                answer += part
        return answer

    return asyncio.run(asyncio.wait_for(main(), 10))


def test_tornado_is_asked_in_the_right_way() -> None:
    """The requests below differ from this one in one point each."""
    assert answered(CHUNKED + b"5\r\nhello\r\n0\r\n\r\n").endswith(b"\r\n\r\n/ hello")


@pytest.mark.parametrize("body", [b"5;a=b\r\nhello\r\n0\r\n\r\n", b"0\r\nX-Checksum: a\r\n\r\n"])
def test_tornado_reads_neither_extensions_nor_trailers(body: bytes) -> None:
    """See transport/chunks.py, and `start_request` of transport/protocols.py."""
    assert answered(CHUNKED + body).startswith(REFUSED)


@pytest.mark.parametrize("expect", [b"100-Continue", b"100-continue, a"])
def test_tornado_knows_an_expectation_in_lower_case_only(expect: bytes) -> None:
    """See `_read_expectation` of transport/heads.py."""
    body = b"0\r\n\r\n"
    expecting = CHUNKED.replace(b"Host: a", b"Host: a\r\nExpect: ")
    assert b" 100 " in answered(expecting.replace(b"Expect: ", b"Expect: 100-continue") + body)
    assert b" 100 " not in answered(expecting.replace(b"Expect: ", b"Expect: " + expect) + body)


def test_tornado_takes_a_url_as_a_path() -> None:
    """See `_origin_form` of transport/heads.py."""
    data = CHUNKED.replace(b"POST /", b"POST http://b/cat") + b"0\r\n\r\n"
    assert answered(data).endswith(b"\r\n\r\nhttp://b/cat ")
