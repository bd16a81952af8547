"""The pictures of overlays: known without a question, brought to this disk, and never stale."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from liveresize import errors
from liveresize.core.names import ImageId
from liveresize.core.originals import Original, version_of
from liveresize.core.overlay import Above, Overlay, OverlayMark
from liveresize.core.overlays import OverlayRules
from liveresize.core.urls import RenditionRequest
from liveresize.delivery.outcomes import Redirect

from .doubles import FakeStore, SteeredIndex, away, picture, run
from .house import CAT, House, request
from .mirrors import FakeMirror

BRAND = ImageId("brand")
LOGO = Overlay(name="logo", picture="brand")
RULES = OverlayRules(overlays={"logo": LOGO}, above=Above(60, "logo"))


def marked(width: int, **how: bool) -> RenditionRequest:
    """A request that has the overlay by its URL."""
    return request(width, overlay=OverlayMark("logo"), **how)


def mark_of(brand: Original) -> OverlayMark:
    """The overlay with that picture."""
    return LOGO.mark(version_of(brand.generation))


def test_a_hit_asks_nobody(tmp_path: Path) -> None:
    """Once its picture is known, a rendition with an overlay comes from memory alone; the index
    may be away, also for a new one."""

    async def main() -> None:
        house = House(tmp_path, overlays=RULES)
        brand = await house.upload(BRAND)
        await house.upload()
        wide, small = request(100, proxy=True), marked(50, proxy=True)
        for asked in (wide, small):
            made = await house.get(asked)
            assert house.renderer.renders[-1].rendition.overlay == mark_of(brand)
            house.index.calls.clear()
            recalled = house.renditions.recall(asked)
            assert recalled is not None
            assert recalled.held.data == made.held.data  # type: ignore[union-attr]
            assert not house.index.calls
        house.index.before = {f"{name}.{call}": away() for name, call in (("rows", "find"),)}
        await house.get(request(70, proxy=True))
        house.memory.forget(BRAND)
        assert house.renditions.recall(wide) is None
        house.index.before["rows.find"] = away()
        job = house.renderer.renders[-1].overlay
        assert job is not None
        Path(job.path).unlink()
        with pytest.raises(errors.IndexUnavailable):
            await house.get(request(71, proxy=True))

    run(main)


def test_its_file_is_brought_to_this_disk(tmp_path: Path) -> None:
    """Of another instance that replaced it, too, before the message arrives; where it cannot be
    had, nothing is rendered."""

    async def main() -> None:
        index, store, mirror = SteeredIndex(), FakeStore(), FakeMirror()
        store.shared = True
        here, there = (
            House(tmp_path / name, index=index, store=store, mirror=mirror, overlays=RULES)
            for name in ("here", "there")
        )
        first = await here.upload(BRAND)
        await here.upload()
        await there.get(request(100, proxy=True))
        job = there.renderer.renders[-1].overlay
        assert job is not None
        assert Path(job.path) == there.originals.path(first)
        second = await here.upload(BRAND, picture(soul="another"))
        await there.originals.remove(first)
        await there.get(request(90, proxy=True))
        assert there.renderer.renders[-1].rendition.overlay == mark_of(second)
        await there.originals.remove(second)
        mirror.answers = False
        for _ in range(2):
            with pytest.raises(errors.OverlayUnavailable) as caught:
                await there.get(request(80, proxy=True))
        assert "`logo`" in caught.value.public
        assert not [each for each in there.renderer.renders if each.rendition.width == 80]

    run(main)


@pytest.mark.parametrize("known", [True, False])
def test_without_its_picture_nothing_is_answered(tmp_path: Path, known: bool) -> None:
    """Missing, held or deleted: neither from memory nor by a link, whatever was made before."""

    async def main() -> None:
        house = House(tmp_path, overlays=RULES)
        await house.upload()
        brand = await house.upload(BRAND)
        asked = (request(100), request(100, proxy=True), marked(50), marked(50, proxy=True))
        for each in asked:
            await house.renditions.serve(each)
        assert await house.publisher.flush(30.0) == 0
        assert isinstance(await house.renditions.serve(asked[0]), Redirect)
        if not known:
            house.forget_all()
        await house.purge.delete(BRAND)
        ways: tuple[Callable[[RenditionRequest], Awaitable[object]], ...] = (
            house.renditions.serve,
            house.renditions.known,
            house.renditions.warm,
        )
        for each in asked:
            assert house.renditions.recall(each) is None
            assert not house.renditions.ready(each)
            for way in ways:
                with pytest.raises(errors.OverlayUnavailable):
                    await way(each)
        again = await house.upload(BRAND)
        assert again.generation != brand.generation
        await house.get(asked[1])
        assert house.renderer.renders[-1].rendition.overlay == mark_of(again)

    run(main)


@pytest.mark.parametrize("public", [True, False])
def test_a_public_bucket_gets_nothing_that_a_signature_freed(tmp_path: Path, public: bool) -> None:
    """Its keys can be guessed. Memory has it all the same."""

    async def main() -> None:
        house = House(tmp_path, overlays=RULES, public=public)
        await house.upload(BRAND)
        await house.upload()
        freed = RenditionRequest(
            image=CAT, rendition=request(100).rendition, extension="jpg", proxy=True, signed=True
        )
        for each in (freed, request(100), request(50)):
            await house.renditions.serve(each)
        assert await house.publisher.flush(30.0) == 0
        assert house.renditions.recall(freed) is not None
        stored = {job.rendition.variant for job in house.renderer.renders}
        if public:
            stored.remove(freed.rendition.variant)
        assert {
            key.rpartition("/")[2].rpartition(".")[0] for key in house.fake_store.objects
        } == stored

    run(main)
