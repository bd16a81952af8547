"""A database of any earlier release, and what of it is there after the upgrade: all."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

from liveresize import errors
from liveresize.core.names import ImageId
from liveresize.core.ports import Purged
from liveresize.core.tokens import Claim, Grant, Spent
from liveresize.storage.index import engines, migrations
from liveresize.storage.index.sql_index import DatabaseIndex

from . import first_rows, worlds
from .worlds import empty_databases

Databases = Callable[[], contextlib.AbstractContextManager[str]]
Rows = list[dict[str, Any]]

FIRST = "0001"


def config(connection: sa.Connection | None = None) -> Config:
    """Alembic as the index runs it."""
    made = Config()
    made.set_main_option("script_location", migrations.LOCATION)
    made.attributes["connection"] = connection
    return made


def earlier() -> list[str]:
    """Every revision but the newest, oldest first; a new one is in the next release's list."""
    history = [each.revision for each in ScriptDirectory.from_config(config()).walk_revisions()]
    return history[:0:-1]


def upgrade(connection: sa.Connection, revision: str) -> None:
    """Apply the revisions up to that one, as the release did that ended with it."""
    command.upgrade(config(connection), revision)


def contents(connection: sa.Connection) -> dict[str, Rows]:
    """Every table as it lies there, read without today's idea of it."""
    tables = sa.MetaData()
    tables.reflect(connection)
    return {
        table.name: [dict(row._mapping) for row in connection.execute(sa.select(table))]
        for table in tables.sorted_tables
        if table.name != "alembic_version"
    }


def without(rows: Rows, dropped: set[str]) -> list[str]:
    """Rows of which some columns do not count, in an order that does not matter."""
    return sorted(
        repr(sorted((name, cell) for name, cell in row.items() if name not in dropped))
        for row in rows
    )


def same(before: Rows, after: Rows) -> bool:
    """Whether all rows are there, as far as both releases know their columns."""
    if len(before) != len(after) or not before:
        return len(before) == len(after)
    gone, new = set(before[0]) - set(after[0]), set(after[0]) - set(before[0])
    return without(before, gone) == without(after, new)


async def of_release(url: str, revision: str) -> dict[str, Rows]:
    """Make a database that began with the first release and came as far as `revision`."""
    async with worlds.raw(url) as engine:
        if isinstance(engine, engines.Sqlite):
            await engine.prepare()
        await engine.run(lambda connection: upgrade(connection, FIRST))
        await engine.run(first_rows.fill)
        await engine.run(lambda connection: upgrade(connection, revision))
        return await engine.run(contents)


releases = pytest.mark.parametrize("revision", earlier())


def run(database: Databases, revision: str, scenario: Callable[[DatabaseIndex], Any]) -> None:
    """Run a scenario on an index that has just upgraded a database of that release."""

    async def upgraded(url: str) -> None:
        await of_release(url, revision)
        index = await DatabaseIndex.open(worlds.patient_database(url))
        try:
            await scenario(index)
        finally:
            await index.close()

    with database() as url:
        asyncio.run(upgraded(url))


def test_every_earlier_release_is_tried() -> None:
    """The first one is among them, and the newest is not: it has nothing to upgrade."""
    assert earlier()[0] == FIRST
    assert len(earlier()) == len(set(earlier())) >= 1


@empty_databases
@releases
def test_no_row_and_no_cell_is_lost(database: Databases, revision: str) -> None:
    """Serials and times to their last digit, also where SQLite builds a table anew, which
    drops the old one: that would take along whatever refers to its rows."""

    async def scenario(url: str) -> None:
        before = await of_release(url, revision)
        assert {table: len(rows) for table, rows in first_rows.TABLES.items()}.items() <= {
            table: len(rows) for table, rows in before.items()
        }.items()
        index = await DatabaseIndex.open(worlds.patient_database(url))
        await index.close()
        async with worlds.raw(url) as engine:
            after = await engine.run(contents)
        for table, rows in before.items():
            assert same(rows, after[table]), table

    with database() as url:
        asyncio.run(scenario(url))


@empty_databases
@releases
def test_originals_are_served(database: Databases, revision: str) -> None:
    """By name and by generation, and the mirror lacks what it lacked."""

    async def scenario(index: DatabaseIndex) -> None:
        for row in first_rows.ORIGINALS:
            expected = first_rows.original(row)
            assert await index.rows.find(expected.image) == expected
            assert await index.rows.of(expected.generation) == expected
        lacking = [row for row in first_rows.ORIGINALS if row["mirrored_at"] is None]
        assert await index.mirror_queue.waiting("", 100) == [
            first_rows.original(row) for row in lacking
        ]
        of_buckets = [first_rows.original(row) for row in lacking if row["bucket"]]
        assert await index.mirror_queue.waiting("", 100, main=False) == of_buckets != []
        generations = [row["generation"] for row in first_rows.ORIGINALS]
        assert await index.mirror_queue.done_of(generations) == {"9" * 28}

    run(database, revision, scenario)


@empty_databases
@releases
def test_links_lead_where_they_led(database: Databases, revision: str) -> None:
    """Those that were purged stay so, and those of a deleted picture go with it."""

    async def scenario(index: DatabaseIndex) -> None:
        for row in first_rows.RENDITIONS:
            found = await index.links.find(row["generation"], row["variant"])
            assert found == (None if row["purged_at"] else first_rows.link(row))
        purged = [first_rows.link(row) for row in first_rows.RENDITIONS if row["purged_at"]]
        assert await index.links.purged(60.0, 100) == purged
        assert await index.links.stored_bytes() == sum(row["size"] for row in first_rows.RENDITIONS)
        await index.rows.delete(ImageId("cät", "pets"))
        assert await index.links.find("f" * 28, "1x1-jpeg") is None
        assert len(await index.links.of("0" * 28, 1000)) == 2

    run(database, revision, scenario)


@empty_databases
@releases
def test_tokens_are_worth_what_they_were(database: Databases, revision: str) -> None:
    """Issued ones can be used, spent ones give their receipt, uploads keep their ids."""

    async def scenario(index: DatabaseIndex) -> None:
        claim = await index.tokens.claim(first_rows.TOKEN, [ImageId("dog")], 60.0)
        assert isinstance(claim, Claim)
        assert claim.grant.formats == ("jpeg", "png")
        new = worlds.original(ImageId("dog"))
        assert await index.tokens.complete(claim, new, "0" * 64, "{}", mirrored=True) is None
        spent = await index.tokens.claim(first_rows.SPENT, [ImageId("cät")], 60.0)
        assert isinstance(spent, Spent)
        assert (spent.received_sha256, spent.receipt) == ("7" * 64, first_rows.RECEIPT)
        for taken in ("cow", "cät"):
            with pytest.raises(errors.IdTaken):
                await index.tokens.issue(Grant(image=ImageId(taken), lifetime=900.0))
        assert await index.tokens.issue(Grant(image=ImageId("hen"), lifetime=900.0))

    run(database, revision, scenario)


@empty_databases
@releases
def test_news_of_deletions_go_on_where_they_were(database: Databases, revision: str) -> None:
    """A poller that has heard everything hears the next one, under a higher serial."""

    async def scenario(index: DatabaseIndex) -> None:
        told = await index.purges.since(0)
        assert told == [
            Purged(number, ImageId(row["name"], row["bucket"]), row["generation"], row["variant"])
            for number, row in enumerate(first_rows.PURGES, start=1)
        ]
        await index.rows.delete(ImageId("Cät"))
        (news,) = await index.purges.since(told[-1].serial)
        assert news.image == ImageId("Cät")

    run(database, revision, scenario)
