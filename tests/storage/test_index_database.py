"""What the index does when its database dies, hangs, is locked or is shared."""

import asyncio
import contextlib
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from liveresize import errors
from liveresize.core.tokens import Claim, Grant
from liveresize.settings.applications import NONE
from liveresize.storage.breaker import Breaker
from liveresize.storage.index import engines, locks, originals, purges
from liveresize.storage.index.database import Database
from liveresize.storage.index.sql_index import DatabaseIndex

from . import worlds
from .worlds import CAT, databases, needs_postgresql, patient_database, postgresql_url, sqlite_url

CLAIM = """
import asyncio, sys
from liveresize import errors
from liveresize.core.names import ImageId
from liveresize.storage.index.database import Database
from liveresize.storage.index.sql_index import DatabaseIndex

async def claim():
    index = await DatabaseIndex.open(Database(sys.argv[1], pool=5))
    print("ready", flush=True)
    token = sys.stdin.readline().strip()
    claims = (index.tokens.claim(token, [ImageId("cat")], 60) for _ in range(20))
    answers = await asyncio.gather(*claims, return_exceptions=True)
    refused = [one for one in answers if isinstance(one, errors.TokenRefused)]
    print(len(answers) - len(refused))
    await index.close()

asyncio.run(claim())
"""


@contextlib.asynccontextmanager
async def opened(url: str, **changes: Any) -> AsyncIterator[DatabaseIndex]:
    """An index that is closed when the test is done."""
    index = await DatabaseIndex.open(patient_database(url, **changes))
    try:
        yield index
    finally:
        await index.close()


@contextlib.asynccontextmanager
async def silent_server() -> AsyncIterator[str]:
    """The URL of a server that takes connections and never says a word."""
    silence = asyncio.Event()

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await silence.wait()
        writer.close()

    server = await asyncio.start_server(listen, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        yield f"postgresql://someone@127.0.0.1:{port}/nothing"
    finally:
        silence.set()
        server.close()
        await server.wait_closed()


@pytest.mark.parametrize(
    "url",
    ["mysql://localhost/x", "sqlite://", "sqlite:///:memory:", "postgresql+psycopg://x", "?"],
)
def test_a_url_that_cannot_be_used_is_a_settings_error(url: str) -> None:
    """It is told at once, before anything is opened."""
    with pytest.raises(errors.SettingsError):
        DatabaseIndex(Database(url, pool=5))


@pytest.mark.parametrize(
    "url",
    ["postgresql://someone@127.0.0.1:1/x", "sqlite:///{}/garbage", "sqlite:///{}/garbage/x"],
)
def test_a_database_that_is_none_is_unavailable(url: str, tmp_path: Path) -> None:
    """Opening says so, and so does every method of an index that was never opened."""
    (tmp_path / "garbage").write_text("not a database, and long enough to be looked at" * 99)
    url = url.format(tmp_path)

    async def scenario() -> None:
        with pytest.raises(errors.IndexUnavailable):
            await DatabaseIndex.open(Database(url, pool=5, migration_budget=5.0))
        index = DatabaseIndex(Database(url, pool=5))
        for call in (
            index.ping(),
            index.rows.find(CAT),
            index.rows.delete(CAT),
            index.links.stored_bytes(),
        ):
            with pytest.raises(errors.IndexUnavailable):
                await call
        await index.close()

    asyncio.run(scenario())


def test_a_database_that_hangs_costs_a_lookup_its_budget() -> None:
    """After three that waited, the next are refused at once, until a probe is due."""

    async def scenario() -> None:
        now = 0.0
        breaker = Breaker(errors.IndexUnavailable, monotonic=lambda: now)
        async with silent_server() as url:
            index = DatabaseIndex(
                Database(url, pool=5, lookup_budget=0.05, budget=0.5, breaker=breaker)
            )
            lookups: list[Callable[[], Awaitable[Any]]] = [
                lambda: index.rows.find(CAT),
                lambda: index.rows.of("0" * 28),
                lambda: index.links.find("0" * 28, "1x1-png"),
            ]
            for lookup in lookups:
                with pytest.raises(errors.IndexUnavailable, match=r"no answer within 0\.05 s"):
                    await lookup()
            assert not index.healthy
            with pytest.raises(errors.IndexUnavailable, match="breaker is open"):
                await index.links.of("0" * 28, 1000)
            now += 1.0
            with pytest.raises(errors.IndexUnavailable, match="no answer within"):
                await index.links.of("0" * 28, 1000)
            with pytest.raises(errors.IndexUnavailable, match="no answer within"):
                await index.tokens.issue(Grant(image=CAT, lifetime=9.0))
            await index.close()

    asyncio.run(scenario())


@databases
def test_two_instances_have_one_winner(database: Callable[[], Any]) -> None:
    """Of a hundred claims from two engines, one."""

    async def scenario(url: str) -> None:
        async with opened(url) as one, opened(url) as other:
            token = await one.tokens.issue(Grant(image=CAT, lifetime=900))
            claims = [index.tokens.claim(token.token, [CAT], 60) for index in (one, other) * 50]
            answers = await asyncio.gather(*claims, return_exceptions=True)
            assert sum(isinstance(answer, Claim) for answer in answers) == 1
            assert sum(isinstance(answer, errors.TokenRefused) for answer in answers) == 99

    with database() as url:
        asyncio.run(scenario(url))


@pytest.mark.long
@databases
def test_several_processes_have_one_winner(database: Callable[[], Any]) -> None:
    """Of sixty claims from three processes, one."""

    async def issued(url: str) -> str:
        async with opened(url) as index:
            return (await index.tokens.issue(Grant(image=CAT, lifetime=900))).token

    with database() as url, contextlib.ExitStack() as stack:
        token = asyncio.run(issued(url))
        processes = [
            stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-c", CLAIM, url],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                )
            )
            for _ in range(3)
        ]
        for process in processes:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        won = 0
        for process in processes:
            assert process.stdin is not None
            process.stdin.write(f"{token}\n")
            process.stdin.flush()
        for process in processes:
            won += int(process.communicate(timeout=60)[0])
        assert won == 1


