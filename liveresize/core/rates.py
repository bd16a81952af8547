"""Rate limits for each client: of new renditions, and of wrong secrets."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from liveresize import errors

_CLIENTS = 10_000
"""Clients with a bucket of their own; the one seen longest ago is forgotten first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """How often a second one client may do it (0: any), and how often at once."""

    per_second: float
    burst: float


class Rates:
    """A token bucket for each client."""

    def __init__(self, rate: Rate, monotonic: Callable[[], float]) -> None:
        self._rate = rate
        self._now = monotonic
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def spent(self, client: str) -> bool:
        """Whether `charge` would raise."""
        if not self._rate.per_second or client not in self._buckets:
            return False
        level, since = self._buckets[client]
        return level + (self._now() - since) * self._rate.per_second < 1

    def charge(self, client: str) -> None:
        """Count once against `client`; raises RateLimited over its rate."""
        rate = self._rate
        if not rate.per_second or not client:
            return
        now = self._now()
        level, since = self._buckets.pop(client, (rate.burst, now))
        level = min(rate.burst, level + (now - since) * rate.per_second)
        self._buckets[client] = (level - 1 if level >= 1 else level, now)
        if len(self._buckets) > _CLIENTS:
            self._buckets.popitem(last=False)
        if level < 1:
            raise errors.RateLimited
