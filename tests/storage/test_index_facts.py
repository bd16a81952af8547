"""Versions of the facts of originals: which ones are outdated, and how they are renewed."""

import asyncio
import contextlib
import dataclasses
from collections.abc import Callable

import pytest
import sqlalchemy as sa

from liveresize.core.names import ImageId
from liveresize.core.ports import FACTS, Purged
from liveresize.storage.index import originals
from liveresize.storage.index.sql_index import DatabaseIndex

from . import first_rows, test_upgrades, worlds
from .worlds import empty_databases

Databases = Callable[[], contextlib.AbstractContextManager[str]]

DOG = ImageId("dog")


@empty_databases
def test_rows_of_an_older_release_are_outdated(database: Databases) -> None:
    """Those from before the upgrade, and those that 1.0.0 writes beside this release."""

    async def scenario(url: str) -> None:
        await test_upgrades.of_release(url, "0004")
        index = await DatabaseIndex.open(worlds.patient_database(url))
        await index.rows.adopt(worlds.original(DOG))
        beside = {**first_rows.ORIGINALS[0], "name": "new", "generation": "5" * 28}
        insert = sa.text(
            f"INSERT INTO originals ({', '.join(beside)}) VALUES (:{', :'.join(beside)})"
        )
        async with worlds.raw(url) as engine:
            await engine.run(lambda connection: connection.execute(insert, beside))
        expected = sorted([*(row["generation"] for row in first_rows.ORIGINALS), "5" * 28])
        newest = (await index.rows.after("", 100))[-1][0].generation
        found, last = await index.rows.outdated("", 100)
        assert [one.generation for one in found] == expected
        assert last == newest
        some, last = await index.rows.outdated("5" * 28, 1)
        assert [one.generation for one in some] == ["9" * 28] == [last]
        for one in found:
            assert not await index.rows.update_facts(one)
        assert await index.rows.outdated("", 100) == ([], newest)
        assert await index.rows.outdated(newest, 100) == ([], "")
        assert [await index.rows.find(one.image) for one in found] == found
        await index.close()

    with database() as url:
        asyncio.run(scenario(url))


@empty_databases
def test_a_search_looks_at_some_rows_only(
    database: Databases, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many are up to date, each search ends soon, and the last one comes to the end."""
    monkeypatch.setattr(originals, "_LOOKED_AT", 2)

    async def scenario(url: str) -> None:
        await test_upgrades.of_release(url, "0004")
        index = await DatabaseIndex.open(worlds.patient_database(url))
        *right, wrong = (await index.rows.outdated("", 2))[0] + (
            await index.rows.outdated("1" * 28, 2)
        )[0]
        for one in right:
            await index.rows.update_facts(one)
        after, searches, found = "", 0, []
        while searches == 0 or after:
            some, after = await index.rows.outdated(after, 100)
            found += some
            searches += 1
        assert (found, searches) == ([wrong], 3)
        await index.close()

    with database() as url:
        asyncio.run(scenario(url))


@empty_databases
def test_changed_facts_are_announced(database: Databases) -> None:
    """What is not a fact stays, and an ended generation gets no row."""

    async def scenario(url: str) -> None:
        index = await DatabaseIndex.open(worlds.patient_database(url))
        stored = await index.rows.adopt(worlds.original(DOG), mirrored=True)
        better = dataclasses.replace(stored, frames=9, has_alpha=False, width=3, uploaded_at=0.0)
        assert await index.rows.update_facts(better)
        assert await index.rows.after("", 9) == [
            (dataclasses.replace(better, uploaded_at=stored.uploaded_at), True)
        ]
        assert await index.purges.since(0) == [Purged(1, DOG, stored.generation, FACTS)]
        assert await index.purges.ended(stored.generation) is None
        await index.rows.delete(DOG)
        assert not await index.rows.update_facts(stored)
        assert await index.rows.find(DOG) is None
        await index.close()

    with database() as url:
        asyncio.run(scenario(url))
