"""The rendition store on S3: what lies where, where clients are sent, and when they are not."""

import asyncio
import dataclasses
import hashlib
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import structlog

from liveresize import errors
from liveresize.core.names import ImageId
from liveresize.core.originals import Link, Original
from liveresize.settings.backends import Aws
from liveresize.storage.objects import Objects
from liveresize.storage.s3 import S3Renditions

from . import worlds
from .s3worlds import BUDGET, Faulty, Place, World, everywhere, needs_rclone, signed, until
from .worlds import CAT

DATA = b"the bytes of a rendition"
NAMES = ["cat", "two words", "a+b%20c", "what?#1", "größe 猫", "...", "v1.0.tar", ".hidden"]

Scenario = Callable[[S3Renditions], Awaitable[None]]


def run(
    place: Place,
    scenario: Scenario,
    address: str = "",
    *,
    patience: float = BUDGET,
    probe_budget: float = BUDGET,
    presign: bool = False,
    robots: str = "",
    **keys: Any,
) -> None:
    """Run the scenario on a store that is started, reached at `address` if given.

    `patience` is seconds for a connection, and for a sign of life on it; `keys` are those
    of `aws`.
    """

    async def main(objects: Objects) -> None:
        store = S3Renditions(
            Aws(bucket=place.bucket, **keys),
            objects,
            presign=presign,
            robots=robots,
            probe_budget=probe_budget,
            read_budget=BUDGET,
        )
        store.prepare()
        await store.start()
        try:
            await scenario(store)
        finally:
            await store.close()

    place.run(
        main,
        endpoint_url=address or place.server.address,
        attempts=1,
        connect_budget=patience,
        read_budget=patience,
    )


def link(store: S3Renditions, of: Original, variant: str = "100x0-jpeg", **changes: Any) -> Link:
    """The link that a published rendition of those bytes would have."""
    given: dict[str, Any] = {
        "key": store.key(of, variant, "1", "jpg"),
        "size": len(DATA),
        "etag": hashlib.sha256(DATA).hexdigest(),
    }
    return dataclasses.replace(worlds.link(of, variant), **given | changes)


def spooled(folder: Path) -> Path:
    """A file that is to be published."""
    path = folder / "spooled"
    path.write_bytes(DATA)
    return path


def get(url: str) -> httpx.Response:
    return httpx.get(url, timeout=BUDGET)


@everywhere
@pytest.mark.parametrize("prefix", ["", "site/one/"])
def test_what_was_published_can_be_read_and_removed(
    world: World, tmp_path: Path, prefix: str
) -> None:
    """Under every name; the key has prefix, name and generation, and the headers are right."""
    path = spooled(tmp_path)
    with world.place() as place:

        async def scenario(store: S3Renditions) -> None:
            for name in NAMES:
                of = worlds.original(ImageId(name))
                one = link(store, of)
                assert one.key == f"{prefix}{name}/{of.generation}/100x0-jpeg.jpg"
                await store.publish(path, one)
                assert await store.read(one) == DATA
                theirs = place.client.head_object(Bucket=place.bucket, Key=one.key)
                assert theirs["ContentType"] == "image/jpeg"
                assert theirs["CacheControl"] == "public, max-age=31536000, immutable"
                body = await store.open(one, 4, 8)
                assert body is not None
                assert [chunk async for chunk in body.chunks()] == [DATA[4:9]]
                await body.close()
                await store.remove([one])
                await store.remove([one])
                assert await store.read(one) is None
                assert await store.open(one) is None
            assert path.read_bytes() == DATA
            assert store.local_path(one.key) is None

        run(place, scenario, prefix=prefix)
        assert place.listed() == set()


@everywhere
def test_a_generation_ends_alone(world: World, tmp_path: Path) -> None:
    """All its renditions go; those of other generations and names that begin alike stay."""
    path = spooled(tmp_path)
    with world.place() as place:

        async def scenario(store: S3Renditions) -> None:
            ended, other = worlds.original(), worlds.original()
            alike = worlds.original(ImageId("cat2"), generation=ended.generation)
            kept = {link(store, of).key for of in (other, alike)}
            for of in (ended, other, alike):
                for variant in ("100x0-jpeg", "50x0-jpeg"):
                    await store.publish(path, link(store, of, variant))
            kept |= {link(store, of, "50x0-jpeg").key for of in (other, alike)}
            await store.remove_generation(ended)
            await store.remove_generation(ended)
            assert place.listed() == kept

        run(place, scenario)


