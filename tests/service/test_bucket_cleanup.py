"""What goes from a bucket, and when: with its picture, and never because of another one."""

from pathlib import Path

import pytest

from liveresize import errors
from liveresize.core.names import ImageId
from liveresize.core.originals import Original, ended, new_generation
from liveresize.core.ports import Selection
from liveresize.storage.index.links import CLAIM

from .buckets import BUCKET, LEGACY, Fleet, files
from .doubles import picture, run
from .house import CAT, House, request

NEIGHBOUR = ImageId("legacy2", BUCKET)
ASKED = request(100, image=LEGACY, proxy=True)


async def known(fleet: Fleet, house: House, image: ImageId = LEGACY) -> Original:
    """A picture that was taken over, with a rendition in its bucket."""
    fleet.buckets.fill(image)
    await house.get(request(100, image=image, proxy=True))
    assert await house.publisher.flush(30.0) == 0
    original = await fleet.index.rows.find(image)
    assert original is not None
    return original


def keys(fleet: Fleet) -> set[str]:
    """The keys of all originals and renditions."""
    return fleet.buckets.objects.keys() | fleet.store.objects.keys()


def test_a_deleted_picture_goes_with_all_that_is_below_it(tmp_path: Path) -> None:
    """Its neighbour, whose id begins like its own, stays."""

    async def main() -> None:
        fleet = Fleet(tmp_path)
        house = fleet.house()
        await known(fleet, house)
        await known(fleet, house, NEIGHBOUR)
        fleet.store.objects[f"{LEGACY.key}/s/of vip"] = b"x"
        await house.purge.delete(LEGACY)
        assert {key.partition("/s/")[0] for key in keys(fleet)} == {NEIGHBOUR.key}
        assert len(keys(fleet)) == 2

    run(main)


def test_a_generation_that_ended_leaves_a_picture_that_has_a_row(tmp_path: Path) -> None:
    """In a bucket they have the same keys; nothing is owed for it either."""

    async def main() -> None:
        fleet = Fleet(tmp_path)
        house = fleet.house()
        await known(fleet, house)
        before = keys(fleet)
        older = ended(LEGACY, new_generation(0.0))
        assert await house.cleanup.clear(older)
        await house.cleanup.remove(older)
        await house.cleanup.on_remote_delete(older)
        assert keys(fleet) == before
        assert house.cleanup.owed == 0
        assert (await house.get(ASKED)).held.data.endswith(picture(soul=LEGACY.key))

    run(main)


def test_without_an_index_nothing_is_removed(tmp_path: Path) -> None:
    """Nobody can say whether the picture stands: that is owed."""

    async def main() -> None:
        fleet = Fleet(tmp_path)
        house = fleet.house()
        original = await known(fleet, house)
        before = keys(fleet)
        fleet.index.available = False
        house.cleanup.defer(original)
        assert not await house.cleanup.clear(original)
        await house.cleanup.retry()
        assert keys(fleet) == before
        assert house.cleanup.owed == 1
        fleet.index.available = True
        await house.cleanup.retry()
        assert keys(fleet) == before
        assert house.cleanup.owed == 0

    run(main)


def test_the_original_goes_though_renditions_cannot_be_listed(tmp_path: Path) -> None:
    """It might be taken over again once its deletion is forgotten; they are owed."""

    async def main() -> None:
        fleet = Fleet(tmp_path)
        house = fleet.house()
        await known(fleet, house)
        fleet.store.sick = {BUCKET}
        await house.purge.delete(LEGACY)
        assert fleet.buckets.objects == {}
        assert house.cleanup.owed == 1
        fleet.store.sick.clear()
        await house.purge.tidy()
        assert keys(fleet) == set()
        assert house.cleanup.owed == 0

    run(main)


def test_a_bucket_that_is_gone_owes_nothing(tmp_path: Path) -> None:
    """What was in it went with it."""

    async def main() -> None:
        fleet = Fleet(tmp_path)
        house = fleet.house()
        await known(fleet, house)
        fleet.buckets.unknown = {BUCKET}
        await house.purge.delete(LEGACY)
        assert house.cleanup.owed == 0

    run(main)


