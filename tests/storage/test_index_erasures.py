"""The contract of the index for erasures: what is gone where, and who is yet to be told."""

import pytest

from liveresize.core.erasures import KEPT, Progress, Telling
from liveresize.core.events import Kind
from liveresize.core.records import EXPIRED_FOR, Given

from .worlds import CAT, Bench, World, everywhere

EDGE, LATER = "cdn:edge", "cdn:later"
KINDS = frozenset({Kind.DELETED})


async def progress(bench: Bench, generation: str) -> Progress:
    """How far an erasure is."""
    found = await bench.index.erasures.find(generation)
    assert found is not None
    return found


@everywhere
def test_a_deletion_with_redirects_is_an_erasure(world: World) -> None:
    """A row of its own, with the time at which the last redirect ends; others are none."""

    async def scenario(bench: Bench) -> None:
        plain = await bench.upload()
        await bench.index.rows.delete(CAT)
        assert await bench.index.erasures.find(plain.generation) is None
        stored = await bench.upload()
        await bench.index.rows.delete(CAT, redirects=600.0)
        known = await progress(bench, stored.generation)
        erasure = known.erasure
        assert (erasure.image, erasure.generation) == (CAT, stored.generation)
        assert erasure.redirects_end - erasure.at == pytest.approx(600.0, abs=0.01)
        assert erasure.at <= known.now
        assert (erasure.stores_at, known.instances, known.tellings) == (None, (), {})

    world.run(scenario)


@everywhere
def test_the_end_of_an_expired_picture_is_an_erasure(world: World) -> None:
    """As a deletion is; whoever is told of the one is told of the other."""

    async def scenario(bench: Bench) -> None:
        stored = await bench.upload(given=Given(keep_until=1.0))
        expired = await bench.index.rows.expire(stored)
        assert expired is not None
        await bench.later(EXPIRED_FOR + 1.0)
        kinds = frozenset({Kind.EXPIRED})
        await bench.index.deliveries.take(EDGE, frozenset(), 9, 60.0)
        assert await bench.index.rows.end_expired(expired.after, redirects=60.0)
        (delivery,) = await bench.index.deliveries.take(EDGE, kinds, 9, 60.0)
        await bench.index.deliveries.remove(EDGE, delivery.event.serial)
        known = await progress(bench, stored.generation)
        assert known.tellings[EDGE].at is not None
        assert known.erasure.redirects_end - known.erasure.at == pytest.approx(60.0, abs=0.01)

    world.run(scenario)


@everywhere
def test_each_instance_says_when_it_has_removed_what_it_had(world: World) -> None:
    """Once: what is done again keeps its time. Those that have not are known, too."""

    async def scenario(bench: Bench) -> None:
        stored = await bench.upload()
        for name in ("a/1", "b/2"):
            await bench.index.erasures.see(name)
        await bench.index.rows.delete(CAT, redirects=1.0)
        for _ in range(2):
            await bench.index.erasures.removed_here("a/1", [stored.generation, "0" * 28])
            known = await progress(bench, stored.generation)
            await bench.index.erasures.see("a/1")
        first, second = (await progress(bench, stored.generation)).instances
        assert [first.name, second.name] == ["a/1", "b/2"]
        assert first.gone_at == known.instances[0].gone_at
        assert first.gone_at is not None
        assert second.gone_at is None
        assert await bench.index.erasures.find("0" * 28) is None

    world.run(scenario)


@everywhere
def test_what_is_left_in_stores_is_found(world: World) -> None:
    """By any instance, until one has said that it is gone."""

    async def scenario(bench: Bench) -> None:
        stored = await bench.upload()
        await bench.index.rows.delete(CAT, redirects=1.0)
        assert await bench.index.erasures.unfinished(60.0, 9) == []
        assert await bench.index.erasures.unfinished(-60.0, 9) == [(CAT, stored.generation)]
        await bench.index.erasures.removed_from_stores(stored.generation)
        gone_at = (await progress(bench, stored.generation)).erasure.stores_at
        await bench.index.erasures.removed_from_stores(stored.generation)
        assert (await progress(bench, stored.generation)).erasure.stores_at == gone_at is not None
        assert await bench.index.erasures.unfinished(-60.0, 9) == []

    world.run(scenario)


@everywhere
def test_receivers_of_the_event_are_told_or_not(world: World) -> None:
    """They wait, are done, or were given up; one that came later is not told of it."""

    async def scenario(bench: Bench) -> None:
        deliveries = bench.index.deliveries
        await deliveries.take(EDGE, KINDS, 9, 60.0)
        await deliveries.take("cdn:other", KINDS, 9, 60.0)
        stored = await bench.upload()
        await bench.index.rows.delete(CAT, redirects=1.0)
        known = await progress(bench, stored.generation)
        assert known.tellings[EDGE] == Telling(waits=True)
        (delivery,) = await deliveries.take(EDGE, KINDS, 9, 60.0)
        known = await progress(bench, stored.generation)
        assert known.tellings[EDGE] == Telling(waits=True, tries=1)
        await deliveries.remove(EDGE, delivery.event.serial)
        (delivery,) = await deliveries.take("cdn:other", KINDS, 9, 60.0)
        await deliveries.remove("cdn:other", delivery.event.serial, failed=True)
        await deliveries.take(LATER, frozenset(), 9, 60.0)
        told = (await progress(bench, stored.generation)).tellings
        assert told[EDGE].at is not None
        assert (told[EDGE].failed, told["cdn:other"].failed) == (False, True)
        assert told[LATER] == Telling()
        await bench.index.events.forget(-60.0)
        told = (await progress(bench, stored.generation)).tellings
        assert (told[EDGE].failed, told[LATER].failed) == (False, True)

    world.run(scenario)


@everywhere
def test_erasures_are_forgotten_with_all_that_belongs_to_them(world: World) -> None:
    """As are instances that nobody has seen for long."""

    async def scenario(bench: Bench) -> None:
        stored = await bench.upload()
        await bench.index.erasures.see("a/1")
        await bench.index.rows.delete(CAT, redirects=1.0)
        await bench.index.erasures.removed_here("a/1", [stored.generation])
        await bench.index.erasures.forget(KEPT, KEPT)
        assert len((await progress(bench, stored.generation)).instances) == 1
        await bench.index.erasures.forget(KEPT, -60.0)
        known = await progress(bench, stored.generation)
        assert (known.instances, known.tellings) == ((), {})
        await bench.index.erasures.forget(-60.0, KEPT)
        assert await bench.index.erasures.find(stored.generation) is None

    world.run(scenario)


@everywhere
def test_a_picture_that_came_back_is_erased_again(world: World) -> None:
    """A file that was found is adopted under its old generation: what was noted counts no more."""

    async def scenario(bench: Bench) -> None:
        stored = await bench.upload()
        await bench.index.erasures.see("a/1")
        for _ in range(2):
            await bench.index.rows.delete(CAT, redirects=1.0)
            known = await progress(bench, stored.generation)
            assert (known.erasure.stores_at, known.instances[0].gone_at) == (None, None)
            await bench.index.erasures.removed_here("a/1", [stored.generation])
            await bench.index.erasures.removed_from_stores(stored.generation)
            await bench.index.rows.adopt(stored)

    world.run(scenario)
