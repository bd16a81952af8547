"""Hearing of deletions across restarts, and of databases that are not the same any more."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from liveresize import errors
from liveresize.core.names import ImageId
from liveresize.core.originals import Original
from liveresize.core.ports import Heard, Selection
from liveresize.delivery.outcomes import Cache
from liveresize.maintenance import deletions
from liveresize.settings.pictures import Originals

from .doubles import FakeStore, SteeredIndex, picture, run
from .house import CAT, House, request
from .mirrors import FakeMirror

DOG, HEN = ImageId("dog"), ImageId("hen")


class Pair:
    """Two instances with disks of their own and one index, one store and one mirror."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.index, self.store, self.mirror = SteeredIndex(), FakeStore(), FakeMirror()
        self.store.shared = True
        self.here, self.there = self.house("here"), self.house("there")

    def house(self, name: str) -> House:
        """An instance that starts now, on the disk that it had before."""
        return House(
            self._folder / name,
            index=self.index,
            store=self.store,
            mirror=self.mirror,
            originals=Originals(mirror_wait=300.0),
        )

    async def both_have(self, *images: ImageId) -> list[Original]:
        """Pictures whose bytes are on both disks, and which both remember."""
        uploaded = []
        for image in images:
            uploaded.append(await self.here.upload(image, picture(soul=image.name)))
            await self.there.get(request(50, image=image, proxy=True))
        await self.listen()
        return uploaded

    async def listen(self) -> None:
        """Both hear of everything, and do what it asks for."""
        for house in (self.here, self.there):
            await house.purge.listen()
            await house.purge.tidy()
            await house.purge.listen()


def restored(logs: list[Any]) -> list[str]:
    """The generations that were looked for in vain."""
    return [line["generation"] for line in logs if line["event"] == "index_restored"]


@pytest.mark.parametrize("since", [1, 3], ids=["serials below", "serials above"])
def test_deletions_after_a_restore_are_heard(tmp_path: Path, since: int) -> None:
    """However many there were before and after: serials that were heard are given out again."""

    async def main() -> None:
        pair = Pair(tmp_path)
        await pair.both_have(CAT, DOG, HEN)
        dump = pair.index.dump()
        await pair.here.purge.delete(DOG)
        await pair.here.purge.delete(HEN)
        await pair.listen()
        pair.index.restore(dump)
        pair.index.advance(60)
        images = [ImageId(f"new {number}") for number in range(since - 1)]
        for image in images:
            await pair.here.upload(image)
        for image in (CAT, *images):
            await pair.here.purge.delete(image)
        with capture_logs() as logs:
            await pair.there.purge.listen()
            await pair.there.purge.listen()
        assert len(restored(logs)) == 1
        assert pair.there.deletions.restores == 1
        assert pair.there.files() == []
        assert pair.there.renditions.recall(request(50, proxy=True)) is None

    run(main)


def test_a_row_that_looks_the_same_is_told_by_its_time(tmp_path: Path) -> None:
    """After a restore, the same purge gives the same serial to the same rendition."""

    async def main() -> None:
        pair = Pair(tmp_path)
        await pair.here.upload()
        await pair.there.publish(100)
        await pair.listen()
        dump = pair.index.dump()
        assert await pair.here.purge.purge(Selection(image=CAT), 10) == 1
        await pair.there.purge.listen()
        pair.index.restore(dump)
        pair.index.advance(60)
        await pair.there.find(request(100))
        assert await pair.here.purge.purge(Selection(image=CAT), 10) == 1
        await pair.there.purge.listen()
        assert pair.there.renditions.recall(request(100)) is None
        assert pair.there.deletions.restores == 1

    run(main)


def empty(index: SteeredIndex) -> None:
    """Another database, as new as this one was."""
    index.restore(SteeredIndex().dump())


def renamed(index: SteeredIndex) -> None:
    """Another database that says so."""
    empty(index)
    index.name = "another"


