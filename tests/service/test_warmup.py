"""The queue of warm-ups: bounded, patient, and gone when it is empty."""

import asyncio
from collections import defaultdict
from dataclasses import dataclass

import pytest
from structlog.testing import capture_logs

from liveresize import errors
from liveresize.core.names import ImageId
from liveresize.delivery.warmup import Fate, Warmup

from .doubles import run, turns
from .house import CAT


@dataclass(frozen=True)
class Dish:
    """A request that tells the log what it is."""

    width: int
    image: ImageId = CAT

    def __str__(self) -> str:
        return f"s={self.width}"


def dishes(count: int) -> list[Dish]:
    """That many different requests."""
    return [Dish(width) for width in range(1, count + 1)]


def menu(count: int) -> list[Dish]:
    """As many for different pictures."""
    return [Dish(width, ImageId(f"cat-{width}")) for width in range(1, count + 1)]


class Kitchen:
    """A warmup.Warming that makes nothing, and counts how much of it at a time.

    `troubles` are raised for a request, one an attempt; `gate` is open unless a test
    closes it; `pauses` are those that a Warmup on `sleep` has made.
    """

    def __init__(self) -> None:
        self.made: list[Dish] = []
        self.attempts = 0
        self.busy = 0
        self.busiest = 0
        self.ready_now: set[Dish] = set()
        self.troubles: dict[Dish, list[Exception]] = defaultdict(list)
        self.gate = asyncio.Event()
        self.gate.set()
        self.pauses: list[float] = []

    def ready(self, request: Dish) -> bool:
        return request in self.ready_now

    async def warm(self, request: Dish) -> bool:
        self.attempts += 1
        self.busy += 1
        self.busiest = max(self.busiest, self.busy)
        try:
            await self.gate.wait()
            await asyncio.sleep(0)
        finally:
            self.busy -= 1
        if self.troubles[request]:
            raise self.troubles[request].pop(0)
        self.made.append(request)
        return False

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)


def opened(kitchen: Kitchen, concurrency: int = 1, **bounds: int) -> Warmup[Dish]:
    """A Warmup that does not really sleep."""
    return Warmup(kitchen, concurrency=concurrency, sleep=kitchen.sleep, **bounds)


def test_it_is_made_behind_the_answer_in_order() -> None:
    """`ask` returns before anything is made; then it is, one at a time, and no task stays."""

    async def main() -> None:
        kitchen, before = Kitchen(), asyncio.all_tasks()
        warmup = opened(kitchen)
        assert warmup.ask(dishes(5)) == [Fate.QUEUED] * 5
        assert (warmup.pending, kitchen.attempts) == (5, 0)
        await warmup.drain()
        assert kitchen.made == dishes(5)
        assert kitchen.busiest == 1
        assert warmup.pending == 0
        assert asyncio.all_tasks() == before

    run(main)


def test_each_entry_hears_its_fate() -> None:
    """What memory knows is ready and takes no place; what is asked for twice takes one."""

    async def main() -> None:
        kitchen = Kitchen()
        kitchen.ready_now = {Dish(2)}
        warmup = opened(kitchen)
        fates = warmup.ask([Dish(1), Dish(2), Dish(1)])
        assert fates == [Fate.QUEUED, Fate.READY, Fate.QUEUED]
        assert [fate.value for fate in Fate] == ["queued", "ready", "invalid", "dropped"]
        await warmup.drain()
        assert kitchen.made == [Dish(1)]

    run(main)


def test_what_is_under_way_is_not_queued_again() -> None:
    """Only once it is made, or has failed, is it taken anew."""

    async def main() -> None:
        kitchen = Kitchen()
        kitchen.gate.clear()
        warmup = opened(kitchen)
        warmup.ask(dishes(1))
        await turns()
        assert (kitchen.busy, warmup.pending) == (1, 1)
        assert warmup.ask(dishes(1)) == [Fate.QUEUED]
        assert warmup.pending == 1
        kitchen.gate.set()
        await warmup.drain()
        assert warmup.ask(dishes(1)) == [Fate.QUEUED]
        await warmup.drain()
        assert kitchen.attempts == 2

    run(main)


