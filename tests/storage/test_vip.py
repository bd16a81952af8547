"""Originals and renditions in the buckets of vip."""

import asyncio
import contextlib
import dataclasses
import hashlib
import random
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import structlog

from liveresize import errors
from liveresize.compat.vip import buckets
from liveresize.compat.vip.buckets import Access, VipOriginals
from liveresize.core.names import ImageId
from liveresize.core.originals import Original
from liveresize.storage.objects import Objects

from . import worlds
from .s3worlds import BUDGET, Faulty, Place, World, everywhere, until

DATA = random.Random(5).randbytes(700_000)

REFUSALS = {
    "a key that is not known": (403, "InvalidAccessKeyId"),
    "a signature that is wrong": (403, "SignatureDoesNotMatch"),
    "slow down": (503, "SlowDown"),
    "an error of its own": (500, "InternalError"),
}

moto = pytest.mark.parametrize("world", [World("moto")], ids=["moto"])


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine is not a store that does not answer."""
    monkeypatch.setattr(buckets, "READ_BUDGET", BUDGET)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The file of an original."""
    made = tmp_path / "original"
    made.write_bytes(DATA)
    return made


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """Where bytes go that are fetched."""
    return tmp_path / "target"


@pytest.fixture
def logs() -> Iterator[list[structlog.typing.EventDict]]:
    """What is logged."""
    with structlog.testing.capture_logs() as lines:
        yield lines


@dataclass(frozen=True)
class Town:
    """The stores of vip on one server, and the breakers of its originals."""

    originals: VipOriginals
    access: Access


def of(bucket: str, name: str = "cat-640x480", data: bytes = DATA) -> Original:
    """An original of those bytes."""
    digest = hashlib.sha256(data).hexdigest()
    return worlds.original(ImageId(name, bucket), bytes=len(data), sha256=digest)


def run(place: Place, scenario: Callable[[Town], Awaitable[None]], relay: str = "") -> None:
    """Run a scenario on that server, through a relay if there is one; one attempt a call."""

    async def main(objects: Objects) -> None:
        access = Access()
        await scenario(Town(VipOriginals(objects, access), access))

    changes = {"endpoint_url": relay, "attempts": 1} if relay else {"attempts": 1}
    place.run(main, **changes)


@contextlib.contextmanager
def faulty(world: World) -> Iterator[tuple[Place, Place, Faulty]]:
    """Two buckets of one server, and a relay in front of it."""
    with world.place() as one, world.place() as other, Faulty(one.server.address) as relay:
        yield one, other, relay


def put_by_vip(place: Place, name: str = "cat-640x480", data: bytes = DATA) -> None:
    """Store an original as vip does, which tells no SHA-256."""
    place.client.put_object(Bucket=place.bucket, Key=name, Body=data, ContentType="image/jpeg")


@everywhere
def test_an_original_lies_under_its_id(world: World, path: Path, target: Path) -> None:
    """In the bucket of its name, with its media type and its SHA-256, whatever the id."""
    with world.place() as place:

        async def scenario(town: Town) -> None:
            store = town.originals
            for name in ("cat-640x480", "a+b c%?#ü", "..."):
                original = of(place.bucket, name)
                assert store.takes(original.image)
                assert store.key(original) == name
                assert not await store.exists(original)
                assert await store.facts(original) is None
                await store.put(path, original)
                await store.put(path, original)
                assert await store.exists(original)
                assert await store.facts(original) == (original.bytes, original.sha256)
                theirs = place.client.head_object(Bucket=place.bucket, Key=name)
                assert theirs["ContentType"] == "image/png"
                assert await store.fetch(original, target)
                assert target.read_bytes() == DATA
                assert await store.take(original.image, target, len(DATA))
                await store.remove(original)
                await store.remove(original)
                assert not await store.fetch(original, target)
            assert store.healthy

        run(place, scenario)
        assert place.listed() == set()


@everywhere
def test_the_main_namespace_has_no_place_there(world: World) -> None:
    """And nothing is listed: what has no row is vip's own."""
    with world.place() as place:
        put_by_vip(place, "0" * 28)

        async def scenario(town: Town) -> None:
            assert not town.originals.takes(ImageId("cat"))
            assert [entry async for entry in town.originals.entries()] == []

        run(place, scenario)


