"""Which protocol a connection speaks: HTTP/2 where its client asks for that, else HTTP/1.1."""

import asyncio
from typing import Any

import structlog
from tornado import httputil
from tornado.httpserver import HTTPServer, _HTTPRequestContext
from tornado.iostream import IOStream, StreamClosedError

from liveresize.web.connections import TlsStream, WatchedStream
from liveresize.web.http2 import Http2Connection, Http2Options

_log = structlog.get_logger("liveresize.http2")

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
"""How HTTP/2 begins; no method of HTTP/1 begins with its first three bytes."""

_TELLING = 3


class Server(HTTPServer):
    """Tornado's server, which over TLS speaks what ALPN agreed on.

    Without encryption it speaks HTTP/2 to those that begin with it, where `cleartext` is
    set: for balancers.
    """

    def initialize(  # type: ignore[override]
        self,
        delegate: httputil.HTTPServerConnectionDelegate,
        *,
        http2: Http2Options | None = None,
        cleartext: bool = False,
        **options: Any,
    ) -> None:
        """As Tornado's; without `http2` only HTTP/1.1 is spoken."""
        super().initialize(delegate, **options)
        self._http2 = http2
        self._cleartext = cleartext
        self._leaving = False
        self._speaking: dict[asyncio.Task[None], Http2Connection | None] = {}

    def handle_stream(self, stream: IOStream, address: tuple[Any, ...]) -> None:
        """Serve a connection; see tornado.tcpserver.TCPServer."""
        assert isinstance(stream, WatchedStream)
        if self._http2 is None or not (self._cleartext or isinstance(stream, TlsStream)):
            super().handle_stream(stream, address)
            return
        task = asyncio.ensure_future(self._greet(stream, address, self._http2))
        self._speaking[task] = None
        task.add_done_callback(self._speaking.pop)

    def leave(self) -> None:
        """Have no connection outlive the requests that are under way on it."""
        self._leaving = True
        self.conn_params.no_keep_alive = True
        for connection in tuple(self._speaking.values()):
            if connection is not None:
                connection.leave()

    async def _greet(
        self, stream: WatchedStream, address: tuple[Any, ...], options: Http2Options
    ) -> None:
        try:
            async with asyncio.timeout(self.conn_params.header_timeout):
                wants_http2 = await _wants_http2(stream)
        except (StreamClosedError, TimeoutError, OSError):
            stream.close()
            return
        if not wants_http2:
            super().handle_stream(stream, address)
            return
        context = _HTTPRequestContext(stream, address, self.protocol, self.trusted_downstream)
        connection = Http2Connection(stream, context, self, options)
        task = asyncio.current_task()
        assert task is not None
        self._speaking[task] = connection
        if self._leaving:
            connection.leave()
        await connection.serve()


async def _wants_http2(stream: WatchedStream) -> bool:
    """Whether the client speaks HTTP/2, as soon as it shows. Raises StreamClosedError."""
    if isinstance(stream, TlsStream):
        await stream.wait_for_handshake()
        return bool(stream.socket.selected_alpn_protocol() == "h2")
    begun = b""
    while len(begun) < _TELLING and PREFACE.startswith(begun):
        begun += await stream.read_bytes(len(PREFACE) - len(begun), partial=True)
    stream.unread(begun)
    return PREFACE.startswith(begun)
