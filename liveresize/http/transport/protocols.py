"""Choose the protocol of a connection: HTTP/2 if the client requests it, otherwise HTTP/1.1."""

import asyncio
import contextlib
import time
from typing import Any

import structlog
from h2.errors import ErrorCodes
from hyperframe.frame import GoAwayFrame, SettingsFrame
from tornado import httputil
from tornado.http1connection import HTTP1Connection
from tornado.httpserver import HTTPServer, _HTTPRequestContext
from tornado.iostream import IOStream, StreamClosedError

from liveresize.http.transport.chunks import Http1Connection
from liveresize.http.transport.connections import TlsStream, WatchedStream
from liveresize.http.transport.frame_budget import CONNECTION, ClientBudgets, FrameBudget
from liveresize.http.transport.http2 import Http2Connection
from liveresize.settings.server import Limits

_log = structlog.get_logger("liveresize.http2")

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
"""The preface of HTTP/2; no method of HTTP/1 begins with its first three bytes."""

_TELLING = 3


class Server(HTTPServer):
    """Tornado's server; over TLS with the protocol that ALPN has negotiated.

    With `cleartext` it accepts HTTP/2 without encryption, if the client begins with its
    preface: for load balancers.
    """

    def initialize(  # type: ignore[override]
        self,
        delegate: httputil.HTTPServerConnectionDelegate,
        *,
        http2: Limits | None = None,
        budgets: ClientBudgets | None = None,
        cleartext: bool = False,
        **options: Any,
    ) -> None:
        """Set up Tornado's server; `http2` has the limits of HTTP/2, None disables it."""
        super().initialize(delegate, **options)
        self._head_timeout = self.conn_params.header_timeout or 0.0
        # Tornado would set a timer for each request, and cancel it.
        self.conn_params.header_timeout = None
        self._timers: dict[IOStream, asyncio.TimerHandle] = {}
        self._http2 = http2
        self._budgets = budgets or ClientBudgets()
        self._cleartext = cleartext
        self._leaving = False
        self._speaking: dict[asyncio.Task[None], Http2Connection | None] = {}

    def handle_stream(self, stream: IOStream, address: tuple[Any, ...]) -> None:
        """Serve a connection; see tornado.tcpserver.TCPServer.

        A client that has used up its HTTP/2 budget gets no TLS handshake, which is the most
        expensive part of a new connection.
        """
        assert isinstance(stream, WatchedStream)
        encrypted = isinstance(stream, TlsStream)
        if self._http2 is None or not (self._cleartext or encrypted):
            self._serve_http1(stream, address)
            return
        if encrypted and self._is_spent(stream, address):
            stream.close()
            return
        task = asyncio.ensure_future(self._greet(stream, address, self._http2))
        self._speaking[task] = None
        task.add_done_callback(self._speaking.pop)

    def start_request(
        self, server_conn: object, request_conn: httputil.HTTPConnection
    ) -> httputil.HTTPMessageDelegate:
        """Begin a request; see tornado.httputil.HTTPServerConnectionDelegate."""
        if isinstance(request_conn, HTTP1Connection):
            request_conn.__class__ = Http1Connection  # Tornado has no hook to make another
        return super().start_request(server_conn, request_conn)

    def _serve_http1(self, stream: WatchedStream, address: tuple[Any, ...]) -> None:
        super().handle_stream(stream, address)
        self._watch(stream)

    def _watch(self, stream: WatchedStream) -> None:
        """Close a connection whose next request does not come in time."""
        now = time.monotonic()
        left = self._head_timeout - (now - (stream.idle_since or now))
        if left > 0:
            loop = asyncio.get_running_loop()
            self._timers[stream] = loop.call_later(left, self._watch, stream)
        else:
            stream.close()

    def on_close(self, server_conn: object) -> None:
        """Forget a connection; see tornado.httputil.HTTPServerConnectionDelegate."""
        super().on_close(server_conn)
        timer = self._timers.pop(server_conn.stream, None)  # type: ignore[attr-defined]
        if timer is not None:
            timer.cancel()

    def leave(self) -> None:
        """Close every connection after its requests in progress."""
        self._leaving = True
        self.conn_params.no_keep_alive = True
        for connection in tuple(self._speaking.values()):
            if connection is not None:
                connection.leave()

    def _is_spent(self, stream: WatchedStream, address: tuple[Any, ...]) -> bool:
        budget = self._budgets.of(self._context(stream, address).remote_ip)
        return budget is not None and budget.is_spent

    def _context(self, stream: WatchedStream, address: tuple[Any, ...]) -> _HTTPRequestContext:
        return _HTTPRequestContext(stream, address, self.protocol, self.trusted_downstream)

    async def _greet(self, stream: WatchedStream, address: tuple[Any, ...], limits: Limits) -> None:
        try:
            async with asyncio.timeout(self._head_timeout):
                wants_http2 = await _wants_http2(stream)
        except (StreamClosedError, TimeoutError, OSError):
            stream.close()
            return
        if not wants_http2:
            self._serve_http1(stream, address)
            return
        context = self._context(stream, address)
        budget = FrameBudget(shared=self._budgets.of(context.remote_ip))
        budget.take_off(CONNECTION)
        if budget.is_spent:
            await _turn_away(stream)
            return
        connection = Http2Connection(stream, context, self, limits, budget)
        task = asyncio.current_task()
        assert task is not None
        self._speaking[task] = connection
        if self._leaving:
            connection.leave()
        await connection.serve()


async def _turn_away(stream: WatchedStream) -> None:
    """Send GOAWAY to a client without a budget, without setting up a connection for it."""
    goaway = GoAwayFrame(0, error_code=ErrorCodes.ENHANCE_YOUR_CALM)
    stream.lingers = True
    with contextlib.suppress(StreamClosedError):
        await stream.write(SettingsFrame(0).serialize() + goaway.serialize())
    stream.close()


async def _wants_http2(stream: WatchedStream) -> bool:
    """Whether the client uses HTTP/2. Raises StreamClosedError."""
    if isinstance(stream, TlsStream):
        await stream.wait_for_handshake()
        return bool(stream.socket.selected_alpn_protocol() == "h2")
    begun = b""
    while len(begun) < _TELLING and PREFACE.startswith(begun):
        begun += await stream.read_bytes(len(PREFACE) - len(begun), partial=True)
    stream.unread(begun)
    return PREFACE.startswith(begun)
