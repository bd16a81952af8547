"""`scripts/bench vip`: hits on vip's addresses, and memory over 100,000 of them."""

import json
import tempfile
import urllib.request
from pathlib import Path

from scripts.benchmarks import corpus, process, report, wrk

TOKEN = "benchmark"  # noqa: S105 (of a server that lives for a minute)
WANTED = 100_000
"""Requests over which memory is looked at."""

MANY = """
local turn = 0
request = function()
  turn = turn + 1
  return wrk.format("GET", PATHS[turn % #PATHS + 1])
end
"""


def measure(seconds: int) -> list[report.Row]:
    """Hits of one picture, then of twenty at forty sizes until memory has seen enough."""
    keys = {"LIVERESIZE_VIP__BUCKETS": "pictures", "AUTH_TOKEN": TOKEN}
    with (
        tempfile.TemporaryDirectory() as folder,
        process.server(Path(folder), cpus="0", **keys) as server,
    ):
        picture = _upload(server)
        server.get(f"{picture}?s=500")
        server.watched = False
        rows = [_hits(server, title, picture + query, seconds) for title, query in _QUERIES]
        return [*rows, *_memory(server, seconds)]


_QUERIES = (("`?s=500` from memory", "?s=500"), ("the original, 161 KB, from memory", ""))


def _hits(server: process.Running, title: str, path: str, seconds: int) -> report.Row:
    size = server.get(path)[1]
    load = wrk.run(server.url + path, connections=32, seconds=seconds, cpus="1")
    return f"{title} ({size:,} bytes)", f"{load.rate:,.0f}/s, {load.percentiles()}"


def _upload(server: process.Running) -> str:
    """The path of a picture that was uploaded just now."""
    asked = urllib.request.Request(
        f"{server.url}/upload/pictures",
        (corpus.FOLDER / "photos" / "vip-AWESOME.jpg").read_bytes(),
        {"X-Vip-Token": TOKEN},
        method="POST",
    )
    with urllib.request.urlopen(asked) as answer:
        url: str = json.load(answer)["url"]
    return "/" + url.split("/", 3)[3]


def _memory(server: process.Running, seconds: int) -> list[report.Row]:
    """Memory once all that is asked for has been made, and after every 100,000 requests."""
    pictures = [_upload(server) for _ in range(20)]
    paths = [f"{one}?s={width}" for one in pictures for width in range(20, 720, 18)]
    for path in paths:
        server.get(path)
    server.settle()
    listed = ", ".join(f'"{path}"' for path in paths)
    seen, sizes = 0, [server.memory_kib()]
    while seen < 3 * WANTED:
        script = f"local PATHS = {{{listed}}}\n{MANY}"
        load = wrk.run(server.url, connections=32, seconds=seconds, script=script, cpus="1")
        seen += load.requests
        if load.failed:
            return [("memory", f"{load.failed} requests FAILED")]
        if seen // WANTED >= len(sizes):
            server.settle()
            sizes.append(server.memory_kib())
    told = ", ".join(f"{size / 1024:.1f}" for size in sizes)
    return [
        (f"memory in MB, warm and after each {WANTED:,} requests for {len(paths)} pictures", told)
    ]
