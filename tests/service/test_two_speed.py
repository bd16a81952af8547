"""A cold `auto` that would be AVIF: a quicker format at once, AVIF behind it."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from liveresize import errors
from liveresize.core.formats import Format, Negotiated
from liveresize.core.ports import Priority
from liveresize.core.rates import Rate
from liveresize.core.urls import RenditionRequest
from liveresize.delivery.outcomes import Bytes, Cache, Redirect
from liveresize.delivery.two_speed import TwoSpeed
from liveresize.settings.pictures import Auto

from .doubles import picture, run, turns
from .house import CAT, House, request

BEST = Negotiated(avif=True, webp=True)
NEXT = Negotiated(webp=True)


def auto(width: int = 400, offer: Negotiated = BEST, **changes: Any) -> RenditionRequest:
    """A request for `auto`, 400x300 of the usual picture."""
    return request(width, format=offer, **changes)


async def soon(house: House, asked: RenditionRequest, **how: Any) -> Bytes | Redirect:
    """What `.auto` is answered with."""
    outcome = await house.renditions.serve(asked, soon=True, **how)
    assert isinstance(outcome, Bytes | Redirect)
    return outcome


def variants(house: House) -> list[str]:
    """What was rendered, in order."""
    return [job.rendition.variant for job in house.renderer.renders]


@pytest.fixture
def house(tmp_path: Path) -> House:
    """One whose AVIF is slow from 100,000 pixels on."""
    return House(tmp_path)


def test_the_next_format_comes_first_and_the_best_one_after_it(house: House) -> None:
    """Under its own name; the next request gets what was promised."""

    async def main() -> None:
        await house.upload()
        first = await soon(house, auto(), client="c")
        assert isinstance(first, Bytes)
        assert (first.variant, first.pending) == ("400x0-auto.n", "avif")
        await turns()
        assert variants(house) == ["400x0-auto.n", "400x0-auto.aw"]
        jobs = house.renderer.errands[-2:]
        assert [job.priority for job in jobs] == [Priority.INTERACTIVE, Priority.BACKGROUND]
        assert [job.then for job in house.renderer.renders] == [auto().rendition, None]
        second = await soon(house, auto(proxy=True))
        assert isinstance(second, Bytes)
        assert (second.variant, second.pending) == ("400x0-auto.aw", "")
        assert second.cache is Cache.MEMORY
        assert await house.publisher.flush(30.0) == 0
        assert isinstance(await soon(house, auto()), Redirect)
        assert len(house.renderer.renders) == 2

    run(main)


def test_a_transparent_picture_is_webp_first_where_the_client_shows_that(house: House) -> None:
    """Else PNG, as without AVIF; what is opaque is JPEG, which is the quickest."""

    async def main() -> None:
        clear = replace(await house.upload(), has_alpha=True)
        for offer, variant in ((BEST, "400x0-auto.w"), (Negotiated(avif=True), "400x0-auto.n")):
            quicker = house.two_speed.quicker(clear, auto(offer=offer))
            assert quicker is not None
            assert quicker.rendition.variant == variant
        opaque = await house.upload()
        for changes, variant in (
            ({"radius": 9}, "400x0-rad9-auto.w"),
            ({"radius": 9, "pad": (1, 1, 1, 1)}, "400x0-rad9-pad1-auto.n"),
        ):
            quicker = house.two_speed.quicker(opaque, auto(**changes))
            assert quicker is not None
            assert quicker.rendition.variant == variant

    run(main)


@pytest.mark.parametrize(
    "asked",
    [
        auto(300),  # 300x225 pixels are quickly made
        auto(offer=NEXT),
        request(400, format=Format.AVIF),
        request(400),
    ],
    ids=["small", "no AVIF", "explicit AVIF", "JPEG"],
)
def test_what_is_not_slow_is_made_at_once(house: House, asked: RenditionRequest) -> None:
    """Nor is what was asked for by its name."""

    async def main() -> None:
        await house.upload()
        outcome = await soon(house, asked)
        assert isinstance(outcome, Bytes)
        assert (outcome.variant, outcome.pending) == (asked.rendition.variant, "")
        await turns()
        assert len(house.renderer.renders) == 1

    run(main)


@pytest.mark.parametrize(
    ("auto_keys", "most"), [({"two_speed": False}, 6_000_000), ({}, 100_001)], ids=["off", "most"]
)
def test_settings_decide(tmp_path: Path, auto_keys: dict[str, Any], most: int) -> None:
    """Off, or above the pixels from which `auto` is never AVIF, there is one speed."""

    async def main() -> None:
        house = House(tmp_path, two_speed=TwoSpeed(Auto(**auto_keys), most))
        await house.upload()
        outcome = await soon(house, auto())
        assert isinstance(outcome, Bytes)
        assert (outcome.variant, outcome.pending) == ("400x0-auto.aw", "")

    run(main)


def test_a_moving_picture_has_one_speed(house: House) -> None:
    """It is WebP or GIF already; its first frame alone is a still."""

    async def main() -> None:
        original = replace(await house.upload(), frames=3)
        assert house.two_speed.quicker(original, auto()) is None
        assert house.two_speed.quicker(original, auto(animate=False)) is not None

    run(main)


def test_whoever_asks_for_the_variant_itself_waits_for_it(house: House) -> None:
    """An object's key means these bytes and no others; the job is joined and promoted."""

    async def main() -> None:
        await house.upload()
        house.renderer.turn.clear()
        waiting = asyncio.create_task(soon(house, auto(), client="c"))
        await turns()
        house.renderer.turn.set()
        await waiting
        house.renderer.turn.clear()
        await turns()
        (job,) = house.renderer.errands[2:]
        assert job.priority == Priority.BACKGROUND
        exact = asyncio.create_task(house.get(auto(proxy=True)))
        await turns()
        assert [each.priority for each in house.renderer.errands[2:]] == [Priority.INTERACTIVE]
        again = await soon(house, auto(proxy=True), client="d")
        assert isinstance(again, Bytes)
        assert (again.variant, again.pending) == ("400x0-auto.n", "avif")
        house.renderer.turn.set()
        assert (await exact).variant == "400x0-auto.aw"
        assert len(house.renderer.renders) == 2

    run(main)


