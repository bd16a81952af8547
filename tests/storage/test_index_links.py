"""The contract of the index for links: added, used, purged, forgotten."""

import dataclasses
import time

import pytest

from liveresize.core.names import ImageId
from liveresize.core.ports import Added, Purged, Selection

from . import worlds
from .worlds import CAT, Bench, World, everywhere


@everywhere
def test_a_link_comes_back_as_it_was_added(world: World) -> None:
    """Every field does; the time is the index's own."""

    async def scenario(bench: Bench) -> None:
        stored = await bench.upload(ImageId("cat", "bucket"))
        sent = worlds.link(stored, size=1 << 40, engine="1.2.3", quality=61)
        assert await bench.index.links.add(sent)
        found = await bench.index.links.find(stored.generation, sent.variant)
        assert found is not None
        assert found.rendered_at == pytest.approx(time.time(), abs=60)
        assert dataclasses.replace(found, rendered_at=0.0) == sent
        assert await bench.index.links.find(stored.generation, "2x2-jpeg") is None

    world.run(scenario)


@everywhere
def test_a_link_is_replaced_by_its_successor(world: World) -> None:
    """There is one link a variant, and the last one counts."""

    async def scenario(bench: Bench) -> None:
        stored = await bench.upload()
        first = await bench.add(stored)
        second = await bench.add(stored, size=5, key="elsewhere", quality=5)
        assert (second.size, second.key, second.quality) == (5, "elsewhere", 5)
        assert second.rendered_at > first.rendered_at
        await bench.add(stored, "2x2-jpeg")
        assert len(await bench.index.links.of(stored.generation, 1000)) == 2
        assert len(await bench.index.links.of("0" * 28, 1000)) == 0

    world.run(scenario)


@everywhere
def test_all_links_of_a_generation_are_read_at_once(world: World) -> None:
    """As they are found one by one; purged ones and those of others are left out."""

    async def scenario(bench: Bench) -> None:
        cat, dog = await bench.upload(ImageId("käte", "pets")), await bench.upload(ImageId("dog"))
        other = await bench.add(dog)
        assert await bench.index.links.of(cat.generation, 10) == []
        assert await bench.index.links.of("0" * 28, 10) == []
        await bench.add(cat, "9x9-png")
        await bench.index.links.purge(Selection(image=cat.image), 1)
        links = [
            await bench.add(cat, variant, size=1 << 40, key=f'{variant} "é"\\', quality=quality)
            for variant, quality in (("1x1-png", None), ("2x2-png", 0), ("3x3-png", 99))
        ]
        found = await bench.index.links.of(cat.generation, 10)
        assert sorted(found, key=lambda link: link.variant) == links
        assert len(await bench.index.links.of(cat.generation, 2)) == 2
        assert await bench.index.links.of(dog.generation, 10) == [other]

    world.run(scenario)


@everywhere
def test_links_are_added_together(world: World) -> None:
    """Each has an outcome of its own: ended generations do not keep others out."""

    async def scenario(bench: Bench) -> None:
        cat, dog = await bench.upload(), await bench.upload(ImageId("dog", "pets"))
        ended = worlds.original(ImageId("ended"))
        wanted = [(dog, "2x2-png"), (cat, "2x2-png"), (ended, "1x1-png"), (cat, "1x1-png")]
        links = [worlds.link(of, variant, size=7) for of, variant in wanted]
        outcomes = await bench.index.links.add_all(links, 100)
        assert outcomes == [Added.ADDED, Added.ADDED, Added.ENDED, Added.ADDED]
        for link, outcome in zip(links, outcomes, strict=True):
            found = await bench.index.links.find(link.generation, link.variant)
            if outcome is Added.ENDED:
                assert found is None
            else:
                assert found is not None
                assert found.rendered_at == pytest.approx(time.time(), abs=60)
                assert dataclasses.replace(found, rendered_at=0.0) == link
        assert await bench.index.links.add_all([], 100) == []

    world.run(scenario)


@everywhere
def test_a_generation_has_room_for_so_many_variants(world: World) -> None:
    """Those in use count: replacing one needs no room, purged and foreign ones take none."""

    async def scenario(bench: Bench) -> None:
        cat, dog = await bench.upload(), await bench.upload(ImageId("dog"))
        await bench.add(cat, "9x9-png")
        await bench.index.links.purge(Selection(image=CAT), 1)
        standing = await bench.add(cat, "5x5-png")

        async def add(*variants: str) -> list[Added]:
            links = [worlds.link(cat, variant) for variant in variants]
            return await bench.index.links.add_all([*links, worlds.link(dog)], 3)

        full, added = Added.FULL, Added.ADDED
        assert await add("2x2-png", "1x1-png", "5x5-png", "3x3-png") == [
            *(added, added, added, full),
            added,
        ]
        assert await add("5x5-png", "4x4-png", "9x9-png") == [added, full, full, added]
        assert len(await bench.index.links.of(cat.generation, 1000)) == 3
        replaced = await bench.index.links.find(cat.generation, "5x5-png")
        assert replaced is not None
        assert replaced.rendered_at > standing.rendered_at

    world.run(scenario)


