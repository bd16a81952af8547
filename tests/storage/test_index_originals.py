"""The contract of the index for originals and the news of their end."""

import asyncio
import dataclasses
import time

import pytest

from liveresize import errors
from liveresize.core.names import ImageId
from liveresize.core.originals import Original
from liveresize.core.ports import Purged, Selection
from liveresize.core.records import Change
from liveresize.core.values import Quality

from . import worlds
from .worlds import CAT, Bench, World, everywhere

DAY = 86_400.0


@everywhere
def test_an_upload_is_stored_with_all_its_facts(world: World) -> None:
    """Every field comes back, and the time is the index's own."""

    async def scenario(bench: Bench) -> None:
        sent = worlds.original(uploaded_at=1.0)
        assert await bench.index.tokens.complete(await bench.claim(), sent, "0" * 64, "{}") is None
        stored = await bench.index.rows.find(CAT)
        assert stored is not None
        assert stored.uploaded_at == pytest.approx(time.time(), abs=60)
        assert dataclasses.replace(stored, uploaded_at=1.0) == sent
        assert await bench.index.rows.of(sent.generation) == stored
        assert await bench.index.rows.find(ImageId("Cat")) is None
        assert await bench.index.rows.of("0" * 28) is None

    world.run(scenario)


@everywhere
def test_an_overwrite_replaces_the_original_and_its_links(world: World) -> None:
    """The old one comes back, its generation has ended, and everybody hears of it."""

    async def scenario(bench: Bench) -> None:
        old = await bench.upload()
        await bench.add(old)
        claim = await bench.claim(overwrite=True)
        new = worlds.original()
        assert await bench.index.tokens.complete(claim, new, "0" * 64, "{}") == old
        assert await bench.index.rows.of(old.generation) is None
        assert await bench.index.links.find(old.generation, "1x1-jpeg") is None
        assert not await bench.index.links.add(worlds.link(old))
        assert await bench.index.links.add(worlds.link(new))
        assert await bench.index.purges.since(0) == [Purged(1, CAT, old.generation)]

    world.run(scenario)


@everywhere
def test_an_upload_does_not_replace_without_leave(world: World) -> None:
    """What was adopted meanwhile stands, and the failed upload can still be released."""

    async def scenario(bench: Bench) -> None:
        claim = await bench.claim()
        standing = await bench.index.rows.adopt(worlds.original())
        with pytest.raises(errors.IdTaken):
            await bench.index.tokens.complete(claim, worlds.original(), "0" * 64, "{}")
        assert await bench.index.rows.find(CAT) == standing
        await bench.index.tokens.renew(claim, 60)

    world.run(scenario)


@everywhere
def test_an_upload_is_stored_under_its_own_id_only(world: World) -> None:
    """A claim is no leave to write another picture."""

    async def scenario(bench: Bench) -> None:
        claim = await bench.claim()
        dog = worlds.original(ImageId("dog"))
        with pytest.raises(errors.TokenRefused):
            await bench.index.tokens.complete(claim, dog, "0" * 64, "{}")
        assert await bench.index.rows.find(dog.image) is None

    world.run(scenario)


@everywhere
def test_adoption_returns_what_stands(world: World) -> None:
    """Many instances find one file at once, and all learn the same generation."""

    async def scenario(bench: Bench) -> None:
        found = [worlds.original() for _ in range(10)]
        adopted = await asyncio.gather(*(bench.index.rows.adopt(one) for one in found))
        assert len({one.generation for one in adopted}) == 1
        assert await bench.index.rows.find(CAT) == adopted[0]

    world.run(scenario)


@everywhere
def test_adoption_keeps_a_known_age(world: World) -> None:
    """A file's own time is kept; without one the index's clock tells it."""

    async def scenario(bench: Bench) -> None:
        old = await bench.index.rows.adopt(worlds.original(uploaded_at=1234.5))
        new = await bench.index.rows.adopt(worlds.original(ImageId("dog")))
        assert old.uploaded_at == 1234.5
        assert new.uploaded_at == pytest.approx(time.time(), abs=60)

    world.run(scenario)


@everywhere
def test_deletion_takes_everything_at_once(world: World) -> None:
    """Original, links and token are gone, once, and late links cannot come back."""

    async def scenario(bench: Bench) -> None:
        stored = await bench.upload()
        await bench.add(stored)
        other = await bench.upload(ImageId("dog"))
        await bench.add(other)
        assert await bench.index.rows.delete(CAT) == stored
        assert await bench.index.rows.delete(CAT) is None
        assert await bench.index.rows.find(CAT) is None
        assert await bench.index.links.find(stored.generation, "1x1-jpeg") is None
        assert not await bench.index.links.add(worlds.link(stored))
        assert await bench.index.links.stored_bytes() == 1000
        assert await bench.index.purges.since(0) == [Purged(1, CAT, stored.generation)]
        await bench.upload()

    world.run(scenario)


