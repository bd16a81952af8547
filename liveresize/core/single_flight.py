"""Run the work for a key once, however many callers wait for it."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

from liveresize.core.ports import JobHandle, Priority

T = TypeVar("T")


class Call(JobHandle, Generic[T]):
    """Work in progress, and the handle of its job, which the work passes to the renderer."""

    def __init__(self, priority: Priority) -> None:
        super().__init__(priority)
        self.clients: Counter[str] = Counter()
        """The number of waiting callers of each client."""
        self.task: asyncio.Task[T] | None = None


class SingleFlight(Generic[T]):
    """Joins callers with the same key to one task.

    A task that has not begun is cancelled when its last waiter leaves; one that has begun runs
    to its end. A background task is promoted when the first interactive caller joins it, and
    stays promoted.
    """

    def __init__(self) -> None:
        self._calls: dict[Hashable, Call[T]] = {}

    def __len__(self) -> int:
        return len(self._calls)

    def joins(self, key: Hashable) -> bool:
        """Whether `run` with this key would join work in progress."""
        return key in self._calls

    async def run(
        self,
        key: Hashable,
        work: Callable[[Call[T]], Awaitable[T]],
        *,
        client: str = "",
        priority: Priority = Priority.INTERACTIVE,
    ) -> T:
        """Return the result of `work`, which runs once for all callers in the meantime.

        `client` is the key of the calling client: the call waits in the queue of each of its
        clients. Every waiter gets whatever `work` raises. This method joins the work before its
        first `await`, so that a caller can check its caches just before.
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
    """Retrieve the exception, so that asyncio does not report one without waiters."""
    with contextlib.suppress(asyncio.CancelledError):
        task.exception()
