"""Uploads without a token: a picture in a bucket under an id of our own, or nothing at all."""

import asyncio
import os
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from liveresize import errors
from liveresize.compat.vip.uploads import VipUpload
from liveresize.core.originals import Original

from .buckets import BUCKET, Fleet, files
from .doubles import FULL, away, picture, run, until
from .house import House
from .mirrors import Barrier
from .test_leases import LEASE, Ticks

DATA = picture(640, 480)
ID = re.compile(r"[0-9a-f]{32}-640x480")


@pytest.fixture
def ticks(monkeypatch: pytest.MonkeyPatch) -> Iterator[Ticks]:
    """Time as uploads see it that stay alive."""
    made = Ticks()
    monkeypatch.setattr(asyncio, "sleep", made.sleep)
    yield made
    monkeypatch.undo()


async def begun(house: House, data: bytes = DATA) -> VipUpload:
    """An upload whose body is there; one that is refused is given up, as the web does."""
    deposit = house.vip_uploads.begin(BUCKET)
    try:
        await deposit.write(data)
    except errors.LiveResizeError:
        await deposit.abort()
        raise
    return deposit


async def deposited(house: House, data: bytes = DATA) -> Original:
    """A picture that was uploaded just now."""
    return await (await begun(house, data)).finish()


async def nothing_left(fleet: Fleet, house: House) -> None:
    """Fail unless there is no file, no note, no object and no row."""
    assert files(house) == []
    assert house.staged() == []
    assert fleet.buckets.objects == {}
    assert await fleet.index.rows.after("", 10) == []


def test_a_picture_is_deposited(tmp_path: Path) -> None:
    """Under its size and so many random digits; on the disk, in its bucket, and recorded."""

    async def main() -> None:
        fleet = Fleet(tmp_path)
        house = fleet.house()
        original = await deposited(house)
        assert original.image.bucket == BUCKET
        assert ID.fullmatch(original.image.name)
        standing = await fleet.index.rows.find(original.image)
        assert standing is not None
        assert standing.uploaded_at > 0
        assert standing.generation == original.generation
        assert await fleet.index.mirror_queue.done_of([original.generation])
        assert fleet.buckets.objects == {original.image.key: DATA}
        assert [path.read_bytes() for path in files(house)] == [DATA]
        assert house.staged() == []
        assert (await house.original_lookup.get(original.image)).bytes == len(DATA)
        assert (await fleet.house("there").original_lookup.get(original.image)).bytes == len(DATA)

    run(main)


def test_no_two_have_the_same_id(tmp_path: Path) -> None:
    """Although their bytes are the same, and they come at once."""

    async def main() -> None:
        fleet = Fleet(tmp_path)
        house = fleet.house()
        stored = await asyncio.gather(*(deposited(house) for _ in range(50)))
        assert len({one.image for one in stored}) == 50
        assert len({one.image.name[:32] for one in stored}) == 50
        assert len(files(house)) == 50
        assert house.staged() == []

    run(main)


@pytest.mark.parametrize(
    ("data", "refusal"),
    [
        (b"", errors.BadUpload),
        (b"no picture", errors.UnsupportedImage),
        (b"x" * ((1 << 20) + 1), errors.UploadTooLarge),
    ],
    ids=["empty", "no picture", "too large"],
)
def test_what_is_refused_leaves_nothing(
    tmp_path: Path, data: bytes, refusal: type[errors.LiveResizeError]
) -> None:
    """The limit is that of its kind, whatever uploads with a token may have."""

    async def main() -> None:
        fleet = Fleet(tmp_path)
        house = fleet.house()
        with pytest.raises(refusal):
            await deposited(house, data)
        await nothing_left(fleet, house)

    run(main)


def test_a_client_that_leaves_before_its_body_is_whole(tmp_path: Path) -> None:
    """Before the first byte, or in the middle."""

    async def main() -> None:
        fleet = Fleet(tmp_path)
        house = fleet.house()
        for data in (b"", DATA[:5]):
            deposit = house.vip_uploads.begin(BUCKET)
            await deposit.write(data)
            assert len(house.staged()) == 1
            await deposit.abort()
            await nothing_left(fleet, house)

    run(main)


STEPS = ("renderer", "put", "adopt", "after adopt")


@pytest.mark.parametrize("step", STEPS)
def test_a_client_that_leaves_while_it_is_stored(tmp_path: Path, step: str) -> None:
    """Its body was whole: the upload goes on to its end without it."""

    async def main() -> None:
        fleet = Fleet(tmp_path)
        house = fleet.house()
        barrier = Barrier()
        if step == "renderer":
            house.renderer.gate.clear()
        elif step == "put":
            fleet.buckets.before["put"] = barrier
        elif step == "adopt":
            fleet.index.before["rows.adopt"] = barrier
        else:
            fleet.index.after["rows.adopt"] = barrier
        client = asyncio.create_task(deposited(house))
        await (house.renderer.begun.acquire() if step == "renderer" else barrier.reached.wait())
        client.cancel()
        await asyncio.gather(client, return_exceptions=True)
        house.renderer.gate.set()
        barrier.open()
        await house.pipeline.finished(30.0)
        ((original, mirrored),) = await fleet.index.rows.after("", 10)
        assert mirrored
        assert [path.read_bytes() for path in files(house)] == [DATA]
        assert list(fleet.buckets.objects) == [original.image.key]
        await until(lambda: house.staged() == [])

    run(main)


