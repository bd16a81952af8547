"""A database that is back is noticed, whether or not anybody asks for a picture."""

import asyncio

import pytest

from liveresize import errors
from liveresize.storage.breaker import Breaker
from liveresize.storage.index.sql_index import DatabaseIndex

from . import worlds


def test_hearing_of_deletions_closes_the_breaker() -> None:
    """Nobody else asks an instance that balancers avoid while it is not ready."""

    async def main(url: str) -> None:
        breaker = Breaker(errors.IndexUnavailable, threshold=1, rest=0.0)
        index = DatabaseIndex(worlds.patient_database(url, breaker=breaker))
        try:
            with pytest.raises(errors.IndexUnavailable):
                await index.links.find("0" * 28, "1x1-jpeg")  # there is no table yet
            assert not index.healthy
            await index.migrate()
            assert not index.healthy
            assert await index.purges.since(0) == []
            assert index.healthy
        finally:
            await index.close()

    with worlds.sqlite_url() as url:
        asyncio.run(main(url))
