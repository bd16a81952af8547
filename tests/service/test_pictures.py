"""The door for pictures: originals, facts, and objects of the embedded store."""

import dataclasses
from pathlib import Path
from urllib.parse import unquote

import pytest

from liveresize import errors
from liveresize.domain import urls
from liveresize.domain.geometry import Bounds
from liveresize.domain.names import ImageId
from liveresize.domain.parameters import UrlRules
from liveresize.domain.rendition import Quality
from liveresize.domain.urls import FactsRequest, OriginalRequest, PictureRequest
from liveresize.service.outcomes import Bytes, Cache, Found, Known, OutOfBounds, Stored
from liveresize.service.pictures import PicturesOptions
from liveresize.service.rates import RateOptions

from .doubles import picture, run
from .house import CAT, House, disk_store, request

RULES = UrlRules(quality=Quality.of(80), blur=70, enlarge=True)


def parsed(target: str) -> PictureRequest:
    """A request as the web would make it."""
    return urls.parse(target, "*/*", RULES)


def original_request(target: str) -> OriginalRequest:
    """A request for an original, as the web would make it."""
    asked = parsed(target)
    assert isinstance(asked, OriginalRequest)
    return asked


async def key_of(house: House, width: int = 100) -> str:
    """The key of a published rendition, out of the URL that a client is sent to."""
    await house.publish(width)
    found = await house.find(request(width))
    return unquote(found.url.removeprefix("/_renditions/"))


def test_an_original_is_its_stored_bytes(tmp_path: Path) -> None:
    """Where its own format, or none, is asked for, and nothing that would change it."""

    async def main() -> None:
        house = House(tmp_path)
        original = await house.upload()
        for target in ("/cat", "/cat.jpg", "/cat.JPEG"):
            outcome = await house.pictures.serve(original_request(target))
            assert isinstance(outcome, Stored)
            assert outcome.path == house.originals.path(original)
            assert outcome.held is not None
            assert outcome.held.data == outcome.path.read_bytes()
            recalled = house.pictures.recall(original_request(target))
            assert recalled == dataclasses.replace(outcome, cache=Cache.MEMORY)
            known = await house.pictures.known(original_request(target))
            assert isinstance(known, Known)
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
        assert isinstance(known, Known)
        assert (known.stored, known.link) == (None, None)
        outcome = await house.pictures.serve(original_request(target))
        assert isinstance(outcome, Bytes)
        assert outcome.variant.startswith("0x0")
        assert await house.publisher.flush(30.0) == 0
        assert isinstance(await house.pictures.serve(original_request(target)), Found)

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
        keeping = House(tmp_path / "keep", pictures=PicturesOptions(keep_metadata=True))
        await keeping.upload(data=dirty)
        assert isinstance(await keeping.pictures.serve(original_request("/cat.jpg")), Stored)

    run(main)


def test_originals_may_be_private(tmp_path: Path) -> None:
    """They and their facts are missing then; renditions are not."""

    async def main() -> None:
        house = House(tmp_path, pictures=PicturesOptions(public_originals=False))
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
        assert isinstance(await house.pictures.serve(original_request("/cat.jpg")), Stored)

    run(main)


def test_an_unknown_extension_is_blamed_where_the_picture_is_there(tmp_path: Path) -> None:
    """`cat.bmp` is a bad URL while there is `cat`, and just missing while there is not."""

    async def main() -> None:
        house = House(tmp_path)
        with pytest.raises(errors.OriginalMissing):
            await house.pictures.serve(original_request("/cat.bmp"))
        await house.upload()
        with pytest.raises(errors.MalformedUrl, match=r"`\.bmp`"):
            await house.pictures.serve(original_request("/cat.bmp"))
        with pytest.raises(errors.OriginalMissing):
            await house.pictures.serve(original_request("/cat.12"))

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


