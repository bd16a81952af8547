"""Monitor whether the index answers: refuse queries while it does not, and log changes."""

import contextlib
from collections.abc import Iterator

import structlog

from liveresize import errors
from liveresize.storage.breaker import Breaker

_log = structlog.get_logger("liveresize.index")


class Watch:
    """The circuit breaker of lookups for GETs and of regular queries."""

    def __init__(self, breaker: Breaker) -> None:
        self._breaker = breaker
        self._was_healthy = True

    @property
    def healthy(self) -> bool:
        """Whether queries succeed."""
        return self._breaker.healthy

    @contextlib.contextmanager
    def question(self) -> Iterator[None]:
        """Run one query under the breaker; log when it opens or closes."""
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
