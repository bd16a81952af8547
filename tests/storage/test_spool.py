"""The queue of renditions that are not stored yet: a folder."""

import asyncio
import errno
import os
from pathlib import Path

import pytest

from liveresize import errors
from liveresize.settings.server import Disk
from liveresize.storage.spool import DiskSpool

from .test_files import statvfs

GENERATION = "0" * 27
OLD, NEW = GENERATION + "1", GENERATION + "2"


def spool(folder: Path, max_bytes: int = 1 << 20, reserve: int = 0) -> DiskSpool:
    """A spool as a start finds it."""
    made = DiskSpool(folder / "spool", Disk(reserve=reserve, reserve_inodes=0), max_bytes=max_bytes)
    made.prepare()
    return made


def test_engines_have_files_of_their_own(tmp_path: Path) -> None:
    """One of 1.0.0 is known by its name, and removing it leaves that of another engine."""

    async def main() -> None:
        (tmp_path / "spool").mkdir()
        old = tmp_path / "spool" / f"{OLD}.100x0-jpeg.jpg"
        old.write_bytes(b"old")
        box = spool(tmp_path)
        assert box.parse(old) == (OLD, "100x0-jpeg", "1", "jpg")
        path = await box.put(OLD, "100x0-jpeg", "2.1", "jpg", b"new")
        assert box.parse(path) == (OLD, "100x0-jpeg", "2.1", "jpg")
        await box.remove(old)
        assert await box.read(OLD, "100x0-jpeg") == b"new"
        assert box.bytes == 3

    asyncio.run(main())


def test_a_chosen_quality_outlives_a_restart(tmp_path: Path) -> None:
    """Of those renditions that have one."""

    async def main() -> None:
        box = spool(tmp_path)
        path = await box.put(OLD, "100x0-q80-mb9-jpeg", "2", "jpg", b"data", 71)
        await box.put(OLD, "100x0-q80-jpeg", "2", "jpg", b"plain")
        for each in (box, spool(tmp_path)):
            assert each.parse(path) == (OLD, "100x0-q80-mb9-jpeg", "2", "jpg")
            assert each.quality(OLD, "100x0-q80-mb9-jpeg") == 71
            assert each.quality(OLD, "100x0-q80-jpeg") is None
            assert each.quality(NEW, "100x0-q80-mb9-jpeg") is None
            assert await each.read(OLD, "100x0-q80-mb9-jpeg") == b"data"
        await box.remove(path)
        assert box.quality(OLD, "100x0-q80-mb9-jpeg") is None

    asyncio.run(main())


def test_what_was_put_can_be_read_and_removed(tmp_path: Path) -> None:
    """By generation and variant; afterwards nothing is left."""

    async def main() -> None:
        box = spool(tmp_path)
        path = await box.put(OLD, "100x0-qa82.80.60-auto.aw", "1", "jpg", b"data")
        assert box.parse(path) == (OLD, "100x0-qa82.80.60-auto.aw", "1", "jpg")
        assert await box.read(OLD, "100x0-qa82.80.60-auto.aw") == b"data"
        assert await box.read(NEW, "100x0-qa82.80.60-auto.aw") is None
        assert box.bytes == 4
        await box.remove(path)
        await box.remove(path)
        assert await box.read(OLD, "100x0-qa82.80.60-auto.aw") is None
        assert (box.bytes, box._names, box._sizes) == (0, {}, {})
        assert list(path.parent.iterdir()) == []

    asyncio.run(main())


def test_a_generation_is_removed_whole(tmp_path: Path) -> None:
    """That there is nothing of it any more is no error, and others stay."""

    async def main() -> None:
        box = spool(tmp_path)
        for variant in ("v", "w"):
            await box.put(OLD, variant, "1", "jpg", b"data")
        path = await box.put(NEW, "v", "1", "jpg", b"news")
        for _ in range(2):
            await box.remove_generation(OLD)
            assert await box.entries() == list((tmp_path / "spool").iterdir()) == [path]
            assert (await box.read(OLD, "v"), await box.read(NEW, "v")) == (None, b"news")
            assert box.bytes == 4

    asyncio.run(main())


