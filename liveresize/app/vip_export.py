"""What vip could not resize if it were to serve its buckets again."""

import asyncio
from collections.abc import Callable

from liveresize.app.database import make_database
from liveresize.config import Settings
from liveresize.storage.index.sql_index import DatabaseIndex

_READ = frozenset({"jpeg", "png", "gif", "bmp", "tiff"})
"""Formats that vip resizes."""

_ROWS = 1000


def main(settings: Settings, say: Callable[[str], None]) -> bool:
    """Name the originals in buckets that vip cannot resize; whether there is none."""
    return asyncio.run(_main(settings, say))


async def _main(settings: Settings, say: Callable[[str], None]) -> bool:
    index = await DatabaseIndex.open(make_database(settings))
    count = odd = 0
    try:
        after = ""
        while rows := await index.rows.after(after, _ROWS):
            after = rows[-1][0].generation
            for original, _ in rows:
                if not original.image.bucket:
                    continue
                count += 1
                if original.format not in _READ:
                    odd += 1
                    say(f"{original.image.key} {original.format}")
    finally:
        await index.close()
    say(f"originals in buckets: {count}, {odd} that vip cannot resize")
    return not odd
