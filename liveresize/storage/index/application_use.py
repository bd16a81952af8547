"""What the pictures of each application take: one row an application, by its prefix.

The row is changed in the transaction that inserts or deletes a picture. It is the last row that
such a transaction locks (see `locks`), and the only one of its table, so that nothing can wait in
a circle.

A row without totals is yet to be counted: names up to `position` are in `counted_pictures` and
`counted_bytes`, and changes of them are added there as well. A later count of an application that
has totals works in the same way, while they stay in force.
"""

from collections.abc import Collection, Iterable
from typing import Any

import sqlalchemy as sa

from liveresize import errors
from liveresize.core.originals import Original
from liveresize.core.ports import Counted, Use
from liveresize.settings.applications import Application, Applications
from liveresize.storage.index import repository, schema, selections
from liveresize.storage.index.repository import Repository

_use = schema.application_use
_originals = schema.originals

UNKNOWN = Use(None, None)
"""What is yet to be counted."""


class SqlApplicationUse(Repository):
    """ports.ApplicationUse on the table `application_use`."""

    @repository.write
    def keep(self, connection: sa.Connection, prefixes: Collection[str]) -> None:
        connection.execute(sa.delete(_use).where(_use.c.prefix.not_in(prefixes)))
        if prefixes:
            rows = [_uncounted(prefix) for prefix in sorted(prefixes)]
            insert = schema.upsert(connection.dialect.name, _use).values(rows)
            connection.execute(insert.on_conflict_do_nothing())

    @repository.read
    def totals(self, connection: sa.Connection) -> dict[str, Use]:
        rows = connection.execute(sa.select(_use.c.prefix, _use.c.pictures, _use.c.bytes))
        return {row.prefix: Use(row.pictures, row.bytes) for row in rows}

    @repository.write
    def restart(self, connection: sa.Connection, prefix: str) -> None:
        connection.execute(
            sa.update(_use)
            .where(_use.c.prefix == prefix)
            .values(position="", counted_pictures=0, counted_bytes=0)
        )

    @repository.write
    def count(
        self, connection: sa.Connection, prefix: str, limit: int, *, repair: bool = True
    ) -> Counted | None:
        row = connection.execute(
            sa.select(_use).where(_use.c.prefix == prefix).with_for_update()
        ).one_or_none()
        if row is None:
            return Counted(UNKNOWN, UNKNOWN)
        # The row is locked, so that each change is either visible here or added to it later.
        last = selections.last_name(prefix)
        begin = _originals.c.name > row.position if row.position else _originals.c.name >= prefix
        following = sa.select(_originals.c.name, _originals.c.bytes).where(
            _originals.c.bucket == "", begin, _originals.c.name <= last
        )
        some = following.order_by(_originals.c.name).limit(limit).subquery()
        total = sa.cast(sa.func.coalesce(sa.func.sum(some.c.bytes), 0), sa.BigInteger)
        found = connection.execute(
            sa.select(
                sa.func.count(some.c.name).label("pictures"),
                total.label("bytes"),
                sa.func.max(some.c.name).label("last"),
            )
        ).one()
        pictures, size = row.counted_pictures + found.pictures, row.counted_bytes + found.bytes
        if found.pictures == limit:
            counted = {"counted_pictures": pictures, "counted_bytes": size, "position": found.last}
            connection.execute(sa.update(_use).where(_use.c.prefix == prefix).values(counted))
            return None
        before, after = Use(row.pictures, row.bytes), Use(pictures, size)
        values: dict[str, object] = {"counted_pictures": 0, "counted_bytes": 0, "position": ""}
        if repair or before.pictures is None:
            values |= {"pictures": pictures, "bytes": size}
        connection.execute(sa.update(_use).where(_use.c.prefix == prefix).values(values))
        return Counted(before, after)


def add(
    connection: sa.Connection,
    applications: Applications,
    original: Original,
    *,
    pictures: int,
    size: int,
) -> Use:
    """Add to the row of the application of a picture, if it has one; return what that takes now."""
    application = applications.of(original.image.name, original.image.bucket)
    if application is None:
        return UNKNOWN
    more, larger = sa.literal(pictures, sa.BigInteger), sa.literal(size, sa.BigInteger)
    counted = _use.c.position >= original.image.name
    insert = schema.upsert(connection.dialect.name, _use).values(_uncounted(application.prefix))
    added = connection.execute(
        insert.on_conflict_do_update(
            index_elements=[_use.c.prefix],
            set_={
                "pictures": _use.c.pictures + more,
                "bytes": _use.c.bytes + larger,
                "counted_pictures": _use.c.counted_pictures + sa.case((counted, more), else_=0),
                "counted_bytes": _use.c.counted_bytes + sa.case((counted, larger), else_=0),
            },
        ).returning(_use.c.pictures, _use.c.bytes)
    )
    return Use(*added.one())


def check_commit(
    applications: Applications, use: Use, original: Original, replaced: Original | None
) -> None:
    """Raise QuotaFull if an upload takes its application over a quota; it is counted in `use`.

    One that takes no more than what it replaces is never refused.
    """
    application = applications.of(original.image.name, original.image.bucket)
    if application is None:
        return
    if replaced is None and _exceeds(use.pictures, application.max_pictures):
        raise full(application, "max_pictures", (use.pictures or 1) - 1)
    grows = original.bytes - (0 if replaced is None else replaced.bytes)
    if grows > 0 and _exceeds(use.bytes, application.max_bytes_total):
        raise full(application, "max_bytes_total", (use.bytes or 0) - grows)


def check_grants(
    connection: sa.Connection, applications: Applications, new: Iterable[tuple[str, str]]
) -> None:
    """Raise QuotaFull if there is no room for `new` pictures, each a name and a bucket."""
    wanted: dict[str, int] = {}
    by_name: dict[str, Application] = {}
    for name, bucket in new:
        application = applications.of(name, bucket)
        if application is not None and _is_limited(application):
            wanted[application.name] = wanted.get(application.name, 0) + 1
            by_name[application.name] = application
    for name, count in wanted.items():
        application = by_name[name]
        use = _of(connection, application)
        if _exceeds((use.pictures or 0) + count, application.max_pictures):
            raise full(application, "max_pictures", use.pictures or 0)
        if _exceeds((use.bytes or 0) + count, application.max_bytes_total):
            raise full(application, "max_bytes_total", use.bytes or 0)


def full(application: Application, quota: str, used: int) -> errors.QuotaFull:
    """Return the error for a quota of an application without room."""
    most = getattr(application, quota)
    what = "pictures" if quota == "max_pictures" else "bytes"
    return errors.QuotaFull(
        f"The application `{application.name}` has {used} of {most} {what} (its `{quota}`): "
        "delete images of it first.",
        "",
        {"application": application.name, "quota": quota, "limit": most, "used": used},
    )


def _of(connection: sa.Connection, application: Application) -> Use:
    row = connection.execute(
        sa.select(_use.c.pictures, _use.c.bytes).where(_use.c.prefix == application.prefix)
    ).one_or_none()
    return UNKNOWN if row is None else Use(row.pictures, row.bytes)


def _is_limited(application: Application) -> bool:
    return bool(application.max_pictures or application.max_bytes_total)


def _exceeds(value: int | None, most: int) -> bool:
    return bool(most) and value is not None and value > most


def _uncounted(prefix: str) -> dict[str, Any]:
    return {
        "prefix": prefix,
        "pictures": None,
        "bytes": None,
        "position": "",
        "counted_pictures": 0,
        "counted_bytes": 0,
    }
