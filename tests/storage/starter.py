"""`python -m tests.storage.starter URL`: opens an index once a line comes on stdin."""

import asyncio
import sys

from liveresize.storage.index.database import Database
from liveresize.storage.index.sql_index import DatabaseIndex


async def _start(url: str) -> None:
    index = await DatabaseIndex.open(Database(url, pool=5))
    await index.close()


def main() -> None:
    """Say `ready`, wait, and start."""
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    asyncio.run(_start(sys.argv[1]))
