"""The queue of originals for the mirror: rows without a `mirrored_at`."""

from collections.abc import Sequence

import sqlalchemy as sa

from liveresize.core.originals import Original
from liveresize.storage.index import originals, repository, schema
from liveresize.storage.index.repository import Repository

_originals = schema.originals


class SqlMirrorQueue(Repository):
    """ports.MirrorQueue on the column `mirrored_at` of `originals`."""

    @repository.read
    def waiting(
        self, connection: sa.Connection, after: str, limit: int, *, main: bool = True
    ) -> list[Original]:
        missing = sa.select(_originals).where(
            _originals.c.mirrored_at.is_(None), _originals.c.generation > after
        )
        if not main:
            missing = missing.where(_originals.c.bucket != sa.literal_column("''"))
        rows = connection.execute(missing.order_by(_originals.c.generation).limit(limit))
        return [originals.from_row(row) for row in rows]

    @repository.write
    def done(self, connection: sa.Connection, generation: str) -> bool:
        noted = connection.execute(
            sa.update(_originals)
            .where(_originals.c.generation == generation)
            .values(mirrored_at=schema.now())
        )
        return noted.rowcount > 0

    @repository.read
    def done_of(self, connection: sa.Connection, generations: Sequence[str]) -> set[str]:
        result = connection.execute(
            sa.select(_originals.c.generation).where(
                _originals.c.generation.in_(generations), _originals.c.mirrored_at.is_not(None)
            )
        )
        return set(result.scalars())

    @repository.write
    def requeue(self, connection: sa.Connection, generation: str) -> None:
        connection.execute(
            sa.update(_originals)
            .where(_originals.c.generation == generation)
            .values(mirrored_at=None)
        )
