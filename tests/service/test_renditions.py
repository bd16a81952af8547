"""From a request to its answer: where the bytes come from, and what may be said of them."""

import asyncio
from pathlib import Path

import pytest

from liveresize import errors
from liveresize.core.formats import Negotiated
from liveresize.core.geometry import Bounds
from liveresize.core.names import ImageId
from liveresize.core.originals import Link
from liveresize.core.ports import Selection
from liveresize.core.values import Fit
from liveresize.delivery import rendition_loader
from liveresize.delivery.outcomes import Bytes, Cache, HeadInfo, OutOfBounds, Redirect
from liveresize.settings import server

from .doubles import away, picture, run, turns
from .house import CAT, House, request


def test_memory_answers_before_anything_else(tmp_path: Path) -> None:
    """A hit asks neither index nor store nor worker."""

    async def main() -> None:
        house = House(tmp_path)
        await house.upload()
        await house.publish(100)
        house.index.calls.clear()
        assert isinstance(house.renditions.recall(request(100)), Redirect)
        recalled = house.renditions.recall(request(100, proxy=True))
        assert isinstance(recalled, Bytes)
        assert recalled.cache is Cache.MEMORY
        await house.find(request(100))
        assert not house.index.calls
        assert house.fake_store.reads == 0
        assert house.renditions.recall(request(99)) is None
        assert house.renditions.recall(request(100, image=ImageId("dog"))) is None

    run(main)


def test_the_index_comes_before_the_spool_and_a_render(tmp_path: Path) -> None:
    """After a restart the link is found, and counts as used."""

    async def main() -> None:
        house = House(tmp_path)
        original = await house.upload()
        await house.publish(100)
        house.forget_all()
        house.publisher.take_used()
        found = await house.find(request(100))
        assert found.url.startswith("https://store.test/cat/")
        assert house.publisher.take_used() == [(original.generation, found.link.variant)]
        assert len(house.renderer.renders) == 1

    run(main)


def test_the_store_is_read_for_who_wants_bytes(tmp_path: Path) -> None:
    """Once: then memory has them."""

    async def main() -> None:
        house = House(tmp_path)
        await house.upload()
        await house.publish(100)
        house.forget_all()
        first = await house.get(request(100, proxy=True))
        second = await house.get(request(100, proxy=True))
        assert (first.cache, second.cache) == (Cache.HIT, Cache.MEMORY)
        assert first.held.data == second.held.data
        assert house.fake_store.reads == 1
        assert len(house.renderer.renders) == 1

    run(main)


def test_the_spool_comes_before_a_render(tmp_path: Path) -> None:
    """What is not linked yet is still not made twice, and its facts are those of its bytes."""

    async def main() -> None:
        house = House(tmp_path)
        await house.upload()
        house.fake_store.failures = [errors.ObjectStoreUnavailable() for _ in range(99)]
        made = await house.get(request(100))
        assert await house.publisher.flush(0.05) == 1
        house.forget_all()
        again = await house.get(request(100))
        assert again.cache is Cache.HIT
        assert (again.held.data, again.held.mime) == (made.held.data, "image/jpeg")
        assert again.held.etag == made.held.etag
        assert len(house.renderer.renders) == 1

    run(main)


def test_an_unhealthy_store_is_not_redirected_into(tmp_path: Path) -> None:
    """Bytes are answered instead, as with delivery by proxy."""

    async def main() -> None:
        house = House(tmp_path)
        await house.upload()
        await house.publish(100)
        house.fake_store.healthy = False
        assert (await house.get(request(100))).cache is Cache.MEMORY
        house.fake_store.healthy = True
        await house.find(request(100))

    run(main)


def test_delivery_by_proxy_never_redirects(tmp_path: Path) -> None:
    """Every answer is bytes, whatever is linked."""

    async def main() -> None:
        house = House(tmp_path, redirect=False)
        await house.upload()
        await house.publish(100)
        assert (await house.get(request(100))).cache is Cache.MEMORY
        house.forget_all()
        assert (await house.get(request(100))).cache is Cache.HIT

    run(main)


def test_a_link_that_leads_nowhere_is_rendered_again(tmp_path: Path) -> None:
    """Once for all who ask, and then the link is good again."""

    async def main() -> None:
        house = House(tmp_path)
        await house.upload()
        await house.publish(100)
        house.fake_store.objects.clear()
        house.forget_all()
        asked = [house.get(request(100, proxy=True)) for _ in range(20)]
        answers = await asyncio.gather(*asked)
        assert sorted({answer.cache for answer in answers}) == [Cache.COALESCED, Cache.MISS]
        assert len(house.renderer.renders) == 2
        assert await house.publisher.flush(30.0) == 0
        house.forget_all()
        assert (await house.get(request(100, proxy=True))).cache is Cache.HIT

    run(main)


def test_a_store_that_cannot_be_read_costs_a_render(tmp_path: Path) -> None:
    """Its being away is no reason to fail, and the link stays."""

    async def main() -> None:
        house = House(tmp_path)
        await house.upload()
        await house.publish(100)
        house.forget_all()

        async def read(link: Link) -> bytes | None:
            raise errors.ObjectStoreUnavailable

        house.fake_store.read = read  # type: ignore[method-assign]
        assert (await house.get(request(100, proxy=True))).cache is Cache.MISS
        assert await house.publisher.flush(30.0) == 0

    run(main)


