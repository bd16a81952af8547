"""What the index is asked by upkeep, in memory and in both databases."""

import uuid

from storage import worlds
from storage.worlds import CAT, Bench, World, everywhere

from liveresize.core.names import ImageId
from liveresize.core.ports import Purged, Selection
from liveresize.core.tokens import Spent


@everywhere
def test_originals_come_in_pages_by_generation(world: World) -> None:
    """Each once, with what is said of the mirror; a page may be the last one or empty."""

    async def scenario(bench: Bench) -> None:
        assert await bench.index.rows.after("", 2) == []
        stored = [await bench.upload(ImageId(name, "b")) for name in ("x", "y", "z")]
        stored.sort(key=lambda one: one.generation)
        await bench.index.mirror_queue.done(stored[1].generation)
        first = await bench.index.rows.after("", 2)
        assert first == [(stored[0], False), (stored[1], True)]
        assert await bench.index.rows.after(stored[1].generation, 2) == [(stored[2], False)]
        assert await bench.index.rows.after(stored[2].generation, 2) == []

    world.run(scenario)


@everywhere
def test_links_come_in_pages_by_generation_and_variant(world: World) -> None:
    """Each once, purged ones included and said to be; a page may end within a generation."""

    async def scenario(bench: Bench) -> None:
        assert await bench.index.links.after("", "", 2) == []
        stored = [await bench.upload(ImageId(name)) for name in ("x", "y")]
        for original in stored:
            for variant in ("2x2-png", "1x1-png", "1x1-png-q50"):
                await bench.add(original, variant)
        await bench.index.links.purge(Selection(image=stored[0].image), 1)
        seen, position = [], ("", "")
        while page := await bench.index.links.after(*position, 2):
            assert len(page) <= 2
            seen += page
            position = (page[-1][0].generation, page[-1][0].variant)
        keys = [(link.generation, link.variant) for link, _ in seen]
        assert len(keys) == 6
        assert keys == sorted(keys)
        assert [used for _, used in seen].count(False) == 1

    world.run(scenario)


@everywhere
def test_a_note_of_the_mirror_is_taken_back(world: World) -> None:
    """The original is in its queue again; a generation that has ended is no error."""

    async def scenario(bench: Bench) -> None:
        stored = await bench.upload()
        await bench.index.mirror_queue.done(stored.generation)
        assert await bench.index.mirror_queue.waiting("", 9) == []
        await bench.index.mirror_queue.requeue(stored.generation)
        await bench.index.mirror_queue.requeue("0" * 28)
        assert await bench.index.mirror_queue.waiting("", 9) == [stored]

    world.run(scenario)


@everywhere
def test_only_the_very_generation_is_ended(world: World) -> None:
    """Its links end with it, and all are told; one that stands in its place is not touched."""

    async def scenario(bench: Bench) -> None:
        first = await bench.upload()
        link = await bench.add(first)
        second = worlds.original()
        assert not await bench.index.rows.end(second)
        assert await bench.index.rows.end(first)
        assert not await bench.index.rows.end(first)
        assert await bench.index.rows.find(CAT) is None
        assert await bench.index.links.find(first.generation, link.variant) is None
        assert await bench.index.purges.since(0) == [Purged(1, CAT, first.generation)]

    world.run(scenario)


@everywhere
def test_the_end_of_a_generation_takes_its_spent_token_along(world: World) -> None:
    """Or the same upload would be answered 200 and store nothing; a fresh one stays."""

    async def scenario(bench: Bench) -> None:
        stored = await bench.upload()
        await bench.index.rows.end(stored)
        claim = await bench.claim()
        await bench.index.tokens.release(claim)
        stored = await bench.upload()
        waiting = await bench.claim(overwrite=True)
        assert await bench.index.rows.end(stored)
        assert not isinstance(waiting, Spent)
        assert await bench.index.tokens.complete(waiting, worlds.original(), "0" * 64, "{}") is None

    world.run(scenario)


@everywhere
def test_a_version_takes_the_place_of_the_one_that_is_named(world: World) -> None:
    """Of none, of that one with its links, and of no other."""

    async def scenario(bench: Bench) -> None:
        first, second, third = (
            worlds.original(generation=uuid.uuid4().hex[:28], uploaded_at=7.0) for _ in range(3)
        )
        assert await bench.index.rows.supersede(first) == first
        link = await bench.add(first)
        assert await bench.index.rows.supersede(second) == first
        assert await bench.index.rows.supersede(second, third.generation) == first
        assert await bench.index.rows.supersede(second, first.generation) == second
        assert await bench.index.links.find(first.generation, link.variant) is None
        assert await bench.index.purges.since(0) == [Purged(1, CAT, first.generation)]
        assert await bench.index.rows.find(CAT) == second

    world.run(scenario)
