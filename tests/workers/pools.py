"""Pools that are closed whatever a test does, and waiting that has an end."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

from liveresize.core.ports import Clock
from liveresize.workers import WorkerOptions, WorkerPool

from . import deeds

PATIENCE = 20.0
"""Seconds after which a test gives up on a real process, on a machine under load."""

TWO = WorkerOptions(
    slots=2,
    memory_bytes=616 << 20,
    nice=10,
    recycle_after=1_000,
    queue_limit=256,
    client_queue=16,
    max_wait=10.0,
    deadline=30.0,
)


async def until(condition: Callable[[], bool]) -> None:
    """Return as soon as `condition` holds; fail after `PATIENCE`."""
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110 - the other process knows no asyncio.Event
            await asyncio.sleep(0.002)


def alive(pid: int) -> bool:
    """Whether a process of that id is there and no zombie."""
    try:
        return ") Z" not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False


def kill(pid: int) -> None:
    """What the OOM killer does."""
    os.kill(pid, signal.SIGKILL)


def noted(path: Path) -> list[int]:
    """The processes that did the deed `note`, in order."""
    return [int(pid) for pid in path.read_text().split()] if path.exists() else []


@contextlib.asynccontextmanager
async def opened(
    options: WorkerOptions = TWO, clock: Clock | None = None, **changes: float
) -> AsyncIterator[WorkerPool]:
    """A started pool of workers that do `deeds`, two slots unless told otherwise."""
    options = replace(options, **changes)  # type: ignore[arg-type]
    pool = WorkerPool(options, perform=deeds.perform, **({"clock": clock} if clock else {}))
    await pool.start()
    try:
        yield pool
    finally:
        await pool.close(0.0)