@everywhere
def test_deletion_refuses_an_upload_in_progress(world: World) -> None:
    """What began before the deletion does not end after it."""

    async def scenario(bench: Bench) -> None:
        claim = await bench.claim()
        assert await bench.index.rows.delete(CAT) is None
        with pytest.raises(errors.TokenRefused):
            await bench.index.tokens.complete(claim, worlds.original(), "0" * 64, "{}")
        assert await bench.index.purges.since(0) == []

    world.run(scenario)


@everywhere
def test_deletion_and_late_links_leave_nothing_behind(world: World) -> None:
    """However they interleave, no link outlives its generation."""

    async def scenario(bench: Bench) -> None:
        stored = [await bench.upload(ImageId(f"cat {number}")) for number in range(8)]

        async def link(of: Original) -> None:
            for variant in range(5):
                await bench.index.links.add(worlds.link(of, f"{variant}x1-jpeg"))

        await asyncio.gather(
            *(link(one) for one in stored), *(bench.index.rows.delete(one.image) for one in stored)
        )
        assert await bench.index.links.stored_bytes() == 0
        assert len(await bench.index.purges.since(0)) == 8

    world.run(scenario)


@everywhere
def test_names_of_any_kind_are_kept_apart(world: World) -> None:
    """Letter case, accents, spaces, quotes, wildcards and length all make a difference."""

    async def scenario(bench: Bench) -> None:
        names = ["a", "A", "ä", "a\u0308", " a", "a%", "a_", "'\"", "é" * 127, "\U0001f408" * 63]
        stored = [await bench.index.rows.adopt(worlds.original(ImageId(name))) for name in names]
        for name, one in zip(names, stored, strict=True):
            assert await bench.index.rows.find(ImageId(name)) == one

    world.run(scenario)


@everywhere
def test_deletions_are_told_in_order_from_any_point(world: World) -> None:
    """A poller that remembers the last serial hears each once."""

    async def scenario(bench: Bench) -> None:
        images = [ImageId(f"cat {number}") for number in range(10)]
        for image in images:
            await bench.upload(image)
        await asyncio.gather(*(bench.index.rows.delete(image) for image in images))
        told = await bench.index.purges.since(0)
        assert {one.image for one in told} == set(images)
        assert [one.serial for one in told] == sorted(one.serial for one in told)
        assert await bench.index.purges.since(told[3].serial) == told[4:]

    world.run(scenario)


async def deleted(bench: Bench, name: str) -> str:
    """The generation of a picture that was uploaded and deleted just now."""
    stored = await bench.upload(ImageId(name))
    await bench.index.rows.delete(stored.image)
    return stored.generation


async def told(bench: Bench) -> list[str]:
    """The generations of everything that is told."""
    return [one.generation for one in await bench.index.purges.since(0)]


@everywhere
def test_deletions_are_forgotten_when_they_are_old(world: World) -> None:
    """Serials are not given out again, or pollers would miss the new ones."""

    async def scenario(bench: Bench) -> None:
        for name in ("a", "b", "c"):
            await deleted(bench, name)
        last = (await bench.index.purges.since(0))[-1]
        await bench.later(30 * DAY + 1)
        new = await deleted(bench, "d")
        await bench.index.purges.forget(30 * DAY)
        assert await told(bench) == [last.generation, new]
        assert [one.generation for one in await bench.index.purges.since(last.serial)] == [new]

    world.run(scenario)


@everywhere
def test_the_last_deletion_that_anybody_may_have_heard_of_stays(world: World) -> None:
    """However old it is, until a later one is as old: pollers look for it."""

    async def scenario(bench: Bench) -> None:
        first = await deleted(bench, "a")
        await bench.later(40 * DAY)
        await bench.index.purges.forget(30 * DAY)
        assert await told(bench) == [first]
        second = await deleted(bench, "b")
        await bench.later(20 * DAY)
        await bench.index.purges.forget(30 * DAY)
        assert await told(bench) == [first, second]
        await bench.later(11 * DAY)
        await bench.index.purges.forget(30 * DAY)
        assert await told(bench) == [second]

    world.run(scenario)


