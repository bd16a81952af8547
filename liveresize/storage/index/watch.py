"""Whether the index answers: stops questions while it does not, and logs when that changes."""

import contextlib
from collections.abc import Iterator

import structlog

from liveresize import errors
from liveresize.storage.breaker import Breaker

_log = structlog.get_logger("liveresize.index")


class Watch:
    """The breaker of the questions that a GET waits for, or that are asked all the time."""

    def __init__(self, breaker: Breaker) -> None:
        self._breaker = breaker
        self._was_healthy = True

    @property
    def healthy(self) -> bool:
        """Whether questions are being answered."""
        return self._breaker.healthy

    @contextlib.contextmanager
    def question(self) -> Iterator[None]:
        """One question under the breaker; says so when it opens or closes."""
        try:
            with self._breaker.guarded():
                yield
        except errors.IndexUnavailable as error:
            if self._was_healthy and not self.healthy:
                self._was_healthy = False
                _log.error("index_unavailable", error=error.detail.partition("\n")[0])
            raise
        finally:
            if not self._was_healthy and self.healthy:
                self._was_healthy = True
                _log.info("index_available")
