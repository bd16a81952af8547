"""Originals without a row, and rows without an original, picture by picture."""

import dataclasses
import os
from pathlib import Path
from typing import Any

import pytest
from service.mirrors import FakeMirror
from storage.worlds import databases

from liveresize.core.names import ImageId
from liveresize.core.originals import Original, born, new_generation
from liveresize.maintenance.reconcile.parts import OrphanPolicy
from liveresize.maintenance.reconcile.pictures import MAYBE_ELSEWHERE, UNDECIDED

from .scenes import ADOPT, CAT, DAY, DOG, REMOVE, REPAIR, Database, Scene, TellingMirror, play

IN_BUCKET = ImageId("cat", "bucket")


@databases
@pytest.mark.parametrize("image", [CAT, IN_BUCKET])
def test_a_file_without_a_row_is_only_reported(database: Database, image: ImageId) -> None:
    """It may be an upload that a backup lacks, or a picture that was deleted."""

    async def scenario(scene: Scene) -> None:
        stray = await scene.file(image)
        for options in ({}, REPAIR):
            assert await scene.reconcile(**options) == {"unrecorded": "1/0"}
        (named,) = scene.report.tallies.popitem()[1].examples
        assert named == f"{image.key} ({stray.generation})"
        assert scene.path(stray).exists()

    play(database, scenario)


@databases
def test_a_file_that_is_noted_as_hidden_is_adopted_as_held(database: Database) -> None:
    """Its row is lost, and with it the hold."""

    async def scenario(scene: Scene) -> None:
        stray = await scene.file(CAT)
        await scene.originals.hide(stray.generation)
        assert await scene.reconcile(**ADOPT) == {"unrecorded": "1/1"}
        row = await scene.index.rows.find(CAT)
        assert row is not None
        assert row.record.held_at == scene.clock.now
        assert scene.originals.is_hidden(row.generation)
        assert scene.originals.find(CAT) is None

    play(database, scenario)


@databases
@pytest.mark.parametrize("image", [CAT, IN_BUCKET])
def test_a_file_without_a_row_is_adopted(database: Database, image: ImageId) -> None:
    """As what it was: its generation, its time, its facts."""

    async def scenario(scene: Scene) -> None:
        stray = await scene.file(image)
        assert await scene.reconcile(**ADOPT) == {"unrecorded": "1/1"}
        row = await scene.index.rows.find(image)
        assert row == dataclasses.replace(stray, uploaded_at=scene.births)
        await scene.clean(**ADOPT)

    play(database, scenario)


@databases
def test_a_file_without_a_row_is_removed(database: Database) -> None:
    """With its renditions, and its copy in the mirror."""

    async def scenario(scene: Scene) -> None:
        stray = await scene.file()
        assert scene.mirror is not None
        await scene.mirror.put(scene.path(stray), stray)
        link = await scene.rendition(stray, linked=False)
        assert await scene.reconcile(**REMOVE) == {"unrecorded": "1/1"}
        assert not scene.path(stray).exists()
        assert not scene.mirror.objects
        assert not scene.object(link).exists()
        await scene.clean()

    play(database, scenario, FakeMirror())


@databases
def test_the_newest_version_is_adopted(database: Database) -> None:
    """Older ones of the picture end with that, here and in the mirror."""

    async def scenario(scene: Scene) -> None:
        strays = [await scene.file() for _ in range(3)]
        assert scene.mirror is not None
        await scene.mirror.put(scene.path(strays[0]), strays[0])
        assert await scene.reconcile(**ADOPT) == {"unrecorded": "1/1", "ended": "2/2"}
        assert await scene.row() == strays[2].generation
        assert [scene.path(stray).exists() for stray in strays] == [False, False, True]
        assert not scene.mirror.objects
        await scene.clean()

    play(database, scenario, FakeMirror())


