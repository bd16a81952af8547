"""Uploads and their second copy, and how the mirror is made complete afterwards."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from liveresize import errors
from liveresize.core.names import ImageId
from liveresize.core.originals import Original
from liveresize.settings.pictures import Originals
from liveresize.storage import mirroring

from .doubles import SteeredIndex, away, picture, run, turns
from .house import CAT, House
from .mirrors import Barrier, FakeMirror

NEVER = 0.0
"""Seconds of patience with a mirror that does not answer at all."""

PATIENT = Originals(mirror_wait=300.0)
STRICT = Originals(mirror_wait=NEVER, mirror_strict=True)


def hanging(mirror: FakeMirror) -> None:
    """The mirror takes a connection and says nothing."""
    mirror.before["put"] = Barrier()


def refusing(mirror: FakeMirror) -> None:
    """The mirror fails at once."""
    mirror.answers = False


def back(mirror: FakeMirror) -> None:
    """The mirror works again."""
    mirror.before.clear()
    mirror.answers = True


silently = pytest.mark.parametrize("suffer", [hanging, refusing])
Suffer = Callable[[FakeMirror], None]


async def lacking(house: House) -> set[str]:
    """The generations that the mirror lacks, as the index has it."""
    return {one.generation for one in await house.index.mirror_queue.waiting("", 1000)}


async def refused(house: House) -> None:
    """Fail unless the upload left no picture, and its id is free at once."""
    assert await house.index.rows.find(CAT) is None
    assert house.files() == []
    assert await house.token()


async def uploads(house: House, count: int) -> list[Original]:
    """So many pictures that the mirror could not be told of."""
    mirror = house.mirroring._mirror
    assert isinstance(mirror, FakeMirror)
    mirror.answers = False
    stored = [await house.upload(ImageId(f"cat {number}")) for number in range(count)]
    mirror.answers = True
    mirror.calls.clear()
    return stored


def test_an_upload_waits_for_the_mirror(tmp_path: Path) -> None:
    """The copy is there before the row, and the row says so from the beginning."""

    async def main() -> None:
        story: list[str] = []
        index, mirror, barrier = SteeredIndex(story), FakeMirror(story), Barrier()
        house = House(tmp_path, index=index, mirror=mirror, originals=PATIENT)
        mirror.before["put"] = barrier
        uploading = asyncio.create_task(house.upload())
        await barrier.reached.wait()
        await turns()
        assert not uploading.done()
        assert await index.rows.find(CAT) is None
        barrier.open()
        stored = await uploading
        assert story.index("mirror put") < story.index("tokens.complete")
        assert mirror.objects == {mirror.key(stored): picture()}
        assert await lacking(house) == set()
        assert await index.mirror_queue.done_of([stored.generation]) == {stored.generation}
        assert index.calls["mirror_queue.done"] == 0
        assert house.cleanup.owed == 0
        assert house.staged() == []

    run(main)


@silently
def test_a_mirror_that_is_late_is_caught_up_with(tmp_path: Path, suffer: Suffer) -> None:
    """The upload is stored all the same; what the mirror lacks is in the index."""

    async def main() -> None:
        mirror = FakeMirror()
        house = House(tmp_path, mirror=mirror, originals=Originals(mirror_wait=NEVER))
        suffer(mirror)
        with capture_logs() as logs:
            stored = await house.upload()
        assert [line["event"] for line in logs] == ["mirror_delayed"]
        assert logs[0]["error"]
        assert not mirror.objects
        assert await lacking(house) == {stored.generation}
        back(mirror)
        await house.mirroring.catch_up()
        assert mirror.objects == {mirror.key(stored): picture()}
        assert await lacking(house) == set()
        assert house.mirroring.backlog == 0

    run(main)


@silently
def test_a_strict_mirror_refuses_the_upload(tmp_path: Path, suffer: Suffer) -> None:
    """Nothing is kept, the id is free, and what landed late is removed in the end."""

    async def main() -> None:
        mirror = FakeMirror()
        mirror.late = True
        house = House(tmp_path, mirror=mirror, originals=STRICT, lease=0.0)
        suffer(mirror)
        token = await house.token()
        with pytest.raises(errors.ObjectStoreUnavailable) as reason:
            await house.send(token, picture())
        assert reason.value.detail
        await refused(house)
        landed = dict(mirror.objects)
        assert bool(landed) == (suffer is hanging)
        mirror.answers = False
        await house.purge.tidy()
        assert mirror.objects == landed
        back(mirror)
        await house.purge.tidy()
        assert not mirror.objects
        assert house.cleanup.owed == 0
        assert house.staged() == []

    run(main)


def test_a_strict_mirror_that_answers_is_like_any_other(tmp_path: Path) -> None:
    """The next attempt after an outage is stored in both places."""

    async def main() -> None:
        mirror = FakeMirror()
        strict = Originals(mirror_wait=300.0, mirror_strict=True)
        house = House(tmp_path, mirror=mirror, originals=strict)
        mirror.failures["put"] = [errors.ObjectStoreUnavailable("", "once")]
        with pytest.raises(errors.ObjectStoreUnavailable):
            await house.send(await house.token(), picture())
        stored = await house.upload()
        await house.purge.tidy()
        assert mirror.objects == {mirror.key(stored): picture()}

    run(main)


def test_a_mirrored_upload_that_is_not_committed_is_withdrawn(tmp_path: Path) -> None:
    """The database refuses it after the copy was made: neither file nor copy stays."""

    async def main() -> None:
        mirror = FakeMirror()
        house = House(tmp_path, mirror=mirror, originals=PATIENT, lease=0.0)
        house.index.before["tokens.complete"] = away()
        with pytest.raises(errors.IndexUnavailable):
            await house.send(await house.token(), picture())
        await refused(house)
        await house.purge.tidy()
        assert not mirror.objects
        assert house.staged() == []

    run(main)


@pytest.mark.parametrize("committed", [False, True])
def test_a_mirrored_upload_that_nobody_can_tell_about(tmp_path: Path, committed: bool) -> None:
    """Once the index is back, file and copy both stay, or both go."""

    async def main() -> None:
        mirror = FakeMirror()
        house = House(tmp_path, mirror=mirror, originals=PATIENT, lease=0.0)

        async def vanish() -> None:
            house.index.available = False
            raise errors.IndexUnavailable

        (house.index.after if committed else house.index.before)["tokens.complete"] = vanish
        with pytest.raises(errors.IndexUnavailable):
            await house.send(await house.token(), picture())
        house.index.available = True
        await house.purge.tidy()
        assert bool(mirror.objects) == bool(house.files()) == committed
        assert house.staged() == []
        assert await lacking(house) == set()

    run(main)


def test_what_is_replaced_or_deleted_leaves_the_mirror(tmp_path: Path) -> None:
    """At once, while the mirror answers."""

    async def main() -> None:
        mirror = FakeMirror()
        house = House(tmp_path, mirror=mirror, originals=PATIENT)
        await house.upload(data=picture(soul="old"))
        stored = await house.upload(data=picture(soul="new"))
        assert mirror.objects == {mirror.key(stored): picture(soul="new")}
        await house.purge.delete(CAT)
        assert not mirror.objects
        assert house.cleanup.owed == 0

    run(main)


def test_without_a_mirror_nothing_is_mirrored(tmp_path: Path) -> None:
    """A mirror that is configured later finds everything that was stored before."""

    async def main() -> None:
        house = House(tmp_path)
        stored = await house.upload()
        await house.mirroring.catch_up()
        await house.mirroring.make_room()
        await house.purge.tidy()
        assert not house.mirroring.takes(CAT)
        assert await lacking(house) == {stored.generation}
        mirror = FakeMirror()
        later = House(tmp_path, index=house.index, mirror=mirror)
        await later.mirroring.catch_up()
        assert later.mirroring.takes(CAT)
        assert mirror.objects == {mirror.key(stored): picture()}

    run(main)


def test_a_file_that_was_here_before_us_is_mirrored_too(tmp_path: Path) -> None:
    """Read through, adopted, and then as safe as any other."""

    async def main() -> None:
        mirror = FakeMirror()
        house = House(tmp_path, mirror=mirror)
        (tmp_path / "originals" / "cat").write_bytes(picture())
        assert await house.uploads.adopt(CAT)
        await house.mirroring.catch_up()
        assert list(mirror.objects.values()) == [picture()]
        assert await lacking(house) == set()

    run(main)


def test_what_another_instance_has_is_its_own_to_mirror(tmp_path: Path) -> None:
    """Each counts and copies what lies on its disk, and no other."""

    async def main() -> None:
        index, mirror = SteeredIndex(), FakeMirror()
        here = House(tmp_path / "here", index=index, mirror=mirror)
        there = House(tmp_path / "there", index=index, mirror=mirror)
        await uploads(here, 3)
        mirror.answers = False
        await there.mirroring.catch_up()
        assert there.mirroring.backlog == 0
        assert mirror.calls["put"] == 0
        await here.mirroring.catch_up()
        assert here.mirroring.backlog == 3
        mirror.answers = True
        await here.mirroring.catch_up()
        assert here.mirroring.backlog == 0
        assert len(mirror.objects) == 3

    run(main)


@pytest.mark.parametrize("batch", [1, 3, 100])
def test_a_failure_does_not_keep_the_others_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    """However they fall into batches; what failed is tried in the next round."""
    monkeypatch.setattr(mirroring, "_BATCH", batch)

    async def main() -> None:
        mirror = FakeMirror()
        house = House(tmp_path, mirror=mirror)
        stored = await uploads(house, 7)
        refused = errors.ObjectStoreUnavailable("", "refused once")
        mirror.failures["put"] = [refused, refused]
        await house.mirroring.catch_up()
        assert mirror.calls["put"] == 7
        assert house.mirroring.backlog == 2
        assert await lacking(house) == {one.generation for one in stored[:2]}
        await house.mirroring.catch_up()
        assert mirror.calls["put"] == 9
        assert house.mirroring.backlog == 0
        assert sorted(mirror.objects) == sorted(map(mirror.key, stored))

    run(main)


def test_a_mirror_known_to_be_away_is_not_complained_of_for_each(tmp_path: Path) -> None:
    """It is tried once a round, and the others are counted; its breaker has said so, and
    only what fails while it answers is worth a line."""

    async def main() -> None:
        mirror = FakeMirror()
        house = House(tmp_path, mirror=mirror)
        await uploads(house, 5)
        mirror.answers = False
        with capture_logs() as logs:
            await house.mirroring.catch_up()
        assert logs == []
        assert mirror.calls["put"] == 1
        assert house.mirroring.backlog == 5
        mirror.answers = True
        mirror.failures["put"] = [errors.ObjectStoreUnavailable("", "SlowDown")]
        with capture_logs() as logs:
            await house.mirroring.catch_up()
        assert [(line["event"], line["error"]) for line in logs] == [("mirror_delayed", "SlowDown")]

    run(main)


def test_the_backlog_shows_while_it_grows(tmp_path: Path) -> None:
    """A round over many originals is long: whoever looks meanwhile sees what it has met."""

    async def main() -> None:
        mirror = FakeMirror()
        house = House(tmp_path, mirror=mirror)
        await uploads(house, 4)
        seen: list[int] = []

        async def look() -> None:
            seen.append(house.mirroring.backlog)

        mirror.failures["put"] = [errors.ObjectStoreUnavailable("", "refused")] * 4
        mirror.before["put"] = look
        await house.mirroring.catch_up()
        assert seen == [1, 2, 3, 4]

    run(main)


@pytest.mark.parametrize("refused", [False, True])
def test_what_was_deleted_while_it_was_copied_is_withdrawn(tmp_path: Path, refused: bool) -> None:
    """It reaches the mirror after whoever deleted it had looked there; in the end it goes."""

    async def main() -> None:
        mirror = FakeMirror()
        house = House(tmp_path, mirror=mirror)
        (stored,) = await uploads(house, 1)

        async def delete() -> None:
            await house.purge.delete(stored.image)
            if refused:
                mirror.failures["remove"] = [errors.ObjectStoreUnavailable("", "refused")]

        mirror.before["put"] = delete
        await house.mirroring.catch_up()
        assert mirror.holds(stored) == refused
        assert house.mirroring.backlog == 0
        await house.mirroring.catch_up()
        assert not mirror.objects
        assert mirror.calls["put"] == 1

    run(main)


def test_what_was_deleted_before_it_was_copied_is_passed_over(tmp_path: Path) -> None:
    """Between the list and its turn, or between its turn and its file."""

    async def main() -> None:
        mirror = FakeMirror()
        house = House(tmp_path, mirror=mirror)
        first, second, third = await uploads(house, 3)
        put = mirror.put

        async def delete_listed() -> None:
            house.index.after.clear()
            await house.purge.delete(first.image)

        async def delete_its_file(path: Path, original: Original) -> None:
            if original == second:
                await house.purge.delete(second.image)
            await put(path, original)

        house.index.after["mirror_queue.waiting"] = delete_listed
        mirror.put = delete_its_file  # type: ignore[method-assign]
        await house.mirroring.catch_up()
        assert list(mirror.objects) == [mirror.key(third)]
        assert house.mirroring.backlog == 0

    run(main)


def test_a_damaged_file_is_not_mirrored_in_silence(tmp_path: Path) -> None:
    """It stays in the backlog, with a line that says why, until somebody looks at it."""

    async def main() -> None:
        mirror = FakeMirror()
        house = House(tmp_path, mirror=mirror)
        damaged, sound = await uploads(house, 2)
        house.originals.path(damaged).write_bytes(b"cut off")
        with capture_logs() as logs:
            await house.mirroring.catch_up()
        assert [line["event"] for line in logs] == ["original_not_whole"]
        assert house.mirroring.backlog == 1
        assert list(mirror.objects) == [mirror.key(sound)]

    run(main)


def test_an_index_that_goes_away_ends_the_round(tmp_path: Path) -> None:
    """The caller hears of it; the next round begins where the index says, and copies again
    what was not noted."""

    async def main() -> None:
        mirror = FakeMirror()
        house = House(tmp_path, mirror=mirror)
        stored = await uploads(house, 3)
        house.index.before["mirror_queue.done"] = away()
        with pytest.raises(errors.IndexUnavailable):
            await house.mirroring.catch_up()
        assert len(mirror.objects) == 1
        house.index.before.clear()
        await house.mirroring.catch_up()
        assert sorted(mirror.objects) == sorted(map(mirror.key, stored))
        assert await lacking(house) == set()
        assert house.mirroring.backlog == 0

    run(main)
