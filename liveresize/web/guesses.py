"""How many wrong secrets one client may try: none that is right can be found by guessing."""

import enum
import hmac
import time
from collections.abc import Callable, Mapping, Sequence

from liveresize import errors
from liveresize.service.rates import RateOptions, Rates
from liveresize.web import clients

_MINUTE = 60.0


class Kind(enum.Enum):
    """What is guessed at: each kind has a counter of its own."""

    ADMIN = enum.auto()
    """DELETE, /purge and the studio: they take the same secrets."""
    TOKEN = enum.auto()
    """The secret of /token."""
    VIP = enum.auto()
    """The token of vip's uploads and warm-ups."""
    FRESHNESS = enum.auto()
    """The header `Freshness-Token`."""
    SIGNATURE = enum.auto()
    """Signatures of URLs."""


class Guesses:
    """Compares secrets, and counts against a client those that are wrong.

    Over its rate a client is refused before anything is compared, the right secret too:
    else the answer would still tell it which one that is. Other clients are not held up by
    it, and neither are its requests that bring a secret of another kind: a visitor with an
    old signature must not lock out the administrator behind the same address. Kinds that
    have a secret in common share one counter, so that two kinds are not twice as many
    guesses at it.
    """

    def __init__(
        self,
        secrets: Mapping[Kind, Sequence[str]],
        per_minute: int = 30,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`per_minute` wrong ones are forgiven in a minute, and as many at once; 0: any."""
        self._secrets = {kind: tuple(filter(None, secrets.get(kind, ()))) for kind in Kind}
        self._monotonic = monotonic
        options = RateOptions(per_second=per_minute / _MINUTE, burst=per_minute)
        self._rates: dict[Kind, Rates] = {}
        for group in self._alike():
            rates = Rates(options, lambda: self._monotonic())
            self._rates.update(dict.fromkeys(group, rates))

    def _alike(self) -> list[set[Kind]]:
        """The kinds, those with a secret in common together."""
        groups: list[set[Kind]] = []
        for kind in Kind:
            common = [group for group in groups if any(self._overlap(kind, each) for each in group)]
            groups = [group for group in groups if group not in common]
            groups.append({kind}.union(*common))
        return groups

    def _overlap(self, one: Kind, other: Kind) -> bool:
        return not set(self._secrets[one]).isdisjoint(self._secrets[other])

    def attempt(self, client: str, kind: Kind, is_right: Callable[[], bool]) -> bool:
        """Whether what the client brought is right; an empty `client` is not counted.

        Raises TooManyFailures, without asking, over the rate.
        """
        party, rates = clients.counted_as(client), self._rates[kind]
        if rates.spent(party):
            raise errors.TooManyFailures
        if is_right():
            return True
        rates.charge(party)
        return False

    def one_of(self, client: str, kind: Kind, given: bytes) -> bool:
        """Whether `given` is one of the secrets of `kind`; raises as `attempt`.

        What is empty is no guess, and never right.
        """
        if not given:
            return False

        def is_right() -> bool:
            # Every secret is compared, so that the time tells nothing of which came close.
            right = [hmac.compare_digest(given, each.encode()) for each in self._secrets[kind]]
            return any(right)

        return self.attempt(client, kind, is_right)
