"""The contract of the index for records of pictures, and for events."""

import asyncio
import dataclasses

import pytest

from liveresize import errors
from liveresize.core.events import Kind
from liveresize.core.names import ImageId
from liveresize.core.originals import version_of
from liveresize.core.ports import HIDDEN, RECORD, Added, Purged
from liveresize.core.records import Change, Given

from . import worlds
from .worlds import CAT, Bench, World, everywhere

GIVEN = Given(focus=(250, 1000), meta='{"a":"ä"}', held=True, keep_until=9e9, claim_within=60.0)


@everywhere
def test_what_a_token_says_is_recorded_with_the_upload(world: World) -> None:
    """In the row and in the event; `claim_within` counts from the upload."""

    async def scenario(bench: Bench) -> None:
        stored = await bench.upload(given=GIVEN)
        assert stored.record == GIVEN.at(stored.uploaded_at)
        assert await bench.index.rows.of(stored.generation) == stored
        (event,) = await bench.index.events.since(0, 10)
        assert (event.kind, event.image, event.generation) == (
            Kind.UPLOADED,
            CAT,
            stored.generation,
        )
        assert event.document["focus"] == [0.25, 1.0]
        assert event.document["meta"] == {"a": "ä"}
        assert event.document["state"] == "held"
        assert event.document["version"] == version_of(stored.generation)

    world.run(scenario)


@everywhere
def test_a_replaced_picture_starts_with_a_record_of_its_own(world: World) -> None:
    """A focus is that of the pixels that are gone."""

    async def scenario(bench: Bench) -> None:
        await bench.upload(given=dataclasses.replace(GIVEN, held=False))
        claim = await bench.claim(overwrite=True)
        await bench.index.tokens.complete(claim, worlds.original(), "0" * 64, "{}")
        standing = await bench.index.rows.find(CAT)
        assert standing is not None
        assert standing.record == Given().at(0.0)
        kinds = [event.kind for event in await bench.index.events.since(0, 10)]
        assert kinds == [Kind.UPLOADED, Kind.REPLACED]

    world.run(scenario)


@everywhere
def test_hiding_ends_the_links_at_once_and_for_good(world: World) -> None:
    """A render that was in flight adds none; after the release links are added again."""

    async def scenario(bench: Bench) -> None:
        stored = await bench.upload()
        await bench.add(stored)
        hidden = await bench.index.rows.change(CAT, Change(held=True))
        assert hidden.before == stored
        assert hidden.after.record.hidden
        assert await bench.index.rows.find(CAT) == hidden.after
        assert await bench.index.links.find(stored.generation, "1x1-jpeg") is None
        assert not await bench.index.links.add(worlds.link(stored))
        assert await bench.index.links.add_all([worlds.link(stored)], 9) == [Added.ENDED]
        await bench.index.rows.change(CAT, Change(held=False))
        assert await bench.index.links.add(worlds.link(stored))
        assert await bench.index.purges.since(0) == [
            Purged(1, CAT, stored.generation, HIDDEN),
            Purged(2, CAT, stored.generation, RECORD),
        ]
        told = await bench.index.events.since(1, 10)
        assert [(event.kind, event.document["changed"]) for event in told] == [
            (Kind.CHANGED, ["held"]),
            (Kind.RELEASED, ["held"]),
        ]

    world.run(scenario)


@everywhere
def test_a_change_is_of_the_version_that_it_names(world: World) -> None:
    """What was replaced meanwhile is not changed; what changes nothing tells nobody."""

    async def scenario(bench: Bench) -> None:
        with pytest.raises(errors.OriginalMissing):
            await bench.index.rows.change(CAT, Change(held=True))
        stored = await bench.upload()
        with pytest.raises(errors.VersionMismatch):
            await bench.index.rows.change(CAT, Change(held=True), version="00000000")
        version = version_of(stored.generation)
        changed = await bench.index.rows.change(CAT, Change(focus=(1, 2)), version=version)
        again = await bench.index.rows.change(CAT, Change(focus=(1, 2)), version=version)
        assert changed.after == again.before == again.after
        assert len(await bench.index.events.since(0, 10)) == 2
        assert len(await bench.index.purges.since(0)) == 1

    world.run(scenario)


