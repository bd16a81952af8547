"""The contract of the index for what the webhook is yet to be told of."""

import asyncio
import contextlib
import functools
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from liveresize.core.names import ImageId
from liveresize.core.originals import Original
from liveresize.core.ports import Announcement
from liveresize.storage.index import announcements, originals, schema
from liveresize.storage.index.announcements import SqlAnnouncements
from liveresize.storage.index.sql_index import DatabaseIndex

from . import test_upgrades, worlds
from .worlds import CAT, Bench, World, databases, everywhere

LEASE = 30.0


async def uploaded(bench: Bench, image: ImageId = CAT, *, overwrite: bool = False) -> Original:
    """An original that was uploaded just now, and is to be announced."""
    claim = await bench.claim(image, overwrite=overwrite)
    await bench.index.tokens.complete(claim, worlds.original(image), "0" * 64, "{}", announce=True)
    stored = await bench.index.rows.find(image)
    assert stored is not None
    return stored


async def take(bench: Bench, limit: int = 100) -> list[Original]:
    """The originals that are due now."""
    return [one.original for one in await bench.index.announcements.take(limit, LEASE)]


@everywhere
def test_an_upload_is_announced_if_that_was_asked_for(world: World) -> None:
    """Of tokens and of deposits, at once, with all that is known of it; of nothing else."""

    async def scenario(bench: Bench) -> None:
        assert await bench.index.announcements.take(10, LEASE) == []
        await bench.upload(ImageId("in silence"))
        await bench.index.rows.adopt(worlds.original(ImageId("found")))
        await bench.index.rows.take_over(worlds.original(ImageId("taken over", "pets")))
        await bench.index.rows.supersede(worlds.original(ImageId("put back")))
        assert await bench.index.announcements.count() == 0
        cat = await uploaded(bench)
        deposit = worlds.original(ImageId("dog", "pets"))
        dog = await bench.index.rows.adopt(deposit, mirrored=True, announce=True)
        assert await bench.index.announcements.count() == 2
        taken = await bench.index.announcements.take(10, LEASE)
        assert {one.original.image: one.original for one in taken} == {
            cat.image: cat,
            dog.image: dog,
        }
        assert all(one.tries == 1 for one in taken)
        assert all(0 <= one.age < worlds.BUDGET for one in taken)

    world.run(scenario)


@everywhere
def test_a_row_that_stands_is_not_announced_again(world: World) -> None:
    """A deposit of what is there already is no upload."""

    async def scenario(bench: Bench) -> None:
        await bench.upload()
        await bench.index.rows.adopt(worlds.original(), announce=True)
        assert await bench.index.announcements.count() == 0

    world.run(scenario)


@everywhere
def test_those_first_that_wait_longest(world: World) -> None:
    """No more than was asked for, each once, until its lease has run out."""

    async def scenario(bench: Bench) -> None:
        stored = []
        for number in range(6):
            stored.append(await uploaded(bench, ImageId(f"cat {number}")))
            await bench.later(1.0)
        assert await take(bench, 4) == [await again(bench, one) for one in stored[:4]]
        assert await take(bench, 4) == [await again(bench, one) for one in stored[4:]]
        assert await take(bench) == []
        assert await bench.index.announcements.count() == 6
        await bench.later(LEASE + 1)
        taken = await bench.index.announcements.take(100, LEASE)
        assert sorted(one.original.image.name for one in taken) == [f"cat {n}" for n in range(6)]
        assert {one.tries for one in taken} == {2}
        assert all(one.age > LEASE for one in taken)

    world.run(scenario)


async def again(bench: Bench, original: Original) -> Original:
    """The original as the index has it now: letting time pass makes databases older."""
    current = await bench.index.rows.of(original.generation)
    assert current is not None
    return current


