"""What is known about originals, and where from."""

import asyncio
from pathlib import Path

import pytest

from liveresize import errors
from liveresize.core.jobs import ProbeJob
from liveresize.core.names import ImageId

from .doubles import SteeredIndex, away, picture, run
from .house import CAT, House, request


def flat(folder: Path, name: str = "cat", data: bytes | None = None) -> Path:
    """A file as the published service left it."""
    path = folder / "originals" / name
    path.write_bytes(picture() if data is None else data)
    return path


def test_facts_come_from_memory_then_from_the_index(tmp_path: Path) -> None:
    """One lookup for fifty who ask at once, and none after."""

    async def main() -> None:
        house = House(tmp_path)
        original = await house.upload()
        house.forget_all()
        found = await asyncio.gather(*(house.original_lookup.get(CAT) for _ in range(50)))
        assert set(found) == {original}
        await house.original_lookup.get(CAT)
        assert house.index.calls["rows.find"] == 2  # the first was the test's own

    run(main)


def test_a_file_of_the_published_service_is_adopted(tmp_path: Path) -> None:
    """Probed once, recorded, and from then on an original like any other."""

    async def main() -> None:
        house = House(tmp_path)
        flat(tmp_path)
        found = await asyncio.gather(*(house.original_lookup.get(CAT) for _ in range(20)))
        assert house.renderer.jobs == [ProbeJob(path=str(tmp_path / "originals" / "cat"))]
        row = await house.index.rows.find(CAT)
        assert row is not None
        assert set(found) == {row}
        assert house.originals.foreign(row.generation)
        made = await house.get(request(100))
        assert made.held.data.endswith(picture())
        assert await house.publisher.flush(30.0) == 0
        assert house.publisher.published == 1
        house.forget_all()
        await house.find(request(100))

    run(main)


def test_without_the_index_a_file_of_the_published_service_is_served_only(tmp_path: Path) -> None:
    """Adopting it waits until the index is back; then the next request does it."""

    async def main() -> None:
        house = House(tmp_path)
        flat(tmp_path)
        house.index.available = False
        await house.get(request(100))
        assert house.index.calls["rows.adopt"] == 0
        await house.publisher.flush(0.0)
        house.index.available = True
        await house.get(request(110))
        await house.get(request(120))
        assert house.index.calls["rows.adopt"] == 1
        assert await house.publisher.flush(30.0) == 0
        assert house.publisher.published == 2

    run(main)


def test_a_foreign_file_that_is_no_picture_is_the_clients_to_hear(tmp_path: Path) -> None:
    """It is neither adopted nor remembered."""

    async def main() -> None:
        house = House(tmp_path)
        flat(tmp_path, data=b"notes about cats")
        for _ in range(2):
            with pytest.raises(errors.UnsupportedImage):
                await house.original_lookup.get(CAT)
        assert await house.index.rows.find(CAT) is None

    run(main)


def test_a_deleted_foreign_file_stays_deleted(tmp_path: Path) -> None:
    """Its file goes with its row, so that it is not adopted again."""

    async def main() -> None:
        house = House(tmp_path)
        path = flat(tmp_path)
        await house.original_lookup.get(CAT)
        await house.purge.delete(CAT)
        assert not path.exists()
        with pytest.raises(errors.OriginalMissing):
            await house.original_lookup.get(CAT)

    run(main)


def test_what_the_index_does_not_know_is_missing(tmp_path: Path) -> None:
    """Even if one of our own files of that name lies on the disk, as after a crash."""

    async def main() -> None:
        house = House(tmp_path)
        await house.upload()
        elsewhere = House(tmp_path, index=SteeredIndex())
        with pytest.raises(errors.OriginalMissing):
            await elsewhere.original_lookup.get(CAT)
        with pytest.raises(errors.OriginalMissing):
            await elsewhere.original_lookup.get(ImageId("cat", "bucket"))

    run(main)


