"""Inspect the state of a database without changing it."""

import time
from dataclasses import dataclass

import sqlalchemy as sa
from alembic.config import Config
from alembic.script import ScriptDirectory

from liveresize.storage.index import migrations, schema
from liveresize.storage.index.database import Database

_REVISIONS = sa.table("alembic_version", sa.column("version_num", sa.String))


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaStatus:
    """`backend` and its `version`; the revisions `applied` (none: there is no schema), and
    those `known` to this release, with the latest one in `head`. `ahead` is the difference of
    its clock to ours in seconds, `round_trip` the duration of a query in seconds.
    `expiry_paused_at` is None unless expiry is paused."""

    backend: str
    version: str
    applied: frozenset[str]
    known: frozenset[str]
    head: str
    ahead: float
    round_trip: float
    expiry_paused_at: float | None


async def examine(url: str) -> SchemaStatus:
    """The condition of the database at `url`. Raises SettingsError and IndexUnavailable.

    A missing SQLite file would be created: callers check that it exists.
    """
    database = Database(url, pool=1)
    try:
        backend, version = await database.read(_version)
        applied = await database.read(_applied)
        began = time.time()
        now = await database.read(_now)
        ended = time.time()
        paused_at = await database.read(_expiry_paused_at)
    finally:
        await database.close()
    config = Config()
    config.set_main_option("script_location", migrations.LOCATION)
    scripts = ScriptDirectory.from_config(config)
    return SchemaStatus(
        backend=backend,
        version=version,
        applied=applied,
        known=frozenset(script.revision for script in scripts.walk_revisions()),
        head=scripts.get_current_head() or "",
        ahead=now - (began + ended) / 2,
        round_trip=ended - began,
        expiry_paused_at=paused_at,
    )


def _version(connection: sa.Connection) -> tuple[str, str]:
    if connection.dialect.name == "sqlite":
        question = sa.select(sa.func.sqlite_version())
    else:
        question = sa.select(sa.func.current_setting("server_version"))
    return connection.dialect.name, str(connection.scalar(question))


def _applied(connection: sa.Connection) -> frozenset[str]:
    if not sa.inspect(connection).has_table(_REVISIONS.name):
        return frozenset()
    return frozenset(connection.scalars(sa.select(_REVISIONS.c.version_num)))


def _now(connection: sa.Connection) -> float:
    return float(connection.scalar(sa.select(schema.now())) or 0.0)


def _expiry_paused_at(connection: sa.Connection) -> float | None:
    if not sa.inspect(connection).has_table(schema.expiry_pause.name):
        return None
    return connection.execute(sa.select(schema.expiry_pause.c.at)).scalar_one_or_none()
