"""Sort more entries than fit in memory.

They are stored in a temporary SQLite database, which uses the folder for temporary files (TMPDIR)
above a few megabytes, and is removed with its connection. Five million entries need about a
gigabyte there, half of it only while they are sorted.
"""

import asyncio
import os
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

from liveresize import errors
from liveresize.core.names import ImageId
from liveresize.maintenance.reconcile.places import Entry

T = TypeVar("T")
P = ParamSpec("P")

_ROWS = 2_000
"""Entries that are passed between threads together."""

_TABLE = """
CREATE TABLE entries (
    generation TEXT, named INTEGER, bucket TEXT, name TEXT,
    key BLOB, bytes INTEGER, modified_at REAL, place TEXT
)
"""

_Row = tuple[str, int, str, str, bytes, int, float, str]


class ExternalSorter:
    """Collects entries in any order, and returns them sorted and in groups; must be closed.

    Raises DiskFull if the folder for temporary files is full.
    """

    def __init__(self) -> None:
        self._database = sqlite3.connect("", check_same_thread=False, isolation_level=None)
        self._database.execute("PRAGMA journal_mode = OFF")
        self._database.execute("PRAGMA synchronous = OFF")
        self._database.execute(_TABLE)
        # One thread uses the database, so that it is not closed under another.
        self._thread = ThreadPoolExecutor(1, "scratch")
        self._waiting: list[_Row] = []
        self.size = 0

    def close(self) -> None:
        """Interrupt the current query, and drop all entries."""
        self._database.interrupt()
        self._thread.shutdown(cancel_futures=True)
        self._database.close()

    async def add(self, entry: Entry) -> None:
        """Add an entry."""
        image = entry.image or ImageId("")
        self._waiting.append(
            (
                entry.generation,
                entry.image is not None,
                image.bucket,
                image.name,
                os.fsencode(entry.key),
                entry.bytes,
                entry.modified_at,
                entry.place,
            )
        )
        self.size += 1
        if len(self._waiting) >= _ROWS:
            await self._flush()

    async def _flush(self) -> None:
        rows, self._waiting = self._waiting, []
        await self._run(self._insert, rows)

    def _insert(self, rows: list[_Row]) -> None:
        try:
            self._database.execute("BEGIN")
            self._database.executemany("INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)
            self._database.execute("COMMIT")
        except sqlite3.Error as error:
            raise _full(error) from error

    async def by_generation(self) -> AsyncIterator[tuple[str, list[Entry]]]:
        """Yield (generation, its entries), in the order of generations."""
        group: list[Entry] = []
        async for entry in self._sorted("generation"):
            if group and group[0].generation != entry.generation:
                yield group[0].generation, group
                group = []
            group.append(entry)
        if group:
            yield group[0].generation, group

    async def by_image(self) -> AsyncIterator[list[Entry]]:
        """Yield the entries of each picture; an entry without a name is a group of its own."""
        group: list[Entry] = []
        async for entry in self._sorted("named, bucket, name"):
            if group and (entry.image is None or group[0].image != entry.image):
                yield group
                group = []
            group.append(entry)
        if group:
            yield group

    async def _run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, partial(work, *args, **kwargs))

    async def _sorted(self, order: str) -> AsyncIterator[Entry]:
        await self._flush()
        try:
            cursor = await self._run(
                self._database.execute,
                f"SELECT * FROM entries ORDER BY {order}",  # noqa: S608 (words of this file)
            )
            while rows := await self._run(cursor.fetchmany, _ROWS):
                for entry in _entries(rows):
                    yield entry
        except sqlite3.Error as error:
            raise _full(error) from error


def _entries(rows: list[_Row]) -> Iterator[Entry]:
    for generation, named, bucket, name, key, size, modified_at, place in rows:
        yield Entry(
            key=os.fsdecode(key),
            generation=generation,
            bytes=size,
            modified_at=modified_at,
            image=ImageId(name, bucket) if named else None,
            place=place,
        )


def _full(error: sqlite3.Error) -> errors.DiskFull:
    return errors.DiskFull("The folder for temporary files (TMPDIR) takes no more.", str(error))
