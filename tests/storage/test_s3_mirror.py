"""The mirror of originals in a bucket."""

import asyncio
import dataclasses
import hashlib
import random
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import structlog

from liveresize import errors
from liveresize.core.names import ImageId
from liveresize.core.originals import Original
from liveresize.storage.mirror import S3Mirror
from liveresize.storage.objects import Objects

from . import worlds
from .s3worlds import BUDGET, Faulty, Place, World, everywhere, until

DATA = random.Random(3).randbytes(700_000)


def of(name: str = "cat", bucket: str = "", data: bytes = DATA) -> Original:
    """An original of those bytes."""
    digest = hashlib.sha256(data).hexdigest()
    return worlds.original(ImageId(name, bucket), bytes=len(data), sha256=digest)


def stored(folder: Path) -> Path:
    """The file of an original."""
    path = folder / "original"
    path.write_bytes(DATA)
    return path


def run(
    place: Place,
    scenario: Callable[[S3Mirror], Awaitable[None]],
    prefix: str = "",
    **changes: Any,
) -> None:
    async def main(objects: Objects) -> None:
        await scenario(S3Mirror(objects, bucket=place.bucket, prefix=prefix, read_budget=BUDGET))

    place.run(main, **changes)


@everywhere
@pytest.mark.parametrize("prefix", ["", "site/"])
def test_an_original_goes_and_comes_back(world: World, tmp_path: Path, prefix: str) -> None:
    """Under every name, in a bucket or not; with its media type and its SHA-256."""
    path, target = stored(tmp_path), tmp_path / "target"
    with world.place() as place:

        async def scenario(mirror: S3Mirror) -> None:
            for original in (of(), of("a+b c%?#ü"), of("..."), of("x", bucket="pics")):
                assert mirror.key(original) == (
                    f"{prefix}{original.image.key}/{original.generation}"
                )
                assert not await mirror.exists(original)
                await mirror.put(path, original)
                await mirror.put(path, original)
                assert await mirror.exists(original)
                theirs = place.client.head_object(Bucket=place.bucket, Key=mirror.key(original))
                assert theirs["ContentType"] == "image/png"
                told = {name.lower(): value for name, value in theirs["Metadata"].items()}
                assert told == {"sha256": original.sha256}
                assert await mirror.fetch(original, target)
                assert target.read_bytes() == DATA
                await mirror.remove(original)
                await mirror.remove(original)
                assert not await mirror.fetch(original, target)
            assert mirror.healthy

        run(place, scenario, prefix)
        assert place.listed() == set()


@everywhere
@pytest.mark.parametrize("wrong", [b"", DATA[:-1], DATA + b"x", b"x" + DATA[1:]])
def test_damaged_bytes_count_as_not_there(world: World, tmp_path: Path, wrong: bytes) -> None:
    """Too few, too many or others: nothing is left of them, and the log says so."""
    target = tmp_path / "target"
    with world.place() as place, structlog.testing.capture_logs() as logs:

        async def scenario(mirror: S3Mirror) -> None:
            original = of()
            place.client.put_object(Bucket=place.bucket, Key=mirror.key(original), Body=wrong)
            assert not await mirror.fetch(original, target)
            assert not target.exists()
            assert await mirror.exists(original) == (len(wrong) == len(DATA))

        run(place, scenario)
        assert [each["event"] for each in logs] == ["mirror_damaged"]


@everywhere
def test_a_fetch_that_is_cut_leaves_nothing(world: World, tmp_path: Path) -> None:
    """Whatever comes in between, there is no half of an original, and it can be had later."""
    path, target = stored(tmp_path), tmp_path / "target"
    with world.place() as place, Faulty(place.server.address) as relay:

        async def scenario(mirror: S3Mirror) -> None:
            original = of()
            await mirror.put(path, original)
            relay.cut(100_000)
            with pytest.raises(errors.ObjectStoreUnavailable):
                await mirror.fetch(original, target)
            assert not target.exists()
            relay.stall(100_000)
            fetch = asyncio.create_task(mirror.fetch(original, target))
            await until(lambda: relay.stalled > 0)
            fetch.cancel()
            with pytest.raises(asyncio.CancelledError):
                await fetch
            assert not target.exists()
            relay.pass_on()
            assert await mirror.fetch(original, target)

        run(place, scenario, endpoint_url=relay.address, attempts=1)


