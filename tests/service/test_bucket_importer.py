"""Pictures that lie in a bucket, taken over by whoever is asked for them first."""

import asyncio
import errno
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from liveresize import errors
from liveresize.compat.vip import importer
from liveresize.core.names import ImageId
from liveresize.delivery.outcomes import Cache
from liveresize.settings.pictures import Constraints, Formats
from liveresize.storage import files as store_files

from .buckets import BUCKET, LEGACY, Fleet, files
from .doubles import FULL, away, picture, run, until
from .house import House, request
from .mirrors import Barrier

DATA = picture(soul=LEGACY.key)


async def flushed(*houses: House) -> None:
    """Return when everything is published."""
    for house in houses:
        assert await house.publisher.flush(30.0) == 0


def test_a_picture_is_taken_over_when_it_is_asked_for(tmp_path: Path) -> None:
    """Fetched once, recorded as mirrored, kept on the disk, and left where it was."""

    async def main() -> None:
        fleet = Fleet(tmp_path)
        fleet.buckets.fill(LEGACY)
        house = fleet.house()
        made = await house.get(request(100, image=LEGACY))
        assert made.cache is Cache.MISS
        assert made.held.data.endswith(DATA)
        original = await fleet.index.rows.find(LEGACY)
        assert original is not None
        assert (original.bytes, original.size) == (len(DATA), (640, 480))
        assert await fleet.index.mirror_queue.done_of([original.generation])
        assert files(house) == [house.originals.path(original)]
        assert files(house)[0].read_bytes() == DATA
        assert house.staged() == []
        house.forget_all()
        await house.get(request(50, image=LEGACY))
        assert fleet.buckets.asked == [LEGACY.key]
        assert fleet.buckets.objects == {LEGACY.key: DATA}
        await flushed(house)

    run(main)


def test_a_hundred_ask_and_it_is_taken_once(tmp_path: Path) -> None:
    """Whatever they want made of it."""

    async def main() -> None:
        fleet = Fleet(tmp_path)
        fleet.buckets.fill(LEGACY)
        house = fleet.house()
        barrier = fleet.buckets.before["take"] = Barrier()
        asked = [request(100 + number % 2, image=LEGACY) for number in range(100)]
        clients = [asyncio.create_task(house.get(one)) for one in asked]
        await barrier.reached.wait()
        barrier.open()
        made = await asyncio.gather(*clients)
        assert len({one.held.data for one in made}) == 2
        assert fleet.buckets.calls["take"] == 1
        assert fleet.index.calls["rows.take_over"] == 1
        await flushed(house)

    run(main)


def test_a_miss_is_remembered_for_ten_seconds(tmp_path: Path) -> None:
    """Then the bucket is asked again, for somebody may have put it there."""

    async def main() -> None:
        fleet = Fleet(tmp_path)
        house = fleet.house()
        for _ in range(20):
            with pytest.raises(errors.OriginalMissing):
                await house.original_lookup.get(LEGACY)
        assert fleet.buckets.asked == [LEGACY.key]
        with pytest.raises(errors.OriginalMissing):
            await house.original_lookup.get(ImageId("other", BUCKET))
        fleet.buckets.fill(LEGACY)
        house.clock.now += 9.9
        with pytest.raises(errors.OriginalMissing):
            await house.original_lookup.get(LEGACY)
        house.clock.now += 0.2
        assert (await house.original_lookup.get(LEGACY)).image == LEGACY
        assert fleet.buckets.asked == [LEGACY.key, f"{BUCKET}/other", LEGACY.key]
        assert house.staged() == []

    run(main)


def test_a_bucket_that_is_not_there_is_asked_once(tmp_path: Path) -> None:
    """Whatever the picture; others are asked all the same."""

    async def main() -> None:
        fleet = Fleet(tmp_path)
        fleet.buckets.fill(LEGACY)
        fleet.buckets.unknown = {"cars"}
        house = fleet.house()
        for number in range(20):
            with pytest.raises(errors.BucketMissing):
                await house.original_lookup.get(ImageId(f"car {number}", "cars"))
        assert fleet.buckets.asked == ["cars/car 0"]
        assert await house.original_lookup.get(LEGACY)
        fleet.buckets.unknown.clear()
        house.clock.now += 10.1
        with pytest.raises(errors.OriginalMissing):
            await house.original_lookup.get(ImageId("car 0", "cars"))
        assert fleet.buckets.asked[-1] == "cars/car 0"

    run(main)