def test_an_original_on_another_instance_is_elsewhere(tmp_path: Path) -> None:
    """Known to the index, but not on this disk: facts are told, and once it is, pictures."""

    async def main() -> None:
        index = SteeredIndex()
        here = House(tmp_path / "here", index=index)
        there = House(tmp_path / "there", index=index)
        original = await here.upload()
        assert await there.original_lookup.get(CAT) == original
        with pytest.raises(errors.OriginalElsewhere):
            await there.renditions.serve(request(100))
        place = there.originals.path(original)
        place.parent.mkdir(parents=True)
        place.write_bytes(here.originals.path(original).read_bytes())
        assert (await there.get(request(100))).held.data.endswith(picture())
        assert await there.publisher.flush(30.0) == 0

    run(main)


def test_a_file_that_cannot_be_recorded_is_served_all_the_same(tmp_path: Path) -> None:
    """The database answers and takes nothing, as on a full disk; later it is adopted."""

    async def main() -> None:
        house = House(tmp_path)
        flat(tmp_path)
        house.index.before["rows.adopt"] = away()
        assert (await house.get(request(100))).held.data.endswith(picture())
        assert await house.index.rows.find(CAT) is None
        del house.index.before["rows.adopt"]
        await house.get(request(110))
        assert await house.index.rows.find(CAT) is not None
        assert await house.publisher.flush(30.0) == 0

    run(main)


def test_the_index_recovers_while_a_picture_is_known_from_disk(tmp_path: Path) -> None:
    """What the disk told during the outage is what the index says after it."""

    async def main() -> None:
        house = House(tmp_path)
        original = await house.upload()
        house.forget_all()
        house.index.available = False
        found = await house.original_lookup.get(CAT)
        assert (found.generation, found.size) == (original.generation, original.size)
        assert await house.original_lookup.get(CAT) == found
        assert len(house.renderer.jobs) == 2
        house.index.available = True
        assert await house.original_lookup.get(CAT) == original

    run(main)


def test_what_the_disk_told_is_forgotten_when_the_index_knows_better(tmp_path: Path) -> None:
    """A file without a row is served during an outage, and no longer than that."""

    async def main() -> None:
        house = House(tmp_path)
        await house.upload()
        await house.index.rows.delete(CAT)
        house.forget_all()
        house.index.available = False
        await house.get(request(100, proxy=True))
        house.index.available = True
        with pytest.raises(errors.OriginalMissing):
            await house.get(request(110))
        assert house.renditions.recall(request(100, proxy=True)) is None
        await house.publisher.flush(30.0)
        assert not house.fake_store.objects

    run(main)


def test_a_foreign_file_takes_its_id(tmp_path: Path) -> None:
    """Nobody has looked at it yet, and still no token is issued but one to overwrite it."""

    async def main() -> None:
        house = House(tmp_path)
        path = flat(tmp_path)
        with pytest.raises(errors.IdTaken):
            await house.token()
        await house.upload(data=picture(soul="new"))
        assert not path.exists()
        await house.purge.delete(CAT)
        with pytest.raises(errors.OriginalMissing):
            await house.original_lookup.get(CAT)

    run(main)


def test_a_foreign_file_can_be_deleted_unseen(tmp_path: Path) -> None:
    """It need not have been asked for before."""

    async def main() -> None:
        house = House(tmp_path)
        path = flat(tmp_path)
        await house.purge.delete(CAT)
        assert not path.exists()
        with pytest.raises(errors.OriginalMissing):
            await house.purge.delete(CAT)

    run(main)


def test_a_foreign_file_that_is_no_picture_takes_no_id(tmp_path: Path) -> None:
    """It stands in nobody's way, and cannot be deleted over HTTP."""

    async def main() -> None:
        house = House(tmp_path)
        path = flat(tmp_path, data=b"notes about cats")
        assert await house.token()
        with pytest.raises(errors.OriginalMissing):
            await house.purge.delete(CAT)
        assert path.exists()

    run(main)
