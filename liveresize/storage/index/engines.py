"""PostgreSQL and SQLite, with the same interface to run statements.

Statements are written once, for a plain `sqlalchemy.Connection`. PostgreSQL runs them on the
event loop, in a greenlet that waits for asyncpg; SQLite runs a whole transaction in a thread.
"""

import asyncio
import contextlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Protocol, TypeVar

import sqlalchemy as sa
from sqlalchemy import event, exc
from sqlalchemy.ext.asyncio import create_async_engine

from liveresize import errors
from liveresize.storage.index import postgresql_url
from liveresize.storage.index.spare import SpareFile

POSTGRESQL = "postgresql"
SQLITE = "sqlite"

_POSTGRESQL_SCHEMES = ("postgres", POSTGRESQL, postgresql_url.DRIVER)

T = TypeVar("T")


class Engine(Protocol):
    """The connections to one database."""

    leaves_at_once: bool
    """Whether `run` returns as soon as it is cancelled."""

    async def run(self, work: Callable[[sa.Connection], T], *, reading: bool = False) -> T:
        """Return the result of `work`, in a transaction that is rolled back on errors.

        With `reading` there is no transaction, and `work` runs one SELECT. Raises errors of the
        driver. On SQLite, `work` that has begun goes on if the caller is cancelled.
        """

    async def make_room(self) -> bool:
        """Release the space reserved for deletions on a full disk; return whether there was any."""

    async def keep_room(self) -> None:
        """Reserve some space again."""

    async def dispose(self) -> None:
        """Close every connection, after its current statements."""


def parse_url(text: str) -> sa.URL:
    """Parse a database URL. Raises SettingsError if it is invalid."""
    if text.partition("://")[0] in _POSTGRESQL_SCHEMES:
        return postgresql_url.parse(text)
    try:
        url = sa.make_url(text)
    except (exc.ArgumentError, ValueError) as error:
        raise errors.SettingsError("The URL of the database cannot be read.") from error
    if url.drivername != SQLITE:
        raise errors.SettingsError(
            f"The database must be `sqlite:///…` or `postgresql://…`, not `{url.drivername}:`."
        )
    if url.database in (None, "", ":memory:"):
        raise errors.SettingsError("An SQLite database must be a file: `sqlite:///path`.")
    return url


def build(url: sa.URL, *, pool: int, patience: float) -> Engine:
    """Return an engine of at most `pool` connections, with a time-out of `patience` seconds."""
    if url.get_backend_name() == SQLITE:
        return Sqlite(url, pool, patience)
    return Postgresql(url, pool, patience)


class Postgresql:
    """PostgreSQL through asyncpg, directly or behind PgBouncer."""

    leaves_at_once = False

    def __init__(self, url: sa.URL, pool: int, patience: float) -> None:
        self._engine = create_async_engine(
            sa.URL.create(postgresql_url.DRIVER),
            pool_size=pool,
            max_overflow=0,
            pool_timeout=patience,
            pool_use_lifo=True,
            hide_parameters=True,
            connect_args={
                "async_creator_fn": postgresql_url.Connector(url, patience),
                # See the statements of Connector.
                "prepared_statement_cache_size": 0,
                "prepared_statement_name_func": lambda: "",
            },
        )
        # A lone SELECT needs no transaction, and spares two round trips without.
        self._readers = self._engine.execution_options(isolation_level="AUTOCOMMIT")

    async def run(self, work: Callable[[sa.Connection], T], *, reading: bool = False) -> T:
        if reading:
            async with self._readers.connect() as connection:
                return await connection.run_sync(work)
        async with self._engine.begin() as connection:
            return await connection.run_sync(work)

    async def make_room(self) -> bool:
        return False  # its disk is another machine's business

    async def keep_room(self) -> None:
        pass

    async def dispose(self) -> None:
        await self._engine.dispose()


class Sqlite:
    """An SQLite file; each connection is used by one thread at a time."""

    leaves_at_once = True

    def __init__(self, url: sa.URL, pool: int, patience: float) -> None:
        self._path = Path(url.database or "").absolute()
        self._engine = sa.create_engine(
            url,
            pool_size=pool,
            max_overflow=0,
            pool_timeout=patience,
            hide_parameters=True,
            connect_args={
                # The driver's own BEGIN is deferred: two that read and then write would
                # both fail. With None it leaves transactions to us.
                "isolation_level": None,
                "timeout": patience,
                "check_same_thread": False,
            },
        )
        self._readers = self._engine.execution_options(reading=True)
        self._spare = SpareFile(self._path.with_name(f"{self._path.name}-spare"))
        self._threads = ThreadPoolExecutor(pool, "sqlite")
        event.listen(self._engine, "connect", _set_up)
        event.listen(self._engine, "begin", _begin)

    async def run(self, work: Callable[[sa.Connection], T], *, reading: bool = False) -> T:
        return await self._in_thread(lambda: self._run(work, reading))

    def _run(self, work: Callable[[sa.Connection], T], reading: bool) -> T:
        if reading:
            with self._readers.connect() as connection:
                return work(connection)
        with self._engine.begin() as connection:
            return work(connection)

    async def prepare(self) -> None:
        """Create the file's folder, and switch the file to WAL mode.

        Raises OSError, or OperationalError if the file stays locked.
        """
        self._path.parent.mkdir(parents=True, exist_ok=True)
        try:
            await self._write_ahead()
        except exc.OperationalError:
            # Opening it takes some blocks, too, which a full disk may not have.
            if not await self.make_room():
                raise
            await self._write_ahead()

    async def _write_ahead(self) -> None:
        # SQLite does not wait for this lock by itself; whoever calls us has a time budget.
        while not await self.run(_write_ahead, reading=True):  # noqa: ASYNC110 (no shared event)
            await asyncio.sleep(0.02)

    async def make_room(self) -> bool:
        return await self._in_thread(self._spare.give_up)

    async def keep_room(self) -> None:
        await self._in_thread(self._keep_room)

    def _keep_room(self) -> None:
        if self._spare.complete:
            return
        # The log begins at its start again after this, and takes no more room.
        with contextlib.suppress(exc.SQLAlchemyError), self._readers.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(PASSIVE)")
        self._spare.keep()

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    async def dispose(self) -> None:
        await asyncio.to_thread(self._threads.shutdown)
        self._engine.dispose()


def _set_up(connection: Any, record: object) -> None:
    connection.execute("PRAGMA foreign_keys = ON")
    # A commit is on the disk when it returns: an acknowledged upload must be.
    connection.execute("PRAGMA synchronous = FULL")


def _begin(connection: sa.Connection) -> None:
    if not connection.get_execution_options().get("reading"):
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def _write_ahead(connection: sa.Connection) -> bool:
    """Switch to WAL mode, which is permanent; return False if the file is locked."""
    try:
        mode = connection.exec_driver_sql("PRAGMA journal_mode = WAL")
    except exc.OperationalError as error:
        if "locked" in str(error.orig):
            return False
        raise
    return mode.scalar() == "wal"
