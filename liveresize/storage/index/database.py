"""The database of the index: transactions, time budgets and errors.

Errors of the drivers are translated here, in `Database._within`.
"""

import asyncio
import contextlib
import functools
import sqlite3
import time
from collections.abc import Callable, Coroutine
from typing import Any, Concatenate, ParamSpec, TypeVar

import sqlalchemy as sa
from sqlalchemy import exc

from liveresize import errors
from liveresize.observe.metrics import stores
from liveresize.observe.tracing import spans
from liveresize.settings.applications import NONE, Applications
from liveresize.storage.breaker import Breaker
from liveresize.storage.index import engines, locks, migrations, schema
from liveresize.storage.index.watch import Watch
from liveresize.storage.index.writes import Writes, attempt

T = TypeVar("T")
P = ParamSpec("P")

FAILURES = (
    exc.SQLAlchemyError,
    sqlite3.Error,
    OSError,
)
"""The errors of the drivers (a time-out is an OSError)."""


_SQLITE_FULL = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_SHMSIZE)
"""The errors of SQLite on a full disk: of the file and its log, and of the log's index."""

_POSTGRESQL_FULL = "53100"


LOOKUP_BUDGET = 0.15
BUDGET = 5.0
"""Seconds that a GET waits for a database, and everything else."""


