"""Files in the embedded store that no link leads to."""

import os
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from liveresize.core.names import ImageId
from liveresize.core.ports import RenditionFile, Selection
from liveresize.maintenance import orphans
from liveresize.storage.listings import RenditionFiles

from .doubles import FakeStore, SteeredIndex, away, run, until
from .house import CAT, House, disk_store, request

DOG = ImageId("dog")
HOUR = 3600.0


def embedded(folder: Path, index: SteeredIndex | None = None, disk_bytes: int = 0) -> House:
    """An instance that keeps its renditions on its disk."""
    return House(folder, index=index, store=disk_store(folder), disk_bytes=disk_bytes)


def objects(house: House) -> list[Path]:
    """Every file in the store."""
    found = (house.folder / "renditions").rglob("*")
    return sorted(path for path in found if path.is_file())


def whole(house: House) -> list[Path]:
    """Every file in the store that is complete."""
    return [path for path in objects(house) if path.suffix != ".part"]


def age(house: House, hours: float = 2.0) -> None:
    """Make everything in the store and in the spool so old."""
    then = house.clock.now - hours * HOUR
    for path in [*objects(house), *(house.folder / "spool").iterdir()]:
        os.utime(path, (then, then))


async def lose_links(house: House) -> None:
    """What a kill between storing and linking leaves, where the spool had no room."""
    links = [link for link, _ in await house.index.links.after("", "", 1000)]
    await house.index.links.forget(links)


def test_a_file_without_a_link_goes(tmp_path: Path) -> None:
    """The folder of its generation goes with the last one; the others stay as they are."""

    async def main() -> None:
        house = embedded(tmp_path)
        await house.upload()
        await house.publish(100, 50)
        await lose_links(house)
        await house.upload(DOG)
        await house.publish(100, image=DOG)
        kept = objects(house)
        age(house)
        with capture_logs() as logs:
            await house.purge.tidy()
        assert [line["count"] for line in logs if line["event"] == "orphans_removed"] == [2]
        assert house.orphans.removed == 2
        (left,) = objects(house)
        assert left in kept
        assert len(list((tmp_path / "renditions").glob("*/*"))) == 1
        house.forget_all()
        await house.find(request(100, image=DOG))

    run(main)


@pytest.mark.parametrize("step", ["links.add_all", "links.evict"])
def test_a_kill_between_steps_leaves_nothing_for_good(tmp_path: Path, step: str) -> None:
    """Between storing and linking where the spool is lost, too; between the rows and the
    objects of an eviction."""

    async def main() -> None:
        house = embedded(tmp_path, disk_bytes=1 if step == "links.evict" else 0)
        await house.upload()
        if step == "links.add_all":
            house.index.before[step] = away()
            await house.get(request(100))
            await until(lambda: whole(house))
            await house.publisher.flush(0.0)
        else:
            await house.publish(100)

            async def die() -> None:
                raise RuntimeError("killed")

            house.index.after[step] = die
            with pytest.raises(RuntimeError):
                await house.purge.tidy()
        assert len(objects(house)) == 1
        age(house)
        again = embedded(tmp_path, _without_hooks(house.index))
        await again.publisher.resume()
        assert await again.publisher.flush(30.0) == 0
        await again.purge.tidy()
        assert objects(again) == []

    run(main)


def _without_hooks(index: SteeredIndex) -> SteeredIndex:
    index.before.clear()
    index.after.clear()
    return index


def test_what_is_half_written_goes_when_it_is_old(tmp_path: Path) -> None:
    """Nothing takes an hour to be written."""

    async def main() -> None:
        house = embedded(tmp_path)
        await house.upload()
        await house.publish(100)
        (made,) = objects(house)
        half = made.with_name(made.name + ".part")
        half.write_bytes(b"half")
        age(house)
        os.utime(half, (house.clock.now, house.clock.now))
        await house.orphans.sweep()
        assert objects(house) == [made, half]
        age(house)
        house.clock.now += HOUR
        await house.orphans.sweep()
        assert objects(house) == [made]

    run(main)


def test_what_ended_while_the_process_was_dead_goes(tmp_path: Path) -> None:
    """Also where its end is no longer remembered."""

    async def main() -> None:
        house = embedded(tmp_path)
        await house.upload()
        await house.publish(100)
        await house.index.rows.delete(CAT)
        house.index.restore({**house.index.dump(), "purges": []})
        age(house)
        await house.orphans.sweep()
        assert objects(house) == []

    run(main)


