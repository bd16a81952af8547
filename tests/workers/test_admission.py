"""Who gets a free slot: admission without any process."""

import asyncio
from collections.abc import Coroutine

import pytest

from liveresize import errors
from liveresize.core.ports import JobHandle, Priority
from liveresize.workers.admission import Admission

PATIENT = 60.0


def admission(
    limit: int = 8, max_wait: float = PATIENT, free: str = "", share: int = 8
) -> Admission[str]:
    """An admission with one slot for each letter of `free`."""
    made: Admission[str] = Admission(limit, max_wait, share)
    for slot in free:
        made.offer(slot)
    return made


async def queued(*asking: Coroutine[None, None, str]) -> list[asyncio.Task[str]]:
    """Tasks that have all asked, in this order."""
    tasks = [asyncio.ensure_future(one) for one in asking]
    await asyncio.sleep(0)
    return tasks


def test_free_slots_are_given_at_once() -> None:
    """Nobody queues while a slot is free, and no slot is given twice."""

    async def main() -> None:
        gate = admission(limit=0, free="ab")
        given = {await gate.acquire(JobHandle()) for _ in range(2)}
        assert given == {"a", "b"}
        with pytest.raises(errors.QueueFull):
            await gate.acquire(JobHandle())

    asyncio.run(main())


def test_a_free_slot_that_suits_goes_first_and_nobody_waits_for_one() -> None:
    """Of several free slots the one that suits is given; any other, where none does."""

    async def main() -> None:
        gate = admission(limit=0, free="abc")
        assert await gate.acquire(JobHandle(), lambda slot: slot in "bc") == "b"
        assert await gate.acquire(JobHandle(), lambda slot: slot == "b") == "a"
        assert await gate.acquire(JobHandle(), lambda slot: slot == "b") == "c"

    asyncio.run(main())


def test_of_a_clients_background_jobs_the_one_that_suits_the_slot_goes_first() -> None:
    """The oldest, where none suits better; other jobs keep their order."""

    async def main() -> None:
        gate = admission(free="a")
        running = JobHandle()
        await gate.acquire(running)
        gate.ended(running)
        order: list[str] = []

        async def ask(name: str, priority: Priority, slots: str, client: str = "") -> None:
            await gate.acquire(JobHandle(priority, client), slots.count)
            order.append(name)

        back, live = Priority.BACKGROUND, Priority.INTERACTIVE
        asking = [
            ask("elsewhere", back, "bb"),
            ask("decoded", back, "a"),
            ask("finished", back, "aa"),
            ask("another's", back, "aaa", client="c"),
            ask("live", live, ""),
            ask("live, suits", live, "aa"),
        ]
        tasks = [asyncio.ensure_future(one) for one in asking]
        await asyncio.sleep(0)
        for _ in tasks:
            gate.offer("a")
            await asyncio.sleep(0)
        await asyncio.gather(*tasks)
        assert order[:2] == ["live", "live, suits"]
        assert [name for name in order[2:] if name != "another's"] == [
            "finished",
            "decoded",
            "elsewhere",
        ]

    asyncio.run(main())


def test_a_background_job_is_not_overtaken_for_ever() -> None:
    """Whatever suits the slot better, the oldest job has its turn before it gives up."""

    async def main() -> None:
        gate = admission(limit=200)
        order: list[int] = []

        async def ask(number: int) -> None:
            await gate.acquire(JobHandle(Priority.BACKGROUND), lambda _: number)
            order.append(number)

        tasks = [asyncio.ensure_future(ask(number)) for number in range(100)]
        await asyncio.sleep(0)
        for _ in tasks:
            gate.offer("a")
            await asyncio.sleep(0)
        await asyncio.gather(*tasks)
        assert order[:33] == [*range(99, 67, -1), 0]
        assert order.index(1) == 33 + 32

    asyncio.run(main())


