"""Limits of the HTTP/2 frames without data that a client may send.

There is a budget for each connection and one for each client, so that a client cannot reset its
budget with a new connection. A unit is about 25 µs of the server's time, the cost of a PING.
"""

import time
from collections import OrderedDict
from collections.abc import Callable

from h2.exceptions import DenialOfServiceError

from liveresize.http.transport import clients

_BURST = 2_000
_RATE = 200
"""Units of a connection, at once and a second. A browser that cancels a page of 100 pictures
needs 500 at once; the rate is 0.5 % of one core."""

_CLIENT_BURST = 10_000
_CLIENT_RATE = 4_000
"""Units of all connections of a client. A page of 100 pictures needs 30 to 130, and 630 if it is
cancelled, so that an office of hundreds behind one address stays below. The burst is a
quarter of a second of one core, the rate a tenth of one core."""

CONNECTION = 20
"""Units that a connection costs: a handshake of TLS and the state of HTTP/2."""

_CLIENTS = 10_000
"""Clients with a budget of their own; the one that connected longest ago is dropped first."""


class FrameBudget:
    """A budget of `burst` units at once and `rate` a second; `shared` is charged, too."""

    def __init__(
        self,
        burst: int = _BURST,
        rate: int = _RATE,
        monotonic: Callable[[], float] = time.monotonic,
        shared: "FrameBudget | None" = None,
    ) -> None:
        self._burst = burst
        self._rate = rate
        self._monotonic = monotonic
        self._shared = shared
        self._remaining = float(burst)
        self._at = monotonic()

    @property
    def is_spent(self) -> bool:
        """Whether the budget is below zero."""
        if self._remaining < 0:
            now = self._monotonic()
            self._remaining = min(self._remaining + (now - self._at) * self._rate, self._burst)
            self._at = now
        return self._remaining < 0 or (self._shared is not None and self._shared.is_spent)

    def take_off(self, cost: int, *, alone: bool = False) -> None:
        """Subtract `cost`; below zero the next frame is refused.

        With `alone` the shared budget is not charged.
        """
        self._remaining -= cost
        if self._shared is not None and not alone:
            self._shared.take_off(cost)

    def charge(self, cost: int) -> None:
        """Subtract the `cost` of a frame. Raises DenialOfServiceError below zero."""
        self.take_off(cost)
        if self.is_spent:
            raise DenialOfServiceError("More frames than work.")

    def credit(self, gain: int) -> None:
        """Add `gain`, for data that was sent."""
        self._remaining = min(self._remaining + gain, self._burst)
        if self._shared is not None:
            self._shared.credit(gain)


class ClientBudgets:
    """The budgets of clients, each shared by all connections of the client."""

    def __init__(
        self,
        is_exempt: Callable[[str], bool] = lambda peer: False,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`is_exempt` returns True for proxies: their connections belong to many clients."""
        self._is_exempt = is_exempt
        self._monotonic = monotonic
        self._budgets: OrderedDict[str, FrameBudget] = OrderedDict()

    def of(self, peer: str) -> FrameBudget | None:
        """Return the budget of the client with this address; None for a proxy."""
        if self._is_exempt(peer):
            return None
        client = clients.counted_as(peer)
        budget = self._budgets.get(client)
        if budget is None:
            budget = FrameBudget(_CLIENT_BURST, _CLIENT_RATE, self._monotonic)
            self._budgets[client] = budget
            if len(self._budgets) > _CLIENTS:
                self._budgets.popitem(last=False)
        self._budgets.move_to_end(client)
        return budget
