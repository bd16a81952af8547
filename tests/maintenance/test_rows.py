"""Rows against the disk and the mirror: each finding, its repair, and that it stays so."""

import dataclasses
import shutil

import pytest
from service.mirrors import FakeMirror
from storage.worlds import databases

from liveresize import errors
from liveresize.core.originals import Original
from liveresize.maintenance.reconcile.parts import OrphanPolicy
from liveresize.maintenance.reconcile.pictures import MAYBE_ELSEWHERE
from liveresize.maintenance.reconcile.rows import NO_MIRROR
from liveresize.storage.listings import OriginalFiles

from .scenes import ADOPT, CAT, DOG, REPAIR, Database, Scene, TellingMirror, play

mirrors = pytest.mark.parametrize("kind", [FakeMirror, TellingMirror])
"""Whether the mirror tells a SHA-256 or a size alone."""


@databases
def test_what_agrees_is_clean(database: Database) -> None:
    """Rows with files, in the mirror or on the way there, and nothing else."""

    async def scenario(scene: Scene) -> None:
        await scene.reconcile()
        await scene.upload(CAT, mirrored=True)
        kept = await scene.upload(DOG)
        await scene.mirror_only(dataclasses.replace(CAT, bucket="b"), row=True)
        await scene.rendition(kept)
        await scene.clean(**ADOPT)
        assert scene.report.looked == {
            "originals here": 2,
            "originals in the mirror": 2,
            "originals recorded": 3,
            "objects": 1,
            "links": 1,
        }

    play(database, scenario, FakeMirror())


@databases
def test_a_row_without_bytes_is_deleted(database: Database) -> None:
    """With its links, its objects and a word to every instance; others stay."""

    async def scenario(scene: Scene) -> None:
        lost = await scene.upload()
        kept = await scene.upload(DOG)
        link = await scene.rendition(lost)
        scene.path(lost).unlink()
        assert await scene.reconcile() == {"lost": "1/0"}
        assert scene.report.left == 1
        assert await scene.row() == lost.generation
        assert await scene.reconcile(**REPAIR) == {"lost": "1/1"}
        assert await scene.row() == ""
        assert not await scene.linked(link)
        assert not scene.object(link).exists()
        (told,) = await scene.index.purges.since(0)
        assert (told.image, told.generation, told.variant) == (CAT, lost.generation, "")
        assert await scene.row(DOG) == kept.generation
        await scene.clean()

    play(database, scenario)


@databases
def test_what_may_be_elsewhere_is_not_deleted(database: Database) -> None:
    """Several disks share a database: whoever repairs one must say that it is all there is."""

    async def scenario(scene: Scene) -> None:
        lost = await scene.upload()
        await scene.upload(DOG)
        scene.path(lost).unlink()
        for _ in range(2):
            assert await scene.reconcile(repair=True) == {"lost": "1/0"}
            assert scene.report.remarks == [MAYBE_ELSEWHERE]
        assert await scene.reconcile(repair=True, alone=True) == {"lost": "1/1"}

    play(database, scenario)


@databases
def test_a_disk_that_is_not_mounted_costs_nothing(database: Database) -> None:
    """A database of one machine is believed only while there is anything on its disk."""

    async def scenario(scene: Scene) -> None:
        lost = await scene.upload()
        scene.path(lost).unlink()
        assert await scene.reconcile(repair=True, alone=True) == {"lost": "1/0"}
        assert scene.report.remarks == [MAYBE_ELSEWHERE]
        assert await scene.reconcile(**REPAIR) == {"lost": "1/1"}

    play(database, scenario)


@databases
def test_a_mirror_that_nobody_configured_is_not_forgotten(database: Database) -> None:
    """Rows that tell of one are not given up because the settings do not."""

    async def scenario(scene: Scene) -> None:
        lost = await scene.upload()
        await scene.upload(DOG)
        await scene.index.mirror_queue.done(lost.generation)
        scene.path(lost).unlink()
        assert await scene.reconcile(repair=True, alone=True) == {"lost": "1/0"}
        assert scene.report.remarks == [NO_MIRROR]
        assert await scene.reconcile(**REPAIR) == {"lost": "1/1"}

    play(database, scenario)


@databases
@mirrors
def test_what_the_mirror_lacks_is_supplied_again(
    database: Database, kind: type[FakeMirror]
) -> None:
    """The note in the row is cleared, since that is the queue of the mirror."""

    async def scenario(scene: Scene) -> None:
        kept = await scene.upload(mirrored=True)
        await scene.upload(DOG, mirrored=True)
        assert scene.mirror is not None
        del scene.mirror.objects[scene.mirror.key(kept)]
        assert await scene.reconcile() == {"unmirrored": "1/0"}
        assert await scene.said_mirrored(kept)
        assert await scene.reconcile(repair=True) == {"unmirrored": "1/1"}
        assert [one.generation for one in await scene.index.mirror_queue.waiting("", 9)] == [
            kept.generation
        ]
        await scene.clean()

    play(database, scenario, kind())


