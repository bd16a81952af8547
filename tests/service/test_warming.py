"""Renditions that are made before anyone asks for them, and those who ask meanwhile."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from liveresize import errors
from liveresize.core.geometry import Bounds
from liveresize.core.jobs import RenderJob
from liveresize.core.names import ImageId
from liveresize.core.ports import JobHandle, Priority
from liveresize.core.rates import Rate
from liveresize.core.urls import RenditionRequest
from liveresize.delivery.outcomes import Cache
from liveresize.delivery.warmup import Fate, Warmup
from liveresize.workers.admission import Admission

from .doubles import FakeRenderer, run, turns, until
from .house import CAT, House, request


def put_behind(renderer: FakeRenderer, admission: Admission[str]) -> None:
    """Let the jobs of `renderer` wait for a slot, as those of workers do."""
    begin = renderer.run

    async def wait(job: RenderJob, *, handle: JobHandle | None = None) -> Any:
        slot = await admission.acquire(handle or JobHandle())
        try:
            return await begin(job, handle=handle)
        finally:
            admission.offer(slot)

    renderer.run = wait  # type: ignore[assignment,method-assign]


async def in_queue(house: House, asked: RenditionRequest) -> "asyncio.Task[bool]":
    """A warm-up that waits for its turn, which no job has while `turn` is closed."""
    house.renderer.turn.clear()
    house.renderer.queued = asyncio.Semaphore(0)
    warming = asyncio.create_task(house.renditions.warm(asked))
    await house.renderer.queued.acquire()
    return warming


def test_what_was_warmed_is_there(tmp_path: Path) -> None:
    """It is rendered in the background, held and published, like any other rendition."""

    async def main() -> None:
        house = House(tmp_path)
        await house.upload()
        assert not house.renditions.ready(request(100))
        assert not await house.renditions.warm(request(100))
        assert house.renderer.errands[-1].priority is Priority.BACKGROUND
        assert house.renditions.ready(request(100))
        assert (await house.get(request(100, proxy=True))).cache is Cache.MEMORY
        assert await house.publisher.flush(30.0) == 0
        assert len(house.fake_store.objects) == 1
        assert len(house.renderer.renders) == 1

    run(main)


def test_what_is_linked_is_neither_made_nor_fetched(tmp_path: Path) -> None:
    """The index knows the link, then memory does; the store is not asked for the bytes."""

    async def main() -> None:
        house = House(tmp_path, redirect=False)
        await house.upload()
        await house.publish(100)
        house.forget_all()
        assert not house.renditions.ready(request(100))
        assert await house.renditions.warm(request(100))
        assert house.renditions.ready(request(100))
        assert await house.renditions.warm(request(100))
        assert house.fake_store.reads == 0
        assert len(house.renderer.renders) == 1

    run(main)


def test_what_is_spooled_is_there_already(tmp_path: Path) -> None:
    """While the store refuses it, the spool has it."""

    async def main() -> None:
        house = House(tmp_path)
        await house.upload()
        house.fake_store.failures = [errors.ObjectStoreUnavailable("", "refused by a test")] * 99
        await house.get(request(100))
        await until(lambda: "publish" in house.story)
        house.forget_all()
        assert await house.renditions.warm(request(100))
        assert len(house.renderer.renders) == 1
        await house.publisher.flush(0.0)

    run(main)


def test_a_live_request_joins_and_hurries_a_warm_up(tmp_path: Path) -> None:
    """One render for both: the client is told that it joined, the warm-up that it made it."""

    async def main() -> None:
        house = House(tmp_path)
        await house.upload()
        warming = await in_queue(house, request(100))
        live = asyncio.create_task(house.get(request(100)))
        await turns()
        assert house.renderer.errands[-1].priority is Priority.INTERACTIVE
        house.renderer.turn.set()
        assert (await live).cache is Cache.COALESCED
        assert not await warming
        assert len(house.renderer.renders) == 1
        assert await house.publisher.flush(30.0) == 0

    run(main)


def test_a_warm_up_joins_a_live_request(tmp_path: Path) -> None:
    """It adds no render, and does not hold up the one under way."""

    async def main() -> None:
        house = House(tmp_path)
        await house.upload()
        house.renderer.gate.clear()
        live = asyncio.create_task(house.get(request(100)))
        await turns()
        warming = asyncio.create_task(house.renditions.warm(request(100)))
        await turns()
        assert house.renderer.errands[-1].priority is Priority.INTERACTIVE
        house.renderer.gate.set()
        assert not await warming
        assert (await live).cache is Cache.MISS
        assert len(house.renderer.renders) == 1
        assert await house.publisher.flush(30.0) == 0

    run(main)


@pytest.mark.parametrize("leaver", ["live", "warming"])
def test_one_may_leave_the_other(tmp_path: Path, leaver: str) -> None:
    """Whichever of the two is cancelled in the queue, the render is made for the other."""

    async def main() -> None:
        house = House(tmp_path)
        await house.upload()
        warming = await in_queue(house, request(100))
        live = asyncio.create_task(house.get(request(100)))
        await turns()
        both = {"live": live, "warming": warming}
        leaving = both.pop(leaver)
        leaving.cancel()
        await asyncio.wait({leaving})
        house.renderer.turn.set()
        await asyncio.gather(*both.values())
        assert leaving.cancelled()
        assert len(house.renderer.renders) == 1
        assert await house.publisher.flush(30.0) == 0

    run(main)


def test_a_joined_warm_up_goes_by_its_own_arrival(tmp_path: Path) -> None:
    """Behind the ten live jobs that were there before it, before the ten that came later."""

    async def main() -> None:
        house = House(tmp_path)
        await house.upload()
        admission: Admission[str] = Admission(64, 60.0, share=64)
        put_behind(house.renderer, admission)
        asking = [asyncio.create_task(house.get(request(width))) for width in range(10, 20)]
        await turns()
        warming = asyncio.create_task(house.renditions.warm(request(100)))
        idle = asyncio.create_task(house.renditions.warm(request(200)))
        await turns()
        asking += [asyncio.create_task(house.get(request(width))) for width in range(20, 30)]
        await turns()
        assert admission.waiting == 22
        live = asyncio.create_task(house.get(request(100)))
        await turns()
        assert admission.waiting == 22
        admission.offer("slot")
        assert (await live).cache is Cache.COALESCED
        await asyncio.gather(*asking, warming, idle)
        widths = [job.rendition.width for job in house.renderer.renders]
        assert widths == [*range(10, 20), 100, *range(20, 30), 200]
        assert await house.publisher.flush(30.0) == 0

    run(main)


def test_without_a_live_request_it_goes_last(tmp_path: Path) -> None:
    """Whoever comes while it waits for a slot goes first, however late."""

    async def main() -> None:
        house = House(tmp_path)
        await house.upload()
        admission: Admission[str] = Admission(64, 60.0, share=64)
        put_behind(house.renderer, admission)
        warming = asyncio.create_task(house.renditions.warm(request(100)))
        await turns()
        asking = [asyncio.create_task(house.get(request(width))) for width in range(10, 30)]
        await turns()
        admission.offer("slot")
        await asyncio.gather(*asking, warming)
        widths = [job.rendition.width for job in house.renderer.renders]
        assert widths == [*range(10, 30), 100]
        assert await house.publisher.flush(30.0) == 0

    run(main)


def test_no_client_pays_for_a_warm_up(tmp_path: Path) -> None:
    """It is not charged to whoever joins it either, and no rate holds it up."""

    async def main() -> None:
        house = House(tmp_path, rates=Rate(per_second=1.0, burst=1.0))
        await house.upload()
        for width in range(50, 55):
            assert not await house.renditions.warm(request(width))
        warming = await in_queue(house, request(100))
        live = asyncio.create_task(house.get(request(100), client="one"))
        await turns()
        house.renderer.turn.set()
        await asyncio.gather(warming, live)
        await house.get(request(200), client="one")
        with pytest.raises(errors.RateLimited):
            await house.get(request(300), client="one")
        assert await house.publisher.flush(30.0) == 0

    run(main)


def test_a_warm_up_does_not_share_the_rate_of_whom_it_joins(tmp_path: Path) -> None:
    """The client that asked first is over its rate; what it asked for is made all the same."""

    async def main() -> None:
        house = House(tmp_path, rates=Rate(per_second=1.0, burst=1.0))
        await house.upload()
        await house.get(request(50), client="greedy")
        refused, ready = await asyncio.gather(
            house.get(request(100), client="greedy"),
            house.renditions.warm(request(100)),
            return_exceptions=True,
        )
        assert isinstance(refused, errors.RateLimited)
        assert ready is False
        assert await house.publisher.flush(30.0) == 0

    run(main)


def test_bounds_apply_unless_the_request_is_free_of_them(tmp_path: Path) -> None:
    """One out of bounds is refused with the reason; there is nobody to be redirected."""

    async def main() -> None:
        house = House(tmp_path, bounds=Bounds(50, 50))
        await house.upload()
        with pytest.raises(errors.BadParameter, match="larger than 50x50"):
            await house.renditions.warm(request(100))
        assert not house.renderer.renders
        assert not await house.renditions.warm(replace(request(100), bounded=False))
        assert await house.publisher.flush(30.0) == 0

    run(main)


def test_it_fails_as_a_live_request_does(tmp_path: Path) -> None:
    """A picture that is not there or cannot be decoded; the next attempt begins anew."""

    async def main() -> None:
        house = House(tmp_path)
        with pytest.raises(errors.OriginalMissing):
            await house.renditions.warm(request(100, image=ImageId("dog")))
        await house.upload()
        house.renderer.failure = errors.UnreadableImage()
        with pytest.raises(errors.UnreadableImage):
            await house.renditions.warm(request(100))
        house.renderer.failure = None
        assert not await house.renditions.warm(request(100))
        assert await house.publisher.flush(30.0) == 0

    run(main)


def test_a_picture_that_was_replaced_meanwhile_is_warmed(tmp_path: Path) -> None:
    """The file of the old one is gone when its turn comes: the new one is rendered instead."""

    async def main() -> None:
        house = House(tmp_path)
        old = await house.upload()
        warming = await in_queue(house, request(100))
        new = replace(old, generation="1" * 28)
        house.originals.path(old).rename(house.originals.path(new))
        house.index.tables.originals[CAT] = new
        house.renderer.turn.set()
        assert not await warming
        assert house.memory.held(new.generation, request(100).rendition.variant) is not None
        assert len(house.renderer.renders) == 2
        assert await house.publisher.flush(30.0) == 0

    run(main)


def test_the_queue_of_warm_ups_makes_them_behind_live_traffic(tmp_path: Path) -> None:
    """Asked for at once, made one by one in the background, then found in memory."""

    async def main() -> None:
        house = House(tmp_path)
        await house.upload()
        warmup = Warmup(house.renditions, concurrency=1)
        wanted = [request(width) for width in (100, 200, 300)]
        assert warmup.ask([*wanted, request(100)]) == [Fate.QUEUED] * 4
        assert warmup.pending == 3
        await warmup.drain()
        assert warmup.ask(wanted) == [Fate.READY] * 3
        errands = house.renderer.errands[-3:]
        assert {handle.priority for handle in errands} == {Priority.BACKGROUND}
        assert len(house.renderer.renders) == 3
        assert await house.publisher.flush(30.0) == 0

    run(main)
