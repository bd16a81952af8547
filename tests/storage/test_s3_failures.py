"""The client of the object store when the store fails, or has much to carry."""

import asyncio
import hashlib
import os
import resource
import time
from pathlib import Path
from typing import Any

import pytest

from liveresize import errors
from liveresize.storage.objects import Objects

from .s3worlds import (
    Faulty,
    Place,
    Server,
    World,
    client_of,
    everywhere,
    needs_rclone,
    place_on,
    until,
)

BOUND = 30.0
"""Seconds within which what hangs must be given up, on a busy machine; it is set to take 1–3."""

IMPATIENT: dict[str, Any] = {"connect_budget": 1.0, "read_budget": 1.0, "attempts": 1}


def big(path: Path, size: int) -> str:
    """Make a file of that size; its SHA-256 in hex."""
    block = os.urandom(1 << 20)
    digest = hashlib.sha256()
    with path.open("wb") as file:
        for _ in range(size >> 20):
            file.write(block)
            digest.update(block)
    return digest.hexdigest()


async def fails(call: Any, match: str) -> None:
    """Within bounds, the call raises ObjectStoreUnavailable, with that in its detail."""
    begun = time.monotonic()
    with pytest.raises(errors.ObjectStoreUnavailable) as caught:
        await call
    assert time.monotonic() - begun < BOUND
    assert match in caught.value.detail
    assert "secret" not in caught.value.detail


async def every_call_fails(objects: Objects, place: Place, match: str) -> None:
    """Every method fails the same way."""

    async def listing() -> None:
        [each async for each in objects.list_prefix(place.bucket, "")]

    put = objects.put_bytes(place.bucket, "k", b"1", mime="a/b")
    calls = (
        put,
        objects.read(place.bucket, "k"),
        objects.open(place.bucket, "k"),
        objects.head(place.bucket, "k"),
        objects.remove(place.bucket, ["k"]),
        listing(),
    )
    await asyncio.gather(*(fails(call, match) for call in calls))


@everywhere
def test_a_hanging_store_costs_a_bounded_time(world: World) -> None:
    """Whatever is asked of a store that accepts and never answers is given up."""
    with world.place() as place, Faulty(place.server.address) as relay:

        async def scenario(objects: Objects) -> None:
            relay.hang()
            await every_call_fails(objects, place, "Timeout")
            relay.pass_on()
            await objects.put_bytes(place.bucket, "k", b"1", mime="a/b")

        place.run(scenario, endpoint_url=relay.address, **IMPATIENT)


@everywhere
@pytest.mark.parametrize("status", [503, 500, 403])
def test_a_store_that_refuses_is_told_by_its_code(world: World, status: int) -> None:
    """The store's own code is in the detail of every failure."""
    with world.place() as place, Faulty(place.server.address) as relay:

        async def scenario(objects: Objects) -> None:
            relay.answer(status)
            await every_call_fails(objects, place, f"({status})")

        place.run(scenario, endpoint_url=relay.address, **IMPATIENT)


@everywhere
def test_a_closed_port_and_a_port_that_opens_again(world: World) -> None:
    """Refused connections are failures at once; the same client goes on afterwards."""
    with world.place() as place, Faulty(place.server.address) as relay:

        async def scenario(objects: Objects) -> None:
            await objects.put_bytes(place.bucket, "k", b"1", mime="a/b")
            relay.refuse()
            await every_call_fails(objects, place, "Connection")
            relay.pass_on()
            assert await objects.read(place.bucket, "k") == b"1"

        place.run(scenario, endpoint_url=relay.address, **IMPATIENT)


@everywhere
def test_transient_failures_are_tried_again(world: World, tmp_path: Path) -> None:
    """A 503 that passes is not noticed, and the second try sends the file from its start."""
    digest = big(tmp_path / "f", 3 << 20)
    with world.place() as place, Faulty(place.server.address) as relay:

        async def scenario(objects: Objects) -> None:
            relay.answer(503)
            put = asyncio.create_task(
                objects.put_file(
                    place.bucket, "k", tmp_path / "f", size=3 << 20, sha256=digest, mime="a/b"
                )
            )
            await until(lambda: relay.requests["PUT"] > 0)
            relay.pass_on()
            await put
            assert relay.requests["PUT"] > 1

        place.run(scenario, endpoint_url=relay.address, attempts=6)
        assert place.bytes("k") == (tmp_path / "f").read_bytes()


