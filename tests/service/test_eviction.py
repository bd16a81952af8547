"""Originals that make room for others on this disk, since the mirror has them."""

import asyncio
import os
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from liveresize import errors
from liveresize.core.names import ImageId
from liveresize.core.originals import Original
from liveresize.delivery.outcomes import Cache
from liveresize.settings.pictures import Originals
from liveresize.storage import mirroring

from .doubles import SteeredIndex, away, picture, run
from .house import CAT, House, request
from .mirrors import FakeMirror

SIZE = 1000


def small(folder: Path, room: int, mirror: FakeMirror | None = None) -> House:
    """An instance that may keep so many pictures of `SIZE` bytes."""
    options = Originals(mirror_wait=300.0, cache_bytes=room * SIZE)
    return House(folder, mirror=mirror or FakeMirror(), originals=options)


async def read(house: House, original: Original, at: int) -> Original:
    """An original that was last read so many seconds after the first."""
    os.utime(house.originals.path(original), (1_600_000_000 + at, 1_500_000_000))
    return original


async def pictures(house: House, count: int) -> list[Original]:
    """So many originals, of which the first was read longest ago."""
    return [
        await read(
            house, await house.upload(ImageId(f"cat {number}"), sized(str(number))), at=number
        )
        for number in range(count)
    ]


def sized(soul: str) -> bytes:
    """A picture of `SIZE` bytes."""
    return picture(soul=soul.ljust(SIZE - len(picture()), "."))


def kept(house: House) -> set[str]:
    """The generations whose bytes are on this disk."""
    return {path.name.rpartition("~")[2] for path in house.files()}


def names(originals: list[Original]) -> set[str]:
    """Their generations."""
    return {one.generation for one in originals}


