"""The history of the schema: Alembic revisions, which are applied at every start.

Revisions only add what the previous release does not need (expand), and remove what it no longer
uses (contract), so that both releases run on the new schema.
"""

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


def migrate(connection: Connection) -> None:
    """Apply all missing revisions, or none.

    Processes that start at the same time wait for each other, and all but the first one find
    nothing to do. Raises errors of the driver.
    """
    locks.set_limits(connection, PATIENCE, lock_timeout=PATIENCE)
    locks.migration(connection)
    # From here on waiting for a lock makes requests wait behind us.
    locks.set_limits(connection, PATIENCE)
    _upgrade(connection)


def _upgrade(connection: Connection) -> None:
    config = Config()
    config.set_main_option("script_location", LOCATION)
    config.attributes["connection"] = connection
    revisions = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    applied = set(MigrationContext.configure(connection).get_current_heads())
    if applied - revisions:
        # A newer release was here; its schema serves this one too.
        _log.warning("index_schema_is_newer", revisions=sorted(applied - revisions))
        return
    command.upgrade(config, "head")
