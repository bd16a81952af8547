"""`scripts/bench mixed`: hits while two slots are saturated, and the memory of that."""

import http.client
import tempfile
import threading
import time
from pathlib import Path

from scripts.benchmarks import corpus, hits, process, report, wrk

SLOTS = 2
"""The same on every machine, so that memory can be compared."""


def measure(seconds: int) -> list[report.Row]:
    """p99 of redirects and memory while 8 connections keep two slots busy."""
    with (
        tempfile.TemporaryDirectory() as folder,
        process.server(Path(folder), LIVERESIZE_WORKERS__SLOTS=str(SLOTS)) as server,
    ):
        server.upload("photo", corpus.PHOTO)
        target = hits.about_40_kb(server)
        hits.settled(server, target)
        server.settle()
        idle = server.memory_kib()
        server.peak_kib = 0
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
                f"{report.latencies(found)}, with {behind[0].rate:.1f} renders/s behind",
            ),
            (f"memory of the process tree, idle, {SLOTS} slots", f"{idle / 1024:.0f} MB"),
            ("the same, peak of that load", f"{server.peak_kib / 1024:.0f} MB"),
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
