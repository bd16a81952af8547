"""Send responses on a connection, without a RequestHandler."""

import http
import re
import time
from dataclasses import dataclass
from email.utils import formatdate

from tornado import httputil

from liveresize import errors
from liveresize.http import access, failures
from liveresize.http.context import AppContext
from liveresize.http.responses import Response
from liveresize.http.transport import clients
from liveresize.http.transport.connections import WatchedStream
from liveresize.http.transport.unsent import LARGE

_REASONS = {status.value: status.phrase for status in http.HTTPStatus}

_METHOD = re.compile(r"[A-Z]{1,32}")


@dataclass(slots=True)
class Request:
    """The head of a request; `began` is on the clock of `perf_counter`."""

    line: httputil.RequestStartLine
    headers: httputil.HTTPHeaders
    began: float


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
    response = failures.explained(response, request_id)
    assert isinstance(response.body, bytes | memoryview)
    body = b"" if request.line.method == "HEAD" else response.body
    headers = _headers(response, request_id)
    if last:
        headers["Connection"] = "close"
        stream = getattr(connection, "stream", None)
        if isinstance(stream, WatchedStream):
            stream.lingers = True
    start = httputil.ResponseStartLine("HTTP/1.1", response.status, _REASONS[response.status])
    if isinstance(body, bytes) and len(body) <= LARGE:
        connection.write_headers(start, headers, body)
    else:  # joined to the head it would be copied
        connection.write_headers(start, headers)
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
    response = failures.answer(error, request_id)
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
    headers = _headers(response, request_id)
    headers["Connection"] = "close"
    lines = [f"HTTP/1.1 {response.status} {_REASONS[response.status]}"]
    lines += [f"{name}: {value}" for name, value in headers.get_all()]
    stream.lingers = True
    stream.write("\r\n".join([*lines, "", ""]).encode("latin-1") + body)
    _log(peer, site, request, response, request_id, size=len(body), route="other", error=error)


def refuse_chunk(stream: WatchedStream) -> None:
    """Respond as Tornado does to a body that it cannot read; the caller closes the stream."""
    stream.lingers = True
    stream.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")


def _headers(response: Response, request_id: str) -> httputil.HTTPHeaders:
    headers = httputil.HTTPHeaders()
    for name, value in response.headers:
        headers.add(name, value)
    headers["Date"] = date()
    headers["X-Request-Id"] = request_id
    if response.length is not None:
        headers["Content-Length"] = str(response.length)
    return headers


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
    about, forwarded = response.about, request.headers.get("X-Forwarded-For")
    access.note(
        route=route,
        method=request.line.method,
        path=request.line.path.partition("?")[0],
        status=response.status,
        client=clients.client_ip(peer, forwarded, site.trusted_proxies),
        duration_ms=(time.perf_counter() - request.began) * 1000,
        size=size,
        request_id=request_id,
        cache=about.cache and about.cache.value,
        image_id=about.image,
        variant=about.variant,
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