@everywhere
def test_purged_renditions_are_told_for_a_day(world: World) -> None:
    """There may be millions, and no instance remembers a link for longer."""

    async def scenario(bench: Bench) -> None:
        gone = await deleted(bench, "gone")
        stored = await bench.upload()
        for variant in ("1x1-jpeg", "2x2-jpeg", "3x3-jpeg"):
            await bench.add(stored, variant)
        await bench.index.links.purge(Selection(image=CAT), 2)
        await bench.later(DAY - 60)
        await bench.index.purges.forget(30 * DAY)
        assert await told(bench) == [gone, stored.generation, stored.generation]
        await bench.later(120)
        await bench.index.links.purge(Selection(image=CAT), 1)
        await bench.index.purges.forget(30 * DAY)
        variants = [one.variant for one in await bench.index.purges.since(0)]
        assert variants == ["", "2x2-jpeg", "3x3-jpeg"]

    world.run(scenario)


@everywhere
def test_deletions_are_told_in_parts(world: World) -> None:
    """A month of them need not be held at once."""

    async def scenario(bench: Bench) -> None:
        gone = [await deleted(bench, f"cat {number}") for number in range(5)]
        first = await bench.index.purges.since(0, 2)
        rest = await bench.index.purges.since(first[-1].serial, 100)
        assert [one.generation for one in first + rest] == gone
        assert len(first) == 2

    world.run(scenario)


@everywhere
def test_a_deletion_says_when_it_was(world: World) -> None:
    """So that a row that was given the same serial again is not taken for it."""

    async def scenario(bench: Bench) -> None:
        await deleted(bench, "cat")
        (first,) = await bench.index.purges.since(0)
        (again,) = await bench.index.purges.since(0)
        assert first.at == pytest.approx(time.time(), abs=60)
        assert first.is_row(again)
        assert not first.is_row(dataclasses.replace(again, at=again.at + 0.001))
        assert not first.is_row(dataclasses.replace(again, variant="1x1-jpeg"))

    world.run(scenario)


@everywhere
def test_a_recorded_end_tells_the_picture(world: World) -> None:
    """A purged rendition is no end of its picture."""

    async def scenario(bench: Bench) -> None:
        image = ImageId("cat", "pets")
        stored = await bench.upload(image)
        await bench.add(stored)
        await bench.index.links.purge(Selection(image=image), 1)
        assert await bench.index.purges.ended(stored.generation) is None
        await bench.index.rows.delete(image)
        assert await bench.index.purges.ended(stored.generation) == image
        assert await bench.index.purges.ended("0" * 28) is None

    world.run(scenario)


@everywhere
def test_generations_that_have_a_row_are_known(world: World) -> None:
    """Of a hundred asked for at once, those that were deleted or never were are missing."""

    async def scenario(bench: Bench) -> None:
        stored = await bench.upload()
        gone = await deleted(bench, "gone")
        asked = [stored.generation, gone, *(f"{number:028x}" for number in range(100))]
        assert await bench.index.rows.known(asked) == {stored.generation}
        assert await bench.index.rows.known([]) == set()

    world.run(scenario)


@everywhere
def test_a_database_that_stays_has_one_identity(world: World) -> None:
    """Whatever is written to it."""

    async def scenario(bench: Bench) -> None:
        before = await bench.index.purges.identity()
        await deleted(bench, "cat")
        assert await bench.index.purges.identity() == before

    world.run(scenario)


@everywhere
def test_an_index_that_works_answers_a_ping(world: World) -> None:
    """It returns, and that is all."""

    async def scenario(bench: Bench) -> None:
        await bench.index.ping()

    world.run(scenario)


@everywhere
def test_the_first_quality_of_a_target_is_kept(world: World) -> None:
    """Another target replaces it; it stays when facts or the record change, and ends with the
    generation."""

    async def scenario(bench: Bench) -> None:
        rows = bench.index.rows
        stored = await bench.upload()
        one, two = Quality(71, 68, 49, target=960), Quality(60, 60, 60, target=960)
        assert await rows.keep_visual("0" * 28, one) is None
        coarse = dataclasses.replace(two, target=96)
        for given, kept in ((one, one), (two, one), (coarse, coarse)):
            assert await rows.keep_visual(stored.generation, given) == kept
            assert await rows.find(stored.image) == dataclasses.replace(stored, visual=kept)
        assert await rows.keep_visual(stored.generation, one) == one
        await rows.update_facts(dataclasses.replace(stored, dominant_color="#010203", visual=one))
        await rows.change(stored.image, Change(meta='{"a":1}'))
        found = await rows.of(stored.generation)
        assert found is not None
        assert (found.visual, found.dominant_color) == (one, "#010203")

    world.run(scenario)
