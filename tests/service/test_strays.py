"""Originals on a disk that have no row: what becomes of them, and when."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from liveresize import errors
from liveresize.core.names import ImageId
from liveresize.core.originals import Original
from liveresize.maintenance import strays

from .doubles import SteeredIndex, away, picture, run
from .house import CAT, House, request
from .test_original_lookup import flat

DAY = 86_400.0
DOG = ImageId("dog")


@pytest.fixture
def house(tmp_path: Path) -> House:
    """An instance on a disk and an index of its own."""
    return House(tmp_path)


async def stray(house: House, image: ImageId = CAT) -> Original:
    """A picture whose deletion was never recorded, or whose row a restore took away."""
    original = await house.upload(image, picture(soul=image.name))
    dump = house.index.dump()
    del dump["originals"][image]
    house.index.restore(dump)
    house.forget_all()
    pass_time(house, 2 * 3600)
    return original


def pass_time(house: House, seconds: float) -> None:
    """Let time pass for the instance and for its index."""
    house.clock.now += seconds
    house.index.advance(seconds)


def names(folder: Path) -> list[str]:
    """The pictures whose files lie in a folder."""
    return sorted(path.name.partition("~")[0] for path in folder.rglob("*~*"))


def aside(house: House) -> list[str]:
    """The pictures that were set aside."""
    return names(house.folder / "originals" / "_lost")


def here(house: House) -> list[str]:
    """The pictures whose files lie where they belong."""
    return [path.name.partition("~")[0] for path in house.files()]


async def served(house: House) -> bool:
    """Whether the picture is answered while the index is away."""
    house.forget_all()
    house.index.available = False
    try:
        await house.get(request(100))
    except errors.IndexUnavailable:
        return False
    finally:
        house.index.available = True
    return True


def test_a_file_without_a_row_is_not_served_while_the_index_is_away(house: House) -> None:
    """It may be a deleted picture; until it was looked for, it is answered."""

    async def main() -> None:
        await stray(house)
        await house.upload(DOG)
        pass_time(house, 2 * 3600)
        assert await served(house)
        await house.publisher.flush(0.0)
        with capture_logs() as logs:
            await house.strays.look()
        assert [line["count"] for line in logs if line["event"] == "originals_without_row"] == [1]
        assert house.strays.noted == 1
        assert not await served(house)
        house.index.available = False
        assert await house.get(request(100, image=DOG))
        await house.publisher.flush(0.0)

    run(main)


def test_it_is_noted_across_restarts(house: House) -> None:
    """The next process need not walk before it knows."""

    async def main() -> None:
        await stray(house)
        await house.strays.look()
        assert not await served(House(house.folder, index=house.index))

    run(main)


def test_it_is_set_aside_when_it_has_been_without_a_row_for_long(house: House) -> None:
    """After a month from when that was seen, not from the upload; and never deleted."""

    async def main() -> None:
        original = await stray(house)
        pass_time(house, 365 * DAY)
        await house.strays.look()
        pass_time(house, 30 * DAY - 60)
        await house.strays.look()
        assert (here(house), aside(house)) == (["cat"], [])
        pass_time(house, 120)
        with capture_logs() as logs:
            await house.strays.look()
        assert (here(house), aside(house)) == ([], ["cat"])
        (line,) = [line for line in logs if line["event"] == "original_set_aside"]
        assert line["generation"] == original.generation
        assert Path(line["file"]).read_bytes() == picture(soul="cat")
        assert house.strays.noted == 0
        pass_time(house, 365 * DAY)
        await house.strays.look()
        assert aside(house) == ["cat"]

    run(main)


def test_a_row_that_is_back_ends_the_wait(house: House) -> None:
    """From a newer backup, or by `reconcile --adopt`: it is served as before, and stays."""

    async def main() -> None:
        original = await stray(house)
        await house.strays.look()
        pass_time(house, 20 * DAY)
        await house.index.rows.adopt(original)
        await house.strays.look()
        assert await served(house)
        await house.publisher.flush(0.0)
        dump = house.index.dump()
        del dump["originals"][CAT]
        house.index.restore(dump)
        pass_time(house, 20 * DAY)
        await house.strays.look()
        pass_time(house, 20 * DAY)
        await house.strays.look()
        assert aside(house) == []

    run(main)


def test_a_recorded_deletion_removes_it_wherever_it_is(house: House) -> None:
    """The index may tell of it later than it was seen to be without a row."""

    async def main() -> None:
        await stray(house)
        original = await stray(house, DOG)
        await house.strays.look()
        pass_time(house, 31 * DAY)
        await house.strays.look()
        assert aside(house) == ["cat", "dog"]
        await house.index.rows.adopt(original)
        await house.index.rows.delete(DOG)
        await house.purge.listen()
        assert aside(house) == ["cat"]

    run(main)


def test_uploads_on_their_way_are_left_alone(house: House) -> None:
    """Those that are young, and those that an upload has noted, however old."""

    async def main() -> None:
        await stray(house)
        house.clock.now -= 2 * 3600
        await house.strays.look()
        assert house.strays.noted == 0
        settle, house.originals.settle = house.originals.settle, lambda generation: None  # type: ignore[method-assign,assignment]
        await stray(house, DOG)
        pass_time(house, DAY)
        house.originals.settle = settle  # type: ignore[method-assign]
        await house.strays.look()
        assert house.strays.noted == 1
        pass_time(house, 31 * DAY)
        await house.strays.look()
        assert (here(house), aside(house)) == (["dog"], ["cat"])

    run(main)


def test_files_of_the_published_service_are_left_alone(house: House) -> None:
    """They have no row until somebody asks for them."""

    async def main() -> None:
        path = flat(house.folder)
        pass_time(house, DAY)
        await house.strays.look()
        pass_time(house, 31 * DAY)
        await house.strays.look()
        assert path.exists()
        assert house.strays.noted == 0

    run(main)


def test_all_begins_again_with_another_database(house: House) -> None:
    """What was seen in one says nothing about the other."""

    async def main() -> None:
        await stray(house)
        await house.strays.look()
        pass_time(house, 29 * DAY)
        house.index.name = "another"
        await house.strays.look()
        assert house.deletions.restores == 1
        pass_time(house, 2 * DAY)
        await house.strays.look()
        assert aside(house) == []
        pass_time(house, 29 * DAY)
        await house.strays.look()
        assert aside(house) == ["cat"]

    run(main)


@pytest.mark.parametrize("overdue", [False, True])
def test_a_database_that_changes_during_a_look_decides_nothing(house: House, overdue: bool) -> None:
    """It has no rows yet: everything on this disk would be taken for lost."""

    async def main() -> None:
        await house.upload()
        await stray(house, DOG)
        await house.strays.look()
        pass_time(house, 31 * DAY if overdue else 2 * DAY)
        dump = house.index.dump()

        async def change() -> None:
            house.index.name = "another"
            house.index.restore(SteeredIndex().dump())

        house.index.before["rows.known"] = change
        await house.strays.look()
        assert sorted(here(house)) == ["cat", "dog"]
        assert aside(house) == []
        del house.index.before["rows.known"]
        house.index.name = "memory"
        house.index.restore(dump)
        await house.strays.look()
        assert await served(house)
        await house.publisher.flush(0.0)

    run(main)


def test_nothing_is_looked_at_while_the_index_is_away(house: House) -> None:
    """And an index that goes away in the middle is asked again, not a day later."""

    async def main() -> None:
        await stray(house)
        house.index.before["rows.known"] = away()
        with pytest.raises(errors.IndexUnavailable):
            await house.strays.look()
        assert house.strays.noted == 0
        del house.index.before["rows.known"]
        await house.strays.look()
        assert house.strays.noted == 1

    run(main)


def test_a_walk_through_all_is_a_day_apart(house: House) -> None:
    """It reads every folder; the notes alone are reviewed each time."""

    async def main() -> None:
        await house.strays.look()
        await stray(house)
        await house.strays.look()
        assert house.strays.noted == 0
        pass_time(house, DAY)
        await house.strays.look()
        assert house.strays.noted == 1

    run(main)


def test_a_walk_asks_for_some_at_a_time(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many originals there are, no question is longer than that."""

    async def main() -> None:
        monkeypatch.setattr(strays, "_BATCH", 3)
        for number in range(10):
            await stray(house, ImageId(f"cat {number}"))
        await house.upload()
        house.index.calls.clear()
        await house.strays.look()
        assert house.index.calls["rows.known"] == 4
        assert house.strays.noted == 10
        pass_time(house, 31 * DAY)
        await house.strays.look()
        assert len(aside(house)) == 10
        assert here(house) == ["cat"]

    run(main)


