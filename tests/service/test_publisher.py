"""Spool, store, link, in that order, until it is done."""

import asyncio
import dataclasses
import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from liveresize import errors
from liveresize.core.names import ImageId
from liveresize.core.originals import Link
from liveresize.core.ports import Added
from liveresize.delivery import gathering, publisher
from liveresize.delivery.publisher import Publisher
from liveresize.settings.server import Cache

from .doubles import away, run, until
from .house import House, disk_store, request


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Attempts follow one another as fast as the loop turns."""

    def pauses(_: Publisher) -> Iterator[float]:
        return itertools.repeat(0.0)

    monkeypatch.setattr(Publisher, "_pauses", pauses)


def test_a_link_is_written_after_its_object(tmp_path: Path) -> None:
    """First the spool, then the store, then the link; then the spool is empty."""

    async def main() -> None:
        house = House(tmp_path)
        await house.upload()
        house.story.clear()
        await house.publish(100)
        assert house.story.index("publish") < house.story.index("links.add_all")
        assert house.spool.bytes == 0
        assert await house.spool.entries() == []
        found = await house.find(request(100))
        assert (
            house.fake_store.objects[found.link.key]
            == (await house.get(request(100, proxy=True))).held.data
        )
        assert found.link.size == len(house.fake_store.objects[found.link.key])
        assert house.publisher.published == 1

    run(main)


def test_a_store_that_is_away_is_tried_again(tmp_path: Path) -> None:
    """Nothing is linked meanwhile, and the bytes wait in the spool."""

    async def main() -> None:
        house = House(tmp_path)
        await house.upload()
        house.fake_store.failures = [errors.ObjectStoreUnavailable() for _ in range(10)]
        await house.publish(100)
        assert house.story.count("publish") == 11
        assert house.story.count("links.add_all") == 1
        assert house.spool.bytes == 0

    run(main)


def test_an_index_that_is_away_is_tried_again(tmp_path: Path) -> None:
    """The object is stored once, and linked when the index is back."""

    async def main() -> None:
        house = House(tmp_path)
        await house.upload()
        house.index.before["links.add_all"] = away()
        await house.get(request(100))
        await until(lambda: house.index.calls["links.add_all"] > 5)
        assert len(house.fake_store.objects) == 1
        assert house.publisher.backlog == 1
        assert house.spool.bytes > 0
        del house.index.before["links.add_all"]
        assert await house.publisher.flush(30.0) == 0
        assert house.story.count("publish") == 1
        assert house.spool.bytes == 0
        await house.find(request(100))

    run(main)


def test_the_bytes_of_a_backlog_are_on_disk_alone(tmp_path: Path) -> None:
    """However long the index is away, no coroutine keeps what the spool has."""

    async def main() -> None:
        house = House(tmp_path)
        await house.upload()
        house.index.before["links.add_all"] = away()
        await house.get(request(100))
        await until(lambda: bool(house.fake_store.objects))
        for task in house.publisher._tasks:
            frames = [frame.f_locals for frame in task.get_stack()]
            assert not any("rendered" in local for local in frames)
        del house.index.before["links.add_all"]
        assert await house.publisher.flush(30.0) == 0

    run(main)


def test_the_pauses_grow_up_to_a_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Doubling from a quarter of a second to the longest, each shortened by up to a half."""
    monkeypatch.undo()

    async def main() -> None:
        pauses = list(itertools.islice(House(tmp_path).publisher._pauses(), 12))
        longest = [min(0.25 * 2**attempt, 30.0) for attempt in range(12)]
        for pause, bound in zip(pauses, longest, strict=True):
            assert bound / 2 <= pause <= bound

    run(main)


