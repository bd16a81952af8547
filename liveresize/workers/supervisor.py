"""Keeping a number of slots alive: opening, replacing, relieving and closing them."""

import asyncio
import contextlib
from collections.abc import Coroutine, Iterable
from dataclasses import dataclass

import structlog

from liveresize import errors
from liveresize.imaging.settings import EngineSettings
from liveresize.observe.tracing import spans
from liveresize.settings.server import Workers
from liveresize.workers.admission import Admission
from liveresize.workers.process import Perform
from liveresize.workers.slot import Slot

logger = structlog.get_logger("liveresize.workers.crew")


@dataclass(slots=True)
class Counters:
    """What has happened to workers since the start."""

    started: int = 0
    start_failures: int = 0
    died: int = 0
    recycled: int = 0


class WorkerSupervisor:
    """`size` places, each with a slot that is free, at work, or being replaced.

    Free slots lie in the admission. Whoever takes one from there brings it back with
    `give_back`, dead or alive, or swaps the dead one with `replace`.
    """

    def __init__(
        self,
        size: int,
        settings: Workers,
        engine: EngineSettings,
        *,
        act: Perform,
        admission: Admission[Slot],
    ) -> None:
        self._size = size
        self._settings = settings
        self._engine = engine
        self._act = act
        self._admission = admission
        self._slots: set[Slot] = set()
        self._relieving: set[Slot] = set()
        self._successors: dict[Slot, Slot] = {}
        self._chores: set[asyncio.Task[object]] = set()
        self._closing = asyncio.Event()
        self._failing = False
        self._useless = 0
        self.counters = Counters()

    @property
    def pids(self) -> tuple[int, ...]:
        """The process ids of the live workers."""
        return tuple(sorted(slot.pid for slot in self._slots if not slot.gone))

    @property
    def closing(self) -> bool:
        """Whether `stop` was called."""
        return self._closing.is_set()

    async def start(self) -> None:
        """Open every slot. Raises WorkerDied when not one of them could be opened."""
        opened = await asyncio.gather(
            *(self._open() for _ in range(self._size)), return_exceptions=True
        )
        failures = [slot for slot in opened if isinstance(slot, BaseException)]
        if len(failures) == self._size:
            raise failures[0]
        for slot in opened:
            if isinstance(slot, Slot):
                self._admission.offer(slot)
            else:
                self._spawn(self._refill())

    def give_back(self, slot: Slot) -> None:
        """The job in `slot` has ended; whoever waits gets the slot or its successor."""
        if slot.jobs == 1:
            self._useless = 0
        if self._closing.is_set():
            self._dismiss(slot)
        elif slot.gone:
            self._fill_place_of(slot)
        elif slot in self._successors:
            self._succeed(slot, self._successors.pop(slot))
        else:
            self._admission.offer(slot)
            if slot.worn and slot not in self._relieving:
                self._spawn(self._relieve(slot))

    async def replace(self, slot: Slot) -> Slot:
        """A fresh slot for the one that died, for the same job.

        Raises WorkerDied when none could be started (the place is filled later) and
        ShuttingDown after `stop`.
        """
        self._dismiss(slot)
        if self._closing.is_set():
            raise errors.ShuttingDown
        successor = self._successors.pop(slot, None)
        if successor is not None:
            return successor
        try:
            fresh = await self._open()
        except errors.WorkerDied:
            self._spawn(self._refill())
            raise
        if self._closing.is_set():
            self._dismiss(fresh)
            raise errors.ShuttingDown
        logger.info("worker_replaced", worker_pid=fresh.pid, replaced=slot.pid)
        return fresh

    def stop(self, free: Iterable[Slot]) -> None:
        """Open no more slots; close those in `free` now, the others as they come back."""
        self._closing.set()
        for slot in (*free, *self._successors.values()):
            self._dismiss(slot)
        self._successors.clear()

    def kill(self) -> None:
        """Kill every worker that is left."""
        for slot in self._slots:
            slot.kill()

    async def finished(self) -> None:
        """Return when nothing is being opened or closed any more."""
        while self._chores:
            await asyncio.wait(self._chores)

    async def _open(self) -> Slot:
        """A warm and watched slot. Raises WorkerDied."""
        began = asyncio.get_running_loop().time()
        try:
            slot = await Slot.open(self._act, self._settings, self._engine)
        except errors.WorkerDied as error:
            self.counters.start_failures += 1
            self._useless += 1
            if not self._failing:
                self._failing = True
                logger.exception("worker_start_failed", error=error.detail)
            raise
        self._failing = False
        self.counters.started += 1
        self._slots.add(slot)
        with spans.entered(None):
            slot.watch(self._exited)
        took = asyncio.get_running_loop().time() - began
        logger.info("worker_started", worker_pid=slot.pid, duration_ms=round(took * 1000, 1))
        return slot

    def _exited(self, slot: Slot) -> None:
        """The process of `slot` has ended. Under a job, the job hears of it itself."""
        if self._admission.withdraw(slot):
            if slot.jobs == 0:
                self._useless += 1
            self._fill_place_of(slot)
        elif slot in self._successors.values():
            heir_of = next(old for old, new in self._successors.items() if new is slot)
            del self._successors[heir_of]
        else:
            return
        self.counters.died += 1
        logger.warning("worker_died", worker_pid=slot.pid, idle=True)
        self._dismiss(slot)

    def _fill_place_of(self, slot: Slot) -> None:
        """Put a successor, or before long a fresh slot, where `slot` was."""
        self._dismiss(slot)
        successor = self._successors.pop(slot, None)
        if successor is not None:
            self._admission.offer(successor)
        else:
            self._spawn(self._refill(slot))

    async def _refill(self, lost: Slot | None = None) -> None:
        """Offer a fresh slot, however many attempts it takes to start one."""
        while not self._closing.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._closing.wait(), self._backoff())
            if self._closing.is_set():
                return
            try:
                fresh = await self._open()
            except errors.WorkerDied:
                continue
            if self._closing.is_set():
                self._dismiss(fresh)
                return
            logger.info(
                "worker_replaced", worker_pid=fresh.pid, replaced=lost.pid if lost else None
            )
            self._admission.offer(fresh)
            return

    def _backoff(self) -> float:
        """Seconds to wait before a start: none, but 0.1 to 5 while no start does any good.

        Workers that could not be started or died idle before their first job count.
        """
        if self._useless < 2:
            return 0.0
        return min(5.0, 0.1 * 2.0 ** min(self._useless - 2, 10))

    async def _relieve(self, slot: Slot) -> None:
        """Open a successor while `slot` goes on working, then let it take over."""
        self._relieving.add(slot)
        try:
            fresh = await self._open()
        except errors.WorkerDied:
            return
        finally:
            self._relieving.discard(slot)
        if self._closing.is_set() or slot.gone:
            self._dismiss(fresh)
        elif self._admission.withdraw(slot):
            self._succeed(slot, fresh)
        else:
            self._successors[slot] = fresh

    def _succeed(self, slot: Slot, fresh: Slot) -> None:
        self.counters.recycled += 1
        logger.info("worker_recycled", worker_pid=fresh.pid, replaced=slot.pid, jobs=slot.jobs)
        self._admission.offer(fresh)
        self._dismiss(slot)

    def _dismiss(self, slot: Slot) -> None:
        """Forget `slot` and close it behind our back."""
        self._slots.discard(slot)
        self._spawn(slot.close())

    def _spawn(self, chore: Coroutine[None, None, object]) -> None:
        with spans.entered(None):  # workers outlive the request that they were started in
            task = asyncio.get_running_loop().create_task(chore)
        self._chores.add(task)
        task.add_done_callback(self._chores.discard)
