"""Pictures that are deleted or replaced while they are being worked with."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from liveresize import errors
from liveresize.core.names import ImageId
from liveresize.core.originals import Link, Original
from liveresize.delivery.outcomes import Bytes, Cache

from .doubles import SteeredIndex, picture, run, turns, until
from .house import CAT, House, request

OLD, NEW = picture(soul="old"), picture(soul="new")


async def in_render(house: House, width: int = 100) -> "asyncio.Task[Bytes]":
    """A client whose render has begun and waits for the gate."""
    house.renderer.begun = asyncio.Semaphore(0)
    house.renderer.gate.clear()
    client = asyncio.create_task(house.get(request(width)))
    await house.renderer.begun.acquire()
    return client


def test_a_deleted_picture_is_gone_at_once(tmp_path: Path) -> None:
    """Rendition, original, object, link and file; the spool and memory too."""

    async def main() -> None:
        house = House(tmp_path)
        original = await house.upload()
        await house.publish(100)
        house.fake_store.failures = [errors.ObjectStoreUnavailable()] * 50
        await house.get(request(50))
        await until(lambda: house.spool.bytes > 0)
        await house.purge.delete(CAT)
        assert not house.fake_store.objects
        assert not house.files()
        assert house.spool.bytes == 0
        assert house.memory.bytes == 0
        assert await house.index.rows.of(original.generation) is None
        for asked in (request(100), request(50), request(100, proxy=True)):
            assert house.renditions.recall(asked) is None
            with pytest.raises(errors.OriginalMissing):
                await house.renditions.serve(asked)
        with pytest.raises(errors.OriginalMissing):
            await house.purge.delete(CAT)
        await house.publisher.flush(0.0)

    run(main)


def test_deleting_during_a_render_keeps_nothing(tmp_path: Path) -> None:
    """Who waited gets the picture that was; nothing is held, linked or left behind."""

    async def main() -> None:
        house = House(tmp_path)
        await house.upload()
        client = await in_render(house)
        await house.purge.delete(CAT)
        house.renderer.gate.set()
        assert (await client).cache is Cache.MISS
        assert await house.publisher.flush(30.0) == 0
        assert house.memory.bytes == 0
        assert not house.fake_store.objects
        with pytest.raises(errors.OriginalMissing):
            await house.renditions.serve(request(100))

    run(main)


def test_deleting_before_a_render_begins_is_a_404(tmp_path: Path) -> None:
    """The worker finds no file, and every waiter hears that there is no picture."""

    async def main() -> None:
        house = House(tmp_path)
        await house.upload()
        house.renderer.turn.clear()
        house.renderer.queued = asyncio.Semaphore(0)
        clients = [asyncio.create_task(house.get(request(100))) for _ in range(3)]
        await house.renderer.queued.acquire()
        await house.purge.delete(CAT)
        house.renderer.turn.set()
        answers = await asyncio.gather(*clients, return_exceptions=True)
        assert {type(answer) for answer in answers} == {errors.OriginalMissing}

    run(main)


def test_deleting_while_publishing_links_nothing(tmp_path: Path) -> None:
    """An object that arrives after its picture has gone is taken out again."""

    async def main() -> None:
        house = House(tmp_path)
        await house.upload()
        deleted = asyncio.Event()

        async def hold_up() -> None:
            await deleted.wait()

        house.index.before["links.add_all"] = hold_up
        await house.get(request(100))
        await until(lambda: bool(house.fake_store.objects))
        await house.purge.delete(CAT)
        deleted.set()
        assert await house.publisher.flush(30.0) == 0
        assert not house.fake_store.objects
        assert house.publisher.published == 0
        assert house.spool.bytes == 0

    run(main)


def test_deleting_while_spooling_leaves_nothing(tmp_path: Path) -> None:
    """A rendition that reaches the spool after its picture has gone does not stay."""

    async def main() -> None:
        house = House(tmp_path)
        await house.upload()
        deleted = asyncio.Event()
        put = house.spool.put

        async def hold_up(*args: Any) -> Path:
            await deleted.wait()
            return await put(*args)

        house.spool.put = hold_up  # type: ignore[method-assign]
        await house.get(request(100))
        await turns()
        await house.purge.delete(CAT)
        deleted.set()
        assert await house.publisher.flush(30.0) == 0
        assert not house.fake_store.objects
        assert await house.spool.entries() == []

    run(main)


def test_overwriting_ends_the_old_picture(tmp_path: Path) -> None:
    """From the answer of the upload on, nothing of the old one is served."""

    async def main() -> None:
        house = House(tmp_path)
        await house.upload(data=OLD)
        await house.publish(100, 50)
        await house.upload(data=NEW)
        assert not house.fake_store.objects
        assert len(house.files()) == 1
        for width in (100, 50):
            assert (await house.get(request(width))).held.data.endswith(b":new")
        assert await house.publisher.flush(30.0) == 0
        assert {data[-4:] for data in house.fake_store.objects.values()} == {b":new"}

    run(main)


def test_overwriting_during_a_render_serves_the_new_one_after(tmp_path: Path) -> None:
    """The old render ends for who waited for it, and is neither kept nor linked."""

    async def main() -> None:
        house = House(tmp_path)
        await house.upload(data=OLD)
        client = await in_render(house)
        uploading = asyncio.create_task(house.upload(data=NEW))
        await house.renderer.begun.acquire()
        house.renderer.gate.set()
        await uploading
        assert (await client).held.data.endswith(b":old")
        assert (await house.get(request(100))).held.data.endswith(b":new")
        assert await house.publisher.flush(30.0) == 0
        assert {data[-4:] for data in house.fake_store.objects.values()} == {b":new"}

    run(main)


def test_overwriting_before_a_render_begins_renders_the_new_one(tmp_path: Path) -> None:
    """A queued request whose file has gone is no 404: the picture is there, but newer."""

    async def main() -> None:
        house = House(tmp_path)
        old = await house.upload(data=OLD)
        house.renderer.turn.clear()
        house.renderer.queued = asyncio.Semaphore(0)
        clients = [asyncio.create_task(house.get(request(100))) for _ in range(3)]
        await house.renderer.queued.acquire()
        new = Original(
            image=CAT, generation="1" * 28, format="jpeg", width=640, height=480, bytes=1, sha256=""
        )
        place = house.originals.path(new)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(NEW)
        house.index.tables.originals[CAT] = new
        house.memory.forget(CAT)
        await house.cleanup.remove(old)
        house.renderer.turn.set()
        made = await asyncio.gather(*clients)
        assert {one.held.data[-4:] for one in made} == {b":new"}
        assert len(house.renderer.renders) == 2
        assert await house.publisher.flush(30.0) == 0

    run(main)


def test_facts_that_come_late_do_not_outlive_their_picture(tmp_path: Path) -> None:
    """A lookup that answered before a deletion, and arrives after, keeps nothing alive."""

    async def main() -> None:
        house = House(tmp_path)
        await house.upload()
        house.forget_all()
        deleted = asyncio.Event()

        async def hold_up() -> None:
            del house.index.after["rows.find"]
            await deleted.wait()

        house.index.after["rows.find"] = hold_up
        client = asyncio.create_task(house.get(request(100)))
        await turns()
        await house.purge.delete(CAT)
        deleted.set()
        with pytest.raises(errors.OriginalMissing):
            await client
        assert house.memory.original(CAT) is None

    run(main)


def test_a_render_of_late_facts_is_not_held(tmp_path: Path) -> None:
    """Between the row's end and the file's, a render may pass; memory forgets it again."""

    async def main() -> None:
        house = House(tmp_path)
        uploaded = await house.upload()
        removed = house.originals.remove

        async def remove(original: Original) -> None:
            house.memory.keep_original(uploaded)
            await house.get(request(100))
            await removed(original)

        house.originals.remove = remove  # type: ignore[method-assign]
        await house.purge.delete(CAT)
        assert house.memory.original(CAT) is None
        assert house.memory.bytes == 0
        assert await house.publisher.flush(30.0) == 0
        assert not house.fake_store.objects

    run(main)


def test_every_instance_hears_of_a_deletion(tmp_path: Path) -> None:
    """One that shares the index forgets, and removes its own copies, when it listens."""

    async def main() -> None:
        index = SteeredIndex()
        here = House(tmp_path / "here", index=index)
        there = House(tmp_path / "there", index=index)
        original = await here.upload()
        copy = there.originals.path(original)
        copy.parent.mkdir(parents=True)
        copy.write_bytes(picture())
        await there.publish(100)
        await there.purge.listen()
        assert there.renditions.recall(request(100)) is not None
        await here.purge.delete(CAT)
        await there.purge.listen()
        assert there.renditions.recall(request(100)) is None
        assert not copy.exists()
        assert not there.fake_store.objects
        with pytest.raises(errors.OriginalMissing):
            await there.renditions.serve(request(100))

    run(main)


def test_another_instance_that_has_not_listened_yet_finds_no_file(tmp_path: Path) -> None:
    """With the files in one place, a new request there hears the truth at once."""

    async def main() -> None:
        index = SteeredIndex()
        here, there = House(tmp_path, index=index), House(tmp_path, index=index)
        await here.upload(data=OLD)
        await there.publish(100)
        await here.upload(data=NEW)
        made = await there.get(request(50))
        assert made.held.data.endswith(b":new")
        await here.purge.delete(CAT)
        with pytest.raises(errors.OriginalMissing):
            await there.get(request(60))
        await there.publisher.flush(30.0)

    run(main)


def test_news_is_heard_once(tmp_path: Path) -> None:
    """What was heard is not done again, and one deletion does not hide the next."""

    async def main() -> None:
        index = SteeredIndex()
        here = House(tmp_path / "here", index=index)
        there = House(tmp_path / "there", index=index)
        heard: list[str] = []

        async def hear(original: Original) -> None:
            heard.append(original.generation)

        there.cleanup.on_remote_delete = hear  # type: ignore[method-assign]
        generations = []
        for _ in range(3):
            generations.append((await here.upload()).generation)
            await here.purge.delete(CAT)
            await there.purge.listen()
            await there.purge.listen()
        assert heard == generations

    run(main)


def test_a_crash_between_row_and_files_is_made_up_for(tmp_path: Path) -> None:
    """The next start hears of the deletion like any other instance."""

    async def main() -> None:
        house = House(tmp_path)
        await house.upload()
        await house.publish(100)
        await house.index.rows.delete(CAT)
        assert house.files()
        restarted = House(tmp_path, index=house.index, store=house.fake_store)
        await restarted.purge.listen()
        assert not restarted.files()
        assert not house.fake_store.objects

    run(main)


def test_what_another_service_made_goes_with_its_picture(tmp_path: Path) -> None:
    """Links that were taken over lead outside of our keys: their objects are removed by
    name, however many there are, and those of other pictures stay."""

    async def main() -> None:
        house = House(tmp_path)
        links = []
        for image in (CAT, ImageId("dog")):
            uploaded = await house.upload(image)
            for number in range(250):
                url = f"https://store.test/old/{image.name}-{number}.jpg"
                link = Link(
                    image=image,
                    generation=uploaded.generation,
                    variant=f"{number + 1}x0-jpeg",
                    key=url,
                    mime="image/jpeg",
                    etag="",
                    size=0,
                    engine="iaas",
                )
                assert await house.index.links.add(link)
                house.fake_store.objects[url] = b"old"
                links.append(url)
        await house.purge.delete(CAT)
        assert sorted(house.fake_store.objects) == sorted(links[250:])

    run(main)
