"""The contract of the index for what the mirror has: a column, and the queue that it is."""

import asyncio
import contextlib
import itertools
from collections.abc import Awaitable, Callable

import pytest
import sqlalchemy as sa

from liveresize import errors
from liveresize.core.names import ImageId
from liveresize.core.originals import Original
from liveresize.storage.index import originals, schema
from liveresize.storage.index.mirror_queue import SqlMirrorQueue
from liveresize.storage.index.sql_index import DatabaseIndex

from . import worlds
from .worlds import CAT, Bench, World, databases, everywhere

PLENTY = 250
"""More than any caller reads at once."""


async def adopted(bench: Bench, count: int) -> list[Original]:
    """So many originals that the mirror lacks, in the order of their generations."""
    images = [ImageId(f"cat {number}", "pets" if number % 3 else "") for number in range(count)]
    stored = await asyncio.gather(
        *(bench.index.rows.adopt(worlds.original(image)) for image in images)
    )
    return sorted(stored, key=lambda one: one.generation)


async def paged(
    bench: Bench, limit: int, between: Callable[[list[Original]], Awaitable[None]] | None = None
) -> list[list[Original]]:
    """Everything that the mirror lacks, `limit` at a time."""
    pages: list[list[Original]] = []
    after = ""
    while page := await bench.index.mirror_queue.waiting(after, limit):
        after = page[-1].generation
        pages.append(page)
        if between is not None:
            await between(page)
    return pages


@everywhere
def test_what_the_mirror_lacks_comes_page_by_page(world: World) -> None:
    """Each once, with all its facts, in the order of generations, whatever the bucket."""

    async def scenario(bench: Bench) -> None:
        assert await bench.index.mirror_queue.waiting("", 100) == []
        stored = await adopted(bench, PLENTY)
        pages = await paged(bench, 100)
        assert [len(page) for page in pages] == [100, 100, 50]
        assert list(itertools.chain(*pages)) == stored
        assert await bench.index.mirror_queue.waiting("", PLENTY + 1) == stored
        assert await bench.index.mirror_queue.waiting(stored[9].generation, 1) == [stored[10]]
        assert await bench.index.mirror_queue.waiting(stored[-1].generation, 100) == []

    world.run(scenario)


@everywhere
def test_pages_do_not_shift_while_they_are_worked_on(world: World) -> None:
    """Of each, some are mirrored and some deleted before the next is asked for."""

    async def scenario(bench: Bench) -> None:
        stored = await adopted(bench, 60)

        async def work(page: list[Original]) -> None:
            for number, one in enumerate(page):
                if number % 3 == 0:
                    assert await bench.index.mirror_queue.done(one.generation)
                if number % 3 == 1:
                    await bench.index.rows.delete(one.image)

        pages = await paged(bench, 12, work)
        assert list(itertools.chain(*pages)) == stored
        assert await bench.index.mirror_queue.waiting("", 100) == stored[2::3]
        everything = [one.generation for one in stored]
        assert await bench.index.mirror_queue.done_of(everything) == set(everything[::3])

    world.run(scenario)


@everywhere
def test_generations_are_in_the_order_of_their_digits(world: World) -> None:
    """Files that were here before us come last, and no collation has a say."""

    async def scenario(bench: Bench) -> None:
        generations = [
            digits.ljust(28, "0") for digits in ("0", "01a", "09", "0a", "9f", "a1", "f")
        ]
        for number, generation in enumerate(reversed(generations)):
            await bench.index.rows.adopt(
                worlds.original(ImageId(f"cat {number}"), generation=generation)
            )
        found = [one.generation for one in await bench.index.mirror_queue.waiting("", 100)]
        assert found == generations
        after = [
            one.generation for one in await bench.index.mirror_queue.waiting(generations[2], 2)
        ]
        assert after == generations[3:5]

    world.run(scenario)


@everywhere
@pytest.mark.parametrize("mirrored", [False, True])
def test_an_upload_says_whether_the_mirror_has_it(world: World, mirrored: bool) -> None:
    """From its commit on there is no moment at which the index knows otherwise."""

    async def scenario(bench: Bench) -> None:
        sent = worlds.original()
        claim = await bench.claim()
        await bench.index.tokens.complete(claim, sent, "0" * 64, "{}", mirrored=mirrored)
        lacking = [one.generation for one in await bench.index.mirror_queue.waiting("", 100)]
        assert lacking == ([] if mirrored else [sent.generation])
        expected = {sent.generation} if mirrored else set()
        assert await bench.index.mirror_queue.done_of([sent.generation]) == expected

    world.run(scenario)


@everywhere
def test_an_upload_that_is_refused_is_not_lacking(world: World) -> None:
    """Its claim was given up, so the mirror has nothing to wait for."""

    async def scenario(bench: Bench) -> None:
        claim = await bench.claim()
        await bench.index.tokens.release(claim)
        with pytest.raises(errors.TokenRefused):
            await bench.index.tokens.complete(
                claim, worlds.original(), "0" * 64, "{}", mirrored=True
            )
        assert await bench.index.mirror_queue.waiting("", 100) == []

    world.run(scenario)


