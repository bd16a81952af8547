"""The client of the object store, on two servers that share no code."""

import asyncio
import dataclasses
import hashlib
import random
from pathlib import Path
from typing import Any

import pytest

from liveresize import errors
from liveresize.storage.objects import Objects

from .s3worlds import (
    ACCESS_KEY,
    AMAZON,
    SECRET_KEY,
    Faulty,
    World,
    client_of,
    everywhere,
    needs_rclone,
)

AWKWARD = [
    "plain.jpg",
    "two words/a+b.jpg",
    "100%/%41%2F.jpg",
    "what?/#1&x=y.jpg",
    "Größe/猫/🐈.webp",
    "dots.../...x/.hidden",
    "quotes'\"/<tag>&amp;.png",
    "~tilde/a=b;c,d@e:f$g!h*i(j)[k].jpg",
]
"""Keys whose escaping differs between URLs, XML and the file system."""


@everywhere
@pytest.mark.parametrize("key", AWKWARD)
def test_every_key_is_the_same_for_all(world: World, key: str) -> None:
    """What we store another client finds under the same key, and the other way round."""
    with world.place() as place:

        async def scenario(objects: Objects) -> None:
            await objects.put_bytes(place.bucket, key, b"ours", mime="image/jpeg")
            assert place.bytes(key) == b"ours"
            place.client.put_object(Bucket=place.bucket, Key=key, Body=b"theirs!")
            assert await objects.read(place.bucket, key) == b"theirs!"
            listed = [each async for each in objects.list_prefix(place.bucket, key[:3])]
            assert listed == [(key, 7)]
            await objects.remove(place.bucket, [key])
            assert await objects.head(place.bucket, key) is None

        place.run(scenario)


@everywhere
def test_a_file_is_stored_with_its_headers(world: World, tmp_path: Path) -> None:
    """Media type, cache life, user metadata and every byte arrive; the file stays."""
    data = random.Random(1).randbytes(300_000)
    digest = hashlib.sha256(data).hexdigest()
    path = tmp_path / "picture"
    path.write_bytes(data)
    with world.place() as place:

        async def scenario(objects: Objects) -> None:
            await objects.put_file(
                place.bucket,
                "a/b",
                path,
                size=len(data),
                sha256=digest,
                mime="image/webp",
                cache_control="public, max-age=60",
                metadata={"sha256": digest},
            )
            facts = await objects.head(place.bucket, "a/b")
            assert facts is not None
            assert facts.size == len(data)
            assert facts.metadata == {"sha256": digest}

        place.run(scenario)
        theirs = place.client.get_object(Bucket=place.bucket, Key="a/b")
        assert theirs["CacheControl"] == "public, max-age=60"
        assert theirs["ContentType"] == "image/webp"
        assert theirs["Body"].read() == data
    assert path.read_bytes() == data


@everywhere
def test_ranges_and_chunks(world: World) -> None:
    """Any part can be asked for; it comes in chunks of at most 64 KiB and knows its size."""
    data = random.Random(2).randbytes(200_000)
    with world.place() as place:
        place.client.put_object(Bucket=place.bucket, Key="k", Body=data)

        async def scenario(objects: Objects) -> None:
            for first, last in [(0, None), (0, 0), (5, 10), (199_990, None), (100, 500_000)]:
                body = await objects.open(place.bucket, "k", first, last)
                assert body is not None
                chunks = [chunk async for chunk in body.chunks()]
                await body.close()
                expected = data[first : None if last is None else last + 1]
                assert b"".join(chunks) == expected
                assert body.size == len(expected)
                assert all(0 < len(chunk) <= 65_536 for chunk in chunks)
            assert await objects.open(place.bucket, "k", 200_000) is None

        place.run(scenario)


