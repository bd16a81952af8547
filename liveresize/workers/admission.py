"""Who gets the next free slot: a bounded queue that clients take turns in.

Background jobs wait for all others. Of the clients that wait, the one that occupies the
fewest slots goes first; of those, the one that has been served least lately; of its jobs,
uploads before renders, then the oldest; of its background jobs, the one that suits the slot best.
How much a client has been served is its virtual time:
start-time fair queueing (Goyal, Vin and Cheng, 1996), with its tags computed when a slot is free,
so that jobs may leave, be joined or change their priority while they wait.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from liveresize import errors
from liveresize.core.ports import JobHandle, Priority

T = TypeVar("T")

_COSTS = {Priority.UPLOAD: 1 / 3, Priority.INTERACTIVE: 1.0, Priority.BACKGROUND: 1.0}
"""What a job adds to its client's virtual time: three uploads count as one render."""

_DRIFT = 1 / 256
"""What each job adds to everybody's virtual time. New clients begin there; without it, new ones
without end would keep those waiting for ever that have been served before."""

_OVERTAKEN = 32
"""How many background jobs that suit the slots better may go before the oldest one."""

_NOBODY = ("",)
"""Who waits for a job that no client waits for."""


@dataclass(slots=True)
class _Waiting(Generic[T]):
    """A job in the queue; `overtaken` counts those that went before it as the oldest."""

    handle: JobHandle
    suits: Callable[[T], int]
    overtaken: int = 0


class Admission(Generic[T]):
    """Hands free slots to those who ask; at most `limit` wait, each for `max_wait` s.

    `share` is how many jobs of one client keep their place when the queue is full.
    A slot is whatever `offer` was given. While anyone waits no slot is free, so a
    newcomer never overtakes the queue.
    """

    def __init__(self, limit: int, max_wait: float, share: int) -> None:
        self._limit = limit
        self._max_wait = max_wait
        self._share = share
        self._free: deque[T] = deque()
        # In order of arrival. Who is next is found out when a slot is free: no order has to
        # be kept while jobs leave or are joined. A look at 256 of them takes 0.1 ms where they
        # are one client's, 0.4 ms where each has its own.
        self._queue: dict[asyncio.Future[T], _Waiting[T]] = {}
        self._running: dict[JobHandle, str] = {}
        self._times: dict[str, float] = {}
        self._time = 0.0
        self._closed = False

    @property
    def waiting(self) -> int:
        """How many wait for a slot."""
        return len(self._queue)

    async def acquire(self, handle: JobHandle, suits: Callable[[T], int] = lambda slot: 0) -> T:
        """A slot that nobody else has; it comes back through `offer`, after `ended`.

        Of several free slots the one that `suits` best goes first; nobody waits for one. A job
        that is promoted in the queue goes before those of lower priority. Raises QueueFull at
        once, or later where another client needs the place; WaitTimeout after `max_wait`; and
        ShuttingDown when closed before or meanwhile. Cancelling leaves the queue.
        """
        if self._closed:
            raise errors.ShuttingDown
        if self._free:
            self._begin(handle, _first(handle))
            slot = max(self._free, key=suits)
            self._free.remove(slot)
            return slot
        self._make_room(_first(handle))
        turn: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._queue[turn] = _Waiting(handle, suits)
        try:
            await self._wait(turn, handle)
        except asyncio.CancelledError:
            if turn.done() and turn.exception() is None:
                # The turn came in the same step of the loop as the cancellation.
                self.ended(handle)
                self.offer(turn.result())
            raise
        finally:
            self._queue.pop(turn, None)
        return turn.result()

    def _make_room(self, client: str) -> None:
        """Raise QueueFull unless there is room for one more job of `client`.

        In a full queue a client within its share gets the place of the newest job of the
        client that has the most, if those are more than its share.
        """
        if len(self._queue) < self._limit:
            return
        owners = {turn: _first(each.handle) for turn, each in self._queue.items()}
        waiting = Counter(owners.values())
        heaviest = max(waiting, key=lambda each: waiting[each], default=client)
        if waiting[client] >= self._share or waiting[heaviest] <= self._share:
            raise errors.QueueFull
        newest = [turn for turn, owner in owners.items() if owner == heaviest][-1]
        del self._queue[newest]
        newest.set_exception(errors.QueueFull())

    async def _wait(self, turn: asyncio.Future[T], handle: JobHandle) -> None:
        """Return when `turn` has come. Raises WaitTimeout.

        Who has promoted a job came later than it did: it waits as long once more.
        """
        while not turn.done():
            priority = handle.priority
            await asyncio.wait({turn}, timeout=self._max_wait)
            if handle.priority is priority and not turn.done():
                raise errors.WaitTimeout

    def ended(self, handle: JobHandle) -> None:
        """The job of `handle` is over; say so before its slot is offered."""
        self._running.pop(handle, None)

    def offer(self, slot: T) -> None:
        """`slot` is free: the next in the queue gets it, else whoever comes next."""
        if not self._queue:
            self._free.append(slot)
            self._times.clear()
            self._time = 0.0
            return
        turn, client = self._next(slot)
        self._begin(self._queue.pop(turn).handle, client)
        turn.set_result(slot)

    def _next(self, slot: T) -> tuple[asyncio.Future[T], str]:
        """Whose turn it is, and the client in whose turn that job goes."""
        occupied = Counter(self._running.values())
        # Of a client's jobs of one priority only the oldest can be next, unless nobody waits.
        oldest: dict[tuple[str, Priority], asyncio.Future[T]] = {}
        for turn, each in self._queue.items():
            for client in each.handle.clients or _NOBODY:
                oldest.setdefault((client, each.handle.priority), turn)

        def rank(waiting: tuple[str, Priority]) -> tuple[bool, int, float, Priority]:
            client, priority = waiting
            last = priority is Priority.BACKGROUND
            return last, occupied[client], self._time_of(client), priority

        first = min(oldest, key=rank)
        if first[1] is Priority.BACKGROUND:
            return self._best(first[0], slot), first[0]
        return oldest[first], first[0]

    def _best(self, client: str, slot: T) -> asyncio.Future[T]:
        """The background job of `client` that `slot` suits best; of several the oldest."""
        own = {
            turn: each
            for turn, each in self._queue.items()
            if each.handle.priority is Priority.BACKGROUND
            and client in (each.handle.clients or _NOBODY)
        }
        oldest = next(iter(own))
        if own[oldest].overtaken >= _OVERTAKEN:
            return oldest
        best = max(own, key=lambda turn: own[turn].suits(slot))
        own[oldest].overtaken += best is not oldest
        return best

    def _begin(self, handle: JobHandle, client: str) -> None:
        """Move `client` on by what the job costs, and everybody to where it began."""
        self._running[handle] = client
        began = self._time_of(client)
        self._times[client] = began + _COSTS[handle.priority]
        self._time = began + _DRIFT
        if len(self._times) > 4 * self._limit:
            # A client that is not ahead of the others is as good as a new one.
            self._times = {who: at for who, at in self._times.items() if at > self._time}

    def _time_of(self, client: str) -> float:
        """Its virtual time: that of everybody for one that is behind, as a new one is."""
        return max(self._time, self._times.get(client, 0.0))

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


def _first(handle: JobHandle) -> str:
    """The client whose job it is in a full queue: the first of those that wait for it."""
    return next(iter(handle.clients), "")
