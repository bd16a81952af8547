"""`scripts/bench buckets`: cold renders while a bucket is slow to take them."""

import json
import tempfile
import time
import urllib.request
from pathlib import Path

from storage import s3worlds

from scripts.benchmarks import corpus, process, report, wrk

SLOW = 0.5
"""Seconds that every PUT waits."""


def measure(seconds: int) -> list[report.Row]:
    """New renditions a second on disk, on S3, and on S3 at 500 ms a PUT."""
    rows = [_load("kept on disk", seconds, {})]
    with (
        s3worlds.Server("rclone") as server,
        s3worlds.place_on(server) as place,
        s3worlds.Faulty(server.address) as relay,
    ):
        keys = {
            "LIVERESIZE_AWS__BUCKET": place.bucket,
            "LIVERESIZE_AWS__ENDPOINT_URL": relay.address,
            "LIVERESIZE_AWS__ACCESS_KEY": s3worlds.ACCESS_KEY,
            "LIVERESIZE_AWS__SECRET_KEY": s3worlds.SECRET_KEY,
        }
        rows.append(_load("kept on S3 (rclone, behind a relay)", seconds, keys))
        relay.delay_puts(SLOW)
        rows.append(_load("the same at 500 ms a PUT", seconds, keys))
    return rows


def _load(title: str, seconds: int, keys: dict[str, str]) -> report.Row:
    with (
        tempfile.TemporaryDirectory() as folder,
        process.server(Path(folder), **keys) as server,
    ):
        server.upload("photo", corpus.PHOTO)
        script = wrk.DISTINCT_WIDTHS.replace("NAME", '"photo"')
        load = wrk.run(server.url, connections=8, seconds=seconds, script=script)
        left = _backlog(server)
        began = time.perf_counter()
        while _backlog(server) and time.perf_counter() - began < 60:
            time.sleep(0.05)
        drained = time.perf_counter() - began
        said = f"{load.rate:.1f}/s, {load.percentiles()}; {left} still to store, {drained:.1f} s"
        return f"cold renders {title}", said


def _backlog(server: process.Running) -> int:
    with urllib.request.urlopen(f"{server.url}/_ready") as answer:
        backlog: int = json.load(answer)["parts"]["store"]["publishing"]
    return backlog
