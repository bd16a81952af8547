"""One client asks for sizes without end: what others wait for their renders and uploads."""

import asyncio
import contextlib
import itertools
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from scripts.benchmarks import corpus, process
from scripts.sieging._client import Client

ATTACKER, VICTIM, VISITOR = "127.0.0.2", "127.0.0.3", "127.0.0.4"

CONNECTIONS = 250
"""Below the bound for one client."""

SECONDS = 10.0

Rows = list[tuple[str, object]]


@dataclass
class Felt:
    """What clients felt: milliseconds by kind of request, and statuses."""

    times: dict[str, list[float]] = field(default_factory=dict)
    statuses: dict[str, Counter[int]] = field(default_factory=dict)

    async def time(self, kind: str, request: Awaitable[int]) -> None:
        """Await a request, and note how long it took and what came of it."""
        began = time.perf_counter()
        status = await request
        self.times.setdefault(kind, []).append((time.perf_counter() - began) * 1000)
        self.statuses.setdefault(kind, Counter())[status] += 1

    def p95(self, kind: str) -> float:
        """The 95th percentile, in milliseconds."""
        times = sorted(self.times[kind])
        return times[int(0.95 * (len(times) - 1))]


def run() -> Rows:
    """Measure idle, under a flood of equal jobs, and of slow ones; the rate limit lifted too."""
    rows: Rows = []
    for title, keys in (
        ("as shipped", {"LIVERESIZE_LIMITS__CLIENT_RENDERS": "null"}),
        ("rate limit lifted", {}),
    ):
        with tempfile.TemporaryDirectory() as above:
            folder = Path(above)
            with process.server(folder, **{"LIVERESIZE_CACHE__MAX_VARIANTS": "200", **keys}) as up:
                up.watched = False
                for name in ("attacked", "known"):
                    up.upload(name, corpus.PHOTO)
                up.upload("slow", corpus.LARGE)
                up.fetch("/known_300_0.jpg")
                rows += asyncio.run(_measure(urlsplit(up.url).port or 0, title))
    return rows


async def _measure(port: int, title: str) -> Rows:
    data = corpus.PHOTO.read_bytes()
    async with Client(port, VICTIM) as first:
        assert await first.upload("mine", data) == 200
    names = (f"upload-{number}" for number in itertools.count())
    widths = itertools.count(200)
    idle = await _felt(port, data, names, widths, SECONDS / 2)
    rows: Rows = [(f"{title}: idle, {kind} p95", f"{idle.p95(kind):.1f} ms") for kind in idle.times]
    for what, path in (
        ("equal jobs", "/attacked_{}_0.jpg"),
        ("slow jobs", "/slow_{}_0.avif?quality=90"),
    ):
        flood = Felt()
        async with _flood(port, path, flood):
            felt = await _felt(port, data, names, widths, SECONDS)
        for kind in felt.times:
            ratio = felt.p95(kind) / idle.p95(kind)
            statuses = dict(felt.statuses[kind])
            rows.append(
                (
                    f"{title}: {what}, {kind} p95 ÷ idle",
                    f"{felt.p95(kind):.1f} ms, × {ratio:.1f}, {statuses}",
                )
            )
        rows.append((f"{title}: {what}, the attacker", dict(flood.statuses.get("job", {}))))
    return rows


@contextlib.asynccontextmanager
async def _flood(port: int, path: str, flood: Felt) -> AsyncIterator[None]:
    """New sizes from many connections of one client, until the end of the block."""
    sizes = itertools.count(200)

    async def attack() -> None:
        async with Client(port, ATTACKER) as client:
            while True:
                size = 200 + next(sizes) % 1700
                await flood.time("job", client.get(path.format(size)))

    tasks = [asyncio.create_task(attack()) for _ in range(CONNECTIONS)]
    await asyncio.sleep(1.0)
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(2.0)  # what is at work ends


async def _felt(
    port: int, data: bytes, names: Iterator[str], widths: Iterator[int], seconds: float
) -> Felt:
    """What a victim feels that renders and uploads, one after the other, and a visitor."""
    felt, end = Felt(), time.monotonic() + seconds

    async def repeat(source: str, pause: float, ask: Callable[[Client], Awaitable[None]]) -> None:
        async with Client(port, source) as client:
            while time.monotonic() < end:
                await ask(client)
                await asyncio.sleep(pause)

    async def victim(client: Client) -> None:
        await felt.time("cold render", client.get(f"/mine_{next(widths)}_0.jpg"))
        await felt.time("upload", client.upload(next(names), data))

    async def visitor(client: Client) -> None:
        await felt.time("hit", client.get("/known_300_0.jpg"))

    await asyncio.gather(repeat(VICTIM, 0.05, victim), repeat(VISITOR, 0.01, visitor))
    return felt
