"""Originals that a server has set aside, since they had no row for long."""

import pytest
from service.doubles import NO_RESERVE
from storage.worlds import databases

from liveresize.core.originals import Original
from liveresize.storage.listings import OriginalFiles
from liveresize.storage.strays import StrayFiles

from .scenes import ADOPT, CAT, DOG, REMOVE, REPAIR, Database, Scene, play


async def aside(scene: Scene, original: Original) -> Original:
    """That original, after a server has set it aside."""
    files = StrayFiles(scene.folder / "originals", NO_RESERVE)
    await files.note([(original.generation, scene.path(original))], scene.clock.now)
    async for notes in files.notes():
        for note in notes:
            assert await files.set_aside(note)
    return original


async def left_aside(scene: Scene) -> int:
    """How many originals are set aside."""
    listing = OriginalFiles(scene.folder / "originals" / "_lost")
    return len([one async for one in listing.entries()])


@databases
def test_what_was_set_aside_is_reported(database: Database) -> None:
    """And left where it is."""

    async def scenario(scene: Scene) -> None:
        await aside(scene, await scene.file())
        assert await scene.reconcile() == {"unrecorded": "1/0"}
        assert await scene.reconcile(**REPAIR) == {"unrecorded": "1/0"}
        assert scene.report.looked["originals set aside"] == 1
        assert await left_aside(scene) == 1

    play(database, scenario)


@databases
@pytest.mark.parametrize("told", [False, True], ids=["lost", "deleted"])
def test_it_is_adopted(database: Database, told: bool) -> None:
    """Its bytes are back in their place; also those of a picture that was deleted lately,
    under a new generation."""

    async def scenario(scene: Scene) -> None:
        original = await scene.file()
        if told:
            await scene.index.rows.adopt(original)
            await scene.index.rows.end(original)
        await aside(scene, original)
        found = await scene.reconcile(**ADOPT)
        assert await left_aside(scene) == 0
        if told:  # its end is recorded: it is no upload that a backup lacks
            assert found == {"ended": "1/1"}
            return
        assert found == {"unrecorded": "1/1"}
        assert await scene.row() == original.generation
        assert scene.originals.exists(original)
        await scene.clean()

    play(database, scenario)


@databases
def test_the_newest_version_is_adopted_wherever_it_is(database: Database) -> None:
    """Older ones go, as ever."""

    async def scenario(scene: Scene) -> None:
        await scene.file()
        newer = await aside(scene, await scene.file())
        assert await scene.reconcile(**ADOPT) == {"unrecorded": "1/1", "ended": "1/1"}
        assert await scene.row() == newer.generation
        await scene.clean()

    play(database, scenario)


@databases
def test_it_is_removed_where_that_is_asked_for(database: Database) -> None:
    """By name, and with nothing else."""

    async def scenario(scene: Scene) -> None:
        await aside(scene, await scene.file())
        await scene.upload(DOG)
        assert await scene.reconcile(**REMOVE) == {"unrecorded": "1/1"}
        assert await left_aside(scene) == 0
        await scene.clean()

    play(database, scenario)


@databases
def test_what_has_a_row_again_is_put_back(database: Database) -> None:
    """As a restore from a newer backup brings it."""

    async def scenario(scene: Scene) -> None:
        original = await aside(scene, await scene.file())
        await scene.index.rows.adopt(original)
        assert await scene.reconcile() == {"set_aside": "1/0"}
        assert await scene.reconcile(**REPAIR) == {"set_aside": "1/1"}
        assert scene.originals.exists(original)
        assert await scene.row(CAT) == original.generation
        await scene.clean()

    play(database, scenario)
