"""The plain port of a server that wants TLS: sends clients over, and answers probes."""

import asyncio
import string
import time
from collections.abc import Awaitable
from urllib.parse import quote

from tornado import httputil
from tornado.http1connection import HTTP1Connection

from liveresize import errors
from liveresize.web import access, clients, failures
from liveresize.web.connections import WatchedStream
from liveresize.web.hits import REASONS, Entrance, date
from liveresize.web.responses import Answer
from liveresize.web.site import Site

PROBES = frozenset({"/_health", "/_live", "/_ready", "/_metrics", "/ping"})
"""What balancers and monitors ask, which follow no redirects."""

_KEPT = 86_400
"""Seconds for which a client may keep the redirect."""

_DISCARD = 8 << 20
"""Bytes of a body that are read and dropped before the answer."""

_ALL_READ = 86_400.0
"""Seconds after which Tornado would drop a body; we answer long before."""

_AS_IT_IS = string.ascii_letters + string.digits + string.punctuation


class Detours(httputil.HTTPServerConnectionDelegate):
    """Stands before the Entrance and lets only probes through."""

    def __init__(self, origin: str, site: Site, entrance: Entrance) -> None:
        """`origin` is where everyone else is sent, as `https://images.example.com`."""
        self._origin = origin
        self._site = site
        self._entrance = entrance

    def start_request(
        self, server_conn: object, request_conn: httputil.HTTPConnection
    ) -> httputil.HTTPMessageDelegate:
        """See tornado.httputil.HTTPServerConnectionDelegate."""
        assert isinstance(request_conn, HTTP1Connection)
        within = self._entrance.start_request(server_conn, request_conn)
        return Detour(self._origin, self._site, request_conn, within)

    def on_close(self, server_conn: object) -> None:
        """See tornado.httputil.HTTPServerConnectionDelegate."""
        self._entrance.on_close(server_conn)


class Detour(httputil.HTTPMessageDelegate):
    """One request: a probe is answered `within`, any other is sent away.

    Like an answer to a refused upload, the redirect waits for the end of a body that is
    short and comes soon; after any other, what the client still sends is dropped.
    """

    def __init__(
        self,
        origin: str,
        site: Site,
        connection: HTTP1Connection,
        within: httputil.HTTPMessageDelegate,
    ) -> None:
        self._origin = origin
        self._site = site
        self._connection = connection
        self._within = within
        self._is_probe = False
        self._line = httputil.RequestStartLine("", "", "")
        self._headers = httputil.HTTPHeaders()
        self._dropped = 0
        self._whole = False
        self._answered = False
        self._late: asyncio.TimerHandle | None = None
        self._began = 0.0

    def headers_received(
        self,
        start_line: httputil.RequestStartLine | httputil.ResponseStartLine,
        headers: httputil.HTTPHeaders,
    ) -> Awaitable[None] | None:
        """Let a probe in; else find out whether a body is worth waiting for."""
        assert isinstance(start_line, httputil.RequestStartLine)
        if start_line.path.partition("?")[0] in PROBES:
            self._is_probe = True
            return self._within.headers_received(start_line, headers)
        self._began = time.perf_counter()
        self._line, self._headers = start_line, headers
        if isinstance(self._connection.stream, WatchedStream):
            self._connection.stream.idle_since = None
        self._connection.set_max_body_size(1 << 62)
        self._connection.set_body_timeout(_ALL_READ)
        length = headers.get("Content-Length", "0")
        if "Expect" in headers or (length.isdecimal() and int(length[:20]) > _DISCARD):
            self._answer()
        elif length != "0" or "Transfer-Encoding" in headers:
            loop = asyncio.get_running_loop()
            self._late = loop.call_later(self._site.options.body_grace, self._answer)
        return None

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        """Drop the body of what is sent away."""
        if self._is_probe:
            return self._within.data_received(chunk)
        self._dropped += len(chunk)
        if self._dropped > _DISCARD:
            self._answer()
        return None

    def finish(self) -> None:
        """The request is whole."""
        if self._is_probe:
            self._within.finish()
        else:
            self._whole = True
            self._answer()

    def on_connection_close(self) -> None:
        """The client went away before its request was whole, or has its answer."""
        if self._is_probe:
            self._within.on_connection_close()
        self._answered = True
        self._stop_waiting()

    def _stop_waiting(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _answer(self) -> None:
        """Answer, once; before the request is whole the connection ends with it."""
        self._stop_waiting()
        if self._answered:
            return
        self._answered = True
        request_id = clients.request_id(self._headers.get("X-Request-Id"))
        answer = self._made(request_id)
        headers = httputil.HTTPHeaders()
        for name, value in answer.headers:
            headers.add(name, value)
        headers["Date"] = date()
        headers["X-Request-Id"] = request_id
        headers["Content-Length"] = str(answer.length)
        if not self._whole:
            headers["Connection"] = "close"
            if isinstance(self._connection.stream, WatchedStream):
                self._connection.stream.lingers = True
        assert isinstance(answer.body, bytes)
        body = b"" if self._line.method == "HEAD" else answer.body
        start = httputil.ResponseStartLine("HTTP/1.1", answer.status, REASONS[answer.status])
        self._connection.write_headers(start, headers, body)
        self._connection.finish()
        self._log(answer.status, len(body), request_id)

    def _made(self, request_id: str) -> Answer:
        """308 to the same target at the other address, never at one that the client named."""
        target = self._line.path
        if not target.startswith("/"):
            error = errors.MalformedUrl("The target of the request is not a path.")
            return failures.answer(error, request_id)
        return Answer(
            status=308,
            headers=[
                ("Location", self._origin + quote(target, safe=_AS_IT_IS, encoding="latin-1")),
                ("Cache-Control", f"public, max-age={_KEPT}"),
                ("Access-Control-Allow-Origin", "*"),
            ],
        )

    def _log(self, status: int, size: int, request_id: str) -> None:
        peer = self._connection.context.remote_ip  # type: ignore[attr-defined]
        access.note(
            route="other",
            method=self._line.method,
            path=self._line.path.partition("?")[0],
            status=status,
            client=clients.client_ip(
                peer, self._headers.get("X-Forwarded-For"), self._site.options.trusted_proxies
            ),
            duration_ms=(time.perf_counter() - self._began) * 1000,
            size=size,
            request_id=request_id,
        )
