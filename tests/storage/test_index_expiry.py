"""The contract of the index for pictures whose time is over, and for the pause of that."""

import asyncio
from typing import Any

from liveresize.core.events import Event, Kind
from liveresize.core.names import ImageId
from liveresize.core.ports import HIDDEN
from liveresize.core.records import EXPIRED_FOR, Change, Given, State
from liveresize.storage.index.originals import SqlOriginalRows

from .test_index_list import explained
from .worlds import CAT, Bench, World, databases, everywhere

PROVISIONAL = Given(claim_within=60.0)


async def news(bench: Bench) -> list[Event]:
    """The events after the upload."""
    return await bench.index.events.since(1, 100)


@everywhere
def test_a_picture_is_hidden_first_and_deleted_a_day_later(world: World) -> None:
    """Each step once, with its event and its announcement, and not before its time."""

    async def scenario(bench: Bench) -> None:
        rows = bench.index.rows
        stored = await bench.upload(given=PROVISIONAL)
        await bench.add(stored)
        assert await rows.due(9) == []
        assert await rows.expire(stored) is None
        await bench.later(61.0)
        (due,) = await rows.due(9)
        assert due.generation == stored.generation
        changed = await rows.expire(due)
        assert changed is not None
        assert changed.after.record.state is State.EXPIRED
        assert await rows.find(CAT) == changed.after
        assert await bench.index.links.find(stored.generation, "1x1-jpeg") is None
        assert (await bench.index.purges.since(0))[-1].variant == HIDDEN
        assert await rows.due(9) == []
        assert await rows.expire(due) is None
        assert not await rows.end_expired(changed.after)
        await bench.later(EXPIRED_FOR)
        assert [one.generation for one in await rows.due(9)] == [stored.generation]
        assert await rows.end_expired(changed.after)
        assert not await rows.end_expired(changed.after)
        assert await rows.find(CAT) is None
        assert (await bench.index.purges.since(0))[-1].variant == ""
        told = await news(bench)
        assert [event.kind for event in told] == [Kind.CHANGED, Kind.EXPIRED]
        assert told[0].document["changed"] == ["expired"]
        assert told[1].document["state"] == "expired"
        await bench.claim()  # the id is free

    world.run(scenario)


@everywhere
def test_who_claims_it_within_the_day_has_it_back(world: World) -> None:
    """Those who had looked before change nothing more; another generation is not theirs either."""

    async def scenario(bench: Bench) -> None:
        rows = bench.index.rows
        await bench.upload(given=PROVISIONAL)
        await bench.later(61.0)
        (due,) = await rows.due(9)
        expired = await rows.expire(due)
        assert expired is not None
        await rows.change(CAT, Change(claimed=True))
        await bench.later(EXPIRED_FOR + 1.0)
        assert await rows.due(9) == []
        assert await rows.expire(due) is None
        assert not await rows.end_expired(expired.after)
        kinds = [event.kind for event in await news(bench)]
        assert kinds == [Kind.CHANGED, Kind.RELEASED]

    world.run(scenario)


@everywhere
def test_those_that_are_longest_overdue_come_first(world: World) -> None:
    """By `keep_until` and by `claim_within`; a picture that stays is not due."""

    async def scenario(bench: Bench) -> None:
        now = (await bench.upload(ImageId("stays"))).uploaded_at
        await bench.upload(ImageId("b"), given=Given(keep_until=now + 50.0, claim_within=500.0))
        await bench.upload(ImageId("a"), given=PROVISIONAL)
        await bench.upload(ImageId("c"), given=Given(keep_until=now + 9e8))
        await bench.later(100.0)
        assert [one.image.name for one in await bench.index.rows.due(9)] == ["b", "a"]
        assert [one.image.name for one in await bench.index.rows.due(1)] == ["b"]

    world.run(scenario)


@everywhere
def test_several_at_once_do_each_step_once(world: World) -> None:
    """As instances that have read the same rows."""

    async def scenario(bench: Bench) -> None:
        rows = bench.index.rows
        await bench.upload(given=PROVISIONAL)
        await bench.later(61.0)
        (due,) = await rows.due(9)
        outcomes = await asyncio.gather(*(rows.expire(due) for _ in range(4)))
        assert len([changed for changed in outcomes if changed is not None]) == 1
        await bench.later(EXPIRED_FOR)
        ended = await asyncio.gather(*(rows.end_expired(due) for _ in range(4)))
        assert sorted(ended) == [False, False, False, True]
        kinds = [event.kind for event in await news(bench)]
        assert kinds == [Kind.CHANGED, Kind.EXPIRED]

    world.run(scenario)


@everywhere
def test_nothing_expires_while_it_is_paused(world: World) -> None:
    """Neither step, whoever has read the rows before; the pause is the same for all."""

    async def scenario(bench: Bench) -> None:
        rows, pause = bench.index.rows, bench.index.expiry_pause
        await bench.upload(given=PROVISIONAL)
        second = await bench.upload(ImageId("dog"), given=PROVISIONAL)
        await bench.later(61.0)
        assert await rows.expire(second) is not None
        await bench.later(EXPIRED_FOR)
        first, _ = due = await rows.due(9)
        assert first.image == CAT
        assert await pause.since() is None
        await pause.begin()
        began = await pause.since()
        await pause.begin()
        assert await pause.since() == began is not None
        assert [await rows.expire(one) for one in due] == [None, None]
        assert [await rows.end_expired(one) for one in due] == [False, False]
        assert await pause.end()
        assert not await pause.end()
        assert await pause.since() is None
        assert await rows.expire(due[0]) is not None
        assert await rows.end_expired(due[1])

    world.run(scenario)


@databases
def test_what_is_due_is_found_by_its_own_index(database: Any) -> None:
    """Among ten thousand that stay."""
    due: Any = SqlOriginalRows.due

    def row(number: int) -> dict[str, object]:
        return {"due_at": None if number % 1000 else 1.0}

    plan = explained(database, [lambda listener: due.__wrapped__(None, listener, 100)], row)
    assert "ix_originals_due_at" in plan[0]
