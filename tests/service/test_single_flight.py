"""One task a key, however many wait for it."""

import asyncio

import pytest

from liveresize.core.ports import Priority
from liveresize.core.single_flight import Call, SingleFlight

from .doubles import run, turns


class Work:
    """Work that goes on until it is let go, and counts how often it began."""

    def __init__(self, *, begun: bool = False) -> None:
        self.starts = 0
        self.flights: list[Call[str]] = []
        self.cancelled = 0
        self.ended = 0
        self.go = asyncio.Event()
        self.failure: Exception | None = None
        self._begun = begun

    async def __call__(self, flight: Call[str]) -> str:
        self.starts += 1
        self.flights.append(flight)
        if self._begun:
            flight.begin()
        try:
            await self.go.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        self.ended += 1
        if self.failure is not None:
            raise self.failure
        return "made"


def test_all_who_ask_get_the_one_result() -> None:
    """Two hundred waiters, one start, and nothing is left behind."""

    async def main() -> None:
        inflight: SingleFlight[str] = SingleFlight()
        work = Work()
        waiting = [asyncio.create_task(inflight.run("key", work)) for _ in range(200)]
        await turns()
        assert inflight.joins("key")
        work.go.set()
        assert await asyncio.gather(*waiting) == ["made"] * 200
        assert work.starts == 1
        assert len(inflight) == 0

    run(main)


def test_other_keys_are_other_work() -> None:
    """What is joined is the same key alone."""

    async def main() -> None:
        inflight: SingleFlight[str] = SingleFlight()
        work = Work()
        work.go.set()
        await asyncio.gather(*(inflight.run(key, work) for key in "abc"))
        assert work.starts == 3

    run(main)


def test_a_failure_reaches_every_waiter_and_ends_with_them() -> None:
    """All of them get the same exception, and the next caller starts anew."""

    async def main() -> None:
        inflight: SingleFlight[str] = SingleFlight()
        work = Work()
        work.failure = ValueError("no")
        waiting = [asyncio.create_task(inflight.run("key", work)) for _ in range(5)]
        await turns()
        work.go.set()
        answers = await asyncio.gather(*waiting, return_exceptions=True)
        assert all(answer is work.failure for answer in answers)
        work.failure = None
        assert await inflight.run("key", work) == "made"

    run(main)


def test_work_that_has_not_begun_goes_with_its_last_waiter() -> None:
    """While one is left it goes on; then it is cancelled, and nobody joins what is left."""

    async def main() -> None:
        inflight: SingleFlight[str] = SingleFlight()
        work = Work()
        first, second = (asyncio.create_task(inflight.run("key", work)) for _ in range(2))
        await turns()
        first.cancel()
        await turns()
        assert work.cancelled == 0
        second.cancel()
        await asyncio.wait({first, second})
        assert not inflight.joins("key")
        again = asyncio.create_task(inflight.run("key", work))
        await turns()
        assert (work.starts, work.cancelled) == (2, 1)
        work.go.set()
        assert await again == "made"

    run(main)


def test_nobody_joins_work_that_is_being_dropped() -> None:
    """Whoever comes back in the very step that dropped it starts anew."""

    async def main() -> None:
        inflight: SingleFlight[str] = SingleFlight()
        work = Work()

        async def come_back() -> str:
            try:
                return await inflight.run("key", work)
            except asyncio.CancelledError:
                return await inflight.run("key", work)

        task = asyncio.create_task(come_back())
        await turns()
        task.cancel()
        await turns()
        work.go.set()
        assert await task == "made"
        assert (work.starts, work.cancelled) == (2, 1)

    run(main)


def test_begun_work_goes_on_without_waiters() -> None:
    """It may be joined again, and what it ends with is reported to nobody as lost."""

    async def main() -> None:
        inflight: SingleFlight[str] = SingleFlight()
        work = Work(begun=True)
        work.failure = ValueError("seen by nobody")
        only = asyncio.create_task(inflight.run("key", work))
        await turns()
        only.cancel()
        await asyncio.wait({only})
        assert inflight.joins("key")
        work.go.set()
        await turns()
        assert not inflight.joins("key")
        assert (work.ended, work.cancelled) == (1, 0)

    run(main)


def test_a_waiter_may_join_again_after_all_have_left() -> None:
    """Begun work without waiters is still the one that makes it."""

    async def main() -> None:
        inflight: SingleFlight[str] = SingleFlight()
        work = Work(begun=True)
        leaver = asyncio.create_task(inflight.run("key", work))
        await turns()
        leaver.cancel()
        await asyncio.wait({leaver})
        joiner = asyncio.create_task(inflight.run("key", work))
        await turns()
        work.go.set()
        assert await joiner == "made"
        assert work.starts == 1

    run(main)


def test_the_work_never_joins_itself_after_failing() -> None:
    """Whoever asks in the very step that the failure arrives in starts afresh."""

    async def main() -> None:
        inflight: SingleFlight[str] = SingleFlight()
        work = Work()
        work.failure = ValueError("first")

        async def insist() -> str:
            try:
                return await inflight.run("key", work)
            except ValueError:
                work.failure = None
                return await inflight.run("key", work)

        waiting = [asyncio.create_task(insist()) for _ in range(3)]
        await turns()
        work.go.set()
        assert await asyncio.gather(*waiting) == ["made"] * 3
        assert work.starts == 2

    run(main)


@pytest.mark.parametrize(
    ("first", "second", "then"),
    [
        (Priority.BACKGROUND, Priority.BACKGROUND, Priority.BACKGROUND),
        (Priority.BACKGROUND, Priority.INTERACTIVE, Priority.INTERACTIVE),
        (Priority.INTERACTIVE, Priority.BACKGROUND, Priority.INTERACTIVE),
    ],
)
def test_whoever_is_in_a_hurry_hurries_what_is_joined(
    first: Priority, second: Priority, then: Priority
) -> None:
    """Work has the priority of the most urgent who ever waited for it."""

    async def main() -> None:
        inflight: SingleFlight[str] = SingleFlight()
        work = Work()
        waiting = [
            asyncio.create_task(inflight.run("key", work, priority=priority))
            for priority in (first, second)
        ]
        await turns()
        assert [flight.priority for flight in work.flights] == [then]
        work.go.set()
        assert await asyncio.gather(*waiting) == ["made"] * 2

    run(main)


def test_hurried_work_stays_so_and_goes_on_for_who_began_it() -> None:
    """The live one that joined may leave; nothing is dropped, and nothing put back."""

    async def main() -> None:
        inflight: SingleFlight[str] = SingleFlight()
        work = Work()
        slow = asyncio.create_task(inflight.run("key", work, priority=Priority.BACKGROUND))
        await turns()
        live = asyncio.create_task(inflight.run("key", work))
        await turns()
        live.cancel()
        await asyncio.wait({live})
        assert work.flights[0].priority is Priority.INTERACTIVE
        work.go.set()
        assert await slow == "made"
        assert (work.starts, work.cancelled) == (1, 0)

    run(main)
