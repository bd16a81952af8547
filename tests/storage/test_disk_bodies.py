"""The embedded rendition store, read piece by piece."""

import asyncio
import random
from pathlib import Path

import pytest

from liveresize import errors

from .test_disk import keep, link, of, store

DATA = random.Random(4).randbytes(200_000)


def test_any_part_can_be_read(tmp_path: Path) -> None:
    """First and last byte are counted in; a chunk is at most 64 KiB."""

    async def main() -> None:
        renditions = store(tmp_path)
        one = link(renditions, of(), size=len(DATA))
        await keep(renditions, DATA, one)
        for first, last in [(0, None), (0, 0), (5, 10), (199_990, None), (100, 500_000)]:
            body = await renditions.open(one, first, last)
            assert body is not None
            chunks = [chunk async for chunk in body.chunks()]
            await body.close()
            expected = DATA[first : None if last is None else last + 1]
            assert b"".join(chunks) == expected
            assert body.size == len(expected)
            assert all(0 < len(chunk) <= 65_536 for chunk in chunks)
        assert await renditions.open(one, 200_000) is None

    asyncio.run(main())


def test_what_is_gone_or_not_whole_is_not_opened(tmp_path: Path) -> None:
    """None, as `read` gives."""

    async def main() -> None:
        renditions = store(tmp_path)
        one = link(renditions, of(), size=len(DATA))
        assert await renditions.open(one) is None
        await keep(renditions, DATA[:-1], one)
        assert await renditions.open(one) is None

    asyncio.run(main())


def test_a_file_cut_while_it_is_read_is_a_failure(tmp_path: Path) -> None:
    """Bytes that end early never pass for the whole."""

    async def main() -> None:
        renditions = store(tmp_path)
        one = link(renditions, of(), size=len(DATA))
        await keep(renditions, DATA, one)
        body = await renditions.open(one)
        assert body is not None
        place = renditions.local_path(one.key)
        assert place is not None
        with place.open("r+b") as file:
            file.truncate(100_000)
        with pytest.raises(errors.ObjectStoreUnavailable):
            b"".join([chunk async for chunk in body.chunks()])
        await body.close()

    asyncio.run(main())
