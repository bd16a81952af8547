"""The life of a job in real worker processes, as long as no worker dies."""

import asyncio
import gc
import inspect
import json
import os
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from liveresize import errors
from liveresize.core.ports import JobHandle, Priority, Renderer

from . import deeds, pools

ALL_ERRORS = [
    name
    for name, thing in vars(errors).items()
    if inspect.isclass(thing) and issubclass(thing, errors.LiveResizeError)
]


def test_jobs_of_each_kind_are_answered() -> None:
    """A render gives Rendered and a probe Facts, and the pool is a ports.Renderer."""

    async def main() -> None:
        async with pools.opened() as pool:
            renderer: Renderer = pool
            assert (await renderer.run(deeds.job("bytes:3"))).data == b"\xff" * 3
            assert (await renderer.run(deeds.probe(""))).format == "done"

    asyncio.run(main())


def test_a_job_goes_where_its_pixels_were_finished() -> None:
    """Of two free workers that have rendered its original, to the one that keeps them."""

    async def main() -> None:
        async with pools.opened() as pool:
            second = deeds.job("pid", width=9)
            first = replace(deeds.job("pid"), then=second.rendition)
            keeps, other = await asyncio.gather(pool.run(first), pool.run(deeds.job("pid")))
            assert keeps.data != other.data
            assert [(await pool.run(second)).data for _ in range(3)] == 3 * [keeps.data]

    asyncio.run(main())


def test_a_worker_is_bound_and_armed() -> None:
    """Limits, niceness, allocator and signals are set before the first job."""

    async def main() -> None:
        async with pools.opened(slots=1, memory_bytes=500 * 2**20, nice=3) as pool:
            told = json.loads((await pool.run(deeds.job("limits"))).data)
        assert told == {
            "address_space": [500 * 2**20] * 2,
            "core": [0, 0],
            "nice": os.nice(0) + 3,
            "arenas": "2",
            "ignored": ["SIGINT", "SIGTERM"],
        }

    asyncio.run(main())


def test_a_worker_loads_neither_server_nor_stores() -> None:
    """What a worker imports costs every restart; the web and the database are not for it."""

    async def main() -> None:
        async with pools.opened(slots=1) as pool:
            loaded = set(json.loads((await pool.run(deeds.job("modules"))).data))
        assert not loaded & {"tornado", "sqlalchemy", "aiobotocore", "click", "alembic"}
        assert not {name for name in loaded if name.startswith("liveresize.delivery")}

    asyncio.run(main())


def test_every_error_arrives_as_it_was_raised() -> None:
    """Class, public sentence and detail survive the pipe, and so does the worker."""

    async def main() -> None:
        async with pools.opened(slots=1) as pool:
            before = pool.stats.pids
            for name in ALL_ERRORS:
                with pytest.raises(errors.LiveResizeError) as raised:
                    await pool.run(deeds.job(f"raise:{name}"))
                assert type(raised.value) is getattr(errors, name)
                assert raised.value.args == ("for the client", "for the log")
                if name == "MemoryExceeded":
                    await pools.until(lambda: pool.stats.recycled == 1)
                    before = pool.stats.pids
            assert pool.stats.pids == before

    asyncio.run(main())


@pytest.mark.parametrize(
    ("deed", "detail"),
    [
        ("foreign", "Stubborn: "),
        ("leave", "SystemExit: 3"),
        ("unpicklable", "cannot pickle"),
        ("import:no_such_module", "ModuleNotFoundError: No module named"),
    ],
)
def test_a_foreign_exception_is_an_unreadable_image(deed: str, detail: str) -> None:
    """What is not ours is logged, told in `detail`, and leaves the worker as it is."""

    async def main() -> None:
        async with pools.opened(slots=1) as pool:
            before = pool.stats.pids
            with capture_logs() as logs, pytest.raises(errors.UnreadableImage) as raised:
                await pool.run(deeds.job(deed))
            assert detail in raised.value.detail
            assert [line["event"] for line in logs] == ["job_raised"]
            await pool.run(deeds.job(""))
            assert pool.stats.pids == before

    asyncio.run(main())


def test_a_subclass_of_ours_arrives_as_its_public_class() -> None:
    """A worker's own subclass, and arguments that do not pickle, cost only their detail."""

    async def main() -> None:
        async with pools.opened(slots=1) as pool:
            with pytest.raises(errors.MemoryExceeded) as raised:
                await pool.run(deeds.job("odd"))
            assert raised.value.public == "for the client"

    asyncio.run(main())


def moments(*errands: JobHandle) -> list[float]:
    """When these have begun; each of them must have."""
    return [handle.begun_at for handle in errands if handle.begun_at is not None]


def test_jobs_wait_in_order_of_priority(tmp_path: Path) -> None:
    """While the slot is busy, live jobs and hurried ones are put before background ones."""

    async def main() -> None:
        background = [JobHandle(Priority.BACKGROUND) for _ in range(2)]
        live, hurried = JobHandle(), background[1]
        async with pools.opened(slots=1) as pool:
            busy = asyncio.ensure_future(pool.run(deeds.job(f"gate:{tmp_path / 'open'}")))
            await pools.until(lambda: pool.stats.busy == 1)
            waiting = [
                asyncio.ensure_future(pool.run(deeds.job(""), handle=handle))
                for handle in (*background, live)
            ]
            await pools.until(lambda: pool.stats.queued == 3)
            hurried.promote()
            (tmp_path / "open").touch()
            await asyncio.gather(busy, *waiting)
        assert moments(hurried, live, background[0]) == sorted(moments(*background, live))

    asyncio.run(main())


