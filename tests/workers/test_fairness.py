"""Whose turn it is: clients that share the slots, without any process."""

import asyncio
import random
from collections import Counter

import pytest

from liveresize import errors
from liveresize.core.ports import JobHandle, Priority
from liveresize.workers.admission import Admission

from .test_admission import admission, queued


async def turns() -> None:
    """Let everything happen that follows from what has."""
    for _ in range(4):
        await asyncio.sleep(0)


class Slots:
    """So many slots that each take the next job when theirs ends."""

    def __init__(self, number: int, *, limit: int = 1000, share: int = 1000) -> None:
        self.gate: Admission[int] = Admission(limit, 60.0, share)
        for slot in range(number):
            self.gate.offer(slot)
        self.order: list[str] = []
        """The names of the jobs, as they began."""
        self.at_work: dict[int, JobHandle] = {}
        self.refused: list[str] = []
        self._tasks: list[asyncio.Task[None]] = []

    async def ask(self, name: str, handle: JobHandle) -> None:
        """Put a job in the queue, or to work."""
        self._tasks.append(asyncio.create_task(self._do(name, handle)))
        await turns()

    async def _do(self, name: str, handle: JobHandle) -> None:
        try:
            slot = await self.gate.acquire(handle)
        except errors.QueueFull:
            self.refused.append(name)
            return
        self.order.append(name)
        self.at_work[slot] = handle

    async def end(self, slot: int) -> None:
        """The job in that slot ends."""
        self.gate.ended(self.at_work.pop(slot))
        self.gate.offer(slot)
        await turns()

    async def run_out(self) -> list[str]:
        """End jobs in turn until none is left; the names, as they began."""
        while self.at_work:
            await self.end(next(iter(self.at_work)))
        await asyncio.gather(*self._tasks)
        return self.order


def render(client: str) -> JobHandle:
    """A render for that client."""
    return JobHandle(client=client)


def upload(client: str) -> JobHandle:
    """An upload of that client."""
    return JobHandle(Priority.UPLOAD, client)


@pytest.mark.parametrize("number", [1, 2, 4])
def test_one_clients_flood_delays_another_by_no_more_than_a_job(number: int) -> None:
    """Whoever comes after a hundred jobs of another is next, for a render and an upload."""

    async def main() -> None:
        slots = Slots(number)
        for each in range(100):
            await slots.ask(f"flood {each}", render("a"))
        await slots.ask("render", render("b"))
        await slots.ask("upload", upload("c"))
        order = await slots.run_out()
        assert set(order[number : number + 2]) == {"render", "upload"}

    asyncio.run(main())


def test_clients_take_turns_and_each_keeps_its_order() -> None:
    """Two clients with many jobs have the slots in turn, each its oldest job first."""

    async def main() -> None:
        slots = Slots(1)
        for each in range(4):
            await slots.ask(f"a{each}", render("a"))
        for each in range(3):
            await slots.ask(f"b{each}", render("b"))
        assert await slots.run_out() == ["a0", "b0", "a1", "b1", "a2", "b2", "a3"]

    asyncio.run(main())


def test_slow_jobs_of_one_client_leave_a_slot_to_another() -> None:
    """While one client's long job goes on, the other slot is the other client's."""

    async def main() -> None:
        slots = Slots(2)
        for each in range(6):
            await slots.ask(f"slow {each}", render("a"))
        for each in range(5):
            await slots.ask(f"fast {each}", render("b"))
        await slots.end(1)  # the first slow job goes on in slot 0
        for _ in range(4):
            await slots.end(1)
        assert slots.order[2:] == [f"fast {each}" for each in range(5)]

    asyncio.run(main())


def test_uploads_go_before_renders_and_neither_starves() -> None:
    """A client with nothing but uploads has three for each render of another."""

    async def main() -> None:
        slots = Slots(1)
        await slots.ask("first", render("c"))
        for _ in range(40):
            await slots.ask("upload", upload("a"))
            await slots.ask("render", render("b"))
        order = (await slots.run_out())[1:41]
        assert order[0] == "upload"
        assert 28 <= Counter(order)["upload"] <= 32
        assert all("render" in order[at : at + 5] for at in range(36))

    asyncio.run(main())