@everywhere
def test_a_url_leads_to_the_bytes(world: World, tmp_path: Path) -> None:
    """The public address and the quoted key; without one, the address of the store."""
    path = spooled(tmp_path)
    with world.place() as place:

        async def scenario(store: S3Renditions) -> None:
            of = worlds.original(ImageId("a+b c%?#ü"))
            one = link(store, of)
            quoted = f"a%2Bb%20c%25%3F%23%C3%BC/{of.generation}/100x0-jpeg.jpg"
            assert store.url(one) == f"{place.server.address}/{place.bucket}/{quoted}"

        run(place, scenario)

        async def behind_a_host(store: S3Renditions) -> None:
            of = worlds.original()
            one = link(store, of)
            expected = f"https://cdn.example.com/pictures/cat/{of.generation}/100x0-jpeg.jpg"
            assert store.url(one) == expected
            await store.publish(path, one)
            assert place.bytes(one.key) == DATA

        run(place, behind_a_host, cache_host="https://cdn.example.com/pictures/")


@signed
def test_a_presigned_url_leads_to_the_bytes(world: World, tmp_path: Path) -> None:
    """A private bucket gives them to whoever was redirected, and to nobody else."""
    path = spooled(tmp_path)
    with world.place() as place:

        async def scenario(store: S3Renditions) -> None:
            one = link(store, worlds.original(ImageId("a+b c%?#ü")))
            await store.publish(path, one)
            url = store.url(one)
            assert (await asyncio.to_thread(get, url)).content == DATA
            bare = await asyncio.to_thread(get, url.partition("?")[0])
            assert bare.status_code in (400, 403)
            for _ in range(3):
                await store.probe()
            assert store.healthy

        run(place, scenario, presign=True, presign_lifetime=300, cache_host="http://127.0.0.1:1")


