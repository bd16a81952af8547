"""The database of Live Image Resize, written to on the way back.

Rows are only added, but for pictures that were replaced or deleted here. Every statement can be
repeated. Releases before 2017 have not all of the columns.
"""

import datetime
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Concatenate, ParamSpec, Self, TypeVar

import sqlalchemy as sa

from liveresize import errors
from liveresize.compat.iaas.source import PATIENCE, Shape, instant
from liveresize.storage.index import schema
from liveresize.storage.index.database import Database

T = TypeVar("T")
P = ParamSpec("P")

LONGEST = 255
"""Characters of the longest URL that the table has room for."""

_TIME = sa.DateTime(timezone=True)

_images = sa.table(
    "images",
    sa.column("id", sa.String()),
    sa.column("x", sa.Integer()),
    sa.column("y", sa.Integer()),
    sa.column("fit", sa.String()),
    sa.column("file_type", sa.String()),
    sa.column("url", sa.String()),
    sa.column("blur", sa.Boolean()),
    sa.column("quality", sa.Integer()),
    sa.column("rendered_at", _TIME),
)
_tokens = sa.table(
    "tokens",
    sa.column("id", sa.String()),
    sa.column("image_id", sa.String()),
    sa.column("valid_until", _TIME),
    sa.column("used", sa.Integer()),
    sa.column("uploaded_at", _TIME),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One rendition for `images`; `rendered_at` is Unix seconds."""

    image: str
    shape: Shape
    url: str
    rendered_at: float


class Sink:
    """One database of Live Image Resize; `open` makes it. Methods raise IndexUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @classmethod
    async def open(cls, url: str) -> Self:
        """Connect and check the tables.

        Raises IndexUnavailable, and SettingsError if it is not the database of that service.
        """
        sink = cls(Database(url, pool=2, budget=PATIENCE))
        try:
            missing = await sink._run(sink._database.read, _missing)
        except BaseException:
            await sink.close()
            raise
        if missing:
            await sink.close()
            raise errors.SettingsError(
                f"This is no database of Live Image Resize 2.0: {', '.join(missing)} is missing. "
                "Start that release once; it updates its tables."
            )
        return sink

    async def close(self) -> None:
        """Close every connection."""
        await self._database.close()

    async def uploaded_at(self, ids: Sequence[str]) -> dict[str, float]:
        """Return id → upload time in Unix seconds, of the used tokens."""
        return await self._run(self._database.read, _uploaded_at, ids)

    async def known(self, ids: Sequence[str]) -> set[tuple[str, Shape]]:
        """Return the renditions that there are of these pictures."""
        return await self._run(self._database.read, _known, ids)

    async def add(self, rows: Sequence[Row]) -> int:
        """Insert renditions that are not there; return how many."""
        return await self._run(self._database.write, _add, rows) if rows else 0

    async def take_ids(self, ids: Sequence[tuple[str, float]]) -> int:
        """Mark ids as used, with the times of the uploads; return how many were not."""
        return await self._run(self._database.write, _take_ids, ids) if ids else 0

    async def forget(self, image: str, before: float | None = None) -> None:
        """Delete the renditions of a picture, or those from before a time in Unix seconds."""
        await self._run(self._database.write, _forget, image, before)

    async def _run(
        self,
        run: Callable[..., Any],
        work: Callable[Concatenate[sa.Connection, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        try:
            result: T = await run(work, *args, **kwargs)
        except errors.IndexUnavailable as error:
            raise errors.IndexUnavailable(
                "The database of Live Image Resize does not answer, or refuses to be written.",
                error.detail,
            ) from error
        return result


def _missing(connection: sa.Connection) -> list[str]:
    """Return the columns that are missing, as `table.column`."""
    inspector = sa.inspect(connection)
    present = set(inspector.get_table_names())
    missing = []
    for table in (_images, _tokens):
        columns = (
            {column["name"] for column in inspector.get_columns(table.name)}
            if table.name in present
            else set()
        )
        missing += [f"{column}" for column in table.c if column.name not in columns]
    return missing


def _uploaded_at(connection: sa.Connection, ids: Sequence[str]) -> dict[str, float]:
    rows = connection.execute(
        sa.select(_tokens.c.image_id, _tokens.c.uploaded_at).where(
            _tokens.c.image_id.in_(ids), _tokens.c.used == 1
        )
    )
    return {row.image_id: instant(row.uploaded_at) or 0.0 for row in rows}


def _known(connection: sa.Connection, ids: Sequence[str]) -> set[tuple[str, Shape]]:
    rows = connection.execute(sa.select(_images).where(_images.c.id.in_(ids)))
    return {
        (row.id, Shape(row.x, row.y, row.fit, row.file_type, row.blur, row.quality)) for row in rows
    }


def _add(connection: sa.Connection, rows: Sequence[Row]) -> int:
    values = [
        {"id": row.image, "url": row.url, "rendered_at": _at(row.rendered_at)} | row.shape._asdict()
        for row in rows
    ]
    statement = schema.upsert(connection.dialect.name, _images)  # type: ignore[arg-type]
    added = connection.execute(statement.on_conflict_do_nothing().returning(_images.c.id), values)
    return len(added.all())


def _take_ids(connection: sa.Connection, ids: Sequence[tuple[str, float]]) -> int:
    names = [name for name, _ in ids]
    rows = connection.execute(
        sa.select(_tokens.c.image_id, _tokens.c.used).where(_tokens.c.image_id.in_(names))
    )
    used = {row.image_id: bool(row.used) for row in rows}
    for name, at in ids:
        if name in used and not used[name]:  # the token came here, and was used here
            connection.execute(
                sa.update(_tokens)
                .where(_tokens.c.image_id == name, _tokens.c.used == 0)
                .values(used=1, uploaded_at=_at(at))
            )
    new = [
        {
            "id": str(uuid.uuid4()),
            "image_id": name,
            "valid_until": _at(at),
            "used": 1,
            "uploaded_at": _at(at),
        }
        for name, at in ids
        if name not in used
    ]
    if new:
        statement = schema.upsert(connection.dialect.name, _tokens)  # type: ignore[arg-type]
        connection.execute(statement.on_conflict_do_nothing(), new)
    return len(new) + sum(not each for each in used.values())


def _forget(connection: sa.Connection, image: str, before: float | None) -> None:
    statement = sa.delete(_images).where(_images.c.id == image)
    if before is not None:
        at = _images.c.rendered_at
        statement = statement.where(sa.or_(at.is_(None), at < _at(before)))
    connection.execute(statement)


def _at(seconds: float) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC)