@pytest.mark.parametrize("batch", [1, 2, 100])
def test_those_go_first_that_were_read_longest_ago(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    """As many as must, and not one more, however they fall into batches."""
    monkeypatch.setattr(mirroring, "_BATCH", batch)

    async def main() -> None:
        house = small(tmp_path, room=4)
        stored = await pictures(house, 6)
        await read(house, stored[0], at=100)  # was the first, is the last
        with capture_logs() as logs:
            await house.mirroring.make_room()
        assert kept(house) == names([stored[0], *stored[3:]])
        assert [(line["event"], line["count"]) for line in logs] == [("originals_evicted", 2)]
        with capture_logs() as logs:
            await house.mirroring.make_room()
        assert len(house.files()) == 4
        assert logs == []

    run(main)


def test_what_the_mirror_lacks_stays(tmp_path: Path) -> None:
    """Though it is the oldest, and though there is no room: here is its only copy."""

    async def main() -> None:
        mirror = FakeMirror()
        house = small(tmp_path, 1, mirror)
        mirror.failures["put"] = [errors.ObjectStoreUnavailable("", "refused")] * 3
        stored = await pictures(house, 5)
        await house.mirroring.make_room()
        assert kept(house) == names(stored[:3])
        await house.mirroring.catch_up()
        for number, one in enumerate(stored[:3]):
            await read(house, one, at=number)  # mirroring has read them too
        await house.mirroring.make_room()
        assert kept(house) == names(stored[2:3])

    run(main)


def test_an_upload_that_is_not_committed_stays(tmp_path: Path) -> None:
    """It is in the mirror already, but the index does not say so yet."""

    async def main() -> None:
        house = small(tmp_path, 1)
        await pictures(house, 3)
        seen: list[int] = []

        async def make_room() -> None:
            for path in house.files():
                if path.name.startswith("late"):
                    os.utime(path, (1.0, 1.0))
            await house.mirroring.make_room()
            seen.append(len(house.files()))

        house.index.before["tokens.complete"] = make_room
        late = await house.upload(ImageId("late"), sized("late"))
        assert seen == [1]  # the late one alone, which was over the limit
        assert kept(house) == {late.generation}

    run(main)


def test_a_file_that_was_here_before_us_stays(tmp_path: Path) -> None:
    """The folder may be the published service's own: what is not ours is not counted."""

    async def main() -> None:
        house = small(tmp_path, 1)
        flat = tmp_path / "originals" / "dog"
        flat.write_bytes(sized("dog"))
        assert await house.uploads.adopt(ImageId("dog"))
        await house.mirroring.catch_up()
        (stored,) = await pictures(house, 1)
        await house.mirroring.make_room()
        assert flat.exists()
        assert kept(house) == {stored.generation}

    run(main)


@pytest.mark.parametrize(("mirrored", "max_bytes"), [(False, 1), (True, 0), (True, 3 * SIZE)])
def test_nothing_goes_without_need(tmp_path: Path, mirrored: bool, max_bytes: int) -> None:
    """There is no mirror, or no limit, or it is just kept."""

    async def main() -> None:
        mirror = FakeMirror() if mirrored else None
        options = Originals(mirror_wait=300.0, cache_bytes=max_bytes)
        house = House(tmp_path, mirror=mirror, originals=options)
        stored = await pictures(house, 3)
        await house.mirroring.make_room()
        assert kept(house) == names(stored)
        assert house.index.calls["mirror_queue.done_of"] == 0

    run(main)


def test_without_the_index_nothing_goes(tmp_path: Path) -> None:
    """Nobody can say what the mirror has."""

    async def main() -> None:
        house = small(tmp_path, 1)
        stored = await pictures(house, 3)
        house.index.before["mirror_queue.done_of"] = away()
        with pytest.raises(errors.IndexUnavailable):
            await house.mirroring.make_room()
        assert kept(house) == names(stored)

    run(main)


def test_a_picture_that_made_room_is_fetched_again(tmp_path: Path) -> None:
    """On demand, with the same bytes; and it is the last to go next time."""

    async def main() -> None:
        mirror = FakeMirror()
        house = small(tmp_path, 2, mirror)
        first, second, third = await pictures(house, 3)
        await house.mirroring.make_room()
        assert kept(house) == names([second, third])
        made = await house.get(request(100, image=first.image))
        assert made.held.data.endswith(sized("0"))
        assert mirror.calls["fetch"] == 1
        await house.mirroring.make_room()
        assert kept(house) == names([third, first])
        assert await house.publisher.flush(30.0) == 0

    run(main)


@pytest.mark.parametrize("fresh", [False, True])
def test_a_picture_that_makes_room_before_its_render_begins(tmp_path: Path, fresh: bool) -> None:
    """The worker finds no file; it is fetched, and everybody who waits gets the picture."""

    async def main() -> None:
        mirror = FakeMirror()
        house = small(tmp_path, 1, mirror)
        stored, _ = await pictures(house, 2)
        house.renderer.turn.clear()
        house.renderer.queued = asyncio.Semaphore(0)
        clients = [
            asyncio.create_task(house.get(request(100, image=stored.image), fresh=fresh))
            for _ in range(3)
        ]
        for _ in clients if fresh else clients[:1]:
            await house.renderer.queued.acquire()
        await house.mirroring.make_room()
        assert not house.originals.exists(stored)
        house.renderer.turn.set()
        made = await asyncio.gather(*clients)
        assert {one.held.data[-SIZE:] for one in made} == {sized("0")}
        assert mirror.calls["fetch"] == 1
        assert (Cache.BYPASS in {one.cache for one in made}) == fresh
        assert await house.publisher.flush(30.0) == 0

    run(main)


def test_a_render_that_has_begun_keeps_its_bytes(tmp_path: Path) -> None:
    """A file that was opened stays readable, whoever removes its name."""

    async def main() -> None:
        mirror = FakeMirror()
        house = small(tmp_path, 1, mirror)
        stored, _ = await pictures(house, 2)
        house.renderer.begun = asyncio.Semaphore(0)
        house.renderer.gate.clear()
        client = asyncio.create_task(house.get(request(100, image=stored.image)))
        await house.renderer.begun.acquire()
        await read(house, stored, at=0)  # the oldest all the same
        await house.mirroring.make_room()
        assert not house.originals.exists(stored)
        house.renderer.gate.set()
        assert (await client).held.data.endswith(sized("0"))
        assert mirror.calls["fetch"] == 0
        assert await house.publisher.flush(30.0) == 0

    run(main)


def test_what_made_room_can_still_be_deleted(tmp_path: Path) -> None:
    """Its copy goes, its renditions go, and nobody can fetch it back."""

    async def main() -> None:
        mirror, index = FakeMirror(), SteeredIndex()
        options = Originals(mirror_wait=300.0, cache_bytes=1)
        house = House(tmp_path, index=index, mirror=mirror, originals=options)
        await house.upload()
        await house.publish(100)
        await house.mirroring.make_room()
        assert house.files() == []
        await house.find(request(100))  # a link needs no original
        await house.purge.delete(CAT)
        assert not mirror.objects
        assert not house.fake_store.objects
        with pytest.raises(errors.OriginalMissing):
            await house.get(request(100))

    run(main)
