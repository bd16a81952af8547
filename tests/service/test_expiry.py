"""Pictures whose time is over: hidden, deleted a day later, once, and not after a restore."""

import asyncio
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from liveresize import errors
from liveresize.core.events import Kind
from liveresize.core.names import ImageId
from liveresize.core.originals import Original
from liveresize.core.records import EXPIRED_FOR, Change, Given
from liveresize.maintenance import expiry

from .doubles import Hook, SteeredIndex, picture, run
from .house import CAT, House, request
from .test_deletions import Pair

PROVISIONAL = Given(claim_within=60.0)


async def upload(house: House, image: ImageId = CAT) -> Original:
    """A picture that somebody has to claim within a minute."""
    house.clock.now += 1.0
    taken = await house.uploads.begin(await house.token(image, given=PROVISIONAL), [image])
    await taken.write(picture())
    await taken.finish(None)
    stored = await house.index.rows.find(image)
    assert stored is not None
    return stored


def kinds(index: SteeredIndex) -> list[Kind]:
    """What has happened, uploads aside."""
    return [event.kind for event in index.tables.events if event.kind is not Kind.UPLOADED]


def test_two_instances_end_a_picture_once(tmp_path: Path) -> None:
    """Its objects go with the first step, its bytes on both disks with the second."""

    async def main() -> None:
        pair = Pair(tmp_path)
        stored = await upload(pair.here)
        await pair.here.publish(100)
        await pair.there.get(request(50, proxy=True))
        await pair.listen()
        assert kinds(pair.index) == []
        pair.index.advance(61)
        houses = (pair.here, pair.there)
        await asyncio.gather(*(house.purge.tidy() for house in houses))
        await pair.listen()
        assert kinds(pair.index) == [Kind.CHANGED]
        assert pair.here.expiry.hidden + pair.there.expiry.hidden == 1
        assert not pair.store.objects
        for house in houses:
            assert house.originals.is_hidden(stored.generation)
            with pytest.raises(errors.OriginalMissing):
                await house.get(request(50, proxy=True))
        pair.index.advance(EXPIRED_FOR)
        with capture_logs() as logs:
            await asyncio.gather(*(house.purge.tidy() for house in houses))
            await pair.listen()
        assert kinds(pair.index) == [Kind.CHANGED, Kind.EXPIRED]
        assert pair.here.expiry.deleted + pair.there.expiry.deleted == 1
        assert [line["event"] for line in logs].count("picture_expired") == 1
        assert pair.here.files() == pair.there.files() == []
        assert not pair.mirror.objects

    run(main)


def test_a_claim_within_the_day_brings_it_back(tmp_path: Path) -> None:
    """As a release does; it does not expire again."""

    async def main() -> None:
        house = House(tmp_path)
        await upload(house)
        house.index.advance(61)
        await house.purge.tidy()
        with pytest.raises(errors.OriginalMissing):
            await house.get(request(100))
        await house.changes.change(CAT, Change(claimed=True))
        await house.publish(100)
        house.index.advance(EXPIRED_FOR + 1)
        await house.purge.tidy()
        assert await house.find(request(100))
        assert kinds(house.index) == [Kind.CHANGED, Kind.RELEASED]

    run(main)


def test_a_claim_that_comes_between_leaves_no_note(tmp_path: Path) -> None:
    """The picture stays public also while the index is away."""

    async def main() -> None:
        house = House(tmp_path)
        stored = await upload(house)
        house.index.advance(61)

        async def claim() -> None:
            house.index.before.clear()
            await house.index.rows.change(CAT, Change(claimed=True))

        house.index.before["rows.expire"] = claim
        await house.purge.tidy()
        assert not house.originals.is_hidden(stored.generation)
        assert house.expiry.hidden == 0

    run(main)


def test_a_store_that_is_away_does_not_stop_it(tmp_path: Path) -> None:
    """What it has is owed, and goes when it is back."""

    async def main() -> None:
        house = House(tmp_path)
        dog = ImageId("dog")
        for image in (CAT, dog):
            await upload(house, image)
            await house.publish(100, image=image)
        house.fake_store.refusing = True
        house.index.advance(61)
        await house.purge.tidy()
        house.index.advance(EXPIRED_FOR)
        await house.purge.tidy()
        assert (house.expiry.hidden, house.expiry.deleted) == (2, 2)
        assert house.files() == []
        assert house.fake_store.objects
        house.fake_store.refusing = False
        await house.purge.tidy()
        assert not house.fake_store.objects

    run(main)


def test_a_round_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In pictures and in time; an index that is full stops it, and nothing behind it."""
    monkeypatch.setattr(expiry, "_BATCH", 2)
    monkeypatch.setattr(expiry, "_MOST", 4)

    async def main() -> None:
        house = House(tmp_path)
        for number in range(7):
            await upload(house, ImageId(f"cat {number}"))
        house.index.advance(61)
        await house.expiry.run()
        assert house.expiry.hidden == 4

        async def slow() -> None:
            house.clock.now += 11

        house.index.before["rows.expire"] = slow
        await house.expiry.run()
        assert house.expiry.hidden == 5

        async def full() -> None:
            raise errors.IndexFull

        house.index.before["rows.expire"] = full
        await house.purge.tidy()
        assert house.expiry.hidden == 5
        house.index.before.clear()
        await house.purge.tidy()
        assert house.expiry.hidden == 7

    run(main)


def test_a_restore_pauses_it_in_all_instances_until_an_operator_ends_that(tmp_path: Path) -> None:
    """Claims of the time since the backup are missing; restarts change nothing."""

    async def main() -> None:
        pair = Pair(tmp_path)
        await upload(pair.here)
        await pair.here.upload(ImageId("dog"), picture(soul="dog"))
        await pair.listen()
        dump = pair.index.dump()
        await pair.here.changes.change(CAT, Change(claimed=True))
        await pair.here.purge.delete(ImageId("dog"))
        await pair.listen()
        pair.index.restore(dump)
        pair.index.advance(61)
        pair.index.before["expiry_pause.begin"] = away = unavailable(pair.index)
        with pytest.raises(errors.IndexUnavailable):
            await pair.here.purge.tidy()
        assert away not in pair.index.before.values()
        with capture_logs() as logs:
            await pair.house("here").purge.tidy()  # it died before it could say so
        assert "expiry_paused" in [line["event"] for line in logs]
        await pair.there.purge.tidy()
        for house in (pair.house("here"), pair.house("new")):
            await house.purge.tidy()
            assert house.expiry.paused
        assert kinds(pair.index) == []
        assert await pair.index.expiry_pause.end()
        with capture_logs() as logs:
            await pair.there.purge.tidy()
        assert "expiry_resumed" in [line["event"] for line in logs]
        assert kinds(pair.index) == [Kind.CHANGED]

    run(main)


def unavailable(index: SteeredIndex) -> Hook:
    """A hook that takes the database away for the next call alone."""

    async def hook() -> None:
        index.before.clear()
        raise errors.IndexUnavailable("", "taken away by a test")

    return hook
