"""Writes that fail while reads are answered are noticed, and so is their return."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, asynccontextmanager

import pytest
import sqlalchemy as sa
import structlog

from liveresize import errors
from liveresize.storage.breaker import Breaker
from liveresize.storage.index import schema
from liveresize.storage.index.engines import Engine, Postgresql
from liveresize.storage.index.sql_index import DatabaseIndex
from liveresize.storage.index.writes import Writes

from . import worlds

Database = Callable[[], AbstractContextManager[str]]

IMPATIENT = 2.0
"""Seconds that a write waits for a lock that is not going to be free."""


class Attempts:
    """A database that takes writes or not, as the test says."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.made = 0
        self.failure: errors.IndexUnavailable | None = None
        self.writes = Writes(self._attempt, lambda: self.now)

    async def _attempt(self) -> None:
        self.made += 1
        if self.failure is not None:
            raise self.failure

    def look(self, later: float = 0.0) -> bool:
        """What a look comes to, so many seconds later."""
        self.now += later
        return asyncio.run(self.writes.look())


def test_an_attempt_is_made_now_and_then() -> None:
    """At the first look, and every 30 seconds while all is well."""
    one = Attempts()
    assert one.look()
    assert not one.look(29)
    assert one.look(1)
    assert one.made == 2


def test_a_write_that_failed_leads_to_an_attempt() -> None:
    """One that works: what failed had reasons of its own, and nothing is said."""
    one = Attempts()
    one.look()
    one.writes.doubt()
    with structlog.testing.capture_logs() as said:
        assert one.look()
    assert (one.made, one.writes.error, said) == (2, "", [])


def test_failing_is_told_once_and_tried_at_every_look() -> None:
    """With the first line of the database's own words; the end is told once as well."""
    one = Attempts()
    one.failure = errors.IndexUnavailable("", "database is locked\n[SQL: INSERT]")
    with structlog.testing.capture_logs() as said:
        assert [one.look(), one.look(), one.look()] == [False, False, False]
        assert one.writes.error == "database is locked"
        one.failure = None
        assert one.look(5)
        one.look(30)
    assert one.made == 5
    assert one.writes.error == ""
    assert [line["event"] for line in said] == ["index_not_writable", "index_writable"]
    assert said[0]["error"] == "database is locked"


def test_a_failure_without_words_is_one_too() -> None:
    """Its class says what it is."""
    one = Attempts()
    one.failure = errors.IndexUnavailable()
    with structlog.testing.capture_logs():
        one.look()
    assert one.writes.error == "The database does not answer."


@asynccontextmanager
async def opened(
    url: str, budget: float = worlds.BUDGET
) -> AsyncIterator[tuple[DatabaseIndex, Engine]]:
    """An index that waits so long for a write, and an engine beside it."""
    index = await DatabaseIndex.open(worlds.patient_database(url, budget=budget))
    try:
        async with worlds.raw(url) as engine:
            yield index, engine
    finally:
        await index.close()


@worlds.databases
def test_an_attempt_leaves_nothing(database: Database) -> None:
    """No row in any table, and no news for other instances."""

    async def main(url: str) -> None:
        async with opened(url) as (index, engine):
            await index.look_after()
            assert index.not_writable == ""

            def count(connection: sa.Connection) -> int:
                tables = (schema.tokens, schema.originals, schema.renditions, schema.purges)
                counts = [sa.select(sa.func.count()).select_from(table) for table in tables]
                return sum(connection.scalar(each) or 0 for each in counts)

            assert await engine.run(count) == 0

    with database() as url:
        asyncio.run(main(url))


def test_an_sqlite_file_that_another_process_holds_is_noticed() -> None:
    """Reads go on meanwhile, and the breaker knows nothing of it."""

    async def main(url: str) -> None:
        async with opened(url, IMPATIENT) as (index, engine):
            done = threading.Event()
            held = asyncio.Event()
            loop = asyncio.get_running_loop()

            def hold(connection: sa.Connection) -> None:
                loop.call_soon_threadsafe(held.set)
                done.wait()

            holder = asyncio.create_task(engine.run(hold))
            await held.wait()
            with structlog.testing.capture_logs() as said:
                await index.look_after()
                assert "locked" in index.not_writable or "no answer" in index.not_writable
                assert await index.rows.find(worlds.CAT) is None
                assert index.healthy
                done.set()
                await holder
                await index.look_after()
            assert index.not_writable == ""
            assert [line["event"] for line in said] == ["index_not_writable", "index_writable"]

    with worlds.sqlite_url() as url:
        asyncio.run(main(url))


@worlds.needs_postgresql
@pytest.mark.parametrize("table", ["upload_tokens", "originals", "renditions", "purges"])
def test_a_table_that_somebody_has_locked_is_noticed(table: str) -> None:
    """Whichever it is of those that uploads and deletions write; reads of others go on."""

    async def main(url: str) -> None:
        async with opened(url, IMPATIENT) as (index, engine):
            assert isinstance(engine, Postgresql)
            async with engine._engine.begin() as connection:
                await connection.exec_driver_sql(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
                with structlog.testing.capture_logs():
                    await index.look_after()
                assert index.not_writable
                assert index.healthy
            with structlog.testing.capture_logs() as said:
                await index.look_after()
            assert index.not_writable == ""
            assert [line["event"] for line in said] == ["index_writable"]

    with worlds.postgresql_url() as url:
        asyncio.run(main(url))


@worlds.needs_postgresql
def test_a_database_that_became_read_only_is_noticed() -> None:
    """As after a failover: lookups are answered, and the breaker stays closed."""

    async def main(url: str) -> None:
        async with opened(url) as (index, engine):
            name = url.rpartition("/")[2].partition("?")[0]
            read_only = f"ALTER DATABASE {name} SET default_transaction_read_only = on"
            await engine.run(lambda connection: connection.exec_driver_sql(read_only) and None)
            await index.close()
            again = DatabaseIndex(worlds.patient_database(url))
            with structlog.testing.capture_logs():
                await again.look_after()
            assert "read-only" in again.not_writable
            assert await again.rows.find(worlds.CAT) is None
            assert again.healthy
            await again.close()

    with worlds.postgresql_url() as url:
        asyncio.run(main(url))


def test_the_breaker_s_changes_are_told_once() -> None:
    """With the reason, and when it is over."""

    async def main(url: str) -> None:
        breaker = Breaker(errors.IndexUnavailable, threshold=2, rest=0.0)
        index = DatabaseIndex(worlds.patient_database(url, breaker=breaker))
        with structlog.testing.capture_logs() as said:
            for _ in range(4):
                with pytest.raises(errors.IndexUnavailable):
                    await index.rows.find(worlds.CAT)  # there is no file yet
            await index.migrate()
            await index.purges.since(0)
            await index.rows.find(worlds.CAT)
        await index.close()
        told = [line for line in said if line["event"].startswith("index_")]
        assert [line["event"] for line in told] == ["index_unavailable", "index_available"]
        assert "unable to open database file" in told[0]["error"]
        assert "\n" not in told[0]["error"]

    with worlds.sqlite_url() as url:
        asyncio.run(main(url))
