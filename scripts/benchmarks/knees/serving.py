"""Knobs of the server: event loop, slots, and how workers are started."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from scripts.benchmarks import corpus, hits, process, report, wrk

SLOTS = (1, 2, 3, 4)


def tables(seconds: int) -> list[str]:
    """Three tables."""
    return [
        "### Event loop: redirects, server on one core",
        _loops(seconds),
        f"### Slots on {len(os.sched_getaffinity(0))} cores: cold renders, 6 MP, concurrency 8",
        _slots(seconds),
        "### How a worker is started",
        _starts(),
    ]


def _loops(seconds: int) -> str:
    rows = []
    with tempfile.TemporaryDirectory() as hidden:
        (Path(hidden) / "uvloop.py").write_text('raise ImportError("hidden")\n')
        for name, extra in (("uvloop", {}), ("asyncio's own", {"PYTHONPATH": hidden})):
            with (
                tempfile.TemporaryDirectory() as folder,
                process.server(Path(folder), cpus="0", **extra) as server,
            ):
                server.upload("photo", corpus.PHOTO)
                target = hits.about_40_kb(server)
                hits.settled(server, target)
                load = wrk.run(server.url + target, connections=32, seconds=seconds, cpus="1")
            rows.append([name, f"{load.rate:,.0f}", f"{load.p50:.1f}", f"{load.p99:.1f}"])
    return report.table(("loop", "redirects/s", "p50, ms", "p99, ms"), rows)


def _slots(seconds: int) -> str:
    rows = []
    for slots in SLOTS:
        with (
            tempfile.TemporaryDirectory() as folder,
            process.server(Path(folder), LIVERESIZE_WORKERS__SLOTS=str(slots)) as server,
        ):
            server.upload("photo", corpus.PHOTO)
            idle = server.memory_kib()
            script = wrk.distinct("/photo_{w}_0.jpg?quality={q}", 80)
            load = wrk.run(server.url, connections=8, seconds=seconds, script=script)
            rows.append(
                [
                    f"{slots}",
                    f"{load.rate:.1f}",
                    f"{load.p50:.0f}",
                    f"{load.p99:.0f}",
                    f"{idle / 1024:.0f}",
                    f"{server.peak_kib / 1024:.0f}",
                ]
            )
    head = ("slots", "renders/s", "p50, ms", "p99, ms", "MB idle", "MB peak")
    return report.table(head, rows)


def _starts() -> str:
    """Time to the first answer of a fresh worker, and its own memory."""
    rows = []
    for method in ("spawn", "forkserver"):
        command = [sys.executable, "-m", "scripts.benchmarks.tools.worker_start", method]
        told = subprocess.run(
            command, check=True, capture_output=True, text=True, cwd=process.ROOT
        ).stdout.split()
        rows.append([method, f"{float(told[0]):.0f}", f"{float(told[1]):.0f}", told[2]])
    head = ("method", "first worker, ms", "next worker, ms", "MB of a worker")
    return report.table(head, rows)
