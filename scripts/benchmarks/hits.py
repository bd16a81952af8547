"""`scripts/bench hits`: redirects, and 40 KB from memory, with the server on one core."""

import contextlib
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from scripts.benchmarks import corpus, process, report, wrk

TURNS = 3
"""Rounds in which our server and bare Tornado redirect, one after the other."""


def measure(seconds: int) -> list[report.Row]:
    """Hits a second and their p99; the server on core 0, wrk on core 1."""
    with tempfile.TemporaryDirectory() as folder, process.server(Path(folder), cpus="0") as server:
        server.upload("photo", corpus.PHOTO)
        target = about_40_kb(server)
        settled(server, target)
        rows = []
        for title, path in (
            ("redirect to the store (303)", target),
            ("40 KB from memory (200)", target + "&proxy=true"),
        ):
            load = wrk.run(server.url + path, connections=32, seconds=seconds, cpus="1")
            rows.append((title, f"{load.rate:,.0f}/s, {load.percentiles()}"))
        with _bare_tornado() as bare:
            return [*rows, _beside(server, bare, target, seconds)]


def about_40_kb(server: process.Running) -> str:
    """The URL of a rendition of 40 KB, give or take a few."""
    for width in range(300, 1500, 20):
        path = f"/photo_{width}_0.jpg?quality=80"
        if server.get(path)[1] >= 40_000:
            return path
    raise SystemExit("no rendition of 40 KB")


def settled(server: process.Running, path: str) -> None:
    """Wait until `path` is a redirect."""
    until = time.monotonic() + 10
    while server.get(path)[0] != 303:
        if time.monotonic() > until:
            raise SystemExit(f"{path} is never published")
        time.sleep(0.05)


@contextlib.contextmanager
def _bare_tornado() -> Iterator[process.Running]:
    """A RequestHandler that redirects and logs nothing, on the core of our server."""
    port = process.free_port()
    command = ["taskset", "-c", "0", sys.executable, "-m", "scripts.benchmarks.tools.bare_tornado"]
    with process.serving([*command, str(port)], port, process.ROOT) as bare:
        yield bare


def _beside(
    server: process.Running, bare: process.Running, target: str, seconds: int
) -> report.Row:
    """Processor time of a redirect of ours and of bare Tornado's, by turns."""
    spent: dict[process.Running, list[float]] = {server: [], bare: []}
    for _ in range(TURNS):
        for one, times in spent.items():
            # Reading its memory takes processor time in the kernel.
            one.watched, before = False, one.cpu_ms()
            load = wrk.run(one.url + target, connections=32, seconds=seconds, cpus="1")
            times.append((one.cpu_ms() - before) / max(1, load.requests) * 1000)
    ours, theirs = (statistics.median(times) for times in spent.values())
    return (
        "processor time of a 303 ÷ that of a bare Tornado RequestHandler without a log",
        f"{ours / theirs:.2f} ({ours:.0f} µs ÷ {theirs:.0f} µs; medians of {TURNS} turns)",
    )
