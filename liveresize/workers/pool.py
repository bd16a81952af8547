"""The pool: jobs go in, results come out, and what happens to workers stays inside."""

import asyncio
import time
from dataclasses import dataclass
from typing import overload

import structlog

from liveresize import errors
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
from liveresize.core.ports import Clock, JobHandle
from liveresize.core.values import Quality
from liveresize.imaging.settings import EngineSettings
from liveresize.observe.tracing import spans
from liveresize.settings.server import Workers
from liveresize.workers import process, sizing, stage_spans
from liveresize.workers.admission import Admission
from liveresize.workers.quarantine import Quarantine, identity
from liveresize.workers.slot import Death, Died, Slot
from liveresize.workers.supervisor import WorkerSupervisor

logger = structlog.get_logger(__name__)

_QUARANTINE = 3_600.0
"""Seconds for which a job that crashed its worker twice is refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stats:
    """The pool at one moment, and what has happened since it started.

    `pids` are those of the live workers; `killed` counts missed deadlines, `died` all
    other deaths, `quarantined` the jobs that are refused now, `quarantines` how many ever were.
    """

    slots: int
    busy: int
    queued: int
    pids: tuple[int, ...]
    quarantined: int
    quarantines: int
    started: int
    start_failures: int
    died: int
    killed: int
    retried: int
    recycled: int


class WorkerPool:
    """A Renderer on worker processes; `start` it first, `close` it last.

    An idle worker takes 136 MiB of address space and 27 MiB of memory, so that the default of
    `workers.memory_bytes` keeps it below 512 MiB resident; 30 megapixels of any accepted
    format fit.
    """

    def __init__(
        self,
        settings: Workers,
        engine: EngineSettings,
        *,
        client_queue: int,
        deadline: float,
        perform: process.Perform = process.engine,
        clock: Clock = time,
    ) -> None:
        """A job ends `deadline` seconds after it began, retry included.

        When the queue is full, `client_queue` jobs of one client for each slot keep their
        place. `perform` is what workers do with a job: a function at the top of a module.
        """
        self._size = settings.slots or sizing.detect(settings.memory_bytes)
        self._deadline = deadline
        self._admission: Admission[Slot] = Admission(
            settings.queue, settings.max_wait, share=client_queue * self._size
        )
        self._crew = WorkerSupervisor(
            self._size, settings, engine, act=perform, admission=self._admission
        )
        self._quarantine = Quarantine(_QUARANTINE, clock)
        self._begun: set[asyncio.Task[Result]] = set()
        self._killed = 0
        self._retried = 0

    @property
    def stats(self) -> Stats:
        """How the pool is doing."""
        counters = self._crew.counters
        return Stats(
            slots=self._size,
            busy=len(self._begun),
            queued=self._admission.waiting,
            pids=self._crew.pids,
            quarantined=len(self._quarantine),
            quarantines=self._quarantine.added,
            started=counters.started,
            start_failures=counters.start_failures,
            died=counters.died,
            killed=self._killed,
            retried=self._retried,
            recycled=counters.recycled,
        )

    async def start(self) -> None:
        """Warm every slot. Raises WorkerDied when not one worker can be started."""
        await self._crew.start()

    @overload
    async def run(self, job: RenderJob, *, handle: JobHandle | None = ...) -> Rendered: ...
    @overload
    async def run(self, job: ProbeJob | IntakeJob, *, handle: JobHandle | None = ...) -> Facts: ...
    @overload
    async def run(self, job: OrientationJob, *, handle: JobHandle | None = ...) -> int: ...
    @overload
    async def run(self, job: VisualJob, *, handle: JobHandle | None = ...) -> Quality: ...
    async def run(self, job: Job, *, handle: JobHandle | None = None) -> Result:
        """See ports.Renderer. Raises Quarantined at once for a job that crashed twice,
        and WaitTimeout for one that did not begin in time."""
        handle = handle or JobHandle()
        self._quarantine.check(job)
        with spans.measured("queue"):
            slot = await self._admission.acquire(handle, lambda slot: slot.suits(job))
        handle.begin()
        began = time.perf_counter()
        task = asyncio.get_running_loop().create_task(self._do(job, slot, handle))
        self._begun.add(task)
        task.add_done_callback(self._begun.discard)
        # A cancelled caller leaves the job alone: the worker is at it, and the slot
        # must not be given away before it is free.
        result = await asyncio.shield(task)
        stage_spans.record(job, result, began)
        return result

    async def close(self, grace: float) -> None:
        """Refuse new and queued jobs, wait `grace` seconds for the others, kill the rest.

        Afterwards no worker, thread or descriptor of the pool is left; the fork server
        stays until this process ends.
        """
        self._crew.stop(self._admission.close())
        if self._begun:
            await asyncio.wait(self._begun, timeout=grace)
        self._crew.kill()
        while self._begun:
            await asyncio.wait(self._begun)
        await self._crew.finished()

    async def _do(self, job: Job, slot: Slot, handle: JobHandle) -> Result:
        """Do a job that has begun: one attempt, and a second if the worker dies."""
        until = asyncio.get_running_loop().time() + self._deadline
        try:
            return await self._attempt(job, slot, handle, until)
        except Died as died:
            first = died.death
        # From here on the slot is nobody's, so whatever is raised leaves no place behind.
        try:
            fresh = await self._crew.replace(slot)
        except errors.LiveResizeError:
            self._admission.ended(handle)
            raise
        self._retried += 1
        try:
            return await self._attempt(job, fresh, handle, until)
        except Died as died:
            self._give_back(fresh, handle)
            if self._crew.closing:
                raise errors.ShuttingDown from died
            raise self._verdict(job, first, died.death) from died

    async def _attempt(self, job: Job, slot: Slot, handle: JobHandle, until: float) -> Result:
        """Do `job` in `slot` and give the slot back, unless it raises Died."""
        try:
            result = await slot.perform(job, until)
        except Died as died:
            self._crew.counters.died += 1
            cause = died.death.cause
            logger.warning(
                "worker_died", worker_pid=slot.pid, idle=False, cause=cause, **_log_fields(job)
            )
            raise
        except errors.LiveResizeError as error:
            late = slot.gone and isinstance(error, errors.RenderTimeout)
            if late:
                self._killed += 1
                logger.warning("worker_deadline", worker_pid=slot.pid, **_log_fields(job))
            self._give_back(slot, handle)
            if late and not isinstance(job, RenderJob):
                # Finding out about a file depends on nothing but the file.
                raise errors.WorkExceeded from error
            raise
        self._give_back(slot, handle)
        return result

    def _give_back(self, slot: Slot, handle: JobHandle) -> None:
        self._admission.ended(handle)
        self._crew.give_back(slot)

    def _verdict(self, job: Job, first: Death, second: Death) -> errors.LiveResizeError:
        """What a job ends in that two workers have died of."""
        if not (first.crash and second.crash):
            return errors.WorkerDied("", f"{first.cause}, then {second.cause}")
        logger.error("job_quarantined", cause=second.cause, **_log_fields(job))
        return self._quarantine.add(job)


def _log_fields(job: Job) -> dict[str, str]:
    """What a log line says of a job."""
    path, variant = identity(job)
    return {"job": type(job).__name__, "path": path, "variant": variant}
