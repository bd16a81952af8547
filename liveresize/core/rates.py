"""How often one client may do what costs the server something: new renditions, wrong
secrets."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from liveresize import errors

_CLIENTS = 10_000
"""How many clients are told apart; the one seen longest ago starts afresh."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RateOptions:
    """How often a second one client may do it (0: any), and how often at once."""

    per_second: float
    burst: float


class Rates:
    """A token bucket for each client."""

    def __init__(self, options: RateOptions, monotonic: Callable[[], float]) -> None:
        self._options = options
        self._now = monotonic
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def spent(self, client: str) -> bool:
        """Whether `charge` would raise."""
        if not self._options.per_second or client not in self._buckets:
            return False
        level, since = self._buckets[client]
        return level + (self._now() - since) * self._options.per_second < 1

    def charge(self, client: str) -> None:
        """Count once against `client`; raises RateLimited over its rate."""
        options = self._options
        if not options.per_second or not client:
            return
        now = self._now()
        level, since = self._buckets.pop(client, (options.burst, now))
        level = min(options.burst, level + (now - since) * options.per_second)
        self._buckets[client] = (level - 1 if level >= 1 else level, now)
        if len(self._buckets) > _CLIENTS:
            self._buckets.popitem(last=False)
        if level < 1:
            raise errors.RateLimited
