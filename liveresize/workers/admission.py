"""Who gets the next free slot: a bounded queue, by priority, then by arrival."""

import asyncio
import heapq
import itertools
from collections import deque
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from liveresize import errors
from liveresize.ports import Priority

T = TypeVar("T")


@dataclass(order=True, slots=True)
class _Waiter(Generic[T]):
    """One who waits; `serial` keeps those of equal priority in order of arrival."""

    priority: Priority
    serial: int
    turn: asyncio.Future[T] = field(compare=False)


class Admission(Generic[T]):
    """Hands free slots to those who ask; at most `limit` wait, each for `max_wait` s.

    A slot is whatever `offer` was given. While anyone waits no slot is free, so a
    newcomer never overtakes the queue.
    """

    def __init__(self, limit: int, max_wait: float) -> None:
        self._limit = limit
        self._max_wait = max_wait
        self._free: deque[T] = deque()
        self._queue: list[_Waiter[T]] = []
        self._serials = itertools.count()
        self._closed = False

    @property
    def waiting(self) -> int:
        """How many wait for a slot."""
        return len(self._queue)

    async def acquire(self, priority: Priority) -> T:
        """A slot that nobody else has; it comes back through `offer`.

        Raises QueueFull at once, WaitTimeout after `max_wait` and ShuttingDown when
        closed before or meanwhile. Cancelling leaves the queue.
        """
        if self._closed:
            raise errors.ShuttingDown
        if self._free:
            return self._free.popleft()
        if len(self._queue) >= self._limit:
            raise errors.QueueFull
        loop = asyncio.get_running_loop()
        waiter = _Waiter(priority, next(self._serials), loop.create_future())
        heapq.heappush(self._queue, waiter)
        patience = loop.call_later(self._max_wait, self._fail, waiter, errors.WaitTimeout())
        try:
            slot: T = await waiter.turn
        except asyncio.CancelledError:
            if waiter.turn.cancelled():
                self._drop(waiter)
            elif waiter.turn.exception() is None:
                # The turn came in the same step of the loop as the cancellation.
                self.offer(waiter.turn.result())
            raise
        finally:
            patience.cancel()
        return slot

    def offer(self, slot: T) -> None:
        """`slot` is free: the first in the queue gets it, else whoever comes next."""
        while self._queue:
            waiter = heapq.heappop(self._queue)
            if not waiter.turn.done():
                waiter.turn.set_result(slot)
                return
        self._free.append(slot)

    def withdraw(self, slot: T) -> bool:
        """Take a free slot back; False when it is not free."""
        if slot not in self._free:
            return False
        self._free.remove(slot)
        return True

    def close(self) -> list[T]:
        """Refuse everyone from now on, those in the queue included; the free slots."""
        self._closed = True
        for waiter in tuple(self._queue):
            self._fail(waiter, errors.ShuttingDown())
        free = list(self._free)
        self._free.clear()
        return free

    def _fail(self, waiter: _Waiter[T], error: errors.Overload) -> None:
        if not waiter.turn.done():
            self._drop(waiter)
            waiter.turn.set_exception(error)

    def _drop(self, waiter: _Waiter[T]) -> None:
        """Take a waiter out of the queue; it may have left when its turn was cancelled."""
        if waiter in self._queue:
            self._queue.remove(waiter)
            heapq.heapify(self._queue)