@everywhere
def test_what_was_told_is_not_told_again(world: World) -> None:
    """However late, and however often that is noted; its neighbours still are."""

    async def scenario(bench: Bench) -> None:
        cat, dog = await uploaded(bench), await uploaded(bench, ImageId("dog"))
        assert len(await take(bench)) == 2
        for _ in range(2):
            await bench.index.announcements.remove(cat.generation)
        await bench.index.announcements.remove("0" * 28)
        assert await bench.index.announcements.count() == 1
        await bench.later(LEASE + 1)
        assert [one.generation for one in await take(bench)] == [dog.generation]
        assert await bench.index.rows.find(CAT) == await again(bench, cat)

    world.run(scenario)


@everywhere
def test_what_failed_is_due_after_its_pause(world: World) -> None:
    """Not before, and before its lease is over; attempts are counted."""

    async def scenario(bench: Bench) -> None:
        await uploaded(bench)
        for tries in (1, 2, 3):
            (taken,) = await bench.index.announcements.take(1, LEASE)
            assert taken.tries == tries
            await bench.index.announcements.postpone(taken, 20.0)
            assert await take(bench) == []
            await bench.later(21.0)

    world.run(scenario)


@everywhere
def test_a_failure_that_is_told_late_changes_nothing(world: World) -> None:
    """Whoever lost the lease to another neither moves its row, nor brings it back."""

    async def scenario(bench: Bench) -> None:
        await uploaded(bench)
        (first,) = await bench.index.announcements.take(1, LEASE)
        await bench.later(LEASE + 1)
        (second,) = await bench.index.announcements.take(1, LEASE)
        await bench.index.announcements.postpone(first, 0.0)
        assert await take(bench) == []
        await bench.index.announcements.remove(second.original.generation)
        for late in (first, second):
            await bench.index.announcements.postpone(late, 0.0)
        assert await take(bench) == []
        assert await bench.index.announcements.count() == 0

    world.run(scenario)


@everywhere
def test_what_has_ended_is_told_of_no_more(world: World) -> None:
    """Deleted: nothing. Overwritten: the new generation, from its first attempt on."""

    async def scenario(bench: Bench) -> None:
        await uploaded(bench, ImageId("dog"))
        old = await uploaded(bench)
        taken = await bench.index.announcements.take(100, LEASE)
        await bench.index.rows.delete(ImageId("dog"))
        new = await uploaded(bench, overwrite=True)
        for late in taken:
            await bench.index.announcements.postpone(late, 0.0)
        (due,) = await bench.index.announcements.take(100, LEASE)
        assert (due.original, due.tries) == (new, 1)
        assert await bench.index.announcements.count() == 1
        await bench.index.announcements.remove(old.generation)
        assert await bench.index.announcements.count() == 1
        await bench.index.rows.end(new)
        assert await bench.index.announcements.count() == 0

    world.run(scenario)


@everywhere
def test_several_that_take_at_once_get_different_ones(world: World) -> None:
    """Each upload once, all of them in the end, while links and mirrors touch their rows."""

    async def scenario(bench: Bench) -> None:
        stored = [await uploaded(bench, ImageId(f"cat {number}")) for number in range(40)]
        taken: list[str] = []

        async def worker() -> None:
            while due := await take(bench, 3):
                taken.extend(one.generation for one in due)

        async def bystander(of: Original) -> None:
            assert await bench.index.mirror_queue.done(of.generation)
            assert await bench.index.links.add(worlds.link(of))

        await asyncio.gather(*(worker() for _ in range(5)), *map(bystander, stored))
        taken.extend(one.generation for one in await take(bench, 100))  # passed over, locked
        assert sorted(taken) == sorted(one.generation for one in stored)

    world.run(scenario)


class _Listener:
    """Stands for a connection, and keeps the first statement that it is asked."""

    statement: sa.Select[Any]

    def execute(self, statement: sa.Select[Any]) -> "_Listener":
        self.statement = statement
        return self

    def __iter__(self) -> Iterator[Any]:
        return iter(())

    def scalar_one(self) -> int:
        return 0