@databases
def test_callers_that_leave_do_no_harm(database: Callable[[], Any]) -> None:
    """However many are cancelled in the middle, the next are served."""

    async def scenario(url: str) -> None:
        async with opened(url, pool=2) as index:
            stored = await index.rows.adopt(worlds.original())
            for number in range(20):
                calls = [
                    asyncio.create_task(index.rows.find(CAT)),
                    asyncio.create_task(index.links.add(worlds.link(stored, f"{number}x1-png"))),
                ]
                for _ in range(number):
                    await asyncio.sleep(0)
                for call in calls:
                    call.cancel()
                await asyncio.gather(*calls, return_exceptions=True)
            assert await index.rows.find(CAT) == stored
            assert await index.links.add(worlds.link(stored, "1x2-png"))

    with database() as url:
        asyncio.run(scenario(url))


def test_a_locked_sqlite_file_stops_writers_alone() -> None:
    """Writers give up when their budget ends; readers do not notice."""

    async def scenario(url: str) -> None:
        async with opened(url, budget=0.3) as index:
            stored = await index.rows.adopt(worlds.original())
            path = engines.parse_url(url).database or ""
            with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
                other.execute("BEGIN IMMEDIATE")
                with pytest.raises(errors.IndexUnavailable):
                    await index.rows.delete(CAT)
                assert await index.rows.find(CAT) == stored
                other.rollback()
            assert await index.rows.delete(CAT) == stored

    with sqlite_url() as url:
        asyncio.run(scenario(url))


