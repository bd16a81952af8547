"""Tell all receivers of events, each at its own pace."""

import asyncio
from collections.abc import Sequence

from liveresize.core import ports
from liveresize.notifications.courier import Courier

_INHERITED = 100
"""Uploads of 1.0.0 that become events at once."""


class Dispatcher:
    """Has a courier for each webhook and each cache; without any it does nothing.

    `inherits`: uploads that an instance of 1.0.0 was yet to announce are told of as well.
    """

    def __init__(
        self,
        webhooks: Sequence[Courier],
        *,
        caches: Sequence[Courier] = (),
        deliveries: ports.Deliveries,
        inherits: bool,
    ) -> None:
        self._webhooks = webhooks
        self.caches = caches
        self._couriers = [*webhooks, *caches]
        self._deliveries = deliveries
        self._inherits = inherits

    @property
    def on(self) -> bool:
        """Whether there is a webhook to tell."""
        return bool(self._webhooks)

    @property
    def backlog(self) -> int:
        """Events that the webhooks were yet to be told of when `catch_up` last looked."""
        return sum(courier.backlog for courier in self._webhooks)

    @property
    def failing(self) -> bool:
        """Whether the last attempt for any webhook failed."""
        return any(courier.failing for courier in self._webhooks)

    def kick(self) -> None:
        """Look for something to tell; returns at once."""
        for courier in self._couriers:
            courier.kick()

    async def catch_up(self) -> None:
        """Begin to tell what is due, and count what waits. Raises IndexUnavailable."""
        if self._inherits:
            await self._deliveries.inherit(_INHERITED)
        for courier in self._couriers:
            await courier.catch_up()

    async def close(self, patience: float) -> None:
        """Begin nothing more, and wait up to `patience` seconds for what is under way."""
        await asyncio.gather(*(courier.close(patience) for courier in self._couriers))