def test_the_queue_goes_by_priority_then_by_arrival() -> None:
    """Live traffic overtakes background work, and nobody overtakes an equal."""

    async def main() -> None:
        gate = admission()
        order: list[str] = []

        async def ask(name: str, priority: Priority) -> str:
            slot = await gate.acquire(JobHandle(priority))
            order.append(name)
            return slot

        tasks = await queued(
            ask("background 1", Priority.BACKGROUND),
            ask("live 1", Priority.INTERACTIVE),
            ask("background 2", Priority.BACKGROUND),
            ask("live 2", Priority.INTERACTIVE),
        )
        assert gate.waiting == 4
        for slot in "abcd":
            gate.offer(slot)
        assert await asyncio.gather(*tasks) == ["c", "a", "d", "b"]
        assert order == ["live 1", "live 2", "background 1", "background 2"]

    asyncio.run(main())


def test_a_full_queue_refuses_at_once() -> None:
    """One more than the limit is told so without waiting; the others keep their place."""

    async def main() -> None:
        gate = admission(limit=1)
        (first,) = await queued(gate.acquire(JobHandle(Priority.BACKGROUND)))
        with pytest.raises(errors.QueueFull):
            await gate.acquire(JobHandle())
        gate.offer("a")
        assert await first == "a"

    asyncio.run(main())


def test_who_waits_too_long_is_told_and_leaves() -> None:
    """After `max_wait` the waiter is gone, and a slot offered later stays free."""

    async def main() -> None:
        gate = admission(max_wait=0.01)
        with pytest.raises(errors.WaitTimeout):
            await gate.acquire(JobHandle())
        assert gate.waiting == 0
        gate.offer("a")
        assert gate.withdraw("a")

    asyncio.run(main())


def test_a_cancelled_waiter_leaves_the_queue() -> None:
    """Its place is free at once, and the next in the queue gets the slot."""

    async def main() -> None:
        gate = admission(limit=2)
        first, second = await queued(gate.acquire(JobHandle()), gate.acquire(JobHandle()))
        first.cancel()
        await asyncio.wait({first})
        assert gate.waiting == 1
        gate.offer("a")
        assert await second == "a"

    asyncio.run(main())


def test_a_slot_given_to_the_just_cancelled_goes_to_the_next() -> None:
    """No slot is lost when turn and cancellation meet in one step of the loop."""

    async def main() -> None:
        gate = admission()
        first, second = await queued(gate.acquire(JobHandle()), gate.acquire(JobHandle()))
        gate.offer("a")
        first.cancel()
        assert await second == "a"
        assert first.cancelled() or await asyncio.wait({first})
        assert gate.waiting == 0

    asyncio.run(main())


def test_cancelling_before_a_slot_is_offered_in_the_same_step() -> None:
    """The other order of the same race: the slot passes over the cancelled."""

    async def main() -> None:
        gate = admission()
        first, second = await queued(gate.acquire(JobHandle()), gate.acquire(JobHandle()))
        first.cancel()
        gate.offer("a")
        assert await second == "a"
        await asyncio.wait({first})
        assert first.cancelled()
        assert gate.waiting == 0

    asyncio.run(main())


def test_only_a_free_slot_can_be_withdrawn() -> None:
    """A slot at work stays with its job."""

    async def main() -> None:
        gate = admission(free="a")
        assert await gate.acquire(JobHandle()) == "a"
        assert not gate.withdraw("a")
        gate.offer("a")
        assert gate.withdraw("a")
        assert not gate.withdraw("a")

    asyncio.run(main())


def test_closing_refuses_the_queue_and_everyone_after() -> None:
    """Those who wait hear it at once; free slots come back to be closed."""

    async def main() -> None:
        gate = admission()
        (waiting,) = await queued(gate.acquire(JobHandle()))
        assert gate.close() == []
        with pytest.raises(errors.ShuttingDown):
            await waiting
        with pytest.raises(errors.ShuttingDown):
            await gate.acquire(JobHandle())
        assert admission(free="ab").close() == ["a", "b"]

    asyncio.run(main())
