"""The webhook: an application is told of each upload, at least once.

What is yet to be told is a column of the original's row, written with the row itself; no
other queue exists. An attempt takes the row for a lease, so that instances do not say the
same at once, and so that what died with a process is said by the next one.
"""

import asyncio
import contextlib
import random
from collections.abc import Coroutine
from typing import Any

import structlog

from liveresize import __version__, errors
from liveresize.core import ports
from liveresize.core.originals import Original
from liveresize.settings.backends import Webhook
from liveresize.uploads import webhook_event

_log = structlog.get_logger("liveresize.webhook")

_AT_ONCE = 4
"""Attempts under way: a receiver that hangs must not pile them up."""

_GRACE = 15.0
"""Seconds by which a lease outlives its attempt: for the database to take and to clear it."""

_LONGEST = 3600.0
"""Seconds of the longest pause between attempts."""

_USER_AGENT = f"liveresize/{__version__}"


class WebhookDispatcher:
    """Tells the webhook; without a sender there is none, and it does nothing."""

    def __init__(
        self,
        webhook: Webhook,
        *,
        announcements: ports.Announcements,
        sender: ports.WebhookClient | None,
        clock: ports.Clock,
    ) -> None:
        self._webhook = webhook
        self._announcements = announcements
        self._sender = sender
        self._clock = clock
        self._turn = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        self._sending: set[str] = set()
        self._told: dict[str, None] = {}  # and the row does not say so yet
        self._kicked = self._more = self._closing = False
        self._failures = 0
        self.backlog = 0
        """Uploads that were yet to be told of when `catch_up` last looked."""

    @property
    def on(self) -> bool:
        """Whether there is a webhook, so that uploads are to be announced."""
        return self._sender is not None

    @property
    def failing(self) -> bool:
        """Whether the last attempt failed."""
        return self._failures > 0

    def kick(self) -> None:
        """There is something to tell; returns at once."""
        if self._sender is None or self._kicked or self._closing:
            return
        self._kicked = True
        self._spawn(self._hurry(self._sender))

    async def catch_up(self) -> None:
        """Begin to tell what is due, and count what waits. Raises IndexUnavailable."""
        if self._sender is None:
            return
        await self._take(self._sender)
        self.backlog = await self._announcements.count()

    async def close(self, patience: float) -> None:
        """Begin nothing more, and wait up to `patience` seconds for what is under way.

        What is left is stopped; its lease runs out, and whoever runs then tells it.
        """
        self._closing = True
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience):
                while self._tasks:  # what was being taken is begun
                    await asyncio.wait(set(self._tasks))
        left = set(self._tasks)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        if self._sender is not None:
            await self._sender.close()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _hurry(self, sender: ports.WebhookClient) -> None:
        with contextlib.suppress(errors.IndexUnavailable):  # `catch_up` comes again
            await self._take(sender)

    async def _take(self, sender: ports.WebhookClient) -> None:
        """Begin as many attempts as may be under way."""
        async with self._turn:
            self._kicked = False
            for generation in list(self._told):
                await self._note(generation)
            free = _AT_ONCE - len(self._sending)
            if free and not self._closing:
                lease = self._webhook.timeout + _GRACE
                due = await self._announcements.take(free, lease)
                for each in due:
                    self._sending.add(each.original.generation)
                    self._spawn(self._send(sender, each))
                free -= len(due)
            self._more = not free

    async def _send(self, sender: ports.WebhookClient, announcement: ports.Announcement) -> None:
        """Make one attempt, and give its place to the next."""
        generation = announcement.original.generation
        try:
            with contextlib.suppress(errors.IndexUnavailable):  # then its lease runs out
                await self._attempt(sender, announcement)
        finally:
            self._sending.discard(generation)
            if self._more:
                self.kick()

    async def _attempt(self, sender: ports.WebhookClient, announcement: ports.Announcement) -> None:
        original = announcement.original
        body = webhook_event.body(original)
        try:
            await sender.deliver(body, self._headers(original, body))
        except errors.WebhookUnavailable as error:
            self._failures += 1
            if self._failures == 1:
                _log.warning("webhook_failing", image_id=original.image.key, error=error.detail)
            await self._postpone(announcement, error)
            return
        if self._failures:
            _log.info("webhook_recovered", failures=self._failures)
        self._failures = 0
        self._told[original.generation] = None
        await self._note(original.generation)

    async def _postpone(
        self, announcement: ports.Announcement, error: errors.WebhookUnavailable
    ) -> None:
        """Have it tried again after a pause, unless that has been done for long enough."""
        original = announcement.original
        if announcement.age < self._webhook.give_up:
            await self._announcements.postpone(announcement, _pause(announcement.tries))
            return
        _log.error(
            "webhook_given_up",
            image_id=original.image.key,
            delivery=webhook_event.delivery(original.generation),
            tries=announcement.tries,
            error=error.detail,
        )
        self._told[original.generation] = None
        await self._note(original.generation)

    async def _note(self, generation: str) -> None:
        """Let the row say that this is done with. Raises IndexUnavailable."""
        await self._announcements.remove(generation)
        self._told.pop(generation, None)

    def _headers(self, original: Original, body: bytes) -> dict[str, str]:
        said_at = int(self._clock.time())
        return {
            "Content-Type": "application/json",
            "User-Agent": _USER_AGENT,
            "X-Liveresize-Event": webhook_event.EVENT,
            "X-Liveresize-Delivery": webhook_event.delivery(original.generation),
            "X-Liveresize-Signature": webhook_event.signature(self._webhook.secrets, said_at, body),
        }


def _pause(tries: int) -> float:
    """Seconds until the attempt after that many: doubling, jittered, an hour at most."""
    longest = min(2.0 ** min(tries - 1, 12), _LONGEST)
    return longest * random.uniform(0.5, 1.0)  # noqa: S311 (jitter is no secret)
