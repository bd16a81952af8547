"""The contract of the index for what each receiver of events is yet to be told."""

import asyncio
import contextlib
from collections.abc import Callable

import pytest
import sqlalchemy as sa

from liveresize.core.events import Event, Kind
from liveresize.core.names import ImageId
from liveresize.core.ports import Delivery
from liveresize.storage.index import deliveries, originals, schema
from liveresize.storage.index.sql_index import DatabaseIndex

from . import test_upgrades, worlds
from .worlds import CAT, Bench, World, databases, everywhere

LEASE = 30.0
ALL = frozenset(Kind)
READER = "webhook:"


async def due(bench: Bench, limit: int = 100, reader: str = READER) -> list[Delivery]:
    """What is due now."""
    return await bench.index.deliveries.take(reader, ALL, limit, LEASE)


async def take(bench: Bench, limit: int = 100, reader: str = READER) -> list[str]:
    """The names of the pictures of what is due now."""
    return [one.event.image.name for one in await due(bench, limit, reader)]


async def waiting(bench: Bench, reader: str = READER) -> int:
    """How many events wait for the receiver."""
    return await bench.index.deliveries.count(reader, ALL)


@everywhere
def test_a_receiver_may_be_told_of_one_prefix(world: World) -> None:
    """Of names that begin with it, in no bucket; also when events are replayed and counted."""

    async def scenario(bench: Bench) -> None:
        rows, deliveries = bench.index.rows, bench.index.deliveries
        assert await deliveries.take("webhook:shop", ALL, 9, LEASE, prefix="shop-") == []
        for image in (ImageId("shop-1"), ImageId("shop"), ImageId("shop.1"), CAT):
            await bench.upload(image)
        await rows.adopt(worlds.original(ImageId("shop-2", "pets")), mirrored=True, uploaded=True)
        assert await deliveries.count("webhook:shop", ALL, prefix="shop-") == 1
        for _ in range(2):
            taken = await deliveries.take("webhook:shop", ALL, 9, LEASE, prefix="shop-")
            assert [one.event.image.name for one in taken] == ["shop-1"]
            queued = await deliveries.replay("webhook:shop", ALL, 0.0, 0, 9, prefix="shop-")
            assert queued == [taken[0].event.serial]

    world.run(scenario)


@everywhere
def test_a_receiver_is_told_of_the_kinds_it_asked_for(world: World) -> None:
    """Each receiver of its own; found and imported pictures are no uploads."""

    async def scenario(bench: Bench) -> None:
        await bench.index.rows.adopt(worlds.original(ImageId("found")))
        await bench.index.rows.take_over(worlds.original(ImageId("taken over", "pets")))
        await bench.index.rows.supersede(worlds.original(ImageId("put back")))
        assert await due(bench) == []
        cat = await bench.upload()
        deposit = worlds.original(ImageId("dog", "pets"))
        dog = await bench.index.rows.adopt(deposit, mirrored=True, uploaded=True)
        await bench.index.rows.delete(CAT)
        taken = await due(bench)
        assert [(one.event.kind, one.event.image, one.event.generation) for one in taken] == [
            (Kind.UPLOADED, CAT, cat.generation),
            (Kind.UPLOADED, dog.image, dog.generation),
            (Kind.DELETED, CAT, cat.generation),
        ]
        assert all(one.tries == 1 for one in taken)
        assert all(0 <= one.age < worlds.BUDGET for one in taken)
        only = await bench.index.deliveries.take("other", {Kind.DELETED}, 9, LEASE)
        assert [one.event.kind for one in only] == [Kind.DELETED]
        assert await bench.index.deliveries.count("other", {Kind.DELETED}) == 1

    world.run(scenario)


@everywhere
def test_a_row_that_stands_is_not_announced_again(world: World) -> None:
    """A deposit of what is there already is no upload."""

    async def scenario(bench: Bench) -> None:
        await bench.upload()
        await bench.index.rows.adopt(worlds.original(), uploaded=True)
        assert await take(bench) == ["cat"]

    world.run(scenario)


@everywhere
def test_a_new_receiver_is_not_told_of_the_past(world: World) -> None:
    """But of the last minute: an upload may come before its first look."""

    async def scenario(bench: Bench) -> None:
        await bench.upload(ImageId("old"))
        await bench.later(100.0)
        await bench.upload(ImageId("new"))
        assert await take(bench) == ["new"]
        assert await take(bench) == []

    world.run(scenario)


