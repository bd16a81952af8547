"""One executor with one worker process, made to be thrown away when that dies."""

import asyncio
import signal
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import context
from typing import Self

import structlog

from liveresize import errors
from liveresize.core.jobs import Job, RenderJob, Result
from liveresize.imaging.settings import EngineSettings
from liveresize.settings.server import Workers
from liveresize.workers import launch, process

logger = structlog.get_logger(__name__)

_REMEMBERED = 4
"""Originals that a slot is taken to hold the decoded pixels of: the last ones it rendered."""

_FINISHED = 32
"""Renditions that a slot is taken to hold the finished pixels of."""


@dataclass(frozen=True, slots=True)
class Death:
    """How a worker ended: its exit code (negative: the signal)."""

    exitcode: int

    @property
    def crash(self) -> bool:
        """Whether the job may be to blame; SIGKILL comes from without, as from OOM."""
        return self.exitcode not in (-signal.SIGKILL, launch.STATUS_LOST)

    @property
    def cause(self) -> str:
        """The name of the signal, or the exit status."""
        if self.exitcode == launch.STATUS_LOST:
            return "unknown"
        if self.exitcode < 0:
            return signal.Signals(-self.exitcode).name
        return f"exit {self.exitcode}"


class Died(Exception):
    """The worker died under a job."""

    def __init__(self, death: Death) -> None:
        super().__init__(death)
        self.death = death


class Slot:
    """A warm worker that does one job at a time.

    `jobs` counts those it has done, `rendered` has the paths of the originals it did last, and
    `finished` the path and variant of those whose pixels it keeps for another format; `gone` says
    that its process has ended, `spoilt` that a job ran out of memory in it, which leaves the heap
    in pieces.
    """

    def __init__(
        self,
        executor: ProcessPoolExecutor,
        worker: context.ForkServerProcess,
        act: process.Perform,
        settings: Workers,
        engine: EngineSettings,
    ) -> None:
        self._executor = executor
        self._process = worker
        self._act = act
        self._settings = settings
        self._engine = engine
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closing: asyncio.Task[Death] | None = None
        self.pid = worker.pid or 0
        self.jobs = 0
        self.rendered: deque[str] = deque(maxlen=_REMEMBERED)
        self.finished: deque[tuple[str, str]] = deque(maxlen=_FINISHED)
        self.gone = False
        self.spoilt = False

    @classmethod
    async def open(cls, act: process.Perform, settings: Workers, engine: EngineSettings) -> Self:
        """A new slot, warm; the loop stays free meanwhile.

        Raises WorkerDied when the process cannot be started.
        """
        # Once in the fork server, so that every worker has them from its birth and shares
        # their memory.
        preload = [process.__name__, process.ENGINE if act is process.engine else act.__module__]
        executor, worker = await launch.in_thread(lambda: launch.launch(settings, preload))
        return cls(executor, worker, act, settings, engine)

    def suits(self, job: Job) -> int:
        """How much of `job` this slot is taken to have done: 2 for all but the encoding, 1 for the
        decoding."""
        if not isinstance(job, RenderJob):
            return 0
        if self.finished and (job.path, job.rendition.variant) in self.finished:
            return 2
        return int(job.path in self.rendered)

    @property
    def worn(self) -> bool:
        """Whether the process should make room for a new one."""
        limit = self._settings.recycle
        return self.spoilt or bool(limit and self.jobs >= limit)

    def watch(self, on_exit: Callable[[Self], None]) -> None:
        """Set `gone` and call `on_exit` as soon as the process ends, busy or idle."""

        def ended() -> None:
            self._unwatch()
            self.gone = True
            on_exit(self)

        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._process.sentinel, ended)

    async def perform(self, job: Job, until: float) -> Result:
        """Do `job` before the loop's clock says `until`.

        Raises what the job raises (what is not of `errors` as UnreadableImage),
        RenderTimeout after killing the process, and Died when the process ended; after
        either of these two the slot can only be closed, and after Died it is.
        """
        try:
            future = self._executor.submit(process.perform, self._act, job, self._engine)
        except BrokenProcessPool as exc:
            raise Died(await self.close()) from exc
        error = await self._outcome(future, until)
        if isinstance(error, BrokenProcessPool):
            raise Died(await self.close()) from error
        self.jobs += 1
        if error is not None:
            raise self._translate(error) from error.__cause__
        if isinstance(job, RenderJob):
            self.rendered.append(job.path)
            if job.then is not None:
                self.finished.append((job.path, job.then.variant))
        return future.result()

    def kill(self) -> None:
        """End the process now; what it was doing raises Died."""
        self.gone = True
        if self._closing is None:
            self._process.kill()

    async def close(self) -> Death:
        """Release everything that the slot holds, ending an idle process gently.

        It happens once, and every call waits for it.
        """
        if self._closing is None:
            self._unwatch()
            self.gone = True
            self._closing = asyncio.get_running_loop().create_task(self._close())
        return await self._closing

    async def _close(self) -> Death:
        code = await launch.in_thread(lambda: launch.release(self._executor, self._process))
        return Death(code)

    async def _outcome(self, future: Future[Result], until: float) -> BaseException | None:
        """What the job raised, None when it is done; RenderTimeout after `until`."""
        done = asyncio.wrap_future(future)
        await asyncio.wait({done}, timeout=until - asyncio.get_running_loop().time())
        if done.done():
            return done.exception()
        # The killed job ends in BrokenProcessPool later on, and nobody will ask for it.
        done.add_done_callback(lambda late: late.exception())
        self.kill()
        raise errors.RenderTimeout

    def _translate(self, error: BaseException) -> errors.LiveResizeError:
        """`error` as one of ours."""
        if isinstance(error, errors.MemoryExceeded | MemoryError):
            self.spoilt = True
        if isinstance(error, errors.LiveResizeError):
            return error
        if isinstance(error, MemoryError):
            return errors.MemoryExceeded()
        detail = str(error) if isinstance(error, process.UnexpectedJobError) else repr(error)
        logger.error(
            "job_raised", worker_pid=self.pid, error=detail, traceback=str(error.__cause__)
        )
        return errors.UnreadableImage("", detail)

    def _unwatch(self) -> None:
        if self._loop is not None:
            self._loop.remove_reader(self._process.sentinel)
            self._loop = None