def test_whenever_a_fetch_is_cancelled_it_leaves_no_half(tmp_path: Path) -> None:
    """At every step: before the file is there, while it is written, and at its end."""
    path, target = stored(tmp_path), tmp_path / "target"
    with World("moto").place() as place:

        async def scenario(mirror: S3Mirror) -> None:
            original = of()
            await mirror.put(path, original)
            for steps in range(120):
                fetch = asyncio.create_task(mirror.fetch(original, target))
                for _ in range(steps):
                    await asyncio.sleep(0)
                fetch.cancel()
                await asyncio.gather(fetch, return_exceptions=True)
                if target.exists():
                    assert target.read_bytes() == DATA
                    target.unlink()

        run(place, scenario)


@everywhere
def test_no_room_for_what_is_fetched(world: World, tmp_path: Path) -> None:
    """A disk that takes no more is DiskFull, not a failure of the store."""
    path, full = stored(tmp_path), tmp_path / "full"
    full.symlink_to("/dev/full")  # a link, since what was not written is removed
    with world.place() as place:

        async def scenario(mirror: S3Mirror) -> None:
            original = of()
            await mirror.put(path, original)
            for target in (full, tmp_path / "no" / "such" / "folder"):
                with pytest.raises(errors.DiskFull):
                    await mirror.fetch(original, target)
            assert not full.is_symlink()
            assert mirror.healthy

        run(place, scenario)


@everywhere
def test_an_original_that_is_gone_from_the_disk(world: World, tmp_path: Path) -> None:
    """It was deleted while it waited for its turn: OriginalMissing, and nothing is stored."""
    with world.place() as place:

        async def scenario(mirror: S3Mirror) -> None:
            with pytest.raises(errors.OriginalMissing):
                await mirror.put(tmp_path / "gone", of())
            assert mirror.healthy

        run(place, scenario)
        assert place.listed() == set()


@everywhere
def test_entries_are_the_originals_alone(world: World, tmp_path: Path) -> None:
    """Renditions and other objects of the same bucket are not counted among them."""
    path = stored(tmp_path)
    with world.place() as place:

        async def scenario(mirror: S3Mirror) -> None:
            originals = [of(), of("a b"), of("x", bucket="pics")]
            for original in originals:
                await mirror.put(path, original)
            for key in ("site/robots.txt", f"{mirror.key(originals[0])}/1x1-jpeg.jpg"):
                # rclone keeps objects as files: none can lie under another.
                if world.kind == "moto" or key.endswith(".txt"):
                    place.client.put_object(Bucket=place.bucket, Key=key, Body=b"1")
            place.client.put_object(Bucket=place.bucket, Key=f"other/{'0' * 28}", Body=b"1")
            entries = [each async for each in mirror.entries()]
            assert sorted(entries) == sorted((mirror.key(each), len(DATA)) for each in originals)

        run(place, scenario, "site/")


def test_the_breaker_spares_uploads_the_wait(tmp_path: Path) -> None:
    """After three failures calls are refused at once, until one gets through again."""
    path = stored(tmp_path)
    with World("moto").place() as place, Faulty(place.server.address) as relay:

        async def scenario(mirror: S3Mirror) -> None:
            relay.refuse()
            for _ in range(3):
                with pytest.raises(errors.ObjectStoreUnavailable):
                    await mirror.put(path, of())
            assert not mirror.healthy
            with pytest.raises(errors.ObjectStoreUnavailable) as caught:
                await mirror.fetch(of(), tmp_path / "target")
            assert caught.value.detail == "the breaker is open"
            relay.pass_on()
            async with asyncio.timeout(60):
                while not mirror.healthy:
                    try:
                        await mirror.put(path, of())
                    except errors.ObjectStoreUnavailable:
                        await asyncio.sleep(0.1)

        run(place, scenario, endpoint_url=relay.address, attempts=1)


def test_the_original_of_another_format_has_its_type(tmp_path: Path) -> None:
    """The media type is that of the bytes."""
    path = stored(tmp_path)
    with World("moto").place() as place:

        async def scenario(mirror: S3Mirror) -> None:
            original = dataclasses.replace(of(), format="heif")
            await mirror.put(path, original)
            theirs = place.client.head_object(Bucket=place.bucket, Key=mirror.key(original))
            assert theirs["ContentType"] == "image/heif"

        run(place, scenario)
