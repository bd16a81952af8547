"""One piece of work at a time for each key, however many wait for it."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

from liveresize.core.ports import JobHandle, Priority

T = TypeVar("T")


class Call(JobHandle, Generic[T]):
    """Work under way, and the handle of its job, which the work gives to the renderer."""

    def __init__(self, priority: Priority) -> None:
        super().__init__(priority)
        self.clients: Counter[str] = Counter()
        """How many callers of each client wait for it."""
        self.task: asyncio.Task[T] | None = None


class SingleFlight(Generic[T]):
    """Joins callers that want the same thing to the one task that makes it.

    A task that has not begun is cancelled when its last waiter leaves; a begun one runs
    to its end whoever is left. One that was started in the background is hurried by the
    first who does more than that, and stays so.
    """

    def __init__(self) -> None:
        self._calls: dict[Hashable, Call[T]] = {}

    def __len__(self) -> int:
        return len(self._calls)

    def joins(self, key: Hashable) -> bool:
        """Whether `run` with this key would join work that is under way."""
        return key in self._calls

    async def run(
        self,
        key: Hashable,
        work: Callable[[Call[T]], Awaitable[T]],
        *,
        client: str = "",
        priority: Priority = Priority.INTERACTIVE,
    ) -> T:
        """The result of `work`, made once for all who ask while it is being made.

        `client` is the key of the client that asks: the flight waits in its turn, too.

        Whatever `work` raises, every waiter gets. There is no `await` between the
        caller's last look at its caches and joining here, as long as the caller does
        not put one there.
        """
        call = self._calls.get(key)
        if call is None:
            call = self._start(key, work, priority)
        elif priority is Priority.INTERACTIVE:
            call.promote()
        assert call.task is not None
        call.clients[client] += 1
        try:
            return await asyncio.shield(call.task)
        finally:
            call.clients[client] -= 1
            if not call.clients[client]:
                del call.clients[client]
            if not (call.clients or call.task.done() or call.begun):
                self._calls.pop(key, None)
                call.task.cancel()

    def _start(
        self, key: Hashable, work: Callable[[Call[T]], Awaitable[T]], priority: Priority
    ) -> Call[T]:
        call: Call[T] = Call(priority)

        async def fly() -> T:
            try:
                return await work(call)
            finally:
                if self._calls.get(key) is call:
                    del self._calls[key]

        call.task = asyncio.create_task(fly())
        call.task.add_done_callback(_retrieve)
        self._calls[key] = call
        return call


def _retrieve(task: "asyncio.Task[T]") -> None:
    """Look at the exception, so that one whose waiters all left is not reported as lost."""
    with contextlib.suppress(asyncio.CancelledError):
        task.exception()
