"""The contract of the index for lists of originals."""

import asyncio
import contextlib
import re
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from liveresize.core.names import ImageId
from liveresize.core.ports import Listing
from liveresize.core.records import Given
from liveresize.storage.index import originals, schema
from liveresize.storage.index.sql_index import DatabaseIndex

from . import memory_index, worlds
from .worlds import Bench, World, databases, everywhere

NAMES = ("A", "a", "a-1", "a_1", "aé", "b", "zz", "\U0001f600")
"""In the order of their bytes, which is that of no language."""


async def pages(bench: Bench, listing: Listing, limit: int) -> list[list[str]]:
    """The names of all pages."""
    found, after = [], ""
    while True:
        page = await bench.index.rows.page(listing, after, limit)
        found.append([original.image.name for original in page.originals])
        if page.after is None:
            return found
        assert page.after > after
        after = page.after


@everywhere
def test_pages_follow_each_other_by_name(world: World) -> None:
    """No name twice, none missing, and no empty page at the end; buckets have lists of theirs."""

    async def scenario(bench: Bench) -> None:
        stored = [await bench.upload(ImageId(name)) for name in reversed(NAMES)]
        await bench.upload(ImageId("a", "bucket"))
        assert await pages(bench, Listing(), 3) == [
            ["A", "a", "a-1"],
            ["a_1", "aé", "b"],
            ["zz", "\U0001f600"],
        ]
        assert await pages(bench, Listing(), 4) == [list(NAMES[:4]), list(NAMES[4:])]
        assert await pages(bench, Listing(prefix="a"), 9) == [["a", "a-1", "a_1", "aé"]]
        assert await pages(bench, Listing(prefix="a_"), 9) == [["a_1"]]
        assert await pages(bench, Listing(bucket="bucket"), 9) == [["a"]]
        assert await pages(bench, Listing(prefix="no"), 9) == [[]]
        page = await bench.index.rows.page(Listing(prefix="b"), "a", 9)
        assert page.originals == [stored[2]]

    world.run(scenario)


@everywhere
def test_filters_choose(world: World) -> None:
    """By hold, format and time of the upload."""

    async def scenario(bench: Bench) -> None:
        await bench.upload(ImageId("a"), given=Given(held=True))
        await bench.later(10.0)
        second = await bench.upload(ImageId("b"))
        listed = second.uploaded_at - 5.0
        for listing, names in (
            (Listing(held=True), ["a"]),
            (Listing(held=False), ["b"]),
            (Listing(format="png"), ["a", "b"]),
            (Listing(format="gif"), []),
            (Listing(uploaded_since=listed), ["b"]),
            (Listing(uploaded_since=listed, held=True), []),
        ):
            assert await pages(bench, listing, 9) == [names], listing

    world.run(scenario)


@everywhere
def test_a_page_of_few_matches_looks_at_no_more_than_its_share(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is short, or empty, and its cursor goes on behind what was looked at."""
    for module in (originals, memory_index):
        monkeypatch.setattr(module, "SCANNED", 3)

    async def scenario(bench: Bench) -> None:
        for name in ("0", "1", "2", "3", "4", "5"):
            await bench.upload(ImageId(name), given=Given(held=name in "05"))
        assert await pages(bench, Listing(held=True), 9) == [["0"], ["5"]]
        assert await pages(bench, Listing(format="gif"), 9) == [[], []]
        assert await pages(bench, Listing(held=False), 2) == [["1", "2"], ["3", "4"]]
        assert await pages(bench, Listing(held=False), 1) == [["1"], ["2"], ["3"], ["4"]]

    world.run(scenario)


USED = re.compile(
    r"originals USING INDEX sqlite_autoindex_originals_1 \(bucket=\? AND name>\? AND name<\?\)"
    r"|Index Scan using pk_originals .*\n *Index Cond: \(\(bucket = .*name > 'cat 7'.*name <= "
)
"""The primary key, between two names."""


@databases
def test_a_page_is_read_by_the_primary_key(
    database: Callable[[], contextlib.AbstractContextManager[str]],
) -> None:
    """From its first name on, and not from the first one of the prefix or of the table."""
    page: Any = originals.SqlOriginalRows.page

    def fill(connection: sa.Connection) -> None:
        rows = [
            {**originals._row(worlds.original(ImageId(f"cat {number}"))), "uploaded_at": 1.0}
            for number in range(10_000)
        ]
        connection.execute(sa.insert(schema.originals), rows)
        connection.exec_driver_sql("ANALYZE")

    async def scenario(url: str) -> None:
        index = await DatabaseIndex.open(worlds.patient_database(url))
        async with worlds.raw(url) as engine:
            await engine.run(fill)
            for listing in (Listing(), Listing(prefix="cat"), Listing(prefix="cat", held=True)):

                def ask(listener: object, listing: Listing = listing) -> object:
                    return page.__wrapped__(None, listener, listing, "cat 7", 100)

                def explain(connection: sa.Connection, ask: Callable[[Any], object] = ask) -> str:
                    return worlds.plan(connection, ask)

                plan = await engine.run(explain)
                assert USED.search(plan), plan
                assert "Sort" not in plan, plan
        await index.close()

    with database() as url:
        asyncio.run(scenario(url))
