"""Pictures that are hidden: nothing of them for the public, and nothing kept of what others see."""

import dataclasses
import os
import time
from pathlib import Path

import pytest

from liveresize import errors
from liveresize.core.formats import Format
from liveresize.core.names import ImageId
from liveresize.core.operation import UrlRules
from liveresize.core.parameters import Parameters
from liveresize.core.records import Change, Given
from liveresize.core.urls import OriginalRequest
from liveresize.delivery.outcomes import Cache, HeadInfo, OriginalFile

from .doubles import Hook, SteeredIndex, picture, run, turns, until
from .house import CAT, House, disk_store, request
from .test_deletions import Pair
from .test_generation_cleanup import Town
from .test_generations import in_render

HOLD, RELEASE = Change(held=True), Change(held=False)
HELD = Given(held=True)


def whole(image: ImageId = CAT, *, sees_hidden: bool = False) -> OriginalRequest:
    """A request for the stored bytes."""
    return OriginalRequest(
        image=image,
        format=None,
        extension="",
        parameters=Parameters(),
        rules=UrlRules(),
        sees_hidden=sees_hidden,
    )


async def shut(house: House) -> None:
    """Fail unless every way to the picture ends in OriginalMissing, and memory tells nothing."""
    assert house.renditions.recall(request(100)) is None
    assert house.pictures.recall(whole()) is None
    assert not house.renditions.ready(request(100))
    for asked in (request(100), request(100, proxy=True), request(101), whole()):
        with pytest.raises(errors.OriginalMissing):
            await house.pictures.serve(asked)
        with pytest.raises(errors.OriginalMissing):
            await house.pictures.known(asked)
    for image in (CAT, ImageId("cat.bmp")):
        with pytest.raises(errors.OriginalMissing):
            await house.pictures.describe(image, signed=True)
    with pytest.raises(errors.OriginalMissing):
        await house.pictures.serve(whole(ImageId("cat.heic")))
    with pytest.raises(errors.OriginalMissing):
        await house.renditions.warm(request(100))
    with pytest.raises(errors.OriginalMissing):
        await house.pictures.original(CAT)


async def held(house: House) -> None:
    """A picture that is held from the start."""
    await house.send(await house.token(given=HELD), picture())


def test_who_may_see_a_hidden_picture_leaves_no_trace_of_it(tmp_path: Path) -> None:
    """Bytes in any size and the stored ones; no link, no object, no memory, no slow format behind
    them."""

    async def main() -> None:
        house = House(tmp_path)
        await held(house)
        await shut(house)
        seeing = dataclasses.replace(request(100), sees_hidden=True)
        auto = dataclasses.replace(request(900, format=Format.AVIF), sees_hidden=True)
        for asked in (seeing, seeing, auto):
            assert (await house.get(asked, soon=True)).cache is Cache.BYPASS
        stored = await house.pictures.serve(whole(sees_hidden=True))
        assert isinstance(stored, OriginalFile)
        assert stored.held is None
        assert isinstance(await house.pictures.known(seeing), HeadInfo)
        assert (await house.pictures.describe(CAT, hidden=True)).record.hidden
        await house.publisher.flush(30.0)
        assert house.memory.bytes == house.memory.links == house.publisher.backlog == 0
        assert house.memory.original(CAT) is None  # as of an absent one: both ask the index
        assert not house.fake_store.objects
        assert "links.add_all" not in house.story
        await shut(house)

    run(main)


def test_holding_a_public_picture_ends_all_of_it_at_once_and_a_release_brings_it_back(
    tmp_path: Path,
) -> None:
    """Here before the answer, and in other instances when they listen."""

    async def main() -> None:
        pair = Pair(tmp_path)
        await pair.both_have(CAT)
        await pair.here.publish(100)
        pair.there.clock.now += 10
        await pair.there.find(request(100))
        await pair.there.pictures.serve(whole())
        assert pair.store.objects
        after = await pair.here.changes.change(CAT, HOLD)
        assert after.record.hidden
        assert not pair.store.objects
        await shut(pair.here)
        await pair.there.purge.listen()
        await shut(pair.there)
        assert pair.there.memory.bytes == pair.there.memory.links == 0
        for house in (pair.here, pair.there):
            assert house.originals.is_hidden(after.generation)
            assert house.files()
        await pair.here.changes.change(CAT, RELEASE)
        await pair.here.publish(100)
        await pair.there.purge.listen()
        assert await pair.there.find(request(100))
        assert not pair.there.originals.is_hidden(after.generation)

    run(main)