@everywhere
def test_what_vip_stored_is_fetched(world: World, target: Path) -> None:
    """Its SHA-256 is told by nobody but the row: other bytes count as not there."""
    with world.place() as place:
        put_by_vip(place)

        async def scenario(town: Town) -> None:
            own, others = of(place.bucket), of(place.bucket, data=DATA[::-1])
            assert await town.originals.facts(own) == (len(DATA), own.sha256)
            assert await town.originals.fetch(own, target)
            target.unlink()
            assert not await town.originals.fetch(others, target)
            assert not target.exists()
            put_by_vip(place, data=DATA[1:])
            assert await town.originals.facts(own) == (len(DATA) - 1, own.sha256)
            assert not await town.originals.exists(own)

        run(place, scenario)
        assert place.bytes("cat-640x480") == DATA[1:]


@everywhere
def test_a_picture_is_taken_as_it_lies_there(world: World, target: Path) -> None:
    """Whole, or not at all where there is none."""
    with world.place() as place:
        put_by_vip(place)

        async def scenario(town: Town) -> None:
            image = ImageId("cat-640x480", place.bucket)
            assert await town.originals.take(image, target, len(DATA))
            assert target.read_bytes() == DATA
            target.unlink()
            assert not await town.originals.take(ImageId("dog", place.bucket), target, 1)
            assert not target.exists()

        run(place, scenario)
        assert place.listed() == {"cat-640x480"}


@everywhere
def test_a_bucket_that_is_not_there(world: World, path: Path, target: Path) -> None:
    """It is no failure of the store: however often, the breaker stays closed, and once it is
    made it is used."""
    with world.place() as place:
        bucket = f"no-{place.bucket[:40]}"

        async def scenario(town: Town) -> None:
            store, original = town.originals, of(bucket)
            for _ in range(3):
                for deed in (
                    store.take(original.image, target, len(DATA)),
                    store.fetch(original, target),
                    store.put(path, original),
                ):
                    with pytest.raises(errors.BucketMissing) as caught:
                        await deed
                    assert bucket in caught.value.detail
            assert store.healthy
            assert not await store.exists(original)
            assert not target.exists()
            place.client.create_bucket(Bucket=bucket)
            await store.put(path, original)
            assert await store.exists(original)

        run(place, scenario)


@moto
def test_removing_from_a_bucket_that_is_not_there(world: World) -> None:
    """Whoever removes hears of it, and the breaker stays closed."""
    with world.place() as place:

        async def scenario(town: Town) -> None:
            for _ in range(5):
                with pytest.raises(errors.BucketMissing):
                    await town.originals.remove(of("no-such-bucket"))
            assert town.originals.healthy

        run(place, scenario)


@everywhere
def test_what_one_may_not_know_is_missing(
    world: World, target: Path, logs: list[structlog.typing.EventDict]
) -> None:
    """Without ListBucket, S3 says AccessDenied of a key that is not there; the log says so,
    and what is there is served."""
    with faulty(world) as (place, _, relay):
        put_by_vip(place)
        relay.deny_missing()

        async def scenario(town: Town) -> None:
            gone = of(place.bucket, "dog")
            for _ in range(4):
                assert not await town.originals.take(gone.image, target, 1)
                assert not await town.originals.fetch(gone, target)
            assert town.originals.healthy
            assert not target.exists()
            assert await town.originals.take(of(place.bucket).image, target, len(DATA))

        run(place, scenario, relay.address)
    assert {line["event"] for line in logs} == {"original_not_readable"}
    assert {line["image_id"] for line in logs} == {f"{place.bucket}/dog"}


@moto
@pytest.mark.parametrize("refusal", REFUSALS)
def test_other_refusals_are_failures(world: World, path: Path, target: Path, refusal: str) -> None:
    """They say nothing of the picture; after three the store is spared."""
    status, code = REFUSALS[refusal]
    with faulty(world) as (place, _, relay):
        put_by_vip(place)
        relay.answer(status, code=code)

        async def scenario(town: Town) -> None:
            original = of(place.bucket)
            for deed in (
                town.originals.take(original.image, target, len(DATA)),
                town.originals.fetch(original, target),
                town.originals.put(path, original),
                town.originals.remove(original),
                town.originals.exists(original),
            ):
                with pytest.raises(errors.ObjectStoreUnavailable):
                    await deed
            assert not town.originals.healthy
            assert not target.exists()

        run(place, scenario, relay.address)


