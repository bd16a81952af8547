"""Renditions in the bucket end: link first, object after; what a redirect leads to is there."""

import asyncio
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from liveresize import errors
from liveresize.core.originals import Link
from liveresize.delivery import gathering
from liveresize.delivery.outcomes import Cache
from liveresize.delivery.publisher import LINKED_WITHIN, Publisher
from liveresize.storage.index.links import CLAIM

from . import house as houses
from .doubles import FakeStore, SteeredIndex, away, run, until
from .house import GRACE, request


class House(houses.House):
    """An instance whose objects stay as long as publishing needs."""

    def __init__(self, folder: Path, **keywords: Any) -> None:
        super().__init__(folder, object_delay=2 * LINKED_WITHIN, **keywords)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Attempts follow one another as fast as the loop turns."""

    def pauses(_: Publisher) -> Iterator[float]:
        return itertools.repeat(0.0)

    monkeypatch.setattr(Publisher, "_pauses", pauses)
    monkeypatch.setattr(gathering, "SECONDS", 0.0)


def check(house: House) -> None:
    """Fail if a link in use leads to nothing."""
    rows = house.index.tables.links.values()
    links = {row.link.key for row in rows if row.purged_at is None}
    assert links <= house.fake_store.objects.keys()


def widths(house: House) -> list[int]:
    """The widths of what has a link."""
    rows = house.index.tables.links.values()
    return sorted(int(row.link.variant.split("x")[0]) for row in rows if row.purged_at is None)


async def later(house: House, seconds: float) -> None:
    """Let time pass, and do what is done every half minute."""
    house.index.advance(seconds)
    house.clock.now += seconds
    await house.purge.tidy()
    await house.bounds.keep()
    check(house)


@dataclass(frozen=True)
class Rule:
    """Settings, and the links and objects that are left after some seconds.

    The renditions of 1, 2 and 3 pixels were used 0, 2000 and 4000 seconds after the start.
    """

    age: float
    size: int
    after: float
    links: list[int]
    excess: bool = False


RULES = [
    Rule(0, 0, 1e9, [1, 2, 3]),
    Rule(3000, 0, 4001, [2, 3]),
    Rule(3000, 0, 5001, [3]),
    Rule(3000, 0, 9000, []),
    Rule(1, 0, 4500, [3]),  # the grace counts
    Rule(1, 0, 5001, []),
    Rule(0, 1 << 20, 1e9, [1, 2, 3]),
    Rule(0, 1, 4500, [3], excess=True),
    Rule(0, 1, 5001, []),
    Rule(10**6, 1, 4500, [3], excess=True),
    Rule(3000, 1 << 20, 5001, [3]),
]


def test_what_may_end(tmp_path: Path) -> None:
    """Only what was not given out for the grace, and first what was used longest ago."""

    async def scenario(rule: Rule, folder: Path) -> None:
        house = House(folder, object_age=rule.age, object_bytes=rule.size)
        house.fake_store.shared = True
        await house.upload()
        for width in (1, 2, 3):
            await house.publish(width)
        start = house.index.tables.now()
        for width, used in ((1, 0), (2, 2000), (3, 4000)):
            house.index.advance(start + used - house.index.tables.now())
            await house.find(request(width))
            await house.purge.tidy()
        house.index.advance(start + rule.after - house.index.tables.now())
        await house.bounds.keep()
        assert widths(house) == rule.links, rule
        assert (house.bounds.totals.excess > 0) == rule.excess, rule
        assert len(house.fake_store.objects) == 3
        assert all(
            (house.renditions.recall(request(width)) is not None) == (width in rule.links)
            for width in (1, 2, 3)
        )
        await later(house, GRACE - 1)
        assert len(house.fake_store.objects) == 3
        await later(house, 2)
        assert len(house.fake_store.objects) == len(rule.links)

    for number, rule in enumerate(RULES):
        run(lambda rule=rule, number=number: scenario(rule, tmp_path / str(number)))


def test_only_as_much_ends_as_is_above_the_bound(tmp_path: Path) -> None:
    """Batch for batch, and then no more, however old the rest is."""

    async def main() -> None:
        house = House(tmp_path)
        await house.upload()
        for width in range(1, 181):
            await house.get(request(width))
        assert await house.publisher.flush(30.0) == 0
        sizes = [row.link.size for row in house.index.tables.links.values()]
        house.bounds.max_bytes = sum(sizes) - sum(sizes) // 4
        await later(house, 10 * GRACE)
        assert len(widths(house)) == 130
        assert house.bounds.totals.excess == 0
        await later(house, 10)
        assert len(widths(house)) == 130
        assert house.bounds.ended == 50

    run(main)


def test_one_instance_bounds_the_bucket(tmp_path: Path) -> None:
    """The others read what it has counted, hear of what has ended, and take over when it dies."""

    async def main() -> None:
        index = SteeredIndex()
        here = House(tmp_path / "here", index=index, object_age=1, object_bytes=1)
        await here.upload()
        await here.publish(1, 2)
        there = House(tmp_path / "here", index=index, object_age=1, object_bytes=1)
        there.fake_store.objects = here.fake_store.objects
        await there.find(request(1))
        await here.bounds.keep()
        await there.bounds.keep()
        assert there.bounds.totals == here.bounds.totals
        assert there.bounds.totals.excess == (here.bounds.totals.total or 0) - 1
        index.advance(GRACE + 1)
        await there.bounds.keep()  # the turn of the other one has ended
        assert widths(there) == []
        await here.purge.listen()
        assert here.renditions.recall(request(1)) is None
        ended = index.calls["bucket_use.end_unused"]
        await here.bounds.keep()
        assert index.calls["bucket_use.end_unused"] == ended

    run(main)


def test_a_redirect_that_was_never_noted_still_leads_somewhere(tmp_path: Path) -> None:
    """An instance that dies has not told of its last ones: the object waits as long again."""

    async def main() -> None:
        house = House(tmp_path, object_age=1)
        await house.upload()
        await house.publish(1)
        house.index.advance(GRACE - 1)
        given = await house.find(request(1))
        house.publisher.take_used()  # lost
        await later(house, 2)
        assert widths(house) == []
        await later(house, GRACE - 3)
        assert given.link.key in house.fake_store.objects

    run(main)


class Flaky(FakeStore):
    """A store whose removals fail, before or after they have been done."""

    def __init__(self) -> None:
        super().__init__()
        self.outcomes: list[str] = []

    async def remove(self, links: "list[Link]") -> None:  # type: ignore[override]
        outcome = self.outcomes.pop(0) if self.outcomes else ""
        if outcome != "before":
            await super().remove(links)
        if outcome:
            raise errors.ObjectStoreUnavailable("", outcome)


@pytest.mark.parametrize("outcomes", [["before"], ["after"], ["before", "after", "before"]])
def test_a_store_that_fails_is_asked_again(tmp_path: Path, outcomes: list[str]) -> None:
    """Until it has removed the object; then nothing is left of it."""

    async def main() -> None:
        store = Flaky()
        house = House(tmp_path, store=store, object_age=1)
        house.fake_store = store
        await house.upload()
        await house.publish(1)
        await later(house, GRACE + 1)
        store.outcomes = list(outcomes)
        await later(house, GRACE + 1)
        for _ in outcomes:
            assert house.index.tables.links
            await later(house, CLAIM + 1)
        assert not store.objects
        assert not house.index.tables.links

    run(main)


async def settled(publisher: Publisher) -> None:
    """Wait until what is on its way is linked, or waits for a removal."""
    failures = publisher.failures
    await until(lambda: publisher.backlog == 0 or publisher.failures > failures)


class Killed(BaseException):
    """The process is gone."""


def test_a_kill_at_any_step_leaves_no_link_without_object(tmp_path: Path) -> None:
    """And the object is removed later on; what is rendered again meanwhile is stored again."""

    async def scenario(step: str, when: str, folder: Path) -> None:
        async def killed() -> None:
            raise Killed

        house = House(folder, object_age=1)
        await house.upload()
        await house.publish(1, 2)
        hooks = house.index.before if when == "before" else house.index.after
        hooks[step] = killed
        for _ in range(2):
            house.index.advance(GRACE + 1)
            try:
                await later(house, 0)
            except Killed:
                hooks.clear()
                break
        else:
            pytest.fail(f"{step} is never reached")
        check(house)
        following = House(folder, index=house.index, object_age=1)
        following.fake_store.objects = house.fake_store.objects
        following.clock.now = house.clock.now
        if (await following.renditions.serve(request(1))).cache is Cache.MISS:
            await until(lambda: following.publisher.backlog > 0)
        linked = False
        for _ in range(4):
            await settled(following.publisher)
            linked |= 1 in widths(following)
            await later(following, CLAIM + 1)
        assert following.publisher.backlog == 0
        assert linked
        await later(following, GRACE + 1)
        await later(following, GRACE + 1)
        assert not following.fake_store.objects

    names = ["bucket_use.take", "bucket_use.totals", "bucket_use.end_unused"]
    names += ["links.purged", "links.claim", "links.forget"]
    for number, (name, when) in enumerate(itertools.product(names, ("before", "after"))):
        run(lambda name=name, when=when, n=number: scenario(name, when, tmp_path / str(n)))


def test_what_is_rendered_again_waits_for_the_removal(tmp_path: Path) -> None:
    """The old object is removed first; the new one is stored after, and then linked."""

    async def main() -> None:
        house = House(tmp_path, object_age=1)
        await house.upload()
        await house.publish(1)
        await later(house, GRACE + 1)
        made = asyncio.Event()

        async def render_again() -> None:
            house.memory.clear()
            await house.get(request(1))
            await until(lambda: house.publisher.failures > 2)
            assert house.story[-1] != "publish"
            assert isinstance(await house.get(request(1)), object)
            made.set()

        house.index.after["links.claim"] = render_again
        house.story.clear()
        await later(house, GRACE + 1)
        del house.index.after["links.claim"]
        assert made.is_set()
        assert await house.publisher.flush(30.0) == 0
        check(house)
        assert widths(house) == [1]
        story = [step for step in house.story if step in ("remove", "links.forget", "publish")]
        assert story == ["remove", "links.forget", "publish"]

    run(main)


def test_what_is_rendered_again_before_the_removal_keeps_its_object(tmp_path: Path) -> None:
    """Even between the store and the link, when the time of the old object has come."""

    async def main() -> None:
        house = House(tmp_path, object_age=1)
        await house.upload()
        await house.publish(1)
        await later(house, GRACE + 1)
        house.index.advance(GRACE + 1)
        house.index.before["links.add_all"] = away()
        house.index.calls.clear()
        await house.get(request(1))
        await until(lambda: house.index.calls["links.add_all"] > 0)
        await house.purge.tidy()
        assert house.fake_store.objects
        house.index.before.clear()
        assert await house.publisher.flush(30.0) == 0
        assert widths(house) == [1]
        check(house)

    run(main)


def test_an_object_that_got_no_link_in_time_is_stored_again(tmp_path: Path) -> None:
    """Its removal was only postponed."""

    async def main() -> None:
        house = House(tmp_path, object_age=1)
        await house.upload()
        house.index.before["links.add_all"] = away()
        await house.get(request(1))
        await until(lambda: house.index.calls["links.add_all"] > 2)
        assert house.story.count("publish") == 1
        house.clock.now += LINKED_WITHIN + 1
        await until(lambda: house.story.count("publish") == 2)
        house.index.before.clear()
        assert await house.publisher.flush(30.0) == 0
        assert widths(house) == [1]
        assert house.publisher.stored((await house.upload()).generation, "1x0") is None

    run(main)


def test_what_memory_answers_is_in_use(tmp_path: Path) -> None:
    """Where bytes are sent instead of redirects, too."""

    async def main() -> None:
        house = House(tmp_path, object_age=1, redirect=False)
        await house.upload()
        await house.publish(1, 2)
        await later(house, GRACE - 1)
        await house.get(request(1))
        await house.purge.tidy()
        await later(house, 2)
        assert widths(house) == [1]

    run(main)


def test_unused_links_are_purged_on_request(tmp_path: Path) -> None:
    """Up to a limit, and never before the grace."""

    async def main() -> None:
        house = House(tmp_path)
        await house.upload()
        await house.publish(1, 2, 3)
        house.index.advance(GRACE - 1)
        assert await house.bounds.end_unused(1, 10) == 0
        house.index.advance(2)
        assert await house.bounds.end_unused(2 * GRACE, 10) == 0
        assert await house.bounds.end_unused(1, 2) == 2
        assert house.renditions.recall(request(1)) is None
        assert await house.bounds.end_unused(1, 2) == 1
        assert len(house.fake_store.objects) == 3

    run(main)


def test_an_object_that_redirects_lead_to_stays_where_a_new_link_has_no_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another instance has used it up; the object goes when its time has come."""
    monkeypatch.setattr(Publisher, "_has_room", lambda *_: True)

    async def main() -> None:
        house = House(tmp_path, max_variants=1, object_age=1)
        await house.upload()
        await house.publish(1)
        await later(house, GRACE + 1)
        await house.publish(2)
        house.memory.clear()
        await house.get(request(1))
        assert await house.publisher.flush(30.0) == 0
        assert widths(house) == [2]
        assert len(house.fake_store.objects) == 2

    run(main)
