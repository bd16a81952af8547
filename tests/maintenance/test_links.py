"""Links against objects: each finding, its repair, and that it stays so."""

import dataclasses
import os

import pytest
from storage.worlds import databases

from liveresize.core.ports import Selection
from liveresize.maintenance.reconcile.reconciliation import UNLISTED
from liveresize.storage.listings import RenditionFiles

from .scenes import CAT, DOG, REPAIR, Database, Scene, play


@databases
@pytest.mark.parametrize("torn", [False, True])
def test_a_link_without_its_object_is_dropped(database: Database, torn: bool) -> None:
    """An object of another size counts as none; other links stay. Its row stays, marked, for
    browsers that hold a redirect to it."""

    async def scenario(scene: Scene) -> None:
        original = await scene.upload()
        gone = await scene.rendition(original, "1x1-jpeg")
        kept = await scene.rendition(original, "1x1-jpeg-q50")
        if torn:
            scene.object(gone).write_bytes(b"to")
        else:
            scene.object(gone).unlink()
        assert await scene.reconcile() == {"link_without_object": "1/0"}
        assert await scene.linked(gone)
        assert await scene.reconcile(**REPAIR) == {"link_without_object": "1/1"}
        assert not await scene.linked(gone)
        assert await scene.index.links.was_purged(gone.generation, gone.variant)
        assert await scene.linked(kept)
        await scene.clean()

    play(database, scenario)


@databases
def test_an_object_without_a_link_is_removed(database: Database) -> None:
    """Of a picture that stands, of one that does not, and one half-written; no young ones."""

    async def scenario(scene: Scene) -> None:
        original = await scene.upload()
        kept = await scene.rendition(original, "1x1-jpeg")
        idle = await scene.rendition(original, "2x2-jpeg", linked=False)
        over = await scene.rendition(await scene.original(DOG), linked=False)
        young = await scene.rendition(original, "3x3-jpeg", linked=False)
        part = scene.object(idle).with_name("4x4-jpeg.jpg.part")
        part.write_bytes(b"half")
        os.utime(part, (1.0, 1.0))
        now = scene.clock.now
        os.utime(scene.object(young), (now, now))
        assert await scene.reconcile() == {"object_without_link": "3/0"}
        assert await scene.reconcile(**REPAIR) == {"object_without_link": "3/3"}
        there = [scene.object(link).exists() for link in (kept, idle, over, young)]
        assert there == [True, False, False, True]
        assert not part.exists()
        assert not scene.object(over).parent.exists()
        assert scene.report.young == 1
        await scene.clean()

    play(database, scenario)


@databases
def test_purged_links_wait_for_their_time(database: Database) -> None:
    """Their objects are kept for browsers that hold redirects; gone, they are no loss."""

    async def scenario(scene: Scene) -> None:
        original = await scene.upload()
        for variant in ("1x1-jpeg", "2x2-jpeg"):
            link = await scene.rendition(original, variant)
        await scene.index.links.purge(Selection(image=CAT), 9)
        scene.object(link).unlink()
        await scene.clean(**REPAIR)
        assert len(await scene.index.links.purged(-1, 9)) == 2

    play(database, scenario)


@databases
def test_links_that_lead_elsewhere_are_not_checked(database: Database) -> None:
    """They were taken over from another service, whose objects are not ours."""

    async def scenario(scene: Scene) -> None:
        original = await scene.upload()
        link = await scene.rendition(original)
        await scene.index.links.add(
            dataclasses.replace(link, variant="9x9-jpeg", key="https://cdn.test/a.jpg", size=0)
        )
        await scene.clean(**REPAIR)

    play(database, scenario)


@databases
def test_what_is_published_or_dropped_meanwhile_is_no_finding(database: Database) -> None:
    """Listings are older than links: a new one, one rendered again, one evicted."""

    async def scenario(scene: Scene) -> None:
        original = await scene.upload()
        evicted = await scene.rendition(original, "1x1-jpeg")
        linked_late = await scene.rendition(original, "2x2-jpeg", linked=False)

        class Before(RenditionFiles):
            async def entries(self):  # type: ignore[no-untyped-def]
                async for found in super().entries():
                    yield found
                await scene.rendition(original, "3x3-jpeg")
                stored = await scene.index.links.find(evicted.generation, evicted.variant)
                assert stored is not None
                await scene.index.links.forget([stored])
                await scene.store.remove([evicted])
                assert await scene.index.links.add(linked_late)

        parts = scene.with_parts(objects=Before(scene.folder / "renditions"))
        assert await scene.reconcile(parts, **REPAIR) == {}
        assert await scene.linked(linked_late)
        assert scene.object(linked_late).exists()

    play(database, scenario)


@databases
def test_a_link_that_is_added_as_its_object_goes_is_dropped_again(database: Database) -> None:
    """The window is a few milliseconds; nothing may lead to nothing all the same."""

    async def scenario(scene: Scene) -> None:
        original = await scene.upload()
        idle = await scene.rendition(original, linked=False)
        remove = scene.store.remove

        async def link_first(links):  # type: ignore[no-untyped-def]
            await scene.index.links.add(idle)
            await remove(links)

        scene.store.remove = link_first  # type: ignore[method-assign]
        await scene.reconcile(**REPAIR)
        assert not await scene.linked(idle)

    play(database, scenario)


@databases
def test_many_links_are_compared_page_by_page(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pages end anywhere, within the links of one picture too."""

    async def scenario(scene: Scene) -> None:
        monkeypatch.setattr("liveresize.maintenance.reconcile.reconciliation.PAGE", 3)
        monkeypatch.setattr("liveresize.maintenance.reconcile.links.PAGE", 2)
        monkeypatch.setattr("liveresize.maintenance.reconcile.external_sorter._ROWS", 2)
        links = []
        for name in ("a", "b", "c", "d", "e"):
            original = await scene.upload(dataclasses.replace(CAT, name=name))
            links += [await scene.rendition(original, f"{w}x1-jpeg") for w in range(5)]
        await scene.clean(**REPAIR)
        assert scene.report.looked["links"] == scene.report.looked["objects"] == 25
        for link in links[::2]:
            scene.object(link).unlink()
        await scene.rendition(original, "7x7-jpeg", linked=False)
        found = {"link_without_object": "13/13", "object_without_link": "1/1"}
        assert await scene.reconcile(**REPAIR) == found
        assert [await scene.linked(link) for link in links] == [False, True] * 12 + [False]
        await scene.clean()

    play(database, scenario)


@databases
def test_a_store_that_cannot_be_listed_is_said_to_be_left_out(database: Database) -> None:
    """Nothing is concluded about links then."""

    async def scenario(scene: Scene) -> None:
        link = await scene.rendition(await scene.upload())
        scene.object(link).unlink()
        assert await scene.reconcile(scene.with_parts(objects=None), **REPAIR) == {}
        assert scene.report.remarks == [UNLISTED]
        assert await scene.linked(link)

    play(database, scenario)
