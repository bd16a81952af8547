"""What keeps simultaneous transactions apart.

SQLite has one writer at a time and needs nothing of this. On PostgreSQL, transactions
that read before they write take advisory locks, always in this order, so that none
waits for another in a circle: image, housekeeping, rows. The locks end with their
transaction, as PgBouncer demands.
"""

import sqlalchemy as sa

from liveresize.core.names import ImageId
from liveresize.storage.index import engines

LOCK_TIMEOUT = 3.0
"""Seconds for which a statement waits for a lock."""

_NAMESPACE = 0x6C697665
"""Advisory locks of two numbers are ours alone by the first; single ones are images."""

_MIGRATION = 0
_HOUSEKEEPING = 1


def set_limits(
    connection: sa.Connection, budget: float, lock_timeout: float = LOCK_TIMEOUT
) -> None:
    """Bound every statement of this transaction, and its idleness, by `budget` seconds.

    A transaction whose client is gone without a word lets go of its locks this way.
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
    """Wait until no other transaction decides about this image."""
    if _needed(connection):
        key = sa.func.hashtextextended(image.key, sa.cast(0, sa.BigInteger))
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(key)))


def housekeeping(connection: sa.Connection) -> None:
    """Wait until no other transaction ends generations or purges links.

    Whoever holds this may touch several renditions' rows in any order, and its serials
    in `purges` become visible in the order in which they were given out: the lock is
    taken before the serial and left after the commit.
    """
    _lock(connection, _HOUSEKEEPING)


def migration(connection: sa.Connection) -> None:
    """Wait until no other process migrates."""
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
