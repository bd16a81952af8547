"""Renditions in the buckets of vip: its own keys first, and nobody else's picture."""

import asyncio
import contextlib
import hashlib
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from liveresize import errors
from liveresize.compat.vip import buckets
from liveresize.compat.vip import requests as addresses
from liveresize.compat.vip.buckets import Access, VipRenditions
from liveresize.core.formats import Format
from liveresize.core.names import ImageId
from liveresize.core.originals import Link, Original
from liveresize.storage.objects import Objects

from . import worlds
from .s3worlds import BUDGET, Faulty, Place, World, client_of, everywhere

NAME = "cat-640x480"
DATA = bytes(range(256)) * 400

moto = pytest.mark.parametrize("world", [World("moto")], ids=["moto"])


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine is not a store that does not answer."""
    monkeypatch.setattr(buckets, "READ_BUDGET", BUDGET)
    monkeypatch.setattr(buckets, "LOOK_BUDGET", BUDGET)


def variant(query: str, output: Format = Format.JPEG) -> str:
    """What is asked for by that query, of a picture of that format."""
    rules = addresses.VipRules(buckets=frozenset({"pets"}))
    asked = addresses.read(ImageId(NAME, "pets"), query, rules)
    return asked.rendition_as(output).rendition.variant


SMALL, SQUARE, WHOLE = variant("s=250"), variant("s=160&c=true"), variant("")


def of(bucket: str, name: str = NAME) -> Original:
    """An original of that bucket."""
    return worlds.original(ImageId(name, bucket))


def link(store: VipRenditions, original: Original, made: str = SMALL, data: bytes = DATA) -> Link:
    """The link of a rendition of those bytes."""
    return worlds.link(
        original,
        made,
        key=store.key(original, made, "1", "jpg"),
        etag=hashlib.sha256(data).hexdigest(),
        size=len(data),
    )


@pytest.fixture
def spooled(tmp_path: Path) -> Path:
    """A rendition that is to be published."""
    path = tmp_path / "spooled"
    path.write_bytes(DATA)
    return path


def run(
    place: Place, scenario: Callable[[VipRenditions], Awaitable[None]], relay: str = ""
) -> None:
    """Run a scenario on that server, through a relay if there is one; one attempt a call."""

    async def main(objects: Objects) -> None:
        await scenario(VipRenditions(objects, Access()))

    changes = {"endpoint_url": relay, "attempts": 1} if relay else {"attempts": 1}
    place.run(main, **changes)


@contextlib.contextmanager
def faulty(world: World) -> Iterator[tuple[Place, Faulty]]:
    """A bucket, and a relay in front of its server."""
    with world.place() as place, Faulty(place.server.address) as relay:
        yield place, relay


async def read(store: VipRenditions, link: Link, *part: int) -> bytes | None:
    """The bytes that `open` gives."""
    body = await store.open(link, *part)
    if body is None:
        return None
    data = b"".join([chunk async for chunk in body.chunks()])
    await body.close()
    return data


@pytest.mark.parametrize(
    ("query", "output", "key"),
    [
        ("s=250", Format.JPEG, f"{NAME}/s/250"),
        ("s=250", Format.PNG, f"{NAME}/s/250"),
        ("s=250", Format.GIF, f"{NAME}/s/250"),
        ("s=160&c=true", Format.JPEG, f"{NAME}/c/s/160"),
        ("s=9999", Format.JPEG, f"{NAME}/s/720"),
        ("c=true", Format.JPEG, ""),
        ("", Format.JPEG, ""),
        ("s=250&animate=true", Format.GIF, ""),
    ],
)
def test_keys_are_those_of_vip_where_it_makes_the_same(
    query: str, output: Format, key: str
) -> None:
    """Everything else has its generation in its key, below the id all the same."""
    original, made = of("pets"), variant(query, output)

    async def main() -> None:
        store = VipRenditions(client_of("http://127.0.0.1:9"), Access())
        expected = key or f"{NAME}/{original.generation}/{made}.jpg"
        assert store.key(original, made, "1", "jpg") == expected

    asyncio.run(main())


@everywhere
def test_a_rendition_is_published_and_read(world: World, spooled: Path) -> None:
    """As the type that it is, to be kept for a year, in the bucket of its picture."""
    with world.place() as place:

        async def scenario(store: VipRenditions) -> None:
            original = of(place.bucket)
            for made in (SMALL, SQUARE, WHOLE):
                wanted = link(store, original, made)
                assert await store.read(wanted) is None
                assert await store.open(wanted) is None
                await store.publish(spooled, wanted)
                assert await store.read(wanted) == DATA
                assert await read(store, wanted) == DATA
                assert await read(store, wanted, 10, 19) == DATA[10:20]
                theirs = place.client.head_object(Bucket=place.bucket, Key=wanted.key)
                assert theirs["ContentType"] == "image/jpeg"
                if world.kind == "moto":  # rclone tells no Cache-Control
                    assert theirs["CacheControl"] == "public, max-age=31536000"
            await store.remove([link(store, original, made) for made in (SMALL, WHOLE)])

        run(place, scenario)
        assert place.listed() == {f"{NAME}/c/s/160"}
        assert spooled.read_bytes() == DATA


@everywhere
def test_what_vip_has_overwritten_since_is_gone(world: World, spooled: Path) -> None:
    """Bytes of another size are not those of the link."""
    with world.place() as place:

        async def scenario(store: VipRenditions) -> None:
            wanted = link(store, of(place.bucket))
            await store.publish(spooled, wanted)
            for data in (DATA + b"x", DATA[1:]):
                place.client.put_object(Bucket=place.bucket, Key=wanted.key, Body=data)
                assert await store.read(wanted) is None
                assert await store.open(wanted) is None
            await store.publish(spooled, wanted)
            assert await store.read(wanted) == DATA

        run(place, scenario)


@everywhere
def test_a_bucket_that_is_not_there_has_nothing(world: World, spooled: Path) -> None:
    """Publishing waits for it; nothing else fails, and the breaker stays closed."""
    with world.place() as place:
        bucket = f"no-{place.bucket[:40]}"

        async def scenario(store: VipRenditions) -> None:
            original = of(bucket)
            wanted = link(store, original)
            for _ in range(4):
                with pytest.raises(errors.ObjectStoreUnavailable) as caught:
                    await store.publish(spooled, wanted)
                assert bucket in caught.value.detail
                assert await store.read(wanted) is None
                assert await store.open(wanted) is None
                assert await store.find_foreign(original, SMALL) is None
            place.client.create_bucket(Bucket=bucket)
            await store.publish(spooled, wanted)
            assert await store.read(wanted) == DATA

        run(place, scenario)


@moto
def test_removing_from_a_bucket_that_is_not_there(world: World, spooled: Path) -> None:
    """It is gone already, and what lies in another bucket goes too."""
    with world.place() as place:

        async def scenario(store: VipRenditions) -> None:
            lost, found = link(store, of("no-such-bucket")), link(store, of(place.bucket))
            await store.publish(spooled, found)
            await store.remove([lost, found])
            await store.remove([])
            await store.remove_picture(lost.image)

        run(place, scenario)
        assert place.listed() == set()


def test_a_spooled_file_that_is_gone(tmp_path: Path) -> None:
    """It had to make room: that is no failure of the store."""
    with World("moto").place() as place:

        async def scenario(store: VipRenditions) -> None:
            for _ in range(4):
                with pytest.raises(errors.DiskFull):
                    await store.publish(tmp_path / "gone", link(store, of(place.bucket)))

        run(place, scenario)


@everywhere
def test_what_vip_has_made_is_found(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the bytes are, if they are not too many; nothing else is looked for."""
    monkeypatch.setattr(buckets, "_LARGEST", 1000)
    with faulty(world) as (place, relay):

        def put(key: str, data: bytes) -> None:
            place.client.put_object(Bucket=place.bucket, Key=f"{NAME}{key}", Body=data)

        put("/s/250", b"bytes of vip")
        put("/c/s/160", bytes(1001))

        async def scenario(store: VipRenditions) -> None:
            original = of(place.bucket)
            assert await store.find_foreign(original, SMALL) == (f"{NAME}/s/250", b"bytes of vip")
            assert await store.find_foreign(original, SQUARE) is None
            assert await store.find_foreign(original, variant("s=251")) is None
            assert await store.find_foreign(of(place.bucket, "dog"), SMALL) is None
            asked = relay.requests["GET"]
            for never in (WHOLE, variant("c=true"), "100x0-q80-jpeg", "nonsense"):
                assert await store.find_foreign(original, never) is None
            assert relay.requests["GET"] == asked

        run(place, scenario, relay.address)


