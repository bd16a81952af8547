"""Workers that die, hang or eat memory: who notices, who suffers and who does not."""

import asyncio
import gc
import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from liveresize import errors
from liveresize.core.jobs import IntakeJob, ProbeJob
from liveresize.workers import WorkerPool, launch

from . import deeds, pools

CRASHES = ["null", "signal:SIGSEGV", "signal:SIGABRT", "signal:SIGBUS", "signal:SIGILL", "exit:3"]


class Clock:
    """A clock that a test sets."""

    now = 0.0

    def time(self) -> float:
        """Unix seconds."""
        return self.now

    def monotonic(self) -> float:
        """What the test set."""
        return self.now


@pytest.mark.parametrize("signal_name", ["SIGKILL", "SIGSEGV"])
def test_a_death_in_mid_job_is_retried_and_disturbs_nobody(
    tmp_path: Path, signal_name: str
) -> None:
    """The job on the dead worker is done by a fresh one, the job next to it unmoved."""

    async def main() -> None:
        first, second = tmp_path / "first", tmp_path / "second"
        gate = f"gate:{tmp_path / 'open'}"
        async with pools.opened() as pool:
            jobs = [
                asyncio.ensure_future(pool.run(deeds.job(f"note:{diary}", gate, "pid")))
                for diary in (first, second)
            ]
            await pools.until(lambda: bool(pools.noted(first) and pools.noted(second)))
            victim, bystander = pools.noted(first)[0], pools.noted(second)[0]
            os.kill(victim, getattr(signal, signal_name))
            await pools.until(lambda: len(pools.noted(first)) == 2)
            (tmp_path / "open").touch()
            done = await asyncio.gather(*jobs)
            assert [int(one.data) for one in done] == [pools.noted(first)[1], bystander]
            assert pools.noted(second) == [bystander]
            stats = pool.stats
            assert (stats.died, stats.retried, stats.killed) == (1, 1, 0)
            assert (stats.quarantined, len(stats.pids)) == (0, 2)

    asyncio.run(main())


@pytest.mark.parametrize("deed", CRASHES)
def test_a_job_that_crashes_twice_is_quarantined(tmp_path: Path, deed: str) -> None:
    """It is tried in two workers, then refused at once until its time is over."""

    async def main() -> None:
        clock = Clock()
        diary = tmp_path / "diary"
        async with pools.opened(slots=1, clock=clock) as pool:
            job = deeds.job(f"note:{diary}", deed)
            for tries in (2, 2):
                with pytest.raises(errors.Quarantined):
                    await pool.run(job)
                assert len(pools.noted(diary)) == tries
            assert pool.stats.quarantined == 1
            await pool.run(deeds.job(""))
            clock.now += 3_600.0
            with pytest.raises(errors.Quarantined):
                await pool.run(job)
            assert len(pools.noted(diary)) == 4
            assert len(set(pools.noted(diary))) == 4

    asyncio.run(main())


def test_a_job_that_crashes_once_succeeds(tmp_path: Path) -> None:
    """One crash is forgiven: the second worker answers."""

    async def main() -> None:
        async with pools.opened(slots=1) as pool:
            done = await pool.run(deeds.job(f"once:{tmp_path / 'crashed'}", "bytes:1"))
            assert done.data == b"\xff"
            assert pool.stats.quarantined == 0

    asyncio.run(main())


def test_an_upload_that_crashes_twice_is_unreadable() -> None:
    """Uploads are not quarantined, since none ever comes twice under one path."""

    async def main() -> None:
        async with pools.opened(slots=1) as pool:
            with pytest.raises(errors.UnreadableImage):
                await pool.run(IntakeJob(source="null", target=""))
            assert pool.stats.quarantined == 0

    asyncio.run(main())


def test_a_job_killed_from_without_twice_is_not_quarantined(tmp_path: Path) -> None:
    """The OOM killer chooses by size, not by guilt: WorkerDied, and free to be tried."""

    async def main() -> None:
        diary = tmp_path / "diary"
        async with pools.opened(slots=1) as pool:
            for tries in (2, 4):
                with pytest.raises(errors.WorkerDied):
                    await pool.run(deeds.job(f"note:{diary}", "signal:SIGKILL"))
                assert len(pools.noted(diary)) == tries
            assert pool.stats.quarantined == 0

    asyncio.run(main())


