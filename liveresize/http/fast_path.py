"""Hits are answered here, before the Application: about twice as many a second.

A request that memory alone can answer never meets a RequestHandler. It is answered in
`finish`, when all of it has been read: an answer in `headers_received` would make
Tornado close the connection.
"""

import time
from collections.abc import Awaitable
from dataclasses import replace
from urllib.parse import unquote

from tornado import httputil
from tornado.web import Application

from liveresize import errors
from liveresize.core.urls import FactsRequest, RenditionRequest
from liveresize.delivery import outcomes
from liveresize.delivery.outcomes import OriginalFile, Redirect
from liveresize.http import direct, fallback_responses, request_spans, responses
from liveresize.http.conditions import Conditionals
from liveresize.http.context import AppContext
from liveresize.http.direct import Request
from liveresize.http.request_parser import ParsedRequest
from liveresize.http.responses import Response
from liveresize.http.transport import clients, heads, unwanted
from liveresize.http.transport.connections import WatchedStream
from liveresize.http.transport.unsent import LARGE
from liveresize.http.transport.unwanted import UnwantedBody
from liveresize.observe.tracing import spans

OBJECTS = "/_renditions/"


class FastPath(httputil.HTTPServerConnectionDelegate):
    """Stands before the Application and lets through what is no hit."""

    def __init__(self, site: AppContext, application: Application) -> None:
        self._site = site
        self._application = application

    def start_request(
        self, server_conn: object, request_conn: httputil.HTTPConnection
    ) -> httputil.HTTPMessageDelegate:
        """See tornado.httputil.HTTPServerConnectionDelegate."""
        stream = getattr(request_conn, "stream", None)
        visit = FastPathRequest(self._site, self._application, server_conn, request_conn)
        if isinstance(stream, WatchedStream):
            stream.idle_since = time.monotonic()
            stream.overfull = visit.head_too_large
        return visit

    def on_close(self, server_conn: object) -> None:
        """See tornado.httputil.HTTPServerConnectionDelegate."""
        self._application.on_close(server_conn)


