"""`scripts/bench`: measures this server on this machine and says what came out."""

import datetime
import http.client
import os
import platform
import signal
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import click
import PIL
import tornado

from scripts.benchmarks import process, wrk

CORPUS = Path(os.environ.get("LIVERESIZE_CORPUS", process.ROOT.parent / "shared" / "corpus"))
PHOTO = CORPUS / "photos" / "2569067123_aca715a2ee_o.jpg"
LARGE = CORPUS / "photos" / "canon-1300d-18mp-gps.jpg"

REPORT = process.ROOT / "docs" / "benchmarks.md"

Row = tuple[str, str]


@click.group(invoke_without_command=True)
@click.option("--seconds", default=10, show_default=True, help="Length of each load.")
@click.option("--write", is_flag=True, help="Write the results to docs/benchmarks.md.")
@click.pass_context
def main(context: click.Context, seconds: int, write: bool) -> None:
    """Measure hits, cold renders, memory and the death of workers; all without a command.

    The pictures are those of the corpus (LIVERESIZE_CORPUS).
    """
    context.obj = {"seconds": seconds, "write": write}
    if not PHOTO.exists():
        raise click.ClickException(f"the corpus is not at {CORPUS}; set LIVERESIZE_CORPUS")
    if not wrk.available():
        raise click.ClickException("wrk is missing (Debian: apt-get install wrk)")
    if context.invoked_subcommand is None:
        rows: list[Row] = []
        for measure in (measure_hits, measure_cold, measure_deaths, measure_mixed):
            rows += measure(seconds)
        report(rows, write)


@main.command()
@click.pass_obj
def hits(options: dict[str, int]) -> None:
    """Redirects, and 40 KB from memory, with the server on one core."""
    report(measure_hits(options["seconds"]), bool(options["write"]))


@main.command()
@click.pass_obj
def cold(options: dict[str, int]) -> None:
    """New renditions of one photo at distinct widths from 200 on, 8 at a time."""
    report(measure_cold(options["seconds"]), bool(options["write"]))


@main.command()
@click.pass_obj
def deaths(options: dict[str, int]) -> None:
    """What others notice of workers being killed."""
    report(measure_deaths(options["seconds"]), bool(options["write"]))


@main.command()
@click.pass_obj
def mixed(options: dict[str, int]) -> None:
    """Hits while the pool is saturated."""
    report(measure_mixed(options["seconds"]), bool(options["write"]))


def measure_hits(seconds: int) -> list[Row]:
    """Hits a second and their p99; the server on core 0, wrk on core 1."""
    with tempfile.TemporaryDirectory() as folder, process.server(Path(folder), cpus="0") as server:
        server.upload("photo", PHOTO)
        target = _about_40_kb(server)
        _settled(server, target)
        rows = []
        for title, path in (
            ("redirect to the store (303)", target),
            ("40 KB from memory (200)", target + "&proxy=true"),
        ):
            load = wrk.run(server.url + path, connections=32, seconds=seconds, cpus="1")
            rows.append((title, f"{load.rate:,.0f}/s, {_percentiles(load)}"))
        return rows


def measure_cold(seconds: int) -> list[Row]:
    """New renditions a second on all cores, and the peak memory meanwhile."""
    with tempfile.TemporaryDirectory() as folder, process.server(Path(folder)) as server:
        server.upload("photo", PHOTO)
        idle = server.memory_kib()
        script = wrk.DISTINCT_WIDTHS.replace("NAME", '"photo"')
        load = wrk.run(server.url, connections=8, seconds=seconds, script=script)
        rows = [
            (
                "cold renders, 2725×2225 JPEG, distinct widths from 200, concurrency 8",
                f"{load.rate:.1f}/s, {_percentiles(load)}",
            ),
            ("memory of the process tree, idle", f"{idle / 1024:.0f} MB"),
            (
                "memory of the process tree, peak of those renders",
                f"{server.peak_kib / 1024:.0f} MB",
            ),
        ]
        server.peak_kib = 0
        server.upload("large", LARGE)
        script = wrk.DISTINCT_WIDTHS.replace("NAME", '"large"')
        load = wrk.run(server.url, connections=8, seconds=seconds, script=script)
        rows.append(
            (
                "the same with an 18 MP JPEG",
                f"{load.rate:.1f}/s, {_percentiles(load)}, peak {server.peak_kib / 1024:.0f} MB",
            )
        )
        return rows


def measure_deaths(seconds: int) -> list[Row]:
    """Small renders go on while workers are killed, one every half second."""
    with tempfile.TemporaryDirectory() as folder, process.server(Path(folder)) as server:
        server.upload("photo", PHOTO)
        calm = _stream(server, seconds, 200, None)
        killed = _stream(server, seconds, 500, lambda: _kill_one(server))
        return [
            ("renders without deaths", _told(calm)),
            (f"the same while {killed.kills} workers are killed with SIGKILL", _told(killed)),
        ]


