"""The index in a database: SQLite for one machine, PostgreSQL for several."""

from typing import Self

from liveresize.storage.index.application_use import SqlApplicationUse
from liveresize.storage.index.bucket_use import SqlBucketUse
from liveresize.storage.index.database import Database
from liveresize.storage.index.deliveries import SqlDeliveries
from liveresize.storage.index.erasures import SqlErasures
from liveresize.storage.index.events import SqlEvents
from liveresize.storage.index.expiry_pause import SqlExpiryPause
from liveresize.storage.index.links import SqlLinks
from liveresize.storage.index.mirror_queue import SqlMirrorQueue
from liveresize.storage.index.originals import SqlOriginalRows
from liveresize.storage.index.peers import SqlPeers
from liveresize.storage.index.purges import SqlPurges
from liveresize.storage.index.tokens import SqlTokens


class DatabaseIndex:
    """The repositories of one database, and its health.

    Lookups for a GET have a short time-out, and are refused while the database does not answer;
    everything else has a longer time-out and is always tried.
    """

    def __init__(self, database: Database) -> None:
        """Connects to nothing yet."""
        self._database = database
        self.tokens = SqlTokens(self._database)
        self.rows = SqlOriginalRows(self._database)
        self.mirror_queue = SqlMirrorQueue(self._database)
        self.deliveries = SqlDeliveries(self._database)
        self.links = SqlLinks(self._database)
        self.purges = SqlPurges(self._database)
        self.events = SqlEvents(self._database)
        self.expiry_pause = SqlExpiryPause(self._database)
        self.erasures = SqlErasures(self._database)
        self.peers = SqlPeers(self._database)
        self.bucket_use = SqlBucketUse(self._database)
        self.application_use = SqlApplicationUse(self._database)

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
        """Update the schema. Raises IndexUnavailable; may then be tried again."""
        await self._database.migrate()

    async def close(self) -> None:
        """Close every connection."""
        await self._database.close()

    @property
    def healthy(self) -> bool:
        """Whether lookups succeed."""
        return self._database.watch.healthy

    @property
    def not_writable(self) -> str:
        """The reason why writes fail, as far as it is known; empty while they work."""
        return self._database.writes.error

    async def look_after(self) -> None:
        """Check whether writes work, and reserve space for deletions. Never raises."""
        if await self._database.writes.look():
            await self._database.keep_room()

    async def ping(self) -> None:
        """Return when the database answers. Raises IndexUnavailable."""
        await self._database.ping()
