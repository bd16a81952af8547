"""Room that is kept for deletions, and what they do with it on a disk that is full."""

import asyncio
import errno
import os
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest
from crashes import disks

from liveresize import errors
from liveresize.core.names import ImageId
from liveresize.core.ports import Selection
from liveresize.core.tokens import Grant
from liveresize.storage.index import spare
from liveresize.storage.index.spare import SpareFile
from liveresize.storage.index.sql_index import DatabaseIndex

from . import worlds
from .memory_index import MemoryIndex

DOG = ImageId("dog")


def test_it_holds_room_until_it_is_given_up(tmp_path: Path) -> None:
    """Real blocks, not a hole; giving up twice makes room once."""
    path = tmp_path / "spare"
    one = SpareFile(path)
    assert not one.complete
    one.keep()
    assert one.complete
    assert path.stat().st_blocks * 512 >= spare.SIZE
    assert one.give_up()
    assert not one.give_up()
    assert not path.exists()


def test_it_takes_what_there_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a file is better than none; what is too little for a deletion is left alone."""
    really = os.statvfs(tmp_path)
    facts = list(really)

    def has(size: int) -> None:
        facts[4] = size // really.f_frsize
        monkeypatch.setattr(os, "statvfs", lambda _: os.statvfs_result(facts))

    one = SpareFile(tmp_path / "spare")
    has(32 << 10)
    one.keep()
    assert not (tmp_path / "spare").exists()
    has(256 << 10)
    one.keep()
    assert (tmp_path / "spare").stat().st_size == 256 << 10
    has(spare.SIZE)
    one.keep()
    assert one.complete


def test_a_disk_that_others_fill_meanwhile_costs_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was held stays as it was, and nobody hears of it."""

    def refuse(descriptor: int, offset: int, size: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    path = tmp_path / "spare"
    path.write_bytes(bytes(100))
    monkeypatch.setattr(os, "posix_fallocate", refuse)
    SpareFile(path).keep()
    assert path.stat().st_size == 100


def test_a_folder_that_is_gone_is_nobody_s_trouble(tmp_path: Path) -> None:
    """Whoever opens the database says so."""
    one = SpareFile(tmp_path / "gone" / "spare")
    one.keep()
    assert not one.give_up()


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 16 MB."""
    with disks.small(tmp_path / "disk", "size=16m") as folder:
        yield folder


def on(disk: Path, scenario: Callable[[worlds.Bench], Awaitable[None]]) -> None:
    """Run the scenario on an index in that folder."""

    async def main() -> None:
        url = f"sqlite:///{disk}/index.sqlite3"
        index = await DatabaseIndex.open(worlds.patient_database(url))
        try:
            await scenario(worlds.Bench(index, asyncio.sleep))
        finally:
            await index.close()

    asyncio.run(main())


async def issue_many(index: DatabaseIndex | MemoryIndex) -> None:
    """Issue more tokens than the blocks of the log have room for, which are written again."""
    for number in range(1000):
        await index.tokens.issue(Grant(image=ImageId(f"cat{number}"), lifetime=60.0))


@pytest.mark.long
def test_what_makes_room_works_on_a_full_disk_and_nothing_else_does(disk: Path) -> None:
    """Tokens are refused as full; deleting, purging and forgetting go on, again and again,
    without a single block becoming free."""

    async def scenario(bench: worlds.Bench) -> None:
        index = bench.index
        stored = [await bench.upload(ImageId(f"dog{number}")) for number in range(60)]
        links = [await bench.add(one) for one in stored]
        disks.stuff(disk)
        with pytest.raises(errors.IndexFull):
            await issue_many(index)
        assert len(await index.links.purge(Selection(image=stored[0].image), 10)) == 1
        await index.links.forget(links[1:3])
        for one in stored[3:40]:
            disks.stuff(disk)
            assert await index.rows.delete(one.image) is not None
        for one in stored[40:]:
            disks.stuff(disk)
            assert await index.rows.end(one)
        assert await index.rows.find(stored[-1].image) is None
        assert await index.rows.find(stored[0].image) is not None

    on(disk, scenario)


@pytest.mark.long
def test_a_full_disk_without_spare_room_refuses_in_words(disk: Path) -> None:
    """Where something else has removed the file, too; nothing is half done."""

    async def scenario(bench: worlds.Bench) -> None:
        stored = await bench.upload(DOG)
        (disk / "index.sqlite3-spare").unlink()
        disks.stuff(disk)
        with pytest.raises(errors.IndexFull, match="full"):
            await bench.index.rows.delete(DOG)
        assert await bench.index.rows.find(DOG) == stored

    on(disk, scenario)


@pytest.mark.long
def test_an_index_is_opened_on_a_full_disk(disk: Path) -> None:
    """Its log was removed when it was closed, and takes blocks again."""

    async def write(bench: worlds.Bench) -> None:
        await bench.upload(DOG)

    async def read(bench: worlds.Bench) -> None:
        assert await bench.index.rows.find(DOG) is not None
        assert await bench.index.rows.delete(DOG) is not None

    on(disk, write)
    assert not list(disk.glob("*-wal"))
    disks.stuff(disk)
    on(disk, read)


@pytest.mark.long
def test_room_is_kept_again_once_there_is_some(disk: Path) -> None:
    """By the housekeeping, without a restart."""

    async def scenario(bench: worlds.Bench) -> None:
        assert isinstance(bench.index, DatabaseIndex)
        await bench.upload(DOG)
        kept = disk / "index.sqlite3-spare"
        kept.unlink()
        await bench.index.look_after()
        assert kept.stat().st_size == spare.SIZE

    on(disk, scenario)
