"""Waiting jobs that are brought forward: admission without any process."""

import asyncio
import random
from dataclasses import dataclass

import pytest

from liveresize import errors
from liveresize.core.ports import JobHandle, Priority
from liveresize.workers.admission import Admission

from .test_admission import PATIENT, admission, queued


def background() -> JobHandle:
    """An errand that nobody waits for yet."""
    return JobHandle(Priority.BACKGROUND)


async def order(gate: Admission[str], *waiting: asyncio.Task[str]) -> list[int]:
    """The numbers of those who wait, in the order in which slots reach them."""
    for number in range(len(waiting)):
        gate.offer(chr(ord("a") + number))
    slots = await asyncio.gather(*waiting)
    return sorted(range(len(waiting)), key=slots.__getitem__)


def test_hurried_in_the_queue_it_goes_by_its_own_arrival() -> None:
    """It overtakes what is still in the background and who came later, nobody else."""

    async def main() -> None:
        gate = admission()
        errands = background(), JobHandle(), background(), JobHandle()
        waiting = await queued(*(gate.acquire(handle) for handle in errands))
        errands[2].promote()
        assert await order(gate, *waiting) == [1, 2, 3, 0]

    asyncio.run(main())


def test_hurried_before_it_queues_it_is_like_any_other() -> None:
    """What it was before does not count."""

    async def main() -> None:
        gate = admission()
        late = background()
        late.promote()
        waiting = await queued(*(gate.acquire(each) for each in (background(), JobHandle(), late)))
        assert await order(gate, *waiting) == [1, 2, 0]

    asyncio.run(main())


def test_hurrying_what_has_its_slot_moves_nobody() -> None:
    """Neither the slot nor the queue hears of it."""

    async def main() -> None:
        gate = admission(free="z")
        first = background()
        assert await gate.acquire(first) == "z"
        waiting = await queued(*(gate.acquire(each) for each in (background(), JobHandle())))
        first.promote()
        assert gate.waiting == 2
        assert await order(gate, *waiting) == [1, 0]

    asyncio.run(main())


def test_all_may_be_hurried_and_keep_their_order() -> None:
    """A queue of which everyone is hurried, the last one first, goes by arrival."""

    async def main() -> None:
        gate = admission()
        errands = [background() for _ in range(8)]
        waiting = await queued(*(gate.acquire(handle) for handle in errands))
        for handle in reversed(errands):
            handle.promote()
            handle.promote()
        assert await order(gate, *waiting) == list(range(8))

    asyncio.run(main())


def test_a_hurried_waiter_may_leave() -> None:
    """Its place is free, and no slot is lost, in the very step that offers it one either."""

    async def main() -> None:
        gate = admission()
        errands = background(), background(), JobHandle()
        first, second, third = await queued(*(gate.acquire(handle) for handle in errands))
        errands[0].promote()
        errands[1].promote()
        first.cancel()
        await asyncio.wait({first})
        assert gate.waiting == 2
        gate.offer("a")
        second.cancel()
        assert await third == "a"
        assert second.cancelled()
        assert gate.waiting == 0

    asyncio.run(main())


def test_whoever_hurries_has_patience_of_its_own() -> None:
    """When the wait in the background runs out, the hurried one stays, once."""

    async def main() -> None:
        gate = admission(max_wait=0.01)
        errands = background(), background(), background()
        waiting = await queued(*(gate.acquire(handle) for handle in errands))
        errands[1].promote()
        errands[2].promote()
        with pytest.raises(errors.WaitTimeout):
            await waiting[0]
        gate.offer("a")
        assert await waiting[1] == "a"
        with pytest.raises(errors.WaitTimeout):
            await waiting[2]
        assert gate.waiting == 0

    asyncio.run(main())


def test_closing_refuses_the_hurried_too() -> None:
    """They hear it like all others."""

    async def main() -> None:
        gate = admission()
        handle = background()
        (waiting,) = await queued(gate.acquire(handle))
        handle.promote()
        gate.close()
        with pytest.raises(errors.ShuttingDown):
            await waiting

    asyncio.run(main())


@dataclass
class Guest:
    """One who waits, as the model sees it."""

    handle: JobHandle
    task: asyncio.Task[str]
    until: float
    hurried: bool = False


class Model:
    """Admission beside a list in order of arrival, which is asked who should be next."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.now = 0.0
        self.gate = admission(limit=6, max_wait=PATIENT)
        self.guests: list[Guest] = []
        self.free: list[str] = []
        self.slots = 0

    async def ask(self) -> None:
        handle = JobHandle(self.dice.choice((Priority.INTERACTIVE, Priority.BACKGROUND)))
        (task,) = await queued(self.gate.acquire(handle))
        if self.free:
            assert await task == self.free.pop(0)
        elif len(self.guests) == 6:
            with pytest.raises(errors.QueueFull):
                await task
        else:
            self.guests.append(Guest(handle, task, self.now + PATIENT))

    async def promote(self) -> None:
        if self.guests:
            guest = self.dice.choice(self.guests)
            guest.hurried |= guest.handle.priority is Priority.BACKGROUND
            guest.handle.promote()

    async def leave(self) -> None:
        if self.guests:
            guest = self.guests.pop(self.dice.randrange(len(self.guests)))
            guest.task.cancel()
            await asyncio.wait({guest.task})
            assert guest.task.cancelled()

    async def offer(self) -> None:
        self.slots += 1
        slot = f"slot {self.slots}"
        self.gate.offer(slot)
        if not self.guests:
            self.free.append(slot)
            return
        guest = sorted(self.guests, key=lambda guest: guest.handle.priority)[0]
        self.guests.remove(guest)
        assert await guest.task == slot

    async def tick(self) -> None:
        self.now += self.dice.choice((0.0, 1.0, PATIENT / 2, PATIENT))
        for _ in range(5):
            await asyncio.sleep(0)
        for guest in [guest for guest in self.guests if guest.until <= self.now]:
            if guest.hurried:
                guest.until, guest.hurried = self.now + PATIENT, False
                continue
            self.guests.remove(guest)
            with pytest.raises(errors.WaitTimeout):
                await guest.task

    async def go_on(self) -> None:
        """One thing happens; nothing that should not have happened has."""
        await self.dice.choices(
            (self.ask, self.promote, self.leave, self.offer, self.tick), (8, 4, 1, 4, 1)
        )[0]()
        assert self.gate.waiting == len(self.guests)
        assert not any(guest.task.done() for guest in self.guests)


@pytest.mark.parametrize("seed", range(20))
def test_whatever_happens_the_right_one_is_next(seed: int) -> None:
    """Four hundred random events: asked, hurried, left, offered, time gone by."""

    async def main() -> None:
        model = Model(seed)
        loop = asyncio.get_running_loop()
        loop.time = lambda: model.now  # type: ignore[method-assign]
        for _ in range(400):
            await model.go_on()
        while model.guests:
            await model.offer()
        assert model.gate.waiting == 0

    asyncio.run(main())
