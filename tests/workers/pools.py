"""Pools that are closed whatever a test does, and waiting that has an end."""

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

from liveresize.core.ports import Clock
from liveresize.imaging.settings import EngineSettings
from liveresize.settings.server import Workers
from liveresize.workers import WorkerPool, process

from . import deeds

PATIENCE = 20.0
"""Seconds after which a test gives up on a real process, on a machine under load."""

TWO = Workers(slots=2, max_wait=10.0)


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


def made(
    settings: Workers = TWO,
    *,
    perform: process.Perform = deeds.perform,
    clock: Clock = time,
    deadline: float = 30.0,
) -> WorkerPool:
    """A pool that is yet to be started."""
    return WorkerPool(
        settings,
        EngineSettings(),
        client_queue=16,
        deadline=deadline,
        perform=perform,
        clock=clock,
    )


@contextlib.asynccontextmanager
async def opened(
    clock: Clock = time, deadline: float = 30.0, **keys: float
) -> AsyncIterator[WorkerPool]:
    """A started pool of workers that do `deeds`; `keys` are those of `workers`."""
    pool = made(replace(TWO, **keys), clock=clock, deadline=deadline)  # type: ignore[arg-type]
    await pool.start()
    try:
        yield pool
    finally:
        await pool.close(0.0)
