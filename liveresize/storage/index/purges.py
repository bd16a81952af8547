"""The table of deletions, which every instance processes."""

from collections.abc import Iterable

import sqlalchemy as sa

from liveresize.core.names import ImageId
from liveresize.core.ports import HIDDEN, Purged
from liveresize.storage.index import engines, repository, schema
from liveresize.storage.index.repository import Repository

LATELY = 86_400.0
"""Seconds for which a deleted picture is not imported again, and for which purges of renditions are
kept: no cache holds a link for longer."""

_FORGOTTEN_AT_ONCE = 10_000
"""Deletions that one statement deletes."""

_purges = schema.purges
_earlier = _purges.alias("told")

_TABLE_OF_POSTGRESQL = sa.text(
    "SELECT CAST(oid AS text) || '/' || CAST(CAST('purges' AS regclass) AS oid)"
    " FROM pg_database WHERE datname = current_database()"
)
"""The OIDs of this database and of one table: `pg_restore` creates new tables, with new OIDs."""


class SqlPurges(Repository):
    """ports.Purges on the table `purges`."""

    # These two are asked every few seconds, traffic or none: a database that is back is
    # noticed by them.
    @repository.watched
    def identity(self, connection: sa.Connection) -> str:
        """Return the identity of the tables; empty with SQLite."""
        if connection.dialect.name != engines.POSTGRESQL:
            return ""
        return str(connection.execute(_TABLE_OF_POSTGRESQL).scalar_one())

    @repository.watched
    def since(self, connection: sa.Connection, serial: int, limit: int = 1000) -> list[Purged]:
        rows = connection.execute(
            sa.select(_purges)
            .where(_purges.c.serial > serial)
            .order_by(_purges.c.serial)
            .limit(limit)
        )
        return [
            Purged(row.serial, ImageId(row.name, row.bucket), row.generation, row.variant, row.at)
            for row in rows
        ]

    @repository.read
    def ended(self, connection: sa.Connection, generation: str) -> ImageId | None:
        query = sa.select(_purges.c.bucket, _purges.c.name).where(
            _purges.c.generation == generation, _purges.c.variant == ""
        )
        row = connection.execute(query.limit(1)).one_or_none()
        return None if row is None else ImageId(row.name, row.bucket)

    @repository.write
    def forget(self, connection: sa.Connection, older_than: float) -> None:
        kept = ("", HIDDEN)  # an instance that was off must hear of these
        old = sa.case(
            (
                _purges.c.variant.in_(kept),
                _purges.c.serial < _last(older_than, _earlier.c.variant.in_(kept)),
            ),
            else_=_purges.c.serial < _last(LATELY),
        )
        some = sa.select(_purges.c.serial).where(old).order_by(_purges.c.serial)
        connection.execute(
            sa.delete(_purges).where(_purges.c.serial.in_(some.limit(_FORGOTTEN_AT_ONCE)))
        )


def announce(connection: sa.Connection, ended: Iterable[tuple[ImageId, str, str]]) -> None:
    """Record the deletion of (image, generation, variant) for all instances.

    The transaction must hold locks.housekeeping, or pollers would miss some.
    """
    rows = [
        {"bucket": image.bucket, "name": image.name, "generation": generation, "variant": variant}
        for image, generation, variant in ended
    ]
    if rows:
        connection.execute(sa.insert(_purges).values(at=schema.now()), rows)


def _last(seconds: float, *which: sa.ColumnElement[bool]) -> sa.ScalarSelect[int]:
    """Return the serial of the last matching deletion that is older than `seconds`."""
    old = sa.select(_earlier.c.serial).where(_earlier.c.at < schema.now() - seconds, *which)
    return old.order_by(_earlier.c.at.desc(), _earlier.c.serial.desc()).limit(1).scalar_subquery()


def ended_lately(connection: sa.Connection, image: ImageId) -> bool:
    """Whether a picture of that name was deleted or replaced within `LATELY`."""
    query = sa.select(_purges.c.serial).where(
        schema.of(_purges, image),
        _purges.c.variant == "",
        _purges.c.at >= schema.now() - LATELY,
    )
    return connection.execute(query.limit(1)).one_or_none() is not None