@everywhere
def test_a_body_may_be_left_unread(world: World) -> None:
    """Closing early frees the connection, many times over, and the next call works."""
    with world.place() as place:
        place.client.put_object(Bucket=place.bucket, Key="k", Body=b"x" * 3_000_000)

        async def scenario(objects: Objects) -> None:
            for _ in range(20):
                body = await objects.open(place.bucket, "k")
                assert body is not None
                async for _ in body.chunks():
                    break
                await body.close()
            assert await objects.head(place.bucket, "k") is not None

        place.run(scenario, concurrency=2)


@everywhere
def test_open_bodies_hold_no_slot(world: World) -> None:
    """Clients that read slowly keep no other request from the store."""
    with world.place() as place:
        place.client.put_object(Bucket=place.bucket, Key="k", Body=b"x" * 3_000_000)

        async def scenario(objects: Objects) -> None:
            bodies = [await objects.open(place.bucket, "k") for _ in range(10)]
            assert await objects.head(place.bucket, "k") is not None
            for body in bodies:
                assert body is not None
                await body.close()

        place.run(scenario, concurrency=2)


@everywhere
def test_what_is_not_there_is_no_failure(world: World) -> None:
    """A missing key gives None or nothing, whatever is asked of it."""
    with world.place() as place:

        async def scenario(objects: Objects) -> None:
            assert await objects.read(place.bucket, "gone") is None
            assert await objects.open(place.bucket, "gone", 5, 6) is None
            assert await objects.head(place.bucket, "gone") is None
            assert [each async for each in objects.list_prefix(place.bucket, "gone")] == []
            await objects.remove(place.bucket, ["gone", "gone too"])
            await objects.remove(place.bucket, [])

        place.run(scenario)


@everywhere
def test_a_missing_bucket_is_a_failure(world: World, tmp_path: Path) -> None:
    """A bucket that is not there was configured wrongly: no key of it is just missing."""
    (tmp_path / "f").write_bytes(b"1")
    digest = hashlib.sha256(b"1").hexdigest()
    with world.place() as place:

        async def scenario(objects: Objects) -> None:
            with pytest.raises(errors.ObjectStoreUnavailable) as caught:
                await objects.read("no-such-bucket", "key")
            assert caught.value.detail.startswith(
                "get_object in no-such-bucket: NoSuchBucket (404): The specified bucket"
            )
            with pytest.raises(errors.ObjectStoreUnavailable, match="NoSuchBucket"):
                await objects.put_file(
                    "no-such-bucket", "k", tmp_path / "f", size=1, sha256=digest, mime="image/png"
                )
            with pytest.raises(errors.ObjectStoreUnavailable):
                [each async for each in objects.list_prefix("no-such-bucket", "")]

        place.run(scenario)


@pytest.mark.long
@everywhere
def test_1001_keys_are_listed_and_removed(world: World) -> None:
    """More than one page of a listing, and more than one batch of a removal."""
    keys = [f"many/{number:04}" for number in range(1001)]
    with world.place() as place, Faulty(place.server.address) as relay:

        async def scenario(objects: Objects) -> None:
            puts = (objects.put_bytes(place.bucket, key, b"1", mime="a/b") for key in keys)
            await asyncio.gather(*puts)
            await objects.put_bytes(place.bucket, "other", b"1", mime="a/b")
            listed = [each async for each in objects.list_prefix(place.bucket, "many/")]
            assert sorted(listed) == [(key, 1) for key in keys]
            relay.reset()
            await objects.remove(place.bucket, keys)
            assert relay.requests == {"POST": 2}
            assert place.listed() == {"other"}

        place.run(scenario, endpoint_url=relay.address)


@everywhere
@pytest.mark.parametrize(("status", "posts"), [(400, 2), (405, 1), (501, 2)])
def test_a_store_without_batches_is_asked_key_by_key(world: World, status: int, posts: int) -> None:
    """Where DeleteObjects is refused, single DELETEs do it, from then on at once.

    What may mean its checksum is tried without one first.
    """
    with world.place() as place, Faulty(place.server.address) as relay:

        async def scenario(objects: Objects) -> None:
            for key in "abc":
                await objects.put_bytes(place.bucket, key, b"1", mime="a/b")
            relay.answer(status, "POST")
            relay.reset()
            await objects.remove(place.bucket, ["a", "b", "never there"])
            assert relay.requests == {"POST": posts, "DELETE": 3}
            await objects.remove(place.bucket, ["c"])
            assert relay.requests == {"POST": posts, "DELETE": 4}
            assert place.listed() == set()

        place.run(scenario, endpoint_url=relay.address)


