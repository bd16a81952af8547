"""The contract of the index for the use of the bucket: counted, and bounded by one instance."""

from liveresize.core.names import ImageId
from liveresize.core.ports import BucketTotals, Purged, Selection
from liveresize.storage.index.links import CLAIM

from .worlds import CAT, Bench, World, everywhere


@everywhere
def test_one_instance_at_a_time_has_the_turn(world: World) -> None:
    """It keeps it as long as it comes back; another one takes over when it does not."""

    async def scenario(bench: Bench) -> None:
        use = bench.index.bucket_use
        assert await use.totals() == BucketTotals()
        assert await use.take("one", 90)
        assert not await use.take("two", 90)
        await bench.later(60)
        assert await use.take("one", 90)
        await bench.later(60)
        assert not await use.take("two", 90)
        await bench.later(60)
        assert await use.take("two", 90)
        assert not await use.take("one", 90)

    world.run(scenario)


@everywhere
def test_bytes_are_counted_in_slices(world: World) -> None:
    """Of links in use of the main namespace; what ends is subtracted, wherever the count is."""

    async def scenario(bench: Bench) -> None:
        use = bench.index.bucket_use
        cat, vip = await bench.upload(), await bench.upload(ImageId("cat", "bucket"))
        for number in range(4):
            await bench.add(cat, f"{number}x1-png", size=100 << 10 * number)
        await bench.add(vip, size=7)
        await bench.add(cat, "9x9-png", size=3)
        await bench.index.links.purge(Selection(rendered_before=0.0), 1)
        assert await use.take("one", 90)
        while not await use.count(2):
            assert (await use.totals()).total is None
        everything = sum(100 << 10 * number for number in range(4)) + 3
        assert (await use.totals()).total == everything
        await use.count(2)  # one slice of the next pass
        await bench.later(60)
        assert len((await use.end_unused(None, 50, 0, 3)).links) == 3
        left = sum(link.size for link in await bench.index.links.of(cat.generation, 9))
        assert (await use.totals()).total == left
        while not await use.count(2):
            pass
        assert (await use.totals()).total == left
        await use.note_excess(5)
        assert await use.totals() == BucketTotals(left, 5)

    world.run(scenario)


@everywhere
def test_links_end_in_the_order_of_their_last_use(world: World) -> None:
    """Those unused for long enough; vip's, imported and purged ones stay as they are."""

    async def scenario(bench: Bench) -> None:
        use, links = bench.index.bucket_use, bench.index.links
        cat, vip = await bench.upload(), await bench.upload(ImageId("cat", "bucket"))
        for number in range(1, 6):
            await bench.add(cat, f"{number}x1-png", size=10)
        await bench.add(vip, size=7)
        await bench.add(cat, "8x8-png", size=0, key="https://iaas/8")
        await bench.add(cat, "9x9-png", size=9, key="gone")
        assert len(await links.purge(Selection(image=ImageId("cat", "bucket")), 0)) == 0
        await bench.later(100)
        await links.touch([(cat.generation, "1x1-png")])
        await bench.later(100)
        await links.touch([(cat.generation, "2x1-png")])
        assert (await use.end_unused(None, 300, 0, 9)).links == []
        first = await use.end_unused(None, 150, 0, 2)
        assert [link.variant for link in first.links] == ["3x1-png", "4x1-png"]
        assert await bench.index.purges.since(0) == [
            Purged(1, CAT, cat.generation, "3x1-png"),
            Purged(2, CAT, cat.generation, "4x1-png"),
        ]
        ended, position = [], first.position
        while position is not None:
            following = await use.end_unused(position, 150, 0, 2)
            ended += [link.variant for link in following.links]
            position = following.position
        assert ended == ["5x1-png", "9x9-png"]
        left = await links.of(cat.generation, 9) + await links.of(vip.generation, 9)
        assert sorted(link.variant for link in left) == [
            "1x1-jpeg",
            "1x1-png",
            "2x1-png",
            "8x8-png",
        ]
        assert await links.was_purged(cat.generation, "3x1-png")

    world.run(scenario)


@everywhere
def test_the_object_of_an_ended_link_stays_longer(world: World) -> None:
    """By so many seconds, in the eyes of earlier releases, too."""

    async def scenario(bench: Bench) -> None:
        stored = await bench.upload()
        link = await bench.add(stored)
        await bench.later(100)
        await bench.index.bucket_use.end_unused(None, 50, 3600, 9)
        await bench.later(3500)
        assert await bench.index.links.purged(0, 9) == []
        await bench.later(200)
        (due,) = await bench.index.links.purged(50, 9)
        assert due.key == link.key

    world.run(scenario)


@everywhere
def test_a_removal_is_claimed_once(world: World) -> None:
    """By one instance; if that does not finish, it comes up again after a while."""

    async def scenario(bench: Bench) -> None:
        links = bench.index.links
        stored = await bench.upload()
        await bench.add(stored, "1x1-png")
        await bench.add(stored, "2x2-png")
        await links.purge(Selection(image=CAT), 9)
        await bench.later(100)
        due = await links.purged(50, 9)
        assert await links.claim([], 50) == []
        assert await links.claim(due, 200) == []
        assert await links.claim(due[:1], 50) == due[:1]
        assert await links.claim(due, 50) == due[1:]
        assert await links.purged(50, 9) == []
        assert await links.keys_of([stored.generation]) == set()
        await bench.later(CLAIM + 10)
        left = await links.purged(50, 9)
        assert {link.variant for link in left} == {"1x1-png", "2x2-png"}
        assert await links.claim(left, 50) == left
        assert await links.claim(left, 50) == []
        await links.forget(left)
        assert await links.after("", "", 9) == []

    world.run(scenario)


@everywhere
def test_a_removal_is_postponed_unless_it_has_begun(world: World) -> None:
    """Whoever renders a purged rendition again stores no object under the eyes of its removal."""

    async def scenario(bench: Bench) -> None:
        links = bench.index.links
        stored = await bench.upload()
        link = await bench.add(stored)
        assert not await links.is_leaving(stored.generation, link.key)
        await links.purge(Selection(image=CAT), 9)
        await bench.later(100)
        assert await links.is_leaving(stored.generation, link.key)
        assert not await links.is_leaving(stored.generation, "another")
        (due,) = await links.purged(50, 9)
        assert await links.postpone(stored.generation, link.key)
        assert await links.purged(50, 9) == []
        assert await links.claim([due], 50) == []
        await bench.later(100)
        (due,) = await links.purged(50, 9)
        assert await links.claim([due], 50) == [due]
        assert not await links.postpone(stored.generation, link.key)
        again = await bench.add(stored)
        assert not await links.is_leaving(stored.generation, link.key)
        await links.forget([due])
        assert await links.find(stored.generation, link.variant) == again

    world.run(scenario)


@everywhere
def test_a_removal_that_begins_later_is_not_brought_forward(world: World) -> None:
    """By somebody who renders it again and dies before there is a link."""

    async def scenario(bench: Bench) -> None:
        stored = await bench.upload()
        link = await bench.add(stored)
        await bench.later(100)
        await bench.index.bucket_use.end_unused(None, 50, 3600, 9)
        assert await bench.index.links.postpone(stored.generation, link.key)
        await bench.later(3500)
        assert await bench.index.links.purged(0, 9) == []

    world.run(scenario)