def test_without_credentials_nobody_is_sent_to_a_signed_url(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """What cannot be signed is no place to send clients to."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    with World("moto").place() as place:

        async def main(objects: Objects) -> None:
            store = S3Renditions(Aws(bucket=place.bucket), objects, presign=True)
            one = link(store, worlds.original())
            assert not store.healthy
            assert store.url(one).startswith(place.server.address)
            with pytest.raises(errors.ObjectStoreUnavailable, match="NoCredentials"):
                await store.publish(spooled(tmp_path), one)

        place.run(main, access_key="", secret_key="")


@everywhere
def test_links_taken_over_stay_as_they_are(world: World) -> None:
    """Redirects go where they went; ours are read and removed, others never asked for."""
    with world.place() as place, Faulty(place.server.address) as elsewhere:
        place.client.put_object(Bucket=place.bucket, Key="old/a b_1.jpg", Body=DATA)
        public = f"{place.server.address}/{place.bucket}"

        async def scenario(store: S3Renditions) -> None:
            def taken(key: str) -> Link:
                return dataclasses.replace(worlds.link(worlds.original()), key=key, size=0)

            foreign = [
                taken(f"{elsewhere.address}/{place.bucket}/old/a%20b_1.jpg"),
                taken(f"{public}x/old/a%20b_1.jpg"),
                taken(f"{public}/../{place.bucket}/old/a%20b_1.jpg"),
                taken(f"{public}/%2e%2e/secret"),
                taken(public),
                taken(f"{public}/"),
            ]
            for one in foreign:
                assert store.url(one) == one.key
                assert await store.read(one) is None
                assert await store.open(one) is None
            await store.remove(foreign)
            ours = taken(f"{public}/old/a%20b_1.jpg?v=1")
            assert store.url(ours) == ours.key
            assert await store.read(ours) == DATA
            await store.remove([ours, *foreign])
            assert await store.read(ours) is None
            assert elsewhere.requests.total() == 0

        run(place, scenario, presign=True, presign_lifetime=300, cache_host=public)


@everywhere
def test_an_object_of_another_size_is_not_the_links(world: World) -> None:
    """Half an object, or somebody else's, is not handed out."""
    with world.place() as place:

        async def scenario(store: S3Renditions) -> None:
            one = link(store, worlds.original())
            place.client.put_object(Bucket=place.bucket, Key=one.key, Body=DATA[:5])
            assert await store.read(one) is None

        run(place, scenario)


@everywhere
def test_a_spooled_file_that_is_gone_is_told(world: World, tmp_path: Path) -> None:
    """A file dropped from the spool, or cut short in it, is refused as one there is no room for."""
    with world.place() as place:

        async def scenario(store: S3Renditions) -> None:
            one = link(store, worlds.original())
            with pytest.raises(errors.DiskFull):
                await store.publish(tmp_path / "gone", one)
            (tmp_path / "short").write_bytes(DATA[:-1])
            with pytest.raises(errors.DiskFull):
                await store.publish(tmp_path / "short", one)
            assert store.healthy

        run(place, scenario)


FAILURES: dict[str, Callable[[Faulty], None]] = {
    "refused": lambda relay: relay.refuse(),
    "503": lambda relay: relay.answer(503),
    "hanging": lambda relay: relay.hang(),
    "cut": lambda relay: relay.cut(0),
    "puts refused": lambda relay: relay.answer(403, "PUT"),
    "gets refused": lambda relay: relay.answer(503, "GET"),
}


@everywhere
@pytest.mark.parametrize(
    "failure",
    [
        pytest.param(name, marks=pytest.mark.long) if name == "hanging" else name
        for name in FAILURES
    ],
)
def test_the_breaker_opens_and_closes(world: World, failure: str, tmp_path: Path) -> None:
    """Each failure is noticed, said once, and over when both ways in answer again."""
    path = spooled(tmp_path)
    with (
        world.place() as place,
        Faulty(place.server.address) as relay,
        structlog.testing.capture_logs() as logs,
    ):

        async def scenario(store: S3Renditions) -> None:
            one = link(store, worlds.original())
            await store.publish(path, one)
            await store.probe()
            assert store.healthy
            FAILURES[failure](relay)
            if failure != "gets refused":
                puts = (store.publish(path, one) for _ in range(3))
                results = await asyncio.gather(*puts, return_exceptions=True)
                assert {type(each) for each in results} == {errors.ObjectStoreUnavailable}
                assert not store.healthy
                await refuses_at_once(store, one, relay)
            for _ in range(2):
                await store.probe()
                assert not store.healthy or failure == "gets refused"
            assert not store.healthy
            relay.pass_on()
            await recovers(store)
            assert await store.read(one) == DATA

        run(place, scenario, relay.address, patience=2.0, probe_budget=0.5, prefix="p/")
        said = events(logs)
        assert said == ["object_store_unavailable", "object_store_available"]
        assert all(key.startswith("p/") for key in place.listed())


@needs_rclone
def test_a_bucket_that_clients_cannot_read_is_said_once() -> None:
    """Redirects would lead to refusals; with signed ones there is nothing to say."""

    def said(*, presign: bool) -> list[str]:
        async def scenario(store: S3Renditions) -> None:
            for _ in range(3):
                await store.probe()
            assert store.healthy

        with World("rclone").place() as place, structlog.testing.capture_logs() as logs:
            run(place, scenario, place.server.address, presign=presign)
        return [each["event"] for each in logs]

    assert said(presign=False) == ["public_address_refuses"]
    assert said(presign=True) == []


def events(logs: list[Any]) -> list[str]:
    """What was logged, but for that rclone shows nothing to those who do not sign."""
    return [each["event"] for each in logs if each["event"] != "public_address_refuses"]


async def recovers(store: S3Renditions) -> None:
    """Probes bring it back; on a busy machine one may be too slow."""
    async with asyncio.timeout(60):
        while not store.healthy:
            await store.probe()


async def refuses_at_once(store: S3Renditions, one: Link, relay: Faulty) -> None:
    """Nothing but the probe reaches the store."""
    relay.reset()
    for call in (
        store.read(one),
        store.open(one),
        store.remove([one]),
        store.remove_generation(worlds.original()),
        store.publish(Path("never opened"), one),
    ):
        with pytest.raises(errors.ObjectStoreUnavailable) as caught:
            await call
        assert caught.value.detail == "the breaker is open"
    assert relay.requests.total() == 0


@needs_rclone
def test_a_wrong_credential_is_said_once_with_its_code(tmp_path: Path) -> None:
    """The log names the code, not the key."""
    with World("rclone").place() as place, structlog.testing.capture_logs() as logs:

        async def main(objects: Objects) -> None:
            store = S3Renditions(Aws(bucket=place.bucket), objects, probe_budget=BUDGET)
            await store.start()
            for _ in range(6):
                with pytest.raises(errors.ObjectStoreUnavailable):
                    await store.publish(spooled(tmp_path), link(store, worlds.original()))
                await store.probe()
            assert not store.healthy
            await store.close()

        place.run(main, secret_key="a-wrong-secret")
        assert events(logs) == ["object_store_unavailable"]
        assert "(403)" in logs[-1]["error"]
        assert "a-wrong-secret" not in str(logs)


@everywhere
def test_robots_txt_is_put_at_the_root(world: World) -> None:
    """At the start, whatever the prefix."""
    with world.place() as place:

        async def scenario(store: S3Renditions) -> None:
            theirs = place.client.get_object(Bucket=place.bucket, Key="robots.txt")
            assert theirs["Body"].read() == b"User-agent: *\nDisallow: /\n"
            assert theirs["ContentType"] == "text/plain"

        run(place, scenario, robots="User-agent: *\nDisallow: /\n", prefix="deep/")


@everywhere
def test_robots_txt_is_tried_until_it_is_there(world: World) -> None:
    """A store that is down at the start delays it, and says so once."""
    with (
        world.place() as place,
        Faulty(place.server.address) as relay,
        structlog.testing.capture_logs() as logs,
    ):
        relay.answer(503, "PUT")

        async def scenario(store: S3Renditions) -> None:
            await store.probe()
            assert place.listed() == set()
            assert events(logs) == ["robots_not_put"]
            relay.pass_on()
            await store.probe()
            assert place.listed() == {"robots.txt"}
            relay.reset()
            await store.probe()
            assert relay.requests == {"GET": 1}

        run(place, scenario, relay.address, robots="text")


@everywhere
def test_an_error_of_ours_is_a_sign_of_life(world: World) -> None:
    """A public address that answers 403 or 404 is one that answers."""
    with world.place() as place, Faulty(place.server.address) as relay:

        async def scenario(store: S3Renditions) -> None:
            for status in (403, 404, 301):
                relay.answer(status)
                for _ in range(3):
                    await store.probe()
                assert store.healthy

        run(place, scenario, cache_host=relay.address)


def test_a_dead_public_address_alone_stops_redirects(tmp_path: Path) -> None:
    """The store goes on being written and read while clients are kept away."""
    path = spooled(tmp_path)
    with World("moto").place() as place, Faulty(place.server.address) as front:

        async def scenario(store: S3Renditions) -> None:
            front.refuse()
            for _ in range(2):
                await store.probe()
            assert not store.healthy
            one = link(store, worlds.original())
            await store.publish(path, one)
            assert await store.read(one) == DATA
            front.pass_on()
            await store.probe()
            assert store.healthy

        run(place, scenario, cache_host=f"{front.address}/{place.bucket}", probe_budget=2.0)


def test_slow_puts_are_no_failure(tmp_path: Path) -> None:
    """A store that takes its time is healthy, and other calls do not wait for it."""
    path = spooled(tmp_path)
    with World("moto").place() as place, Faulty(place.server.address) as relay:

        async def scenario(store: S3Renditions) -> None:
            one = link(store, worlds.original(CAT))
            relay.delay_puts(1.0)
            slow = asyncio.create_task(store.publish(path, one))
            await until(lambda: relay.requests["PUT"] > 0)
            assert await store.read(one) is None
            await slow
            assert await store.read(one) == DATA
            assert store.healthy

        run(place, scenario, relay.address)
