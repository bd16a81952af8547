"""Join what is told at once into few calls."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from liveresize.observe.tracing import spans

_GATHERING = 0.25
"""Seconds that a call waits for others: calls are limited, to five a minute with Cloudflare's free
plan, and what is told at once comes in small portions."""


class Batches:
    """Calls `send` with up to `most` different keys, one call at a time.

    Whatever is added while a call is under way goes with the next ones.
    """

    def __init__(self, most: int, send: Callable[[Sequence[str]], Awaitable[None]]) -> None:
        self._most = most
        self._send = send
        self._waiting: dict[str, asyncio.Future[None]] = {}
        self._task: asyncio.Task[None] | None = None

    async def add(self, keys: Sequence[str]) -> None:
        """Return when all keys were sent; raises what `send` raised for one of them."""
        loop = asyncio.get_running_loop()
        futures = {key: self._waiting.setdefault(key, loop.create_future()) for key in keys}
        if self._task is None or self._task.done():
            with spans.entered(None):  # a batch is of several events
                self._task = asyncio.create_task(self._run())
        outcomes = await asyncio.gather(
            *(asyncio.shield(future) for future in futures.values()), return_exceptions=True
        )
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome

    async def close(self) -> None:
        """Give up what is under way, and what waits."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        for future in self._waiting.values():
            future.cancel()
        self._waiting.clear()

    async def _run(self) -> None:
        while self._waiting:
            if len(self._waiting) < self._most:
                await asyncio.sleep(_GATHERING)
            keys = list(self._waiting)[: self._most]
            futures = [self._waiting.pop(key) for key in keys]
            try:
                await self._send(keys)
            except asyncio.CancelledError:
                for future in futures:
                    future.cancel()
                raise
            except Exception as error:  # noqa: BLE001 (whoever waits raises it)
                for future in futures:
                    future.set_exception(error)
            else:
                for future in futures:
                    future.set_result(None)
