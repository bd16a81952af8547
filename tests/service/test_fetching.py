"""Originals that another instance has taken, fetched from the mirror when they are asked for."""

import asyncio
import errno
from collections.abc import Callable
from pathlib import Path

import pytest

from liveresize import errors
from liveresize.delivery.outcomes import Cache, OriginalFile
from liveresize.settings.pictures import Originals
from liveresize.storage import files

from .doubles import FULL, SteeredIndex, picture, run
from .house import CAT, House, request
from .mirrors import Barrier, FakeMirror
from .test_pictures import original_request

OLD, NEW = picture(soul="old"), picture(soul="new")
PATIENT = Originals(mirror_wait=300.0)


class Pair:
    """Two instances with disks of their own, one index and one mirror."""

    def __init__(self, folder: Path) -> None:
        self.index, self.mirror = SteeredIndex(), FakeMirror()
        self.here, self.there = (
            House(folder / name, index=self.index, mirror=self.mirror, originals=PATIENT)
            for name in ("here", "there")
        )

    def untouched(self) -> bool:
        """Whether a fetch left neither file nor part of one behind."""
        return self.there.files() == [] and self.there.staged() == []


def test_an_instance_serves_what_another_took(tmp_path: Path) -> None:
    """Fetched once, kept in its place, and from then on like its own."""

    async def main() -> None:
        pair = Pair(tmp_path)
        stored = await pair.here.upload()
        made = await pair.there.get(request(100))
        assert made.cache is Cache.MISS
        assert made.held.data.endswith(picture())
        assert pair.there.files() == [pair.there.originals.path(stored)]
        assert pair.there.files()[0].read_bytes() == picture()
        assert pair.there.staged() == []
        pair.there.forget_all()
        await pair.there.get(request(50))
        assert pair.mirror.calls["fetch"] == 1
        for house in (pair.here, pair.there):
            await house.publisher.flush(30.0)

    run(main)


def test_originals_are_fetched_like_what_is_made_of_them(tmp_path: Path) -> None:
    """Their stored bytes lie where the answer says, and a HEAD knows of them."""

    async def main() -> None:
        pair = Pair(tmp_path)
        await pair.here.upload()
        outcome = await pair.there.pictures.serve(original_request("/cat.jpg"))
        assert isinstance(outcome, OriginalFile)
        assert outcome.path.read_bytes() == picture()
        assert (await pair.there.pictures.describe(CAT)).bytes == len(picture())

    run(main)


def test_a_hundred_ask_and_it_is_fetched_once(tmp_path: Path) -> None:
    """Whatever they want made of it, they wait for the same bytes."""

    async def main() -> None:
        pair = Pair(tmp_path)
        await pair.here.upload()
        barrier = pair.mirror.before["fetch"] = Barrier()
        clients = [
            asyncio.create_task(pair.there.get(request(100 + number % 2))) for number in range(100)
        ]
        await barrier.reached.wait()
        barrier.open()
        made = await asyncio.gather(*clients)
        assert len({one.held.data for one in made}) == 2
        assert pair.mirror.calls["fetch"] == 1
        assert len(pair.there.renderer.renders) == 2
        assert await pair.there.publisher.flush(30.0) == 0

    run(main)


def test_a_fetch_goes_on_when_everybody_has_left(tmp_path: Path) -> None:
    """Whoever asks next finds the file."""

    async def main() -> None:
        pair = Pair(tmp_path)
        await pair.here.upload()
        barrier = pair.mirror.before["fetch"] = Barrier()
        clients = [asyncio.create_task(pair.there.get(request(100))) for _ in range(3)]
        await barrier.reached.wait()
        for client in clients:
            client.cancel()
        await asyncio.gather(*clients, return_exceptions=True)
        barrier.open()
        await pair.there.get(request(100))
        assert pair.mirror.calls["fetch"] == 1
        assert await pair.there.publisher.flush(30.0) == 0

    run(main)


