"""Notes about originals without a row, and the folder where those are set aside."""

import asyncio
import os
from pathlib import Path

import pytest

from liveresize import errors
from liveresize.core.names import ImageId
from liveresize.core.ports import StrayNote
from liveresize.settings.server import Disk
from liveresize.storage.listings import OriginalFiles
from liveresize.storage.originals import DiskOriginals
from liveresize.storage.strays import LOST, StrayFiles

from .test_files import statvfs
from .test_originals import NAMES, kept, of, store
from .worlds import CAT

NOW = 1_700_000_000.5


def strays(folder: Path, reserve: int = 0) -> StrayFiles:
    """The notes about the originals of `store`."""
    return StrayFiles(folder / "originals", Disk(reserve=reserve, reserve_inodes=0))


async def noted(files: StrayFiles) -> list[StrayNote]:
    """Every note."""
    return [note async for notes in files.notes() for note in notes]


async def stray(originals: DiskOriginals, name: str = "cat", digit: str = "1") -> Path:
    """An original without a row."""
    return await kept(originals, of(ImageId(name), digit))


@pytest.mark.parametrize("bucket", ["", "pets"])
@pytest.mark.parametrize("name", NAMES)
def test_any_original_is_noted_and_set_aside(tmp_path: Path, name: str, bucket: str) -> None:
    """It is not found while there is a note, and removed where it is after it was moved."""

    async def main() -> None:
        originals, files = store(tmp_path), strays(tmp_path)
        original = of(ImageId(name, bucket))
        path = await kept(originals, original)
        ((generation, found),) = [one async for one in files.files()]
        assert (generation, found) == (original.generation, path)
        assert await files.note([(generation, found)], NOW) == 1
        assert await files.note([(generation, found)], NOW + 1) == 0
        (note,) = await noted(files)
        assert note == StrayNote(generation=generation, path=path, noted_at=NOW)
        assert originals.find(original.image) is None
        assert originals.exists(original)
        place = await files.set_aside(note)
        assert place is not None
        assert place.read_bytes() == b"data"
        assert not originals.exists(original)
        assert await noted(files) == []
        assert [one async for one in files.files()] == []
        listed = [one async for one in OriginalFiles(tmp_path / "originals" / LOST).entries()]
        assert [(path, generation) for path, generation, _, _ in listed] == [(place, generation)]
        await originals.remove(original)
        assert not place.exists()

    asyncio.run(main())


def test_an_older_generation_is_found_behind_a_stray(tmp_path: Path) -> None:
    """The note is about one generation, not about its picture."""

    async def main() -> None:
        originals, files = store(tmp_path), strays(tmp_path)
        older, newer = await stray(originals, digit="1"), await stray(originals, digit="2")
        await files.note([("2" * 28, newer)], NOW)
        assert originals.find(CAT) == ("1" * 28, older)
        await files.withdraw(["2" * 28])
        assert originals.find(CAT) == ("2" * 28, newer)

    asyncio.run(main())


def test_a_settled_original_is_no_stray(tmp_path: Path) -> None:
    """Whoever records it says so at once; withdrawing twice is no error."""

    async def main() -> None:
        originals, files = store(tmp_path), strays(tmp_path)
        path = await stray(originals)
        await files.note([("1" * 28, path)], NOW)
        originals.settle("1" * 28)
        assert await noted(files) == []
        await files.withdraw(["1" * 28])

    asyncio.run(main())


def test_an_upload_that_is_not_settled_is_not_noted(tmp_path: Path) -> None:
    """It has a note of its own, which leads to its row or to its removal."""

    async def main() -> None:
        originals, files = store(tmp_path), strays(tmp_path)
        staged = originals.staging("staged")
        staged.write_bytes(b"data")
        await originals.keep(staged, of())
        assert await files.note([("1" * 28, originals.path(of()))], NOW) == 0

    asyncio.run(main())


def test_what_is_gone_cannot_be_set_aside(tmp_path: Path) -> None:
    """Its note goes all the same."""

    async def main() -> None:
        originals, files = store(tmp_path), strays(tmp_path)
        path = await stray(originals)
        await files.note([("1" * 28, path)], NOW)
        path.unlink()
        (note,) = await noted(files)
        assert await files.set_aside(note) is None
        assert await noted(files) == []

    asyncio.run(main())


@pytest.mark.parametrize("damage", [b"", b"_main/ab/cd/cat~1", b"_main/x\nsoon", b"\xff"])
def test_a_damaged_note_is_dropped(tmp_path: Path, damage: bytes) -> None:
    """As a power failure leaves it; the next walk notes the original again."""

    async def main() -> None:
        originals, files = store(tmp_path), strays(tmp_path)
        path = await stray(originals)
        await files.note([("1" * 28, path)], NOW)
        place = tmp_path / "originals" / "_unrecorded" / "11"
        (place / ("1" * 28)).write_bytes(damage)
        (place / f"{'1' * 28}.0.part").write_bytes(b"x\n5")
        assert await noted(files) == []
        assert os.listdir(place) == []
        assert await files.note([("1" * 28, path)], NOW) == 1

    asyncio.run(main())


def test_all_notes_are_forgotten_at_once(tmp_path: Path) -> None:
    """Also where there are none."""

    async def main() -> None:
        originals, files = store(tmp_path), strays(tmp_path)
        await files.forget()
        for digit in "123":
            path = await stray(originals, digit=digit)
            await files.note([(digit * 28, path)], NOW)
        await files.forget()
        assert await noted(files) == []

    asyncio.run(main())


def test_notes_leave_the_reserve_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A million of them must not take what uploads need."""

    async def main() -> None:
        originals, files = store(tmp_path), strays(tmp_path, reserve=1000)
        path = await stray(originals)
        monkeypatch.setattr(os, "statvfs", lambda _: statvfs(bavail=999))
        with pytest.raises(errors.DiskFull):
            await files.note([("1" * 28, path)], NOW)

    asyncio.run(main())


def test_a_folder_that_cannot_be_made_is_a_full_disk(tmp_path: Path) -> None:
    """Neither note nor move is half done."""

    async def main() -> None:
        originals, files = store(tmp_path), strays(tmp_path)
        path = await stray(originals)
        (tmp_path / "originals" / "_lost").write_bytes(b"in the way")
        await files.note([("1" * 28, path)], NOW)
        (note,) = await noted(files)
        with pytest.raises(errors.DiskFull):
            await files.set_aside(note)
        assert path.exists()
        assert await noted(files) == [note]
        await files.forget()
        (tmp_path / "originals" / "_unrecorded").write_bytes(b"in the way")
        assert await noted(files) == []
        with pytest.raises(errors.DiskFull):
            await files.note([("1" * 28, path)], NOW)

    asyncio.run(main())
