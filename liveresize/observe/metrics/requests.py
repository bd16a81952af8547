"""Requests: how many, how long they took, what they brought and what they sent."""

import http

from prometheus_client import Counter, Histogram

from liveresize.observe.metrics.registry import INTERNAL, OK, OTHER, OUTCOMES, REGISTRY, SECONDS

ROUTES = (
    "hit",
    "rendition",
    "original",
    "facts",
    "object",
    "vip",
    "upload",
    "resumable_upload",
    "vip_upload",
    "token",
    "delete",
    "patch",
    "purge",
    "list",
    "warmup",
    "status",
    "studio",
    OTHER,
)
"""What requests are about. `hit` is any picture that memory answered, whatever kind it is;
what cannot be read as a picture's address is of the kind that it looks like."""

METHODS = ("GET", "HEAD", "POST", "PATCH", "DELETE", "OPTIONS", OTHER)

GONE = 499
"""The status of a request whose client did not wait for its answer."""

CHECKSUM_MISMATCH = 460
"""The status of tus for a part with another checksum."""

STATUSES = (
    *(str(each.value) for each in http.HTTPStatus),
    str(CHECKSUM_MISMATCH),
    str(GONE),
    OTHER,
)

NO_CACHE = "none"
CACHES = ("HIT-MEMORY", "HIT", "MISS", "COALESCED", "BYPASS", NO_CACHE)
"""What `X-Cache` says; `none` of answers that have nothing to do with it."""

_requests = Counter(
    "liveresize_requests",
    "Requests that were answered, or whose client left (status 499).",
    ("route", "method", "status", "cache"),
    registry=REGISTRY,
)
_seconds = Histogram(
    "liveresize_request_duration_seconds",
    "From the head of a request to the end of its answer.",
    ("route",),
    buckets=(0.00025, 0.0005, *SECONDS),
    registry=REGISTRY,
)
_sent = Counter(
    "liveresize_response_bytes",
    "Bytes of bodies that were sent.",
    ("route",),
    registry=REGISTRY,
)
_uploads = Counter(
    "liveresize_uploads",
    "Uploads by what became of them: ok, or the code of the error.",
    ("route", "outcome"),
    registry=REGISTRY,
)
_received = Counter(
    "liveresize_upload_bytes",
    "Bytes of images that were received, those of failed uploads included.",
    registry=REGISTRY,
)
_tokens = Counter(
    "liveresize_tokens",
    "Requests for a token by what became of them: ok, or the code of the error.",
    ("outcome",),
    registry=REGISTRY,
)

_durations = {route: _seconds.labels(route) for route in ROUTES}
_bodies = {route: _sent.labels(route) for route in ROUTES}
_counts: dict[tuple[str, str, int, str], Counter] = {}
"""The series of what was asked for before: finding one through `labels` costs as much as
counting. Its keys are as bounded as the sets above."""

_methods = {method: method for method in METHODS}
_statuses = {int(status): int(status) for status in STATUSES if status != OTHER}

_POSTED = ("upload", "vip_upload")
_RESUMABLE = "resumable_upload"

OUR_FAULT = (
    "disk_full",
    "index_unavailable",
    "internal",
    "object_store_unavailable",
    "queue_full",
    "render_timeout",
    "wait_timeout",
    "worker_died",
)
"""What uploads fail by that clients can do nothing about."""

# A series that begins with its first failure shows no increase: these are there before it.
for _route in (*_POSTED, _RESUMABLE):
    for _fault in OUR_FAULT:
        _uploads.labels(_route, _fault)


def count(
    *,
    route: str,
    method: str,
    status: int,
    cache: str | None,
    seconds: float,
    size: int,
    error: str | None,
) -> None:
    """Count one request; `cache` is what `X-Cache` says, `size` the bytes of the body sent,
    `error` the code of what it failed by. Runs in the event loop alone."""
    key = (route, _methods.get(method, OTHER), _statuses.get(status, 0), cache or NO_CACHE)
    counted = _counts.get(key)
    if counted is None:
        counted = _counts[key] = _requests.labels(key[0], key[1], str(key[2] or OTHER), key[3])
    counted.inc()
    _durations[route].observe(seconds)
    if size:
        _bodies[route].inc(size)
    if method == "POST":
        outcome = _outcome(status, error)
        if route in _POSTED:
            _uploads.labels(route, outcome).inc()
        elif route == "token":
            _tokens.labels(outcome).inc()


def resumable_ended(error: str | None) -> None:
    """Count an upload in parts that is whole, by the code of what it failed by."""
    _uploads.labels(_RESUMABLE, _outcome(200, error)).inc()


def received(size: int) -> None:
    """Count `size` bytes of an image on its way in."""
    _received.inc(size)


def by_cache() -> dict[str, int]:
    """How many requests there were of each of CACHES; those without any are left out."""
    found: dict[str, int] = {}
    for (_, _, _, cache), counted in list(_counts.items()):
        found[cache] = found.get(cache, 0) + _value(counted)
    return found


def uploaded() -> int:
    """How many uploads have been stored."""
    return sum(_value(_uploads.labels(route, OK)) for route in (*_POSTED, _RESUMABLE))


def _outcome(status: int, error: str | None) -> str:
    if status == GONE:
        return "cancelled"
    if error is None:
        return OK if status < 400 else INTERNAL
    return error if error in OUTCOMES else INTERNAL


def _value(counter: Counter) -> int:
    (family,) = counter.collect()
    return int(family.samples[0].value)
