"""The base of all handlers: request id, responses, access log and errors."""

import asyncio
import contextlib
import functools
import os
import time
from collections.abc import Awaitable
from dataclasses import replace
from typing import TypeVar

import structlog
from tornado.iostream import StreamClosedError
from tornado.web import HTTPError, RequestHandler

from liveresize import errors
from liveresize.core.ports import ObjectBody
from liveresize.delivery.outcomes import Streamed
from liveresize.http import access, cors, direct, failures, pages
from liveresize.http.conditions import Conditionals
from liveresize.http.context import AppContext
from liveresize.http.responses import NOTHING, AccessInfo, Part, Response, Slice
from liveresize.http.transport import clients
from liveresize.http.transport.unsent import LARGE
from liveresize.observe.tracing import spans

_log = structlog.get_logger("liveresize.web")

CHUNK = 256 << 10
"""Bytes of a file that are read (in a thread) and written at a time."""

_FIRST_CHUNK = 32 << 10
"""The first chunk, and every chunk while too much is unsent; doubled as the client reads: over
HTTP/2 one client can request a hundred large files at once and read nothing."""

GONE = 499
"""The status in the log if the client left before the response (as in nginx)."""

T = TypeVar("T")


class Handler(RequestHandler):
    """Base of all handlers. Subclasses pass responses to `respond` and raise errors."""

    site: AppContext
    cross_origin = True
    """Whether pages of other origins may read the errors."""
    application_name: str | None = None
    """The application that a request belongs to, where the response does not tell its picture."""
    route = "other"
    """The route in the metrics: one of `metrics.requests.ROUTES`."""

    def initialize(self, site: AppContext) -> None:
        """Set the context; see tornado.web.RequestHandler."""
        self.site = site
        self.began = time.perf_counter()
        self.request_id = clients.request_id(self.request.headers.get("X-Request-Id"))
        self.trace = spans.current()
        self._work: asyncio.Future[object] | None = None
        self._about: AccessInfo = NOTHING
        self._error: BaseException | None = None
        self._sent = 0
        self._client_left = False
        self.error_headers: list[tuple[str, str]] = []

    def set_default_headers(self) -> None:
        """Set only the headers that every response has."""
        self.clear_header("Server")
        self.clear_header("Content-Type")
        self.set_header("Date", direct.date())

    def compute_etag(self) -> None:
        """Do not let Tornado hash a body on the event loop: the ETags come with the bytes."""

    def check_xsrf_cookie(self) -> None:
        """Do nothing: there are no cookies."""

    @functools.cached_property
    def client(self) -> str:
        """The address of the client, as told by trusted proxies."""
        peer = self.request.connection.context.remote_ip  # type: ignore[union-attr]
        forwarded = self.request.headers.get("X-Forwarded-For")
        return clients.client_ip(peer, forwarded, self.site.trusted_proxies)

    @functools.cached_property
    def client_key(self) -> str:
        """The key of the client for limits; empty for an unlisted proxy."""
        peer = self.request.connection.context.remote_ip  # type: ignore[union-attr]
        return self.site.client_key(peer, self.request.headers.get("X-Forwarded-For"))

    @property
    def target(self) -> str:
        """The raw target of the request."""
        return self.request.uri or ""

    @property
    def conditionals(self) -> Conditionals:
        """The request headers that change a response."""
        return Conditionals.of(self.request.method or "GET", self.request.headers)

    async def wait_for(self, work: Awaitable[T]) -> T:
        """Return the result of `work`, which is cancelled if the client leaves meanwhile."""
        task = asyncio.ensure_future(work)
        self._work = task  # type: ignore[assignment]
        try:
            return await task
        finally:
            self._work = None

    def on_connection_close(self) -> None:
        """Cancel the work, because the client has left."""
        super().on_connection_close()  # ends a request that waits for its body
        self._client_left = not self._headers_written
        if self._work is not None:
            self._work.cancel()

    async def begin(self, outcome: Streamed, response: Response) -> Response:
        """Return the response with a stream as its body, if its body is a Part.

        Raises OriginalElsewhere if the object was removed before its part was opened.
        """
        part = response.body
        if isinstance(part, Part) and part.length == outcome.body.size:
            return replace(response, body=outcome.body)
        await outcome.body.close()
        if not isinstance(part, Part):
            return response
        body = await outcome.part(part.start, part.start + part.length - 1)
        if body is None:
            raise errors.OriginalElsewhere
        return replace(response, body=body)

    async def respond(self, response: Response) -> None:
        """Send a response, including files and streams, and finish."""
        request = self.request
        response = failures.explained(response, self.request_id, request.method, request.headers)
        self.set_status(response.status)
        self._about = response.about
        for name, value in response.headers:
            self.add_header(name, value)
        self.set_header("X-Request-Id", self.request_id)
        if response.length is not None:
            self.set_header("Content-Length", str(response.length))
        bodiless = self.request.method == "HEAD" or response.status == 304
        if isinstance(response.body, Slice):
            if not bodiless:
                with contextlib.suppress(StreamClosedError):  # the client has what it wanted
                    await self._send_file(response.body)
        elif isinstance(response.body, bytes | memoryview):
            if response.body and not bodiless:
                self._send(response.body)
        else:
            assert not isinstance(response.body, Part)
            with contextlib.suppress(StreamClosedError):
                await self._pass_on(response.body)
        if bodiless and response.status != 304:
            await self.flush()  # else Tornado would claim a Content-Length of 0
        self.finish()

    def _send(self, body: bytes | memoryview) -> None:
        """Send a body; a large one separately from the head, so that it is not copied."""
        self._sent = len(body)
        if isinstance(body, bytes) and len(body) <= LARGE:
            self.write(body)
        else:
            self.flush()
            self.request.connection.write(body)  # type: ignore[union-attr, arg-type]

    async def _send_file(self, part: Slice) -> None:
        """Send part of a file in chunks, as fast as the client reads.

        The file is opened once: a picture that is deleted meanwhile is sent completely. Raises
        OriginalElsewhere if it was removed before.
        """
        try:
            file = await asyncio.to_thread(part.path.open, "rb", buffering=0)
        except OSError as error:
            raise errors.OriginalElsewhere("", f"cannot be opened: {error.strerror}") from error
        start, end, chunk = part.start, part.start + part.length, _FIRST_CHUNK
        with file:
            while start < end:
                size = min(chunk, end - start)
                data = await asyncio.to_thread(os.pread, file.fileno(), size, start)
                if not data:
                    # The file ended early: breaking off is how HTTP says so.
                    self.request.connection.stream.close()  # type: ignore[union-attr]
                    return
                start += len(data)
                self._sent += len(data)
                self.write(data)
                await self.flush()
                chunk = min(2 * chunk, CHUNK)
                if not self.site.unsent.has_room(chunk):
                    chunk = _FIRST_CHUNK

    async def _pass_on(self, body: ObjectBody) -> None:
        """Send the stream from the store, as fast as the client reads."""
        try:
            async for chunk in body.chunks():
                self._sent += len(chunk)
                self.write(chunk)
                await self.flush()
        except errors.ObjectStoreUnavailable as error:
            _log.warning("stream_broken", request_id=self.request_id, error=error.detail)
            self.request.connection.stream.close()  # type: ignore[union-attr]
        finally:
            await body.close()

    def write_error(self, status_code: int, **kwargs: object) -> None:
        """Send the response to an error; see tornado.web.RequestHandler."""
        info = kwargs.get("exc_info")
        error = info[1] if isinstance(info, tuple) else None
        self._error = error
        page = pages.wanted(self.request.method, self.request.headers)
        if isinstance(error, HTTPError) or error is None:
            response = failures.answer_status(status_code, self.request_id, page=page)
        else:
            response = failures.answer(error, self.request_id, page=page)
        self.clear()
        self.set_status(response.status)
        for name, value in response.headers:
            self.set_header(name, value)
        if not self.cross_origin:
            for name, _ in cors.READABLE:
                self.clear_header(name)
        for name, value in self.error_headers:
            self.set_header(name, value)
        self.set_header("X-Request-Id", self.request_id)
        assert isinstance(response.body, bytes)
        self.set_header("Content-Length", str(len(response.body)))
        if self.request.method != "HEAD":
            self._sent = len(response.body)
            self.write(response.body)
        self.finish()

    def log_exception(self, typ: object, value: BaseException | None, tb: object) -> None:
        """Log an unexpected error; expected ones are only fields of the access line."""
        if isinstance(value, HTTPError | StreamClosedError | errors.LiveResizeError):
            return
        _log.error("unexpected_error", request_id=self.request_id, exc_info=value)

    def on_finish(self) -> None:
        """Log the request."""
        self._write_access_line()

    def _write_access_line(self) -> None:
        about, timings = self._about, self._about.timings
        error = self._error
        detail = error.detail if isinstance(error, errors.LiveResizeError) else ""
        access.note(
            route=self.route,
            method=self.request.method or "",
            path=self.request.path,
            status=GONE if self._client_left else self.get_status(),
            client=self.client,
            duration_ms=(time.perf_counter() - self.began) * 1000,
            size=self._sent,
            request_id=self.request_id,
            trace=self.trace,
            cache=about.cache and about.cache.value,
            application=self.application_name or self.site.applications.label(about.image),
            image_id=about.image,
            variant=about.variant,
            queue_ms=timings and round(timings.queue, 1),
            decode_ms=timings and round(timings.decode, 1),
            resize_ms=timings and round(timings.resize, 1),
            encode_ms=timings and round(timings.encode, 1),
            notes=list(about.notes) or None,
            fallback=about.fallback or None,
            error=None if error is None else failures.code_of(error),
            error_detail=detail or None,
            cause=error.cause if isinstance(error, errors.TokenRefused | errors.Refused) else None,
        )


class Unknown(Handler):
    """The handler of unknown routes."""

    def prepare(self) -> None:
        """Respond with 404, whatever the method."""
        raise HTTPError(404)

    def write_error(self, status_code: int, **kwargs: object) -> None:
        """Respond with 404 to methods that Tornado does not know, too."""
        super().write_error(404, **kwargs)
