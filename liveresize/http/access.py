"""Log a finished request, and count it in the metrics."""

from liveresize.observe import log
from liveresize.observe.metrics import requests

_PROBES = ("/_health", "/_live", "/_ready", "/_metrics")
"""What balancers and Prometheus request every few seconds."""


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
    cache: str | None = None,
    error: str | None = None,
    **more: object,
) -> None:
    """Log and count one request; a probe that succeeds is logged at debug only.

    `route` is one of `metrics.requests.ROUTES`, `error` the code of the error; all other
    arguments are those of `log.access`.
    """
    requests.count(
        route=route,
        method=method,
        status=status,
        cache=cache,
        seconds=duration_ms / 1000,
        size=size,
        error=error,
    )
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
        **more,
    )
