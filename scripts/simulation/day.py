"""A day of several instances: who answers what, and what changes when one is lost or added."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from scripts.simulation import traffic
from scripts.simulation.instance import Answer, Caches, Instance, Stored
from scripts.simulation.ring import Ring

Size = Callable[[traffic.Request], int]


@dataclass(frozen=True)
class Change:
    """From the second `at` on, the ring has `servers`, and those of them that are `down` serve
    nothing; an instance that was down comes back with empty memory."""

    at: float
    servers: tuple[str, ...]
    down: frozenset[str] = frozenset()


@dataclass
class Tally:
    """What happened in an interval, or a day."""

    answers: Counter[Answer] = field(default_factory=Counter)
    asked: Counter[str] = field(default_factory=Counter)

    @property
    def requests(self) -> int:
        return sum(self.answers.values())

    def share(self, *answers: Answer) -> float:
        """The share of these answers in all requests."""
        return sum(self.answers[each] for each in answers) / max(1, self.requests)

    def each(self, what: str) -> float:
        """How often something was asked for, for one request."""
        return self.asked[what] / max(1, self.requests)


def servers(count: int) -> tuple[str, ...]:
    """Names of so many servers, as they stand in deploy/nginx/instances.conf."""
    return tuple(f"10.0.0.{number}:1337" for number in range(11, 11 + count))


def usual_size(request: traffic.Request) -> int:
    """Bytes of a rendition of a photo."""
    return traffic.SIZES[request.variant]


class Day:
    """Runs requests through instances; `changes` in the order of their times.

    `name` is what nginx hashes by, `made`: old pictures have all their renditions.
    """

    def __init__(
        self,
        caches: Caches,
        changes: Sequence[Change],
        *,
        made: bool = True,
        size: Size = usual_size,
        name: Callable[[traffic.Request], str] = lambda request: f"picture-{request.picture}",
    ) -> None:
        self._caches = caches
        self._changes = list(changes)
        self._size = size
        self._name = name
        self._stored = Stored(made=made)
        self._instances: dict[str, Instance] = {}
        self._homes: dict[str, str] = {}
        self._next(self._changes.pop(0))

    def _next(self, change: Change) -> None:
        self._ring, self._down = Ring(change.servers), change.down
        self._homes.clear()
        for gone in change.down:
            self._instances.pop(gone, None)

    def send(self, request: traffic.Request, tally: Tally) -> Answer:
        """Have one request answered, and count it."""
        while self._changes and request.at >= self._changes[0].at:
            self._next(self._changes.pop(0))
        name = self._name(request)
        home = self._homes.get(name)
        if home is None:
            home = self._homes[name] = self._ring.home(name, self._down)
        instance = self._instances.get(home)
        if instance is None:
            instance = self._instances[home] = Instance(self._caches, self._stored)
        instance.asked = tally.asked
        original = request.picture, request.generation
        answer = instance.get(request.at, original, request.variant, self._size(request))
        tally.answers[answer] += 1
        return answer


def run(
    day: Day, requests: traffic.Traffic, until: float = traffic.DAY, interval: float = traffic.DAY
) -> list[Tally]:
    """The tallies of each `interval` seconds of a day."""
    tallies = [Tally() for _ in range(max(1, round(until / interval)))]
    for request in requests.requests(until):
        day.send(request, tallies[min(int(request.at / interval), len(tallies) - 1)])
    return tallies


def together(tallies: Sequence[Tally]) -> Tally:
    """One tally of several."""
    whole = Tally()
    for tally in tallies:
        whole.answers += tally.answers
        whole.asked += tally.asked
    return whole
