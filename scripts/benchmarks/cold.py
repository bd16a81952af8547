"""`scripts/bench cold`: new renditions of one photo at distinct widths, 8 at a time."""

import tempfile
from pathlib import Path

from scripts.benchmarks import corpus, process, report, spent, wrk


def measure(seconds: int) -> list[report.Row]:
    """New renditions a second on all cores, what each takes, and the peak memory meanwhile."""
    with (
        tempfile.TemporaryDirectory() as folder,
        process.server(Path(folder), PYTHONPATH=str(spent.NAMED)) as server,
    ):
        server.upload("photo", corpus.PHOTO)
        server.settle()
        idle, before = server.memory_kib(), spent.by(server)
        script = wrk.DISTINCT_WIDTHS.replace("NAME", '"photo"')
        load = wrk.run(server.url, connections=8, seconds=seconds, script=script)
        # What is published after its answer belongs to its render.
        server.settle()
        rows = [
            (
                "cold renders, 2725×2225 JPEG, distinct widths from 200, concurrency 8",
                f"{load.rate:.1f}/s, {load.percentiles()}",
            ),
            ("memory of the process tree, idle", f"{idle / 1024:.0f} MB"),
            (
                "memory of the process tree, peak of those renders",
                f"{server.peak_kib / 1024:.0f} MB",
            ),
            *spent.rows(before, spent.by(server), load.requests),
        ]
        server.peak_kib = 0
        server.upload("large", corpus.LARGE)
        script = wrk.DISTINCT_WIDTHS.replace("NAME", '"large"')
        load = wrk.run(server.url, connections=8, seconds=seconds, script=script)
        rows.append(
            (
                "the same with an 18 MP JPEG",
                f"{load.rate:.1f}/s, {load.percentiles()}, peak {server.peak_kib / 1024:.0f} MB",
            )
        )
        return rows