@everywhere
def test_a_file_of_another_size_is_not_sent(world: World, tmp_path: Path) -> None:
    """What is not whole on this disk raises OSError, as does what is not there at all."""
    (tmp_path / "short").write_bytes(b"123")
    with world.place() as place:

        async def scenario(objects: Objects) -> None:
            for name in ("short", "absent"):
                with pytest.raises(OSError):
                    await objects.put_file(
                        place.bucket, "k", tmp_path / name, size=4, sha256="00" * 32, mime="a/b"
                    )

        place.run(scenario)
        assert place.listed() == set()


@needs_rclone
@pytest.mark.parametrize("given", [{"secret_key": "wrong"}, {"access_key": "unknown"}])
def test_wrong_credentials_are_told_by_their_code(given: dict[str, str]) -> None:
    """The detail has operation, bucket and code, and neither of the keys."""
    with World("rclone").place() as place:

        async def scenario(objects: Objects) -> None:
            with pytest.raises(errors.ObjectStoreUnavailable) as caught:
                await objects.put_bytes(place.bucket, "k", b"1", mime="a/b")
            assert f"put_object in {place.bucket}: " in caught.value.detail
            assert "(403)" in caught.value.detail
            assert not any(each in caught.value.detail for each in given.values())

        place.run(scenario, **given)


@pytest.mark.parametrize(
    "wrong", [{"endpoint_url": "no url"}, {"secret_key": ""}, {"region": "what ever"}]
)
def test_useless_keys_are_told_at_the_start(wrong: dict[str, Any]) -> None:
    """A start with what no client can be made of raises SettingsError, without the keys."""

    async def main() -> None:
        with pytest.raises(errors.SettingsError) as caught:
            await client_of("http://127.0.0.1:9", **wrong).start()
        assert ACCESS_KEY not in str(caught.value)

    asyncio.run(main())


def test_credentials_come_from_the_usual_places(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without keys in the settings, those of the environment are used."""
    with World("moto").place() as place:
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCESS_KEY)
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET_KEY)

        async def scenario(objects: Objects) -> None:
            await objects.put_bytes(place.bucket, "k", b"1", mime="a/b")
            assert objects.can_sign

        place.run(scenario, access_key="", secret_key="")
        assert place.listed() == {"k"}


@pytest.mark.parametrize(
    ("changes", "address"),
    [
        ({}, "https://pictures.s3.eu-west-1.amazonaws.com"),
        ({"path_style": True}, "https://s3.eu-west-1.amazonaws.com/pictures"),
        ({"region": "cn-north-1"}, "https://pictures.s3.cn-north-1.amazonaws.com.cn"),
        ({"endpoint_url": "http://minio:9000/"}, "http://minio:9000/pictures"),
        (
            {"endpoint_url": "https://s3.example.com", "path_style": False},
            "https://pictures.s3.example.com",
        ),
    ],
)
def test_where_a_bucket_is(changes: dict[str, Any], address: str) -> None:
    """The bucket stands in the host at Amazon, and in the path of a store of one's own."""

    async def main() -> None:
        objects = Objects(dataclasses.replace(AMAZON, **changes))
        await objects.start()
        assert objects.address("pictures") == address
        await objects.close()

    asyncio.run(main())


def test_a_dotted_bucket_stands_in_the_path() -> None:
    """A certificate for *.s3.… does not cover a host with one label more."""

    async def main() -> None:
        objects = Objects(AMAZON)
        await objects.start()
        assert objects.address("my.pics") == "https://s3.eu-west-1.amazonaws.com/my.pics"
        await objects.close()

    asyncio.run(main())
