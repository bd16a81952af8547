"""ports.Index in a database: SQLite for one machine, PostgreSQL for several."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Concatenate, ParamSpec, Self, TypeVar

import sqlalchemy as sa
import structlog

from liveresize import errors
from liveresize.core.names import ImageId
from liveresize.core.originals import Link, Original
from liveresize.core.ports import Announcement, Purged, Selection
from liveresize.core.tokens import Claim, Grant, Spent, Token
from liveresize.storage.breaker import Breaker
from liveresize.storage.index import announcements, engines, originals, purges, schema, tokens
from liveresize.storage.index import links as index_links
from liveresize.storage.index.database import Database, IndexOptions

_log = structlog.get_logger("liveresize.index")

T = TypeVar("T")
P = ParamSpec("P")


class DatabaseIndex:
    """Tokens, originals and links in SQL; the methods are those of ports.Index.

    Lookups, which a GET waits for, have a short budget and stop asking a database that
    does not answer; everything else waits longer and always tries.
    """

    def __init__(self, options: IndexOptions, breaker: Breaker | None = None) -> None:
        """Connects to nothing yet; raises SettingsError for a URL that cannot be used."""
        self._options = options
        self._database = Database(options)
        self._breaker = breaker or Breaker(
            errors.IndexUnavailable, threshold=options.failures, rest=options.rest
        )
        self._said = True

    @classmethod
    async def open(cls, options: IndexOptions) -> Self:
        """An index whose schema is up to date; raises IndexUnavailable and SettingsError."""
        index = cls(options)
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
        return self._breaker.healthy

    @property
    def not_writable(self) -> str:
        """Why writes fail, as far as is known; empty while they work."""
        return self._database.writes.error

    async def look_after(self) -> None:
        """See whether writes work, and keep room for deletions. Never raises."""
        if await self._database.writes.look():
            await self._database.keep_room()

    async def ping(self) -> None:
        await self._database.read(self._options.ping_budget, _ping)

    async def identity(self) -> str:
        # Asked every few seconds, traffic or none: a database that is back is noticed by this.
        with self._watched():
            return await self._read(_identity)

    async def issue(self, grant: Grant) -> Token:
        return await self._database.write(tokens.issue, grant)

    async def claim(self, token: str, candidates: Sequence[ImageId], lease: float) -> Claim | Spent:
        return await self._database.write(tokens.claim, token, candidates, lease)

    async def renew(self, claim: Claim, lease: float) -> None:
        await self._database.write(tokens.renew, claim, lease)

    async def release(self, claim: Claim) -> None:
        await self._database.write(tokens.release, claim)

    async def complete(
        self,
        claim: Claim,
        original: Original,
        received_sha256: str,
        receipt: str,
        *,
        mirrored: bool = False,
        announce: bool = False,
    ) -> Original | None:
        return await self._database.write(
            originals.complete,
            claim,
            original,
            received_sha256,
            receipt,
            mirrored=mirrored,
            announce=announce,
        )

    async def adopt(
        self, original: Original, *, mirrored: bool = False, announce: bool = False
    ) -> Original:
        return await self._database.write(
            originals.adopt, original, mirrored=mirrored, announce=announce
        )

    async def take_over(self, original: Original) -> Original | None:
        return await self._database.write(originals.take_over, original)

    async def original(self, image: ImageId) -> Original | None:
        return await self._lookup(originals.current, image)

    async def original_of(self, generation: str) -> Original | None:
        return await self._lookup(originals.of_generation, generation)

    async def unmirrored(self, after: str, limit: int, *, main: bool = True) -> list[Original]:
        return await self._read(originals.unmirrored, after, limit, main=main)

    async def mirrored(self, generation: str) -> bool:
        return await self._database.write(originals.mirrored, generation)

    async def mirrored_of(self, generations: Sequence[str]) -> set[str]:
        return await self._read(originals.mirrored_of, generations)

    async def known_of(self, generations: Sequence[str]) -> set[str]:
        return await self._read(originals.known_of, generations)

    async def unmirror(self, generation: str) -> None:
        await self._database.write(originals.unmirror, generation)

    async def originals_after(self, generation: str, limit: int) -> list[tuple[Original, bool]]:
        return await self._read(originals.after, generation, limit)

    async def supersede(self, original: Original, older: str = "") -> Original:
        return await self._database.write(originals.supersede, original, older)

    async def end(self, original: Original) -> bool:
        return await self._database.free(originals.end_only, original)

    async def delete(self, image: ImageId) -> Original | None:
        return await self._database.free(originals.delete, image)

    async def announcements(self, limit: int, lease: float) -> list[Announcement]:
        return await self._database.write(announcements.take, limit, lease)

    async def announced(self, generation: str) -> None:
        await self._database.write(announcements.told, generation)

    async def announce_again(self, announcement: Announcement, delay: float) -> None:
        await self._database.write(announcements.again, announcement, delay)

    async def unannounced(self) -> int:
        return await self._read(announcements.count)

    async def link(self, generation: str, variant: str) -> Link | None:
        return await self._lookup(index_links.find, generation, variant)

    async def was_purged(self, generation: str, variant: str) -> bool | None:
        return await self._lookup(index_links.was_purged, generation, variant)

    async def add_link(self, link: Link) -> bool:
        return await self._database.write(index_links.add, link)

    async def count_links(self, generation: str) -> int:
        return await self._lookup(index_links.count, generation)

    async def purge(self, selection: Selection, limit: int) -> list[Link]:
        return await self._database.free(index_links.purge, selection, limit)

    async def evict(self, links: Sequence[Link], keep: int) -> None:
        await self._database.free(index_links.evict, links, keep)

    async def purged_links(self, older_than: float, limit: int) -> list[Link]:
        return await self._read(index_links.purged, older_than, limit)

    async def forget(self, links: Sequence[Link]) -> None:
        await self._database.free(index_links.forget, links)

    async def touch(self, links: Sequence[tuple[str, str]]) -> None:
        await self._database.write(index_links.touch, links)

    async def least_used(self, limit: int, *, buckets: bool = True) -> list[Link]:
        return await self._read(index_links.least_used, limit, buckets=buckets)

    async def links_after(
        self, generation: str, variant: str, limit: int
    ) -> list[tuple[Link, bool]]:
        return await self._read(index_links.after, generation, variant, limit)

    async def keys_of(self, generations: Sequence[str]) -> set[str]:
        return await self._read(index_links.keys_of, generations)

    async def stored_bytes(self, *, buckets: bool = True) -> int:
        return await self._read(index_links.stored_bytes, buckets=buckets)

    async def purges_since(self, serial: int, limit: int = 1000) -> list[Purged]:
        with self._watched():  # see `identity`
            return await self._read(purges.since, serial, limit)

    async def ended(self, generation: str) -> ImageId | None:
        return await self._read(purges.ended, generation)

    async def forget_purges(self, older_than: float) -> None:
        await self._database.write(purges.forget, older_than)

    async def _lookup(
        self,
        question: Callable[Concatenate[sa.Connection, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        with self._watched():
            return await self._database.lookup(question, *args, **kwargs)

    @contextlib.contextmanager
    def _watched(self) -> Iterator[None]:
        """One question under the breaker; says so when it opens or closes."""
        try:
            with self._breaker.guarded():
                yield
        except errors.IndexUnavailable as error:
            if self._said and not self.healthy:
                self._said = False
                _log.error("index_unavailable", error=error.detail.partition("\n")[0])
            raise
        finally:
            if self.healthy and not self._said:
                self._said = True
                _log.info("index_available")

    async def _read(
        self,
        question: Callable[Concatenate[sa.Connection, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        return await self._database.read(self._options.budget, question, *args, **kwargs)


_TABLE_OF_POSTGRESQL = sa.text(
    "SELECT CAST(oid AS text) || '/' || CAST(CAST('purges' AS regclass) AS oid)"
    " FROM pg_database WHERE datname = current_database()"
)
"""The OIDs of this database and of one table: `pg_restore` creates new tables, with new OIDs."""


def _identity(connection: sa.Connection) -> str:
    """See ports.Index.identity. A file of SQLite has nothing like that."""
    if connection.dialect.name != engines.POSTGRESQL:
        return ""
    return str(connection.execute(_TABLE_OF_POSTGRESQL).scalar_one())


def _ping(connection: sa.Connection) -> None:
    """Read something of ours: SQLite would select 1 from a file that is no database."""
    connection.execute(sa.select(schema.purges.c.serial).limit(1))