@databases
def test_what_is_no_picture_is_not_adopted(database: Database) -> None:
    """The report says why; the version before it is, and it can be removed."""

    async def scenario(scene: Scene) -> None:
        older, broken = await scene.file(), await scene.file()
        scene.path(broken).write_bytes(b"no picture")
        assert await scene.reconcile(**ADOPT) == {"unrecorded": "2/1"}
        (first, _) = next(iter(scene.report.tallies.values())).examples
        assert "not an image" in first
        assert await scene.row() == older.generation
        assert await scene.reconcile(**ADOPT) == {"unrecorded": "1/0"}
        assert await scene.reconcile(**REMOVE) == {"unrecorded": "1/1"}
        await scene.clean()

    play(database, scenario)


@databases
def test_an_older_version_beside_a_standing_one_is_removed(database: Database) -> None:
    """It was replaced; a backup of the disk has brought it back."""

    async def scenario(scene: Scene) -> None:
        older, standing = await scene.file(), await scene.upload()
        assert await scene.reconcile() == {"ended": "1/0"}
        assert await scene.reconcile(repair=True) == {"ended": "1/1"}
        assert not scene.path(older).exists()
        assert scene.path(standing).exists()
        await scene.clean()

    play(database, scenario)


@databases
def test_a_newer_version_beside_a_standing_one_takes_its_place_if_adopted(
    database: Database,
) -> None:
    """A database from before it was uploaded does not know of it; it is not called ended."""

    async def scenario(scene: Scene) -> None:
        standing, newer = await scene.upload(mirrored=True), await scene.file()
        link = await scene.rendition(standing)
        assert await scene.reconcile(**REPAIR) == {"unrecorded": "1/0"}
        assert await scene.row() == standing.generation
        assert await scene.reconcile(**ADOPT) == {"unrecorded": "1/1"}
        assert await scene.row() == newer.generation
        assert not await scene.linked(link)
        assert not scene.path(standing).exists()
        await scene.clean()

    play(database, scenario, FakeMirror())


@databases
def test_a_file_of_the_published_service_is_as_old_as_its_file(database: Database) -> None:
    """Its generation begins with another digit, and must not look younger than all of ours."""

    async def scenario(scene: Scene) -> None:
        bare = scene.folder / "originals" / "cat"
        bare.write_bytes(b"64x48:bare")
        long_ago = scene.clock.now - 100 * DAY
        os.utime(bare, (long_ago, long_ago))
        found = scene.originals.find(CAT)
        assert found is not None
        standing = dataclasses.replace(await scene.original(), generation=found[0])
        await scene.index.rows.adopt(standing)
        newer = await scene.file()
        assert await scene.reconcile(**ADOPT) == {"unrecorded": "1/1"}
        assert await scene.row() == newer.generation
        assert not bare.exists()
        await scene.clean()

    play(database, scenario)


@databases
@pytest.mark.parametrize("newer", [True, False])
def test_a_lost_picture_takes_what_is_left_of_it(database: Database, newer: bool) -> None:
    """Another version waits for a decision; adopted, it takes the place of the lost one."""

    async def scenario(scene: Scene) -> None:
        versions = [await scene.file(), await scene.file()]
        lost, left = versions if newer else versions[::-1]
        await scene.index.rows.adopt(lost)
        scene.path(lost).unlink()
        found = {"unrecorded": "1/0", "lost": "1/0"}
        assert await scene.reconcile(**REPAIR) == found
        assert scene.report.remarks == [UNDECIDED]
        assert await scene.row() == lost.generation
        assert scene.path(left).exists()
        assert await scene.reconcile(**ADOPT) == {"unrecorded": "1/1", "lost": "1/1"}
        assert await scene.row() == left.generation
        await scene.clean()

    play(database, scenario)


@databases
def test_a_lost_picture_and_what_is_left_of_it_are_removed(database: Database) -> None:
    """Where nobody wants either."""

    async def scenario(scene: Scene) -> None:
        left, lost = await scene.file(), await scene.upload()
        scene.path(lost).unlink()
        assert await scene.reconcile(**REMOVE) == {"unrecorded": "1/1", "lost": "1/1"}
        assert await scene.row() == ""
        assert not scene.path(left).exists()
        await scene.clean()

    play(database, scenario)