def test_a_redirect_leads_to_its_object(tmp_path: Path) -> None:
    """From memory, from the disk after a restart, and the same bytes each time."""

    async def main() -> None:
        house = House(tmp_path, store=disk_store(tmp_path))
        await house.upload()
        key = await key_of(house)
        recalled = house.pictures.recall_object(key)
        assert recalled is not None
        assert (recalled.image, recalled.cache) == (CAT, Cache.MEMORY)
        house.forget_all()
        assert house.pictures.recall_object(key) is None
        stored = await house.pictures.stored_object(key)
        assert stored.cache is Cache.HIT
        assert stored.held.data == recalled.held.data
        assert house.pictures.recall_object(key) is not None
        assert len(house.renderer.renders) == 1

    run(main)


def test_an_object_that_made_room_is_rendered_again(tmp_path: Path) -> None:
    """A browser that holds the redirect still gets its picture, and it is kept again."""

    async def main() -> None:
        house = House(tmp_path, store=disk_store(tmp_path), disk_bytes=1)
        await house.upload()
        key = await key_of(house)
        await house.purge.tidy()
        assert not [path for path in (tmp_path / "renditions").rglob("*") if path.is_file()]
        assert house.pictures.recall_object(key) is None
        again = await house.pictures.stored_object(key)
        assert again.cache is Cache.MISS
        assert await house.publisher.flush(30.0) == 0
        house.forget_all()
        assert (await house.pictures.stored_object(key)).cache is Cache.HIT

    run(main)


def test_a_key_cannot_ask_for_more_than_a_url_can(tmp_path: Path) -> None:
    """A variant beyond the bounds is no object, and no render."""

    async def main() -> None:
        house = House(tmp_path, store=disk_store(tmp_path), bounds=Bounds(300, 300))
        original = await house.upload()
        variant = request(5000).rendition.variant
        with pytest.raises(errors.OriginalMissing):
            await house.pictures.stored_object(f"cat/{original.generation}/{variant}.jpg")
        assert not house.renderer.renders

    run(main)


def test_only_keys_of_the_current_generation_are_objects(tmp_path: Path) -> None:
    """Other generations, other pictures and what is no key at all are missing."""

    async def main() -> None:
        house = House(tmp_path, store=disk_store(tmp_path))
        await house.upload()
        await house.upload(ImageId("dog"))
        key = await key_of(house)
        _, generation, file = key.split("/")
        for other in (
            f"cat/{'0' * 28}/{file}",
            f"dog/{generation}/{file}",
            f"bird/{generation}/{file}",
            f"bucket/cat/{generation}/{file}",
            f"../cat/{generation}/{file}",
            f"/cat/{generation}/{file}",
            f"cat\0/{generation}/{file}",
            f"cat/{generation}/{file}.png",
            f"cat/{generation}/",
            "",
        ):
            assert house.pictures.recall_object(other) is None, other
            with pytest.raises(errors.OriginalMissing):
                await house.pictures.stored_object(other)
        await house.purge.delete(CAT)
        assert house.pictures.recall_object(key) is None
        with pytest.raises(errors.OriginalMissing):
            await house.pictures.stored_object(key)

    run(main)


def test_an_object_is_no_longer_recalled_once_its_picture_was_replaced(tmp_path: Path) -> None:
    """Even if bytes of the old generation are in memory still."""

    async def main() -> None:
        house = House(tmp_path, store=disk_store(tmp_path))
        await house.upload()
        key = await key_of(house)
        recalled = house.pictures.recall_object(key)
        assert recalled is not None
        await house.upload(data=picture(soul="new"))
        _, generation, file = key.split("/")
        house.memory.hold(generation, file.removesuffix(".jpg"), recalled.held)
        assert house.pictures.recall_object(key) is None

    run(main)


def test_the_client_of_an_object_has_its_rate(tmp_path: Path) -> None:
    """An object that must be rendered again counts like any new rendition."""

    async def main() -> None:
        rates = RateOptions(per_second=1.0, burst=1.0)
        house = House(tmp_path, store=disk_store(tmp_path), rates=rates, disk_bytes=1)
        await house.upload()
        key = await key_of(house)
        await house.purge.tidy()
        await house.get(request(50), client="one")
        with pytest.raises(errors.RateLimited):
            await house.pictures.stored_object(key, client="one")
        await house.pictures.stored_object(key, client="two")
        assert await house.publisher.flush(30.0) == 0

    run(main)
