"""The queue of uploads for the webhook.

It consists of the originals with an `announce_at`, the time of the next attempt. Taking one adds a
lease to that time, so that the attempt is repeated if the process dies.
"""

import sqlalchemy as sa

from liveresize.core.ports import Announcement
from liveresize.storage.index import originals, repository, schema
from liveresize.storage.index.repository import Repository

COUNTED = 10_000
"""The limit of `count`."""

_originals = schema.originals
_REMOVED = {"announce_at": None, "announce_tries": None}


class SqlAnnouncements(Repository):
    """ports.Announcements on the column `announce_at` of `originals`."""

    @repository.write
    def take(self, connection: sa.Connection, limit: int, lease: float) -> list[Announcement]:
        """Take uploads; locked rows are skipped, so that this never waits."""
        rows = connection.execute(
            sa.select(_originals, (schema.now() - _originals.c.uploaded_at).label("age"))
            .where(_originals.c.announce_at <= schema.now())
            .order_by(_originals.c.announce_at)
            .limit(limit)
            # As an UPDATE would lock them, so that links can be added meanwhile.
            .with_for_update(skip_locked=True, key_share=True)
        )
        announcements = [
            Announcement(
                original=originals.from_row(row),
                tries=(row.announce_tries or 0) + 1,
                age=row.age,
            )
            for row in rows
        ]
        if announcements:
            connection.execute(
                sa.update(_originals)
                .where(_originals.c.generation == sa.bindparam("b_generation"))
                .values(announce_at=schema.now() + lease, announce_tries=sa.bindparam("b_tries")),
                [
                    {"b_generation": one.original.generation, "b_tries": one.tries}
                    for one in announcements
                ],
            )
        return announcements

    @repository.write
    def remove(self, connection: sa.Connection, generation: str) -> None:
        connection.execute(
            sa.update(_originals).where(_originals.c.generation == generation).values(_REMOVED)
        )

    @repository.write
    def postpone(self, connection: sa.Connection, announcement: Announcement, delay: float) -> None:
        """Postpone an announcement, unless it was delivered meanwhile, which resets its tries."""
        connection.execute(
            sa.update(_originals)
            .where(
                _originals.c.generation == announcement.original.generation,
                _originals.c.announce_tries == announcement.tries,
            )
            .values(announce_at=schema.now() + delay)
        )

    @repository.read
    def count(self, connection: sa.Connection) -> int:
        """Return the length of the queue, at most COUNTED.

        The query is ordered so that PostgreSQL uses the index of the queue: without statistics of
        a new column it would read the whole table.
        """
        waiting = (
            sa.select(_originals.c.announce_at)
            .where(_originals.c.announce_at.is_not(None))
            .order_by(_originals.c.announce_at)
            .limit(COUNTED)
            .subquery()
        )
        return connection.execute(sa.select(sa.func.count()).select_from(waiting)).scalar_one()