@pytest.mark.parametrize(("change", "deleted"), [(empty, True), (renamed, True), (renamed, False)])
def test_another_database_is_noticed(
    tmp_path: Path, change: Callable[[SteeredIndex], None], deleted: bool
) -> None:
    """Also where neither has ever seen a deletion: everything remembered is forgotten."""

    async def main() -> None:
        pair = Pair(tmp_path)
        await pair.both_have(CAT, DOG)
        if deleted:
            await pair.here.purge.delete(DOG)
            await pair.listen()
        assert pair.there.memory.original(CAT)
        change(pair.index)
        await pair.there.purge.listen()
        assert pair.there.deletions.restores == 1
        assert pair.there.memory.original(CAT) is None
        with pytest.raises(errors.OriginalMissing):
            await pair.there.get(request(50))
        assert len(pair.there.files()) == 2 - deleted
        await pair.there.purge.listen()
        assert pair.there.deletions.restores == 1

    run(main)


def test_a_restart_notices_what_happened_while_it_was_off(tmp_path: Path) -> None:
    """The last deletion that was heard is kept in a file."""

    async def main() -> None:
        pair = Pair(tmp_path)
        await pair.both_have(CAT, DOG)
        dump = pair.index.dump()
        await pair.here.purge.delete(DOG)
        await pair.listen()
        same = pair.house("there")
        await same.purge.listen()
        assert (same.deletions.restores, same.deletions.beginnings) == (0, 0)
        pair.index.restore(dump)
        other = pair.house("there")
        with capture_logs() as logs:
            await other.purge.listen()
        assert len(restored(logs)) == 1

    run(main)


def test_a_restart_goes_on_where_it_was(tmp_path: Path) -> None:
    """What was heard and done is not done again: a bucket would be listed for each."""

    async def main() -> None:
        pair = Pair(tmp_path)
        await pair.both_have(CAT, DOG, HEN)
        await pair.here.purge.delete(CAT)
        await pair.listen()
        await pair.here.purge.delete(DOG)
        removals = pair.store.removals
        again = pair.house("there")
        await again.purge.listen()
        await again.purge.tidy()
        assert pair.store.removals == removals + 1
        assert len(again.files()) == 1

    run(main)


def test_what_is_owed_is_heard_again_after_a_restart(tmp_path: Path) -> None:
    """A store that refused the removal refuses nothing for good."""

    async def main() -> None:
        pair = Pair(tmp_path)
        await pair.both_have(CAT)
        await pair.here.publish(100)
        pair.store.refusing = True
        await pair.here.purge.delete(CAT)
        await pair.listen()
        assert pair.store.objects
        pair.store.refusing = False
        again = pair.house("here")
        await again.purge.listen()
        await again.purge.tidy()
        assert not pair.store.objects

    run(main)


def test_what_is_owed_to_a_lost_database_is_not_removed(tmp_path: Path) -> None:
    """In the restored one the picture lives, and the mirror has the last of its bytes."""

    async def main() -> None:
        pair = Pair(tmp_path)
        (cat,) = await pair.both_have(CAT)
        dump = pair.index.dump()
        pair.store.refusing = True
        await pair.here.purge.delete(CAT)
        await pair.here.purge.listen()
        assert pair.here.cleanup.owed == 1
        pair.index.restore(dump)
        pair.store.refusing = False
        await pair.here.purge.tidy()
        assert pair.mirror.holds(cat)
        assert await pair.here.get(request(60, proxy=True))

    run(main)


def test_a_recorded_deletion_spares_what_has_a_row_again(tmp_path: Path) -> None:
    """A file of the published service that was put back has the generation that it had."""

    async def main() -> None:
        house = House(tmp_path)
        path = tmp_path / "originals" / "cat"
        path.write_bytes(picture())
        facts = path.stat()
        await house.original_lookup.get(CAT)
        await house.purge.delete(CAT)
        path.write_bytes(picture())
        os.utime(path, ns=(facts.st_mtime_ns, facts.st_mtime_ns))
        await house.original_lookup.get(CAT)
        await house.purge.listen()
        (tmp_path / "heard.json").unlink(missing_ok=True)
        again = House(tmp_path, index=house.index)
        await again.purge.listen()
        assert path.exists()
        assert again.cleanup.owed == 0

    run(main)