def test_a_restart_takes_up_what_the_spool_holds(tmp_path: Path) -> None:
    """The same object, link and facts as if nothing had happened."""

    async def main() -> None:
        house = House(tmp_path)
        await house.upload()
        house.index.before["links.add_all"] = away()
        made = await house.get(request(100))
        await until(lambda: bool(house.fake_store.objects))
        assert await house.publisher.flush(0.0) == 1
        del house.index.before["links.add_all"]
        restarted = House(tmp_path, index=house.index)
        assert await restarted.publisher.resume() == 1
        assert await restarted.publisher.flush(30.0) == 0
        found = await restarted.find(request(100))
        assert (found.link.etag, found.link.mime) == (made.held.etag, made.held.mime)
        assert restarted.fake_store.objects[found.link.key] == made.held.data
        assert await restarted.spool.entries() == []

    run(main)


def test_what_an_older_engine_left_keeps_its_key(tmp_path: Path) -> None:
    """Its bytes are stored where that engine would have stored them, and say who made them."""

    async def main() -> None:
        house = House(tmp_path, engine="2")
        original = await house.upload()
        await house.spool.put(original.generation, "100x0-jpeg", "1", "jpg", b"\xff\xd8")
        await house.publisher.resume()
        await house.publish(200)
        links = await house.index.links.of(original.generation, 10)
        assert {link.engine: link.key.rpartition("/")[2] for link in links} == {
            "1": "100x0-jpeg.jpg",
            "2": f"{request(200).rendition.variant}~2.jpg",
        }
        assert set(house.fake_store.objects) == {link.key for link in links}

    run(main)


def test_a_restart_keeps_the_quality_that_was_chosen(tmp_path: Path) -> None:
    """In the answer out of the spool, and in the link."""

    async def main() -> None:
        house = House(tmp_path)
        original = await house.upload()
        asked = request(100, max_bytes=9216)
        variant = asked.rendition.variant
        await house.spool.put(original.generation, variant, "1", "jpg", b"\xff\xd8", 71)
        assert (await house.get(asked)).held.quality == 71
        await house.publisher.resume()
        assert await house.publisher.flush(30.0) == 0
        link = await house.index.links.find(original.generation, variant)
        assert (link is not None and link.quality, house.renditions.renders) == (71, 0)

    run(main)


def test_a_restart_finishes_some_before_it_begins_others(tmp_path: Path) -> None:
    """However much is left, the first is linked soon, and new ones wait for few."""

    async def main() -> None:
        house = House(tmp_path)
        original = await house.upload()
        for width in range(1, 31):
            await house.spool.put(original.generation, f"{width}x0-jpeg", "1", "jpg", b"\xff\xd8")
        begun: list[int] = []

        async def count() -> None:
            begun.append(house.index.calls["rows.of"])

        house.index.after["links.add_all"] = count
        assert await house.publisher.resume() == house.publisher.backlog == 30
        assert await house.publisher.flush(30.0) == 0
        assert begun[0] <= 8  # of four at a time, each asking twice
        assert house.publisher.published == 30

    run(main)


def test_what_is_not_resumed_in_time_is_counted(tmp_path: Path) -> None:
    """Those that were not even begun are left as well."""

    async def main() -> None:
        house = House(tmp_path)
        original = await house.upload()
        for width in range(1, 31):
            await house.spool.put(original.generation, f"{width}x0-jpeg", "1", "jpg", b"\xff\xd8")
        house.index.available = False
        await house.publisher.resume()
        assert await house.publisher.flush(0.0) == 30

    run(main)


def test_a_restart_waits_for_the_index(tmp_path: Path) -> None:
    """Whose a spooled file is can only the index tell; until then it stays."""

    async def main() -> None:
        house = House(tmp_path)
        original = await house.upload()
        await house.spool.put(original.generation, "100x0-jpeg", "1", "jpg", b"\xff\xd8")
        house.index.available = False
        assert await house.publisher.resume() == 1
        await until(lambda: house.index.calls["rows.of"] > 3)
        assert house.spool.bytes == 2
        house.index.available = True
        assert await house.publisher.flush(30.0) == 0
        assert house.publisher.published == 1

    run(main)


