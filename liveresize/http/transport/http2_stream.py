"""One HTTP/2 request and its response."""

import asyncio
import re
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Protocol

import structlog
from h2.errors import ErrorCodes
from h2.events import RequestReceived
from hpack import HeaderTuple, NeverIndexedHeaderTuple
from tornado import httputil
from tornado.iostream import StreamClosedError

from liveresize.core import numbers
from liveresize.http.transport.unsent import Hold, Unsent

_log = structlog.get_logger("liveresize.http2")

_OF_HTTP1 = frozenset({"connection", "keep-alive", "proxy-connection", "transfer-encoding"})
"""Headers of HTTP/1 that HTTP/2 replaces with frames."""

_UNIQUE = frozenset(
    {
        *("cache-tag", "content-length", "content-range", "etag", "expires", "last-modified"),
        *("location", "server-timing", "surrogate-key", "x-request-id"),
    }
)
"""Headers that differ in each response: they are not added to the HPACK table."""

_METHOD = re.compile(rb"[A-Z]{1,32}")
_TARGET = re.compile(rb"/[\x21-\x7e\x80-\xff]*|\*")
_BREAK = re.compile(r"[\r\n\0]")

_URGENCY = re.compile(r"(?:^|[,\s])u=([0-7])(?![^,;\s])")
_INCREMENTAL = re.compile(r"(?:^|[,\s])i(?:=\?1)?(?![^,;\s])")

_DEFAULT_URGENCY = 3

_ENTRY = 32
"""Bytes that a header counts in addition to its name and value (RFC 9113 §6.5.2)."""


class Connection(Protocol):
    """The connection as a stream uses it; see http2.Http2Connection."""

    context: object
    unsent: Unsent

    @property
    def client(self) -> str: ...
    @property
    def header_bytes(self) -> int: ...
    def moved_at(self, stream: "Http2Stream", /) -> float: ...
    def took(self, number: int, size: int, /) -> None: ...
    def send_continue(self, number: int, /) -> None: ...
    def reset(self, stream: "Http2Stream", code: ErrorCodes, /) -> None: ...
    def flush_soon(self) -> None: ...