def test_an_unfinished_upload_of_a_lost_database_is_kept(tmp_path: Path) -> None:
    """It may have been committed there: its file is no longer removed for want of a row."""

    async def main() -> None:
        pair = Pair(tmp_path)
        await pair.both_have(DOG)
        dump = pair.index.dump()
        settle = pair.here.originals.settle
        pair.here.originals.settle = lambda generation: None  # type: ignore[method-assign]
        await pair.here.upload()
        await pair.here.purge.delete(DOG)
        await pair.listen()
        pair.here.originals.settle = settle  # type: ignore[method-assign]
        pair.index.restore(dump)
        pair.here.pipeline.lease = 0.0
        await pair.here.purge.tidy()
        await pair.here.purge.tidy()
        assert [path.name.partition("~")[0] for path in pair.here.files()] == ["cat"]
        assert pair.here.staged() == []

    run(main)


def test_many_deletions_are_heard_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A kill in between, or a database that goes away, is made up for by the next round."""

    async def main() -> None:
        monkeypatch.setattr(deletions, "_PAGE", 3)
        pair = Pair(tmp_path)
        images = [ImageId(f"cat {number}") for number in range(10)]
        await pair.both_have(*images)
        for image in images:
            await pair.index.rows.delete(image)
        asked = 0

        async def leave() -> None:
            nonlocal asked
            asked += 1
            if asked == 3:
                raise errors.IndexUnavailable("", "taken away by a test")

        pair.index.before["purges.since"] = leave
        with pytest.raises(errors.IndexUnavailable):
            await pair.there.purge.listen()
        assert 0 < len(pair.there.files()) < 10
        await pair.there.purge.listen()
        assert pair.there.files() == []
        assert pair.there.deletions.restores == 0

    run(main)


def test_old_news_are_no_news_of_another_database(tmp_path: Path) -> None:
    """What is forgotten in time is never the row that an instance looks for."""

    async def main() -> None:
        pair = Pair(tmp_path)
        await pair.both_have(CAT, DOG)
        await pair.here.publish(100, image=DOG)
        await pair.here.purge.delete(CAT)
        await pair.listen()
        pair.index.advance(3 * 86_400)
        await pair.here.purge.purge(Selection(image=DOG), 1)
        await pair.listen()
        pair.index.advance(40 * 86_400)
        await pair.listen()
        again = pair.house("there")
        await again.purge.listen()
        await pair.here.upload(HEN)
        await pair.here.purge.delete(HEN)
        await pair.listen()
        await again.purge.listen()
        for house in (pair.here, pair.there, again):
            assert house.deletions.restores == 0

    run(main)


def test_a_file_that_cannot_be_read_is_begun_again(tmp_path: Path) -> None:
    """Nothing is taken for known that is not."""

    async def main() -> None:
        pair = Pair(tmp_path)
        await pair.both_have(CAT)
        (tmp_path / "there" / "heard.json").write_text('{"identity": ')
        again = pair.house("there")
        with capture_logs() as logs:
            await again.purge.listen()
        assert [line["event"] for line in logs] == ["heard_unreadable", "index_restored"]
        assert await again.deletions._record.read() == Heard("memory")

    run(main)


def test_a_new_instance_says_nothing_of_a_restore(tmp_path: Path) -> None:
    """It hears all deletions, of which none is its own."""

    async def main() -> None:
        pair = Pair(tmp_path)
        await pair.both_have(CAT, DOG)
        await pair.here.purge.delete(CAT)
        new = pair.house("new")
        with capture_logs() as logs:
            await new.purge.listen()
        assert restored(logs) == []
        assert (new.deletions.beginnings, new.deletions.restores) == (1, 0)
        assert (await new.get(request(50, image=DOG, proxy=True))).cache is not Cache.MEMORY

    run(main)


@pytest.mark.parametrize(("days", "owed"), [(0.9, 1), (1.1, 0)])
def test_a_new_instance_asks_the_store_for_the_deletions_of_a_day(
    days: float, owed: int, tmp_path: Path
) -> None:
    """Instances that ran at the time have removed the objects of older ones."""

    async def main() -> None:
        pair = Pair(tmp_path)
        await pair.both_have(CAT)
        await pair.here.purge.delete(CAT)
        await pair.listen()
        pair.index.advance(days * 86_400.0)
        new = pair.house("new")
        new.clock.now = pair.index.tables.now()
        await new.purge.listen()
        assert new.cleanup.owed == owed
        assert not new.files()

    run(main)
