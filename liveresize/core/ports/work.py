"""The interfaces of the clock and of the worker processes."""

import enum
import time
from collections.abc import Collection
from typing import Protocol, overload

from liveresize.core.jobs import (
    Facts,
    IntakeJob,
    Job,
    OrientationJob,
    ProbeJob,
    Rendered,
    RenderJob,
    Result,
    VisualJob,
)
from liveresize.core.values import Quality


class Clock(Protocol):
    """The clock of this process."""

    def time(self) -> float:
        """Return Unix seconds."""

    def monotonic(self) -> float:
        """Return seconds that never go back."""


class Priority(enum.IntEnum):
    """The priority of a job; lower is sooner. Only `BACKGROUND` waits for all others."""

    UPLOAD = 0
    INTERACTIVE = 10
    BACKGROUND = 20


class JobHandle:
    """The handle of a job, for its caller.

    `clients` are the keys of the clients that wait for it, which determine its turn in the queue.
    `begun_at` is None until the job has left the queue, then `time.perf_counter()`.
    """

    def __init__(self, priority: Priority = Priority.INTERACTIVE, client: str = "") -> None:
        self.priority = priority
        self.clients: Collection[str] = (client,)
        self.begun_at: float | None = None

    @property
    def begun(self) -> bool:
        """Whether the job has left the queue: it cannot be cancelled any more."""
        return self.begun_at is not None

    def promote(self) -> None:
        """Make the job interactive, in the queue or not."""
        self.priority = Priority.INTERACTIVE

    def begin(self) -> None:
        """Record that the job has left the queue; called by the Renderer."""
        self.begun_at = time.perf_counter()


class Renderer(Protocol):
    """Runs jobs in worker processes."""

    @overload
    async def run(self, job: RenderJob, *, handle: JobHandle | None = ...) -> Rendered: ...
    @overload
    async def run(self, job: ProbeJob | IntakeJob, *, handle: JobHandle | None = ...) -> Facts: ...
    @overload
    async def run(self, job: OrientationJob, *, handle: JobHandle | None = ...) -> int: ...
    @overload
    async def run(self, job: VisualJob, *, handle: JobHandle | None = ...) -> Quality: ...
    async def run(self, job: Job, *, handle: JobHandle | None = None) -> Result:
        """Run `job` in a free slot, when it is the turn of `handle` (None: an interactive one).

        Cancelling before the job has begun removes it from the queue; later, the worker finishes
        it. Raises ImageError and its subclasses as the job does, QueueFull at once, RenderTimeout
        if the deadline stopped a render and WorkExceeded if it stopped another job, WorkerDied if
        the worker died during the job for the second time, and ShuttingDown after `close`.
        """
