"""A disk that is really full: a small file system of the test's own."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from crashes import disks

from liveresize import errors
from liveresize.core.names import ImageId
from liveresize.delivery.outcomes import Cache

from .doubles import picture, run
from .house import House, disk_store, request

pytestmark = pytest.mark.long


@pytest.fixture
def few_bytes(tmp_path: Path) -> Iterator[Path]:
    """A file system of one megabyte."""
    with disks.small(tmp_path / "disk", "size=1m") as disk:
        yield disk


@pytest.fixture
def few_inodes(tmp_path: Path) -> Iterator[Path]:
    """A file system with room for sixty files and folders."""
    with disks.small(tmp_path / "disk", "size=64m,nr_inodes=60") as disk:
        yield disk


async def fill(house: House, size: int) -> list[ImageId]:
    """Upload until the disk is full; the pictures that were taken."""
    taken: list[ImageId] = []
    while True:
        image = ImageId(f"cat{len(taken)}")
        before = house.files()
        try:
            await house.upload(image, picture(soul="." * size))
        except errors.DiskFull:
            assert house.files() == before
            assert house.staged() == []
            assert await house.index.rows.find(image) is None
            return taken
        taken.append(image)


def test_a_full_disk_refuses_uploads_and_serves_on(few_bytes: Path) -> None:
    """No trace is left of what was refused, and room that is made is used again."""

    async def main() -> None:
        house = House(few_bytes, store=disk_store(few_bytes))
        taken = await fill(house, 100_000)
        assert len(taken) >= 5
        for image in taken:
            assert (await house.get(request(100, image=image))).cache is Cache.MISS
        assert await house.publisher.flush(30.0) == 0
        await house.purge.delete(taken[0])
        await house.upload(taken[0], picture(soul="." * 100_000))

    run(main)


def test_a_full_disk_refuses_renditions_and_answers_all_the_same(few_bytes: Path) -> None:
    """Each is made and sent; what cannot be kept leaves neither part nor link."""

    async def main() -> None:
        house = House(few_bytes, store=disk_store(few_bytes), redirect=False)
        taken = await fill(house, 100_000)
        for width in range(20):
            await house.get(request(100 + width, image=taken[0]))
        assert await house.publisher.flush(30.0) == 0
        assert house.publisher.refused > 0
        assert not list(few_bytes.rglob("*.part"))
        kept = await house.index.links.least_used(100)
        assert len(kept) == house.publisher.published
        for link in kept:
            assert await house.store.read(link) is not None

    run(main)


def test_without_inodes_uploads_are_refused_and_leave_nothing(few_inodes: Path) -> None:
    """The bytes would fit, the files do not; deleting one makes room."""

    async def main() -> None:
        house = House(few_inodes, store=disk_store(few_inodes))
        taken = await fill(house, 10)
        assert len(taken) >= 10
        for image in taken:
            await house.get(request(100, image=image))
        assert await house.publisher.flush(30.0) == 0
        for image in taken[:2]:
            await house.purge.delete(image)
        await house.upload(taken[0])

    run(main)