def test_putting_again_replaces(tmp_path: Path) -> None:
    """The same rendition is there once."""

    async def main() -> None:
        box = spool(tmp_path)
        await box.put(OLD, "v", "1", "jpg", b"first")
        path = await box.put(OLD, "v", "1", "jpg", b"2nd")
        assert await box.entries() == [path]
        assert await box.read(OLD, "v") == b"2nd"
        assert box.bytes == 3

    asyncio.run(main())


def test_a_file_that_vanished_is_no_rendition(tmp_path: Path) -> None:
    """Somebody tidied up by hand: the answer is None."""

    async def main() -> None:
        box = spool(tmp_path)
        path = await box.put(OLD, "v", "1", "jpg", b"data")
        path.unlink()
        assert await box.read(OLD, "v") is None
        await box.remove(path)
        assert box.bytes == 0

    asyncio.run(main())


def test_a_restart_finds_what_was_left(tmp_path: Path) -> None:
    """Oldest first and counted; halves and strangers are removed, folders are not minded."""

    async def main() -> None:
        box = spool(tmp_path)
        for age, variant in ((100, "b"), (300, "a"), (200, "c")):
            path = await box.put(OLD, variant, "1", "jpg", b"." * age)
            os.utime(path, (1_000_000 - age, 1_000_000 - age))
        folder = tmp_path / "spool"
        strangers = (
            f"{OLD}.d.jpg.0123.part",
            f"{OLD}.d.xyz",
            f"{OLD}.jpg",
            "notes.txt",
            "short.v.jpg",
        )
        for name in strangers:
            (folder / name).write_bytes(b"half")
        (folder / "lost+found").mkdir()
        again = spool(tmp_path)
        assert [again.parse(path)[1] for path in await again.entries()] == ["a", "c", "b"]
        assert again.bytes == 600
        assert await again.read(OLD, "a") == b"." * 300
        left = {path.name for path in folder.iterdir()}
        assert left.isdisjoint(strangers)
        assert "lost+found" in left

    asyncio.run(main())


def test_the_oldest_are_dropped_over_the_bound(tmp_path: Path) -> None:
    """The newest always stays, were it alone too large."""

    async def main() -> None:
        box = spool(tmp_path, max_bytes=25)
        for variant in "abc":
            await box.put(OLD, variant, "1", "jpg", b"." * 10)
        assert await box.read(OLD, "a") is None
        assert (box.bytes, box.dropped) == (20, 1)
        path = await box.put(OLD, "d", "1", "jpg", b"." * 100)
        assert await box.entries() == [path]
        assert (box.bytes, box.dropped) == (100, 3)

    asyncio.run(main())


def test_twice_the_reserve_stays_free(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Renditions are refused while originals still find room."""

    async def main() -> None:
        box = spool(tmp_path, reserve=100)
        monkeypatch.setattr(os, "statvfs", lambda _: statvfs(bavail=205))
        await box.put(OLD, "v", "1", "jpg", b"." * 5)
        with pytest.raises(errors.DiskFull):
            await box.put(OLD, "w", "1", "jpg", b"." * 6)
        assert await box.read(OLD, "w") is None

    asyncio.run(main())


def test_a_failed_write_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a file nor a place in the queue."""

    async def main() -> None:
        box = spool(tmp_path)

        def refuse(*_: object) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(os, "write", refuse)
        with pytest.raises(errors.DiskFull, match="no room"):
            await box.put(OLD, "v", "1", "jpg", b"data")
        assert await box.entries() == []
        assert list((tmp_path / "spool").iterdir()) == []

    asyncio.run(main())


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    """The start hears of it in our own terms."""
    (tmp_path / "spool").write_text("a file")
    with pytest.raises(errors.DiskFull):
        spool(tmp_path)
