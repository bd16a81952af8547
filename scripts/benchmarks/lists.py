"""`scripts/bench lists`: pages of GET /_pictures, of few originals and of many."""

import asyncio
import functools
from typing import Any

import sqlalchemy as sa
from storage import worlds

from liveresize.core.ports import Listing
from liveresize.storage.index import engines
from liveresize.storage.index.database import Database
from liveresize.storage.index.originals import SqlOriginalRows
from liveresize.storage.index.sql_index import DatabaseIndex
from scripts.benchmarks import lookups, report

ORIGINALS = (1_000, 1_000_000)

ASKED = 300
"""Pages of each kind that are measured, each from a random name on."""

KINDS = (
    ("any", Listing(), 100),
    ("of a prefix", Listing(prefix="image-5"), 100),
    ("of 1,000", Listing(), 1000),
    ("held (none is)", Listing(held=True), 100),
)
"""What is asked for: a name of it, the list and the pictures of a page."""


def measure(seconds: int) -> list[report.Row]:
    """Pages of the list, on both databases, of 1,000 and of 1,000,000 originals."""
    found = []
    for name, world in (("SQLite", worlds.sqlite_url), ("PostgreSQL", worlds.postgresql_url)):
        for originals in ORIGINALS:
            with world() as url:
                times, plan = asyncio.run(_measure(url, originals))
            said = ", ".join(f"{what} {p50:.1f} ms (p99 {p99:.1f})" for what, p50, p99 in times)
            found.append((f"{name}, {originals:,} originals", f"{said}; {plan}"))
    return found


async def _measure(url: str, originals: int) -> tuple[list[tuple[str, float, float]], str]:
    """Return (kind, p50, p99) in milliseconds, and the plan of the database."""
    index = await DatabaseIndex.open(
        Database(url, pool=5, lookup_budget=60, budget=60, migration_budget=3600)
    )
    try:
        await lookups.fill(url, originals, links=False)
        engine = engines.build(engines.parse_url(url), pool=1, patience=3600)
        try:
            await engine.run(_analyse)
            plan = await engine.run(_plan)
        finally:
            await engine.dispose()
        times = []
        for what, listing, limit in KINDS:
            page = functools.partial(_page, index, listing, limit)
            times.append((what, *await lookups.percentiles(page, originals, ASKED)))
        return times, plan
    finally:
        await index.close()


async def _page(index: DatabaseIndex, listing: Listing, limit: int, number: int) -> object:
    return await index.rows.page(listing, f"image-{number}", limit)


def _analyse(connection: sa.Connection) -> None:
    connection.exec_driver_sql("ANALYZE")


def _plan(connection: sa.Connection) -> str:
    """Return the step of the plan that reads the table: of few rows, PostgreSQL reads all."""
    steps = worlds.plan(connection, _filtered).splitlines()
    (reading,) = (step for step in steps if " on originals" in step or "SEARCH originals" in step)
    return reading.strip(" ->").partition("  (cost")[0]


def _filtered(connection: object) -> object:
    page: Any = SqlOriginalRows.page
    listing = Listing(prefix="image-", held=True)
    return page.__wrapped__(None, connection, listing, "image-3", 100)