@moto
def test_a_png_is_no_jpeg_of_vip(world: World) -> None:
    """This server may have stored it under vip's key before thumbnails became JPEG."""
    bare = SMALL.replace("-jpeg", "-bare-jpeg")
    with world.place() as place:

        async def scenario(store: VipRenditions) -> None:
            for data, is_it in ((b"\x89PNG\r\n", False), (b"\xff\xd8\xff", True)):
                place.client.put_object(Bucket=place.bucket, Key=f"{NAME}/s/250", Body=data)
                found = await store.find_foreign(of(place.bucket), bare)
                assert (found == (f"{NAME}/s/250", data)) is is_it
                assert await store.find_foreign(of(place.bucket), SMALL) is not None

        run(place, scenario)


@everywhere
def test_what_one_may_not_know_is_not_there(world: World) -> None:
    """AccessDenied is what S3 says of a missing key without ListBucket: no failure."""
    with faulty(world) as (place, relay):
        relay.deny_missing()

        async def scenario(store: VipRenditions) -> None:
            original = of(place.bucket)
            for _ in range(4):
                assert await store.find_foreign(original, SMALL) is None
                assert await store.read(link(store, original)) is None
                assert await store.open(link(store, original)) is None

        run(place, scenario, relay.address)


@moto
def test_a_look_that_is_cut_off_or_refused(world: World, spooled: Path) -> None:
    """It fails, and spares the others after three; half of a rendition is never found."""
    with faulty(world) as (place, relay):

        async def scenario(store: VipRenditions) -> None:
            original = of(place.bucket)
            wanted = link(store, original)
            await store.publish(spooled, wanted)
            relay.cut(len(DATA) // 2)
            for _ in range(2):
                with pytest.raises(errors.ObjectStoreUnavailable):
                    await store.find_foreign(original, SMALL)
            relay.answer(503)
            with pytest.raises(errors.ObjectStoreUnavailable):
                await store.read(wanted)
            asked = relay.requests["GET"]
            for deed in (store.find_foreign(original, SMALL), store.read(wanted)):
                with pytest.raises(errors.ObjectStoreUnavailable):
                    await deed
            assert relay.requests["GET"] == asked

        run(place, scenario, relay.address)


@moto
def test_a_look_at_a_store_that_hangs_is_short(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever waits for the picture waits for no longer than that, and the fourth not at all."""
    monkeypatch.setattr(buckets, "LOOK_BUDGET", 0.5)
    with faulty(world) as (place, relay):
        relay.hang()

        async def scenario(store: VipRenditions) -> None:
            began = time.monotonic()
            for _ in range(4):
                with pytest.raises(errors.ObjectStoreUnavailable):
                    await store.find_foreign(of(place.bucket), SMALL)
            assert time.monotonic() - began < 30  # three times half a second, on a busy machine
            assert relay.requests["GET"] == 3

        run(place, scenario, relay.address)


@moto
def test_the_trouble_of_one_bucket_is_its_own(world: World, spooled: Path) -> None:
    """Renditions of another are published and read meanwhile."""
    with faulty(world) as (place, relay), world.place() as other:
        relay.answer(500, path=f"/{place.bucket}/")

        async def scenario(store: VipRenditions) -> None:
            sick, well = link(store, of(place.bucket)), link(store, of(other.bucket))
            for _ in range(4):
                with pytest.raises(errors.ObjectStoreUnavailable):
                    await store.publish(spooled, sick)
            assert relay.requests["PUT"] == 3
            await store.publish(spooled, well)
            assert await store.read(well) == DATA

        run(place, scenario, relay.address)


@moto
def test_removing_a_picture_leaves_its_original_and_its_neighbours(world: World) -> None:
    """All of its renditions go, however many, and whoever has made them."""
    kept = {NAME, f"{NAME}2", f"{NAME}2/s/250", "dog/s/250", f"x{NAME}/s/250"}
    gone = {f"{NAME}/s/{width}" for width in range(1, 30)}
    gone |= {f"{NAME}/c/s/160", f"{NAME}/{'0' * 28}/{WHOLE}.jpg"}
    with world.place() as place:
        for key in kept | gone:
            place.client.put_object(Bucket=place.bucket, Key=key, Body=b"x")

        async def scenario(store: VipRenditions) -> None:
            await store.remove_picture(ImageId(NAME, place.bucket))
            await store.remove_picture(ImageId(NAME, place.bucket))

        run(place, scenario)
        assert place.listed() == kept


@moto
def test_a_picture_that_cannot_be_removed(world: World) -> None:
    """Whoever removes it hears of it, and can try again."""
    with faulty(world) as (place, relay):
        place.client.put_object(Bucket=place.bucket, Key=f"{NAME}/s/1", Body=b"x")

        async def scenario(store: VipRenditions) -> None:
            image = ImageId(NAME, place.bucket)
            for status, code, method in (
                (403, "AccessDenied", "GET"),
                (403, "AccessDenied", "POST"),
            ):
                relay.answer(status, method, code=code)
                with pytest.raises(errors.ObjectStoreUnavailable):
                    await store.remove_picture(image)
            relay.pass_on()
            await store.remove_picture(image)

        run(place, scenario, relay.address)
        assert place.listed() == set()
