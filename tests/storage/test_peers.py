"""Whether an instance of 1.0.0 is connected to the same database."""

import asyncio
from pathlib import Path

import asyncpg

from liveresize.storage.index.sql_index import DatabaseIndex

from . import worlds


@worlds.needs_postgresql
def test_connections_tell_their_release() -> None:
    """One of 1.0.0 in this database counts; others, other databases and this release do not."""

    async def main(url: str, elsewhere: str) -> None:
        index = await DatabaseIndex.open(worlds.patient_database(url))
        try:
            assert not await index.peers.older()
            for place, name, older in (
                (url, "liveresize", True),
                (url, "liveresize/1.1.0", False),
                (url, "psql", False),
                (elsewhere, "liveresize", False),
            ):
                other = await asyncpg.connect(
                    plain(place), server_settings={"application_name": name}
                )
                assert await index.peers.older() == older
                await other.close()
                await gone(index)
        finally:
            await index.close()

    with worlds.postgresql_url() as url, worlds.postgresql_url() as elsewhere:
        asyncio.run(main(url, elsewhere))


def plain(url: str) -> str:
    """A URL as asyncpg takes it."""
    return url.replace("postgresql+asyncpg://", "postgresql://")


async def gone(index: DatabaseIndex) -> None:
    """Return when the server has noticed that the connection ended."""
    async with asyncio.timeout(30):
        while await index.peers.older():
            pass


def test_a_file_has_no_other_instances(tmp_path: Path) -> None:
    """SQLite is for one machine."""

    async def main() -> None:
        index = await DatabaseIndex.open(worlds.patient_database(f"sqlite:///{tmp_path}/a.db"))
        assert not await index.peers.older()
        await index.close()

    asyncio.run(main())
