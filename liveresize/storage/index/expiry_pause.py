"""The pause of expiry: a table that has a row while it lasts."""

import sqlalchemy as sa

from liveresize.storage.index import repository, schema
from liveresize.storage.index.repository import Repository

_pause = schema.expiry_pause

_ONE = 1
"""The key of the only row."""


class SqlExpiryPause(Repository):
    """ports.ExpiryPause on the table `expiry_pause`."""

    @repository.read
    def since(self, connection: sa.Connection) -> float | None:
        return connection.execute(sa.select(_pause.c.at)).scalar_one_or_none()

    @repository.write
    def begin(self, connection: sa.Connection) -> None:
        connection.execute(
            schema.upsert(connection.dialect.name, _pause)
            .values(one=_ONE, at=schema.now())
            .on_conflict_do_nothing()
        )

    @repository.write
    def end(self, connection: sa.Connection) -> bool:
        ended = connection.execute(sa.delete(_pause).returning(_pause.c.one))
        return ended.one_or_none() is not None