@pytest.mark.parametrize("damage", [b"", OLD[:-1], OLD + b"!", OLD.swapcase()])
def test_other_bytes_than_were_uploaded_are_not_served(tmp_path: Path, damage: bytes) -> None:
    """None, fewer, more or others: they count as not there, and leave nothing."""

    async def main() -> None:
        pair = Pair(tmp_path)
        stored = await pair.here.upload(data=OLD)
        pair.mirror.objects[pair.mirror.key(stored)] = damage
        with pytest.raises(errors.OriginalElsewhere):
            await pair.there.get(request(100))
        assert pair.untouched()

    run(main)


def test_what_is_not_mirrored_yet_is_elsewhere(tmp_path: Path) -> None:
    """It is no 404: the picture exists, and can be had as soon as its instance catches up."""

    async def main() -> None:
        pair = Pair(tmp_path)
        pair.mirror.failures["put"] = [errors.ObjectStoreUnavailable("", "once")]
        await pair.here.upload()
        with pytest.raises(errors.OriginalElsewhere):
            await pair.there.get(request(100))
        assert pair.untouched()
        await pair.here.mirroring.catch_up()
        await pair.there.get(request(100))
        assert await pair.there.publisher.flush(30.0) == 0

    run(main)


def test_a_mirror_out_of_reach_makes_it_elsewhere(tmp_path: Path) -> None:
    """Who has the file serves on; who has it not does so once the mirror is back."""

    async def main() -> None:
        pair = Pair(tmp_path)
        await pair.here.upload()
        pair.mirror.answers = False
        with pytest.raises(errors.OriginalElsewhere):
            await pair.there.get(request(100))
        assert pair.untouched()
        await pair.here.get(request(50))
        pair.mirror.answers = True
        await pair.there.get(request(100))
        for house in (pair.here, pair.there):
            assert await house.publisher.flush(30.0) == 0

    run(main)


def test_without_a_mirror_it_is_elsewhere(tmp_path: Path) -> None:
    """An instance of its own disk alone knows of the picture, and cannot have it."""

    async def main() -> None:
        index = SteeredIndex()
        here = House(tmp_path / "here", index=index)
        there = House(tmp_path / "there", index=index)
        await here.upload()
        with pytest.raises(errors.OriginalElsewhere):
            await there.get(request(100))

    run(main)


def no_reserve(pair: Pair, patch: pytest.MonkeyPatch) -> None:
    """The disk is down to what is not ours to fill."""
    patch.setattr(pair.there.originals._reserve, "_disk", FULL)


def no_room_for_bytes(pair: Pair, patch: pytest.MonkeyPatch) -> None:
    """The copy cannot be written."""
    patch.setattr(Path, "write_bytes", refuse)


def no_room_for_a_folder(pair: Pair, patch: pytest.MonkeyPatch) -> None:
    """The copy is written, and has no place to go."""
    patch.setattr(files, "make_directory", refuse)


def refuse(*_: object, **__: object) -> None:
    """What a full disk says."""
    raise OSError(errno.ENOSPC, "No space left on device", "file")


@pytest.mark.parametrize("fill", [no_reserve, no_room_for_bytes, no_room_for_a_folder])
def test_a_full_disk_cannot_fetch(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    fill: Callable[[Pair, pytest.MonkeyPatch], None],
) -> None:
    """Everybody who waits hears of that, nothing is left, and room that is made is used."""

    async def main() -> None:
        pair = Pair(tmp_path)
        await pair.here.upload()
        with monkeypatch.context() as patch:
            fill(pair, patch)
            clients = (pair.there.get(request(100)) for _ in range(5))
            answers = await asyncio.gather(*clients, return_exceptions=True)
        assert [type(answer) for answer in answers] == [errors.OriginalElsewhere] * 5
        assert all("no room to fetch it" in each.detail for each in answers)
        assert pair.untouched()
        await pair.there.get(request(100))
        assert await pair.there.publisher.flush(30.0) == 0

    run(main)


