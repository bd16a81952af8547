"""Limit the wrong secrets of one client, so that no secret can be guessed."""

import hmac
import time
from collections.abc import Callable, Sequence

from liveresize import errors
from liveresize.core.rates import Rate, Rates
from liveresize.http.transport import clients

_MINUTE = 60.0


class SecretThrottle:
    """Compares secrets, and counts against a client those that are wrong.

    Above its rate a client is refused before anything is compared, even with the right secret:
    otherwise the response would show which one is right. Other clients are not affected, and
    neither are requests of the same client with another kind of secret: a visitor with an old
    signature must not lock out the administrator behind the same address. So there is one
    counter for each configured secret, and a wrong guess counts for each secret that it was
    compared with. A secret that several endpoints check still has one limit.
    """

    def __init__(
        self, per_minute: int = 30, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        """`per_minute` wrong ones are forgiven in a minute, and as many at once; 0: any."""
        self._rate = Rate(per_second=per_minute / _MINUTE, burst=per_minute)
        self._monotonic = monotonic
        self._rates: dict[str, Rates] = {}

    def attempt(self, client: str, secrets: Sequence[str], is_right: Callable[[], bool]) -> bool:
        """Whether `is_right`; a failure counts against the client, for each of `secrets`.

        An empty `client` is not counted. Raises TooManyFailures above the rate, without a call
        of `is_right`.
        """
        key, counters = clients.counted_as(client), [self._counter(each) for each in secrets]
        if any(counter.spent(key) for counter in counters):
            raise errors.TooManyFailures
        if is_right():
            return True
        for counter in counters:
            counter.charge(key)
        return False

    def one_of(
        self, client: str, candidate: bytes, secrets: Sequence[str], purpose: str = ""
    ) -> bool:
        """Whether `candidate` is one of `secrets`; see `which`."""
        return self.which(client, candidate, secrets, purpose) is not None

    def which(
        self, client: str, candidate: bytes, secrets: Sequence[str], purpose: str = ""
    ) -> int | None:
        """Return the index of `candidate` in `secrets`; None if it is wrong. Raises TooManyFailures
        as `attempt`.

        An empty candidate is wrong, and does not count. Each `purpose` has counters of its own.
        """
        if not candidate:
            return None
        right: list[bool] = []

        def is_right() -> bool:
            # Every secret is compared, so that the time tells nothing of which came close.
            right.extend(hmac.compare_digest(candidate, each.encode()) for each in secrets)
            return any(right)

        named = [purpose + each for each in secrets]
        return right.index(True) if self.attempt(client, named, is_right) else None

    def _counter(self, secret: str) -> Rates:
        """Return the counter of wrong guesses at `secret`, a configured secret with its purpose."""
        if secret not in self._rates:
            self._rates[secret] = Rates(self._rate, lambda: self._monotonic())
        return self._rates[secret]