def test_a_restart_drops_what_has_no_picture_any_more(tmp_path: Path) -> None:
    """A file of an ended generation is removed, and so is an empty one."""

    async def main() -> None:
        house = House(tmp_path)
        original = await house.upload()
        await house.spool.put("0" * 28, "100x0-jpeg", "1", "jpg", b"\xff\xd8")
        await house.spool.put(original.generation, "100x0-jpeg", "1", "jpg", b"")
        assert await house.publisher.resume() == 2
        assert await house.publisher.flush(30.0) == 0
        assert await house.spool.entries() == []
        assert not house.fake_store.objects

    run(main)


def test_flush_waits_only_so_long(tmp_path: Path) -> None:
    """What is left is counted, stopped, and still in the spool."""

    async def main() -> None:
        house = House(tmp_path)
        await house.upload()
        stuck = asyncio.Event()

        async def never() -> None:
            await stuck.wait()

        house.index.before["links.add_all"] = never
        for width in range(100, 110):
            await house.get(request(width))
        await until(lambda: len(house.spool._sizes) == 10)
        assert await house.publisher.flush(0.01) == 10
        assert house.publisher.backlog == 0
        assert len(await house.spool.entries()) == 10
        assert await house.publisher.flush(0.0) == 0

    run(main)


def test_slow_puts_do_not_keep_others_out_of_the_spool(tmp_path: Path) -> None:
    """The spool takes renditions while every turn at the store is taken."""

    async def main() -> None:
        house = House(tmp_path)
        await house.upload()
        stuck = asyncio.Event()

        async def never() -> None:
            await stuck.wait()

        house.index.before["links.add_all"] = never
        for width in range(100, 120):
            await house.get(request(width))
        await until(lambda: len(house.spool._sizes) == 20)
        stuck.set()
        assert await house.publisher.flush(30.0) == 0
        assert house.publisher.published == 20

    run(main)


def test_variants_on_their_way_count_as_well(tmp_path: Path) -> None:
    """However slowly they are stored, and however many are made meanwhile."""

    async def main() -> None:
        house = House(tmp_path, max_variants=3)
        original = await house.upload()
        other = await house.upload(ImageId("dog"))
        stuck = asyncio.Event()

        async def never() -> None:
            await stuck.wait()

        house.index.before["links.add_all"] = never
        for width in range(100, 110):
            await house.get(request(width))
        await house.get(request(100, image=other.image))
        await until(lambda: len(house.spool._sizes) + house.publisher.refused == 11)
        stuck.set()
        assert await house.publisher.flush(30.0) == 0
        assert len(await house.index.links.of(original.generation, 1000)) == 3
        assert len(await house.index.links.of(other.generation, 1000)) == 1
        assert house.publisher.refused == 7
        assert not house.publisher._coming
        await house.get(request(200))
        assert await house.publisher.flush(30.0) == 0
        assert house.publisher.refused == 8

    run(main)


def test_one_original_has_so_many_variants(tmp_path: Path) -> None:
    """More are made, and answered, but not kept."""

    async def main() -> None:
        house = House(tmp_path, max_variants=3)
        await house.upload()
        for width in range(100, 105):
            await house.publish(width)
        assert house.publisher.published == 3
        assert house.publisher.refused == 2
        assert len(house.fake_store.objects) == 3
        assert await house.spool.entries() == []

    run(main)


def test_links_that_come_together_are_written_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In one transaction; a stop waits for no more of them."""
    monkeypatch.setattr(gathering, "SECONDS", 3600.0)

    async def main() -> None:
        house = House(tmp_path)
        await house.upload()
        for width in range(100, 108):
            await house.get(request(width))
        await until(lambda: len(house.fake_store.objects) == 8)
        assert house.index.calls["links.add_all"] == 0
        assert await house.publisher.flush(30.0) == 0
        assert house.index.calls["links.add_all"] == 1
        assert house.publisher.published == 8

    run(main)


def test_a_group_does_not_wait_for_long(tmp_path: Path) -> None:
    """Its links are written while nobody stops."""

    async def main() -> None:
        house = House(tmp_path)
        await house.upload()
        await house.get(request(100))
        await until(lambda: house.publisher.published == 1)
        assert house.publisher.backlog <= 1

    run(main)


def test_a_group_that_is_full_is_written_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long links may wait for others."""
    monkeypatch.setattr(gathering, "SECONDS", 3600.0)
    monkeypatch.setattr(gathering, "MOST", 4)

    async def main() -> None:
        house = House(tmp_path)
        await house.upload()
        for width in range(100, 108):
            await house.get(request(width))
        await until(lambda: house.publisher.published == 8)
        assert house.index.calls["links.add_all"] == 2

    run(main)