@everywhere
def test_those_first_that_wait_longest(world: World) -> None:
    """No more than was asked for, each once, until its lease has run out."""

    async def scenario(bench: Bench) -> None:
        names = [f"cat {number}" for number in range(6)]
        for name in names:
            await bench.upload(ImageId(name))
        assert await take(bench, 4) == names[:4]
        assert await take(bench, 4) == names[4:]
        assert await take(bench) == []
        assert await waiting(bench) == 6
        await bench.later(LEASE + 1)
        again = await due(bench)
        assert sorted(one.event.image.name for one in again) == names
        assert {one.tries for one in again} == {2}
        assert all(one.age > LEASE for one in again)

    world.run(scenario)


@everywhere
def test_what_was_told_is_not_told_again(world: World) -> None:
    """However late, and however often that is noted; other events and receivers still are."""

    async def scenario(bench: Bench) -> None:
        await bench.upload()
        await bench.upload(ImageId("dog"))
        assert await take(bench, reader="other") == ["cat", "dog"]
        (cat, _) = await due(bench)
        for _ in range(2):
            await bench.index.deliveries.remove(READER, cat.event.serial)
        await bench.index.deliveries.remove(READER, 999)
        assert await waiting(bench) == 1
        assert await waiting(bench, "other") == 2
        await bench.later(LEASE + 1)
        assert await take(bench) == ["dog"]

    world.run(scenario)


@everywhere
def test_what_failed_is_due_after_its_pause(world: World) -> None:
    """Not before, and before its lease is over; attempts are counted."""

    async def scenario(bench: Bench) -> None:
        await bench.upload()
        for tries in (1, 2, 3):
            (taken,) = await due(bench, 1)
            assert taken.tries == tries
            await bench.index.deliveries.postpone(READER, taken, 20.0)
            assert await take(bench) == []
            await bench.later(21.0)

    world.run(scenario)


@everywhere
def test_a_failure_that_is_told_late_changes_nothing(world: World) -> None:
    """Whoever lost the lease to another neither moves its row, nor brings it back."""

    async def scenario(bench: Bench) -> None:
        await bench.upload()
        (first,) = await due(bench, 1)
        await bench.later(LEASE + 1)
        (second,) = await due(bench, 1)
        await bench.index.deliveries.postpone(READER, first, 0.0)
        assert await take(bench) == []
        await bench.index.deliveries.remove(READER, second.event.serial)
        for late in (first, second):
            await bench.index.deliveries.postpone(READER, late, 0.0)
        assert await take(bench) == []
        assert await waiting(bench) == 0

    world.run(scenario)


@everywhere
def test_one_event_that_is_refused_holds_up_no_other(world: World) -> None:
    """It waits for its next attempt, and the receiver reads on."""

    async def scenario(bench: Bench) -> None:
        await bench.upload(ImageId("refused"))
        (refused,) = await due(bench)
        await bench.index.deliveries.postpone(READER, refused, 1000.0)
        await bench.upload()
        assert await take(bench) == ["cat"]

    world.run(scenario)


