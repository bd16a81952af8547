"""What is answered to the URL of a picture: renditions, originals, facts."""

import dataclasses
from pathlib import Path

import pytest

from liveresize import errors
from liveresize.core import urls
from liveresize.core.geometry import Bounds
from liveresize.core.jobs import OrientationJob
from liveresize.core.operation import UrlRules
from liveresize.core.urls import FactsRequest, OriginalRequest, PictureRequest
from liveresize.core.values import Quality
from liveresize.delivery.outcomes import Bytes, Cache, HeadInfo, OriginalFile, OutOfBounds, Redirect
from liveresize.settings.pictures import Originals

from .doubles import away, picture, run
from .house import CAT, House, request

RULES = UrlRules(quality=Quality.of(80), blur=70, enlarge=True)


def parsed(target: str) -> PictureRequest:
    """A request as the web would make it."""
    return urls.parse(target, "*/*", RULES)


def original_request(target: str) -> OriginalRequest:
    """A request for an original, as the web would make it."""
    asked = parsed(target)
    assert isinstance(asked, OriginalRequest)
    return asked


def test_an_original_is_its_stored_bytes(tmp_path: Path) -> None:
    """Where its own format, or none, is asked for, and nothing that would change it."""

    async def main() -> None:
        house = House(tmp_path)
        original = await house.upload()
        for target in ("/cat", "/cat.jpg", "/cat.JPEG"):
            outcome = await house.pictures.serve(original_request(target))
            assert isinstance(outcome, OriginalFile)
            assert outcome.path == house.originals.path(original)
            assert outcome.held is not None
            assert outcome.held.data == outcome.path.read_bytes()
            recalled = house.pictures.recall(original_request(target))
            assert recalled == dataclasses.replace(outcome, cache=Cache.MEMORY)
            known = await house.pictures.known(original_request(target))
            assert isinstance(known, HeadInfo)
            assert known.stored == house.originals.path(original)
        assert not house.renderer.renders

    run(main)


@pytest.mark.parametrize("target", ["/cat.png", "/cat.jpg?rotate=90", "/cat?quality=50"])
def test_a_changed_original_is_a_rendition_of_its_own_size(tmp_path: Path, target: str) -> None:
    """Another format, an option: made, kept and linked like any rendition."""

    async def main() -> None:
        house = House(tmp_path)
        await house.upload()
        known = await house.pictures.known(original_request(target))
        assert isinstance(known, HeadInfo)
        assert (known.stored, known.link) == (None, None)
        outcome = await house.pictures.serve(original_request(target))
        assert isinstance(outcome, Bytes)
        assert outcome.variant.startswith("0x0")
        assert await house.publisher.flush(30.0) == 0
        assert isinstance(await house.pictures.serve(original_request(target)), Redirect)

    run(main)


def test_stored_bytes_with_metadata_are_sent_only_where_configured(tmp_path: Path) -> None:
    """By default the answer is a rendition, which carries none."""

    async def main() -> None:
        dirty = picture(soul="dirty")
        house = House(tmp_path / "clean")
        await house.upload(data=dirty)
        outcome = await house.pictures.serve(original_request("/cat.jpg"))
        assert isinstance(outcome, Bytes)
        assert await house.publisher.flush(30.0) == 0
        keeping = House(tmp_path / "keep", originals=Originals(metadata="keep"))
        await keeping.upload(data=dirty)
        assert isinstance(await keeping.pictures.serve(original_request("/cat.jpg")), OriginalFile)

    run(main)


def test_originals_may_be_private(tmp_path: Path) -> None:
    """They and their facts are missing then; renditions are not."""

    async def main() -> None:
        house = House(tmp_path, originals=Originals(public=False))
        await house.upload()
        for ask in (
            house.pictures.serve(original_request("/cat.jpg")),
            house.pictures.known(original_request("/cat.png")),
            house.pictures.describe(CAT),
        ):
            with pytest.raises(errors.OriginalMissing):
                await ask
        assert isinstance(await house.pictures.serve(request(100)), Bytes)
        assert await house.publisher.flush(30.0) == 0

    run(main)


def test_an_original_that_is_too_large_is_sent_elsewhere(tmp_path: Path) -> None:
    """Converting at full size has the bounds of any rendition; stored bytes have none."""

    async def main() -> None:
        house = House(tmp_path, bounds=Bounds(300, 300))
        await house.upload()
        outcome = await house.pictures.serve(original_request("/cat.png"))
        assert isinstance(outcome, OutOfBounds)
        assert outcome.url == "/cat_300_0.png"
        assert isinstance(await house.pictures.serve(original_request("/cat.jpg")), OriginalFile)

    run(main)


def test_a_picture_is_shown_if_anybody_may_have_it(tmp_path: Path) -> None:
    """And the index knows it: not a private one, nor a file that may be a deleted picture."""

    async def main() -> None:
        house = House(tmp_path)
        assert not await house.pictures.is_shown(CAT)
        await house.upload()
        assert await house.pictures.is_shown(CAT)
        private = House(tmp_path / "private", originals=Originals(public=False))
        await private.upload()
        assert not await private.pictures.is_shown(CAT)
        house.memory.clear()
        house.index.before["rows.find"] = away()
        assert not await house.pictures.is_shown(CAT)

    run(main)


def test_facts_are_told(tmp_path: Path) -> None:
    """What the index says of the original; nothing is remembered of it for hits."""

    async def main() -> None:
        house = House(tmp_path)
        original = await house.upload()
        assert parsed("/cat.json") == FactsRequest(CAT)
        assert await house.pictures.describe(CAT) == original
        assert house.pictures.recall(FactsRequest(CAT)) is None
        assert house.pictures.recall(original_request("/cat.jpg")) is None
        assert house.pictures.recall(request(100)) is None

    run(main)


def test_an_original_is_looked_at_once_for_its_orientation(tmp_path: Path) -> None:
    """Memory answers from then on; only what is asked for with its extension is turned."""

    async def main() -> None:
        house = House(tmp_path, originals=Originals(upright=True), bounds=Bounds(1, 1))
        await house.upload()
        house.renderer.orientation = 6
        assert house.pictures.recall(original_request("/cat.jpg")) is None
        first = await house.pictures.serve(original_request("/cat.jpg"))
        assert isinstance(first, Bytes)
        assert isinstance(await house.pictures.serve(original_request("/cat")), OriginalFile)
        assert house.pictures.recall(original_request("/cat.jpg")) is not None
        assert isinstance(await house.pictures.known(original_request("/cat.jpg")), HeadInfo)
        looks = [job for job in house.renderer.jobs if isinstance(job, OrientationJob)]
        assert (len(looks), len(house.renderer.renders)) == (1, 1)
        assert isinstance(await house.pictures.serve(original_request("/cat.png")), OutOfBounds)

    run(main)


def test_an_original_that_cannot_be_looked_at_is_as_stored(tmp_path: Path) -> None:
    """Its bytes are all that there is of it."""

    async def main() -> None:
        house = House(tmp_path, originals=Originals(upright=True))
        await house.upload()
        house.renderer.failure = errors.UnreadableImage()
        outcome = await house.pictures.serve(original_request("/cat.jpg"))
        assert isinstance(outcome, OriginalFile)
        assert house.pictures.recall(original_request("/cat.jpg")) is not None

    run(main)
