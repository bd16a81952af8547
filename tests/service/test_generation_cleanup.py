"""What is left of a generation that has ended, and who removes it when."""

from pathlib import Path

import pytest

from liveresize import errors
from liveresize.core.names import ImageId
from liveresize.core.originals import Original
from liveresize.settings.pictures import Originals

from .doubles import FakeStore, SteeredIndex, picture, run
from .house import CAT, House, request
from .mirrors import FakeMirror

DOG = ImageId("dog")
PATIENT = Originals(mirror_wait=300.0)


class Town:
    """Instances with disks of their own, and one of everything that is shared."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.index, self.mirror, self.store = SteeredIndex(), FakeMirror(), FakeStore()
        self.store.shared = True

    def house(self, name: str) -> House:
        """An instance that starts now, on the disk that it had before."""
        return House(
            self._folder / name,
            index=self.index,
            mirror=self.mirror,
            originals=PATIENT,
            store=self.store,
        )

    def refuse(self, *, store: bool = True, mirror: bool = True) -> None:
        """Which of the shared stores do not answer from now on."""
        self.store.refusing = store
        self.mirror.answers = not mirror

    def empty(self) -> bool:
        """Whether nothing is left in the shared stores."""
        return not self.store.objects and not self.mirror.objects


async def published(house: House, image: ImageId = CAT) -> Original:
    """A picture with a rendition, both where everybody sees them."""
    stored = await house.upload(image, picture(soul=image.name))
    await house.publish(100, image=image)
    return stored


@pytest.mark.parametrize(("store", "mirror"), [(True, False), (False, True), (True, True)])
def test_what_a_shared_store_refuses_is_owed(tmp_path: Path, store: bool, mirror: bool) -> None:
    """The picture is deleted all the same; its objects go when the stores are back."""

    async def main() -> None:
        town = Town(tmp_path)
        house = town.house("here")
        await published(house)
        town.refuse(store=store, mirror=mirror)
        await house.purge.delete(CAT)
        assert house.files() == []
        with pytest.raises(errors.OriginalMissing):
            await house.get(request(100))
        assert not town.empty()
        assert house.cleanup.owed == 1
        await house.purge.tidy()
        assert not town.empty()
        assert house.cleanup.owed == 1
        town.refuse(store=False, mirror=False)
        await house.purge.tidy()
        assert town.empty()
        assert house.cleanup.owed == 0

    run(main)


def test_an_overwrite_owes_what_it_replaced(tmp_path: Path) -> None:
    """The new picture is stored and stays; the old one leaves when it can."""

    async def main() -> None:
        town = Town(tmp_path)
        house = town.house("here")
        old = await published(house)
        town.store.refusing = True
        new = await house.upload(data=picture(soul="new"))
        assert house.cleanup.owed == 1
        assert town.mirror.holds(old)
        town.store.refusing = False
        await house.cleanup.retry()
        assert town.store.objects == {}
        assert list(town.mirror.objects) == [town.mirror.key(new)]
        assert len(house.files()) == 1

    run(main)


def test_what_is_owed_is_owed_once(tmp_path: Path) -> None:
    """However often it was tried; and it may be removed again when it is gone."""

    async def main() -> None:
        town = Town(tmp_path)
        house = town.house("here")
        stored = await published(house)
        await house.purge.delete(CAT)
        assert town.empty()
        town.refuse()
        for _ in range(3):
            await house.cleanup.remove(stored)
            house.cleanup.defer(stored)
        assert house.cleanup.owed == 1
        town.refuse(store=False, mirror=False)
        await house.cleanup.retry()
        await house.cleanup.remove(stored)
        assert house.cleanup.owed == 0

    run(main)


def test_settling_stops_at_a_store_that_does_not_answer(tmp_path: Path) -> None:
    """It is asked once a round, not once for each of a thousand."""

    async def main() -> None:
        town = Town(tmp_path)
        house = town.house("here")
        town.refuse()
        for number in range(20):
            house.cleanup.defer(stranger(number))
        await house.cleanup.retry()
        assert town.store.removals == 1
        assert house.cleanup.owed == 20

    run(main)


def test_one_refusal_does_not_hold_up_the_others(tmp_path: Path) -> None:
    """A bucket that refuses for good is asked again after all that were behind it."""

    async def main() -> None:
        town = Town(tmp_path)
        house = town.house("here")
        remove = town.mirror.remove

        async def refuse_the_first(original: Original) -> None:
            if original == stranger(0):
                raise errors.ObjectStoreUnavailable("", "AccessDenied")
            await remove(original)

        town.mirror.remove = refuse_the_first  # type: ignore[method-assign]
        for number in range(5):
            house.cleanup.defer(stranger(number))
        await house.cleanup.retry()
        assert house.cleanup.owed == 5
        await house.cleanup.retry()
        assert house.cleanup.owed == 1

    run(main)


def stranger(number: int) -> Original:
    """A generation that no instance has anything of."""
    return Original(
        image=CAT,
        generation=f"{number:028x}",
        format="",
        width=0,
        height=0,
        bytes=0,
        sha256="",
    )


def test_an_instance_that_starts_owes_what_was_ended_lately(tmp_path: Path) -> None:
    """Whoever ended it may have died before the shared stores answered."""

    async def main() -> None:
        town = Town(tmp_path)
        here = town.house("here")
        gone = [await published(here), await published(here, DOG)]
        town.refuse()
        for one in gone:
            await here.purge.delete(one.image)
        again = await published_anew(town, here)
        restarted = town.house("here")
        await restarted.purge.listen()
        assert restarted.cleanup.owed == 2
        await restarted.purge.tidy()
        assert restarted.cleanup.owed == 0
        assert town.store.objects == {}
        assert list(town.mirror.objects) == [town.mirror.key(again)]

    run(main)


async def published_anew(town: Town, house: House) -> Original:
    """The stores are back, and the deleted name has been taken again."""
    town.refuse(store=False, mirror=False)
    return await house.upload(data=picture(soul="again"))


def test_a_kill_between_row_and_stores_is_made_up_for(tmp_path: Path) -> None:
    """The row went and nothing else did: file, rendition and copy go at the next start."""

    async def main() -> None:
        town = Town(tmp_path)
        await published(town.house("here"))
        await town.index.rows.delete(CAT)
        assert not town.empty()
        restarted = town.house("here")
        assert restarted.files()
        await restarted.purge.listen()
        await restarted.purge.tidy()
        assert restarted.files() == []
        assert town.empty()

    run(main)


def test_hearing_of_a_deletion_leaves_shared_stores_alone(tmp_path: Path) -> None:
    """Ten instances need not remove the same objects; each removes what only it has."""

    async def main() -> None:
        town = Town(tmp_path)
        here, there = town.house("here"), town.house("there")
        await published(here, DOG)
        await here.purge.delete(DOG)
        await there.purge.listen()
        await there.purge.tidy()  # owed, for it started after that
        await published(here)
        await there.get(request(50))
        assert await there.publisher.flush(30.0) == 0
        town.refuse()
        await here.purge.delete(CAT)
        before = town.store.removals, town.mirror.calls["remove"]
        await there.purge.listen()
        assert (town.store.removals, town.mirror.calls["remove"]) == before
        assert there.cleanup.owed == 1
        assert there.files() == []
        assert there.renditions.recall(request(50)) is None
        assert here.cleanup.owed == 1

    run(main)


def test_hearing_of_a_deletion_empties_a_store_of_ones_own(tmp_path: Path) -> None:
    """Nobody else can reach it."""

    async def main() -> None:
        town = Town(tmp_path)
        town.store.shared = False
        here, there = town.house("here"), town.house("there")
        await published(here)
        await town.index.rows.delete(CAT)
        assert town.store.objects
        await there.purge.listen()
        assert not town.store.objects

    run(main)


def test_a_round_goes_on_though_a_store_refuses(tmp_path: Path) -> None:
    """What is owed is only one of its chores: staged bodies are swept all the same."""

    async def main() -> None:
        town = Town(tmp_path)
        house = town.house("here")
        await published(house)
        town.refuse()
        await house.purge.delete(CAT)
        staged = house.originals.staging("old")
        staged.touch()
        house.pipeline.lease = 0.0
        await house.purge.tidy()
        assert not staged.exists()
        assert house.cleanup.owed == 1

    run(main)