def test_a_slow_bucket_has_it_later(tmp_path: Path) -> None:
    """The upload waits for so long; what it began is done again until it is done."""

    async def main() -> None:
        fleet = Fleet(tmp_path)
        house = fleet.house(mirror_wait=0.05)
        barrier = fleet.buckets.before["put"] = Barrier()
        original = await deposited(house)
        assert fleet.buckets.objects == {}
        assert await fleet.index.mirror_queue.waiting("", 10, main=False)
        assert house.staged() == []
        barrier.open()
        await house.mirroring.catch_up()
        assert fleet.buckets.objects == {original.image.key: DATA}
        assert await fleet.index.mirror_queue.waiting("", 10) == []

    run(main)


@pytest.mark.parametrize("late", [False, True])
def test_a_strict_bucket_that_does_not_answer(tmp_path: Path, late: bool) -> None:
    """The upload is refused. Its object may have come all the same: the note of it leads
    there, once its lease has run out, and then nothing is left."""

    async def main() -> None:
        fleet = Fleet(tmp_path)
        house = fleet.house(mirror_wait=0.05, mirror_strict=True, lease=0.0)
        fleet.buckets.late = late
        fleet.buckets.before["put"] = Barrier()
        with pytest.raises(errors.ObjectStoreUnavailable):
            await deposited(house)
        assert files(house) == []
        assert await fleet.index.rows.after("", 10) == []
        assert bool(fleet.buckets.objects) == late
        fleet.buckets.answers = False
        await house.uploads.recover()
        assert len(house.staged()) == 1
        fleet.buckets.answers = True
        await house.uploads.recover()
        await nothing_left(fleet, house)

    run(main)


def test_a_bucket_that_is_not_there(tmp_path: Path) -> None:
    """It has nothing of the upload, so nothing of it is left here either."""

    async def main() -> None:
        fleet = Fleet(tmp_path)
        fleet.buckets.unknown = {BUCKET}
        house = fleet.house()
        with pytest.raises(errors.BucketMissing):
            await deposited(house)
        await nothing_left(fleet, house)

    run(main)


