"""Sorting what memory does not hold, joining it, and working it off."""

import asyncio
import random
from collections.abc import AsyncIterator, Iterable
from typing import TypeVar

import pytest

from liveresize import errors
from liveresize.core.names import ImageId
from liveresize.core.streams import for_each, joined
from liveresize.maintenance.reconcile.external_sorter import ExternalSorter
from liveresize.maintenance.reconcile.places import HERE, Entry

T = TypeVar("T")


async def stream(items: Iterable[T]) -> AsyncIterator[T]:
    for item in items:
        yield item


@pytest.mark.parametrize("seed", range(20))
def test_two_streams_are_joined_by_their_keys(seed: int) -> None:
    """As a full outer join does, whichever ends first or is empty."""
    dice = random.Random(seed)
    left = sorted(dice.sample("abcdefghij", dice.randint(0, 10)))
    right = sorted(dice.sample("abcdefghij", dice.randint(0, 10)))

    async def scenario() -> None:
        both = joined(
            stream([(key, key.upper()) for key in left]), stream([(key, ord(key)) for key in right])
        )
        assert [item async for item in both] == [
            (key, key.upper() if key in left else None, ord(key) if key in right else None)
            for key in sorted({*left, *right})
        ]

    asyncio.run(scenario())


def test_items_are_worked_off_by_several_at_a_time() -> None:
    """By as many as asked for, and each once."""

    async def scenario() -> None:
        busy, most, done = 0, 0, []

        async def work(item: int) -> None:
            nonlocal busy, most
            busy += 1
            most = max(most, busy)
            await asyncio.sleep(0)
            busy -= 1
            done.append(item)

        await for_each(stream(range(100)), work, 3)
        assert (sorted(done), most) == (list(range(100)), 3)

    asyncio.run(scenario())


def test_the_first_failure_ends_the_work() -> None:
    """It is raised as it was, and what has not begun does not."""

    async def scenario() -> None:
        done = []

        async def work(item: int) -> None:
            done.append(item)
            if item == 5:
                raise errors.IndexUnavailable("", "by a test")
            await asyncio.sleep(0)

        with pytest.raises(errors.IndexUnavailable):
            await for_each(stream(range(100)), work, 2)
        assert len(done) < 10

    asyncio.run(scenario())


def entry(number: int) -> Entry:
    """One of two of a generation, one of many of a picture; some names are no text."""
    image = ImageId(f"cat-{number % 7}", "b" * (number % 2)) if number % 10 else None
    return Entry(
        key=f"{number}-\udcff\n",
        generation=f"{number // 2:028x}",
        bytes=number << 33,
        modified_at=number / 8,
        image=image,
        place=HERE,
    )


def test_entries_come_back_sorted_and_as_they_were() -> None:
    """By generation and by picture, each by itself where nothing tells its picture."""

    async def scenario() -> None:
        entries = [entry(number) for number in range(5_000)]
        shuffled = random.Random(7).sample(entries, len(entries))
        scratch = ExternalSorter()
        try:
            await asyncio.gather(*(scratch.add(one) for one in shuffled))
            assert scratch.size == 5_000
            groups = [group async for group in scratch.by_generation()]
            assert [generation for generation, _ in groups] == [f"{n:028x}" for n in range(2_500)]
            assert {one.key: one for _, group in groups for one in group} == {
                one.key: one for one in entries
            }
            pictures = [group async for group in scratch.by_image()]
            assert sum(map(len, pictures)) == 5_000
            named = [group for group in pictures if group[0].image]
            assert len(named) == len({one.image for one in entries} - {None})
            assert all(len({one.image for one in group}) == 1 for group in named)
            assert all(len(group) == 1 for group in pictures if not group[0].image)
        finally:
            scratch.close()

    asyncio.run(scenario())


def test_nothing_is_nothing() -> None:
    """Neither generations nor pictures."""

    async def scenario() -> None:
        scratch = ExternalSorter()
        try:
            assert [group async for group in scratch.by_generation()] == []
            assert [group async for group in scratch.by_image()] == []
        finally:
            scratch.close()

    asyncio.run(scenario())


def test_a_full_folder_for_temporary_files_is_said_to_be() -> None:
    """TMPDIR is the operator's to change."""

    async def scenario() -> None:
        scratch = ExternalSorter()
        try:
            scratch._database.execute("PRAGMA max_page_count = 8")
            adding = (scratch.add(entry(number)) for number in range(4_000))
            with pytest.raises(errors.DiskFull, match="TMPDIR"):
                await asyncio.gather(*adding)
        finally:
            scratch.close()

    asyncio.run(scenario())