@everywhere
def test_the_trouble_of_one_bucket_is_its_own(world: World, path: Path, target: Path) -> None:
    """Another one is read and written meanwhile; the first is found well by the next who
    asks for it."""
    with faulty(world) as (one, other, relay):
        for place in (one, other):
            put_by_vip(place)
        relay.answer(503, path=f"/{one.bucket}/")

        async def scenario(town: Town) -> None:
            sick, well = of(one.bucket), of(other.bucket)
            for _ in range(3):
                with pytest.raises(errors.ObjectStoreUnavailable):
                    await town.originals.fetch(sick, target)
            before = relay.requests["GET"]
            with pytest.raises(errors.ObjectStoreUnavailable) as caught:
                await town.originals.fetch(sick, target)
            assert caught.value.detail == "the breaker is open"
            assert relay.requests["GET"] == before
            assert await town.originals.fetch(well, target)
            await town.originals.put(path, dataclasses.replace(well, image=well.image))
            assert await town.originals.exists(well)
            assert not town.originals.healthy
            relay.pass_on()
            async with asyncio.timeout(60):
                while not town.originals.healthy:
                    with contextlib.suppress(errors.ObjectStoreUnavailable):
                        await town.originals.fetch(sick, target)
                    await asyncio.sleep(0.1)

        run(one, scenario, relay.address)


def test_many_names_of_buckets_are_not_remembered() -> None:
    """A thousand at most, those that were asked for last."""

    def trouble(access: Access, bucket: str) -> None:
        for _ in range(3):
            with pytest.raises(errors.ObjectStoreUnavailable), access.asking(bucket):
                raise errors.ObjectStoreUnavailable

    access = Access()
    trouble(access, "known")
    for number in range(2_500):
        with access.asking(f"bucket-{number}"):
            pass
        with contextlib.suppress(errors.ObjectStoreUnavailable), access.asking("known"):
            pass
    assert len(access._breakers) == 1000
    assert not access.healthy
    assert "known" in access._breakers
    for number in range(1_000):
        with access.asking(f"other-{number}"):
            pass
    assert access.healthy


@everywhere
def test_what_is_too_large_is_not_downloaded(world: World, target: Path) -> None:
    """Its size comes before its bytes, which nobody waits for here."""
    with faulty(world) as (place, _, relay):
        put_by_vip(place)
        relay.stall(1000)

        async def scenario(town: Town) -> None:
            image = ImageId("cat-640x480", place.bucket)
            for _ in range(4):
                with pytest.raises(errors.UploadTooLarge):
                    await town.originals.take(image, target, len(DATA) - 1)
            assert not target.exists()
            assert town.originals.healthy

        run(place, scenario, relay.address)


@everywhere
def test_a_take_that_is_cut_leaves_nothing(world: World, target: Path) -> None:
    """Neither where its bytes end early, nor where whoever waits for them leaves."""
    with faulty(world) as (place, _, relay):
        put_by_vip(place)
        image = ImageId("cat-640x480", place.bucket)

        async def scenario(town: Town) -> None:
            relay.cut(100_000)
            with pytest.raises(errors.ObjectStoreUnavailable):
                await town.originals.take(image, target, len(DATA))
            assert not target.exists()
            relay.stall(100_000)
            taking = asyncio.create_task(town.originals.take(image, target, len(DATA)))
            await until(lambda: relay.stalled > 0)
            taking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await taking
            assert not target.exists()
            relay.pass_on()
            assert await town.originals.take(image, target, len(DATA))

        run(place, scenario, relay.address)


@moto
def test_no_room_for_what_is_taken(world: World, tmp_path: Path) -> None:
    """A full disk is no failure of the bucket."""
    full = tmp_path / "full"
    full.symlink_to("/dev/full")
    with world.place() as place:
        put_by_vip(place)

        async def scenario(town: Town) -> None:
            with pytest.raises(errors.DiskFull):
                await town.originals.take(of(place.bucket).image, full, len(DATA))
            assert town.originals.healthy

        run(place, scenario)