def test_objects_that_a_store_does_not_remove_are_owed(tmp_path: Path) -> None:
    """Tried again, by others and after a restart, too; then nothing is owed."""

    async def main() -> None:
        town = Town(tmp_path)
        here = town.house("here")
        await here.purge.listen()
        await here.upload()
        await here.publish(100)
        town.refuse(mirror=False)
        await here.changes.change(CAT, HOLD)
        await here.purge.tidy()
        assert here.cleanup.owed == 1
        again = town.house("here")
        await again.purge.listen()
        assert again.cleanup.owed == 1
        town.refuse(store=False, mirror=False)
        await again.purge.tidy()
        assert not town.store.objects
        assert again.cleanup.owed == 0
        await again.purge.listen()
        last = town.house("here")
        await last.purge.listen()
        assert last.cleanup.owed == 0

    run(main)


@pytest.mark.parametrize("embedded", [True, False])
def test_a_render_in_flight_adds_nothing_to_a_hidden_picture(
    tmp_path: Path, embedded: bool
) -> None:
    """Neither to memory nor to the store; nor does one that is on its way to the store."""

    async def main() -> None:
        house = House(tmp_path, store=disk_store(tmp_path) if embedded else None)
        await house.upload()
        client = await in_render(house)
        await house.changes.change(CAT, HOLD)
        house.renderer.gate.set()
        await client
        await house.publisher.flush(30.0)
        assert house.memory.bytes == 0
        assert not [path for path in tmp_path.rglob("*100x0*") if path.is_file()]
        assert not house.fake_store.objects
        await shut(house)

    run(main)


def test_a_link_that_is_being_written_when_a_picture_is_hidden_loses_its_object(
    tmp_path: Path,
) -> None:
    """The object was stored after the others went."""

    async def main() -> None:
        house = House(tmp_path)
        await house.upload()

        async def hook() -> None:
            house.index.before.pop("links.add_all")
            await house.changes.change(CAT, HOLD)

        house.index.before["links.add_all"] = hook
        await house.get(request(100))
        await house.publisher.flush(30.0)
        assert not house.fake_store.objects
        assert house.memory.links == 0
        await shut(house)

    run(main)


def test_a_lookup_that_began_before_a_hold_is_not_remembered(tmp_path: Path) -> None:
    """What it had read said that the picture was public."""

    async def main() -> None:
        house = House(tmp_path)
        await house.upload()
        house.forget_all()

        async def hook() -> None:
            house.index.after.pop("rows.find")
            await house.changes.change(CAT, HOLD)

        house.index.after["rows.find"] = hook
        with pytest.raises(errors.OriginalMissing):
            await house.renditions.serve(request(100))
        await shut(house)

    run(main)


def test_links_of_before_a_hold_are_not_those_of_after_the_release(tmp_path: Path) -> None:
    """Their objects have gone: memory must not send anybody there."""

    async def main() -> None:
        pair = Pair(tmp_path)
        await pair.both_have(CAT)
        await pair.here.publish(100)
        pair.there.clock.now += 10
        await pair.there.find(request(100))
        await pair.here.changes.change(CAT, HOLD)
        await pair.here.changes.change(CAT, RELEASE)
        await pair.there.purge.listen()  # hears of both at once
        assert (await pair.there.get(request(100))).cache is Cache.MISS
        await pair.there.publisher.flush(30.0)
        pair.there.clock.now += 10
        await pair.there.find(request(100))
        assert len(pair.store.objects) == 1

    run(main)


def test_a_release_while_objects_are_being_removed_leaves_no_link_to_nothing(
    tmp_path: Path,
) -> None:
    """What was made and linked since the release may have been removed: its link is purged."""

    async def main() -> None:
        house = House(tmp_path)
        await house.upload()
        await house.publish(100)
        remove = house.fake_store.remove_generation

        async def slow(original: object) -> None:
            house.fake_store.remove_generation = remove  # type: ignore[method-assign]
            await house.changes.change(CAT, RELEASE)
            await house.publish(100)
            await remove(original)  # type: ignore[arg-type]

        house.fake_store.remove_generation = slow  # type: ignore[assignment, method-assign]
        await house.changes.change(CAT, HOLD)
        assert not house.fake_store.objects
        assert (await house.get(request(100))).cache is Cache.MISS
        await house.publisher.flush(30.0)

    run(main)