def test_a_full_disk_takes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Under the reserve an upload does not even begin."""

    async def main() -> None:
        fleet = Fleet(tmp_path)
        house = fleet.house()
        deposit = await begun(house)
        with monkeypatch.context() as patch:
            patch.setattr(house.originals._reserve, "_disk", FULL)
            with pytest.raises(errors.DiskFull):
                house.vip_uploads.begin(BUCKET)
        house.renderer.failure = errors.DiskFull()
        with pytest.raises(errors.DiskFull):
            await deposit.finish()
        await nothing_left(fleet, house)

    run(main)


def test_a_commit_that_never_happened(tmp_path: Path) -> None:
    """Nobody can be sure of that at once, for there is no claim to give up: file and note
    stay until they are looked at again, and then go."""

    async def main() -> None:
        fleet = Fleet(tmp_path)
        house = fleet.house(lease=0.0)
        fleet.index.before["rows.adopt"] = away()
        with pytest.raises(errors.IndexUnavailable):
            await deposited(house)
        assert len(house.staged()) == 1
        await house.uploads.recover()
        await nothing_left(fleet, house)

    run(main)


def test_a_commit_whose_answer_was_lost(tmp_path: Path) -> None:
    """The row is there when the index is asked, so the client hears of its picture."""

    async def main() -> None:
        fleet = Fleet(tmp_path)
        house = fleet.house()
        fleet.index.after["rows.adopt"] = away()
        original = await deposited(house)
        assert (await house.original_lookup.get(original.image)).bytes == len(DATA)
        assert len(files(house)) == 1
        assert house.staged() == []

    run(main)


@pytest.mark.parametrize("committed", [False, True])
def test_a_commit_that_nobody_can_tell_about(tmp_path: Path, committed: bool) -> None:
    """Once the index is back, file, note and object go, or the picture is served."""

    async def main() -> None:
        fleet = Fleet(tmp_path)
        house = fleet.house(lease=0.0)

        async def vanish() -> None:
            fleet.index.available = False
            raise errors.IndexUnavailable

        (fleet.index.after if committed else fleet.index.before)["rows.adopt"] = vanish
        with pytest.raises(errors.IndexUnavailable):
            await deposited(house)
        assert (len(files(house)), len(house.staged())) == (1, 1)
        with pytest.raises(errors.IndexUnavailable):
            await house.uploads.recover()
        fleet.index.available = True
        await house.uploads.recover()
        assert house.staged() == []
        if committed:
            ((original, mirrored),) = await fleet.index.rows.after("", 10)
            assert mirrored
            assert (await house.original_lookup.get(original.image)).bytes == len(DATA)
            assert fleet.buckets.objects == {original.image.key: DATA}
        else:
            await nothing_left(fleet, house)

    run(main)


def test_recovery_leaves_uploads_under_way_alone(tmp_path: Path) -> None:
    """However old their notes, and wherever they are."""

    async def main() -> None:
        fleet = Fleet(tmp_path)
        house = fleet.house(lease=0.0)

        async def meddle() -> None:
            await house.uploads.recover()

        fleet.buckets.before["put"] = fleet.buckets.after["put"] = meddle
        fleet.index.before["rows.adopt"] = fleet.index.after["rows.adopt"] = meddle
        original = await deposited(house)
        assert len(files(house)) == 1
        assert list(fleet.buckets.objects) == [original.image.key]

    run(main)


def test_a_slow_upload_is_not_swept(tmp_path: Path, ticks: Ticks) -> None:
    """Its bytes are gathered, its file looks untouched, and still it is alive; once it is
    silent for its lease, it goes."""

    async def main() -> None:
        fleet = Fleet(tmp_path)
        house = fleet.house(lease=LEASE)
        deposit, silent = house.vip_uploads.begin(BUCKET), house.vip_uploads.begin(BUCKET)
        paths = {house.originals.staging(name) for name in house.staged()}

        def age(seconds: float) -> None:
            for path in paths:
                if path.exists():
                    os.utime(path, (time.time() - seconds,) * 2)

        def young() -> list[Path]:
            return [path for path in paths if time.time() - path.stat().st_mtime < LEASE / 3]

        for byte in DATA:
            age(LEASE * 2 / 3)
            await deposit.write(bytes([byte]))
            for _ in range(2):  # one for each of them
                await ticks.pass_one()
            assert len(young()) == 1
            await house.uploads.recover()
        (alive,) = young()
        os.utime((paths - {alive}).pop(), (0, 0))
        await house.uploads.recover()
        assert house.staged() == [alive.name]
        await deposit.finish()
        await silent.abort()
        assert len(files(house)) == 1
        assert house.staged() == []

    run(main)


def steps(fleet: Fleet) -> dict[str, Callable[[Barrier], None]]:
    """Moments of an upload, and how to hold it there."""
    return {
        "before the mirror": lambda hold: fleet.buckets.before.update(put=hold),
        "after the mirror": lambda hold: fleet.buckets.after.update(put=hold),
        "before the commit": lambda hold: fleet.index.before.update({"rows.adopt": hold}),
        "after the commit": lambda hold: fleet.index.after.update({"rows.adopt": hold}),
    }


@pytest.mark.parametrize("moment", ["before the mirror", "after the mirror", "before the commit"])
def test_a_process_that_dies_before_the_commit(tmp_path: Path, moment: str) -> None:
    """The next one on that disk removes what is left, in the bucket too, once the lease has
    run out; not before."""

    async def main() -> None:
        fleet = Fleet(tmp_path)
        hold = Barrier()
        steps(fleet)[moment](hold)
        dying = asyncio.create_task(deposited(fleet.house()))
        await hold.reached.wait()
        assert len(files(fleet.house())) == 1
        young, old = fleet.house(lease=3600.0), fleet.house(lease=0.0)
        await young.uploads.recover()
        assert len(files(young)) == 1
        await old.uploads.recover()
        await nothing_left(fleet, old)
        fleet.index.available = False  # the dead do nothing more
        dying.cancel()
        hold.open()
        await asyncio.gather(dying, return_exceptions=True)

    run(main)


def test_a_process_that_dies_after_the_commit(tmp_path: Path) -> None:
    """It has happened: the next one settles the note and serves the picture."""

    async def main() -> None:
        fleet = Fleet(tmp_path)
        hold = fleet.index.after["rows.adopt"] = Barrier()
        dying = asyncio.create_task(deposited(fleet.house()))
        await hold.reached.wait()
        del fleet.index.after["rows.adopt"]
        next_one = fleet.house(lease=0.0)
        await next_one.uploads.recover()
        assert next_one.staged() == []
        ((original, _),) = await fleet.index.rows.after("", 10)
        assert (await next_one.original_lookup.get(original.image)).bytes == len(DATA)
        assert fleet.buckets.objects == {original.image.key: DATA}
        hold.open()
        await dying

    run(main)


def test_what_somebody_took_over_meanwhile_stays(tmp_path: Path) -> None:
    """The commit was lost, but its object was found: recovery gives up the file alone."""

    async def main() -> None:
        fleet = Fleet(tmp_path)
        house = fleet.house(lease=0.0)
        fleet.index.before["rows.adopt"] = away()
        with pytest.raises(errors.IndexUnavailable):
            await deposited(house)
        del fleet.index.before["rows.adopt"]
        (key,) = fleet.buckets.objects
        image = (await house.originals.unsettled(-60.0))[0][0]
        assert image.key == key
        found = await fleet.house("there").original_lookup.get(image)
        await house.uploads.recover()
        assert (files(house), house.staged()) == ([], [])
        assert fleet.buckets.objects == {key: DATA}
        assert await house.original_lookup.get(image) == found

    run(main)
