"""The contract of the index for pictures of buckets, which may have been there before us."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from liveresize.core.names import ImageId
from liveresize.core.originals import Original
from liveresize.core.ports import Selection
from liveresize.storage.index import originals, schema
from liveresize.storage.index.mirror_queue import SqlMirrorQueue
from liveresize.storage.index.sql_index import DatabaseIndex

from . import worlds
from .worlds import CAT, Bench, World, databases, everywhere

LEGACY = ImageId("legacy", "pets")
DAY = 86_400.0


async def found(bench: Bench, image: ImageId = LEGACY) -> Original:
    """A picture that was taken over just now."""
    standing = await bench.index.rows.take_over(worlds.original(image))
    assert standing is not None
    return standing


@everywhere
def test_a_picture_is_taken_over(world: World) -> None:
    """With all its facts, uploaded now, and in the mirror from the first moment on."""

    async def scenario(bench: Bench) -> None:
        original = worlds.original(LEGACY)
        standing = await bench.index.rows.take_over(original)
        assert standing is not None
        assert standing.generation == original.generation
        assert standing.uploaded_at > 0
        assert await bench.index.rows.find(LEGACY) == standing
        assert await bench.index.rows.of(original.generation) == standing
        assert await bench.index.mirror_queue.done_of([original.generation]) == {
            original.generation
        }
        assert await bench.index.mirror_queue.waiting("", 100) == []
        assert await bench.index.purges.since(0) == []
        assert await bench.index.rows.find(ImageId("legacy")) is None
        assert await bench.index.rows.find(ImageId("legacy", "pet")) is None

    world.run(scenario)


@everywhere
def test_whoever_takes_it_over_first_has_named_it(world: World) -> None:
    """Any number at once: one row, of one generation, and everybody hears of that one."""

    async def scenario(bench: Bench) -> None:
        answers = await asyncio.gather(*(found(bench) for _ in range(12)))
        assert len({answer.generation for answer in answers}) == 1
        assert await found(bench) == answers[0]
        assert len(await bench.index.rows.after("", 100)) == 1

    world.run(scenario)


@everywhere
def test_a_row_that_stands_is_not_said_to_be_mirrored(world: World) -> None:
    """That a bucket has something of that name says nothing of what was uploaded."""

    async def scenario(bench: Bench) -> None:
        uploaded = await bench.index.rows.adopt(worlds.original(LEGACY))
        assert await found(bench) == uploaded
        assert await bench.index.mirror_queue.waiting("", 100) == [uploaded]

    world.run(scenario)


@everywhere
def test_what_was_deleted_lately_is_not_taken_over(world: World) -> None:
    """Its object may still be there; the news outlive any number of attempts."""

    async def scenario(bench: Bench) -> None:
        await found(bench)
        await bench.index.rows.delete(LEGACY)
        for _ in range(3):
            assert await bench.index.rows.take_over(worlds.original(LEGACY)) is None
        await bench.later(DAY - 60)
        assert await bench.index.rows.take_over(worlds.original(LEGACY)) is None
        assert await bench.index.rows.find(LEGACY) is None
        assert (await found(bench, ImageId("legacy", "cars"))).image.bucket == "cars"
        assert (await found(bench, ImageId("legacy2", "pets"))).image.name == "legacy2"

    world.run(scenario)


@everywhere
def test_a_deletion_that_nobody_remembers(world: World) -> None:
    """After a day, with the next deletion, the news are dropped."""

    async def scenario(bench: Bench) -> None:
        await found(bench)
        await bench.index.rows.delete(LEGACY)
        await bench.later(DAY + 60)
        await bench.upload()
        await bench.index.rows.delete(CAT)
        assert await found(bench)

    world.run(scenario)


@everywhere
def test_a_row_that_came_after_a_deletion_stands(world: World) -> None:
    """Somebody has put the picture in again: whoever finds it hears of that row."""

    async def scenario(bench: Bench) -> None:
        await found(bench)
        await bench.index.rows.delete(LEGACY)
        again = await bench.index.rows.adopt(worlds.original(LEGACY), mirrored=True)
        assert await found(bench) == again
        assert await bench.index.mirror_queue.done_of([again.generation]) == {again.generation}

    world.run(scenario)


@everywhere
def test_a_purged_rendition_is_no_deleted_picture(world: World) -> None:
    """Those news are of one variant, and the picture can be found."""

    async def scenario(bench: Bench) -> None:
        link = await bench.add(await found(bench))
        assert await bench.index.links.purge(Selection(image=LEGACY), 10) == [link]
        assert await found(bench)

    world.run(scenario)


@everywhere
@pytest.mark.parametrize("mirrored", [False, True])
def test_an_upload_without_a_token(world: World, mirrored: bool) -> None:
    """It says whether the bucket has it, and the row that stands is not touched."""

    async def scenario(bench: Bench) -> None:
        image = ImageId("upload", "pets")
        sent = await bench.index.rows.adopt(worlds.original(image), mirrored=mirrored)
        assert await bench.index.mirror_queue.waiting("", 100) == ([] if mirrored else [sent])
        again = await bench.index.rows.adopt(worlds.original(image), mirrored=not mirrored)
        assert again == sent
        assert bool(await bench.index.mirror_queue.done_of([sent.generation])) == mirrored

    world.run(scenario)


@everywhere
def test_the_queue_of_the_buckets_alone(world: World) -> None:
    """Page by page, in the order of generations, and nothing of the main namespace."""

    async def scenario(bench: Bench) -> None:
        images = [ImageId(f"cat {n}", ("", "pets", "cars")[n % 3]) for n in range(30)]
        stored = [await bench.index.rows.adopt(worlds.original(image)) for image in images]
        stored.sort(key=lambda one: one.generation)
        lacking = [one for one in stored if one.image.bucket]
        assert await bench.index.mirror_queue.waiting("", 100, main=False) == lacking
        assert await bench.index.mirror_queue.waiting("", 100) == stored
        page = await bench.index.mirror_queue.waiting(lacking[6].generation, 3, main=False)
        assert page == lacking[7:10]
        for one in lacking[:5]:
            await bench.index.mirror_queue.done(one.generation)
        assert await bench.index.mirror_queue.waiting("", 100, main=False) == lacking[5:]

    world.run(scenario)


@everywhere
def test_room_that_only_the_main_namespace_takes(world: World) -> None:
    """What lies in buckets neither counts nor makes room, unless it is asked for."""

    async def scenario(bench: Bench) -> None:
        main, bucket = await bench.upload(), await found(bench)
        assert await bench.index.links.stored_bytes(buckets=False) == 0
        oldest = await bench.add(bucket, size=30)
        own = [await bench.add(main, f"{width}x1-jpeg", size=width) for width in (1, 2)]
        purged = await bench.add(bucket, "9x9-jpeg", size=500)
        await bench.index.links.purge(Selection(image=LEGACY), 10)
        assert await bench.index.links.stored_bytes() == 533
        assert await bench.index.links.stored_bytes(buckets=False) == 3
        assert await bench.index.links.least_used(10, buckets=False) == own
        assert await bench.index.links.least_used(1, buckets=False) == own[:1]
        keys = {link.key for link in await bench.index.links.least_used(10)}
        assert keys == {oldest.key, purged.key, *(link.key for link in own)}

    world.run(scenario)


@everywhere
def test_whether_a_rendition_was_purged(world: World) -> None:
    """From its purge until it is forgotten or made again, and of no other variant."""

    async def scenario(bench: Bench) -> None:
        original = await found(bench)
        asked = (original.generation, "1x1-jpeg")
        assert not await bench.index.links.was_purged(*asked)
        link = await bench.add(original)
        await bench.add(original, "2x2-jpeg")
        assert not await bench.index.links.was_purged(*asked)
        for _ in range(2):
            await bench.index.links.purge(Selection(image=LEGACY), 1)
            assert await bench.index.links.was_purged(*asked)
            assert not await bench.index.links.was_purged(original.generation, "2x2-jpeg")
            link = await bench.add(original)
            assert not await bench.index.links.was_purged(*asked)
            await bench.add(original, "2x2-jpeg")  # the younger of the two
        await bench.index.links.purge(Selection(image=LEGACY), 1)
        await bench.index.links.forget([link])
        assert not await bench.index.links.was_purged(*asked)
        assert not await bench.index.links.was_purged("0" * 28, "1x1-jpeg")

    world.run(scenario)


@everywhere
def test_a_deleted_picture_has_nothing_purged(world: World) -> None:
    """Its links went with it."""

    async def scenario(bench: Bench) -> None:
        original = await found(bench)
        await bench.add(original)
        await bench.index.links.purge(Selection(image=LEGACY), 1)
        await bench.index.rows.delete(LEGACY)
        assert not await bench.index.links.was_purged(original.generation, "1x1-jpeg")

    world.run(scenario)


@everywhere
def test_taking_over_and_deleting_meet(world: World) -> None:
    """However they interleave: where it was deleted last, it is gone and stays so."""

    async def scenario(bench: Bench) -> None:
        images = [ImageId(f"legacy {number}", "pets") for number in range(20)]
        for image in images:
            await found(bench, image)
        deeds: list[Any] = [bench.index.rows.delete(image) for image in images]
        deeds += [bench.index.rows.take_over(worlds.original(image)) for image in images]
        await asyncio.gather(*deeds)
        for image in images:
            assert await bench.index.rows.find(image) is None
            assert await bench.index.rows.take_over(worlds.original(image)) is None

    world.run(scenario)


@databases
def test_the_queue_of_the_buckets_has_an_index_of_its_own(
    database: Callable[[], contextlib.AbstractContextManager[str]],
) -> None:
    """Among ten thousand of the main namespace, none of which will ever be mirrored."""
    listener = worlds.Listener()
    SqlMirrorQueue.waiting.__wrapped__(None, listener, "0" * 28, 100, main=False)

    def fill(connection: sa.Connection) -> None:
        rows = [
            {
                **originals._row(
                    worlds.original(ImageId(f"cat {number}", "" if number % 1000 else "pets"))
                ),
                "uploaded_at": 1.0,
                "mirrored_at": None,
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
        lacking = await index.mirror_queue.waiting("", 100, main=False)
        await index.close()
        assert len(lacking) == 10
        assert "ix_originals_unmirrored_buckets" in plan

    with database() as url:
        asyncio.run(scenario(url))