def test_a_full_disk_takes_no_notes(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next walk comes by; nothing else suffers."""

    async def main() -> None:
        await stray(house)
        full = errors.DiskFull("", "no room")

        def refuse(*_: object) -> Iterator[None]:
            raise full

        with monkeypatch.context() as patched:
            patched.setattr("liveresize.storage.files.Reserve.check", refuse)
            with capture_logs() as logs:
                await house.strays.look()
        assert [line["event"] for line in logs] == ["strays_not_noted"]
        pass_time(house, DAY)
        await house.strays.look()
        assert house.strays.noted == 1

    run(main)


def test_what_was_assumed_is_confirmed_when_the_index_is_back(house: House) -> None:
    """Once: what the index has said is not asked for again and again."""

    async def main() -> None:
        await house.upload()
        assert await served(house)
        house.index.calls.clear()
        await house.purge.listen()
        await house.purge.listen()
        assert house.index.calls["rows.known"] == 1
        assert house.renditions.recall(request(100)) is not None
        assert await house.publisher.flush(30.0) == 0

    run(main)


def test_what_was_assumed_is_forgotten_when_the_index_knows_better(house: House) -> None:
    """Nobody need ask for another rendition of it first; and it does not come back."""

    async def main() -> None:
        await stray(house)
        assert await served(house)
        assert house.renditions.recall(request(100)) is not None
        await house.purge.listen()
        assert house.renditions.recall(request(100)) is None
        assert not await served(house)
        assert await house.publisher.flush(30.0) == 0
        assert house.fake_store.objects == {}

    run(main)


def test_an_assumed_file_of_the_published_service_is_adopted(house: House) -> None:
    """It is only forgotten: whoever asks next has it recorded."""

    async def main() -> None:
        flat(house.folder)
        assert await served(house)
        await house.purge.listen()
        assert house.renditions.recall(request(100)) is None
        assert await house.get(request(100))
        assert house.index.calls["rows.adopt"] == 1
        assert await house.publisher.flush(30.0) == 0

    run(main)


def test_the_deleted_picture_of_an_instance_that_was_off(tmp_path: Path) -> None:
    """For a week: it hears of the deletion, and nothing is left to be served."""

    async def main() -> None:
        index = SteeredIndex()
        here, there = House(tmp_path / "here", index=index), House(tmp_path / "there", index=index)
        original = await here.upload()
        copy = there.originals.staging("copy")
        copy.write_bytes(picture())
        await there.originals.restore(copy, original)
        await there.purge.listen()
        await here.purge.delete(CAT)
        for _ in range(7):
            pass_time(here, DAY)
            await here.purge.tidy()
        again = House(tmp_path / "there", index=index)
        await again.purge.listen()
        assert again.files() == []
        assert not await served(again)

    run(main)