class Database:
    """Runs functions of a connection as reads and as writes, within a time budget.

    `url` is `sqlite:///path` or `postgresql://user:password@host/database`; `pool` is how
    many connections one instance opens at most. Budgets are in seconds: `lookup_budget`
    bounds what a GET waits for, `ping_budget` a health check, `migration_budget` the start
    and `budget` everything else.

    Raises SettingsError for a URL that cannot be used. Its methods raise
    IndexUnavailable for every failure of the database, a budget that ran out included
    (IndexFull where its disk takes no more), and pass on what else the functions raise.
    Dead connections replace themselves.
    """

    def __init__(
        self,
        url: str,
        *,
        pool: int,
        lookup_budget: float = LOOKUP_BUDGET,
        ping_budget: float = 1.0,
        budget: float = BUDGET,
        migration_budget: float = 60.0,
        breaker: Breaker | None = None,
        applications: Applications = NONE,
    ) -> None:
        self.applications = applications
        """Whose pictures are counted in the transactions that insert and delete them."""
        self._lookup_budget = lookup_budget
        self._ping_budget = ping_budget
        self._budget = budget
        self._migration_budget = migration_budget
        self.watch = Watch(breaker or Breaker(errors.IndexUnavailable))
        self._url = engines.parse_url(url)
        self._engine = engines.build(self._url, pool=pool, patience=budget)
        # SQLite has one writer at a time. Queueing for that here is fair and holds no
        # connection; its own waiting polls, and starves whoever polls at bad moments.
        # Of PostgreSQL one connection is left for lookups, however long the writers wait.
        alone = self._url.get_backend_name() == engines.SQLITE
        self._writers = asyncio.Semaphore(1 if alone else max(1, pool - 1))
        self._abandoned: set[asyncio.Task[Any]] = set()
        self.writes = Writes(lambda: self.write(attempt))

    async def migrate(self) -> None:
        """Bring the schema up to date, however many processes do so at once."""
        await self._within(self._migration_budget, self._migrate())

    async def _migrate(self) -> None:
        engine = engines.build(self._url, pool=1, patience=self._migration_budget)
        try:
            if isinstance(engine, engines.Sqlite):
                await engine.prepare()
            while await engine.run(migrations.migrate):
                pass
            await engine.keep_room()
        finally:
            await engine.dispose()

    async def close(self) -> None:
        """Close every connection; wait at most `budget` seconds for abandoned work."""
        if self._abandoned:
            await asyncio.wait(self._abandoned, timeout=self._budget)
        await self._within(self._budget, self._engine.dispose())

    async def lookup(
        self,
        question: Callable[Concatenate[sa.Connection, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Run a query as `watched`, with the shorter budget of a GET."""
        with self.watch.question(), stores.index("lookup"), self._span(question):
            return await self._read(self._lookup_budget, question, *args, **kwargs)

    async def read(
        self,
        question: Callable[Concatenate[sa.Connection, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Return the result of `question`, which runs one SELECT without a transaction."""
        with stores.index("read"), self._span(question):
            return await self._read(self._budget, question, *args, **kwargs)

    async def watched(
        self,
        question: Callable[Concatenate[sa.Connection, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Run a query as `read`, but refuse it while the database does not answer; see `watch`."""
        with self.watch.question():
            return await self.read(question, *args, **kwargs)

    async def ping(self) -> None:
        """Return when the database answers. Raises IndexUnavailable."""
        with stores.index("read"):
            await self._read(self._ping_budget, _first_row)

    async def _read(
        self,
        budget: float,
        question: Callable[Concatenate[sa.Connection, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        def ask(connection: sa.Connection) -> T:
            return question(connection, *args, **kwargs)

        async def insist() -> T:
            try:
                return await self._engine.run(ask, reading=True)
            except exc.DBAPIError as error:
                # The server was restarted since the connection was last used. The pool
                # has noticed too, and opens another.
                if not error.connection_invalidated:
                    raise
            return await self._engine.run(ask, reading=True)

        return await self._in_time(budget, insist())

    async def write(
        self,
        change: Callable[Concatenate[sa.Connection, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Return the result of `change`, in one transaction; an error rolls it back.

        After IndexUnavailable the change may or may not have been committed: read it again
        before responding.
        """
        begun, span = False, spans.current()  # of the request, not of this write
        deadline = time.monotonic() + self._budget

        def once(connection: sa.Connection) -> T:
            nonlocal begun
            if time.monotonic() > deadline:
                raise TimeoutError("the lock came too late")  # nobody waits any more
            locks.set_limits(connection, self._budget)
            begun = True
            with spans.entered(span):  # the thread of SQLite does not have it
                return change(connection, *args, **kwargs)

        async def insist() -> T:
            async with self._writers:
                try:
                    return await self._engine.run(once)
                except exc.DBAPIError as error:
                    # As for reads, as long as nothing can have been done yet.
                    if begun or not error.connection_invalidated:
                        raise
                return await self._engine.run(once)

        try:
            with stores.index("write"), self._span(change):
                return await self._in_time(self._budget, insist())
        except errors.IndexUnavailable:
            self.writes.doubt()
            raise

    async def free(
        self,
        change: Callable[Concatenate[sa.Connection, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Run a change that frees space as `write`; it also works on a full disk."""
        try:
            return await self.write(change, *args, **kwargs)
        except errors.IndexFull:
            if not await self._within(self._budget, self._engine.make_room()):
                raise
        try:
            return await self.write(change, *args, **kwargs)
        finally:
            await self.keep_room()

    async def keep_room(self) -> None:
        """Reserve some space for `free`, if there is any. Never raises."""
        with contextlib.suppress(errors.IndexUnavailable):  # it is tried again and again
            await self._within(self._budget, self._engine.keep_room())

    def _span(
        self, work: Callable[..., object]
    ) -> contextlib.AbstractContextManager[spans.Span | None]:
        """Record a query or a change, by the name of what runs it."""
        span = spans.begun("index", spans.Kind.CLIENT)
        if span is not None:
            named = work.func if isinstance(work, functools.partial) else work
            span.attributes["db.system.name"] = self._url.get_backend_name()
            span.attributes["db.operation.name"] = getattr(named, "__name__", "")
            span.attributes["db.query.summary"] = getattr(named, "__qualname__", "")
        return spans.within(span)

    async def _in_time(self, budget: float, work: Coroutine[Any, Any, T]) -> T:
        """Do the same as `_within`, without a task if `work` can be cancelled at once."""
        if not self._engine.leaves_at_once:
            return await self._within(budget, work)
        try:
            async with asyncio.timeout(budget) as limit:
                return await work
        except FAILURES as error:
            late = TimeoutError(f"no answer within {budget} s")
            raise _translated(late if limit.expired() else error) from error

    async def _within(self, budget: float, work: Coroutine[Any, Any, T]) -> T:
        """Return the result of `work`, within `budget` seconds. Raises IndexUnavailable.

        Late work is cancelled but not awaited: closing the connection to a server that hangs
        takes seconds.
        """
        task = asyncio.create_task(work)
        try:
            await asyncio.wait({task}, timeout=budget)
        except asyncio.CancelledError:
            self._abandon(task)
            raise
        try:
            if not task.done():
                self._abandon(task)
                raise TimeoutError(f"no answer within {budget} s")
            return task.result()
        except FAILURES as error:
            raise _translated(error) from error

    def _abandon(self, task: asyncio.Task[Any]) -> None:
        """Cancel `task` without waiting for it, and ignore its error."""

        def forget(done: asyncio.Task[Any]) -> None:
            self._abandoned.discard(done)
            if not done.cancelled():
                done.exception()  # looked at, or asyncio complains of it

        task.cancel()
        self._abandoned.add(task)
        task.add_done_callback(forget)


def _first_row(connection: sa.Connection) -> None:
    """Read one of our tables: SQLite would select 1 from a file that is not a database."""
    connection.execute(sa.select(schema.purges.c.serial).limit(1))


def _translated(error: BaseException) -> errors.IndexUnavailable:
    kind = errors.IndexFull if _is_full(error) else errors.IndexUnavailable
    said = error
    if isinstance(error, sa.exc.DBAPIError) and error.statement is None and error.orig:
        said = error.orig.__cause__ or error.orig  # of the driver, which could not connect
    return kind("", f"{type(said).__name__}: {said}")


def _is_full(error: BaseException) -> bool:
    """Whether an error of a driver means that the disk of the database is full."""
    cause = getattr(error, "orig", None)
    if isinstance(cause, sqlite3.Error):
        return getattr(cause, "sqlite_errorcode", 0) in _SQLITE_FULL
    return getattr(cause, "sqlstate", "") == _POSTGRESQL_FULL
