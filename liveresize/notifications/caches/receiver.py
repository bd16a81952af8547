"""A cache as a receiver of events."""

import structlog

from liveresize.core import ports
from liveresize.core.events import Event
from liveresize.notifications.caches import stale
from liveresize.notifications.caches.drivers import Driver

_log = structlog.get_logger("liveresize.cdn")

PREFIX = "cdn:"
"""What the names of these receivers begin with."""

SETTLES = 60.0
"""Seconds after an event during which an answer from before it may still reach a cache: another
instance hears of the event within five seconds, and a render that began before ends within 30."""


class CacheReceiver:
    """ports.EventReceiver that tells a cache what to drop.

    `timeout` is that of one request; in a batch an event waits for a few of them.
    """

    kinds = stale.KINDS
    prefix = ""

    def __init__(self, name: str, driver: Driver, *, timeout: float) -> None:
        self.name = f"{PREFIX}{name}"
        self.timeout = timeout * 4
        self.at_once = driver.at_once
        self._driver = driver

    def log_failing(self, event: Event, error: str) -> None:
        """Log the first attempt that failed."""
        _log.warning("cdn_purge_failing", receiver=self.name, image_id=event.image.key, error=error)

    def log_recovered(self, failures: int) -> None:
        """Log the first attempt that succeeded after that."""
        _log.info("cdn_purge_recovered", receiver=self.name, failures=failures)

    def log_given_up(self, delivery: ports.Delivery, error: str) -> None:
        """Log a picture of which the cache may keep something."""
        _log.error(
            "cdn_purge_given_up",
            receiver=self.name,
            image_id=delivery.event.image.key,
            tries=delivery.tries,
            error=error,
        )

    def settles(self, event: Event) -> float:
        """Seconds after which the event is told once more."""
        return SETTLES if stale.of(event) else 0.0

    async def deliver(self, event: Event) -> None:
        """Tell the cache. Raises CacheUnavailable."""
        dropped = stale.of(event)
        if dropped is not None:
            await self._driver.purge(dropped)

    async def close(self) -> None:
        """Close every connection."""
        await self._driver.close()