@everywhere
def test_every_end_of_a_picture_is_an_event_with_what_it_was(world: World) -> None:
    """By name and by generation; a picture that is not there is none."""

    async def scenario(bench: Bench) -> None:
        stored = await bench.upload(given=GIVEN)
        await bench.index.rows.delete(CAT)
        await bench.index.rows.delete(CAT)
        other = await bench.upload(ImageId("dog"))
        await bench.index.rows.end(other)
        await bench.index.events.add(Kind.REFUSED, dataclasses.replace(other), {"reason": "no"})
        told = await bench.index.events.since(0, 10)
        assert [event.kind for event in told] == [
            Kind.UPLOADED,
            Kind.DELETED,
            Kind.UPLOADED,
            Kind.DELETED,
            Kind.REFUSED,
        ]
        assert told[1].document["meta"] == {"a": "ä"}
        assert told[1].generation == stored.generation
        assert told[4].document["reason"] == "no"
        assert await bench.index.events.since(told[3].serial, 10) == told[4:]
        await bench.later(100)
        await bench.index.events.forget(50)
        assert await bench.index.events.since(0, 10) == []

    world.run(scenario)


@everywhere
def test_no_event_is_seen_before_an_earlier_one(world: World) -> None:
    """Uploads that commit at once are seen in the order of their serials."""

    async def scenario(bench: Bench) -> None:
        seen: list[int] = []

        async def read() -> None:
            while len(seen) < 20:
                seen.extend(
                    event.serial
                    for event in await bench.index.events.since(seen[-1] if seen else 0, 100)
                )
                await asyncio.sleep(0)

        images = [ImageId(f"cat{number}") for number in range(20)]
        await asyncio.gather(read(), *(bench.upload(image) for image in images))
        assert seen == sorted(seen)
        assert len(seen) == 20

    world.run(scenario)


@everywhere
def test_who_is_hidden_now_can_be_asked_for_many(world: World) -> None:
    """Held and expired alike; not those that were released or have no row."""

    async def scenario(bench: Bench) -> None:
        held = await bench.upload(ImageId("held"), given=GIVEN)
        shown = await bench.upload(ImageId("shown"), given=GIVEN)
        await bench.index.rows.change(shown.image, Change(held=False))
        plain = await bench.upload(ImageId("plain"))
        asked = [held.generation, shown.generation, plain.generation, "0" * 28]
        assert await bench.index.rows.hidden(asked) == {held.generation}
        assert await bench.index.rows.hidden([]) == set()

    world.run(scenario)


@everywhere
def test_holds_are_told_as_long_as_deletions(world: World) -> None:
    """An instance that was off for a week must remove what it has; a focus it reads from the
    row."""

    async def scenario(bench: Bench) -> None:
        stored = await bench.upload()
        await bench.index.rows.change(CAT, Change(held=True))
        await bench.index.rows.change(CAT, Change(focus=(1, 2)))
        await bench.later(20 * 86_400)
        other = await bench.upload(ImageId("dog"))
        await bench.index.rows.end(other)
        await bench.later(2 * 86_400)
        await bench.index.rows.change(CAT, Change(focus=(3, 4)))
        await bench.index.purges.forget(30 * 86_400)
        told = [(one.generation, one.variant) for one in await bench.index.purges.since(0)]
        assert told == [
            (stored.generation, HIDDEN),
            (other.generation, ""),
            (stored.generation, RECORD),
        ]

    world.run(scenario)


@everywhere
def test_what_replaces_a_held_picture_is_held(world: World) -> None:
    """Whether it was held before the upload began, or while it was under way; not for ever."""

    async def scenario(bench: Bench) -> None:
        await bench.upload(given=Given(held=True))
        claim = await bench.claim(overwrite=True)
        assert claim.grant.given.held
        await bench.index.tokens.complete(claim, worlds.original(), "0" * 64, "{}")
        held = await bench.index.rows.find(CAT)
        assert held is not None
        assert held.record.hidden
        await bench.index.rows.change(CAT, Change(held=False))
        claim = await bench.claim(overwrite=True)
        assert not claim.grant.given.held
        await bench.index.rows.change(CAT, Change(held=True))
        await bench.index.tokens.complete(claim, worlds.original(), "0" * 64, "{}")
        late = await bench.index.rows.find(CAT)
        assert late is not None
        assert late.record.hidden
        await bench.index.rows.change(CAT, Change(held=False))
        shown = await bench.upload(overwrite=True)
        assert not shown.record.hidden

    world.run(scenario)
