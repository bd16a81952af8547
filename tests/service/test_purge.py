"""Taking renditions out of use, and keeping house."""

import asyncio
from pathlib import Path

import pytest

from liveresize import errors
from liveresize.core.names import ImageId
from liveresize.core.ports import Selection
from liveresize.delivery import publisher
from liveresize.delivery.outcomes import Bytes, Cache
from liveresize.maintenance import purge
from liveresize.storage.index.links import CLAIM

from .doubles import SteeredIndex, away, run, turns
from .house import CAT, House, disk_store, request

DOG = ImageId("dog")


def test_a_purged_rendition_is_made_again(tmp_path: Path) -> None:
    """Its link is gone at once, from memory too; others stay."""

    async def main() -> None:
        house = House(tmp_path)
        await house.upload()
        await house.upload(DOG)
        await house.publish(100, 50)
        await house.publish(100, image=DOG)
        assert await house.purge.purge(Selection(image=CAT), 100) == 2
        assert house.renditions.recall(request(100)) is None
        assert (await house.get(request(100))).cache is Cache.MISS
        await house.find(request(100, image=DOG))
        assert await house.publisher.flush(30.0) == 0
        assert await house.purge.purge(Selection(image=ImageId("bird")), 100) == 0

    run(main)


def test_a_purge_takes_so_many_and_no_more(tmp_path: Path) -> None:
    """The rest is for the next one."""

    async def main() -> None:
        house = House(tmp_path)
        await house.upload()
        await house.publish(100, 101, 102)
        assert await house.purge.purge(Selection(prefix="c"), 2) == 2
        assert await house.purge.purge(Selection(prefix="c"), 2) == 1

    run(main)


def test_other_instances_hear_of_a_purge(tmp_path: Path) -> None:
    """Their memory lets go of that rendition, and of no other."""

    async def main() -> None:
        index = SteeredIndex()
        here, there = House(tmp_path, index=index), House(tmp_path, index=index)
        await here.upload()
        await there.publish(100)
        assert await here.purge.purge(Selection(image=CAT), 100) == 1
        await there.publish(50)
        assert there.renditions.recall(request(100)) is not None
        await there.purge.listen()
        assert there.renditions.recall(request(100)) is None
        assert there.renditions.recall(request(50)) is not None

    run(main)


def test_the_object_of_a_purged_link_stays_for_a_while(tmp_path: Path) -> None:
    """Browsers hold redirects to it; once those have run out it is removed."""

    async def main() -> None:
        house = House(tmp_path)
        await house.upload()
        await house.publish(100, 50)
        await house.purge.purge(Selection(image=CAT), 1)
        await house.purge.tidy()
        assert len(house.fake_store.objects) == 2
        house.index.advance(101)
        await house.purge.tidy()
        assert len(house.fake_store.objects) == 1
        assert await house.index.links.purged(0, 100) == []

    run(main)


def test_a_purged_rendition_that_was_made_again_keeps_its_object(tmp_path: Path) -> None:
    """The new link has the old key, and is not swept with the old one."""

    async def main() -> None:
        house = House(tmp_path)
        await house.upload()
        await house.publish(100)
        await house.purge.purge(Selection(image=CAT), 1)
        await house.publish(100)
        house.index.advance(101)
        await house.purge.tidy()
        assert len(house.fake_store.objects) == 1
        await house.find(request(100))

    run(main)


def test_objects_of_purged_links_are_not_forgotten_before_they_are_gone(tmp_path: Path) -> None:
    """A kill in between, or a store that is away, is made up for by the next round."""

    async def main() -> None:
        house = House(tmp_path)
        await house.upload()
        await house.publish(100)
        await house.purge.purge(Selection(image=CAT), 1)
        house.index.advance(101)
        house.index.before["links.forget"] = away()
        with pytest.raises(errors.IndexUnavailable):
            await house.purge.tidy()
        assert not house.fake_store.objects
        del house.index.before["links.forget"]
        await house.purge.tidy()
        assert await house.index.links.stored_bytes()
        house.index.advance(CLAIM + 1)
        await house.purge.tidy()
        assert await house.index.links.stored_bytes() == 0

    run(main)


def test_a_week_of_purged_objects_goes_in_one_round(tmp_path: Path) -> None:
    """However many there are: what is purged in a week must not take longer to leave."""

    async def main() -> None:
        house = House(tmp_path, max_variants=1000)
        await house.upload()
        await house.publish(*range(1, 251))
        assert await house.purge.purge(Selection(image=CAT), 1000) == 250
        house.index.advance(101)
        await house.purge.tidy()
        assert await house.index.links.purged(0, 1000) == []
        assert not house.fake_store.objects

    run(main)


def test_what_was_evicted_is_remembered_for_a_while(tmp_path: Path) -> None:
    """As many links of an original as may be, and as long as browsers hold redirects."""

    async def main() -> None:
        house = House(tmp_path, disk_bytes=1, evicted=2)
        original = await house.upload()
        await house.publish(100, 101, 102)
        await house.purge.tidy()
        marked = [link for link, _ in await house.index.links.after("", "", 10)]
        assert [link.size for link in marked] == [0, 0]
        assert len(await house.index.links.of(original.generation, 1000)) == 0
        assert not house.fake_store.objects
        house.index.advance(101)
        await house.purge.tidy()
        assert await house.index.links.after("", "", 10) == []

    run(main)


