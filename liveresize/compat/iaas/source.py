"""The database of Live Image Resize, read in batches, never written.

Its tables have grown with its releases: `images(id, x, y, fit, file_type, url)`, since
mid-2016 `blur` and `rendered_at`, since 2017 `quality`; `tokens(id, image_id,
valid_until, used)`, since 2019 `uploaded_at`. PostgreSQL since 1.0, SQLite before.
"""

import datetime
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any, Concatenate, NamedTuple, ParamSpec, Self, TypeVar
from urllib.parse import quote

import sqlalchemy as sa

from liveresize import errors
from liveresize.storage.index.database import Database

T = TypeVar("T")
P = ParamSpec("P")

PATIENCE = 60.0
"""The time-out of one batch in seconds; no request waits for it."""

_IMAGES = ("id", "x", "y", "fit", "file_type", "url", "blur", "quality", "rendered_at")
_TOKENS = ("id", "image_id", "valid_until", "used", "uploaded_at")
_NEEDED = {"images": {"id", "x", "y", "file_type", "url"}, "tokens": {"id", "image_id"}}

_LONG_AGO = 86_400.0
"""Times up to here mean "unknown": the service wrote 1970 for uploads with a missing file."""


class Shape(NamedTuple):
    """The columns of a row of `images` that describe the rendition."""

    x: Any
    y: Any
    fit: Any
    file_type: Any
    blur: Any
    quality: Any


class ImageRow(NamedTuple):
    """One row of `images`; `rendered_at` is Unix seconds, if it is known."""

    id: str
    shape: Shape
    url: Any
    rendered_at: float | None


class TokenRow(NamedTuple):
    """An unused token; `remaining` is its remaining time in seconds, below 0 once expired."""

    token: str
    image_id: str
    remaining: float


class Source:
    """One database of Live Image Resize; `open` makes it. Methods raise IndexUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._images = sa.table("images")
        self._tokens: sa.TableClause | None = None

    @classmethod
    async def open(cls, url: str) -> Self:
        """Connect and check the tables.

        Raises IndexUnavailable, and SettingsError if it is not the database of that service.
        """
        source = cls(Database(url, pool=2, budget=PATIENCE))
        try:
            columns = await source._read(_columns)
            source._images = _table("images", _IMAGES, columns.get("images", set()))
            if "tokens" in columns:
                source._tokens = _table("tokens", _TOKENS, columns["tokens"])
        except BaseException:
            await source.close()
            raise
        return source

    async def close(self) -> None:
        """Close every connection."""
        await self._database.close()

    async def count(self) -> int:
        """Return the number of rows of `images`."""
        return await self._read(_count, self._images)

    async def rows(self, size: int) -> AsyncIterator[list[ImageRow]]:
        """Yield the rows of `images`, about `size` at a time, all rows of an id together."""
        after = ""
        while True:
            batch = await self._read(_rows, self._images, after, size)
            if not batch:
                return
            yield batch
            after = batch[-1].id

    async def linked(self, image: str) -> bool:
        """Whether there are renditions of `image`."""
        return await self._read(_linked, self._images, image)

    async def uploaded_at(self, ids: Sequence[str]) -> dict[str, float]:
        """Return id → upload time in Unix seconds, as far as it is known."""
        if self._tokens is None or "uploaded_at" not in self._tokens.c:
            return {}
        return await self._read(_uploaded_at, self._tokens, ids)

    async def tokens(self, size: int) -> AsyncIterator[list[TokenRow]]:
        """Yield the unused tokens, up to `size` at a time."""
        after = ""
        while self._tokens is not None:
            batch = await self._read(_unused, self._tokens, after, size)
            if not batch:
                return
            yield batch
            after = batch[-1].token

    async def _read(
        self,
        question: Callable[Concatenate[sa.Connection, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        try:
            return await self._database.read(question, *args, **kwargs)
        except errors.IndexUnavailable as error:
            raise errors.IndexUnavailable(
                "The database of Live Image Resize does not answer.", error.detail
            ) from error


def sqlite_url(file: Path) -> str:
    """Return the URL that opens an SQLite file read-only."""
    return f"sqlite:///file:{quote(str(file.absolute()))}?mode=ro&uri=true"


def _columns(connection: sa.Connection) -> dict[str, set[str]]:
    """Return the columns of the two tables, as far as they exist."""
    inspector = sa.inspect(connection)
    present = _NEEDED.keys() & inspector.get_table_names()
    return {name: {column["name"] for column in inspector.get_columns(name)} for name in present}


def _table(name: str, columns: Sequence[str], present: set[str]) -> sa.TableClause:
    """Return the table, with those columns that this release has. Raises SettingsError."""
    missing = _NEEDED[name] - present
    if missing:
        raise errors.SettingsError(
            f"This is no database of Live Image Resize: its table {name} should have "
            f"{', '.join(sorted(missing))}."
        )
    return sa.table(name, *(sa.column(column) for column in columns if column in present))


def _count(connection: sa.Connection, images: sa.TableClause) -> int:
    return connection.execute(sa.select(sa.func.count()).select_from(images)).scalar_one()


def _linked(connection: sa.Connection, images: sa.TableClause, image: str) -> bool:
    some = sa.select(images.c.id).where(images.c.id == image).limit(1)
    return connection.execute(some).first() is not None


def _rows(connection: sa.Connection, images: sa.TableClause, after: str, size: int) -> list[Any]:
    """Return the rows of complete ids above `after`, by an index that every release has."""
    ordered = sa.select(*images.c).order_by(images.c.id).limit(size)
    rows = list(connection.execute(ordered.where(images.c.id > after)))
    if len(rows) == size:
        # The last id may go on behind the limit: take it whole.
        last = rows[-1].id
        rows = [row for row in rows if row.id != last]
        rows += connection.execute(sa.select(*images.c).where(images.c.id == last))
    return [_image(row) for row in rows]


def _image(row: sa.Row[Any]) -> ImageRow:
    has = row._mapping
    shape = Shape(row.x, row.y, has.get("fit"), row.file_type, has.get("blur"), has.get("quality"))
    return ImageRow(str(row.id), shape, row.url, instant(has.get("rendered_at")))


def _uploaded_at(
    connection: sa.Connection, tokens: sa.TableClause, ids: Sequence[str]
) -> dict[str, float]:
    rows = connection.execute(
        sa.select(tokens.c.image_id, tokens.c.uploaded_at).where(tokens.c.image_id.in_(ids))
    )
    times = {row.image_id: instant(row.uploaded_at) for row in rows}
    return {image: at for image, at in times.items() if at is not None and at > _LONG_AGO}


def _unused(
    connection: sa.Connection, tokens: sa.TableClause, after: str, size: int
) -> list[TokenRow]:
    rows = connection.execute(
        sa.select(tokens.c.id, tokens.c.image_id, tokens.c.valid_until, sa.func.now().label("now"))
        .where(tokens.c.id > after, tokens.c.used == 0)
        .order_by(tokens.c.id)
        .limit(size)
    )
    unused = []
    for row in rows:
        until, now = instant(row.valid_until), instant(row.now)
        remaining = until - now if until is not None and now is not None else -1.0
        unused.append(TokenRow(str(row.id), str(row.image_id), remaining))
    return unused


def instant(value: object) -> float | None:
    """Convert a time from a database to Unix seconds (text without a zone is UTC)."""
    if isinstance(value, str):
        try:
            value = datetime.datetime.fromisoformat(value)
        except ValueError:
            return None
    if not isinstance(value, datetime.datetime):
        return None
    return (value if value.tzinfo else value.replace(tzinfo=datetime.UTC)).timestamp()
