"""What /_metrics answers: the registry, and what is read when it is asked for."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from liveresize.observe.metrics.registry import REGISTRY

_OPEN = "application/openmetrics-text"


def gauge(name: str, says: str, value: float) -> Metric:
    """A state, as it is now."""
    return GaugeMetricFamily(name, says, value=value)


def gauges(name: str, says: str, label: str, values: Mapping[str, float]) -> Metric:
    """A state of several things, told apart by one label."""
    family = GaugeMetricFamily(name, says, labels=[label])
    for thing, value in values.items():
        family.add_metric([thing], value)
    return family


def counter(name: str, says: str, value: float) -> Metric:
    """What somebody has counted since the start; `name` is without its `_total`."""
    return CounterMetricFamily(name, says, value=value)


def counters(name: str, says: str, label: str, values: Mapping[str, float]) -> Metric:
    """What was counted of several things, told apart by one label."""
    family = CounterMetricFamily(name, says, labels=[label])
    for thing, value in values.items():
        family.add_metric([thing], value)
    return family


def described(name: str, says: str, facts: Mapping[str, str]) -> Metric:
    """A 1 that carries facts as labels."""
    family = GaugeMetricFamily(name, says, labels=list(facts))
    family.add_metric(list(facts.values()), 1)
    return family


class Scrape:
    """Answers scrapes; those that come while one is under way share it.

    `read` gives what the registry does not hold. The text is put together in a thread: a
    thousand series take longer than a request should wait for the loop.
    """

    def __init__(self, read: Callable[[], Awaitable[Sequence[Metric]]]) -> None:
        self._read = read
        self._under_way: dict[str, asyncio.Task[bytes]] = {}

    async def answer(self, accept: str) -> tuple[str, bytes]:
        """(media type, text) for a client that accepts `accept`: OpenMetrics, or plain."""
        # The header goes no further: the client library repeats what it finds in there.
        encode, kind = choose_encoder(f"{_OPEN};version=1.0.0" if _OPEN in accept else "")
        task = self._under_way.get(kind)
        if task is None:
            task = asyncio.create_task(self._make(encode))
            self._under_way[kind] = task
            task.add_done_callback(lambda _: self._under_way.pop(kind))
        return kind, await asyncio.shield(task)

    async def _make(self, encode: Callable[[Collector], bytes]) -> bytes:
        return await asyncio.to_thread(encode, _Whole(await self._read()))


class _Whole(Collector):
    """The registry, and what was read beside it."""

    def __init__(self, read: Sequence[Metric]) -> None:
        self._read = read

    def collect(self) -> Iterator[Metric]:
        yield from REGISTRY.collect()
        yield from self._read