@everywhere
def test_a_receiver_that_is_away_does_not_fill_the_queue(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Above a number of rows the events stay where they are, and are told of later."""
    monkeypatch.setattr(deliveries, "_MOST", 3)
    monkeypatch.setattr(deliveries, "_PAGE", 2)

    async def scenario(bench: Bench) -> None:
        for number in range(9):
            await bench.upload(ImageId(f"cat {number}"))
        told: list[Event] = []
        for _ in range(20):
            for one in await due(bench, 2):
                told.append(one.event)
                await bench.index.deliveries.remove(READER, one.event.serial)
        assert [event.image.name for event in told] == [f"cat {n}" for n in range(9)]

    world.run(scenario)


@everywhere
def test_a_replay_tells_again_what_was_told(world: World) -> None:
    """Since a time, of the kinds that the receiver has, page by page, from a first attempt on."""

    async def scenario(bench: Bench) -> None:
        asked = bench.index.deliveries.replay
        assert await asked(READER, ALL, 0.0, 0, 9) == []  # it has read nothing yet
        for name in ("a", "b", "c"):
            await bench.upload(ImageId(name))
        await bench.index.rows.delete(ImageId("a"))
        for one in await due(bench):
            await bench.index.deliveries.remove(READER, one.event.serial)
        first, second = await asked(READER, {Kind.UPLOADED}, 0.0, 0, 2)
        (third,) = await asked(READER, {Kind.UPLOADED}, 0.0, second, 2)
        assert first < second < third
        assert await asked(READER, {Kind.UPLOADED}, 0.0, third, 2) == []
        await bench.later(100.0)
        again = await due(bench)
        assert [(one.event.image.name, one.tries) for one in again] == [
            ("a", 1),
            ("b", 1),
            ("c", 1),
        ]
        assert await asked(READER, ALL, 9e9, 0, 9) == []

    world.run(scenario)


@everywhere
def test_what_belongs_to_forgotten_events_goes_with_them(world: World) -> None:
    """The queue of a receiver that is gone, and its place; who has read on keeps its own."""

    async def scenario(bench: Bench) -> None:
        await bench.upload(ImageId("old"))
        assert await take(bench, reader="gone") == ["old"]
        assert await take(bench) == ["old"]
        await bench.later(1000.0)
        await bench.upload()
        assert await take(bench, 1) == ["old"]
        await bench.index.events.forget(500.0)
        await bench.index.deliveries.forget()
        assert await waiting(bench, "gone") == 1  # the new one, which it has not read
        await bench.later(LEASE + 1)
        assert await take(bench) == ["cat"]

    world.run(scenario)


@everywhere
def test_several_that_take_at_once_get_different_ones(world: World) -> None:
    """Each event once, all of them in the end, while more are written."""

    async def scenario(bench: Bench) -> None:
        names = [f"cat {number}" for number in range(40)]
        for name in names[:20]:
            await bench.upload(ImageId(name))
        taken: list[str] = []

        async def worker() -> None:
            while some := await take(bench, 3):
                taken.extend(some)

        await asyncio.gather(
            *(worker() for _ in range(5)), *(bench.upload(ImageId(name)) for name in names[20:])
        )
        while some := await take(bench):  # passed over, locked, or written later
            taken.extend(some)
        assert sorted(taken) == sorted(names)

    world.run(scenario)


@databases
def test_uploads_that_1_0_0_has_not_announced_become_events(
    database: Callable[[], contextlib.AbstractContextManager[str]],
) -> None:
    """Once, and not those that it has taken for an attempt."""

    def leave(connection: sa.Connection) -> None:
        for name, at in (("due", 1.0), ("taken", 9e9), ("told", None)):
            row = originals._row(worlds.original(ImageId(name)))
            connection.execute(
                sa.insert(schema.originals).values(
                    **row, uploaded_at=1.0, announce_at=at, announce_tries=3
                )
            )

    async def scenario(url: str) -> None:
        index = await DatabaseIndex.open(worlds.patient_database(url))
        async with worlds.raw(url) as engine:
            await engine.run(leave)
        assert await index.deliveries.inherit(10) == 1
        assert await index.deliveries.inherit(10) == 0
        (event,) = await index.events.since(0, 10)
        assert (event.kind, event.image.name) == (Kind.UPLOADED, "due")
        await index.close()

    with database() as url:
        asyncio.run(scenario(url))


@databases
def test_a_release_that_does_not_know_the_columns_can_use_them(
    database: Callable[[], contextlib.AbstractContextManager[str]],
) -> None:
    """It inserts as it always did; what is not said of a picture is nothing."""
    known = [column for column in schema.originals.c if column.name in FIRST]
    before = sa.Table("originals", sa.MetaData(), *(c._copy() for c in known))
    row = {**originals._row(worlds.original()), "uploaded_at": 1.0, "mirrored_at": None}
    row = {name: value for name, value in row.items() if name in FIRST}

    async def scenario(url: str) -> None:
        index = await DatabaseIndex.open(worlds.patient_database(url))
        async with worlds.raw(url) as engine:
            await engine.run(lambda connection: connection.execute(sa.insert(before), row))
        assert await index.rows.find(CAT) is not None
        assert await index.deliveries.take(READER, ALL, 1, LEASE) == []
        await index.close()

    with database() as url:
        asyncio.run(scenario(url))


FIRST = {
    *("bucket", "name", "generation", "format", "width", "height", "bytes", "sha256", "frames"),
    *("has_alpha", "clean", "dominant_color", "thumbhash", "uploaded_at", "mirrored_at"),
}
"""The columns of originals that every release has."""


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
