"""A circuit breaker: after several failures in a row, it refuses calls for a moment."""

import contextlib
import time
from collections.abc import Callable, Iterator

from liveresize import errors


class Breaker:
    """A circuit breaker for a store, so that callers do not wait for it while it does not answer.

    While closed, it allows every call; `threshold` failures in a row open it. While open, it
    refuses calls at once. After `rest` seconds one call is allowed as a probe, and its result
    closes or opens the breaker again.

    `failure` is the error that counts as a failure; any other error of a call counts as an
    answer. `monotonic` returns seconds that never go back.
    """

    def __init__(
        self,
        failure: type[errors.StoreError],
        *,
        threshold: int = 3,
        rest: float = 1.0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._failure = failure
        self._threshold = threshold
        self._rest = rest
        self._monotonic = monotonic
        self._failures = 0
        self._opened_at: float | None = None
        self._probing = False

    @property
    def healthy(self) -> bool:
        """Whether the breaker is closed."""
        return self._opened_at is None

    def opened_within(self, seconds: float) -> bool:
        """Whether it is open, and a call has failed in the last `seconds`."""
        return self._opened_at is not None and self._monotonic() - self._opened_at < seconds

    @contextlib.contextmanager
    def guarded(self) -> Iterator[None]:
        """Make one call inside this block. Raises `failure` at once while open."""
        probe = self._admit()
        try:
            yield
        except self._failure:
            self._failed(probe)
            raise
        except Exception:
            self._succeeded()
            raise
        else:
            self._succeeded()
        finally:
            # A cancelled probe has learnt nothing: the next caller may try.
            if probe:
                self._probing = False

    def _admit(self) -> bool:
        """Whether this call is the probe. Raises `failure` if the call is refused."""
        if self._opened_at is None:
            return False
        if self._probing or self._monotonic() - self._opened_at < self._rest:
            raise self._failure("", "the breaker is open")
        self._probing = True
        return True

    def _succeeded(self) -> None:
        self._failures = 0
        self._opened_at = None

    def _failed(self, probe: bool) -> None:
        self._failures += 1
        # Calls from before it opened fail late: they must not put the probe off.
        if probe or (self._opened_at is None and self._failures >= self._threshold):
            self._opened_at = self._monotonic()