def test_what_evicts_an_original_leaves_its_bucket_alone(tmp_path: Path) -> None:
    """Its file makes room; it is fetched again when it is asked for."""

    async def main() -> None:
        fleet = Fleet(tmp_path)
        house = fleet.house(cache_bytes=1)
        original = await known(fleet, house)
        before = dict(fleet.buckets.objects)
        await house.mirroring.make_room()
        assert files(house) == []
        assert fleet.buckets.objects == before
        house.forget_all()
        assert await house.original_lookup.get(LEGACY) == original
        assert files(house) == []
        assert await house.bring(LEGACY) == original
        assert len(files(house)) == 1

    run(main)


def test_a_bucket_that_refuses_does_not_hold_up_the_purge_of_others(tmp_path: Path) -> None:
    """Purged objects of other buckets and of the main namespace go when their time has
    come, and room is made; those of that one go when it answers again."""

    async def main() -> None:
        fleet = Fleet(tmp_path)
        house = fleet.house()
        await known(fleet, house)
        await known(fleet, house, ImageId("car", "cars"))
        await house.upload()
        await house.publish(100)
        for image in (LEGACY, ImageId("car", "cars"), CAT):
            assert await house.purge.purge(Selection(image=image), 10) == 1
        fleet.index.advance(101.0)
        fleet.store.sick = {BUCKET}
        await house.purge.tidy()
        assert [key.partition("/")[0] for key in fleet.store.objects] == [BUCKET]
        fleet.index.advance(CLAIM + 1)
        assert len(await fleet.index.links.purged(0.0, 10)) == 1
        fleet.store.sick.clear()
        await house.purge.tidy()
        assert fleet.store.objects == {}
        assert await fleet.index.links.purged(0.0, 10) == []

    run(main)


def test_a_bucket_that_refuses_does_not_hold_up_the_mirror_of_others(tmp_path: Path) -> None:
    """It is asked once a round; what others lack is supplied meanwhile."""

    async def main() -> None:
        fleet = Fleet(tmp_path)
        house = fleet.house()
        fleet.buckets.answers = False
        stored = {}
        for bucket in ("cars", BUCKET, "cars", BUCKET, "cars", BUCKET):
            deposit = house.vip_uploads.begin(bucket)
            await deposit.write(picture())
            stored[(await deposit.finish()).image] = bucket
        fleet.buckets.answers = True
        fleet.buckets.refusing = {"cars"}
        before = fleet.buckets.calls["put"]
        await house.mirroring.catch_up()
        assert fleet.buckets.calls["put"] == before + 3
        assert set(fleet.buckets.objects) == {
            image.key for image, bucket in stored.items() if bucket == BUCKET
        }
        assert house.mirroring.backlog == 3
        fleet.buckets.refusing.clear()
        await house.mirroring.catch_up()
        assert len(fleet.buckets.objects) == 6
        assert house.mirroring.backlog == 0

    run(main)


@pytest.mark.parametrize("again", [False, True])
def test_what_was_deleted_while_it_was_mirrored(tmp_path: Path, again: bool) -> None:
    """It is taken out of the bucket again, unless the picture has a row once more."""

    async def main() -> None:
        fleet = Fleet(tmp_path)
        house = fleet.house()
        fleet.buckets.failures["put"] = [errors.ObjectStoreUnavailable()]
        deposit = house.vip_uploads.begin(BUCKET)
        await deposit.write(picture())
        original = await deposit.finish()

        async def delete() -> None:
            await fleet.index.rows.delete(original.image)
            if again:
                await fleet.index.rows.adopt(
                    ended(original.image, new_generation(0.0)), mirrored=True
                )

        fleet.buckets.after["put"] = delete
        await house.mirroring.catch_up()
        assert bool(fleet.buckets.objects) == again

    run(main)
