"""The registry of this process, and what its metrics have in common."""

from prometheus_client import CollectorRegistry, ProcessCollector, disable_created_metrics

from liveresize import errors

# A second series beside each counter and histogram, for the time at which it began.
disable_created_metrics()  # type: ignore[no-untyped-call]

REGISTRY = CollectorRegistry()
ProcessCollector(namespace="liveresize", registry=REGISTRY)

OTHER = "other"
"""What a label says in place of anything that is not in its set."""

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Upper bounds of what takes from a millisecond to the deadline of a render."""

OK, CANCELLED, INTERNAL = "ok", "cancelled", "internal"


def _codes(of: type[errors.LiveResizeError]) -> set[str]:
    return {of.code}.union(*(_codes(each) for each in of.__subclasses__()))


OUTCOMES = frozenset({OK, CANCELLED, INTERNAL, *_codes(errors.LiveResizeError)})
"""What may become of anything: `ok`, or the code of an error of ours; `cancelled` where
nobody waited for it any more, `internal` for errors that are not ours."""
