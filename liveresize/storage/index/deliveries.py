"""What each receiver of events is yet to be told.

A receiver reads the events in their order, and has a position up to which it has read. What it
reads becomes a row, which stays until it was delivered, so that one event that is refused holds up
no other. Taking a row adds a lease to its time, so that the attempt is repeated if the process
dies.
"""

from collections.abc import Collection

import sqlalchemy as sa

from liveresize.core.events import Kind
from liveresize.core.ports import Delivery
from liveresize.storage.index import erasures, events, originals, repository, schema, selections
from liveresize.storage.index.repository import Repository

COUNTED = 10_000
"""The limit of `count`."""

_MOST = 1_000
"""Rows of one receiver above which it reads no further."""

_PAGE = 200
"""Events that are read at once."""

_OVERLAP = 60.0
"""Seconds before its first reading for which a new receiver is told of events, so that the first
uploads after a start are among them."""

_events = schema.events
_readers = schema.event_readers
_rows = schema.deliveries
_originals = schema.originals


class SqlDeliveries(Repository):
    """ports.Deliveries on the tables `event_readers` and `deliveries`."""

    @repository.write
    def take(
        self,
        connection: sa.Connection,
        reader: str,
        kinds: Collection[Kind],
        limit: int,
        lease: float,
        *,
        prefix: str = "",
    ) -> list[Delivery]:
        """Take what is due; locked rows are skipped, so that this never waits."""
        _read_on(connection, reader, kinds, prefix)
        due = connection.execute(
            sa.select(_rows, _events, (schema.now() - _rows.c.queued_at).label("age"))
            .select_from(_rows.join(_events, _events.c.serial == _rows.c.serial))
            .where(_rows.c.reader == reader, _rows.c.next_at <= schema.now())
            .order_by(_rows.c.next_at, _rows.c.serial)
            .limit(limit)
            .with_for_update(skip_locked=True, of=_rows)
        )
        taken = [
            Delivery(event=events.from_row(row), tries=row.tries + 1, age=row.age) for row in due
        ]
        for one in taken:
            connection.execute(
                sa.update(_rows)
                .where(_of(reader, one.event.serial))
                .values(next_at=schema.now() + lease, tries=one.tries)
            )
        return taken

    @repository.write
    def remove(
        self, connection: sa.Connection, reader: str, serial: int, *, failed: bool = False
    ) -> None:
        erasures.told(connection, reader, serial, failed=failed)
        connection.execute(sa.delete(_rows).where(_of(reader, serial)))

    @repository.write
    def postpone(
        self, connection: sa.Connection, reader: str, delivery: Delivery, delay: float
    ) -> None:
        """Postpone a delivery, unless it was taken again meanwhile."""
        connection.execute(
            sa.update(_rows)
            .where(_of(reader, delivery.event.serial), _rows.c.tries == delivery.tries)
            .values(next_at=schema.now() + delay)
        )

    @repository.read
    def count(
        self, connection: sa.Connection, reader: str, kinds: Collection[Kind], *, prefix: str = ""
    ) -> int:
        position = sa.select(_readers.c.serial).where(_readers.c.name == reader).scalar_subquery()
        unread = sa.select(_events.c.serial).where(
            _events.c.serial > sa.func.coalesce(position, _beginning()), _wanted(kinds, prefix)
        )
        queued = sa.select(_rows.c.serial).where(_rows.c.reader == reader)
        total = sum(
            connection.execute(
                sa.select(sa.func.count()).select_from(some.limit(COUNTED).subquery())
            ).scalar_one()
            for some in (unread, queued)
        )
        return min(total, COUNTED)

    @repository.write
    def replay(
        self,
        connection: sa.Connection,
        reader: str,
        kinds: Collection[Kind],
        since: float,
        after: int,
        limit: int,
        *,
        prefix: str = "",
    ) -> list[int]:
        known = sa.select(_readers.c.name).where(_readers.c.name == reader)
        if connection.execute(known).one_or_none() is None:
            return []
        found = connection.execute(
            sa.select(_events.c.serial)
            .where(_events.c.serial > after, _events.c.at >= since, _wanted(kinds, prefix))
            .order_by(_events.c.serial)
            .limit(limit)
        )
        serials = list(found.scalars())
        _queue(connection, reader, serials, since=schema.now())
        return serials

    @repository.write
    def inherit(self, connection: sa.Connection, limit: int) -> int:
        rows = connection.execute(
            sa.select(_originals)
            .where(_originals.c.announce_at <= schema.now())
            .order_by(_originals.c.announce_at)
            .limit(limit)
            .with_for_update(skip_locked=True, key_share=True)
        ).all()
        for row in rows:
            original = originals.from_row(row)
            connection.execute(
                sa.update(_originals)
                .where(_originals.c.generation == original.generation)
                .values(announce_at=None, announce_tries=None)
            )
            events.write(connection, Kind.UPLOADED, original)
        return len(rows)

    @repository.write
    def forget(self, connection: sa.Connection) -> None:
        oldest = sa.select(sa.func.min(_events.c.serial)).scalar_subquery()
        connection.execute(sa.delete(_rows).where(_rows.c.serial < oldest))
        connection.execute(sa.delete(_readers).where(_readers.c.serial < oldest - 1))


