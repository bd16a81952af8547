"""`scripts/bench deaths`: what others notice of workers being killed."""

import os
import signal
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from scripts.benchmarks import corpus, process, report


def measure(seconds: int) -> list[report.Row]:
    """Small renders go on while workers are killed, one every half second."""
    with tempfile.TemporaryDirectory() as folder, process.server(Path(folder)) as server:
        for name in ("photo", "again"):
            server.upload(name, corpus.PHOTO)
        calm = _stream(server, seconds, "photo", None)
        killed = _stream(server, seconds, "again", lambda: _kill_one(server))
        return [
            ("renders without deaths", _told(calm)),
            (f"the same while {killed.kills} workers are killed with SIGKILL", _told(killed)),
        ]


@dataclass(frozen=True)
class Stream:
    """Latencies in ms, sorted, how many answers were not 200, and the workers killed."""

    latencies: list[float]
    failed: int
    kills: int


def _stream(
    server: process.Running, seconds: int, name: str, disturb: Callable[[], bool] | None
) -> Stream:
    """Four clients render one after another; `disturb` is called twice a second."""
    latencies: list[float] = []
    failures: list[int] = []
    until = time.monotonic() + seconds
    lock = threading.Lock()
    width = 199

    def client() -> None:
        nonlocal width
        while time.monotonic() < until:
            with lock:
                width += 1
                path = f"/{name}_{width}_0.jpg?quality=80"
            asked = time.perf_counter()
            status, _ = server.get(path)
            latencies.append((time.perf_counter() - asked) * 1000)
            if status != 200:
                failures.append(status)

    clients = [threading.Thread(target=client) for _ in range(4)]
    for each in clients:
        each.start()
    kills = 0
    while disturb is not None and time.monotonic() < until - 0.5:
        time.sleep(0.5)
        kills += disturb()
    for each in clients:
        each.join()
    return Stream(sorted(latencies), len(failures), kills)


def _kill_one(server: process.Running) -> bool:
    workers = server.workers()
    if workers:
        os.kill(workers[0], signal.SIGKILL)
    return bool(workers)


def _told(stream: Stream) -> str:
    return f"{report.latencies(stream.latencies)}, {stream.failed} failed"
