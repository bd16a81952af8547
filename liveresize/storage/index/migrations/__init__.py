"""The history of the schema: Alembic revisions, which are applied at every start.

Revisions only add what the previous release does not need (expand), and remove what it no longer
uses (contract), so that both releases run on the new schema.

All missing revisions are applied in one transaction, but a module with `ALONE` begins another one,
so that the locks of the revisions before it are not held any longer.

No index is created CONCURRENTLY: that waits for every open transaction, a backup or another process
that waits for our lock, and leaves an invalid index behind if it fails. Writers wait instead while
the table is read.
"""

import itertools

import structlog
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from liveresize.storage.index import locks

LOCATION = "liveresize.storage.index:migrations"
"""The package with `env.py` and `versions`, for Alembic."""

PATIENCE = 60.0
"""The time-out of a process that waits for the migration by another one, in seconds."""

_log = structlog.get_logger("liveresize.stores.migrations")


def migrate(connection: Connection) -> bool:
    """Apply missing revisions up to the next one with `ALONE`, or none; return whether any is left.

    Processes that start at the same time wait for each other, and all but the first one find
    nothing to do. Raises errors of the driver.
    """
    locks.set_limits(connection, PATIENCE, lock_timeout=PATIENCE)
    locks.migration(connection)
    # From here on waiting for a lock makes requests wait behind us.
    locks.set_limits(connection, PATIENCE)
    return _upgrade(connection)


def _upgrade(connection: Connection) -> bool:
    config = Config()
    config.set_main_option("script_location", LOCATION)
    config.attributes["connection"] = connection
    scripts = list(ScriptDirectory.from_config(config).walk_revisions())[::-1]
    revisions = [script.revision for script in scripts]
    applied = set(MigrationContext.configure(connection).get_current_heads())
    if applied - set(revisions):
        # A newer release was here; its schema serves this one too.
        _log.warning("index_schema_is_newer", revisions=sorted(applied - set(revisions)))
        return False
    missing = scripts[max((revisions.index(each) + 1 for each in applied), default=0) :]
    now = missing[:1]
    now += itertools.takewhile(lambda script: not hasattr(script.module, "ALONE"), missing[1:])
    if now:
        command.upgrade(config, now[-1].revision)
    return len(now) < len(missing)
