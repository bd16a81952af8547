"""Locks that serialise concurrent transactions.

SQLite has one writer at a time and needs none of them. On PostgreSQL, transactions that read
before they write take advisory locks, always in this order, to avoid deadlocks: image,
housekeeping, rows, events. The locks end with their transaction, as PgBouncer requires.
"""

import sqlalchemy as sa

from liveresize.core.names import ImageId
from liveresize.storage.index import engines

LOCK_TIMEOUT = 3.0
"""The time-out of a statement that waits for a lock, in seconds."""

_NAMESPACE = 0x6C697665
"""The first number of our advisory locks with two numbers; images have locks with one."""

_MIGRATION = 0
_HOUSEKEEPING = 1
_EVENTS = 2


def set_limits(
    connection: sa.Connection, budget: float, lock_timeout: float = LOCK_TIMEOUT
) -> None:
    """Limit the statements of this transaction, and its idle time, to `budget` seconds.

    So the locks of a transaction are released if its client has disappeared.
    """
    if not _needed(connection):
        return
    connection.execute(
        sa.select(
            sa.func.set_config("lock_timeout", _milliseconds(lock_timeout), True),
            sa.func.set_config("statement_timeout", _milliseconds(budget), True),
            sa.func.set_config("idle_in_transaction_session_timeout", _milliseconds(budget), True),
        )
    )


def image(connection: sa.Connection, image: ImageId) -> None:
    """Lock an image; waits for other transactions that have locked it."""
    if _needed(connection):
        key = sa.func.hashtextextended(image.key, sa.cast(0, sa.BigInteger))
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(key)))


def housekeeping(connection: sa.Connection) -> None:
    """Lock the ending of generations and the purging of links.

    Links are added without this lock, so rows of renditions are locked in the order of their
    keys. Serials in `purges` become visible in their order, because the lock is taken before the
    serial and released after the commit.
    """
    _lock(connection, _HOUSEKEEPING)


def events(connection: sa.Connection) -> None:
    """Lock the writing of events, so that serials become visible in their order."""
    _lock(connection, _EVENTS)


def migration(connection: sa.Connection) -> None:
    """Lock the migration; waits for other processes that migrate."""
    _lock(connection, _MIGRATION)


def _lock(connection: sa.Connection, number: int) -> None:
    if _needed(connection):
        lock = sa.func.pg_advisory_xact_lock(
            sa.cast(_NAMESPACE, sa.Integer), sa.cast(number, sa.Integer)
        )
        connection.execute(sa.select(lock))


def _needed(connection: sa.Connection) -> bool:
    return connection.dialect.name == engines.POSTGRESQL


def _milliseconds(seconds: float) -> str:
    return str(round(seconds * 1000))