def measure_mixed(seconds: int) -> list[Row]:
    """p99 of redirects while 8 connections keep the pool busy."""
    with tempfile.TemporaryDirectory() as folder, process.server(Path(folder)) as server:
        server.upload("photo", PHOTO)
        target = _about_40_kb(server)
        _settled(server, target)
        script = wrk.DISTINCT_WIDTHS.replace("NAME", '"photo"')
        behind: list[wrk.Load] = []
        load = threading.Thread(
            target=lambda: behind.append(
                wrk.run(server.url, connections=8, seconds=seconds + 2, script=script)
            )
        )
        load.start()
        time.sleep(1)
        found = _paced(server, target, seconds)
        load.join()
        return [
            (
                "hits (100/s) while the pool is saturated",
                f"{_latencies(found)}, with {behind[0].rate:.1f} renders/s behind",
            )
        ]


def _paced(server: process.Running, target: str, seconds: int) -> list[float]:
    """Latencies in ms, sorted, of 100 requests a second for `target`."""
    connection = http.client.HTTPConnection("127.0.0.1", int(server.url.rpartition(":")[2]))
    found = []
    begun = time.perf_counter()
    for turn in range(seconds * 100):
        time.sleep(max(0.0, begun + turn / 100 - time.perf_counter()))
        asked = time.perf_counter()
        connection.request("GET", target)
        connection.getresponse().read()
        found.append((time.perf_counter() - asked) * 1000)
    return sorted(found)


def _about_40_kb(server: process.Running) -> str:
    """The URL of a rendition of 40 KB, give or take a few."""
    for width in range(300, 1500, 20):
        path = f"/photo_{width}_0.jpg?quality=80"
        if server.get(path)[1] >= 40_000:
            return path.partition("?")[0] + "?quality=80"
    raise SystemExit("no rendition of 40 KB")


def _settled(server: process.Running, path: str) -> None:
    """Wait until `path` is a redirect."""
    until = time.monotonic() + 10
    while server.get(path)[0] != 303:
        if time.monotonic() > until:
            raise SystemExit(f"{path} is never published")
        time.sleep(0.05)


@dataclass(frozen=True)
class Stream:
    """Latencies in ms, sorted, how many answers were not 200, and the workers killed."""

    latencies: list[float]
    failed: int
    kills: int


def _stream(
    server: process.Running, seconds: int, first: int, disturb: Callable[[], bool] | None
) -> Stream:
    """Four clients render one after another; `disturb` is called twice a second."""
    latencies: list[float] = []
    failures: list[int] = []
    until = time.monotonic() + seconds
    lock = threading.Lock()
    width = first

    def client() -> None:
        nonlocal width
        while time.monotonic() < until:
            with lock:
                width += 1
                path = f"/photo_{width}_0.jpg?quality=80&blur=0.{width % 7 + 3}"
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
    return f"{_latencies(stream.latencies)}, {stream.failed} failed"


def _latencies(found: list[float]) -> str:
    """Percentiles of sorted latencies in ms."""
    p50, p99 = statistics.median(found), found[int(len(found) * 0.99)]
    return f"{len(found)} requests, p50 {p50:.1f} ms, p99 {p99:.1f} ms, longest {found[-1]:.0f} ms"


def _percentiles(load: wrk.Load) -> str:
    failed = f", {load.failed} FAILED" if load.failed else ""
    return f"p50 {load.p50:.1f} ms, p99 {load.p99:.1f} ms{failed}"


def report(rows: list[Row], write: bool) -> None:
    """Print the rows as a table; with `write`, replace docs/benchmarks.md's section too."""
    lines = [
        f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d}, {_machine()}",
        "",
        "| what | measured |",
        "|---|---|",
        *(f"| {what} | {measured} |" for what, measured in rows),
        "",
    ]
    text = "\n".join(lines)
    click.echo(text)
    if write:
        _write(text)


def _machine() -> str:
    model = "unknown processor"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
    cores = len(os.sched_getaffinity(0))
    return (
        f"{cores} cores of {model}, Python {platform.python_version()}, "
        f"Tornado {tornado.version}, Pillow {PIL.__version__}"
    )


def _write(text: str) -> None:
    begin, end = "<!-- scripts/bench begins -->", "<!-- scripts/bench ends -->"
    before = REPORT.read_text() if REPORT.exists() else f"# Benchmarks\n\n{begin}\n{end}\n"
    head, _, rest = before.partition(begin)
    _, _, tail = rest.partition(end)
    REPORT.write_text(f"{head}{begin}\n{text}{end}{tail}")


if __name__ == "__main__":
    sys.exit(main())