def test_a_link_past_its_time_comes_back_behind_an_answer(tmp_path: Path) -> None:
    """Memory answers at once with the bytes, and with a redirect as soon as it may again."""

    async def main() -> None:
        house = House(tmp_path)
        await house.upload()
        await house.publish(100)
        house.clock.now += 61.0
        house.index.calls.clear()
        recalled = house.renditions.recall(request(100))
        assert isinstance(recalled, Bytes)
        await turns()
        assert isinstance(house.renditions.recall(request(100)), Redirect)
        assert house.index.calls == {"links.of": 1}
        assert house.publisher.take_used()

    run(main)


def test_the_index_is_rarely_asked_behind_answers(tmp_path: Path) -> None:
    """Every five seconds for one picture, and for none while it does not answer."""

    async def main() -> None:
        house = House(tmp_path, max_variants=0)
        dog = ImageId("dog")
        await house.upload()
        await house.upload(dog)
        await house.publish(100)
        await house.publish(100, image=dog)
        house.clock.now += 10.0
        house.index.calls.clear()
        for _ in range(20):
            assert isinstance(house.renditions.recall(request(100)), Bytes)
            await turns(3)
        assert house.index.calls["links.of"] == 1
        house.clock.now += 5.0
        house.index.available = False
        for _ in range(20):
            house.renditions.recall(request(100))
            await turns()
            house.renditions.recall(request(100, image=dog))
        assert house.index.calls["links.of"] == 2
        house.index.available = True
        house.clock.now += 5.0
        house.renditions.recall(request(100, image=dog))
        await turns()
        assert house.index.calls["links.of"] == 3

    run(main)


def test_bytes_that_are_wanted_lead_to_no_question(tmp_path: Path) -> None:
    """Where nothing is redirected, links past their time are in nobody's way."""

    async def main() -> None:
        house = House(tmp_path)
        await house.upload()
        await house.publish(100)
        house.clock.now += 61.0
        house.index.calls.clear()
        house.renditions.recall(request(100, proxy=True))
        house.fake_store.healthy = False
        house.renditions.recall(request(100))
        await turns()
        assert not house.index.calls

    run(main)


def test_without_the_index_old_links_will_do(tmp_path: Path) -> None:
    """A link past its time is used while nobody can confirm it, and asked for otherwise."""

    async def main() -> None:
        house = House(tmp_path, cache=server.Cache(memory_bytes=0))
        await house.upload()
        await house.publish(100)
        await house.find(request(100))
        assert house.index.calls["links.of"] == 1
        house.clock.now += 61.0
        assert house.renditions.recall(request(100)) is None
        house.index.available = False
        await house.find(request(100))
        assert house.index.calls["links.of"] == 2
        assert len(house.renderer.renders) == 1

    run(main)


def test_all_sizes_of_a_picture_cost_one_question(tmp_path: Path) -> None:
    """New ones and linked ones, asked for in the same moment, and what follows soon."""

    async def main() -> None:
        house = House(tmp_path)
        await house.upload()
        await house.publish(200, 300)
        house.forget_all()
        await house.original_lookup.get(CAT)
        house.index.calls.clear()
        widths = (100, 200, 110, 300, 120, 130, 140, 150)
        served = [house.renditions.serve(request(width)) for width in widths]
        outcomes = await asyncio.gather(*served)
        found = [isinstance(outcome, Redirect) for outcome in outcomes]
        assert found == [width in (200, 300) for width in widths]
        await house.get(request(160))
        assert house.index.calls["links.of"] == 1
        assert house.index.calls["links.find"] == 0
        assert await house.publisher.flush(30.0) == 0
        house.clock.now += 6.0
        await house.get(request(170))
        assert house.index.calls["links.of"] == 2
        assert await house.publisher.flush(30.0) == 0

    run(main)


def test_a_link_of_another_instance_is_found_when_the_list_is_old(tmp_path: Path) -> None:
    """It counts for seconds, or until something of the picture is purged."""

    async def main() -> None:
        here = House(tmp_path / "here")
        there = House(tmp_path / "there", index=here.index, store=here.store)
        await here.upload()
        await there.renditions.known(request(100))
        await here.publish(100, 50)
        assert isinstance(await there.renditions.known(request(100)), HeadInfo)
        assert (await there.renditions.known(request(100))).link is None
        there.clock.now += 5.0
        assert (await there.renditions.known(request(100))).link is not None
        await here.purge.purge(Selection(image=CAT), 10)
        await there.purge.listen()
        assert (await there.renditions.known(request(50))).link is None

    run(main)


