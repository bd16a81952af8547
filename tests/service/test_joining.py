"""Many who want the same rendition at the same time."""

import asyncio
import itertools
import random
from pathlib import Path

import pytest

from liveresize import errors
from liveresize.core.rates import Rate
from liveresize.delivery.outcomes import Bytes, Cache, Redirect

from .doubles import run, turns
from .house import House, request


@pytest.mark.parametrize("seed", range(5))
def test_two_hundred_at_once_are_one_render(tmp_path: Path, seed: int) -> None:
    """Whatever the index takes for each of them, redirects and proxied bytes alike."""

    async def main() -> None:
        house = House(tmp_path)
        await house.upload()
        house.forget_all()
        dice = random.Random(seed)
        house.index.delays = iter(lambda: dice.uniform(0.0005, 0.02), 0.0)
        late = [dice.uniform(0.0, 0.03) for _ in range(200)]

        async def ask(number: int) -> Bytes | Redirect:
            await asyncio.sleep(late[number])
            asked = request(100, proxy=number % 2 == 0)
            outcome = await house.renditions.serve(asked, client=str(number))
            assert isinstance(outcome, Bytes | Redirect)
            return outcome

        outcomes = await asyncio.gather(*(ask(number) for number in range(200)))
        assert len(house.renderer.renders) == 1
        made = [outcome for outcome in outcomes if isinstance(outcome, Bytes)]
        assert len({outcome.held.data for outcome in made}) == 1
        assert [outcome.cache for outcome in made].count(Cache.MISS) == 1
        house.index.delays = None
        assert await house.publisher.flush(30.0) == 0

    run(main)


def test_joiners_are_told_so(tmp_path: Path) -> None:
    """One answer is MISS, the others COALESCED; whoever comes later gets HIT-MEMORY."""

    async def main() -> None:
        house = House(tmp_path)
        await house.upload()
        house.renderer.gate.clear()
        waiting = [asyncio.create_task(house.get(request(100))) for _ in range(4)]
        await house.renderer.begun.acquire()  # that of the upload
        await house.renderer.begun.acquire()
        await turns()
        house.renderer.gate.set()
        caches = [made.cache for made in await asyncio.gather(*waiting)]
        assert sorted(caches) == [Cache.COALESCED] * 3 + [Cache.MISS]
        assert (await house.get(request(100, proxy=True))).cache is Cache.MEMORY
        assert await house.publisher.flush(30.0) == 0

    run(main)


def test_a_redirect_and_a_proxied_request_share_one_render(tmp_path: Path) -> None:
    """How the answer is delivered is no part of what is made."""

    async def main() -> None:
        house = House(tmp_path)
        await house.upload()
        asked = (request(100), request(100, proxy=True))
        one, other = await asyncio.gather(*(house.get(each) for each in asked))
        assert one.held.data == other.held.data
        assert len(house.renderer.renders) == 1
        assert await house.publisher.flush(30.0) == 0

    run(main)


def test_a_failed_render_is_every_waiters_failure(tmp_path: Path) -> None:
    """All of them hear it, nothing is kept, and the next one may try again."""

    async def main() -> None:
        house = House(tmp_path)
        await house.upload()
        house.renderer.failure = errors.UnreadableImage()
        answers = await asyncio.gather(
            *(house.get(request(100)) for _ in range(5)), return_exceptions=True
        )
        assert [type(answer) for answer in answers] == [errors.UnreadableImage] * 5
        house.renderer.failure = None
        assert (await house.get(request(100))).cache is Cache.MISS
        assert len(house.renderer.renders) == 2
        assert await house.publisher.flush(30.0) == 0

    run(main)


def test_a_queued_render_goes_with_its_last_client(tmp_path: Path) -> None:
    """It is taken out of the queue; nothing is published."""

    async def main() -> None:
        house = House(tmp_path)
        await house.upload()
        house.renderer.turn.clear()
        clients = [asyncio.create_task(house.get(request(100))) for _ in range(2)]
        await house.renderer.queued.acquire()  # that of the upload
        await house.renderer.queued.acquire()
        for client in clients:
            client.cancel()
        await asyncio.wait(clients)
        house.renderer.turn.set()
        await turns()
        assert house.renderer.ended == 1  # the upload
        assert house.publisher.backlog == 0

    run(main)


