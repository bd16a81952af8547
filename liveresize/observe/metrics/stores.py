"""The stores behind us: what S3 and the index took to answer, and how often they did not."""

import contextlib
import time
from collections.abc import Iterator

from prometheus_client import Counter, Histogram

from liveresize import errors
from liveresize.observe.metrics.registry import OTHER, REGISTRY, SECONDS

OPERATIONS = ("put", "get", "head", "delete", "list", OTHER)
"""What S3 is asked for."""

KINDS = ("lookup", "read", "write")
"""What the index is asked for: lookups are those that a GET waits for."""

_s3_seconds = Histogram(
    "liveresize_s3_request_duration_seconds",
    "What S3 took to answer, retries included; of a get, to its first byte.",
    ("operation",),
    buckets=SECONDS,
    registry=REGISTRY,
)
_s3_failures = Counter(
    "liveresize_s3_failures",
    "Requests to S3 that failed, when all their retries had.",
    ("operation",),
    registry=REGISTRY,
)
_index_seconds = Histogram(
    "liveresize_index_query_duration_seconds",
    "What the index took to answer, the wait for a connection included.",
    ("kind",),
    buckets=(0.00025, 0.0005, *SECONDS),
    registry=REGISTRY,
)
_index_failures = Counter(
    "liveresize_index_failures",
    "Queries that the index did not answer in time or at all.",
    ("kind",),
    registry=REGISTRY,
)

for _operation in OPERATIONS:
    _s3_failures.labels(_operation)
for _kind in KINDS:
    _index_failures.labels(_kind)


def s3(operation: str) -> contextlib.AbstractContextManager[None]:
    """Count and time one request to S3, by the name that botocore has for it."""
    name = _operation_of(operation)
    return _measured(_s3_seconds.labels(name), _s3_failures.labels(name))


def s3_broke_off() -> None:
    """Count an object that did not come to its end."""
    _s3_failures.labels("get").inc()


def index(kind: str) -> contextlib.AbstractContextManager[None]:
    """Count and time one query of that kind."""
    return _measured(_index_seconds.labels(kind), _index_failures.labels(kind))


def _operation_of(name: str) -> str:
    verb = name.partition("_")[0]
    return verb if verb in OPERATIONS else OTHER


@contextlib.contextmanager
def _measured(seconds: Histogram, failures: Counter) -> Iterator[None]:
    """Time what is inside. A StoreError is a failure, any other error an answer; what is
    cancelled tells nothing."""
    began = time.perf_counter()
    try:
        yield
    except errors.StoreError:
        failures.inc()
        seconds.observe(time.perf_counter() - began)
        raise
    except Exception:
        seconds.observe(time.perf_counter() - began)
        raise
    else:
        seconds.observe(time.perf_counter() - began)