@databases
def test_what_the_mirror_lacks_and_nobody_has_is_lost(database: Database) -> None:
    """Its note is cleared at once, for the disk that it may be on; its row goes if asked."""

    async def scenario(scene: Scene) -> None:
        gone = await scene.mirror_only(row=True)
        assert scene.mirror is not None
        scene.mirror.objects.clear()
        found = {"unmirrored": "1/1", "lost": "1/0"}
        assert await scene.reconcile(repair=True) == found
        assert not await scene.said_mirrored(gone)
        assert await scene.reconcile(**REPAIR) == {"lost": "1/1"}
        await scene.clean()

    play(database, scenario, FakeMirror())


@databases
@mirrors
def test_what_the_mirror_has_is_noted(database: Database, kind: type[FakeMirror]) -> None:
    """So that it is not sent there again, and may leave this disk."""

    async def scenario(scene: Scene) -> None:
        kept = await scene.upload()
        assert scene.mirror is not None
        await scene.mirror.put(scene.path(kept), kept)
        assert await scene.reconcile() == {"unnoted": "1/0"}
        assert await scene.reconcile(repair=True) == {"unnoted": "1/1"}
        assert await scene.said_mirrored(kept)
        await scene.clean()

    play(database, scenario, kind())


@databases
@pytest.mark.parametrize("size", [1, 0])
def test_another_copy_in_the_mirror_does_not_count(database: Database, size: int) -> None:
    """One of another size, or with other bytes where the mirror tells their SHA-256."""

    async def scenario(scene: Scene) -> None:
        kept = await scene.upload()
        assert scene.mirror is not None
        scene.mirror.objects[scene.mirror.key(kept)] = b"x" * (kept.bytes - size)
        await scene.clean(repair=True)
        await scene.index.mirror_queue.done(kept.generation)
        if size:
            assert await scene.reconcile(repair=True) == {"unmirrored": "1/1"}

    play(database, scenario, TellingMirror())


@databases
def test_a_file_of_the_wrong_size_is_replaced_from_the_mirror(database: Database) -> None:
    """It goes, and comes back when it is asked for; without a copy it is all there is."""

    async def scenario(scene: Scene) -> None:
        torn = await scene.upload(mirrored=True)
        only = await scene.upload(DOG)
        for original in (torn, only):
            scene.path(original).write_bytes(b"torn")
        assert await scene.reconcile() == {"damaged": "2/0"}
        assert await scene.reconcile(**REPAIR) == {"damaged": "2/1"}
        assert not scene.path(torn).exists()
        assert scene.path(only).exists()
        assert await scene.reconcile(**REPAIR) == {"damaged": "1/0"}

    play(database, scenario, FakeMirror())


@databases
def test_originals_of_the_published_service_are_left_as_they_are(database: Database) -> None:
    """They are read through, whatever their size, and need no row."""

    async def scenario(scene: Scene) -> None:
        for name in ("cat", "dog"):
            (scene.folder / "originals" / name).write_bytes(b"64x48:")
        found = scene.originals.find(CAT)
        assert found is not None
        generation, _ = found
        original = dataclasses.replace(await scene.original(), generation=generation)
        await scene.index.rows.adopt(original)
        await scene.clean(**ADOPT)

    play(database, scenario)


@databases
def test_what_comes_and_goes_meanwhile_is_no_finding(database: Database) -> None:
    """Listings are older than rows: an upload, a deletion and a mirroring in between."""

    async def scenario(scene: Scene) -> None:
        deleted = await scene.upload(DOG, mirrored=True)
        catching = await scene.upload(dataclasses.replace(CAT, name="late"))
        assert scene.mirror is not None
        mirror = scene.mirror

        class Before(OriginalFiles):
            async def entries(self):  # type: ignore[no-untyped-def]
                async for found in super().entries():
                    yield found
                await scene.upload(CAT)
                await scene.mirror_only(dataclasses.replace(CAT, name="far"), row=True)
                await scene.index.rows.delete(DOG)
                await scene.originals.remove(deleted)
                await mirror.remove(deleted)

        async def mirrored_now(original: Original) -> bool:
            if original.generation == catching.generation:
                await scene.index.mirror_queue.done(catching.generation)
            return original.generation != deleted.generation

        await mirror.put(scene.path(catching), catching)
        mirror.exists = mirrored_now  # type: ignore[method-assign]
        parts = scene.with_parts(files=Before(scene.folder / "originals"))
        assert await scene.reconcile(parts, **ADOPT) == {}

    play(database, scenario, FakeMirror())


@databases
@pytest.mark.parametrize("folder", ["originals/_main", "renditions"])
def test_a_folder_that_cannot_be_read_ends_the_run(database: Database, folder: str) -> None:
    """What it holds is not called lost."""

    async def scenario(scene: Scene) -> None:
        await scene.upload()
        shutil.rmtree(scene.folder / folder)
        (scene.folder / folder).write_bytes(b"no folder")
        with pytest.raises(errors.SettingsError, match="cannot be read"):
            await scene.reconcile(**REPAIR)
        assert await scene.row()

    play(database, scenario)


@databases
def test_a_mirror_that_does_not_answer_ends_the_run(database: Database) -> None:
    """Nothing is concluded from its silence."""

    async def scenario(scene: Scene) -> None:
        await scene.mirror_only(row=True)
        assert scene.mirror is not None
        scene.mirror.answers = False
        with pytest.raises(errors.ObjectStoreUnavailable):
            await scene.reconcile(repair=True, strays=OrphanPolicy.REMOVE, this_is_all=True)
        assert await scene.row()

    play(database, scenario, FakeMirror())
