"""`scripts/bench hits`: redirects, and 40 KB from memory, with the server on one core."""

import tempfile
import time
from pathlib import Path

from scripts.benchmarks import corpus, process, report, wrk


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
        return rows


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