@databases
def test_what_may_be_elsewhere_makes_no_room_for_an_older_version(database: Database) -> None:
    """A newer one may take its place all the same."""

    async def scenario(scene: Scene) -> None:
        await scene.file()
        lost = await scene.upload()
        scene.path(lost).unlink()
        unsure: dict[str, Any] = {"repair": True, "strays": OrphanPolicy.ADOPT}
        assert await scene.reconcile(**unsure) == {"unrecorded": "1/0", "lost": "1/0"}
        assert scene.report.remarks == [MAYBE_ELSEWHERE]
        newest = await scene.file()
        found = {"unrecorded": "1/1", "ended": "1/1", "lost": "1/1"}
        assert await scene.reconcile(**unsure) == found
        assert await scene.row() == newest.generation

    play(database, scenario)


@databases
def test_what_was_deleted_today_is_not_adopted(database: Database) -> None:
    """The database remembers that for a day, and every server that starts would remove it."""

    async def scenario(scene: Scene) -> None:
        stray = await scene.upload()
        await scene.index.rows.delete(CAT)
        assert await scene.reconcile(**ADOPT) == {"ended": "1/1"}
        assert not scene.path(stray).exists()
        await scene.clean()

    play(database, scenario)


@databases
@pytest.mark.parametrize("mirrored", [True, False])
def test_a_version_that_was_replaced_today_comes_back_under_another_generation(
    database: Database, mirrored: bool
) -> None:
    """Otherwise the next server that starts would hear of its end, and remove it."""

    async def scenario(scene: Scene) -> None:
        older = await scene.upload(mirrored=True)
        newer = await scene.file()
        await scene.index.rows.supersede(newer, older.generation)
        scene.path(newer).unlink()
        if mirrored:
            scene.path(older).unlink()
        assert await scene.reconcile(**ADOPT) == {"unrecorded": "1/1", "lost": "1/1"}
        row = await scene.index.rows.find(CAT)
        assert row is not None
        assert row.generation not in (older.generation, newer.generation)
        assert row.sha256 == older.sha256
        assert row.uploaded_at < scene.clock.now
        ended = {told.generation for told in await scene.index.purges.since(0)}
        assert row.generation not in ended
        assert scene.path(row).exists()
        await scene.clean()

    play(database, scenario, TellingMirror())


@databases
def test_an_original_in_the_mirror_alone_is_adopted(database: Database) -> None:
    """It is looked at, noted as mirrored, and takes no room here."""

    async def scenario(scene: Scene) -> None:
        stray = await scene.mirror_only()
        assert await scene.reconcile() == {"unrecorded": "1/0"}
        assert await scene.reconcile(**ADOPT) == {"unrecorded": "1/1"}
        assert await scene.row() == stray.generation
        assert await scene.said_mirrored(stray)
        assert not scene.path(stray).exists()
        assert not list((scene.folder / "originals" / "_staging").iterdir())
        await scene.clean()

    play(database, scenario, TellingMirror())


@databases
def test_an_original_in_a_mirror_that_tells_no_sha256_stays_where_it_is(
    database: Database,
) -> None:
    """What cannot be checked is not trusted; removing it is possible."""

    async def scenario(scene: Scene) -> None:
        await scene.mirror_only()
        assert await scene.reconcile(**ADOPT) == {"unrecorded": "1/0"}
        assert await scene.reconcile(**REMOVE) == {"unrecorded": "1/1"}
        await scene.clean()

    play(database, scenario, FakeMirror())


@databases
def test_uploads_in_progress_are_left_alone(database: Database) -> None:
    """What is younger than the grace, and what an upload has noted since."""

    async def scenario(scene: Scene) -> None:
        noted = await scene.original()
        await scene.originals.keep(scene.staged, noted)
        scene.births = scene.clock.now - 3500
        await scene.file(DOG)
        assert await scene.reconcile(**REMOVE) == {}
        assert scene.report.young == 2
        note = scene.folder / "originals" / "_staging" / f"{noted.generation}.moving"
        os.utime(note, (1.0, 1.0))
        assert await scene.reconcile(grace=3400.0, **ADOPT) == {"unrecorded": "2/2"}
        assert not note.exists()
        await scene.clean()

    play(database, scenario)