def test_a_worker_killed_while_it_answers_is_noticed(tmp_path: Path) -> None:
    """Half a result in the pipe neither hangs the server nor is taken for a whole one."""

    async def main() -> None:
        diary = tmp_path / "diary"
        async with pools.opened(slots=1, memory_bytes=2**31) as pool:
            with pytest.raises(errors.WorkerDied):
                await pool.run(deeds.job(f"burst:{diary}"))
            assert len(pools.noted(diary)) == 2
            await pool.run(deeds.job(""))

    asyncio.run(main())


def test_a_hang_ends_at_the_deadline(tmp_path: Path) -> None:
    """RenderTimeout for that job alone; its process is gone and replaced, no retry."""

    async def main() -> None:
        diary = tmp_path / "diary"
        async with pools.opened(deadline=1.0) as pool:
            with capture_logs() as logs:
                hanging = asyncio.ensure_future(pool.run(deeds.job(f"note:{diary}", "hang")))
                await pools.until(lambda: bool(pools.noted(diary)))
                (victim,) = pools.noted(diary)
                await pool.run(deeds.job(""))
                with pytest.raises(errors.RenderTimeout):
                    await hanging
                await pools.until(lambda: not pools.alive(victim))
                await pools.until(lambda: len(pool.stats.pids) == 2)
            assert pools.noted(diary) == [victim]
            assert (pool.stats.killed, pool.stats.died, pool.stats.quarantined) == (1, 0, 0)
            assert [line["event"] for line in logs] == [
                "worker_deadline",
                "worker_started",
                "worker_replaced",
            ]
            await asyncio.gather(*(pool.run(deeds.job("")) for _ in range(4)))

    asyncio.run(main())


@pytest.mark.parametrize("kind", [IntakeJob, ProbeJob])
def test_a_file_that_takes_too_long_to_find_out_about_is_to_blame(kind: type) -> None:
    """An intake or a probe past its deadline is an error of the file, and its worker is killed."""

    async def main() -> None:
        job = kind(source="hang", target="") if kind is IntakeJob else kind(path="hang")
        async with pools.opened(slots=1, deadline=0.2) as pool:
            with pytest.raises(errors.WorkExceeded):
                await pool.run(job)
            assert (pool.stats.killed, pool.stats.quarantined) == (1, 0)
            assert (await pool.run(deeds.job("bytes:1"))).data == b"\xff"

    asyncio.run(main())


def test_allocation_without_end_meets_the_limit() -> None:
    """MemoryExceeded for that job alone, and its worker makes room for a fresh one."""

    async def main() -> None:
        async with pools.opened(memory_bytes=400 * 2**20) as pool:
            swallowing = asyncio.ensure_future(pool.run(deeds.job("swallow")))
            others = [await pool.run(deeds.job("")) for _ in range(20)]
            with pytest.raises(errors.MemoryExceeded):
                await swallowing
            assert len(others) == 20
            await pools.until(lambda: pool.stats.recycled == 1)
            assert pool.stats.died == 0

    asyncio.run(main())


def test_an_idle_worker_that_dies_is_replaced_at_once() -> None:
    """Without any job asking for it, a fresh worker stands ready."""

    async def main() -> None:
        async with pools.opened(slots=1) as pool:
            (victim,) = pool.stats.pids
            with capture_logs() as logs:
                pools.kill(victim)
                await pools.until(lambda: bool(set(pool.stats.pids) - {victim}))
            assert [line["event"] for line in logs] == [
                "worker_died",
                "worker_started",
                "worker_replaced",
            ]
            assert int((await pool.run(deeds.job("pid"))).data) == pool.stats.pids[0]

    asyncio.run(main())


