"""Pictures in buckets that another service may use: what upkeep may not touch there."""

from collections.abc import AsyncIterator

from service.doubles import picture
from storage import worlds

from liveresize.core.names import ImageId
from liveresize.core.originals import Original
from liveresize.maintenance.reconcile.parts import Parts
from liveresize.maintenance.reconcile.pictures import IN_BUCKETS
from liveresize.maintenance.reconcile.rows import NO_MIRROR

from .scenes import ADOPT, CAT, REMOVE, REPAIR, Scene, TellingMirror, play

LEGACY = ImageId("legacy", "pets")


class BucketsAlone(TellingMirror):
    """A mirror of buckets, none of which is listed: the main namespace has no mirror."""

    def takes(self, image: ImageId) -> bool:
        return bool(image.bucket)

    def key(self, original: Original) -> str:
        return original.image.key

    async def entries(self) -> AsyncIterator[tuple[str, int]]:
        nothing: tuple[tuple[str, int], ...] = ()
        for entry in nothing:
            yield entry


def apart(scene: Scene) -> Parts:
    """The parts of an installation whose buckets are another service's as well."""
    return scene.with_parts(apart=True)


def test_strays_are_removed_here_alone() -> None:
    """That a row is missing here says nothing of what is in the bucket."""
    buckets = BucketsAlone()

    async def scenario(scene: Scene) -> None:
        original = await scene.upload(LEGACY, mirrored=True)
        await scene.index.rows.end(original)
        await scene.reconcile(apart(scene), **REMOVE)
        assert not scene.path(original).exists()
        assert list(buckets.objects) == [LEGACY.key]

    play(worlds.sqlite_url, scenario, buckets)


def test_what_is_lost_is_not_given_up() -> None:
    """Every server would hear of it, and empty the bucket of that picture."""

    async def scenario(scene: Scene) -> None:
        original = await scene.file(LEGACY)
        await scene.index.rows.adopt(original, mirrored=True)
        scene.path(original).unlink()
        found = await scene.reconcile(apart(scene), **REPAIR)
        assert found == {"lost": "1/0", "unmirrored": "1/1"}
        assert scene.report.remarks == [IN_BUCKETS]
        assert await scene.row(LEGACY) == original.generation
        assert await scene.index.purges.since(0) == []

    play(worlds.sqlite_url, scenario, BucketsAlone())


def test_what_is_not_noted_is_not_lost() -> None:
    """Nothing is listed there: whether a bucket has a picture is asked of each."""

    async def scenario(scene: Scene) -> None:
        original = await scene.upload(LEGACY, mirrored=True)
        scene.path(original).unlink()
        await scene.index.mirror_queue.requeue(original.generation)
        assert await scene.reconcile(apart(scene), **REPAIR) == {"unnoted": "1/1"}
        await scene.clean(parts=apart(scene), **REPAIR)

    play(worlds.sqlite_url, scenario, BucketsAlone())


def test_another_picture_under_that_id_stays() -> None:
    """The row is not told to supply its own: that would replace it."""
    buckets = BucketsAlone()

    async def scenario(scene: Scene) -> None:
        original = await scene.upload(LEGACY, mirrored=True)
        buckets.objects[LEGACY.key] = picture(soul="another")
        assert await scene.reconcile(apart(scene), **ADOPT) == {"unmirrored": "1/0"}
        assert await scene.said_mirrored(original)

    play(worlds.sqlite_url, scenario, buckets)


def test_a_file_is_not_adopted_over_another_picture() -> None:
    """It would be put in its place by the next server that supplies what is missing."""
    buckets = BucketsAlone()

    async def scenario(scene: Scene) -> None:
        original = await scene.file(LEGACY)
        buckets.objects[LEGACY.key] = picture(soul="another")
        assert await scene.reconcile(apart(scene), **ADOPT) == {"unrecorded": "1/0"}
        assert await scene.row(LEGACY) == ""
        assert scene.path(original).exists()
        del buckets.objects[LEGACY.key]
        assert await scene.reconcile(apart(scene), **ADOPT) == {"unrecorded": "1/1"}
        assert await scene.row(LEGACY) == original.generation

    play(worlds.sqlite_url, scenario, buckets)


def test_a_mirror_that_is_not_configured_any_more() -> None:
    """That buckets have one does not mean that what the main namespace had is lost."""

    async def scenario(scene: Scene) -> None:
        assert scene.mirror is not None
        original = await scene.mirror_only(CAT, row=True)
        found = await scene.reconcile(repair=True, alone=True)
        assert found == {"lost": "1/0"}
        assert scene.report.remarks == [NO_MIRROR]
        assert await scene.row(CAT) == original.generation
        assert await scene.said_mirrored(original)
        assert (await scene.reconcile(**REPAIR))["lost"] == "1/1"

    play(worlds.sqlite_url, scenario, BucketsAlone())