@everywhere
def test_noting_it_changes_nothing_else(world: World) -> None:
    """Twice is as good as once, and its neighbours are not touched."""

    async def scenario(bench: Bench) -> None:
        cat, dog = await bench.upload(), await bench.upload(ImageId("dog"))
        link = await bench.add(cat)
        for _ in range(2):
            assert await bench.index.mirror_queue.done(cat.generation)
        assert await bench.index.rows.find(CAT) == cat
        assert await bench.index.rows.of(cat.generation) == cat
        assert await bench.index.links.find(cat.generation, link.variant) == link
        assert await bench.index.mirror_queue.waiting("", 100) == [dog]
        assert await bench.index.mirror_queue.done_of([cat.generation, dog.generation]) == {
            cat.generation
        }
        assert await bench.index.purges.since(0) == []

    world.run(scenario)


@everywhere
def test_a_generation_that_has_ended_is_not_noted(world: World) -> None:
    """Deleted, replaced or never there: whoever copied it hears so, and nothing comes back."""

    async def scenario(bench: Bench) -> None:
        deleted = await bench.upload(ImageId("dog"))
        await bench.index.rows.delete(deleted.image)
        replaced = await bench.upload()
        current = await bench.upload(overwrite=True)
        for ended in (deleted.generation, replaced.generation, "0" * 28, ""):
            assert not await bench.index.mirror_queue.done(ended)
        generations = [one.generation for one in (deleted, replaced, current)]
        assert await bench.index.mirror_queue.done_of(generations) == set()
        assert await bench.index.mirror_queue.waiting("", 100) == [current]

    world.run(scenario)


@everywhere
def test_a_new_upload_does_not_inherit_the_mirror(world: World) -> None:
    """The mirror had the old bytes; of the new ones only their own upload can tell."""

    async def scenario(bench: Bench) -> None:
        old = await bench.upload()
        assert await bench.index.mirror_queue.done(old.generation)
        new = await bench.upload(overwrite=True)
        assert await bench.index.mirror_queue.waiting("", 100) == [new]
        assert await bench.index.mirror_queue.done_of([old.generation, new.generation]) == set()
        assert await bench.index.mirror_queue.done(new.generation)
        await bench.index.rows.delete(CAT)
        assert await bench.index.mirror_queue.done_of([new.generation]) == set()
        again = await bench.upload()
        assert await bench.index.mirror_queue.waiting("", 100) == [again]

    world.run(scenario)


@everywhere
def test_many_are_asked_after_at_once(world: World) -> None:
    """Those that are mirrored come back, and only of those that were asked for."""

    async def scenario(bench: Bench) -> None:
        stored = await adopted(bench, 40)
        await asyncio.gather(
            *(bench.index.mirror_queue.done(one.generation) for one in stored[:30])
        )
        generations = [one.generation for one in stored]
        strangers = [f"{number:028x}" for number in range(1000)]
        found = await bench.index.mirror_queue.done_of(
            [*generations[10:], *strangers, generations[10]]
        )
        assert found == set(generations[10:30])
        assert await bench.index.mirror_queue.done_of([]) == set()
        assert await bench.index.mirror_queue.done_of(strangers) == set()

    world.run(scenario)


@everywhere
def test_noting_and_deleting_meet(world: World) -> None:
    """However they interleave, what was deleted is neither lacking nor mirrored."""

    async def scenario(bench: Bench) -> None:
        stored = await adopted(bench, 30)
        noted = asyncio.gather(*(bench.index.mirror_queue.done(one.generation) for one in stored))
        deleted = asyncio.gather(*(bench.index.rows.delete(one.image) for one in stored[::2]))
        answers, _ = await noted, await deleted
        assert all(answers[1::2])
        generations = [one.generation for one in stored]
        assert await bench.index.mirror_queue.done_of(generations) == set(generations[1::2])
        assert await bench.index.mirror_queue.waiting("", 100) == []

    world.run(scenario)


@databases
def test_a_short_queue_is_read_without_the_long_table(
    database: Callable[[], contextlib.AbstractContextManager[str]],
) -> None:
    """Among ten thousand that are mirrored, the few that are not have an index of their own."""
    listener = worlds.Listener()
    SqlMirrorQueue.waiting.__wrapped__(None, listener, "0" * 28, 100)

    def fill(connection: sa.Connection) -> None:
        rows = [
            {
                **originals._row(worlds.original(ImageId(f"cat {number}"))),
                "uploaded_at": 1.0,
                "mirrored_at": 1.0 if number % 1000 else None,
            }
            for number in range(10_000)
        ]
        connection.execute(sa.insert(schema.originals), rows)
        connection.exec_driver_sql("ANALYZE")

    def explain(connection: sa.Connection) -> str:
        dialect = connection.dialect
        asked = listener.statement.compile(dialect=dialect, compile_kwargs={"literal_binds": True})
        rows = connection.exec_driver_sql(worlds.PLANS[dialect.name] + str(asked)).all()
        return "\n".join(str(row[-1]) for row in rows)

    async def scenario(url: str) -> None:
        index = await DatabaseIndex.open(worlds.patient_database(url))
        async with worlds.raw(url) as engine:
            await engine.run(fill)
            plan = await engine.run(explain)
        lacking = await index.mirror_queue.waiting("", 100)
        await index.close()
        assert len(lacking) == 10
        assert "ix_originals_unmirrored" in plan

    with database() as url:
        asyncio.run(scenario(url))