def test_a_group_that_failed_is_read_before_it_is_written_again(tmp_path: Path) -> None:
    """A commit that was not confirmed may have happened: its links are there, and full
    pictures do not lose them."""

    async def main() -> None:
        house = House(tmp_path, max_variants=3)
        original = await house.upload()
        house.index.after["links.add_all"] = away()
        for width in range(100, 103):
            await house.get(request(width))
        await until(lambda: house.publisher.published == 3)
        assert house.index.calls["links.add_all"] == 1
        assert len(await house.index.links.of(original.generation, 1000)) == 3
        assert len(house.fake_store.objects) == 3

    run(main)


def test_links_of_a_failed_group_are_written_one_by_one(tmp_path: Path) -> None:
    """One that cannot be written keeps no other from being."""

    async def main() -> None:
        house = House(tmp_path)
        original = await house.upload()
        bad = request(100).rendition.variant
        add_all = house.index.links.add_all

        async def refuse(links: Sequence[Link], most: int) -> list[Added]:
            if any(link.variant == bad for link in links):
                raise errors.IndexUnavailable("", "this one cannot be written")
            return await add_all(links, most)

        house.index.links.add_all = refuse
        for width in range(100, 104):
            await house.get(request(width))
        await until(lambda: house.publisher.published == 3)
        assert await house.index.links.find(original.generation, bad) is None
        await until(lambda: house.publisher.backlog == 1)
        assert await house.publisher.flush(0.0) == 1

    run(main)


def test_the_transaction_decides_how_many_variants_there_are(tmp_path: Path) -> None:
    """Of another instance, too; the object of what was refused does not stay."""

    async def main() -> None:
        house = House(tmp_path, max_variants=1)
        await house.upload()
        await house.get(request(100))
        await until(lambda: len(house.fake_store.objects) == 1)
        link = next(iter(house.publisher._coming.values()))[request(100).rendition.variant]
        assert link is not None
        await house.index.links.add(dataclasses.replace(link, variant="50x0-jpeg"))
        assert await house.publisher.flush(30.0) == 0
        assert (house.publisher.published, house.publisher.refused) == (0, 1)
        assert house.fake_store.objects == {}

    run(main)


def test_what_is_on_its_way_is_not_taken_twice(tmp_path: Path) -> None:
    """Rendered again because nothing holds its bytes, it is stored once."""

    async def main() -> None:
        house = House(tmp_path, cache=Cache(memory_bytes=0))
        await house.upload()
        house.index.before["links.add_all"] = away()
        for _ in range(3):
            await house.get(request(100))
            await until(lambda: bool(house.fake_store.objects))
        assert house.story.count("publish") == 1
        del house.index.before["links.add_all"]
        assert await house.publisher.flush(30.0) == 0
        assert house.publisher.published == 1

    run(main)


def test_so_many_are_on_their_way_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However long the index is away; what is not kept is answered all the same."""
    monkeypatch.setattr(publisher, "_ON_THEIR_WAY", 3)

    async def main() -> None:
        house = House(tmp_path)
        house.fake_store.spooling = False
        await house.upload()
        house.index.before["links.add_all"] = away()
        for width in range(100, 105):
            await house.get(request(width))
        assert (house.publisher.backlog, house.publisher.refused) == (3, 2)
        del house.index.before["links.add_all"]
        assert await house.publisher.flush(30.0) == 0
        await house.publish(105)
        assert house.publisher.published == 4

    run(main)


def test_a_full_spool_keeps_nothing_and_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client has its picture; it is only made again next time."""

    async def main() -> None:
        house = House(tmp_path)
        await house.upload()

        async def refuse(*_: object) -> Path:
            raise errors.DiskFull

        monkeypatch.setattr(house.spool, "put", refuse)
        await house.publish(100)
        assert (house.publisher.published, house.publisher.refused) == (0, 1)
        assert not house.fake_store.objects

    run(main)


