"""The tables of erasures: what was deleted, what is gone where, and which instances there are.

A step is written after what it says was done. Whoever dies in between does it again, and then
writes it.
"""

from collections.abc import Sequence

import sqlalchemy as sa

from liveresize.core.erasures import Erasure, Instance, Progress, Telling
from liveresize.core.events import Kind
from liveresize.core.names import ImageId
from liveresize.core.originals import Original
from liveresize.storage.index import repository, schema
from liveresize.storage.index.repository import Repository

_FORGOTTEN_AT_ONCE = 10_000
"""Erasures that one statement deletes."""

_ENDS = (Kind.DELETED.value, Kind.EXPIRED.value)

_INSTANCE = "instance:"
"""What the place of a step begins with that an instance has done; others are receivers of events,
whose names begin otherwise."""

_erasures = schema.erasures
_steps = schema.erasure_steps
_instances = schema.instances
_events = schema.events


class SqlErasures(Repository):
    """ports.Erasures on the tables `erasures`, `erasure_steps` and `instances`."""

    @repository.read
    def find(self, connection: sa.Connection, generation: str) -> Progress | None:
        query = sa.select(_erasures, schema.now().label("now"))
        row = connection.execute(query.where(_erasures.c.generation == generation)).one_or_none()
        if row is None:
            return None
        steps = {
            step.place: step
            for step in connection.execute(
                sa.select(_steps).where(_steps.c.generation == generation)
            )
        }
        seen = connection.execute(sa.select(_instances).order_by(_instances.c.name))
        instances = []
        for each in seen:
            step = steps.pop(_INSTANCE + each.name, None)
            gone_at = step.at if step else None
            instances.append(Instance(name=each.name, seen_at=each.seen_at, gone_at=gone_at))
        tellings = {
            place: Telling(at=step.at, failed=step.failed)
            for place, step in steps.items()
            if not place.startswith(_INSTANCE)
        }
        return Progress(
            erasure=Erasure(
                image=ImageId(row.name, row.bucket),
                generation=row.generation,
                at=row.at,
                redirects_end=row.redirects_end,
                stores_at=row.stores_at,
            ),
            now=row.now,
            instances=tuple(instances),
            tellings={**_waiting(connection, generation), **tellings},
        )

    @repository.write
    def removed_here(
        self, connection: sa.Connection, instance: str, generations: Sequence[str]
    ) -> None:
        some = sa.select(_erasures.c.generation).where(_erasures.c.generation.in_(generations))
        _note(connection, some, _INSTANCE + instance, failed=False)

    @repository.write
    def removed_from_stores(self, connection: sa.Connection, generation: str) -> None:
        connection.execute(
            sa.update(_erasures)
            .where(_erasures.c.generation == generation, _erasures.c.stores_at.is_(None))
            .values(stores_at=schema.now())
        )

    @repository.read
    def unfinished(
        self, connection: sa.Connection, older_than: float, limit: int
    ) -> list[tuple[ImageId, str]]:
        rows = connection.execute(
            sa.select(_erasures.c.bucket, _erasures.c.name, _erasures.c.generation)
            .where(_erasures.c.stores_at.is_(None), _erasures.c.at < schema.now() - older_than)
            .order_by(_erasures.c.at)
            .limit(limit)
        )
        return [(ImageId(row.name, row.bucket), row.generation) for row in rows]

    @repository.write
    def see(self, connection: sa.Connection, instance: str) -> None:
        insert = schema.upsert(connection.dialect.name, _instances).values(
            name=instance, seen_at=schema.now()
        )
        connection.execute(
            insert.on_conflict_do_update(
                index_elements=[_instances.c.name], set_={"seen_at": schema.now()}
            )
        )

    @repository.write
    def forget(self, connection: sa.Connection, older_than: float, unseen_for: float) -> None:
        old = (
            sa.select(_erasures.c.generation)
            .where(_erasures.c.at < schema.now() - older_than)
            .order_by(_erasures.c.at)
            .limit(_FORGOTTEN_AT_ONCE)
        )
        generations = list(connection.execute(old).scalars())
        for table in (_steps, _erasures):
            connection.execute(sa.delete(table).where(table.c.generation.in_(generations)))
        connection.execute(
            sa.delete(_instances).where(_instances.c.seen_at < schema.now() - unseen_for)
        )


def write(connection: sa.Connection, original: Original, redirects: float) -> None:
    """Record the deletion of an original; redirects to it end in `redirects` seconds.

    It may be the second one: a row of that generation can come back with its file.
    """
    for table in (_steps, _erasures):
        connection.execute(sa.delete(table).where(table.c.generation == original.generation))
    connection.execute(
        sa.insert(_erasures).values(
            generation=original.generation,
            bucket=original.image.bucket,
            name=original.image.name,
            at=schema.now(),
            redirects_end=schema.now() + redirects,
        )
    )


def told(connection: sa.Connection, reader: str, serial: int, *, failed: bool) -> None:
    """Record that a receiver is done with an event, if that is the end of an erased picture."""
    some = (
        sa.select(_erasures.c.generation)
        .join(_events, _events.c.generation == _erasures.c.generation)
        .where(_events.c.serial == serial, _events.c.kind.in_(_ENDS))
    )
    _note(connection, some, reader, failed=failed)


def _note(
    connection: sa.Connection, generations: sa.Select[tuple[str]], place: str, *, failed: bool
) -> None:
    values = generations.add_columns(
        sa.literal(place, schema.TEXT), schema.now(), sa.literal(failed, sa.Boolean)
    )
    connection.execute(
        schema.upsert(connection.dialect.name, _steps)
        .from_select(["generation", "place", "at", "failed"], values)
        .on_conflict_do_nothing()
    )


def _waiting(connection: sa.Connection, generation: str) -> dict[str, Telling]:
    """Return how far all receivers are that are not done with the end of a generation.

    Those that have read past it without a delivery are newer than it. If the event is forgotten,
    nobody will be told any more.
    """
    ends = sa.select(_events.c.serial).where(
        _events.c.generation == generation, _events.c.kind.in_(_ENDS)
    )
    serial = connection.execute(ends.limit(1)).scalar_one_or_none()
    readers, rows = schema.event_readers, schema.deliveries
    known = connection.execute(sa.select(readers.c.name, readers.c.serial)).all()
    if serial is None:
        return {reader.name: Telling(failed=True) for reader in known}
    queued = connection.execute(
        sa.select(rows.c.reader, rows.c.tries).where(rows.c.serial == serial)
    )
    return {
        **{reader.name: Telling(waits=reader.serial < serial) for reader in known},
        **{row.reader: Telling(waits=True, tries=row.tries) for row in queued},
    }