def test_a_full_queue_and_a_long_wait_are_told(tmp_path: Path) -> None:
    """The newcomer hears QueueFull at once, the one in the queue WaitTimeout later."""

    async def main() -> None:
        async with pools.opened(slots=1, queue=1, max_wait=0.05) as pool:
            busy = asyncio.ensure_future(pool.run(deeds.job(f"gate:{tmp_path / 'open'}")))
            await pools.until(lambda: pool.stats.busy == 1)
            waiting = asyncio.ensure_future(pool.run(deeds.job("")))
            await pools.until(lambda: pool.stats.queued == 1)
            with pytest.raises(errors.QueueFull):
                await pool.run(deeds.job(""))
            with pytest.raises(errors.WaitTimeout):
                await waiting
            (tmp_path / "open").touch()
            await busy

    asyncio.run(main())


def test_cancelling_takes_a_job_out_of_the_queue_but_not_out_of_its_slot(tmp_path: Path) -> None:
    """A queued job never begins; a begun one is finished and holds its slot until then."""

    async def main() -> None:
        errands = JobHandle(), JobHandle()
        gate, diary = tmp_path / "open", tmp_path / "diary"
        async with pools.opened(slots=1) as pool:
            first = asyncio.ensure_future(
                pool.run(
                    deeds.job(f"gate:{gate}", f"note:{diary}"),
                    handle=errands[0],
                )
            )
            await pools.until(lambda: pool.stats.busy == 1)
            second = asyncio.ensure_future(pool.run(deeds.job(f"note:{diary}"), handle=errands[1]))
            await pools.until(lambda: pool.stats.queued == 1)
            second.cancel()
            first.cancel()
            await asyncio.wait({first, second})
            assert first.cancelled()
            assert second.cancelled()
            assert (pool.stats.busy, pool.stats.queued) == (1, 0)
            gate.touch()
            await pools.until(lambda: pool.stats.busy == 0)
            assert [handle.begun for handle in errands] == [True, False]
            assert len(pools.noted(diary)) == 1
            await pool.run(deeds.job(""))

    asyncio.run(main())


def test_workers_are_recycled_without_a_gap() -> None:
    """After its jobs a worker is replaced, and the only slot never misses a beat."""

    async def main() -> None:
        async with pools.opened(slots=1, recycle=3, queue=0) as pool:
            seen = set()
            while pool.stats.recycled < 3:
                # With no queue, a moment without a free slot would raise QueueFull.
                seen.add((await pool.run(deeds.job("pid"))).data)
                await asyncio.sleep(0)
            assert len(seen) >= 3
            assert pool.stats.died == 0
            await pools.until(lambda: len(pool.stats.pids) == 1)

    asyncio.run(main())


def test_closing_waits_for_what_runs_and_refuses_what_waits(tmp_path: Path) -> None:
    """The running job is answered within its grace; the queue hears ShuttingDown."""

    async def main() -> None:
        async with pools.opened(slots=1) as pool:
            gate = tmp_path / "open"
            running = asyncio.ensure_future(pool.run(deeds.job(f"gate:{gate}")))
            await pools.until(lambda: pool.stats.busy == 1)
            waiting = asyncio.ensure_future(pool.run(deeds.job("")))
            await pools.until(lambda: pool.stats.queued == 1)
            closing = asyncio.ensure_future(pool.close(pools.PATIENCE))
            with pytest.raises(errors.ShuttingDown):
                await waiting
            gate.touch()
            await running
            await closing
            with pytest.raises(errors.ShuttingDown):
                await pool.run(deeds.job(""))

    asyncio.run(main())


def test_no_worker_is_recycled_where_that_is_off() -> None:
    """0 jobs are no limit, rather than one that is always reached."""

    async def main() -> None:
        async with pools.opened(slots=1, recycle=0) as pool:
            seen = {(await pool.run(deeds.job("pid"))).data for _ in range(5)}
            assert len(seen) == 1
            assert (pool.stats.started, pool.stats.recycled) == (1, 0)

    asyncio.run(main())


def threads() -> set[threading.Thread]:
    """Those that Python code has started: xdist's own turn up when they please."""
    return {each for each in threading.enumerate() if type(each) is not threading._DummyThread}


def test_closing_kills_what_does_not_end_and_leaves_nothing() -> None:
    """After the grace a hanging job is ended; no process, thread or descriptor stays."""

    async def main() -> None:
        before = threads()
        async with pools.opened():
            pass  # The fork server and the resource tracker stay; they are not counted.
        gc.collect()
        await pools.until(lambda: threads() <= before)
        descriptors = len(os.listdir("/proc/self/fd"))
        pool = pools.made()
        await pool.start()
        pids = pool.stats.pids
        hanging = asyncio.ensure_future(pool.run(deeds.job("hang")))
        await pools.until(lambda: pool.stats.busy == 1)
        await pool.close(0.01)
        with pytest.raises(errors.ShuttingDown):
            await hanging
        await pool.close(0.0)
        assert pool.stats.pids == ()
        await pools.until(lambda: not any(pools.alive(pid) for pid in pids))
        gc.collect()
        await pools.until(lambda: threads() <= before)
        assert len(os.listdir("/proc/self/fd")) == descriptors

    asyncio.run(main())
