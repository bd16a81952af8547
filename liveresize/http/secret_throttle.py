"""How many wrong secrets one client may try: none that is right can be found by guessing."""

import hmac
import time
from collections.abc import Callable, Sequence

from liveresize import errors
from liveresize.core.rates import Rate, Rates
from liveresize.http.transport import clients

_MINUTE = 60.0


class SecretThrottle:
    """Compares secrets, and counts against a client those that are wrong.

    Over its rate a client is refused before anything is compared, the right secret too:
    else the answer would still tell it which one that is. Other clients are not held up by
    it, and neither are its requests that bring another secret: a visitor with an old
    signature must not lock out the administrator behind the same address. So there is one
    counter for each configured secret, and a wrong guess counts for all that it was
    compared with: several ways to one secret are not several times as many guesses.
    """

    def __init__(
        self, per_minute: int = 30, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        """`per_minute` wrong ones are forgiven in a minute, and as many at once; 0: any."""
        self._rate = Rate(per_second=per_minute / _MINUTE, burst=per_minute)
        self._monotonic = monotonic
        self._rates: dict[str, Rates] = {}

    def attempt(self, client: str, secrets: Sequence[str], is_right: Callable[[], bool]) -> bool:
        """Whether what the client brought is right by one of the configured `secrets`.

        An empty `client` is not counted. Raises TooManyFailures, without asking, over the
        rate.
        """
        key, counters = clients.counted_as(client), [self._counter(each) for each in secrets]
        if any(counter.spent(key) for counter in counters):
            raise errors.TooManyFailures
        if is_right():
            return True
        for counter in counters:
            counter.charge(key)
        return False

    def one_of(self, client: str, candidate: bytes, secrets: Sequence[str]) -> bool:
        """Whether `candidate` is one of `secrets`; raises as `attempt`.

        What is empty is no guess, and never right.
        """
        if not candidate:
            return False

        def is_right() -> bool:
            # Every secret is compared, so that the time tells nothing of which came close.
            right = [hmac.compare_digest(candidate, each.encode()) for each in secrets]
            return any(right)

        return self.attempt(client, secrets, is_right)

    def _counter(self, secret: str) -> Rates:
        """What counts guesses at `secret`; there are no more than configured secrets."""
        if secret not in self._rates:
            self._rates[secret] = Rates(self._rate, lambda: self._monotonic())
        return self._rates[secret]
