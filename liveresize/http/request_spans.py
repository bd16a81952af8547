"""The span of a request, from its head to its access line."""

from collections.abc import Mapping

from tornado import httputil

from liveresize.http.context import AppContext
from liveresize.observe.metrics import requests
from liveresize.observe.metrics.registry import OTHER
from liveresize.observe.tracing.incoming import HEADER
from liveresize.observe.tracing.spans import Span

_NOTED = ("cache", "image_id", "variant", "error")
"""Fields of the access line that a span has as well, under our name."""


def begin(
    site: AppContext,
    connection: httputil.HTTPConnection,
    version: str,
    headers: httputil.HTTPHeaders,
    began: float,
) -> Span | None:
    """Begin the span of a request, if it has one; `began` is on the clock of `perf_counter`."""
    if not site.traces.on and HEADER not in headers:
        return None
    context = connection.context  # type: ignore[attr-defined]
    trusted = context.remote_ip in site.trusted_proxies
    span = site.traces.begin(headers, trusted=trusted, began=began)
    if span is not None and span.recorder is not None:
        span.attributes["url.scheme"] = context.protocol
        number = version.removeprefix("HTTP/").removesuffix(".0")
        span.attributes["network.protocol.version"] = number
    return span


def end(
    span: Span,
    *,
    route: str,
    method: str,
    path: str,
    status: int,
    client: str,
    size: int,
    request_id: str,
    noted: Mapping[str, object],
) -> None:
    """Record the span of a request that has been answered; `noted` are fields of its line."""
    known = method if method in requests.METHODS else OTHER
    span.name = f"{'HTTP' if known == OTHER else known} {route}"
    span.attributes |= {
        "http.request.method": "_OTHER" if known == OTHER else known,
        "url.path": path,
        "http.response.status_code": status,
        "http.response.body.size": size,
        "client.address": client,
        "liveresize.route": route,
        "liveresize.request_id": request_id,
    }
    for name in _NOTED:
        if noted.get(name):
            span.attributes[f"liveresize.{name}"] = str(noted[name])
    if status >= 500:
        span.error = str(noted.get("error") or status)
    span.end()