PLANS = {"sqlite": "EXPLAIN QUERY PLAN ", "postgresql": "EXPLAIN "}

ASKED: list[Callable[[Any], object]] = [
    lambda connection: SqlAnnouncements.take.__wrapped__(None, connection, 4, LEASE),
    lambda connection: SqlAnnouncements.count.__wrapped__(None, connection),
]


@databases
@pytest.mark.parametrize("known", [False, True], ids=["no statistics", "statistics"])
def test_a_short_queue_is_read_without_the_long_table(
    database: Callable[[], contextlib.AbstractContextManager[str]],
    known: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Among ten thousand that were told of, the few that were not have an index of their own,
    which is used from the first day on."""
    # As much less than the table has as in one of a million.
    monkeypatch.setattr(announcements, "COUNTED", 100)

    def fill(connection: sa.Connection) -> None:
        rows = [
            {
                **originals._row(worlds.original(ImageId(f"cat {number}"))),
                "uploaded_at": 1.0,
                "announce_at": None if number % 1000 else 1.0,
            }
            for number in range(10_000)
        ]
        connection.execute(sa.insert(schema.originals), rows)
        if known:
            connection.exec_driver_sql("ANALYZE")

    def explain(connection: sa.Connection, ask: Callable[[Any], object]) -> str:
        dialect, listener = connection.dialect, _Listener()
        ask(listener)
        asked = listener.statement.compile(dialect=dialect, compile_kwargs={"literal_binds": True})
        rows = connection.exec_driver_sql(PLANS[dialect.name] + str(asked)).all()
        return "\n".join(str(row[-1]) for row in rows)

    async def scenario(url: str) -> None:
        index = await DatabaseIndex.open(worlds.patient_database(url))
        async with worlds.raw(url) as engine:
            await engine.run(fill)
            for ask in ASKED:
                plan = await engine.run(functools.partial(explain, ask=ask))
                assert "ix_originals_announce_at" in plan
        assert await index.announcements.count() == 10
        taken: list[Announcement] = await index.announcements.take(100, LEASE)
        await index.close()
        assert len(taken) == 10

    with database() as url:
        asyncio.run(scenario(url))


@databases
def test_a_release_that_does_not_know_the_columns_can_use_them(
    database: Callable[[], contextlib.AbstractContextManager[str]],
) -> None:
    """It inserts as it always did, and nothing is announced of what it has taken."""
    known = [column for column in schema.originals.c if not column.name.startswith("announce")]
    before = sa.Table("originals", sa.MetaData(), *(c._copy() for c in known))
    row = {**originals._row(worlds.original()), "uploaded_at": 1.0, "mirrored_at": None}

    async def scenario(url: str) -> None:
        index = await DatabaseIndex.open(worlds.patient_database(url))
        async with worlds.raw(url) as engine:
            await engine.run(lambda connection: connection.execute(sa.insert(before), row))
        assert await index.rows.find(CAT) is not None
        assert await index.announcements.count() == 0
        assert await index.announcements.take(1, LEASE) == []
        await index.close()

    with database() as url:
        asyncio.run(scenario(url))


def test_the_revision_rebuilds_no_table_of_sqlite() -> None:
    """Its rows stay on their pages, however many there are."""

    def root(connection: sa.Connection) -> int:
        asked = "SELECT rootpage FROM sqlite_master WHERE name = 'originals'"
        page: int = connection.exec_driver_sql(asked).scalar_one()
        return page

    async def scenario(url: str) -> None:
        await test_upgrades.of_release(url, "0003")
        async with worlds.raw(url) as engine:
            before = await engine.run(root)
            await engine.run(lambda connection: test_upgrades.upgrade(connection, "0004"))
            assert await engine.run(root) == before

    with worlds.sqlite_url() as url:
        asyncio.run(scenario(url))