def test_both_bounds_drop_what_is_beyond_them() -> None:
    """So many wait, besides those under way, and so many entries come with one `ask`."""

    async def main() -> None:
        kitchen = Kitchen()
        kitchen.gate.clear()
        warmup = opened(kitchen, queue=3, entries=2)
        assert warmup.ask(dishes(4)) == [Fate.QUEUED] * 2 + [Fate.DROPPED] * 2
        await turns()
        assert warmup.ask([Dish(8), Dish(9)]) == [Fate.QUEUED] * 2
        assert warmup.ask([Dish(10), Dish(1)]) == [Fate.DROPPED, Fate.QUEUED]
        kitchen.ready_now = {Dish(11)}
        assert warmup.ask([Dish(11)]) == [Fate.READY]
        assert warmup.pending == 4
        kitchen.gate.set()
        await warmup.drain()
        assert kitchen.made == [Dish(1), Dish(2), Dish(8), Dish(9)]

    run(main)


def test_so_many_at_a_time() -> None:
    """`concurrency` tasks share the queue, and never more."""

    async def main() -> None:
        kitchen = Kitchen()
        kitchen.gate.clear()
        warmup = opened(kitchen, concurrency=3)
        warmup.ask(menu(2))
        await turns()
        assert kitchen.busy == 2
        warmup.ask(menu(10))
        await turns()
        assert kitchen.busy == 3
        kitchen.gate.set()
        await warmup.drain()
        assert kitchen.busiest == 3
        assert sorted(kitchen.made, key=lambda dish: dish.width) == menu(10)

    run(main)


def test_renditions_of_one_picture_are_made_one_after_the_other() -> None:
    """One worker has it decoded: a task stays with its picture, others take other pictures."""

    async def main() -> None:
        kitchen = Kitchen()
        kitchen.gate.clear()
        warmup = opened(kitchen, concurrency=3)
        dog = ImageId("dog")
        warmup.ask([Dish(1), Dish(2), Dish(3, dog), Dish(4), Dish(5, dog)])
        await turns()
        assert kitchen.busy == 2
        kitchen.gate.set()
        await warmup.drain()
        assert kitchen.busiest == 2
        assert [dish.width for dish in kitchen.made if dish.image == CAT] == [1, 2, 4]
        assert [dish.width for dish in kitchen.made if dish.image == dog] == [3, 5]

    run(main)


def test_asking_in_the_step_that_ends_the_queue() -> None:
    """What is asked for after the task looked, and before it is gone, is made as well."""

    async def main() -> None:
        kitchen, before = Kitchen(), asyncio.all_tasks()
        warmup = opened(kitchen)
        loop = asyncio.get_running_loop()
        warmup.ask(dishes(1))
        (task,) = asyncio.all_tasks() - before
        fates: list[Fate] = []
        seen: list[bool] = []

        async def last(request: Dish) -> bool:
            def ask() -> None:
                seen.append(task.done())
                fates.extend(warmup.ask([Dish(2)]))

            kitchen.warm = original  # type: ignore[method-assign]
            loop.call_soon(ask)
            return False

        original = kitchen.warm
        kitchen.warm = last  # type: ignore[method-assign]
        await warmup.drain()
        assert (seen, fates) == ([True], [Fate.QUEUED])
        await warmup.drain()
        assert kitchen.made == [Dish(2)]

    run(main)


@pytest.mark.parametrize(
    "trouble",
    [
        errors.UnreadableImage("for the client", "for the log"),
        errors.OriginalMissing(),
        errors.BadParameter(),
        errors.IndexUnavailable(),
        errors.ObjectStoreUnavailable(),
        errors.RenderTimeout(),
        errors.WorkerDied(),
    ],
    ids=lambda trouble: type(trouble).__name__,
)
def test_a_bad_entry_is_logged_and_left(trouble: errors.LiveResizeError) -> None:
    """One line says which and why; the others are made."""

    async def main() -> None:
        kitchen = Kitchen()
        kitchen.troubles[Dish(2)] = [trouble]
        warmup = opened(kitchen)
        with capture_logs() as logs:
            warmup.ask(dishes(3))
            await warmup.drain()
        assert kitchen.made == [Dish(1), Dish(3)]
        assert kitchen.pauses == []
        assert [line["event"] for line in logs] == ["warmed", "warmup_failed", "warmed"]
        assert {line["log_level"] for line in logs} == {"debug", "info"}
        assert logs[1] == {
            "event": "warmup_failed",
            "log_level": "info",
            "image_id": "cat",
            "entry": "s=2",
            "error": type(trouble).__name__,
            "detail": trouble.detail,
        }

    run(main)


PASSING = [errors.QueueFull, errors.WaitTimeout, errors.RateLimited]