def test_a_picture_with_many_links_is_asked_for_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is not among those that were read may be there nevertheless."""
    monkeypatch.setattr(rendition_loader, "_LISTED", 3)

    async def main() -> None:
        house = House(tmp_path)
        await house.upload()
        widths = (100, 110, 120, 130, 140)
        await house.publish(*widths)
        house.forget_all()
        house.index.calls.clear()
        for width in widths:
            await house.find(request(width))
        await house.get(request(150))
        assert house.index.calls["links.of"] == 1
        assert house.index.calls["links.find"] == 3
        assert await house.publisher.flush(30.0) == 0

    run(main)


def test_memory_refuses_variants_that_a_picture_has_no_room_for(tmp_path: Path) -> None:
    """As the index has said a moment ago: nothing is stored first."""

    async def main() -> None:
        house = House(tmp_path, max_variants=2)
        await house.upload()
        await house.publish(100, 110)
        house.forget_all()
        house.story.clear()
        await house.get(request(120))
        assert await house.publisher.flush(30.0) == 0
        assert house.publisher.refused == 1
        assert "publish" not in house.story

    run(main)


def test_without_the_index_pictures_are_found_on_disk_and_rendered(tmp_path: Path) -> None:
    """Nothing is adopted meanwhile, and the link follows when the index is back."""

    async def main() -> None:
        house = House(tmp_path)
        original = await house.upload()
        house.forget_all()
        house.index.available = False
        made = await house.get(request(100))
        assert made.original.generation == original.generation
        assert house.index.calls["rows.adopt"] == 0
        with pytest.raises(errors.IndexUnavailable):
            await house.get(request(100, image=ImageId("dog")))
        house.index.available = True
        assert await house.publisher.flush(30.0) == 0
        assert house.publisher.published == 1

    run(main)


def test_what_is_too_large_is_sent_elsewhere(tmp_path: Path) -> None:
    """The box, the result, or the limit of the format: no work, and the way to what may be."""

    async def main() -> None:
        house = House(tmp_path, bounds=Bounds(300, 300))
        await house.upload()
        for asked in (request(400), request(300, height=301, fit=Fit.COVER), request(0)):
            outcome = await house.renditions.serve(asked)
            assert isinstance(outcome, OutOfBounds), asked
            assert "300x300" in outcome.reason
            known = await house.renditions.known(asked)
            assert known == outcome
        outcome = await house.renditions.serve(request(400))
        assert isinstance(outcome, OutOfBounds)
        assert outcome.url == "/cat_300_0.jpg"
        assert not house.renderer.renders

    run(main)


def test_fresh_renders_and_keeps_nothing(tmp_path: Path) -> None:
    """Whatever is cached: not read, not replaced, not published."""

    async def main() -> None:
        house = House(tmp_path)
        await house.upload()
        await house.publish(100)
        made = await house.get(request(100), fresh=True)
        assert made.cache is Cache.BYPASS
        assert len(house.renderer.renders) == 2
        await house.get(request(90), fresh=True)
        assert house.publisher.backlog == 0
        assert house.renditions.recall(request(90)) is None

    run(main)


def test_a_render_tells_what_it_took(tmp_path: Path) -> None:
    """Timings come with the bytes, milliseconds each."""

    async def main() -> None:
        house = House(tmp_path)
        await house.upload()
        made = await house.get(request(120, height=100, fit=Fit.CROP))
        assert made.timings is not None
        assert (made.timings.decode, made.timings.resize, made.timings.encode) == (1.0, 2.0, 3.0)
        assert made.timings.queue >= 0.0
        assert await house.publisher.flush(30.0) == 0

    run(main)


def test_head_knows_without_work(tmp_path: Path) -> None:
    """Nothing is rendered or read; what is linked or held is told."""

    async def main() -> None:
        house = House(tmp_path)
        original = await house.upload()
        known = await house.renditions.known(request(100))
        assert isinstance(known, HeadInfo)
        assert (known.original, known.mime) == (original, "image/jpeg")
        assert (known.link, known.held) == (None, None)
        negotiated = await house.renditions.known(request(100, format=Negotiated()))
        assert isinstance(negotiated, HeadInfo)
        assert negotiated.mime == ""
        assert not house.renderer.renders
        await house.publish(100)
        known = await house.renditions.known(request(100))
        assert isinstance(known, HeadInfo)
        assert known.link is not None
        assert known.held is not None
        assert house.fake_store.reads == 0

    run(main)


def test_head_does_without_the_index(tmp_path: Path) -> None:
    """While it is away a HEAD tells what memory knows."""

    async def main() -> None:
        house = House(tmp_path)
        await house.upload()
        house.index.before["links.of"] = away()
        await house.renditions.known(request(100))
        house.memory.forget(CAT)
        house.index.available = False
        known = await house.renditions.known(request(100))
        assert isinstance(known, HeadInfo)
        assert known.link is None

    run(main)


def test_two_pictures_never_meet(tmp_path: Path) -> None:
    """The same variant of two originals is two renders with bytes of their own."""

    async def main() -> None:
        house = House(tmp_path)
        dog = ImageId("dog")
        await house.upload(CAT, picture(soul="cat"))
        await house.upload(dog, picture(soul="dog"))
        cats = await house.get(request(100))
        dogs = await house.get(request(100, image=dog))
        assert cats.held.data.endswith(b":cat")
        assert dogs.held.data.endswith(b":dog")
        assert await house.publisher.flush(30.0) == 0

    run(main)