def test_a_clients_own_upload_goes_before_its_renders() -> None:
    """Uploads wait behind no gallery of their own client."""

    async def main() -> None:
        slots = Slots(1)
        for each in range(3):
            await slots.ask(f"render {each}", render("a"))
        await slots.ask("upload", upload("a"))
        assert await slots.run_out() == ["render 0", "upload", "render 1", "render 2"]

    asyncio.run(main())


def test_a_joined_job_has_the_best_turn_of_its_waiters() -> None:
    """A job of a busy client goes when a client that waits for it too is next."""

    async def main() -> None:
        slots = Slots(1)
        joined = render("a")
        for each in range(5):
            await slots.ask(f"a{each}", render("a"))
        await slots.ask("joined", joined)
        joined.clients = ("a", "b")
        order = await slots.run_out()
        assert order[:2] == ["a0", "joined"]

    asyncio.run(main())


def test_background_jobs_are_last_whoever_they_are_for() -> None:
    """Warm-ups wait for the renders of a client that floods, too."""

    async def main() -> None:
        slots = Slots(1)
        await slots.ask("a0", render("a"))
        await slots.ask("warm-up", JobHandle(Priority.BACKGROUND))
        for each in range(1, 4):
            await slots.ask(f"a{each}", render("a"))
        assert (await slots.run_out())[-1] == "warm-up"

    asyncio.run(main())


def test_new_clients_without_end_do_not_keep_an_old_one_waiting() -> None:
    """A client that has been served gets another turn although new ones keep coming."""

    async def main() -> None:
        slots = Slots(1)
        await slots.ask("new", render("first"))
        for _ in range(2):
            await slots.ask("old", render("old"))
        for each in range(400):
            await slots.ask("new", render(f"new {each}"))
            await slots.end(0)
        assert slots.order.count("old") == 2
        await slots.run_out()

    asyncio.run(main())


def test_a_full_queue_takes_in_a_client_within_its_share() -> None:
    """The newest job of the client that has the most gives way, and hears of it at once."""

    async def main() -> None:
        slots = Slots(1, limit=6, share=2)
        for each in range(7):
            await slots.ask(f"a{each}", render("a"))
        await slots.ask("a7", render("a"))
        assert slots.refused == ["a7"]
        await slots.ask("b0", render("b"))
        await slots.ask("b1", render("b"))
        assert slots.refused == ["a7", "a6", "a5"]
        await slots.ask("b2", render("b"))
        assert slots.refused == ["a7", "a6", "a5", "b2"]
        order = await slots.run_out()
        assert order == ["a0", "b0", "a1", "b1", "a2", "a3", "a4"]

    asyncio.run(main())


def test_a_queue_full_of_shares_refuses_the_newcomer() -> None:
    """Nobody loses a place that its share keeps."""

    async def main() -> None:
        gate = admission(limit=4, share=2)
        waiting = await queued(*(gate.acquire(render(client)) for client in "aabb"))
        with pytest.raises(errors.QueueFull):
            await gate.acquire(render("c"))
        assert gate.waiting == 4
        gate.close()
        for task in waiting:
            with pytest.raises(errors.ShuttingDown):
                await task

    asyncio.run(main())


def test_nobody_is_as_good_as_a_client() -> None:
    """A job that no client waits for any more has a turn like any other."""

    async def main() -> None:
        slots = Slots(1)
        left = render("a")
        for each in range(2):
            await slots.ask(f"a{each}", render("a"))
        await slots.ask("left", left)
        left.clients = ()
        assert await slots.run_out() == ["a0", "left", "a1"]

    asyncio.run(main())


@pytest.mark.parametrize("seed", range(10))
def test_what_clients_get_is_even_whatever_happens(seed: int) -> None:
    """Of clients that always have a job waiting, none gets two jobs more than another."""

    async def main() -> None:
        dice = random.Random(seed)
        slots = Slots(1)
        waiting: Counter[str] = Counter()
        clients = ["a", "b", "c"]
        for _ in range(200):
            for client in clients:
                while waiting[client] < dice.randint(2, 6):
                    await slots.ask(client, render(client))
                    waiting[client] += 1
            before = len(slots.order)
            await slots.end(0)
            waiting.subtract(slots.order[before:])
        served = Counter(slots.order[10:])
        assert max(served.values()) - min(served.values()) <= 1
        await slots.run_out()

    asyncio.run(main())