@pytest.mark.long
def test_a_dead_fork_server_is_started_again() -> None:
    """Its workers are replaced by those of a new one, and none of the old stays."""

    async def main() -> None:
        async with pools.opened() as pool:
            old = pool.stats.pids
            pools.kill(int(Path(f"/proc/{old[0]}/stat").read_text().rsplit(")")[1].split()[1]))
            await pools.until(lambda: len(set(pool.stats.pids) - set(old)) == 2)
            await asyncio.gather(*(pool.run(deeds.job("")) for _ in range(4)))
            await pools.until(lambda: not any(pools.alive(pid) for pid in old))

    asyncio.run(main())


def test_a_pool_whose_workers_cannot_start_says_so() -> None:
    """When not one worker loads what it needs, `start` raises WorkerDied with the reason."""

    async def main() -> None:
        pool = pools.made(perform=Unpreloadable())
        with capture_logs() as logs, pytest.raises(errors.WorkerDied) as raised:
            await pool.start()
        assert "did not start" in raised.value.detail
        assert [line["event"] for line in logs] == ["worker_start_failed"]
        await pool.close(0.0)
        assert pool.stats.start_failures == 2

    asyncio.run(main())


class Unpreloadable:
    """A deed out of a module that no worker can load."""

    __module__ = "no_such_module_of_deeds"

    __call__ = staticmethod(deeds.perform)


def failing(times: int) -> Callable[..., object]:
    """A `launch.launch` that fails so many times, as when no process is to be had."""
    real, failures = launch.launch, iter(range(times))

    def launch_late(*args: Any) -> object:
        if next(failures, None) is not None:
            raise errors.WorkerDied("", "no more processes")
        return real(*args)

    return launch_late


def test_starts_that_fail_back_off_until_one_succeeds(monkeypatch: pytest.MonkeyPatch) -> None:
    """One line when starting fails, a job in the queue meanwhile, answered in the end."""

    async def main() -> None:
        async with pools.opened(slots=1) as pool:
            monkeypatch.setattr(launch, "launch", failing(4))
            with capture_logs() as logs:
                began = time.monotonic()
                pools.kill(pool.stats.pids[0])
                await pools.until(lambda: pool.stats.died == 1)
                await pool.run(deeds.job(""))
            assert pool.stats.start_failures == 4
            assert time.monotonic() - began > 0.1 + 0.2 + 0.4
            assert [line["event"] for line in logs] == [
                "worker_died",
                "worker_start_failed",
                "worker_started",
                "worker_replaced",
            ]

    asyncio.run(main())


def test_a_job_whose_worker_cannot_be_replaced_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """WorkerDied instead of a wait for better times; the place is filled later on."""

    async def main() -> None:
        async with pools.opened(slots=1) as pool:
            monkeypatch.setattr(launch, "launch", failing(1))
            with pytest.raises(errors.WorkerDied):
                await pool.run(deeds.job("signal:SIGKILL"))
            await pool.run(deeds.job(""))

    asyncio.run(main())


@pytest.mark.long
def test_a_hundred_deaths_leak_nothing(tmp_path: Path) -> None:
    """Threads and descriptors are as many afterwards, whatever the workers died of."""

    async def main() -> None:
        async with pools.opened() as pool:
            for crash in ("null", "signal:SIGKILL"):
                with pytest.raises(errors.LiveResizeError):
                    await pool.run(deeds.job(crash))
            before = await settled(pool)
            for turn in range(25):
                with pytest.raises(errors.Quarantined):
                    await pool.run(deeds.job("null", width=turn + 10))
                with pytest.raises(errors.WorkerDied):
                    await pool.run(deeds.job("signal:SIGKILL"))
            assert pool.stats.died == 104
            assert await settled(pool) == before

    async def settled(pool: WorkerPool) -> tuple[int, int]:
        await pools.until(lambda: len(pool.stats.pids) == 2)
        # Both manager and feeder thread of an executor start with its first job.
        await asyncio.gather(*(pool.run(deeds.job("")) for _ in range(4)))
        await pools.until(lambda: not [t for t in threading.enumerate() if "worker-" in t.name])
        gc.collect()
        started = [t for t in threading.enumerate() if type(t) is not threading._DummyThread]
        return len(started), len(os.listdir("/proc/self/fd"))

    asyncio.run(main())