def test_a_begun_render_is_kept_without_clients(tmp_path: Path) -> None:
    """The work is done anyway, so that the next one finds it."""

    async def main() -> None:
        house = House(tmp_path)
        await house.upload()
        await house.renderer.begun.acquire()
        house.renderer.gate.clear()
        client = asyncio.create_task(house.get(request(100)))
        await house.renderer.begun.acquire()
        client.cancel()
        await asyncio.wait({client})
        house.renderer.gate.set()
        await turns()
        assert await house.publisher.flush(30.0) == 0
        assert house.publisher.published == 1
        assert (await house.get(request(100, proxy=True))).cache is Cache.MEMORY

    run(main)


def test_the_first_client_may_leave_the_others_waiting(tmp_path: Path) -> None:
    """Whoever started the work is a waiter like all others, in the queue too."""

    async def main() -> None:
        house = House(tmp_path)
        await house.upload()
        house.renderer.turn.clear()
        first, second = (asyncio.create_task(house.get(request(100))) for _ in range(2))
        await house.renderer.queued.acquire()
        await house.renderer.queued.acquire()
        first.cancel()
        await asyncio.wait({first})
        house.renderer.turn.set()
        assert (await second).held.data
        assert len(house.renderer.renders) == 1
        assert await house.publisher.flush(30.0) == 0

    run(main)


def test_a_render_waits_in_the_turn_of_every_client_that_waits_for_it(tmp_path: Path) -> None:
    """Who joins it is one of its clients, and who leaves is none any more."""

    async def main() -> None:
        house = House(tmp_path)
        await house.upload()
        house.renderer.turn.clear()
        first = asyncio.create_task(house.get(request(100), client="a"))
        second = asyncio.create_task(house.get(request(100), client="b"))
        third = asyncio.create_task(house.get(request(100), client="b"))
        await house.renderer.queued.acquire()
        await turns()
        (handle,) = (each for each in house.renderer.errands if "a" in each.clients)
        assert set(handle.clients) == {"a", "b"}
        first.cancel()
        await asyncio.wait({first})
        third.cancel()
        await asyncio.wait({third})
        assert set(handle.clients) == {"b"}
        house.renderer.turn.set()
        assert (await second).held.data
        assert await house.publisher.flush(30.0) == 0

    run(main)


def test_the_rate_of_one_client_is_not_anothers(tmp_path: Path) -> None:
    """A joiner whose predecessor is over its rate renders on its own account."""

    async def main() -> None:
        house = House(tmp_path, rates=Rate(per_second=1.0, burst=1.0))
        await house.upload()
        await house.get(request(50), client="greedy")
        asked = [
            house.get(request(100), client=client) for client in ("greedy", "a", "b", "greedy")
        ]
        answers = await asyncio.gather(*asked, return_exceptions=True)
        # Whoever joins work that succeeds is not charged, greedy or not.
        assert [type(answer) for answer in answers] == [errors.RateLimited, Bytes, Bytes, Bytes]
        assert len(house.renderer.renders) == 2
        assert await house.publisher.flush(30.0) == 0

    run(main)


def test_one_client_over_its_rate_is_refused_as_often_as_it_asks(tmp_path: Path) -> None:
    """Fifty at once all hear it, without a render and without end."""

    async def main() -> None:
        house = House(tmp_path, rates=Rate(per_second=1.0, burst=1.0))
        await house.upload()
        await house.get(request(50), client="greedy")
        answers = await asyncio.gather(
            *(house.get(request(100), client="greedy") for _ in range(50)), return_exceptions=True
        )
        assert {type(answer) for answer in answers} == {errors.RateLimited}
        assert len(house.renderer.renders) == 1
        assert await house.publisher.flush(30.0) == 0

    run(main)


def test_the_rate_refills_with_time(tmp_path: Path) -> None:
    """A second later there is one more; hits were never counted."""

    async def main() -> None:
        house = House(tmp_path, rates=Rate(per_second=1.0, burst=1.0))
        await house.upload()
        for _ in range(3):
            await house.get(request(50, proxy=True), client="one")
        with pytest.raises(errors.RateLimited):
            await house.get(request(60), client="one")
        house.clock.now += 1.0
        await house.get(request(60), client="one")
        assert await house.publisher.flush(30.0) == 0

    run(main)


def test_memory_is_looked_at_in_the_step_that_joins(tmp_path: Path) -> None:
    """However the ends of renders and new requests interleave, each variant is made once."""

    async def main() -> None:
        house = House(tmp_path)
        await house.upload()
        house.index.delays = itertools.repeat(0.0)

        async def ask(number: int) -> None:
            await turns(number % 13)
            await house.renditions.serve(request(100 + number % 3))

        await asyncio.gather(*(ask(number) for number in range(300)))
        assert len(house.renderer.renders) == 3
        house.index.delays = None
        assert await house.publisher.flush(30.0) == 0

    run(main)
