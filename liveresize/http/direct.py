"""Send responses on a connection, without a RequestHandler."""

import http
import re
import time
from dataclasses import dataclass
from email.utils import formatdate

from tornado import httputil
from tornado.http1connection import HTTP1Connection

from liveresize import errors
from liveresize.http import access, failures, pages
from liveresize.http.context import AppContext
from liveresize.http.responses import Headers, Response
from liveresize.http.transport import clients
from liveresize.http.transport.connections import WatchedStream
from liveresize.http.transport.unsent import LARGE
from liveresize.observe.tracing.spans import Span

_REASONS = {status.value: status.phrase for status in http.HTTPStatus}

_METHOD = re.compile(r"[A-Z]{1,32}")

_FIELDS = re.compile(r"(?:[!#$%&'*+.^_`|~0-9A-Za-z-]+: [\t\x20-\x7e\x80-\xff]*\r\n)*")
"""Headers as they are sent."""


@dataclass(slots=True)
class Request:
    """The head of a request; `began` is on the clock of `perf_counter`, `trace` its span."""

    line: httputil.RequestStartLine
    headers: httputil.HTTPHeaders
    began: float
    trace: Span | None = None


def send(
    connection: httputil.HTTPConnection,
    site: AppContext,
    request: Request,
    response: Response,
    request_id: str,
    *,
    route: str,
    error: BaseException | None = None,
    last: bool = False,
) -> None:
    """Send a response from memory, and log the request.

    With `last` the connection is closed afterwards, as is necessary if the request is not
    complete.
    """
    response = failures.explained(response, request_id, request.line.method, request.headers)
    assert isinstance(response.body, bytes | memoryview)
    body = b"" if request.line.method == "HEAD" else response.body
    headers = _headers(response, request_id)
    if last:
        headers.append(("Connection", "close"))
        stream = getattr(connection, "stream", None)
        if isinstance(stream, WatchedStream):
            stream.lingers = True
    joined = isinstance(body, bytes) and len(body) <= LARGE  # a larger one would be copied
    if not last and _is_head_whole(connection, request):
        head = _head(response.status, headers)
        connection.write(head + body if joined else head)
    else:
        start = httputil.ResponseStartLine("HTTP/1.1", response.status, _REASONS[response.status])
        connection.write_headers(start, _tornado(headers), bytes(body) if joined else None)
    if not joined:
        connection.write(body)  # type: ignore[arg-type]
    connection.finish()
    peer = connection.context.remote_ip  # type: ignore[attr-defined]
    _log(peer, site, request, response, request_id, size=len(body), route=route, error=error)


def refuse(
    connection: httputil.HTTPConnection,
    site: AppContext,
    request: Request,
    error: errors.LiveResizeError,
    *,
    route: str = "other",
) -> None:
    """Respond with an error, whatever else the client sends, and close the connection."""
    request_id = clients.request_id(request.headers.get("X-Request-Id"))
    for name in ("Content-Length", "Transfer-Encoding"):  # nobody is to read a body
        request.headers.pop(name, None)
    page = pages.wanted(request.line.method, request.headers)
    response = failures.answer(error, request_id, page=page)
    send(connection, site, request, response, request_id, route=route, error=error, last=True)


def refuse_head(stream: WatchedStream, peer: str, site: AppContext) -> None:
    """Respond to a head that is larger than the limit; the caller closes the stream."""
    arrived = stream.arrived().lstrip(b"\r\n")
    first_line = arrived.partition(b"\n")[0]
    error = errors.UrlTooLong() if 2 * len(first_line) > len(arrived) else errors.HeadTooLarge()
    method, _, rest = first_line.decode("latin-1").partition(" ")
    target = rest.partition(" ")[0] if _METHOD.fullmatch(method) else ""
    line = httputil.RequestStartLine(method if target else "", target, "")
    request = Request(line, httputil.HTTPHeaders(), time.perf_counter())
    request_id = clients.request_id(None)
    response = failures.answer(error, request_id)
    assert isinstance(response.body, bytes)
    body = b"" if method == "HEAD" else response.body
    headers = [*_headers(response, request_id), ("Connection", "close")]
    stream.lingers = True
    stream.write(_head(response.status, headers) + body)
    _log(peer, site, request, response, request_id, size=len(body), route="other", error=error)


def _headers(response: Response, request_id: str) -> Headers:
    """The headers of an answer, with those that every answer has."""
    headers = [*response.headers, ("Date", date()), ("X-Request-Id", request_id)]
    if response.length is not None:
        headers.append(("Content-Length", str(response.length)))
    return headers


def _is_head_whole(connection: httputil.HTTPConnection, request: Request) -> bool:
    """Whether Tornado would add nothing to the head of an answer: over HTTP/1.1, on a connection
    that stays open. Then it is written as it is: HTTPHeaders and Tornado check and convert every
    header by itself, which takes as long as the rest of a hit."""
    headers = request.headers
    return (
        isinstance(connection, HTTP1Connection)
        and not connection.params.no_keep_alive
        and request.line.version == "HTTP/1.1"
        and ("Connection" not in headers or headers["Connection"].lower() == "keep-alive")
    )


def _head(status: int, headers: Headers) -> bytes:
    """The head of an answer as HTTP/1.1 sends it.

    Raises HTTPInputError, as HTTPHeaders does, for a header that would be read as another.
    """
    fields = "".join([f"{name}: {value}\r\n" for name, value in headers])
    if fields.count("\n") != len(headers) or not _FIELDS.fullmatch(fields):
        raise httputil.HTTPInputError("Invalid header in an answer")
    return f"HTTP/1.1 {status} {_REASONS[status]}\r\n{fields}\r\n".encode("latin-1")


def _tornado(headers: Headers) -> httputil.HTTPHeaders:
    """The same for Tornado."""
    named = httputil.HTTPHeaders()
    for name, value in headers:
        named.add(name, value)
    return named


def _log(
    peer: str,
    site: AppContext,
    request: Request,
    response: Response,
    request_id: str,
    *,
    size: int,
    route: str,
    error: BaseException | None,
) -> None:
    about, client = response.about, peer
    if site.trusted_proxies:
        forwarded = request.headers.get("X-Forwarded-For")
        client = clients.client_ip(peer, forwarded, site.trusted_proxies)
    access.note(
        route=route,
        method=request.line.method,
        path=request.line.path.partition("?")[0],
        status=response.status,
        client=client,
        duration_ms=(time.perf_counter() - request.began) * 1000,
        size=size,
        request_id=request_id,
        trace=request.trace,
        cache=about.cache and about.cache.value,
        application=site.applications.label(about.image),
        image_id=about.image,
        variant=about.variant,
        fallback=about.fallback or None,
        error=None if error is None else failures.code_of(error),
    )


_date = (0, "")


def date() -> str:
    """Return the `Date` of a response; formatted once a second."""
    global _date
    now = int(time.time())
    if _date[0] != now:
        _date = (now, formatdate(now, usegmt=True))
    return _date[1]
