"""`scripts/bench lookups`: what a GET asks of the index, with few rows in it and with many."""

import asyncio
import random
import statistics
import time
from collections.abc import Awaitable, Callable

import sqlalchemy as sa
from storage import worlds

from liveresize.core.names import ImageId
from liveresize.storage.index import engines
from liveresize.storage.index.database import Database
from liveresize.storage.index.sql_index import DatabaseIndex
from scripts.benchmarks import report

LINKS = (1_000, 5_000_000)
VARIANTS = 5
"""Links of each original."""

ASKED = 3_000
"""Lookups of each kind that are measured, one after the other, after a tenth as many."""

FILL = {
    engines.SQLITE: (
        "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < {originals})",
        "printf('%012x%016x', 1700000000000 + i, i)",
        "n, (SELECT column1 AS v FROM (VALUES (1), (2), (3), (4), (5)))",
    ),
    engines.POSTGRESQL: (
        "WITH n(i) AS (SELECT generate_series(0, {originals} - 1))",
        "lpad(to_hex(1700000000000 + i), 12, '0') || lpad(to_hex(i), 16, '0')",
        "n, (VALUES (1), (2), (3), (4), (5)) AS variants(v)",
    ),
}
"""A database's way to count up to {originals}, to write a generation, and to give each
its variants."""


def measure(seconds: int) -> list[report.Row]:
    """Lookups of originals and links, on both databases, at 1,000 and 5,000,000 links."""
    found = []
    for name, world in (("SQLite", worlds.sqlite_url), ("PostgreSQL", worlds.postgresql_url)):
        for links in LINKS:
            with world() as url:
                filling, times = asyncio.run(_measure(url, links))
            said = ", ".join(f"{what} {p50:.2f} ms (p99 {p99:.2f})" for what, p50, p99 in times)
            found.append((f"{name}, {links:,} links (made in {filling:.0f} s)", said))
    return found


async def _measure(url: str, links: int) -> tuple[float, list[tuple[str, float, float]]]:
    """Seconds of making the rows, and (lookup, p50, p99) in milliseconds."""
    index = await DatabaseIndex.open(Database(url, pool=5, migration_budget=3600))
    try:
        began = time.perf_counter()
        await fill(url, links // VARIANTS)
        filling = time.perf_counter() - began
        asked = (
            ("original", lambda i: index.rows.find(ImageId(f"image-{i}"))),
            ("link", lambda i: index.links.find(_generation(i), f"{1 + i % VARIANTS}00x0-jpeg")),
            ("no link", lambda i: index.links.find(_generation(i), "999x0-jpeg")),
            ("all links", lambda i: index.links.of(_generation(i), 256)),
        )
        times = [(what, *await percentiles(ask, links // VARIANTS)) for what, ask in asked]
        return filling, times
    finally:
        await index.close()


async def fill(url: str, originals: int, *, links: bool = True) -> None:
    """Make so many originals, each with its links."""
    engine = engines.build(engines.parse_url(url), pool=1, patience=3600)
    backend = sa.make_url(url).get_backend_name()
    count, generation, variants = FILL[backend]
    count = count.format(originals=originals)
    no, yes = ("0", "1") if backend == engines.SQLITE else ("false", "true")

    def insert(connection: sa.Connection) -> None:
        connection.exec_driver_sql(
            "INSERT INTO originals (bucket, name, generation, format, width, height, bytes,"
            " sha256, frames, has_alpha, clean, dominant_color, thumbhash, uploaded_at)"
            f" {count} SELECT '', 'image-' || i, {generation}, 'jpeg', 4000, 3000, 3000000,"
            " 'c7be1ed902fb8dd4d48997c6452f5d7e509fbcdbe2808b16bcf4edce4c07d14e', 1,"
            f" {no}, {yes}, '#336699', 'YJqGPQw7sFlslqhFafSE+Q6oJ1h2iHB2Rw==', 1700000000 + i"
            " FROM n"
        )
        if not links:
            return
        connection.exec_driver_sql(
            "INSERT INTO renditions (generation, variant, key, mime, etag, size, engine,"
            f" rendered_at, used_at) {count} SELECT {generation}, v || '00x0-jpeg',"
            f" 'image-' || i || '/' || {generation} || '/' || v || '00x0-jpeg.jpg', 'image/jpeg',"
            " 'c7be1ed902fb8dd4d48997c6452f5d7e509fbcdbe2808b16bcf4edce4c07d14e', 40000, '1',"
            f" 1700000000 + i, 1700000000 + i FROM {variants}"
        )

    try:
        await engine.run(insert)
    finally:
        await engine.dispose()


def _generation(i: int) -> str:
    return f"{1700000000000 + i:012x}{i:016x}"


async def percentiles(
    ask: Callable[[int], Awaitable[object]], originals: int, asked: int = ASKED
) -> tuple[float, float]:
    """(p50, p99) in milliseconds of asking for random ones, so many times."""
    chosen = random.Random(1)  # noqa: S311 (a choice of rows)
    for _ in range(asked // 10):
        await ask(chosen.randrange(originals))
    times = []
    for _ in range(asked):
        began = time.perf_counter()
        await ask(chosen.randrange(originals))
        times.append((time.perf_counter() - began) * 1000)
    ordered = statistics.quantiles(times, n=100)
    return ordered[49], ordered[98]
