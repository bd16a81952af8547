"""What a picture and a link take in memory, and a lookup of PostgreSQL's processor time."""

import asyncio
import os
import pickle
import time
import tracemalloc
from pathlib import Path

import sqlalchemy as sa
from storage import worlds

from liveresize.core.names import ImageId
from liveresize.core.originals import Link, Original
from liveresize.settings.server import Cache
from liveresize.storage.index.database import Database
from liveresize.storage.index.sql_index import DatabaseIndex
from liveresize.storage.memory import Memory
from scripts.benchmarks import lookups

ORIGINALS, VARIANTS = 100_000, 5
ASKED = 4_000


def measure() -> list[tuple[str, str]]:
    """What was measured, row by row."""
    with worlds.postgresql_url() as url:
        return asyncio.run(_measure(url))


async def _measure(url: str) -> list[tuple[str, str]]:
    server = worlds.postgresql_server()
    index = await DatabaseIndex.open(Database(url, pool=5, migration_budget=3600, lookup_budget=60))
    try:
        await lookups.fill(url, ORIGINALS)
        step = ORIGINALS // ASKED
        numbers = range(0, ORIGINALS, step)
        for number in numbers[:200]:
            await index.rows.find(ImageId(f"image-{number}"))
            await index.links.of(lookups._generation(number), 256)
        times = [(_spent(server), time.process_time())]
        found = [await index.rows.find(ImageId(f"image-{number}")) for number in numbers]
        times.append((_spent(server), time.process_time()))
        links: list[Link] = []
        for number in numbers:
            links += await index.links.of(lookups._generation(number), 256)
        times.append((_spent(server), time.process_time()))
        keys = [(link.generation, link.variant) for link in links]
        for start in range(0, len(keys), 1_000):
            await index.links.touch(keys[start : start + 1_000])
        times.append((_spent(server), time.process_time()))
    finally:
        await index.close()
    rows = []
    for what, count, begin, end in (
        ("an original by its name", len(numbers), times[0], times[1]),
        ("all links of an original (5)", len(numbers), times[1], times[2]),
        ("the use of a link, in groups of 1,000", len(keys), times[2], times[3]),
    ):
        theirs, ours = ((end[part] - begin[part]) / count * 1e3 for part in (0, 1))
        rows.append((what, f"PostgreSQL {theirs:.2f} ms, instance {ours:.2f} ms"))
    return rows + _memory([each for each in found if each is not None], links)


def _memory(found: list[Original], links: list[Link]) -> list[tuple[str, str]]:
    """Bytes of an original and of a link: copied by pickle, so that nothing is shared."""
    texts = [pickle.dumps(each) for each in found], [pickle.dumps(each) for each in links]
    memory = Memory(Cache(links=10**6), time.monotonic)
    tracemalloc.start()
    start = tracemalloc.get_traced_memory()[0]
    for text in texts[0]:
        memory.keep_original(pickle.loads(text))  # noqa: S301 (made above)
    middle = tracemalloc.get_traced_memory()[0]
    for text in texts[1]:
        memory.keep_link(pickle.loads(text))  # noqa: S301
    end = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    return [
        ("an original in memory", f"{(middle - start) / len(texts[0]):,.0f} bytes"),
        ("a link in memory", f"{(end - middle) / len(texts[1]):,.0f} bytes"),
    ]


def _spent(server: str) -> float:
    """Seconds of processor time of a PostgreSQL on this machine and its processes."""
    folder = Path(str(sa.make_url(server).query["host"]))
    postmaster = (folder / "postmaster.pid").read_text().split()[0]
    total = 0
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if postmaster in (path.parent.name, fields[1]):
            total += int(fields[11]) + int(fields[12])
    return total / os.sysconf("SC_CLK_TCK")