class FastPathRequest(httputil.HTTPMessageDelegate):
    """One request: answered from memory in `finish`, or handed to the Application.

    The Application has the body of what takes one. Any other is dropped; what is left of it
    when the time for it is over is not waited for.
    """

    def __init__(
        self,
        site: AppContext,
        application: Application,
        server_conn: object,
        connection: httputil.HTTPConnection,
    ) -> None:
        self._site = site
        self._application = application
        self._server_conn = server_conn
        self._connection = connection
        self._through: httputil.HTTPMessageDelegate | None = None
        self._request: Request | None = None
        self._answer: Response | None = None
        self._unwanted: UnwantedBody | None = None
        self._drops = False
        self._over = False

    def head_too_large(self) -> None:
        """The head is larger than is read; the stream closes after this."""
        stream = self._connection.stream  # type: ignore[attr-defined]
        direct.refuse_head(stream, self._connection.context.remote_ip, self._site)  # type: ignore[attr-defined]

    def headers_received(
        self,
        start_line: httputil.RequestStartLine | httputil.ResponseStartLine,
        headers: httputil.HTTPHeaders,
    ) -> Awaitable[None] | None:
        """Look into memory; what is not there goes on to the Application."""
        assert isinstance(start_line, httputil.RequestStartLine)
        began = time.perf_counter()
        stream = getattr(self._connection, "stream", None)
        if isinstance(stream, WatchedStream):
            stream.idle_since = None
            stream.overfull = None  # the head is here
        trace = request_spans.begin(
            self._site, self._connection, start_line.version, headers, began
        )
        try:
            if getattr(self._connection, "is_head_too_large", False):
                raise errors.HeadTooLarge
            line = heads.read(start_line, headers)
        except errors.RequestError as error:
            self._over = True
            request = Request(start_line, headers, began, trace)
            direct.refuse(self._connection, self._site, request, error)
            return None
        self._request = Request(line, headers, began, trace)
        whole: bool | None = getattr(self._connection, "is_whole", None)  # HTTP/2 knows
        has_body = heads.has_body(headers) if whole is None else not whole
        forwarded = headers.get("X-Forwarded-For")
        if forwarded:
            self._site.unlisted_proxies.notice(self._peer, forwarded)
        if line.method == "GET":
            answer = self._look_up(line.path, headers)
            if answer is not None and self._may_send(answer.body, forwarded, has_body=has_body):
                self._answer = answer
        begun = None
        if self._answer is None:
            if trace is not None:  # of a hit, this is nearly all
                trace.past("parse", began, time.perf_counter())
            self._through = self._application.start_request(self._server_conn, self._connection)
            with spans.entered(self._request.trace):
                begun = self._through.headers_received(line, headers)
        if begun is None and has_body:
            self._drop_body(headers)
        return begun

    def _drop_body(self, headers: httputil.HTTPHeaders) -> None:
        """Read past a body that nobody takes, for a while."""
        self._drops = True
        headers.pop("Content-Type", None)  # or Tornado would parse what there is of it
        unwanted.leave_to_us(self._connection)  # type: ignore[arg-type]
        if unwanted.is_worth_reading(headers):
            seconds = self._site.unwanted_body
            self._unwanted = UnwantedBody(seconds, self._finish_early)
        else:
            headers.pop("Expect", None)  # a 100 would ask for the body
            self._finish_early()

    @property
    def _peer(self) -> str:
        peer: str = self._connection.context.remote_ip  # type: ignore[attr-defined]
        return peer

    def _may_send(self, body: object, forwarded: str | None, *, has_body: bool) -> bool:
        """Whether a body may be sent from here; else the Application answers, or refuses to.

        That is for a large one while there is no room for it, and where the request is yet to
        arrive: the body would be held for as long as that takes.
        """
        assert isinstance(body, bytes | memoryview)
        if len(body) <= LARGE:
            return True
        if has_body:
            return False
        client = self._site.client_key(self._peer, forwarded)
        self._connection.stream.client = client  # type: ignore[attr-defined]
        return self._site.unsent.admits(body, client)

    def _look_up(self, target: str, headers: httputil.HTTPHeaders) -> Response | None:
        site = self._site
        if target.startswith("/_"):
            if not target.startswith(OBJECTS) or site.signing.required:
                return None
            found = site.objects.recall(object_key(target))
            if found is None:
                return None
            return responses.stored_object(found, Conditionals.of("GET", headers), site.responses)
        if "Freshness-Token" in headers:
            return None
        if site.forces_overlays and "Authorization" in headers:
            return None  # an admin secret frees from the overlay
        try:
            parsed = site.request_parser.parse_cached(target, headers)
        except Exception:  # noqa: BLE001 (the Application answers it, and logs what it is)
            return None
        if parsed is None:
            return None
        request, options = parsed.request, parsed.options
        outcome = site.pictures.recall(request)
        if outcome is None:
            return None if "Authorization" in headers else self._instead(parsed)
        assert not isinstance(request, FactsRequest)
        if parsed.version:
            if parsed.version != outcomes.version(outcome):
                return None
            options = replace(options, immutable=True)
        varies = request.varies
        if isinstance(outcome, Redirect):
            return responses.found(outcome, Conditionals.of("GET", headers), options, varies=varies)
        if isinstance(outcome, OriginalFile):
            return responses.stored(outcome, Conditionals.of("GET", headers), options)
        return responses.rendered(outcome, Conditionals.of("GET", headers), options, varies=varies)

    def _instead(self, parsed: ParsedRequest) -> Response | None:
        """Show another picture instead of one that was missing a moment ago."""
        request = parsed.request
        shown = self._site.fallbacks.recall(request)
        if shown is None or parsed.version:
            return None
        assert isinstance(request, RenditionRequest)
        return fallback_responses.response(shown, parsed.options, varies=request.varies)

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        """Part of the body."""
        if self._unwanted is not None:
            self._unwanted.arrived(len(chunk))
        elif self._through is not None and not self._drops:
            return self._through.data_received(chunk)
        return None

    def finish(self) -> None:
        """The request is whole: answer it."""
        self._finish(early=False)

    def _finish_early(self) -> None:
        """Answer without the rest of the body; the connection ends with the answer."""
        stream = getattr(self._connection, "stream", None)
        if isinstance(stream, WatchedStream):
            stream.lingers = True
        self._finish(early=True)

    def _finish(self, *, early: bool) -> None:
        if self._over:
            return
        self._over = True
        self._forget_body()
        if self._through is not None:
            assert self._request is not None
            with spans.entered(self._request.trace):
                self._through.finish()
        else:
            self._send(last=early)

    def on_connection_close(self) -> None:
        """The client went away before its request was whole."""
        self._over = True
        self._forget_body()
        if self._through is not None:
            assert self._request is not None
            with spans.entered(self._request.trace):
                self._through.on_connection_close()

    def _forget_body(self) -> None:
        if self._unwanted is not None:
            self._unwanted.end()
            self._unwanted = None

    def _send(self, *, last: bool) -> None:
        answer, self._answer = self._answer, None  # held no longer than it takes to be sent
        assert answer is not None
        assert self._request is not None
        request_id = clients.request_id(self._request.headers.get("X-Request-Id"))
        error = errors.OriginalMissing() if answer.about.fallback else None
        direct.send(
            self._connection,
            self._site,
            self._request,
            answer,
            request_id,
            route="hit",
            error=error,
            last=last,
        )


def object_key(target: str) -> str:
    """The key of an object of the embedded store, from the target of its URL; empty where
    it can be none."""
    raw = target[len(OBJECTS) :].partition("?")[0]
    try:
        key = unquote(raw, errors="strict")
    except UnicodeDecodeError:
        return ""
    return "" if "\0" in key else key
