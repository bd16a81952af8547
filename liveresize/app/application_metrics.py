"""What /_metrics says of applications; nothing without any."""

from prometheus_client.core import CounterMetricFamily, Metric

from liveresize.maintenance.application_counts import ApplicationCounts
from liveresize.observe.metrics import applications as tallies
from liveresize.observe.metrics.exposition import counters, gauges
from liveresize.settings.applications import Applications

_LABEL = "application"


def read(applications: Applications, counts: ApplicationCounts) -> list[Metric]:
    """Return all series; applications without a quota have none of it."""
    if not applications:
        return []
    taken = {each.name: tallies.of(each.name) for each in applications}
    return [
        _two_labels(
            "liveresize_application_requests",
            "Requests for pictures of an application, by what X-Cache says.",
            "cache",
            {name: tally.requests for name, tally in taken.items()},
        ),
        _two_labels(
            "liveresize_application_refused",
            "Requests that were refused because of a limit of the application.",
            "code",
            {name: tally.refused for name, tally in taken.items()},
        ),
        counters(
            "liveresize_application_response_bytes",
            "Bytes of bodies that were sent for an application.",
            _LABEL,
            {name: tally.bytes for name, tally in taken.items()},
        ),
        counters(
            "liveresize_application_renders",
            "Renditions that were made for an application.",
            _LABEL,
            {name: tally.renders for name, tally in taken.items()},
        ),
        counters(
            "liveresize_application_render_seconds",
            "Seconds that workers took for them.",
            _LABEL,
            {name: tally.render_seconds for name, tally in taken.items()},
        ),
        gauges(
            "liveresize_application_pictures",
            "Pictures of an application, in all instances, as last read from the index.",
            _LABEL,
            {name: use.pictures or 0 for name, use in counts.totals.items()},
        ),
        gauges(
            "liveresize_application_bytes",
            "Bytes of the originals of an application, in all instances, as last read.",
            _LABEL,
            {name: use.bytes or 0 for name, use in counts.totals.items()},
        ),
        gauges(
            "liveresize_application_pictures_limit",
            "Pictures that an application may have (max_pictures).",
            _LABEL,
            {each.name: each.max_pictures for each in applications if each.max_pictures},
        ),
        gauges(
            "liveresize_application_bytes_limit",
            "Bytes of originals that an application may have (max_bytes_total).",
            _LABEL,
            {each.name: each.max_bytes_total for each in applications if each.max_bytes_total},
        ),
    ]


def _two_labels(name: str, text: str, label: str, values: dict[str, dict[str, int]]) -> Metric:
    family = CounterMetricFamily(name, text, labels=[_LABEL, label])
    for application, by_label in values.items():
        for each, value in by_label.items():
            family.add_metric([application, each], value)
    return family
