"""The plain port of a server with TLS: redirects clients, and answers probes."""

import string
import time
from collections.abc import Awaitable
from urllib.parse import quote

from tornado import httputil
from tornado.http1connection import HTTP1Connection

from liveresize import errors
from liveresize.http import direct, failures, request_spans
from liveresize.http.context import AppContext
from liveresize.http.direct import Request
from liveresize.http.fast_path import FastPath
from liveresize.http.responses import Response
from liveresize.http.transport import clients, heads, unwanted
from liveresize.http.transport.connections import WatchedStream
from liveresize.http.transport.unwanted import UnwantedBody

PROBES = frozenset({"/_health", "/_live", "/_ready", "/_metrics", "/ping"})
"""Paths of load balancers and monitors, which follow no redirects."""

_KEPT = 86_400
"""Seconds for which a client may keep the redirect."""

_AS_IT_IS = string.ascii_letters + string.digits + string.punctuation


class HttpsRedirects(httputil.HTTPServerConnectionDelegate):
    """Handle connections to the plain port; only probes reach the fast path."""

    def __init__(self, origin: str, site: AppContext, fast_path: FastPath) -> None:
        """`origin` is the target of redirects, such as `https://images.example.com`."""
        self._origin = origin
        self._site = site
        self._fast_path = fast_path

    def start_request(
        self, server_conn: object, request_conn: httputil.HTTPConnection
    ) -> httputil.HTTPMessageDelegate:
        """See tornado.httputil.HTTPServerConnectionDelegate."""
        assert isinstance(request_conn, HTTP1Connection)
        delegate = self._fast_path.start_request(server_conn, request_conn)
        redirect = HttpsRedirect(self._origin, self._site, request_conn, delegate)
        if isinstance(request_conn.stream, WatchedStream):
            request_conn.stream.overfull = redirect.head_too_large
        return redirect

    def on_close(self, server_conn: object) -> None:
        """See tornado.httputil.HTTPServerConnectionDelegate."""
        self._fast_path.on_close(server_conn)


class HttpsRedirect(httputil.HTTPMessageDelegate):
    """One request: a probe is answered `within`, any other is sent away.

    Like the response to a refused upload, the redirect waits for the end of a body that is
    short and arrives soon; after any other, the bytes that the client still sends are dropped.
    """

    def __init__(
        self,
        origin: str,
        site: AppContext,
        connection: HTTP1Connection,
        delegate: httputil.HTTPMessageDelegate,
    ) -> None:
        self._origin = origin
        self._site = site
        self._connection = connection
        self._delegate = delegate
        self._is_probe = False
        self._request: Request | None = None
        self._unwanted: UnwantedBody | None = None
        self._answered = False

    def head_too_large(self) -> None:
        """Respond to a head that is larger than the limit; the stream is closed afterwards."""
        assert isinstance(self._connection.stream, WatchedStream)
        peer = self._connection.context.remote_ip  # type: ignore[attr-defined]
        direct.refuse_head(self._connection.stream, peer, self._site)

    def headers_received(
        self,
        start_line: httputil.RequestStartLine | httputil.ResponseStartLine,
        headers: httputil.HTTPHeaders,
    ) -> Awaitable[None] | None:
        """Pass a probe on; otherwise decide whether to wait for the body."""
        assert isinstance(start_line, httputil.RequestStartLine)
        began = time.perf_counter()
        stream = self._connection.stream
        if isinstance(stream, WatchedStream):
            stream.idle_since = None
            stream.overfull = None
        trace = request_spans.begin(
            self._site, self._connection, start_line.version, headers, began
        )
        try:
            line = heads.read(start_line, headers)
        except errors.RequestError as error:
            self._answered = True
            request = Request(start_line, headers, began, trace)
            direct.refuse(self._connection, self._site, request, error)
            return None
        if line.path.partition("?")[0].removesuffix("/") in PROBES:
            self._is_probe = True
            return self._delegate.headers_received(line, headers)
        self._request = Request(line, headers, began, trace)
        unwanted.leave_to_us(self._connection)
        if not unwanted.is_worth_reading(headers):
            self._respond_early()
        elif heads.has_body(headers):
            self._unwanted = UnwantedBody(self._site.unwanted_body, self._respond_early)
        return None

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        """Pass on the body of a probe, or drop that of a redirected request."""
        if self._is_probe:
            return self._delegate.data_received(chunk)
        if self._unwanted is not None:
            self._unwanted.arrived(len(chunk))
        return None

    def finish(self) -> None:
        """Respond, now that the request is complete."""
        if self._is_probe:
            self._delegate.finish()
        else:
            self._respond(last=False)

    def on_connection_close(self) -> None:
        """Clean up: the client has left, or has its response."""
        if self._is_probe:
            self._delegate.on_connection_close()
        self._answered = True
        self._forget_body()

    def _forget_body(self) -> None:
        if self._unwanted is not None:
            self._unwanted.end()
            self._unwanted = None

    def _respond_early(self) -> None:
        """Respond without the rest of the body, and close the connection."""
        self._respond(last=True)

    def _respond(self, *, last: bool) -> None:
        self._forget_body()
        if self._answered:
            return
        self._answered = True
        assert self._request is not None
        request_id = clients.request_id(self._request.headers.get("X-Request-Id"))
        response = self._redirect(self._request.line.path, request_id)
        direct.send(
            self._connection,
            self._site,
            self._request,
            response,
            request_id,
            route="other",
            last=last,
        )

    def _redirect(self, target: str, request_id: str) -> Response:
        """Return a 308 to the same target at `origin`, never at a host that the client sent."""
        if not target.startswith("/"):
            error = errors.MalformedUrl("The target of the request is not a path.")
            return failures.answer(error, request_id)
        return Response(
            status=308,
            headers=[
                ("Location", self._origin + quote(target, safe=_AS_IT_IS, encoding="latin-1")),
                ("Cache-Control", f"public, max-age={_KEPT}"),
                ("Access-Control-Allow-Origin", "*"),
            ],
        )