@everywhere
def test_a_purged_link_is_out_of_use_until_it_is_rendered_again(world: World) -> None:
    """It is neither found nor counted, its room stays taken, everybody hears of it."""

    async def scenario(bench: Bench) -> None:
        stored = await bench.upload()
        added = await bench.add(stored)
        assert await bench.index.links.purge(Selection(image=CAT), 100) == [added]
        assert await bench.index.links.find(stored.generation, added.variant) is None
        assert len(await bench.index.links.of(stored.generation, 1000)) == 0
        assert await bench.index.links.stored_bytes() == 1000
        assert await bench.index.purges.since(0) == [
            Purged(1, CAT, stored.generation, added.variant)
        ]
        assert await bench.index.links.purge(Selection(image=CAT), 100) == []
        assert await bench.add(stored) is not None

    world.run(scenario)


@everywhere
def test_purging_takes_the_oldest_first(world: World) -> None:
    """A limit leaves the youngest in use."""

    async def scenario(bench: Bench) -> None:
        stored = await bench.upload()
        variants = ["3x3-png", "1x1-png", "2x2-png"]
        for variant in variants:
            await bench.add(stored, variant)
            await bench.later(10)
        purged = await bench.index.links.purge(Selection(image=CAT), 2)
        assert [one.variant for one in purged] == variants[:2]
        assert len(await bench.index.links.of(stored.generation, 1000)) == 1

    world.run(scenario)


@everywhere
def test_a_prefix_is_taken_literally(world: World) -> None:
    """It knows neither wildcards nor letter case, and does not look into buckets."""

    async def scenario(bench: Bench) -> None:
        names = ["a_b", "a_bé\U0001f408", "axb", "A_b", "a_", "a%b"]
        images = [ImageId(name) for name in names] + [ImageId("a_b", "bucket")]
        for image in images:
            await bench.add(await bench.upload(image))
        purged = await bench.index.links.purge(Selection(prefix="a_b"), 100)
        assert [one.image for one in purged] == images[:2]
        purged = await bench.index.links.purge(Selection(prefix="a%"), 100)
        assert [one.image.name for one in purged] == ["a%b"]
        purged = await bench.index.links.purge(Selection(prefix="bucket/a"), 100)
        assert [one.image for one in purged] == images[-1:]

    world.run(scenario)


@everywhere
def test_links_are_purged_by_their_age(world: World) -> None:
    """Only those that were rendered before the given time."""

    async def scenario(bench: Bench) -> None:
        stored = await bench.upload()
        await bench.add(stored, "1x1-png")
        await bench.later(3600)
        young = await bench.add(stored, "2x2-png")
        before = Selection(rendered_before=young.rendered_at - 1800)
        purged = await bench.index.links.purge(before, 100)
        assert [one.variant for one in purged] == ["1x1-png"]

    world.run(scenario)


@everywhere
def test_links_are_purged_by_their_engine(world: World) -> None:
    """Versions compare as numbers: 2 and 9.9 are before 10.1, and 10.1.0 is 10.1."""

    async def scenario(bench: Bench) -> None:
        stored = await bench.upload()
        for engine in ("2", "9.9", "10.0.7", "10.1", "10.1.0", "10.2", "11"):
            await bench.add(stored, f"1x1-{engine}", engine=engine)
        purged = await bench.index.links.purge(Selection(engine_before="10.1"), 100)
        assert {one.engine for one in purged} == {"2", "9.9", "10.0.7"}

    world.run(scenario)


@everywhere
def test_purged_links_come_up_for_removal_after_a_while(world: World) -> None:
    """Not before, those first that wait longest, and up to a limit."""

    async def scenario(bench: Bench) -> None:
        stored = await bench.upload()
        for variant in ("1x1-png", "2x2-png", "3x3-png"):
            await bench.add(stored, variant)
            await bench.index.links.purge(Selection(image=CAT), 1)
            await bench.later(100)
        await bench.add(stored, "4x4-png")
        old = await bench.index.links.purged(150, 100)
        assert [one.variant for one in old] == ["1x1-png", "2x2-png"]
        assert len(await bench.index.links.purged(150, 1)) == 1

    world.run(scenario)