def test_what_was_used_longest_ago_makes_room(tmp_path: Path) -> None:
    """Until all renditions together are within the bound; the link goes first."""

    async def main() -> None:
        house = House(tmp_path, disk_bytes=70)  # a fake rendition has 21 bytes
        await house.upload()
        for width in (100, 101, 102, 103):
            house.index.advance(1)
            await house.publish(width)
        await house.purge.tidy()
        assert await house.index.links.stored_bytes() == 63
        await house.find(request(101))
        house.index.advance(1)
        await house.publish(110)
        house.story.clear()
        await house.purge.tidy()
        assert house.story.index("links.touch") < house.story.index("links.evict")
        assert house.story.index("links.evict") < house.story.index("remove")
        for width in (101, 103, 110):
            await house.find(request(width))
        for width in (100, 102):
            assert (await house.get(request(width))).cache is Cache.MISS
        assert await house.publisher.flush(30.0) == 0

    run(main)


def test_an_evicted_rendition_is_not_redirected_to(tmp_path: Path) -> None:
    """Memory forgets the link with the index, and the next request makes it again."""

    async def main() -> None:
        house = House(tmp_path, disk_bytes=1, store=disk_store(tmp_path))
        await house.upload()
        await house.publish(100)
        await house.purge.tidy()
        assert await house.index.links.stored_bytes() == 0
        assert house.renditions.recall(request(100)) is None
        assert (await house.get(request(100))).cache is Cache.MISS
        assert await house.publisher.flush(30.0) == 0

    run(main)


def test_a_link_looked_up_during_an_eviction_does_not_stay_in_memory(tmp_path: Path) -> None:
    """Memory forgets after the index does, not before."""

    async def main() -> None:
        house = House(tmp_path, disk_bytes=1)
        await house.upload()
        await house.publish(100)
        house.forget_all()

        async def look() -> None:
            await house.renditions.serve(request(100))

        house.index.before["links.evict"] = look
        await house.purge.tidy()
        assert house.renditions.recall(request(100)) is None

    run(main)


def test_without_a_bound_nothing_makes_room(tmp_path: Path) -> None:
    """0 is any number of bytes."""

    async def main() -> None:
        house = House(tmp_path, disk_bytes=0)
        await house.upload()
        await house.publish(100)
        await house.purge.tidy()
        assert len(house.fake_store.objects) == 1

    run(main)


def test_many_batches_make_room_in_one_round(tmp_path: Path) -> None:
    """However far over the bound, one round of housekeeping ends under it."""

    async def main() -> None:
        house = House(tmp_path, disk_bytes=300, max_variants=1000)
        await house.upload()
        await house.publish(*range(1, 251))
        await house.purge.tidy()
        assert 0 < await house.index.links.stored_bytes() <= 300
        assert sum(map(len, house.fake_store.objects.values())) <= 300

    run(main)


def test_uses_that_could_not_be_noted_are_noted_later(tmp_path: Path) -> None:
    """An index that is away costs no link its place among the used."""

    async def main() -> None:
        house = House(tmp_path)
        original = await house.upload()
        await house.publish(100)
        await house.find(request(100))
        house.index.available = False
        with pytest.raises(errors.IndexUnavailable):
            await house.purge.tidy()
        house.index.available = True
        noted: list[tuple[str, str]] = []
        touch = house.index.links.touch

        async def listen(links: list[tuple[str, str]]) -> None:
            noted.extend(links)
            await touch(links)

        house.index.links.touch = listen  # type: ignore[assignment,method-assign]
        await house.purge.tidy()
        assert noted == [(original.generation, request(100).rendition.variant)]

    run(main)


def test_many_uses_are_noted_in_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A group that fails leaves itself and those behind it for the next round."""
    monkeypatch.setattr(purge, "_NOTED", 2)

    async def main() -> None:
        house = House(tmp_path)
        await house.upload()
        await house.publish(*range(1, 6))
        for width in range(1, 6):
            await house.find(request(width))

        async def second() -> None:
            if house.index.calls["links.touch"] == 2:
                raise errors.IndexFull("", "by a test")

        house.index.before["links.touch"] = second
        await house.purge.tidy()
        assert house.index.calls["links.touch"] == 2
        left = house.publisher.take_used()
        assert len(left) == 3
        monkeypatch.setattr(publisher, "_USED", 2)
        house.publisher.put_back(left)
        assert len(house.publisher.take_used()) == 2

    run(main)


def test_housekeeping_recovers_uploads(tmp_path: Path) -> None:
    """A staged file whose lease has run out goes with the next round."""

    async def main() -> None:
        house = House(tmp_path, lease=0.0)
        house.originals.staging("left").write_bytes(b"behind")
        await house.purge.tidy()
        assert house.staged() == []

    run(main)


def test_housekeeping_beside_requests(tmp_path: Path) -> None:
    """While everything is evicted over and over, every request is answered."""

    async def main() -> None:
        house = House(tmp_path, disk_bytes=1, store=disk_store(tmp_path))
        await house.upload()

        async def ask(number: int) -> None:
            await turns(number % 7)
            outcome = await house.pictures.serve(request(100 + number % 5, proxy=number % 2 == 0))
            if not isinstance(outcome, Bytes):
                key = outcome.url.removeprefix("/_renditions/")  # type: ignore[union-attr]
                await house.objects.serve(key)

        for _ in range(5):
            await asyncio.gather(*(ask(number) for number in range(40)), house.purge.tidy())
        assert await house.publisher.flush(30.0) == 0

    run(main)
