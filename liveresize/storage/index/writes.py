"""Whether the database takes writes, which reads say nothing of.

A disk that is full, a database that is read-only and a table that somebody has locked all
answer lookups as ever.
"""

import time
import uuid
from collections.abc import Awaitable, Callable

import sqlalchemy as sa
import structlog

from liveresize import errors
from liveresize.storage.index import schema

_log = structlog.get_logger("liveresize.index")

EVERY = 30.0
"""Seconds between attempts while nothing speaks against it."""


class Writes:
    """What the last attempt to write has shown. `attempt` makes one.

    A write that failed leads to an attempt at the next look; one that failed because of
    its own image (a lock of another upload) says nothing about others.
    """

    def __init__(
        self,
        attempt: Callable[[], Awaitable[None]],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._attempt = attempt
        self._monotonic = monotonic
        self._next = 0.0
        self.error = ""
        """Why writes fail; empty while they work."""

    def doubt(self) -> None:
        """A write has failed: make an attempt at the next look."""
        self._next = 0.0

    async def look(self) -> bool:
        """Make an attempt where one is due; whether one was made, and worked.

        Changes are logged once. Never raises.
        """
        if not self.error and self._monotonic() < self._next:
            return False
        self._next = self._monotonic() + EVERY
        try:
            await self._attempt()
        except errors.IndexUnavailable as error:
            reason = error.detail.partition("\n")[0] or error.public
            if not self.error:
                _log.error("index_not_writable", error=reason)
            self.error = reason
        else:
            if self.error:
                _log.info("index_writable")
            self.error = ""
        return not self.error


def attempt(connection: sa.Connection) -> None:
    """Write what nobody ever sees, with every lock and all the room that a write needs."""
    name = f"_probe/{uuid.uuid4().hex}"  # no picture's name has a slash
    row = {
        "bucket": "",
        "name": name,
        "digest": name,
        "state": schema.State.FAILED,
        "issued_at": schema.now(),
        "expires_at": schema.now(),
        "max_bytes": 0,
        "formats": "",
        "overwrite": False,
    }
    connection.execute(sa.insert(schema.tokens).values(row))
    connection.execute(sa.delete(schema.tokens).where(schema.tokens.c.name == name))
    for table in (schema.originals, schema.renditions, schema.purges):
        column = next(iter(table.c))
        connection.execute(sa.update(table).where(sa.false()).values({column: column}))
