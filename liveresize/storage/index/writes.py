"""Monitor whether the database accepts writes.

Lookups also succeed with a full disk, a read-only database or a locked table.
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
"""Seconds between attempts while writes work."""


class Writes:
    """The result of the last attempt to write. `attempt` makes one.

    A failed write leads to an attempt at the next check, because the cause may be limited to its
    own image (a lock of another upload).
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
        """The reason why writes fail; empty while they work."""

    def doubt(self) -> None:
        """Make an attempt at the next check, because a write has failed."""
        self._next = 0.0

    async def look(self) -> bool:
        """Make an attempt if it is time for one; return whether it was made and succeeded.

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
    """Write and delete a row, with all locks and the space that a write needs."""
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
    for table in (schema.originals, schema.renditions, schema.purges, schema.events):
        column = next(iter(table.c))
        connection.execute(sa.update(table).where(sa.false()).values({column: column}))
