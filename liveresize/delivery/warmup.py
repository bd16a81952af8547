"""Renditions made before anyone asks for them: a bounded queue behind live traffic."""

import asyncio
import enum
from collections import deque
from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import Generic, Protocol, TypeVar

import structlog

from liveresize import errors
from liveresize.core.names import ImageId
from liveresize.observe.tracing import spans

_log = structlog.get_logger("liveresize.warmup")

_PAUSES = (1.0, 5.0, 30.0)
"""Seconds before another attempt at what was refused for want of a slot or time."""

_PASSING = (errors.QueueFull, errors.WaitTimeout, errors.RateLimited)
"""What another attempt may not meet; a RenderTimeout would only take its time again."""


class Fate(enum.StrEnum):
    """What becomes of one entry."""

    QUEUED = "queued"
    READY = "ready"
    INVALID = "invalid"
    """It asks for no rendition: for whoever reads entries to say."""
    DROPPED = "dropped"


class Wanted(Hashable, Protocol):
    """A request for a rendition; its `str` is what the log calls it."""

    @property
    def image(self) -> ImageId:
        """The picture it is about."""


R = TypeVar("R", bound=Wanted)
R_contra = TypeVar("R_contra", bound=Wanted, contravariant=True)


class Warming(Protocol[R_contra]):
    """What makes the renditions; service.renditions is one."""

    def ready(self, request: R_contra) -> bool:
        """Whether memory knows that it has been made."""

    async def warm(self, request: R_contra) -> bool:
        """Make it, unless it is there; whether it was. Raises what is in `errors`."""


class Warmup(Generic[R]):
    """Makes what is asked for, `concurrency` at a time, in tasks that end with the queue.
    Renditions of one picture are made one after the other.

    `queue` renditions may wait for that, and one `ask` may bring so many `entries`; what is
    beyond either bound is dropped. `sleep` waits for a number of seconds.
    """

    def __init__(
        self,
        pictures: Warming[R],
        *,
        concurrency: int,
        queue: int = 1000,
        entries: int = 20,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._concurrency = concurrency
        self._max_queue = queue
        self._max_entries = entries
        self._pictures = pictures
        self._sleep = sleep
        self._queue: deque[R] = deque()
        self._pending: set[R] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._images: set[ImageId] = set()
        self._closed = False

    @property
    def pending(self) -> int:
        """How many are queued or under way."""
        return len(self._pending)

    def ask(self, requests: Sequence[R]) -> list[Fate]:
        """Queue what is not ready; returns at once with the fate of each, in order."""
        taken = [self._take(request) for request in requests[: self._max_entries]]
        return taken + [Fate.DROPPED] * (len(requests) - len(taken))

    def _take(self, request: R) -> Fate:
        if request in self._pending:
            return Fate.QUEUED
        if self._pictures.ready(request):
            return Fate.READY
        if self._closed or len(self._queue) >= self._max_queue:
            return Fate.DROPPED
        self._pending.add(request)
        self._queue.append(request)
        self._hire()
        return Fate.QUEUED

    def _hire(self) -> None:
        """Begin a task for the queue, where there is need and room for one."""
        idle = any(request.image not in self._images for request in self._queue)
        if idle and len(self._tasks) < self._concurrency:
            with spans.entered(None):  # it works for several requests
                task = asyncio.create_task(self._work())
            self._tasks.add(task)
            task.add_done_callback(self._leave)

    def _leave(self, task: asyncio.Task[None]) -> None:
        """A task has ended; what was asked for since it found the queue empty needs another."""
        self._tasks.discard(task)
        self._hire()

    async def _work(self) -> None:
        """Make what no other task is at, until there is none."""
        image = None
        while (request := self._next(image)) is not None:
            image = request.image
            self._images.add(image)
            try:
                await self._warm(request)
            finally:
                self._images.discard(image)
                self._pending.discard(request)

    def _next(self, image: ImageId | None) -> R | None:
        """The next of the queue: one of `image`, which a worker has decoded by now, else one
        of a picture that no other task is at. None where there is none."""
        free = [request for request in self._queue if request.image not in self._images]
        if not free:
            return None
        request = min(free, key=lambda each: each.image != image)
        self._queue.remove(request)
        return request

    async def _warm(self, request: R) -> None:
        """Make one, in several attempts if need be; whatever comes of it is logged."""
        log = _log.bind(image_id=request.image.key, entry=str(request))
        for pause in (*_PAUSES, None):
            try:
                ready = await self._pictures.warm(request)
            except errors.ShuttingDown:
                self._forget()
                return
            except errors.LiveResizeError as error:
                if pause is None or not isinstance(error, _PASSING):
                    log.info("warmup_failed", error=type(error).__name__, detail=error.detail)
                    return
                await self._sleep(pause)
            except Exception:  # one that breaks must not take the rest along
                log.exception("warmup_broke")
                return
            else:
                log.debug("warmed", was_ready=ready)
                return

    def _forget(self) -> None:
        """Take nothing more, and drop what is queued."""
        self._closed = True
        self._pending.difference_update(self._queue)
        self._queue.clear()

    async def drain(self) -> None:
        """Return when nothing is queued or under way."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def close(self) -> None:
        """Stop, and forget the rest; a render that has begun is finished and kept."""
        self._forget()
        for task in self._tasks:
            task.cancel()
        await self.drain()