@everywhere
def test_forgotten_links_are_gone_unless_rendered_again(world: World) -> None:
    """Whoever removes an object late does not take its successor's row with it."""

    async def scenario(bench: Bench) -> None:
        stored = await bench.upload()
        gone, back = [await bench.add(stored, variant) for variant in ("1x1-png", "2x2-png")]
        purged = await bench.index.links.purge(Selection(image=CAT), 100)
        assert purged == [gone, back]
        successor = await bench.add(stored, "2x2-png")
        await bench.index.links.forget(purged)
        await bench.index.links.forget([])
        assert await bench.index.links.purged(-1, 100) == []
        assert await bench.index.links.find(stored.generation, "1x1-png") is None
        assert await bench.index.links.find(stored.generation, "2x2-png") == successor

    world.run(scenario)


@everywhere
def test_the_object_of_a_replaced_link_is_removed_like_a_purged_one(world: World) -> None:
    """Another engine has a key of its own: the old object is neither forgotten nor found, and
    stays as long as others do. One that has gone, and one of another service, are not ours."""

    async def scenario(bench: Bench) -> None:
        links = bench.index.links
        stored = await bench.upload()
        for variant in ("1x1-png", "2x2-png", "3x3-png", "4x4-png"):
            key = "https://cdn.test/x" if variant == "4x4-png" else f"cat/{variant}.png"
            await bench.add(stored, variant, key=key, etag=variant)
        old = {link.variant: link for link in await links.of(stored.generation, 10)}
        await links.purge(Selection(image=CAT), 1)
        await links.evict([old["2x2-png"]], 10)
        await bench.later(100)
        for variant in old:
            await bench.add(stored, variant, key=f"cat/{variant}~2.png", engine="2")
        assert {link.engine for link in await links.of(stored.generation, 10)} == {"2"}
        assert await links.keys_of([stored.generation]) == {
            *(f"cat/{variant}~2.png" for variant in old),
            "cat/1x1-png.png",
            "cat/3x3-png.png",
        }
        assert await links.was_purged(stored.generation, "1x1-png") is False
        (due,) = await links.purged(50, 10)
        assert (due.key, due.etag, due.engine) == ("cat/1x1-png.png", "1x1-png", "1")
        await bench.later(100)
        assert {link.key for link in await links.purged(50, 10)} == {
            "cat/1x1-png.png",
            "cat/3x3-png.png",
        }
        await links.forget(await links.purged(50, 10))
        assert await links.purged(50, 10) == []
        assert len(await links.of(stored.generation, 10)) == 4

    world.run(scenario)


@everywhere
def test_an_object_that_is_in_use_again_is_not_removed(world: World) -> None:
    """1.0.0 beside this release may render what it had rendered before."""

    async def scenario(bench: Bench) -> None:
        links = bench.index.links
        stored = await bench.upload()
        for engine, key in (("1", "old"), ("2", "new"), ("1", "old")):
            await bench.add(stored, key=key, engine=engine)
        await bench.later(100)
        assert [link.key for link in await links.purged(50, 10)] == ["new"]
        await links.purge(Selection(image=CAT), 10)
        assert [link.key for link in await links.purged(50, 10)] == ["old", "new"]

    world.run(scenario)


@everywhere
def test_an_evicted_link_is_marked_until_it_is_forgotten_or_rendered_again(world: World) -> None:
    """It is neither found nor counted, takes no room, and nobody needs to hear of it."""

    async def scenario(bench: Bench) -> None:
        stored = await bench.upload()
        gone, kept = [await bench.add(stored, variant) for variant in ("1x1-png", "2x2-png")]
        assert await bench.index.links.was_purged(stored.generation, "1x1-png") is False
        assert await bench.index.links.was_purged(stored.generation, "3x3-png") is None
        await bench.index.links.evict([gone], 10)
        await bench.index.links.evict([], 10)
        await bench.index.links.touch([(stored.generation, "1x1-png")])
        assert await bench.index.links.find(stored.generation, "1x1-png") is None
        assert await bench.index.links.was_purged(stored.generation, "1x1-png") is True
        assert len(await bench.index.links.of(stored.generation, 1000)) == 1
        assert await bench.index.links.stored_bytes() == kept.size
        assert await bench.index.links.least_used(10) == [kept]
        assert await bench.index.purges.since(0) == []
        marked = dataclasses.replace(gone, size=0)
        listed = await bench.index.links.after("", "", 10)
        assert listed == [(marked, False), (kept, True)]
        await bench.later(100)
        assert await bench.index.links.purged(150, 10) == []
        assert await bench.index.links.purged(50, 10) != []
        again = await bench.add(stored, "1x1-png")
        assert again.size == gone.size
        assert await bench.index.links.was_purged(stored.generation, "1x1-png") is False
        assert await bench.index.links.purged(50, 10) == []
        assert [one.variant for one in await bench.index.links.least_used(10)] == [
            "2x2-png",
            "1x1-png",
        ]
        await bench.index.links.evict([again], 10)
        await bench.index.links.forget([again])
        assert await bench.index.links.was_purged(stored.generation, "1x1-png") is None

    world.run(scenario)


