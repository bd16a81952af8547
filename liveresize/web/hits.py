"""Hits are answered here, before the Application: about twice as many a second.

A request that memory alone can answer never meets a RequestHandler. It is answered in
`finish`, when all of it has been read: an answer in `headers_received` would make
Tornado close the connection.
"""

import http
import time
from collections.abc import Awaitable
from email.utils import formatdate
from urllib.parse import unquote

from tornado import httputil
from tornado.web import Application

from liveresize.domain.urls import FactsRequest
from liveresize.service.outcomes import Found, Stored
from liveresize.web import access, clients, failures, responses
from liveresize.web.conditions import Asked
from liveresize.web.connections import WatchedStream
from liveresize.web.responses import Answer
from liveresize.web.site import Site

REASONS = {status.value: status.phrase for status in http.HTTPStatus}

OBJECTS = "/_renditions/"


def asked(method: str, headers: httputil.HTTPHeaders) -> Asked:
    """The request headers that change an answer."""
    return Asked(
        method,
        headers.get("If-None-Match", ""),
        headers.get("Range", ""),
        headers.get("If-Range", ""),
        headers.get("If-Modified-Since", ""),
    )


class Entrance(httputil.HTTPServerConnectionDelegate):
    """Stands before the Application and lets through what is no hit."""

    def __init__(self, site: Site, application: Application) -> None:
        self._site = site
        self._application = application

    def start_request(
        self, server_conn: object, request_conn: httputil.HTTPConnection
    ) -> httputil.HTTPMessageDelegate:
        """See tornado.httputil.HTTPServerConnectionDelegate."""
        stream = getattr(request_conn, "stream", None)
        if isinstance(stream, WatchedStream):
            stream.idle_since = time.monotonic()
        return Visit(self._site, self._application, server_conn, request_conn)

    def on_close(self, server_conn: object) -> None:
        """See tornado.httputil.HTTPServerConnectionDelegate."""
        self._application.on_close(server_conn)


class Visit(httputil.HTTPMessageDelegate):
    """One request: answered from memory in `finish`, or handed to the Application."""

    def __init__(
        self,
        site: Site,
        application: Application,
        server_conn: object,
        connection: httputil.HTTPConnection,
    ) -> None:
        self._site = site
        self._application = application
        self._server_conn = server_conn
        self._connection = connection
        self._through: httputil.HTTPMessageDelegate | None = None
        self._line: httputil.RequestStartLine | None = None
        self._headers = httputil.HTTPHeaders()
        self._answer: Answer | None = None
        self._began = 0.0

    def headers_received(
        self,
        start_line: httputil.RequestStartLine | httputil.ResponseStartLine,
        headers: httputil.HTTPHeaders,
    ) -> Awaitable[None] | None:
        """Look into memory; what is not there goes on to the Application."""
        assert isinstance(start_line, httputil.RequestStartLine)
        self._began = time.perf_counter()
        stream = getattr(self._connection, "stream", None)
        if isinstance(stream, WatchedStream):
            stream.idle_since = None
        self._line, self._headers = start_line, headers
        if start_line.method == "GET":
            self._answer = self._look_up(start_line.path, headers)
        if self._answer is not None:
            return None
        self._through = self._application.start_request(self._server_conn, self._connection)
        return self._through.headers_received(start_line, headers)

    def _look_up(self, target: str, headers: httputil.HTTPHeaders) -> Answer | None:
        site = self._site
        if target.startswith("/_"):
            if not target.startswith(OBJECTS) or site.options.signing.required:
                return None
            found = site.pictures.recall_object(object_key(target))
            return None if found is None else responses.stored_object(found, asked("GET", headers))
        if "Freshness-Token" in headers:
            return None
        try:
            wanted = site.addresses.glance(target, headers)
        except Exception:  # noqa: BLE001 (the Application answers it, and logs what it is)
            return None
        if wanted is None:
            return None
        request, options = wanted.request, wanted.options
        outcome = site.pictures.recall(request)
        if outcome is None:
            return None
        assert not isinstance(request, FactsRequest)
        varies = request.varies
        if isinstance(outcome, Found):
            return responses.found(outcome, asked("GET", headers), options, varies=varies)
        if isinstance(outcome, Stored):
            return responses.stored(outcome, asked("GET", headers), options)
        return responses.rendered(outcome, asked("GET", headers), options, varies=varies)

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        """The body of a hit is read and dropped."""
        if self._through is not None:
            return self._through.data_received(chunk)
        return None

    def finish(self) -> None:
        """The request is whole: answer it."""
        if self._through is not None:
            self._through.finish()
        else:
            self._send()

    def on_connection_close(self) -> None:
        """The client went away before its request was whole."""
        if self._through is not None:
            self._through.on_connection_close()

    def _send(self) -> None:
        answer, line = self._answer, self._line
        assert answer is not None
        assert line is not None
        request_id = clients.request_id(self._headers.get("X-Request-Id"))
        answer = failures.explained(answer, request_id)
        assert isinstance(answer.body, bytes)
        headers = httputil.HTTPHeaders()
        for name, value in answer.headers:
            headers.add(name, value)
        headers["Date"] = date()
        headers["X-Request-Id"] = request_id
        if answer.length is not None:
            headers["Content-Length"] = str(answer.length)
        start = httputil.ResponseStartLine("HTTP/1.1", answer.status, REASONS[answer.status])
        self._connection.write_headers(start, headers, answer.body)
        self._connection.finish()
        about = answer.about
        peer = self._connection.context.remote_ip  # type: ignore[attr-defined]
        access.note(
            route="hit",
            method=line.method,
            path=line.path.partition("?")[0],
            status=answer.status,
            client=clients.client_ip(
                peer, self._headers.get("X-Forwarded-For"), self._site.options.trusted_proxies
            ),
            duration_ms=(time.perf_counter() - self._began) * 1000,
            size=len(answer.body),
            request_id=request_id,
            cache=about.cache and about.cache.value,
            image_id=about.image,
            variant=about.variant,
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


_date = (0, "")


def date() -> str:
    """The `Date` of an answer; made once a second."""
    global _date
    now = int(time.time())
    if _date[0] != now:
        _date = (now, formatdate(now, usegmt=True))
    return _date[1]