def test_what_is_young_is_left_alone(tmp_path: Path) -> None:
    """It was just stored, and its link may come in a moment."""

    async def main() -> None:
        house = embedded(tmp_path)
        await house.upload()
        await house.publish(100)
        await lose_links(house)
        age(house, hours=0.9)
        await house.orphans.sweep()
        assert len(objects(house)) == 1

    run(main)


def test_what_is_on_its_way_is_left_alone(tmp_path: Path) -> None:
    """However old it is: it is stored, and the index was away too long to link it."""

    async def main() -> None:
        house = embedded(tmp_path)
        await house.upload()
        house.index.before["links.add_all"] = away()
        await house.get(request(100))
        await until(lambda: whole(house))
        age(house)
        await house.orphans.sweep()
        assert len(objects(house)) == 1
        _without_hooks(house.index)
        assert await house.publisher.flush(30.0) == 0
        await house.find(request(100))

    run(main)


def test_a_rendition_that_is_linked_during_the_sweep_stays(tmp_path: Path) -> None:
    """What arrived since it was listed has its link by then."""

    async def main() -> None:
        house = embedded(tmp_path)
        await house.upload()
        house.index.before["links.add_all"] = away()
        await house.get(request(100))
        await until(lambda: whole(house))
        age(house)

        listing = RenditionFiles(tmp_path / "renditions")
        part = listing.part

        async def linked_meanwhile(number: int) -> list[RenditionFile]:
            found = await part(number)
            if found:
                _without_hooks(house.index)
                assert await house.publisher.flush(30.0) == 0
            return found

        listing.part = linked_meanwhile  # type: ignore[method-assign]
        house.orphans._files = listing
        await house.orphans.sweep()
        assert house.index.calls["links.keys_of"] == 1
        house.forget_all()
        await house.find(request(100))
        assert len(objects(house)) == 1

    run(main)


def test_the_object_of_a_purged_link_stays_for_its_time(tmp_path: Path) -> None:
    """Its row is there, and browsers hold redirects to it."""

    async def main() -> None:
        house = embedded(tmp_path)
        await house.upload()
        await house.publish(100)
        await house.purge.purge(Selection(image=CAT), 1)
        age(house)
        await house.orphans.sweep()
        assert len(objects(house)) == 1

    run(main)


def test_a_large_store_is_swept_in_rounds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some files a round, then an hour of rest before it begins again."""

    async def main() -> None:
        monkeypatch.setattr(orphans, "_AT_ONCE", 3)
        monkeypatch.setattr(orphans, "_BATCH", 2)
        house = embedded(tmp_path)
        for number in range(10):
            await house.upload(ImageId(f"cat {number}"))
            await house.publish(100, image=ImageId(f"cat {number}"))
        await lose_links(house)
        age(house)
        left = []
        for _ in range(6):
            await house.orphans.sweep()
            left.append(len(objects(house)))
        assert left[0] >= 5
        assert left[-1] == 0
        await house.publish(60, image=ImageId("cat 0"))
        await lose_links(house)
        age(house)
        await house.orphans.sweep()
        assert len(objects(house)) == 1
        house.clock.now += HOUR
        await house.orphans.sweep()
        assert objects(house) == []

    run(main)


def test_a_bucket_is_not_listed(tmp_path: Path) -> None:
    """That costs money: `reconcile` does it when it is asked to."""

    async def main() -> None:
        house = House(tmp_path, store=FakeStore())
        await house.orphans.sweep()
        assert house.index.calls["links.keys_of"] == 0

    run(main)


@pytest.mark.parametrize("shared", [False, True])
def test_a_spooled_rendition_of_a_deleted_picture_takes_its_object_along(
    tmp_path: Path, shared: bool
) -> None:
    """It may have been stored before the server was killed, also in a bucket."""

    async def main() -> None:
        index, store = SteeredIndex(), FakeStore()
        store.shared = shared
        house = House(tmp_path, index=index, store=store)
        await house.upload()
        index.before["links.add_all"] = away()
        await house.get(request(100))
        await house.publisher.flush(0.1)
        assert store.objects
        await index.rows.delete(CAT)
        index.before.clear()
        again = House(tmp_path, index=index, store=store)
        await again.publisher.resume()
        assert await again.publisher.flush(30.0) == 0
        assert store.objects == {}
        assert await again.spool.entries() == []

    run(main)
