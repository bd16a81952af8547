"""The table of events: one for each change of a picture."""

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa

from liveresize.core.events import Event, Kind, describe
from liveresize.core.names import ImageId
from liveresize.core.originals import Original
from liveresize.observe.tracing import spans
from liveresize.storage.index import locks, repository, schema
from liveresize.storage.index.repository import Repository

_FORGOTTEN_AT_ONCE = 10_000
"""Events that one statement deletes."""

_TRACE = "_trace"
"""What a document has of its trace; it is not among what receivers are told."""

_events = schema.events


class SqlEvents(Repository):
    """ports.Events on the table `events`."""

    @repository.read
    def since(self, connection: sa.Connection, serial: int, limit: int) -> list[Event]:
        rows = connection.execute(
            sa.select(_events)
            .where(_events.c.serial > serial)
            .order_by(_events.c.serial)
            .limit(limit)
        )
        return [from_row(row) for row in rows]

    @repository.write
    def add(
        self,
        connection: sa.Connection,
        kind: Kind,
        original: Original,
        more: Mapping[str, object],
    ) -> None:
        write(connection, kind, original, more)

    @repository.write
    def forget(self, connection: sa.Connection, older_than: float) -> None:
        some = (
            sa.select(_events.c.serial)
            .where(_events.c.at < schema.now() - older_than)
            .order_by(_events.c.serial)
            .limit(_FORGOTTEN_AT_ONCE)
        )
        connection.execute(sa.delete(_events).where(_events.c.serial.in_(some)))


def write(
    connection: sa.Connection,
    kind: Kind,
    original: Original,
    more: Mapping[str, object] = MappingProxyType({}),
) -> None:
    """Record a change of a picture, with `more` in its document, and the current trace.

    The last statement of its transaction: from here on other changes wait for the commit, so that
    serials become visible in their order.
    """
    locks.events(connection)
    connection.execute(
        sa.insert(_events).values(
            at=schema.now(),
            kind=kind.value,
            bucket=original.image.bucket,
            name=original.image.name,
            generation=original.generation,
            document=json.dumps(
                {**describe(original), **more, **_traced(spans.headers())}, ensure_ascii=False
            ),
        )
    )


def from_row(row: sa.Row[Any]) -> Event:
    """Convert a row of `events`."""
    document = json.loads(row.document)
    trace = document.pop(_TRACE, {})
    return Event(
        serial=row.serial,
        at=row.at,
        kind=Kind(row.kind),
        image=ImageId(row.name, row.bucket),
        generation=row.generation,
        document=document,
        trace=trace,
    )


def _traced(headers: dict[str, str]) -> dict[str, object]:
    return {_TRACE: headers} if headers else {}
