"""Engines for the two databases, set up so that both behave alike."""

import asyncio
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event, exc
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from liveresize import errors

POSTGRESQL = "postgresql"
SQLITE = "sqlite"

DRIVERS = {
    "postgres": "postgresql+asyncpg",
    "postgresql": "postgresql+asyncpg",
    "postgresql+asyncpg": "postgresql+asyncpg",
    "sqlite": "sqlite+aiosqlite",
    "sqlite+aiosqlite": "sqlite+aiosqlite",
}


def parse_url(text: str) -> sa.URL:
    """Read a database URL; raises SettingsError for one that cannot be used.

    libpq's `sslmode` is understood, for that is what hosting providers hand out.
    """
    try:
        url = sa.make_url(text)
    except (exc.ArgumentError, ValueError) as error:
        raise errors.SettingsError("The URL of the database cannot be read.") from error
    if url.drivername not in DRIVERS:
        raise errors.SettingsError(
            f"The database must be `sqlite:///…` or `postgresql://…`, not `{url.drivername}:`."
        )
    url = url.set(drivername=DRIVERS[url.drivername])
    if url.get_backend_name() == SQLITE and url.database in (None, "", ":memory:"):
        raise errors.SettingsError("An SQLite database must be a file: `sqlite:///path`.")
    if "sslmode" in url.query:
        mode = url.query["sslmode"]
        url = url.difference_update_query(["sslmode"]).update_query_dict({"ssl": mode})
    return url


def build(url: sa.URL, *, pool: int, patience: float) -> AsyncEngine:
    """An engine of at most `pool` connections that waits `patience` s for locks or peers.

    Connections to SQLite begin a transaction with BEGIN IMMEDIATE unless the execution
    option `reading` is set, and then none at all.
    """
    if url.get_backend_name() == SQLITE:
        return _sqlite(url, pool, patience)
    return create_async_engine(
        url,
        pool_size=pool,
        max_overflow=0,
        pool_timeout=patience,
        pool_use_lifo=True,
        hide_parameters=True,
        connect_args={
            "timeout": patience,
            "command_timeout": patience,
            # Named statements live in one server connection, and behind PgBouncer the
            # next transaction may be on another.
            "statement_cache_size": 0,
            "prepared_statement_cache_size": 0,
            "prepared_statement_name_func": lambda: "",
            "server_settings": {"application_name": "liveresize"},
        },
    )


def _sqlite(url: sa.URL, pool: int, patience: float) -> AsyncEngine:
    engine = create_async_engine(
        url,
        pool_size=pool,
        max_overflow=0,
        pool_timeout=patience,
        hide_parameters=True,
        # The driver's own BEGIN is deferred: two that read and then write would both
        # fail. With None it leaves transactions to us.
        connect_args={"isolation_level": None, "timeout": patience},
    )

    @event.listens_for(engine.sync_engine, "connect")
    def set_up(connection: Any, record: object) -> None:
        cursor = connection.cursor()
        cursor.execute("PRAGMA foreign_keys = ON")
        # A commit is on the disk when it returns: an acknowledged upload must be.
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def begin(connection: sa.Connection) -> None:
        if not connection.get_execution_options().get("reading"):
            connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


async def prepare_file(engine: AsyncEngine) -> None:
    """Make the folder of an SQLite file, and readers and its writer independent (WAL).

    Raises OSError, or OperationalError when the file stays locked.
    """
    Path(engine.url.database or "").absolute().parent.mkdir(parents=True, exist_ok=True)
    # SQLite does not wait for this lock by itself; whoever calls us has a time budget.
    while not await _write_ahead(engine):  # noqa: ASYNC110 (processes share no event)
        await asyncio.sleep(0.02)


async def _write_ahead(engine: AsyncEngine) -> bool:
    """Whether the file is in WAL mode, which it keeps once set."""
    async with engine.execution_options(reading=True).connect() as connection:
        try:
            mode = await connection.exec_driver_sql("PRAGMA journal_mode = WAL")
        except exc.OperationalError as error:
            if "locked" in str(error.orig):
                return False
            raise
        return mode.scalar() == "wal"
