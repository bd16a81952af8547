"""Originals read to their end: what is damaged or missing, here and in the mirror."""

import asyncio
import shutil
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from service.mirrors import FakeMirror
from storage.s3worlds import World, everywhere
from storage.worlds import databases
from web import pictures, servers

from liveresize.app import maintenance
from liveresize.maintenance import idle
from liveresize.maintenance.reconcile.findings import Report
from liveresize.maintenance.verify import ELSEWHERE, Options, Verification

from .scenes import CAT, DOG, Database, Scene, play
from .test_s3 import keys_of

ALL: dict[str, Any] = {"repair": True, "mirror": True}


async def verify(scene: Scene, **options: Any) -> dict[str, str]:
    """Verify; what was found, as `found/repaired` of each kind. `report` has it all."""
    scene.report = Report()
    await Verification(
        rows=scene.index.rows,
        originals=scene.originals,
        mirror=scene.mirror,
        options=Options(width=3, **options),
        report=scene.report,
    ).run()
    assert list((scene.folder / "originals" / "_staging").iterdir()) == []
    return {k.value: f"{t.found}/{t.repaired}" for k, t in scene.report.tallies.items()}


def damage(path: Path) -> None:
    """One bit of it falls over; its size stays."""
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)


@databases
def test_what_is_whole_is_well(database: Database) -> None:
    """Here, mirrored, and in the mirror alone, which is no loss."""

    async def scenario(scene: Scene) -> None:
        assert await verify(scene) == {}
        await scene.upload(CAT, mirrored=True)
        await scene.mirror_only(DOG, row=True)
        assert await verify(scene) == {}
        assert scene.report.looked == {"originals": 2, "in the mirror alone": 1}
        assert await verify(scene, **ALL) == {}
        assert scene.report.looked["copies in the mirror"] == 2

    play(database, scenario, FakeMirror())


@databases
def test_damage_is_found_without_a_mirror(database: Database) -> None:
    """A bit that fell over, a file cut short, a file gone; nothing can be done about them."""

    async def scenario(scene: Scene) -> None:
        whole = [await scene.upload(CAT), await scene.upload(DOG)]
        damage(scene.path(whole[0]))
        scene.path(whole[1]).write_bytes(b"short")
        for options in ({}, {"repair": True}):
            assert await verify(scene, **options) == {"corrupt": "2/0"}
        scene.path(whole[1]).unlink()
        assert await verify(scene, shared=True) == {"corrupt": "1/0", "missing": "1/0"}
        assert scene.report.remarks == [ELSEWHERE]
        assert await verify(scene, here=True) == {"corrupt": "1/0"}
        assert scene.report.left == 1

    play(database, scenario)


@databases
def test_damage_is_repaired_from_the_mirror(database: Database) -> None:
    """What is damaged here comes back whole, and what is missing if its row knows of no copy."""

    async def scenario(scene: Scene) -> None:
        cat, dog = await scene.upload(CAT, mirrored=True), await scene.upload(DOG, mirrored=True)
        whole = scene.path(cat).read_bytes(), scene.path(dog).read_bytes()
        damage(scene.path(cat))
        scene.path(dog).unlink()
        await scene.index.mirror_queue.requeue(dog.generation)
        assert await verify(scene) == {"corrupt": "1/0", "missing": "1/0"}
        assert await verify(scene, repair=True) == {"corrupt": "1/1", "missing": "1/1"}
        assert (scene.path(cat).read_bytes(), scene.path(dog).read_bytes()) == whole
        assert await verify(scene, mirror=True) == {}

    play(database, scenario, FakeMirror())


@databases
def test_what_is_wrong_in_the_mirror_is_put_there_again(database: Database) -> None:
    """A copy that is damaged or gone; not from a file that is damaged as well."""

    async def scenario(scene: Scene) -> None:
        mirror = scene.mirror
        assert mirror is not None
        cat, dog = await scene.upload(CAT, mirrored=True), await scene.upload(DOG, mirrored=True)
        mirror.objects[mirror.key(cat)] = mirror.objects[mirror.key(cat)][:-1] + b"?"
        del mirror.objects[mirror.key(dog)]
        assert await verify(scene) == {}
        found = {"corrupt_copy": "1/0", "unmirrored": "1/0"}
        assert await verify(scene, mirror=True) == found
        damage(scene.path(dog))
        found = {"corrupt": "1/0", "corrupt_copy": "1/1", "unmirrored": "1/0"}
        assert await verify(scene, **ALL) == found
        assert mirror.holds(cat)
        assert mirror.objects[mirror.key(cat)] == scene.path(cat).read_bytes()

    play(database, scenario, FakeMirror())


@databases
def test_what_is_deleted_meanwhile_is_no_loss(database: Database) -> None:
    """Its row is looked at again before it counts as missing, or is brought back."""

    async def scenario(scene: Scene) -> None:
        mirror = scene.mirror
        assert mirror is not None
        lost, both = await scene.upload(CAT), await scene.upload(DOG, mirrored=True)
        for original in (lost, both):
            scene.path(original).unlink()
        rows = await scene.index.rows.after("", 10)
        report = Report()
        verification = Verification(
            rows=scene.index.rows,
            originals=scene.originals,
            mirror=mirror,
            options=Options(**ALL),
            report=report,
        )
        await scene.index.rows.delete(CAT)
        await scene.index.rows.delete(DOG)
        for row in rows:
            await verification.verify(*row)
        assert not report.tallies
        assert not scene.path(both).exists()

    play(database, scenario, FakeMirror())


@everywhere
def test_a_bucket_gives_back_what_the_disk_lost(world: World, tmp_path: Path) -> None:
    """With real servers: a damaged original is found, fetched from S3, and well."""
    with world.place() as renditions, world.place() as originals:
        keys = keys_of(renditions, originals)
        with servers.Running(tmp_path, **keys) as running:
            running.client.put_in("cat", pictures.jpeg())
            servers.until(lambda: originals.listed())
            servers.until(lambda: _noted(running))
            (path,) = running.originals
            whole = path.read_bytes()
            damage(path)

            def found(**options: Any) -> dict[str, str]:
                report = Report()
                asyncio.run(maintenance.verify(running.settings, Options(**options), report))
                assert not report.remarks
                return {k.value: f"{t.found}/{t.repaired}" for k, t in report.tallies.items()}

            assert found() == {"corrupt": "1/0"}
            assert found(repair=True) == {"corrupt": "1/1"}
            assert found(mirror=True) == {}
            assert path.read_bytes() == whole


def _noted(running: servers.Running) -> bool:
    rows = running.call(running.components.index.rows.after("", 10))
    return all(noted for _, noted in rows)


@pytest.mark.skipif(shutil.which("ionice") is None, reason="ionice is not installed")
def test_disks_serve_others_first_for_as_long_as_it_reads() -> None:
    """The thread is of the idle class meanwhile, as threads are that it starts, and then
    of the one that it was."""

    def told() -> str:
        return subprocess.run(
            ["ionice", "-p", str(threading.get_native_id())], capture_output=True, text=True
        ).stdout.strip()

    before = told()
    with idle.stepped_back() as stepped, ThreadPoolExecutor(1) as pool:
        assert stepped == (told() == "idle") == (pool.submit(told).result() == "idle")
    assert told() == before