def test_a_full_store_gives_up_the_spooled_file(tmp_path: Path) -> None:
    """There is no point in trying again: the rendition is dropped, with its file."""

    async def main() -> None:
        house = House(tmp_path)
        await house.upload()
        house.fake_store.failures = [errors.DiskFull()]
        await house.publish(100)
        assert (house.publisher.published, house.publisher.refused) == (0, 1)
        assert await house.spool.entries() == []
        assert (await house.get(request(100))).cache is not None
        assert house.publisher.backlog == 0

    run(main)


def test_what_the_spool_drops_is_given_up(tmp_path: Path) -> None:
    """With the store away and the spool bounded, the oldest go and the newest arrive."""

    async def main() -> None:
        house = House(tmp_path, spool_bytes=120)
        store = house.fake_store
        await house.upload()
        gone = asyncio.Event()
        published = store.publish

        async def publish(source: bytes | Path, link: Link) -> None:
            assert isinstance(source, Path)
            if not gone.is_set():
                raise errors.ObjectStoreUnavailable
            if not source.exists():
                raise errors.DiskFull
            await published(source, link)

        store.publish = publish  # type: ignore[method-assign]
        for width in range(100, 110):
            await house.get(request(width))
        spool, folder = house.spool, tmp_path / "spool"
        await until(lambda: spool.dropped + spool.files == 10 and spool.bytes <= 120)
        await until(lambda: len(list(folder.iterdir())) == spool.files)
        left = len(await house.spool.entries())
        assert 0 < left < 10
        gone.set()
        assert await house.publisher.flush(30.0) == 0
        assert (house.publisher.published, house.publisher.refused) == (left, 10 - left)
        assert await house.spool.entries() == []

    run(main)


def test_what_the_spool_drops_after_storing_is_linked_all_the_same(tmp_path: Path) -> None:
    """Once the object is there, its link needs no spooled file."""

    async def main() -> None:
        house = House(tmp_path)
        await house.upload()
        house.index.before["links.add_all"] = away()
        await house.get(request(100))
        await until(lambda: house.index.calls["links.add_all"] > 1)
        (path,) = await house.spool.entries()
        await house.spool.remove(path)
        del house.index.before["links.add_all"]
        assert await house.publisher.flush(30.0) == 0
        assert house.publisher.published == 1

    run(main)


def test_the_disk_takes_bytes_at_once(tmp_path: Path) -> None:
    """Object, then link; nothing goes through the spool, and no bytes wait for the index."""

    async def main() -> None:
        house = House(tmp_path, store=disk_store(tmp_path), cache=Cache(memory_bytes=0))
        original = await house.upload()
        house.index.before["links.add_all"] = away()
        made = await house.get(request(100))
        await until(lambda: house.index.calls["links.add_all"] > 2)
        assert house.spool.files == 0
        for task in house.publisher._tasks:
            frames = [frame.f_locals for frame in task.get_stack()]
            assert not any("rendered" in local or "source" in local for local in frames)
        variant = request(100).rendition.variant
        link = house.publisher.stored(original.generation, variant)
        assert link is not None
        assert await house.store.read(link) == made.held.data
        again = await house.find(request(100))  # the object is there, although its link is not
        assert again.link == link
        assert len(house.renderer.renders) == 1
        del house.index.before["links.add_all"]
        assert await house.publisher.flush(30.0) == 0
        assert await house.index.links.find(original.generation, variant) is not None
        assert house.publisher.stored(original.generation, variant) is None

    run(main)