@everywhere
def test_what_was_rendered_again_meanwhile_is_not_evicted(world: World) -> None:
    """The list of what is to go may be older than the link."""

    async def scenario(bench: Bench) -> None:
        stored = await bench.upload()
        read = await bench.add(stored, "1x1-png")
        again = await bench.add(stored, "1x1-png")
        await bench.index.links.evict([read], 10)
        assert await bench.index.links.find(stored.generation, "1x1-png") == again

    world.run(scenario)


@everywhere
def test_a_purged_link_that_is_evicted_waits_from_its_purge_on(world: World) -> None:
    """Nobody has been redirected there since."""

    async def scenario(bench: Bench) -> None:
        stored = await bench.upload()
        await bench.add(stored, "1x1-png")
        await bench.index.links.purge(Selection(image=CAT), 10)
        await bench.later(100)
        await bench.index.links.evict(await bench.index.links.least_used(10), 10)
        assert [one.variant for one in await bench.index.links.purged(50, 10)] == ["1x1-png"]
        assert await bench.index.links.stored_bytes() == 0

    world.run(scenario)


@everywhere
def test_so_many_evicted_links_of_one_original_are_remembered(world: World) -> None:
    """The last ones; what is in use or was purged does not count, nor do other originals."""

    async def scenario(bench: Bench) -> None:
        cat, dog = await bench.upload(), await bench.upload(ImageId("dog"))
        other = await bench.add(dog, "9x9-png")
        await bench.index.links.evict([other], 3)
        purged = await bench.add(cat, "8x8-png")
        await bench.index.links.purge(Selection(image=CAT), 10)
        used = await bench.add(cat, "7x7-png")
        for number in range(1, 6):
            await bench.later(10)
            await bench.index.links.evict([await bench.add(cat, f"{number}x1-png")], 3)
        rows = [link.variant for link, _ in await bench.index.links.after("", "", 100)]
        expected = ["3x1-png", "4x1-png", "5x1-png", used.variant, purged.variant, "9x9-png"]
        assert sorted(rows) == sorted(expected)

    world.run(scenario)


@everywhere
def test_links_are_ordered_by_their_last_use(world: World) -> None:
    """A touch makes one the youngest; links that are gone do not matter."""

    async def scenario(bench: Bench) -> None:
        stored = await bench.upload()
        for variant in ("1x1-png", "2x2-png", "3x3-png"):
            await bench.add(stored, variant)
            await bench.later(10)
        gone = [(stored.generation, f"{number}x9-png") for number in range(1200)]
        await bench.index.links.touch([*gone, (stored.generation, "1x1-png")])
        await bench.index.links.touch([])
        order = await bench.index.links.least_used(2)
        assert [one.variant for one in order] == ["2x2-png", "3x3-png"]

    world.run(scenario)


@everywhere
def test_the_room_that_links_take_is_summed(world: World) -> None:
    """Nothing takes none, and the sum may pass what 32 bits hold."""

    async def scenario(bench: Bench) -> None:
        assert await bench.index.links.stored_bytes() == 0
        stored = await bench.upload()
        await bench.add(stored, "1x1-png", size=1 << 40)
        await bench.add(stored, "2x2-png", size=7)
        assert await bench.index.links.stored_bytes() == (1 << 40) + 7

    world.run(scenario)


@everywhere
def test_the_keys_of_all_links_are_known(world: World) -> None:
    """Purged ones count: their objects are still there. Evicted ones have none, and those of
    other pictures do not count."""

    async def scenario(bench: Bench) -> None:
        stored = await bench.upload()
        other = await bench.upload(ImageId("dog"))
        keys = {(await bench.add(stored, variant)).key for variant in ("1x1-jpeg", "2x2-jpeg")}
        await bench.index.links.purge(Selection(image=CAT), 1)
        foreign = await bench.add(other)
        generations = [stored.generation, "0" * 28]
        assert await bench.index.links.keys_of(generations) == keys
        assert await bench.index.links.keys_of([*generations, other.generation]) == keys | {
            foreign.key
        }
        await bench.index.links.evict([foreign], 100)
        assert await bench.index.links.keys_of([other.generation]) == set()

    world.run(scenario)
