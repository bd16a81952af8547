"""How many wrong secrets one client may try: none that is right can be found by guessing."""

import hmac
import time
from collections.abc import Callable, Iterable

from liveresize import errors
from liveresize.service.rates import RateOptions, Rates
from liveresize.web import clients

_MINUTE = 60.0


class Guesses:
    """Compares secrets, and counts against a client those that are wrong.

    Over its rate a client is refused before anything is compared, the right secret too:
    else the answer would still tell it which one that is. Others are not held up by it.
    """

    def __init__(
        self, per_minute: int = 30, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        """`per_minute` wrong ones are forgiven in a minute, and as many at once; 0: any."""
        self._rates = Rates(
            RateOptions(per_second=per_minute / _MINUTE, burst=per_minute), monotonic
        )

    def attempt(self, client: str, is_right: Callable[[], bool]) -> bool:
        """Whether what the client brought is right.

        Raises TooManyFailures, without asking, over the rate.
        """
        party = clients.counted_as(client)
        if self._rates.spent(party):
            raise errors.TooManyFailures
        if is_right():
            return True
        self._rates.charge(party)
        return False

    def one_of(self, client: str, given: bytes, secrets: Iterable[str]) -> bool:
        """Whether `given` is one of `secrets`; raises as `attempt`.

        What is empty is no guess, and never right.
        """
        if not given:
            return False

        def is_right() -> bool:
            # Every secret is compared, so that the time tells nothing of which came close.
            right = [hmac.compare_digest(given, each.encode()) for each in secrets]
            return any(right)

        return self.attempt(client, is_right)