@pytest.mark.parametrize("kind", PASSING)
def test_what_passes_is_tried_again(kind: type[errors.Overload]) -> None:
    """After a pause, and a longer one; then it is made, and the others after it."""

    async def main() -> None:
        kitchen = Kitchen()
        kitchen.troubles[Dish(1)] = [kind(), kind()]
        warmup = opened(kitchen)
        with capture_logs() as logs:
            warmup.ask(dishes(2))
            await warmup.drain()
        assert kitchen.made == dishes(2)
        assert kitchen.pauses == [1.0, 5.0]
        assert [line["event"] for line in logs] == ["warmed", "warmed"]

    run(main)


def test_what_does_not_pass_is_given_up() -> None:
    """Four attempts, pauses that grow between them, one line, and the next one is tried."""

    async def main() -> None:
        kitchen = Kitchen()
        kitchen.troubles[Dish(1)] = [kind() for kind in (*PASSING, errors.QueueFull)]
        warmup = opened(kitchen)
        with capture_logs() as logs:
            warmup.ask(dishes(2))
            await warmup.drain()
        assert kitchen.pauses == [1.0, 5.0, 30.0]
        assert kitchen.made == [Dish(2)]
        assert [(line["event"], line.get("error")) for line in logs] == [
            ("warmup_failed", "QueueFull"),
            ("warmed", None),
        ]

    run(main)


def test_what_nobody_foresaw_is_logged_as_such() -> None:
    """The traceback is kept, and the rest of the queue goes on."""

    async def main() -> None:
        kitchen = Kitchen()
        kitchen.troubles[Dish(1)] = [KeyError("a defect of ours")]
        warmup = opened(kitchen)
        with capture_logs() as logs:
            warmup.ask(dishes(2))
            await warmup.drain()
        assert kitchen.made == [Dish(2)]
        assert logs[0]["event"] == "warmup_broke"
        assert logs[0]["log_level"] == "error"
        assert (logs[0]["image_id"], logs[0]["entry"]) == ("cat", "s=1")
        assert logs[0]["exc_info"]

    run(main)


def test_a_server_that_stops_ends_it() -> None:
    """The rest is forgotten without an attempt, and nothing more is taken."""

    async def main() -> None:
        kitchen = Kitchen()
        kitchen.troubles[Dish(2)] = [errors.ShuttingDown()]
        warmup = opened(kitchen)
        warmup.ask(dishes(9))
        await warmup.drain()
        assert kitchen.attempts == 2
        assert warmup.pending == 0
        assert warmup.ask([Dish(10)]) == [Fate.DROPPED]

    run(main)


def test_closing_stops_what_is_under_way_and_forgets_the_rest() -> None:
    """No task stays behind, and nothing more is taken; closing again is no error."""

    async def main() -> None:
        kitchen, before = Kitchen(), asyncio.all_tasks()
        kitchen.gate.clear()
        warmup = opened(kitchen, concurrency=2)
        warmup.ask(menu(9))
        await turns()
        assert kitchen.busy == 2
        await warmup.close()
        assert (kitchen.busy, warmup.pending) == (0, 0)
        assert asyncio.all_tasks() == before
        assert warmup.ask(dishes(1)) == [Fate.DROPPED]
        await warmup.close()
        assert kitchen.made == []

    run(main)


def test_closing_before_the_first_step() -> None:
    """A task that has not begun to run ends as well."""

    async def main() -> None:
        kitchen = Kitchen()
        warmup = opened(kitchen)
        warmup.ask(dishes(3))
        await warmup.close()
        assert (kitchen.attempts, warmup.pending) == (0, 0)

    run(main)


def test_closing_does_not_wait_for_a_pause() -> None:
    """Whoever waits for another attempt is stopped in it."""

    async def main() -> None:
        kitchen = Kitchen()
        kitchen.troubles[Dish(1)] = [errors.QueueFull()]
        pausing = asyncio.Event()

        async def long(seconds: float) -> None:
            pausing.set()
            await asyncio.Event().wait()

        warmup: Warmup[Dish] = Warmup(kitchen, concurrency=1, sleep=long)
        warmup.ask(dishes(2))
        await pausing.wait()
        await warmup.close()
        assert (kitchen.attempts, warmup.pending) == (1, 0)

    run(main)


def test_nothing_of_it_is_tied_to_a_loop() -> None:
    """It is built without one, and serves one loop after the other."""
    kitchen = Kitchen()
    warmup = opened(kitchen)

    async def main() -> None:
        warmup.ask(dishes(2))
        await warmup.drain()

    run(main)
    run(main)
    assert kitchen.made == dishes(2) * 2