def test_an_sqlite_commit_is_on_the_disk() -> None:
    """Write-ahead log, a sync at every commit, and foreign keys that are kept."""

    async def scenario(url: str) -> None:
        async with opened(url):
            database = patient_database(url)

            def pragma(connection: sa.Connection, name: str) -> Any:
                return connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()

            answers = [
                await database.read(pragma, name)
                for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
            ]
            assert answers == ["wal", 2, 1, 20_000]
            await database.close()

    with sqlite_url() as url:
        asyncio.run(scenario(url))


def disconnect_all(connection: sa.Connection) -> None:
    """End every other session, as a failover does."""
    connection.execute(
        sa.text(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    )


@needs_postgresql
def test_a_server_that_was_restarted_is_not_noticed() -> None:
    """Connections that died in the pool are replaced before anything is lost."""

    async def scenario(url: str) -> None:
        async with opened(url) as index, worlds.raw(url) as other:
            stored = await index.rows.adopt(worlds.original())
            for question in (index.rows.find, index.rows.delete):
                await asyncio.gather(*(index.rows.find(CAT) for _ in range(5)))
                await other.run(disconnect_all)
                assert await question(CAT) == stored

    with postgresql_url() as url:
        asyncio.run(scenario(url))


@needs_postgresql
def test_deletions_that_commit_late_are_not_passed_over() -> None:
    """A later one waits for them, so that serials become visible in order."""

    async def scenario(url: str) -> None:
        async with opened(url) as index, worlds.raw(url) as other:
            await index.rows.adopt(worlds.original())
            async with transaction(url) as slow:
                await slow.run_sync(locks.housekeeping)
                await slow.run_sync(purges.announce, [(CAT, "0" * 28, "slow")])
                deletion = asyncio.create_task(index.rows.delete(CAT))
                while not await other.run(_somebody_waits):
                    assert not deletion.done()
                assert await index.purges.since(0) == []
            await deletion
            assert [one.serial for one in await index.purges.since(0)] == [1, 2]

    with postgresql_url() as url:
        asyncio.run(scenario(url))


def _somebody_waits(connection: sa.Connection) -> bool:
    waiting = connection.execute(
        sa.text(
            "SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = database"
            " WHERE NOT granted AND locktype = 'advisory' AND datname = current_database()"
        )
    )
    return bool(waiting.scalar_one())


@contextlib.asynccontextmanager
async def transaction(url: str) -> AsyncIterator[AsyncConnection]:
    """One on PostgreSQL that stays open for as long as the test wants."""
    engine = create_async_engine(engines.parse_url(url))
    try:
        async with engine.begin() as connection:
            yield connection
    finally:
        await engine.dispose()


@needs_postgresql
def test_a_lock_that_is_not_given_up_ends_the_wait() -> None:
    """PostgreSQL itself ends it after three seconds, or sooner with the budget."""

    async def scenario(url: str) -> None:
        async with opened(url, budget=0.3) as index:
            stored = await index.rows.adopt(worlds.original())
            async with transaction(url) as slow:
                await slow.run_sync(locks.image, CAT)
                with pytest.raises(errors.IndexUnavailable):
                    await index.rows.delete(CAT)
                assert await index.rows.find(CAT) == stored
            assert await index.rows.delete(CAT) == stored

    with postgresql_url() as url:
        asyncio.run(scenario(url))


@needs_postgresql
def test_nothing_is_left_prepared_in_a_session() -> None:
    """Behind PgBouncer the next transaction may be in another."""

    def left(connection: sa.Connection) -> int:
        counted = connection.execute(sa.text("SELECT count(*) FROM pg_prepared_statements"))
        return int(counted.scalar_one())

    async def scenario(url: str) -> None:
        async with opened(url):
            database = patient_database(url, pool=1)
            await database.write(originals.adopt, NONE, worlds.original())
            assert await database.read(left) == 0
            assert await database.write(left) == 0
            await database.close()

    with postgresql_url() as url:
        asyncio.run(scenario(url))