def test_the_main_namespace_asks_no_bucket(tmp_path: Path) -> None:
    """A name without a bucket is nobody's key."""

    async def main() -> None:
        fleet = Fleet(tmp_path)
        fleet.buckets.objects["legacy"] = DATA
        house = fleet.house()
        with pytest.raises(errors.OriginalMissing):
            await house.original_lookup.get(ImageId("legacy"))
        alone = House(tmp_path / "alone", index=fleet.index)
        with pytest.raises(errors.OriginalMissing):
            await alone.original_lookup.get(LEGACY)
        assert fleet.buckets.asked == []

    run(main)


def test_so_many_misses_are_remembered_and_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The oldest makes room; a miss that is met again is as good as new."""
    monkeypatch.setattr(importer, "_REMEMBERED", 50)

    async def main() -> None:
        fleet = Fleet(tmp_path)
        taking = fleet.taking(fleet.house())

        async def miss(number: int) -> bool:
            """Whether the bucket was asked."""
            before = len(fleet.buckets.asked)
            with pytest.raises(errors.OriginalMissing):
                await taking.find(ImageId(f"{number}", BUCKET))
            return len(fleet.buckets.asked) > before

        for number in range(200):
            assert await miss(number)
        assert len(taking._misses) == 50
        assert not await miss(199)
        assert not await miss(150)
        assert await miss(149)
        assert await miss(150)

    run(main)


def test_a_miss_that_is_raised_again_does_not_grow(tmp_path: Path) -> None:
    """Each is a new error with the same words, and a traceback of its own."""

    async def main() -> None:
        fleet = Fleet(tmp_path)
        fleet.buckets.fill(LEGACY, data=b"no picture")
        taking = fleet.taking(fleet.house())
        raised: list[errors.LiveResizeError] = []
        for _ in range(50):
            try:
                await taking.find(LEGACY)
            except errors.ImageError as error:
                raised.append(error)
        depths = [len(traceback.extract_tb(error.__traceback__)) for error in raised[1:]]
        assert len(set(map(id, raised))) == 50
        assert len(set(depths)) == 1
        assert {type(error) for error in raised} == {errors.UnreadableImage}
        assert len({(error.public, error.detail) for error in raised}) == 1
        assert all(error.__context__ is None for error in raised[1:])

    run(main)


@pytest.mark.parametrize(
    ("data", "limits", "kind"),
    [
        (
            picture(soul="." * 100),
            {"constraints": Constraints(max_upload_bytes=100)},
            errors.ImageTooLarge,
        ),
        (picture(101, 100), {"constraints": Constraints(max_input=0.01)}, errors.ImageTooLarge),
        (picture(), {"formats": Formats(input=("png", "webp"))}, errors.UnreadableImage),
        (b"no picture at all", {}, errors.UnreadableImage),
        (b"", {}, errors.UnreadableImage),
    ],
    ids=["bytes", "pixels", "format", "no image", "empty"],
)
def test_what_an_upload_would_be_refused_for(
    tmp_path: Path, data: bytes, limits: dict[str, Any], kind: type[errors.ImageError]
) -> None:
    """It cannot be worked with, which is neither 413 nor 415 here; nothing of it is kept,
    and it is not fetched again for a while."""

    async def main() -> None:
        fleet = Fleet(tmp_path)
        fleet.buckets.fill(LEGACY, data=data)
        house = fleet.house()
        taking = fleet.taking(house, **limits)
        for _ in range(3):
            with pytest.raises(kind):
                await taking.find(LEGACY)
        assert fleet.buckets.calls["take"] == 1
        assert (files(house), house.staged()) == ([], [])
        assert await fleet.index.rows.find(LEGACY) is None
        assert fleet.buckets.objects == {LEGACY.key: data}
        house.clock.now += 10.1
        fleet.buckets.fill(LEGACY, data=picture(10, 10))
        if not limits:
            assert (await taking.find(LEGACY)).size == (10, 10)

    run(main)


def test_without_an_index_nobody_can_tell(tmp_path: Path) -> None:
    """Neither before the bucket is asked nor after; nothing is kept or remembered."""

    async def main() -> None:
        fleet = Fleet(tmp_path)
        fleet.buckets.fill(LEGACY)
        house = fleet.house()
        fleet.index.available = False
        with pytest.raises(errors.IndexUnavailable):
            await house.original_lookup.get(LEGACY)
        assert fleet.buckets.asked == []
        fleet.index.available = True
        fleet.index.before["rows.take_over"] = away()
        with pytest.raises(errors.IndexUnavailable):
            await house.original_lookup.get(LEGACY)
        assert (files(house), house.staged()) == ([], [])
        del fleet.index.before["rows.take_over"]
        assert await house.original_lookup.get(LEGACY)

    run(main)


def test_a_bucket_that_does_not_answer(tmp_path: Path) -> None:
    """The picture may well be there: that is elsewhere, no miss, and forgotten at once."""

    async def main() -> None:
        fleet = Fleet(tmp_path)
        fleet.buckets.fill(LEGACY)
        fleet.buckets.answers = False
        house = fleet.house()
        for _ in range(2):
            with pytest.raises(errors.OriginalElsewhere):
                await house.original_lookup.get(LEGACY)
        assert fleet.buckets.calls["take"] == 2
        fleet.buckets.answers = True
        assert await house.original_lookup.get(LEGACY)

    run(main)


@pytest.mark.parametrize("failure", [errors.QueueFull(), errors.WaitTimeout()])
def test_a_machine_that_has_enough_to_do(tmp_path: Path, failure: Exception) -> None:
    """It says nothing of the picture, which is tried again by the next who asks."""

    async def main() -> None:
        fleet = Fleet(tmp_path)
        fleet.buckets.fill(LEGACY)
        house = fleet.house()
        house.renderer.failure = failure
        with pytest.raises(type(failure)):
            await house.original_lookup.get(LEGACY)
        assert (files(house), house.staged()) == ([], [])
        house.renderer.failure = None
        assert await house.original_lookup.get(LEGACY)

    run(main)


@pytest.mark.parametrize("steps", range(0, 60, 3))
def test_everybody_leaves_while_it_is_taken(tmp_path: Path, steps: int) -> None:
    """At whatever step: no part of it is left, and the next who asks gets it whole."""

    async def main() -> None:
        fleet = Fleet(tmp_path)
        fleet.buckets.fill(LEGACY)
        house = fleet.house()
        client = asyncio.create_task(house.original_lookup.get(LEGACY))
        for _ in range(steps):
            await asyncio.sleep(0.0002 if steps % 2 else 0)
        client.cancel()
        await asyncio.gather(client, return_exceptions=True)
        original = await house.bring(LEGACY)
        assert house.originals.path(original).read_bytes() == DATA
        assert len(files(house)) == 1
        await until(lambda: house.staged() == [])

    run(main)


def no_reserve(house: House, patch: pytest.MonkeyPatch) -> None:
    """The disk is down to what is not ours to fill."""
    patch.setattr(house.originals._reserve, "_disk", FULL)


def no_room_for_bytes(house: House, patch: pytest.MonkeyPatch) -> None:
    """The copy cannot be written."""
    patch.setattr(Path, "write_bytes", refuse)


def no_room_for_a_folder(house: House, patch: pytest.MonkeyPatch) -> None:
    """The copy is written and recorded, and has no place to go."""
    patch.setattr(store_files, "make_directory", refuse)


def refuse(*_: object, **__: object) -> None:
    """What a full disk says."""
    raise OSError(errno.ENOSPC, "No space left on device", "file")


@pytest.mark.parametrize("fill", [no_reserve, no_room_for_bytes, no_room_for_a_folder])
def test_a_full_disk_takes_nothing(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    fill: Callable[[House, pytest.MonkeyPatch], None],
) -> None:
    """Everybody who waits hears of that, nothing is left, and room that is made is used."""

    async def main() -> None:
        fleet = Fleet(tmp_path)
        fleet.buckets.fill(LEGACY)
        house = fleet.house()
        with monkeypatch.context() as patch:
            fill(house, patch)
            clients = (house.get(request(100, image=LEGACY)) for _ in range(5))
            answers = await asyncio.gather(*clients, return_exceptions=True)
        assert [type(answer) for answer in answers] == [errors.OriginalElsewhere] * 5
        assert all("no room to fetch it" in each.detail for each in answers)
        assert (files(house), house.staged()) == ([], [])
        made = await house.get(request(100, image=LEGACY))
        assert made.held.data.endswith(DATA)
        await flushed(house)

    run(main)


def test_two_instances_take_it_over_at_once(tmp_path: Path) -> None:
    """One of them names it; the other has that generation too, and its bytes."""

    async def main() -> None:
        fleet = Fleet(tmp_path)
        fleet.buckets.fill(LEGACY)
        here, there = fleet.house("here"), fleet.house("there")
        barrier = fleet.index.before["rows.take_over"] = Barrier()
        clients = [asyncio.create_task(each.original_lookup.get(LEGACY)) for each in (here, there)]
        await until(lambda: fleet.index.calls["rows.take_over"] == 2)
        barrier.open()
        first, second = await asyncio.gather(*clients)
        assert first == second
        for house in (here, there):
            await house.bring(LEGACY)
            assert files(house) == [house.originals.path(first)]
            assert files(house)[0].read_bytes() == DATA
            assert house.staged() == []
        assert len(await fleet.index.rows.after("", 10)) == 1

    run(main)


def test_a_crash_between_row_and_file(tmp_path: Path) -> None:
    """The row stands, so that the bucket supplies the bytes to whoever is asked next."""

    async def main() -> None:
        fleet = Fleet(tmp_path)
        fleet.buckets.fill(LEGACY)
        doomed = fleet.house()
        hung = asyncio.Event()

        async def die() -> None:
            hung.set()
            await asyncio.Event().wait()

        fleet.index.after["rows.take_over"] = die
        client = asyncio.create_task(doomed.original_lookup.get(LEGACY))
        await hung.wait()
        del fleet.index.after["rows.take_over"]
        standing = await fleet.index.rows.find(LEGACY)
        assert standing is not None
        assert files(doomed) == []
        for name in ("here", "there"):
            house = fleet.house(name)
            assert await house.bring(LEGACY) == standing
            assert files(house)[0].read_bytes() == DATA
        assert fleet.buckets.calls["take"] == 1
        client.cancel()
        await asyncio.gather(client, return_exceptions=True)

    run(main)


def test_what_was_deleted_does_not_come_back(tmp_path: Path) -> None:
    """Its object lies there still, for nobody could remove it: neither this instance nor
    another nor one that starts takes it over again, and it goes when the bucket answers."""

    async def main() -> None:
        fleet = Fleet(tmp_path)
        fleet.buckets.fill(LEGACY, ImageId("legacy2", BUCKET))
        here, there = fleet.house("here"), fleet.house("there")
        for house in (here, there):
            await house.original_lookup.get(LEGACY)
        fleet.buckets.failures["remove"] = [errors.ObjectStoreUnavailable()]
        await here.purge.delete(LEGACY)
        assert LEGACY.key in fleet.buckets.objects
        await there.purge.listen()
        for house in (here, there, fleet.house("new")):
            with pytest.raises(errors.OriginalMissing):
                await house.original_lookup.get(LEGACY)
            assert (files(house), house.staged()) == ([], [])
        assert await fleet.index.rows.find(LEGACY) is None
        restarted = fleet.house("here")
        await restarted.purge.listen()
        await restarted.purge.tidy()
        assert list(fleet.buckets.objects) == [f"{BUCKET}/legacy2"]
        with pytest.raises(errors.OriginalMissing):
            await restarted.original_lookup.get(LEGACY)

    run(main)


def test_it_is_deleted_while_it_is_taken_over(tmp_path: Path) -> None:
    """By an instance that has it already: what arrives here afterwards goes again."""

    async def main() -> None:
        fleet = Fleet(tmp_path)
        fleet.buckets.fill(LEGACY)
        here, there = fleet.house("here"), fleet.house("there")
        barrier = fleet.buckets.after["take"] = Barrier()
        client = asyncio.create_task(there.original_lookup.get(LEGACY))
        await barrier.reached.wait()
        del fleet.buckets.after["take"]
        await here.original_lookup.get(LEGACY)
        await here.purge.delete(LEGACY)
        barrier.open()
        with pytest.raises(errors.OriginalMissing):
            await client
        assert (files(there), there.staged()) == ([], [])
        assert fleet.buckets.objects == {}
        assert await fleet.index.rows.find(LEGACY) is None

    run(main)


def test_only_so_many_are_fetched_at_once(tmp_path: Path) -> None:
    """Others use the store, too; those that wait get their turn."""

    async def main() -> None:
        fleet = Fleet(tmp_path)
        images = [ImageId(f"cat {number}", BUCKET) for number in range(20)]
        fleet.buckets.fill(*images)
        house = fleet.house()
        barrier = fleet.buckets.before["take"] = Barrier()
        clients = [asyncio.create_task(house.original_lookup.get(image)) for image in images]
        await barrier.reached.wait()
        for _ in range(100):
            await asyncio.sleep(0)
        assert fleet.buckets.calls["take"] == importer._AT_ONCE
        barrier.open()
        found = await asyncio.gather(*clients)
        assert [one.image for one in found] == images

    run(main)