@everywhere
def test_a_body_that_is_cut_is_a_failure(world: World) -> None:
    """Bytes that end early never pass for the whole, read at once or as they come."""
    with world.place() as place, Faulty(place.server.address) as relay:
        place.client.put_object(Bucket=place.bucket, Key="k", Body=b"x" * 500_000)

        async def scenario(objects: Objects) -> None:
            relay.cut(100_000)
            await fails(objects.read(place.bucket, "k"), "get_object")
            body = await objects.open(place.bucket, "k")
            assert body is not None
            got = 0
            try:
                async for chunk in body.chunks():
                    got += len(chunk)
            except errors.ObjectStoreUnavailable:
                await body.close()
            assert 0 < got <= 100_000
            await fails(objects.put_bytes(place.bucket, "q", b"x" * 500_000, mime="a/b"), "put")

        place.run(scenario, endpoint_url=relay.address, **IMPATIENT)
        assert place.listed() == {"k"}


def test_a_server_that_does_not_read_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A put whose body is not taken ends, although nothing is ever waited for to be read."""
    monkeypatch.setattr("liveresize.storage.connection._SLOWEST", 20 << 20)
    digest = big(tmp_path / "f", 20 << 20)

    async def main() -> None:
        async def accept(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            await over.wait()
            writer.close()

        over = asyncio.Event()
        deaf = await asyncio.start_server(accept, "127.0.0.1", 0, limit=1024)
        address = f"http://127.0.0.1:{deaf.sockets[0].getsockname()[1]}"
        objects = client_of(address, **IMPATIENT)
        await objects.start()
        put = objects.put_file(
            "bucket", "k", tmp_path / "f", size=20 << 20, sha256=digest, mime="a/b"
        )
        await fails(put, "put_object")
        await objects.close()
        over.set()
        deaf.close()
        await deaf.wait_closed()

    asyncio.run(main())


@pytest.mark.long
@everywhere
def test_60_megabytes_pass_without_stopping_the_loop(world: World, tmp_path: Path) -> None:
    """A large file is neither read whole nor hashed on the loop, up or down."""
    size = 60 << 20
    digest = big(tmp_path / "f", size)
    with world.place() as place:

        async def scenario(objects: Objects) -> None:
            await objects.put_bytes(place.bucket, "first", b"1", mime="a/b")
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            pauses = asyncio.create_task(longest_pause())
            await objects.put_file(
                place.bucket, "k", tmp_path / "f", size=size, sha256=digest, mime="a/b"
            )
            body = await objects.open(place.bucket, "k")
            assert body is not None
            got = hashlib.sha256()
            async for chunk in body.chunks():
                got.update(chunk)
            await body.close()
            pauses.cancel()
            after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            assert got.hexdigest() == digest
            assert longest[0] < 2.0
            assert after - before < 30 << 10

        longest = [0.0]

        async def longest_pause() -> None:
            last = time.perf_counter()
            while True:
                await asyncio.sleep(0.001)
                now = time.perf_counter()
                longest[0] = max(longest[0], now - last)
                last = now

        place.run(scenario)


@needs_rclone
def test_a_server_killed_in_the_middle_of_a_put(tmp_path: Path) -> None:
    """The put fails, half an object never passes for the whole, and the next put is whole."""
    size = 8 << 20
    digest = big(tmp_path / "f", size)
    with Server("rclone") as server, place_on(server) as place, Faulty(server.address) as relay:

        async def put(objects: Objects) -> None:
            await objects.put_file(
                place.bucket, "k", tmp_path / "f", size=size, sha256=digest, mime="a/b"
            )

        async def scenario(objects: Objects) -> None:
            relay.stall(1 << 20)
            dying = asyncio.create_task(put(objects))
            await until(lambda: relay.stalled > 0)
            server.kill()
            await fails(dying, "put_object")
            relay.pass_on()
            await fails(put(objects), "put_object")
            server.start()
            facts = await objects.head(place.bucket, "k")
            assert facts is None or facts.size < size
            await put(objects)
            whole = await objects.head(place.bucket, "k")
            assert whole is not None
            assert whole.size == size

        place.run(scenario, endpoint_url=relay.address, attempts=1)


@everywhere
def test_a_cancelled_put_leaves_nothing_open(world: World, tmp_path: Path) -> None:
    """Whoever waits may stop waiting; the slot is free again and the file closed."""
    digest = big(tmp_path / "f", 5 << 20)
    with world.place() as place, Faulty(place.server.address) as relay:

        async def scenario(objects: Objects) -> None:
            relay.hang()
            for _ in range(3):
                with pytest.raises(TimeoutError):
                    async with asyncio.timeout(0.3):
                        await objects.put_file(
                            place.bucket,
                            "k",
                            tmp_path / "f",
                            size=5 << 20,
                            sha256=digest,
                            mime="a/b",
                        )
            relay.pass_on()
            await objects.put_bytes(place.bucket, "k", b"1", mime="a/b")

        place.run(scenario, endpoint_url=relay.address, concurrency=1)
