"""Tell one receiver of events, at least once.

What it is yet to be told is in the index; no other queue exists. An attempt takes an event for a
lease, so that instances do not say the same at once, and so that what died with a process is said
by the next one.
"""

import asyncio
import contextlib
import random
from collections.abc import Coroutine
from typing import Any

from liveresize import errors
from liveresize.core import ports
from liveresize.observe.tracing import incoming, spans
from liveresize.observe.tracing.incoming import IncomingTraces

_GRACE = 15.0
"""Seconds by which a lease outlives its attempt: for the database to take and to clear it."""

_LONGEST = 3600.0
"""Seconds of the longest pause between attempts."""


class Courier:
    """Tells one receiver. `give_up` is the seconds after which a failed attempt is the last."""

    def __init__(
        self,
        receiver: ports.EventReceiver,
        *,
        deliveries: ports.Deliveries,
        give_up: float,
        traces: IncomingTraces = incoming.OFF,
    ) -> None:
        self._receiver = receiver
        self._deliveries = deliveries
        self._give_up = give_up
        self._traces = traces
        self._turn = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        self._sending: set[int] = set()
        self._told: dict[int, bool] = {}  # serial → whether it failed; the row does not say so yet
        self._kicked = self._more = self._closing = False
        self._failures = 0
        self.backlog = 0
        """Events that were yet to be told of when `catch_up` last looked."""
        self.failed = 0
        """Attempts that failed since the start."""

    @property
    def name(self) -> str:
        """The name of the receiver."""
        return self._receiver.name

    @property
    def label(self) -> str:
        """The name of the receiver, without its family."""
        return self._receiver.name.partition(":")[2]

    @property
    def failing(self) -> bool:
        """Whether the last attempt failed."""
        return self._failures > 0

    def kick(self) -> None:
        """Look for something to tell; returns at once."""
        if self._kicked or self._closing:
            return
        self._kicked = True
        with spans.entered(None):  # it tells of other requests, too
            self._spawn(self._hurry())

    async def catch_up(self) -> None:
        """Begin to tell what is due, and count what waits. Raises IndexUnavailable."""
        await self._take()
        receiver = self._receiver
        self.backlog = await self._deliveries.count(
            receiver.name, receiver.kinds, prefix=receiver.prefix
        )

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
        await self._receiver.close()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _hurry(self) -> None:
        with contextlib.suppress(errors.IndexUnavailable):  # `catch_up` comes again
            await self._take()

    async def _take(self) -> None:
        """Begin as many attempts as may be under way."""
        async with self._turn:
            self._kicked = False
            for serial in list(self._told):
                await self._note(serial)
            free = self._receiver.at_once - len(self._sending)
            if free and not self._closing:
                receiver = self._receiver
                due = await self._deliveries.take(
                    receiver.name,
                    receiver.kinds,
                    free,
                    receiver.timeout + _GRACE,
                    prefix=receiver.prefix,
                )
                for each in due:
                    self._sending.add(each.event.serial)
                    self._spawn(self._send(each))
                free -= len(due)
            self._more = not free

    async def _send(self, delivery: ports.Delivery) -> None:
        """Make one attempt, and give its place to the next."""
        serial = delivery.event.serial
        try:
            with (
                contextlib.suppress(errors.IndexUnavailable),  # then its lease runs out
                spans.entered(self._traces.resumed(delivery.event.trace)),
                spans.measured("deliver", attributes={"liveresize.receiver": self.name}),
            ):
                await self._attempt(delivery)
        finally:
            self._sending.discard(serial)
            if self._more:
                self.kick()

    async def _attempt(self, delivery: ports.Delivery) -> None:
        event = delivery.event
        try:
            await self._receiver.deliver(event)
        except errors.WebhookUnavailable as error:
            self._failures += 1
            self.failed += 1
            if self._failures == 1:
                self._receiver.log_failing(event, error.detail)
            await self._postpone(delivery, error)
            return
        if self._failures:
            self._receiver.log_recovered(self._failures)
        self._failures = 0
        left = self._receiver.settles(event) - delivery.age
        if left > 0:
            await self._deliveries.postpone(self._receiver.name, delivery, left)
            return
        self._told[event.serial] = False
        await self._note(event.serial)

    async def _postpone(self, delivery: ports.Delivery, error: errors.WebhookUnavailable) -> None:
        """Have it tried again after a pause, unless that has been done for long enough."""
        event = delivery.event
        if delivery.age < self._give_up:
            pause = _pause(delivery.tries, error)
            await self._deliveries.postpone(self._receiver.name, delivery, pause)
            return
        self._receiver.log_given_up(delivery, error.detail)
        self._told[event.serial] = True
        await self._note(event.serial)

    async def _note(self, serial: int) -> None:
        """Remove what is done with from the queue. Raises IndexUnavailable."""
        await self._deliveries.remove(
            self._receiver.name, serial, failed=self._told.get(serial, False)
        )
        self._told.pop(serial, None)


def _pause(tries: int, error: errors.WebhookUnavailable) -> float:
    """Seconds until the attempt after that many: doubling, jittered, an hour at most.

    Longer if the receiver has asked for it.
    """
    longest = min(2.0 ** min(tries - 1, 12), _LONGEST)
    jitter = random.uniform(0.5, 1.0)  # noqa: S311 (jitter is no secret)
    asked = error.fields.get("retry_after", 0.0)
    return max(longest * jitter, asked + jitter if isinstance(asked, float) and asked else 0.0)
