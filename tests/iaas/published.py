"""An installation of Live Image Resize as its releases left them: folder and database."""

import asyncio
import contextlib
import datetime
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from storage import worlds

from liveresize.compat.iaas import source

NOW = datetime.datetime.now(datetime.UTC)
SOON = NOW + datetime.timedelta(hours=1)
BEFORE = NOW - datetime.timedelta(hours=1)
RENDERED = datetime.datetime(2018, 5, 4, 12, 30, tzinfo=datetime.UTC)

UNIQUE = (
    "CREATE UNIQUE INDEX unique_image ON images(id,x,y,fit,file_type,blur,quality)",
    "CREATE UNIQUE INDEX unique_token ON tokens(id)",
    "CREATE UNIQUE INDEX unique_image_request ON tokens(image_id)",
)
"""What its last release relies on."""

HOST = "https://s3.example.com/bucket"


@dataclass(frozen=True)
class Age:
    """The columns that the tables had then, beyond those that they always had."""

    images: frozenset[str] = frozenset()
    tokens: frozenset[str] = frozenset()
    sqlite: bool = False


AGES = {
    "2015": Age(sqlite=True),
    "2016": Age(),
    "2016-07": Age(frozenset({"blur", "rendered_at"})),
    "2017": Age(frozenset({"blur", "rendered_at", "quality"})),
    "2019": Age(frozenset({"blur", "rendered_at", "quality"}), frozenset({"uploaded_at"})),
}

_TYPES = {
    "images": {
        "id": "VARCHAR(255)",
        "x": "INT",
        "y": "INT",
        "fit": "VARCHAR(8)",
        "file_type": "VARCHAR(16)",
        "url": "VARCHAR(255)",
        "blur": "BOOLEAN DEFAULT 'f'",
        "rendered_at": "TIMESTAMPTZ",
        "quality": "INT",
    },
    "tokens": {
        "id": "VARCHAR(255)",
        "image_id": "VARCHAR(255)",
        "valid_until": "TIMESTAMPTZ",
        "used": "INT",
        "uploaded_at": "TIMESTAMPTZ",
    },
}


@dataclass
class Published:
    """One installation; what a row says that its age could not is dropped."""

    age: Age
    url: str
    file: Path | None
    folder: Path
    images: list[dict[str, Any]] = field(default_factory=list)
    tokens: list[dict[str, Any]] = field(default_factory=list)
    indexes: Sequence[str] = ()
    """Statements that make its indexes; what only reads does without."""

    def original(self, name: str, data: bytes) -> Path:
        """Put an original into its folder."""
        path = self.folder / name
        path.write_bytes(data)
        return path

    def link(self, name: str, x: int = 100, y: int = 100, **changes: Any) -> str:
        """Have it remember a rendition; the URL where that lies."""
        row = {"id": name, "x": x, "y": y, "fit": "clip", "file_type": "image/jpeg"}
        row |= {"blur": False, "quality": -1, "rendered_at": RENDERED} | changes
        row.setdefault("url", f"{HOST}/2018-05-04T12:30:00.000Z_{name}_{x}x{y}.{row['fit']}.jpg")
        self.images.append(row)
        url: str = row["url"]
        return url

    def token(self, token: str, name: str, **changes: Any) -> None:
        """Have it issue a token."""
        row = {"id": token, "image_id": name, "valid_until": SOON, "used": 0, "uploaded_at": None}
        self.tokens.append(row | changes)

    def save(self) -> None:
        """Write its database; what was written before is replaced."""
        columns = {"images": self.age.images, "tokens": self.age.tokens}
        statements: list[tuple[str, Sequence[dict[str, Any]]]] = []
        for table, rows in (("images", self.images), ("tokens", self.tokens)):
            optional = {"blur", "rendered_at", "quality", "uploaded_at"} - columns[table]
            kinds = {name: kind for name, kind in _TYPES[table].items() if name not in optional}
            listed = ", ".join(f"{name} {kind}" for name, kind in kinds.items())
            values = ", ".join(f":{name}" for name in kinds)
            statements += [
                (f"DROP TABLE IF EXISTS {table}", []),
                (f"CREATE TABLE {table} ({listed})", []),
                (f"CREATE INDEX {table}_by_id ON {table} (id)", []),
                (
                    f"INSERT INTO {table} ({', '.join(kinds)}) VALUES ({values})",
                    [{name: row[name] for name in kinds} for row in rows],
                ),
            ]
        statements += [(statement, []) for statement in self.indexes]
        if self.file is not None:
            _write_sqlite(self.file, statements)
        else:
            asyncio.run(_write_postgresql(self.url, statements))


def _write_sqlite(file: Path, statements: Sequence[tuple[str, Sequence[dict[str, Any]]]]) -> None:
    with contextlib.closing(sqlite3.connect(file)) as connection, connection:
        for statement, rows in statements:
            texts = [{name: _as_text(value) for name, value in row.items()} for row in rows]
            if statement.startswith("INSERT"):
                connection.executemany(statement, texts)
            else:
                connection.execute(statement)


def _as_text(value: Any) -> Any:
    """Times as SQLite's own functions write them."""
    if isinstance(value, datetime.datetime):
        return value.astimezone(datetime.UTC).strftime("%Y-%m-%d %H:%M:%S")
    return value


async def _write_postgresql(
    url: str, statements: Sequence[tuple[str, Sequence[dict[str, Any]]]]
) -> None:
    def write(connection: sa.Connection) -> None:
        for statement, rows in statements:
            if rows or not statement.startswith("INSERT"):
                connection.execute(sa.text(statement), list(rows) or None)

    async with worlds.raw(url) as engine:
        await engine.run(write)


@contextlib.contextmanager
def published(folder: Path, age: str = "2019") -> Iterator[Published]:
    """An empty installation of that age, its originals in a new `folder`."""
    folder.mkdir()
    chosen = AGES[age]
    if chosen.sqlite:
        file = folder.with_suffix(".sqlite")
        yield Published(chosen, source.sqlite_url(file), file, folder)
        return
    with worlds.postgresql_url() as url:
        yield Published(chosen, url, None, folder)


every_age = pytest.mark.parametrize(
    "age",
    [pytest.param(age, marks=() if AGES[age].sqlite else worlds.needs_postgresql) for age in AGES],
)
"""The test gets the name of each age."""