def test_a_spooled_rendition_of_a_hidden_picture_is_not_stored(tmp_path: Path) -> None:
    """Its instance was off meanwhile; what it had stored just before it died is removed."""

    async def main() -> None:
        town = Town(tmp_path)
        here, there = town.house("here"), town.house("there")
        await here.upload()
        town.store.failures = [errors.ObjectStoreUnavailable()] * 50
        await here.get(request(100))
        await until(lambda: here.spool.bytes > 0)
        await here.publisher.flush(0.0)
        town.store.failures = []
        await there.changes.change(CAT, HOLD)
        again = town.house("here")
        (spooled,) = await again.spool.entries()
        generation, variant, engine, extension = again.spool.parse(spooled)
        stored = await town.index.rows.of(generation)
        assert stored is not None
        town.store.objects[town.store.key(stored, variant, engine, extension)] = b"late"
        assert await again.publisher.resume() == 1
        await again.publisher.flush(30.0)
        assert not town.store.objects
        assert again.spool.bytes == 0

    run(main)


def test_a_hidden_file_is_not_found_while_the_index_is_away(tmp_path: Path) -> None:
    """One that was held from the start, one that is held later, one from the mirror; a release
    makes it one that is found."""

    async def main() -> None:
        pair = Pair(tmp_path)
        await pair.both_have(CAT)
        await pair.here.changes.change(CAT, HOLD)
        await pair.there.purge.listen()
        dog = ImageId("dog")
        upload = await pair.here.uploads.begin(await pair.here.token(dog, given=HELD), [dog])
        await upload.write(picture(soul="dog"))
        await upload.finish(None)
        seeing = dataclasses.replace(request(60, image=dog), sees_hidden=True)
        await pair.there.get(seeing)  # fetches it
        assert len(pair.there.files()) == 2
        pair.index.available = False
        for house in (pair.here, pair.there):
            house.forget_all()
            for image in (CAT, dog):
                assert house.originals.find(image) is None
                with pytest.raises(errors.IndexUnavailable):
                    await house.renditions.serve(request(70, image=image))
        pair.index.available = True
        for image in (CAT, dog):
            await pair.here.changes.change(image, RELEASE)
        await pair.there.purge.listen()
        pair.index.available = False
        for house in (pair.here, pair.there):
            house.forget_all()
            for image in (CAT, dog):
                assert await house.get(request(80, image=image))
            await house.publisher.flush(0.0)

    run(main)


def test_notes_of_pictures_that_are_not_hidden_are_removed(tmp_path: Path) -> None:
    """A hold that failed left one, or a release that nobody heard of; those of hidden and of
    deleted pictures are no business of the review."""

    async def main() -> None:
        house = House(tmp_path)
        stored = await house.upload()
        house.index.before["rows.change"] = away_once(house.index)
        with pytest.raises(errors.IndexUnavailable):
            await house.changes.change(CAT, HOLD)
        assert house.originals.is_hidden(stored.generation)
        age(house)
        await house.changes.review()
        assert not house.originals.is_hidden(stored.generation)
        await house.changes.change(CAT, HOLD)
        age(house)
        await house.changes.review()
        assert house.originals.is_hidden(stored.generation)
        await house.purge.delete(CAT)
        assert not house.originals.is_hidden(stored.generation)

    run(main)


def test_an_upload_that_fails_after_its_note_leaves_none(tmp_path: Path) -> None:
    """Nor does one that died: the note of its move leads there."""

    async def main() -> None:
        house = House(tmp_path)
        house.index.before["tokens.complete"] = refused(house.index)
        with pytest.raises(errors.IdTaken):
            await held(house)
        assert notes(house) == []
        house.forget_all()
        stored = await house.upload(ImageId("dog"))
        await house.originals.hide(stored.generation)
        leftover = dataclasses.replace(stored, generation="0" * 28, image=CAT)
        staged = house.originals.staging("left")
        staged.write_bytes(picture())
        await house.originals.keep(staged, leftover)
        await house.originals.hide(leftover.generation)
        await turns()
        house.pipeline.lease = -1.0
        await house.uploads.recover()
        assert notes(house) == [stored.generation]

    run(main)


def notes(house: House) -> list[str]:
    """The generations that are noted as hidden."""
    return [path.name for path in (house.folder / "originals" / "_hidden").glob("*/*")]


def age(house: House) -> None:
    """Make the notes two hours old."""
    for path in (house.folder / "originals" / "_hidden").glob("*/*"):
        os.utime(path, (time.time() - 7200,) * 2)


def away_once(index: SteeredIndex) -> Hook:
    """A hook that takes the database away for the next call alone."""

    async def hook() -> None:
        index.before.clear()
        raise errors.IndexUnavailable("", "taken away by a test")

    return hook


def refused(index: SteeredIndex) -> Hook:
    """A hook that refuses the next commit."""

    async def hook() -> None:
        index.before.clear()
        raise errors.IdTaken

    return hook