def test_many_at_once_are_two_renders(house: House) -> None:
    """One of each format, and one look into the index for the better one."""

    async def main() -> None:
        await house.upload()
        house.forget_all()
        outcomes = await asyncio.gather(*(soon(house, auto()) for _ in range(50)))
        assert {outcome.pending for outcome in outcomes} == {"avif"}
        await turns()
        assert variants(house) == ["400x0-auto.n", "400x0-auto.aw"]

    run(main)


def test_it_is_charged_to_the_client_and_left_where_that_is_too_much(tmp_path: Path) -> None:
    """The first answer counts before the better one; a later request tries again."""

    async def main() -> None:
        house = House(tmp_path, rates=Rate(per_second=0.001, burst=1))
        await house.upload()
        first = await soon(house, auto(), client="c")
        assert first.pending == "avif"
        await turns()
        assert variants(house) == ["400x0-auto.n"]
        other = await soon(house, auto(), client="d")
        assert other.pending == "avif"
        await turns()
        assert variants(house) == ["400x0-auto.n", "400x0-auto.aw"]
        assert (await soon(house, auto(), client="c")).pending == ""

    run(main)


@pytest.mark.parametrize("trouble", [errors.QueueFull, errors.WaitTimeout, errors.RenderTimeout])
def test_what_keeps_it_from_being_made_is_no_failure(
    house: House, trouble: type[errors.LiveResizeError]
) -> None:
    """Not of the answer, which is out, and nothing is left behind."""

    async def main() -> None:
        await house.upload()
        before = asyncio.all_tasks()
        await house.get(auto(offer=Negotiated()))
        house.renderer.failure = trouble()
        assert (await soon(house, auto())).pending == "avif"
        await turns()
        assert await house.publisher.flush(30.0) == 0
        assert asyncio.all_tasks() == before
        house.renderer.failure = None
        assert (await soon(house, auto())).pending == "avif"
        await turns()
        assert (await soon(house, auto())).pending == ""

    run(main)


def test_a_picture_deleted_meanwhile_stays_deleted(house: House) -> None:
    """What is made behind the answer belongs to its generation."""

    async def main() -> None:
        await house.upload()
        house.renderer.gate.clear()
        waiting = asyncio.create_task(soon(house, auto()))
        await turns()
        house.renderer.gate.set()
        await waiting
        await house.purge.delete(CAT)
        await turns()
        assert await house.publisher.flush(30.0) == 0
        with pytest.raises(errors.OriginalMissing):
            await soon(house, auto())
        await house.upload(data=picture(soul="another"))
        made = await soon(house, auto())
        assert isinstance(made, Bytes)
        assert made.held.data.endswith(picture(soul="another"))
        await turns()

    run(main)