class Http2Stream(httputil.HTTPConnection):
    """The connection of a handler, with the interface of Tornado's HTTP1Connection.

    A request without a body is passed to its delegate at once, any other one by a task, as fast
    as the delegate reads it. The response waits here until the connection frames it.
    """

    def __init__(
        self, connection: Connection, number: int, max_body: int, body_timeout: float
    ) -> None:
        """`max_body` bytes and `body_timeout` seconds are defaults, which handlers can change."""
        self.number = number
        self.context = connection.context
        self.client = connection.client
        """The key of the client for limits."""
        self.urgency = _DEFAULT_URGENCY
        self.incremental = False
        self.turn = 0
        self.moved_at = 0.0
        """When the client last read some of the response, on the monotonic clock."""
        self.queued = 0
        """Waiting bytes of the response."""
        self.is_finished = False
        """Whether the response is complete."""
        self.is_whole = False
        """Whether all of the request has arrived."""
        self.is_head_too_large = False
        """Whether the headers are larger than the limit."""
        self._connection = connection
        self._max_body = max_body
        self._body_timeout = body_timeout
        self._delegate = httputil.HTTPMessageDelegate()
        self._inbox: deque[tuple[bytes, int]] = deque()
        self._news = asyncio.Event()
        self._reader: asyncio.Task[None] | None = None
        self._head: list[HeaderTuple] | None = None
        self._chunks: deque[memoryview] = deque()
        self._holds: list[Hold] = []
        self._emptied: asyncio.Future[None] | None = None
        self._close_callback: Callable[[], None] | None = None
        self._over = False

    # The request, as the connection hears of it

    def begin(self, delegate: httputil.HTTPMessageDelegate, event: RequestReceived) -> None:
        """Pass the head of a request to its delegate, and finish the request if it has no body."""
        self._delegate = delegate
        self.is_whole = event.stream_ended is not None
        size = sum(len(name) + len(value) + _ENTRY for name, value in event.headers)
        self.is_head_too_large = size > self._connection.header_bytes
        try:
            line, headers = _request(event)
            self.prioritise(headers.get("Priority", ""))
            begun = delegate.headers_received(line, headers)
            if self.is_whole and begun is None:
                delegate.finish()
                return
        except httputil.HTTPInputError:
            self._refuse()
        except Exception as error:  # noqa: BLE001 (one request must not end the others)
            self._fail(error)
        else:
            self._reader = asyncio.ensure_future(self._read(begun, headers))

    def arrived(self, data: bytes, size: int) -> None:
        """Receive a part of the body, which used `size` bytes of the windows."""
        self._inbox.append((data, size))
        self._news.set()
        if self._reader is None:
            self._release()

    def ended(self) -> None:
        """Receive the end of the body."""
        self.is_whole = True
        self._news.set()

    def broken(self) -> None:
        """Clean up: the client has left, or the stream was reset."""
        self._over = True
        self._chunks.clear()
        self.queued = 0
        self._let_go()
        if self._emptied is not None and not self._emptied.done():
            self._emptied.set_exception(StreamClosedError())
        self._news.set()
        if self._reader is None:
            callback, self._close_callback = self._close_callback, None
            if callback is not None:
                callback()

    def prioritise(self, field: str) -> None:
        """Apply a `Priority` header (RFC 9218)."""
        urgency = _URGENCY.search(field)
        self.urgency = numbers.digits(urgency[1]) if urgency else _DEFAULT_URGENCY
        self.incremental = _INCREMENTAL.search(field) is not None

    async def _read(self, begun: Awaitable[None] | None, headers: httputil.HTTPHeaders) -> None:
        """Pass the body to the delegate, within the limits that it has set for this request."""
        handed_over = False
        try:
            if begun is not None:
                await begun
            if "Expect" in headers and not (self.is_finished or self._over):
                self._connection.send_continue(self.number)
            async with asyncio.timeout(self._body_timeout):
                handed_over = await self._read_body(headers.get("Content-Length", "0"))
        except TimeoutError:
            self._connection.reset(self, ErrorCodes.CANCEL)
        except Exception as error:  # noqa: BLE001 (one request must not end the others)
            self._fail(error)
        finally:
            self._reader = None
            self._release()
            if not handed_over:
                self._delegate.on_connection_close()

    def _release(self) -> None:
        """Drop unread bytes, so that the connection's window opens for other streams."""
        size = sum(each for _, each in self._inbox)
        self._inbox.clear()
        self._connection.took(self.number, size)

    async def _read_body(self, length: str) -> bool:
        """Pass the body on; return whether that was all of it."""
        if (numbers.whole(length) or 0) > self._max_body:
            self._refuse()
        size = 0
        while not self._over:
            batch = tuple(self._inbox)
            self._inbox.clear()
            data = b"".join(each for each, _ in batch)
            size += len(data)
            if size > self._max_body:
                self._refuse()
            try:
                if data and not self.is_finished:
                    passed_on = self._delegate.data_received(data)
                    if passed_on is not None:
                        await passed_on
            finally:
                self._connection.took(self.number, sum(each for _, each in batch))
            if self._inbox:
                continue
            if self.is_whole:
                break
            self._news.clear()
            await self._news.wait()
        if self._over or self.is_finished:
            return False
        self._delegate.finish()
        return True

    def _refuse(self) -> None:
        """Respond with 400 to a malformed request, or to a body above the limit."""
        if not self.is_finished and self._head is None:
            start = httputil.ResponseStartLine("HTTP/2.0", 400, "Bad Request")
            self.write_headers(start, httputil.HTTPHeaders({"Content-Length": "0"}))
            self.finish()

    def _fail(self, error: Exception) -> None:
        _log.error("unexpected_error", exc_info=error)
        self._connection.reset(self, ErrorCodes.INTERNAL_ERROR)

    # The answer, as the handler gives it

    def write_headers(
        self,
        start_line: httputil.RequestStartLine | httputil.ResponseStartLine,
        headers: httputil.HTTPHeaders,
        chunk: bytes | None = None,
    ) -> "asyncio.Future[None]":
        """See tornado.httputil.HTTPConnection."""
        assert isinstance(start_line, httputil.ResponseStartLine)
        head: list[HeaderTuple] = [HeaderTuple(b":status", str(start_line.code).encode())]
        for name, value in headers.get_all():
            lower = name.lower()
            if lower in _OF_HTTP1:
                continue
            if _BREAK.search(value):
                raise ValueError(f"Illegal characters in the header {name}.")
            kind = NeverIndexedHeaderTuple if lower in _UNIQUE else HeaderTuple
            head.append(kind(lower.encode("latin-1"), value.encode("latin-1")))
        if not self._over:
            self._head = head
        return self.write(chunk or b"")

    def write(self, chunk: bytes) -> "asyncio.Future[None]":
        """See tornado.httputil.HTTPConnection; done once the bytes are framed."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self._over:
            future.set_exception(StreamClosedError())
            future.exception()  # who does not wait for it need not hear of it
            return future
        self._connection.flush_soon()
        if not chunk:
            future.set_result(None)
            return future
        if not self.queued:
            self.moved_at = time.monotonic()
        self._chunks.append(memoryview(chunk))
        self.queued += len(chunk)
        self._holds.append(self._connection.unsent.hold(self, chunk))
        if self._over:  # of all that stall, this stream was the one to give way
            self._let_go()
        if self._emptied is None or self._emptied.done():
            future.add_done_callback(lambda done: done.cancelled() or done.exception())
            self._emptied = future
        return self._emptied

    def finish(self) -> None:
        """See tornado.httputil.HTTPConnection."""
        self.is_finished = True
        if not self._over:
            self._connection.flush_soon()

    def set_close_callback(self, callback: Callable[[], None] | None) -> None:
        """Set the function to call if the client leaves before the end of the response."""
        self._close_callback = callback

    def set_max_body_size(self, max_body_size: int) -> None:
        """Set the largest size of the body, in bytes."""
        self._max_body = max_body_size

    def set_body_timeout(self, timeout: float) -> None:
        """Set the time for the body, in seconds."""
        self._body_timeout = timeout

    @property
    def stream(self) -> "Http2Stream":
        """The object that handlers close to abort a response: this stream only."""
        return self

    def close(self) -> None:
        """Reset the stream."""
        self._connection.reset(self, ErrorCodes.INTERNAL_ERROR)

    # The answer, as the connection frames it

    @property
    def has_news(self) -> bool:
        """Whether there is anything to frame."""
        return self._head is not None or bool(self.queued) or self.is_finished

    def take_head(self) -> list[HeaderTuple] | None:
        """Return the head of the response, once."""
        head, self._head = self._head, None
        return head

    def take(self, size: int) -> memoryview:
        """Remove and return up to `size` bytes of the response, to be framed."""
        chunk = self._chunks.popleft()
        if len(chunk) > size:
            self._chunks.appendleft(chunk[size:])
            chunk = chunk[:size]
        self.queued -= len(chunk)
        self.moved_at = time.monotonic()
        if not self.queued:
            self._let_go()
            if self._emptied is not None and not self._emptied.done():
                self._emptied.set_result(None)
        return chunk

    def _let_go(self) -> None:
        for hold in self._holds:
            self._connection.unsent.release(hold)
        self._holds.clear()

    @property
    def waits_since(self) -> float:
        """See unsent.Holder."""
        return self._connection.moved_at(self)

    def give_way(self) -> None:
        """See unsent.Holder."""
        self._connection.reset(self, ErrorCodes.CANCEL)

    def sent(self) -> None:
        """Clean up: the response is framed completely."""
        self._over = True
        self._close_callback = None
        self._news.set()


def _request(event: RequestReceived) -> tuple[httputil.RequestStartLine, httputil.HTTPHeaders]:
    """Return start line and headers in the form of HTTP/1. Raises HTTPInputError."""
    pseudo: dict[bytes, bytes] = {}
    headers = httputil.HTTPHeaders()
    for name, value in event.headers:
        if name.startswith(b":"):
            pseudo[name] = value
        else:
            headers.add(name.decode("latin-1"), value.decode("latin-1"))
    method, target = pseudo.get(b":method", b""), pseudo.get(b":path", b"")
    valid = _METHOD.fullmatch(method) and _TARGET.fullmatch(target)
    if not valid or b":protocol" in pseudo:  # no other protocol is spoken in here (RFC 8441)
        raise httputil.HTTPInputError("Malformed HTTP/2 request")
    if b":authority" in pseudo:
        headers["Host"] = pseudo[b":authority"].decode("latin-1")
    line = httputil.RequestStartLine(method.decode(), target.decode("latin-1"), "HTTP/2.0")
    return line, headers