@databases
def test_names_that_are_not_in_their_path_are_reported(database: Database) -> None:
    """Of names that are too long only the hash is there; with a row they are like others."""

    async def scenario(scene: Scene) -> None:
        kept = await scene.upload(ImageId("k" * 250))
        stray = await scene.file(ImageId("s" * 250))
        await scene.file(ImageId("s" * 250, "bucket"))
        assert await scene.reconcile(**ADOPT) == {"unnamed": "2/0"}
        assert await scene.reconcile(**REMOVE) == {"unnamed": "2/2"}
        assert scene.path(kept).exists()
        assert not scene.path(stray).exists()
        await scene.clean()

    play(database, scenario)


@databases
def test_files_that_are_not_ours_are_not_looked_at(database: Database) -> None:
    """Whatever else lies there; a file in the wrong folder does not count as its name says."""

    async def scenario(scene: Scene) -> None:
        folder = scene.folder / "originals" / "_main" / "ab" / "cd"
        folder.mkdir(parents=True)
        (folder / "cat~short").write_bytes(b"")
        (folder / "readme.txt").write_bytes(b"")
        Path(os.fsdecode(os.fsencode(folder) + b"/\xff~" + b"0" * 28)).write_bytes(b"")
        (folder / f"cat~{'0' * 27}1").write_bytes(b"")
        (folder / f"dir~{'0' * 27}2").mkdir()
        assert await scene.reconcile(**ADOPT) == {"unnamed": "2/0"}
        examples = next(iter(scene.report.tallies.values())).examples
        assert all(example.isprintable() for example in examples)

    play(database, scenario)


@databases
def test_a_version_that_was_recorded_meanwhile_is_not_touched(database: Database) -> None:
    """Between the look at the rows and the decision."""

    async def scenario(scene: Scene) -> None:
        stray = await scene.file()
        original = scene.index.rows.find

        async def record_first(image: ImageId):  # type: ignore[no-untyped-def]
            await scene.index.rows.adopt(stray)
            return await original(image)

        scene.index.rows.find = record_first  # type: ignore[method-assign]
        assert await scene.reconcile(**REMOVE) == {}
        assert scene.path(stray).exists()

    play(database, scenario)


@databases
def test_an_upload_while_a_version_is_adopted_wins(database: Database) -> None:
    """The newer one stands; the other one is named, and is over in the next run."""

    async def scenario(scene: Scene) -> None:
        await scene.file()
        supersede = scene.index.rows.supersede
        uploaded: list[Original] = []

        async def upload_first(original, older=""):  # type: ignore[no-untyped-def]
            if not uploaded:
                uploaded.append(await scene.upload())
            return await supersede(original, older)

        scene.index.rows.supersede = upload_first  # type: ignore[method-assign]
        assert await scene.reconcile(**ADOPT) == {"unrecorded": "1/0"}
        assert await scene.row() == uploaded[0].generation
        assert await scene.reconcile(**ADOPT) == {"ended": "1/1"}

    play(database, scenario)


@databases
def test_a_lost_picture_that_is_uploaded_again_meanwhile_stays(database: Database) -> None:
    """Only the generation that was lost is deleted."""

    async def scenario(scene: Scene) -> None:
        lost = await scene.upload()
        scene.path(lost).unlink()
        end, fresh = scene.index.rows.end, await scene.original()

        async def upload_first(original):  # type: ignore[no-untyped-def]
            await scene.originals.keep(scene.staged, fresh)
            await scene.index.rows.supersede(fresh, lost.generation)
            return await end(original)

        scene.index.rows.end = upload_first  # type: ignore[method-assign]
        await scene.reconcile(**REPAIR)
        assert await scene.row() == fresh.generation
        assert scene.path(fresh).exists()

    play(database, scenario)


def test_generations_are_as_old_as_they_say() -> None:
    """To the millisecond."""
    assert born(new_generation(1_700_000_000.125)) == 1_700_000_000.125