def _read_on(connection: sa.Connection, reader: str, kinds: Collection[Kind], prefix: str) -> None:
    """Queue the next events for the receiver, unless it has enough, or is being read for."""
    position = sa.select(_readers.c.serial).where(_readers.c.name == reader)
    locked = position.with_for_update(skip_locked=True)
    row = connection.execute(locked).one_or_none()
    if row is None:
        connection.execute(
            schema.upsert(connection.dialect.name, _readers)
            .values(name=reader, serial=_beginning())
            .on_conflict_do_nothing()
        )
        row = connection.execute(locked).one_or_none()
        if row is None:
            return
    queued = sa.select(_rows.c.serial).where(_rows.c.reader == reader).limit(_MOST).subquery()
    if connection.execute(sa.select(sa.func.count()).select_from(queued)).scalar_one() >= _MOST:
        return
    page = connection.execute(
        sa.select(_events.c.serial, _wanted(kinds, prefix).label("wanted"))
        .where(_events.c.serial > row.serial)
        .order_by(_events.c.serial)
        .limit(_PAGE)
    ).all()
    if not page:
        return
    serials = [each.serial for each in page if each.wanted]
    at = sa.select(_events.c.at).where(_events.c.serial == sa.bindparam("b_serial"))
    _queue(connection, reader, serials, since=at.scalar_subquery())
    connection.execute(
        sa.update(_readers).where(_readers.c.name == reader).values(serial=page[-1].serial)
    )


def _beginning() -> sa.ColumnElement[int]:
    """Return the position of a receiver that has read nothing yet."""
    before = sa.select(sa.func.max(_events.c.serial)).where(_events.c.at < schema.now() - _OVERLAP)
    return sa.func.coalesce(before.scalar_subquery(), 0)


def _queue(
    connection: sa.Connection, reader: str, serials: list[int], since: sa.ColumnElement[float]
) -> None:
    """Queue events for a receiver; those that are queued already are due now.

    Their age counts from `since`.
    """
    if not serials:
        return
    insert = schema.upsert(connection.dialect.name, _rows).values(
        reader=reader,
        serial=sa.bindparam("b_serial"),
        next_at=schema.now(),
        queued_at=since,
        tries=0,
    )
    connection.execute(
        insert.on_conflict_do_update(
            index_elements=[_rows.c.reader, _rows.c.serial],
            set_={name: insert.excluded[name] for name in ("next_at", "queued_at")},
        ),
        [{"b_serial": serial} for serial in serials],
    )


def _of(reader: str, serial: int) -> sa.ColumnElement[bool]:
    return sa.and_(_rows.c.reader == reader, _rows.c.serial == serial)


def _wanted(kinds: Collection[Kind], prefix: str) -> sa.ColumnElement[bool]:
    """Return the condition for events that a receiver is told of."""
    named, of_kind = _events.c.name, _events.c.kind.in_([kind.value for kind in kinds])
    if not prefix:
        return of_kind
    last = selections.last_name(prefix)
    return sa.and_(of_kind, _events.c.bucket == "", named >= prefix, named <= last)