def test_the_disk_takes_what_comes_together_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One thread and one transaction for all of them; a stop waits for no more of them."""
    monkeypatch.setattr(gathering, "SECONDS", 3600.0)

    async def main() -> None:
        house = House(tmp_path)
        house.fake_store.spooling = False
        await house.upload()
        for width in range(100, 108):
            await house.get(request(width))
        assert house.publisher.backlog == 8
        assert not house.fake_store.objects
        assert await house.publisher.flush(30.0) == 0
        assert house.story.count("publish_all") == 1
        assert house.index.calls["links.add_all"] == 1
        assert house.publisher.published == house.publisher.attempts == 8
        await house.get(request(200))  # of a server that stops, too
        assert await house.publisher.flush(30.0) == 0
        assert house.publisher.published == 9

    run(main)


def test_what_memory_does_not_hold_is_stored_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else it would be rendered again by whoever asks meanwhile."""
    monkeypatch.setattr(gathering, "SECONDS", 3600.0)

    async def main() -> None:
        house = House(tmp_path, store=disk_store(tmp_path), cache=Cache(memory_bytes=0))
        await house.upload()
        await house.get(request(100))
        await until(lambda: house.publisher.published == 1)

    run(main)


def test_links_of_a_failed_group_of_the_disk_are_written_one_by_one(tmp_path: Path) -> None:
    """Those that are written are no longer on their way; a stop counts the others."""

    async def main() -> None:
        house = House(tmp_path, store=disk_store(tmp_path))
        original = await house.upload()
        bad = request(100).rendition.variant
        add_all = house.index.links.add_all

        async def refuse(links: Sequence[Link], most: int) -> list[Added]:
            if any(link.variant == bad for link in links):
                raise errors.IndexUnavailable("", "this one cannot be written")
            return await add_all(links, most)

        house.index.links.add_all = refuse
        for width in range(100, 104):
            await house.get(request(width))
        await until(lambda: house.publisher.published == 3)
        await until(lambda: house.publisher.backlog == 1)
        assert house.publisher.stored(original.generation, bad) is not None
        assert await house.publisher.flush(0.0) == 1
        assert house.publisher.backlog == 0

    run(main)


def test_what_an_earlier_release_left_in_the_spool_of_a_disk_is_taken_up(tmp_path: Path) -> None:
    """1.0.0 spooled renditions for the embedded store as well."""

    async def main() -> None:
        house = House(tmp_path, store=disk_store(tmp_path))
        original = await house.upload()
        variant = request(100).rendition.variant
        await house.spool.put(original.generation, variant, "1", "jpg", b"\xff\xd8")
        assert await house.publisher.resume() == 1
        assert await house.publisher.flush(30.0) == 0
        assert await house.spool.entries() == []
        found = await house.find(request(100))
        assert await house.store.read(found.link) == b"\xff\xd8"

    run(main)


def test_a_disk_that_is_full_keeps_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The client has its picture; it is only made again next time."""

    async def main() -> None:
        store = disk_store(tmp_path)
        house = House(tmp_path, store=store)
        await house.upload()

        async def refuse(group: Sequence[tuple[Link, bytes]]) -> list[errors.DiskFull | None]:
            return [errors.DiskFull() for _ in group]

        monkeypatch.setattr(store, "publish_all", refuse)
        await house.publish(100)
        assert (house.publisher.published, house.publisher.refused) == (0, 1)
        assert not house.publisher._coming
        assert house.index.calls["links.add_all"] == 0

    run(main)


def test_uses_are_reported_once(tmp_path: Path) -> None:
    """Each link that was used since the last report, whichever way it was found."""

    async def main() -> None:
        house = House(tmp_path)
        original = await house.upload()
        await house.publish(100, 50)
        house.publisher.take_used()
        for _ in range(3):
            await house.find(request(100))
        assert house.publisher.take_used() == [
            (original.generation, request(100).rendition.variant)
        ]
        assert house.publisher.take_used() == []

    run(main)
