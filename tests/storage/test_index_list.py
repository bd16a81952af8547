"""The contract of the index for lists of originals."""

import asyncio
import contextlib
import functools
import re
from collections.abc import Callable, Sequence
from typing import Any

import pytest
import sqlalchemy as sa

from liveresize.core.names import ImageId
from liveresize.core.ports import Listing
from liveresize.core.records import Given
from liveresize.storage.index import originals, schema

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
    """By hold, end, format and time of the upload."""

    async def scenario(bench: Bench) -> None:
        await bench.upload(ImageId("a"), given=Given(held=True, claim_within=60.0))
        await bench.later(10.0)
        second = await bench.upload(ImageId("b"))
        listed = second.uploaded_at - 5.0
        for listing, names in (
            (Listing(held=True), ["a"]),
            (Listing(held=False), ["b"]),
            (Listing(expiring=True), ["a"]),
            (Listing(expiring=False), ["b"]),
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
    listings = (Listing(), Listing(prefix="cat"), Listing(prefix="cat", held=True))
    asked = [
        functools.partial(page.__wrapped__, None, listing=each, after="cat 7", limit=100)
        for each in listings
    ]
    for plan in explained(database, asked):
        assert USED.search(plan), plan
        assert "Sort" not in plan, plan


def explained(
    database: Callable[[], contextlib.AbstractContextManager[str]],
    asked: Sequence[Callable[[Any], object]],
    row: Callable[[int], dict[str, object]] = lambda number: {},
) -> list[str]:
    """How a database with ten thousand originals would answer; `row` says what else is in each."""

    def fill(connection: sa.Connection) -> None:
        rows = [
            {
                **originals._row(worlds.original(ImageId(f"cat {number}"))),
                "uploaded_at": 1.0,
                **row(number),
            }
            for number in range(10_000)
        ]
        connection.execute(sa.insert(schema.originals), rows)
        connection.exec_driver_sql("ANALYZE")

    async def scenario(url: str) -> list[str]:
        async with worlds.raw(url) as engine:
            await engine.run(fill)
            return [await engine.run(functools.partial(worlds.plan, ask=ask)) for ask in asked]

    with database() as url:
        return asyncio.run(scenario(url))
