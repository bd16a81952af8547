"""Starting and releasing one worker process; everything here may block.

It runs in a thread of its own each time (`in_thread`), never on the event loop: the
first start also starts the fork server, which takes as long as loading the engine.
"""

import asyncio
import contextlib
import fcntl
import os
import signal
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import (
    connection,
    context,
    forkserver,
    popen_forkserver,
    queues,
    resource_tracker,
)
from typing import Any, TypeVar

from liveresize import errors
from liveresize.settings.server import Workers
from liveresize.workers import process

T = TypeVar("T")

START_TIMEOUT = 30.0
"""Seconds for a worker to load the engine, on a machine that has just been booted."""

STATUS_LOST = 255
"""What multiprocessing says when the fork server took the exit status to its grave."""

_PIPE = 1 << 20
"""Bytes of a result that a worker sends without waiting for us: as many as Linux lets any user
have in a pipe, where 64 KiB are usual."""

_EXIT_GRACE = 1.0
"""Seconds that an idle worker has to leave; it takes a few ms."""


class _Popen(popen_forkserver.Popen):
    """A process whose exit status several threads may ask for.

    It comes through a pipe, once: of two that read it, one would find nothing and call it
    lost. Starting any process asks after all others.
    """

    def __init__(self, process: context.ForkServerProcess) -> None:
        self._reading = threading.Lock()
        super().__init__(process)

    def poll(self, flag: int = os.WNOHANG) -> int | None:
        """The exit code, None while it runs; waits for that unless `flag` is WNOHANG."""
        patience = 0 if flag == os.WNOHANG else None
        if self.returncode is None and connection.wait([self.sentinel], patience):
            with self._reading:
                return super().poll(os.WNOHANG)
        return self.returncode


class _Process(context.ForkServerProcess):
    """A process whose status is read as above."""

    @staticmethod
    def _Popen(process: context.ForkServerProcess) -> _Popen:  # type: ignore[override]  # noqa: N802 - as multiprocessing calls it
        return _Popen(process)


class _Context(context.ForkServerContext):
    """The fork server, remembering the one process and result queue made through it."""

    process: context.ForkServerProcess | None = None
    results: queues.SimpleQueue[Any]

    def Process(  # type: ignore[override]  # noqa: N802 - the name multiprocessing asks for
        self, *args: Any, **kwargs: Any
    ) -> context.ForkServerProcess:
        self.process = _Process(*args, **kwargs)
        return self.process

    def SimpleQueue(self) -> queues.SimpleQueue[Any]:  # noqa: N802 - as above
        self.results = super().SimpleQueue()
        return self.results


def launch(
    settings: Workers, preload: Sequence[str]
) -> tuple[ProcessPoolExecutor, context.ForkServerProcess]:
    """A warm executor and its process. Raises WorkerDied when it cannot be started."""
    making = _Context()
    executor = None
    try:
        _ensure_fork_server(preload)
        executor = ProcessPoolExecutor(
            1,
            mp_context=making,
            initializer=process.prepare,
            initargs=(settings.memory_bytes, settings.nice, tuple(preload)),
        )
        greeting = executor.submit(process.greet)
        with contextlib.suppress(OSError, AttributeError):  # too many pipes, or not Linux
            fcntl.fcntl(making.results._writer.fileno(), fcntl.F_SETPIPE_SZ, _PIPE)  # type: ignore[attr-defined]
        # Our copy of the writing end would keep the executor waiting for ever for the
        # rest of a result whose worker was killed in the middle of sending it.
        making.results._writer.close()  # type: ignore[attr-defined]
        greeting.result(START_TIMEOUT)
        assert making.process is not None
    except (OSError, EOFError, RuntimeError, BrokenProcessPool) as exc:
        if making.process is not None and making.process.pid is not None:
            making.process.kill()
        if executor is not None:
            executor.shutdown()
        raise errors.WorkerDied("", f"worker did not start: {exc!r}") from exc
    return executor, making.process


def release(executor: ProcessPoolExecutor, worker: context.ForkServerProcess) -> int:
    """End the process, join the executor's threads, close the pipes; the exit code."""
    # Also where the executor itself gave up, it waits for a process that ignores its
    # SIGTERM.
    impatience = threading.Timer(_EXIT_GRACE, worker.kill)
    impatience.start()
    executor.shutdown()
    impatience.cancel()
    impatience.join()
    # Only now may the status be read: it can be read once, and the executor's thread
    # was waiting for it too.
    code = worker.exitcode
    if code is None or code == STATUS_LOST:
        if worker.pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(worker.pid, signal.SIGKILL)
        return STATUS_LOST
    worker.close()
    return code


async def in_thread(work: Callable[[], T]) -> T:
    """What `work` returns, done in a thread that is there for nothing else.

    Workers start and end rarely, and a kept thread pool could be full of starts that
    hang when one is needed.
    """
    thread = ThreadPoolExecutor(1, thread_name_prefix="worker-start")
    try:
        return await asyncio.get_running_loop().run_in_executor(thread, work)
    finally:
        thread.shutdown(wait=False)


def _ensure_fork_server(preload: Sequence[str]) -> None:
    """Start the fork server where it is not running, deaf to SIGINT and SIGTERM.

    A terminal and systemd send both to every process, and the server still needs
    workers while it drains. A blocked signal stays blocked in what a thread starts; the
    resource tracker goes first, because starting it unblocks them.
    """
    resource_tracker.ensure_running()
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    # Two arenas instead of eight a core: freed pixels go back to the system.
    os.environ.setdefault("MALLOC_ARENA_MAX", "2")
    forkserver.set_forkserver_preload(list(preload))
    forkserver.ensure_running()
