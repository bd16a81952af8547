"""The history of the schema, as Alembic revisions that are applied at every start.

Revisions only add (expand) what the previous release can live without, and remove
(contract) what it no longer uses, so that both releases run on the new schema.
"""

import structlog
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from liveresize.storage.index import locks

LOCATION = "liveresize.storage.index:migrations"
"""Where Alembic finds `env.py` and `versions`: in the package, wherever it is installed."""

PATIENCE = 60.0
"""Seconds for which a process waits while others migrate before it."""

_log = structlog.get_logger("liveresize.stores.migrations")


def migrate(connection: Connection) -> None:
    """Apply the revisions that this database lacks: all of them or none.

    Processes that start together queue up, and all but the first find nothing to do.
    Raises what the driver raises.
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
