"""How many frames that carry nothing an HTTP/2 client may send.

One budget is a connection's, another one its client's: what a client has spent does not
come back by connecting again. A unit stands for about 25 µs of the server's time, which is
what a PING costs.
"""

import time
from collections import OrderedDict
from collections.abc import Callable

from h2.exceptions import DenialOfServiceError

from liveresize.http.transport import clients

_BURST = 2_000
_RATE = 200
"""Units of a connection, at once and a second. A browser that gives up a page of 100 pictures
takes 500 at once; the rate is 0.5 % of one core."""

_CLIENT_BURST = 10_000
_CLIENT_RATE = 4_000
"""Units of all connections of a client. A page of 100 pictures takes 30 to 130 and 630 where it
is given up, so that an office of hundreds behind one address stays below. The burst is a
quarter of a second of one core, the rate a tenth of it."""

CONNECTION = 20
"""Units that a connection costs: a handshake of TLS and the state of HTTP/2."""

_CLIENTS = 10_000
"""How many clients are told apart; the one that has connected longest ago starts afresh."""


class FrameBudget:
    """`burst` units at once, `rate` a second; what is taken off is taken off `shared`, too."""

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
        """Whether more was taken off than there was."""
        if self._remaining < 0:
            now = self._monotonic()
            self._remaining = min(self._remaining + (now - self._at) * self._rate, self._burst)
            self._at = now
        return self._remaining < 0 or (self._shared is not None and self._shared.is_spent)

    def take_off(self, cost: int, *, alone: bool = False) -> None:
        """Take `cost` off; where nothing is left, the next frame is one too many.

        `alone` leaves the shared one as it is.
        """
        self._remaining -= cost
        if self._shared is not None and not alone:
            self._shared.take_off(cost)

    def charge(self, cost: int) -> None:
        """Take the `cost` of a frame off. Raises DenialOfServiceError where nothing is left."""
        self.take_off(cost)
        if self.is_spent:
            raise DenialOfServiceError("More frames than work.")

    def credit(self, gain: int) -> None:
        """Give back `gain`, for work that went on."""
        self._remaining = min(self._remaining + gain, self._burst)
        if self._shared is not None:
            self._shared.credit(gain)


class ClientBudgets:
    """The budget of each client, which all of its connections share."""

    def __init__(
        self,
        is_exempt: Callable[[str], bool] = lambda peer: False,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`is_exempt` tells proxies, whose connections are those of many clients."""
        self._is_exempt = is_exempt
        self._monotonic = monotonic
        self._budgets: OrderedDict[str, FrameBudget] = OrderedDict()

    def of(self, peer: str) -> FrameBudget | None:
        """That of the client with this address; None where only connections are bounded."""
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
