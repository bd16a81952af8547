"""Log a finished request, and count it in the metrics."""

from liveresize.core import tokens
from liveresize.http import request_spans
from liveresize.observe import log
from liveresize.observe.log import bounds
from liveresize.observe.metrics import applications, requests
from liveresize.observe.tracing.spans import Span

_PROBES = ("/_health", "/_live", "/_ready", "/_metrics", "/ping")
"""What balancers and Prometheus request every few seconds."""


_UPLOADS = "/_uploads/"


def note(
    *,
    route: str,
    method: str,
    path: str,
    status: int,
    client: str,
    duration_ms: float,
    size: int,
    request_id: str,
    trace: Span | None,
    cache: str | None = None,
    error: str | None = None,
    application: str | None = None,
    **more: object,
) -> None:
    """Log and count one request; a probe that succeeds is logged at debug only.

    Whoever knows the id of an upload may continue it: of such a path the log has the name of its
    file instead, or the beginning of it.

    `route` is one of `metrics.requests.ROUTES`, `error` the code of the error, `application` the
    name of one of the configuration, and `trace` the span of the request; all other arguments are
    those of `log.access`.
    """
    if path.startswith(_UPLOADS):
        path = _without_id(path)
    requests.count(
        route=route,
        method=method,
        status=status,
        cache=cache,
        seconds=duration_ms / 1000,
        size=size,
        error=error,
    )
    if trace is not None:
        more["trace.id"], more["span.id"] = trace.context.trace_id, trace.context.span_id
        if trace.recorder is not None:
            request_spans.end(
                trace,
                route=route,
                method=method,
                path=bounds.cut(path, bounds.PATH),
                status=status,
                client=client,
                size=size,
                request_id=request_id,
                noted={**more, "cache": cache, "error": error},
            )
    if application is not None:
        applications.count(application, cache=cache, size=size, error=error)
    probe = route == "status" and status < 400 and path.partition("?")[0] in _PROBES
    log.access(
        level="debug" if probe else "info",
        method=method,
        path=path,
        status=status,
        client=client,
        duration_ms=duration_ms,
        size=size,
        request_id=request_id,
        cache=cache,
        error=error,
        application=application,
        **more,
    )


def _without_id(path: str) -> str:
    """Return the path of an upload with eight digits of the key of its file for its id."""
    name, slash, id_ = path[len(_UPLOADS) :].partition("/")
    return f"{_UPLOADS}{name}{slash}" + (f"~{tokens.digest(id_)[:8]}" if id_ else "")