def test_the_index_is_not_needed_to_fetch_what_is_known(tmp_path: Path) -> None:
    """While it is away, facts come from memory and bytes from the mirror."""

    async def main() -> None:
        pair = Pair(tmp_path)
        stored = await pair.here.upload()
        pair.there.memory.keep_original(stored)
        pair.index.available = False
        made = await pair.there.get(request(100))
        assert made.held.data.endswith(picture())
        pair.index.available = True
        assert await pair.there.publisher.flush(30.0) == 0

    run(main)


def test_an_index_that_goes_away_during_a_fetch_does_not_matter(tmp_path: Path) -> None:
    """Nobody can say that the picture has ended, so it is served."""

    async def main() -> None:
        pair = Pair(tmp_path)
        await pair.here.upload()

        async def forget() -> None:
            del pair.index.before["rows.of"]
            raise errors.IndexUnavailable

        async def go_away() -> None:
            pair.index.before["rows.of"] = forget

        pair.mirror.after["fetch"] = go_away
        made = await pair.there.get(request(100))
        assert made.held.data.endswith(picture())
        assert len(pair.there.files()) == 1
        assert await pair.there.publisher.flush(30.0) == 0

    run(main)


@pytest.mark.parametrize("news", ["own", "heard", "not heard yet"])
def test_a_picture_deleted_while_it_is_fetched_leaves_no_file(tmp_path: Path, news: str) -> None:
    """Who deleted it found nothing on this disk; what arrives afterwards goes again."""

    async def main() -> None:
        pair = Pair(tmp_path)
        await pair.here.upload()
        barrier = pair.mirror.after["fetch"] = Barrier()
        client = asyncio.create_task(pair.there.get(request(100)))
        await barrier.reached.wait()
        await (pair.there if news == "own" else pair.here).purge.delete(CAT)
        if news == "heard":
            await pair.there.purge.listen()
        barrier.open()
        with pytest.raises(errors.OriginalMissing):
            await client
        assert pair.untouched()
        assert pair.there.memory.original(CAT) is None
        assert not pair.mirror.objects

    run(main)


def test_a_picture_replaced_while_it_is_fetched_is_served_as_it_is_now(tmp_path: Path) -> None:
    """The old one leaves no file, and the request that waited for it gets the new one."""

    async def main() -> None:
        pair = Pair(tmp_path)
        await pair.here.upload(data=OLD)
        barrier = pair.mirror.after["fetch"] = Barrier()
        client = asyncio.create_task(pair.there.get(request(100)))
        await barrier.reached.wait()
        new = await pair.here.upload(data=NEW)
        barrier.open()
        assert (await client).held.data.endswith(NEW)
        assert pair.there.files() == [pair.there.originals.path(new)]
        assert await pair.there.publisher.flush(30.0) == 0

    run(main)


def test_a_kill_during_a_fetch_is_swept_up(tmp_path: Path) -> None:
    """What was half-written is nobody's picture, and ages like the body of an upload."""

    async def main() -> None:
        pair = Pair(tmp_path)
        stored = await pair.here.upload()
        pair.there.originals.staging(stored.generation).write_bytes(b"half of")
        assert not pair.there.originals.exists(stored)
        assert pair.there.originals.find(CAT) is None
        await pair.there.originals.sweep(0.0)
        assert pair.untouched()

    run(main)


def test_a_file_of_the_published_service_is_fetched_as_old_as_it_was(tmp_path: Path) -> None:
    """Its age is its generation: a copy that seemed younger would outlive its deletion."""

    async def main() -> None:
        pair = Pair(tmp_path)
        (tmp_path / "here" / "originals" / "cat").write_bytes(picture())
        assert await pair.here.uploads.adopt(CAT)
        await pair.here.mirroring.catch_up()
        await pair.there.get(request(100))
        assert await pair.there.publisher.flush(30.0) == 0
        copy = tmp_path / "there" / "originals" / "cat"
        assert copy.read_bytes() == picture()
        found = [house.originals.find(CAT) for house in (pair.here, pair.there)]
        assert len({one[0] for one in found if one is not None}) == 1
        await pair.here.purge.delete(CAT)
        await pair.there.purge.listen()
        assert not copy.exists()
        with pytest.raises(errors.OriginalMissing):
            await pair.there.get(request(100))

    run(main)
