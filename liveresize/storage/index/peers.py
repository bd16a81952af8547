"""The other instances that are connected to the same database."""

import sqlalchemy as sa

from liveresize.storage.index import engines, repository
from liveresize.storage.index.postgresql_url import APPLICATION
from liveresize.storage.index.repository import Repository

_OLDER = sa.text(
    "SELECT EXISTS (SELECT FROM pg_stat_activity"
    " WHERE datname = current_database() AND application_name = :name)"
).bindparams(name=APPLICATION)


class SqlPeers(Repository):
    """ports.Peers: 1.0.0 calls itself `liveresize`, later releases `liveresize/<version>`."""

    @repository.read
    def older(self, connection: sa.Connection) -> bool:
        """Return False with SQLite, which is one machine's."""
        if connection.dialect.name != engines.POSTGRESQL:
            return False
        return bool(connection.execute(_OLDER).scalar_one())
