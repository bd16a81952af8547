"""Who gets the next free slot: a bounded queue, by priority, then by arrival."""

import asyncio
from collections import deque
from typing import Generic, TypeVar

from liveresize import errors
from liveresize.ports import Errand

T = TypeVar("T")


class Admission(Generic[T]):
    """Hands free slots to those who ask; at most `limit` wait, each for `max_wait` s.

    A slot is whatever `offer` was given. While anyone waits no slot is free, so a
    newcomer never overtakes the queue.
    """

    def __init__(self, limit: int, max_wait: float) -> None:
        self._limit = limit
        self._max_wait = max_wait
        self._free: deque[T] = deque()
        # In order of arrival. Who is first is found out when a slot is free: no order has
        # to be kept while errands are hurried, and a look at 256 of them takes 11 us.
        self._queue: dict[asyncio.Future[T], Errand] = {}
        self._closed = False

    @property
    def waiting(self) -> int:
        """How many wait for a slot."""
        return len(self._queue)

    async def acquire(self, errand: Errand) -> T:
        """A slot that nobody else has; it comes back through `offer`.

        An errand that is hurried in the queue goes before those of lower priority, and
        before its equals that came later. Raises QueueFull at once, WaitTimeout after
        `max_wait` and ShuttingDown when closed before or meanwhile. Cancelling leaves the
        queue.
        """
        if self._closed:
            raise errors.ShuttingDown
        if self._free:
            return self._free.popleft()
        if len(self._queue) >= self._limit:
            raise errors.QueueFull
        turn: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._queue[turn] = errand
        try:
            await self._wait(turn, errand)
        except asyncio.CancelledError:
            if turn.done() and turn.exception() is None:
                # The turn came in the same step of the loop as the cancellation.
                self.offer(turn.result())
            raise
        finally:
            self._queue.pop(turn, None)
        return turn.result()

    async def _wait(self, turn: asyncio.Future[T], errand: Errand) -> None:
        """Return when `turn` has come. Raises WaitTimeout.

        Who has hurried an errand came later than it did: it waits as long once more.
        """
        while not turn.done():
            priority = errand.priority
            await asyncio.wait({turn}, timeout=self._max_wait)
            if errand.priority is priority and not turn.done():
                raise errors.WaitTimeout

    def offer(self, slot: T) -> None:
        """`slot` is free: the first in the queue gets it, else whoever comes next."""
        if self._queue:
            turn = min(self._queue, key=lambda turn: self._queue[turn].priority)
            del self._queue[turn]
            turn.set_result(slot)
        else:
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
        for turn in self._queue:
            turn.set_exception(errors.ShuttingDown())
        self._queue.clear()
        free = list(self._free)
        self._free.clear()
        return free
