"""The index in a database: SQLite for one machine, PostgreSQL for several."""

from typing import Self

from liveresize.storage.index.announcements import SqlAnnouncements
from liveresize.storage.index.database import Database
from liveresize.storage.index.links import SqlLinks
from liveresize.storage.index.mirror_queue import SqlMirrorQueue
from liveresize.storage.index.originals import SqlOriginalRows
from liveresize.storage.index.purges import SqlPurges
from liveresize.storage.index.tokens import SqlTokens


class DatabaseIndex:
    """The repositories of one database, and how that is.

    Lookups, which a GET waits for, have a short budget and stop asking a database that
    does not answer; everything else waits longer and always tries.
    """

    def __init__(self, database: Database) -> None:
        """Connects to nothing yet."""
        self._database = database
        self.tokens = SqlTokens(self._database)
        self.rows = SqlOriginalRows(self._database)
        self.mirror_queue = SqlMirrorQueue(self._database)
        self.announcements = SqlAnnouncements(self._database)
        self.links = SqlLinks(self._database)
        self.purges = SqlPurges(self._database)

    @classmethod
    async def open(cls, database: Database) -> Self:
        """An index whose schema is up to date. Raises IndexUnavailable."""
        index = cls(database)
        try:
            await index.migrate()
        except BaseException:
            await index.close()
            raise
        return index

    async def migrate(self) -> None:
        """Bring the schema up to date; may be tried again after IndexUnavailable."""
        await self._database.migrate()

    async def close(self) -> None:
        """Close every connection."""
        await self._database.close()

    @property
    def healthy(self) -> bool:
        """Whether lookups are being answered."""
        return self._database.watch.healthy

    @property
    def not_writable(self) -> str:
        """Why writes fail, as far as is known; empty while they work."""
        return self._database.writes.error

    async def look_after(self) -> None:
        """See whether writes work, and keep room for deletions. Never raises."""
        if await self._database.writes.look():
            await self._database.keep_room()

    async def ping(self) -> None:
        """Return when the database answers; raises IndexUnavailable."""
        await self._database.ping()
