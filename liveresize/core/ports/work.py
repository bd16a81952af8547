"""The seams to time and to the processes that turn pictures."""

import enum
import time
from collections.abc import Collection
from typing import Protocol, overload

from liveresize.core.jobs import Facts, IntakeJob, ProbeJob, Rendered, RenderJob


class Clock(Protocol):
    """Time as this process sees it."""

    def time(self) -> float:
        """Unix seconds."""

    def monotonic(self) -> float:
        """Seconds that never go back."""


class Priority(enum.IntEnum):
    """What a job is for; lower is sooner. Only `BACKGROUND` has to wait for all others."""

    UPLOAD = 0
    INTERACTIVE = 10
    BACKGROUND = 20


class JobHandle:
    """One job on its way to a slot, in the hands of whoever sends it.

    `clients` are the keys of the clients that wait for it: its turn in the queue is theirs.
    `begun_at` is None until it has left the queue, then `time.perf_counter()`.
    """

    def __init__(self, priority: Priority = Priority.INTERACTIVE, client: str = "") -> None:
        self.priority = priority
        self.clients: Collection[str] = (client,)
        self.begun_at: float | None = None

    @property
    def begun(self) -> bool:
        """Whether it has left the queue: from then on it may not be dropped."""
        return self.begun_at is not None

    def promote(self) -> None:
        """Let it go as if it had been interactive all along, wherever it is by now."""
        self.priority = Priority.INTERACTIVE

    def begin(self) -> None:
        """It has left the queue; for the Renderer to say."""
        self.begun_at = time.perf_counter()


class Renderer(Protocol):
    """Runs jobs in worker processes."""

    @overload
    async def run(self, job: RenderJob, *, handle: JobHandle | None = ...) -> Rendered: ...
    @overload
    async def run(self, job: ProbeJob | IntakeJob, *, handle: JobHandle | None = ...) -> Facts: ...
    async def run(
        self, job: RenderJob | ProbeJob | IntakeJob, *, handle: JobHandle | None = None
    ) -> Rendered | Facts:
        """Do `job` in a free slot, when it is the turn of `handle` (None: an interactive one).

        Cancelling before it has begun takes the job out of the queue; cancelling later
        leaves the worker to finish it. Raises ImageError and its kin as the job does,
        QueueFull at once, RenderTimeout when the deadline killed a render and WorkExceeded
        when it killed another job, WorkerDied when the worker died under it for the second
        time, ShuttingDown after `close`.
        """
