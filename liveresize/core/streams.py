"""Streams of any length: join two of them, and process one concurrently."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar

L = TypeVar("L")
R = TypeVar("R")
T = TypeVar("T")


async def joined(
    left: AsyncIterator[tuple[str, L]], right: AsyncIterator[tuple[str, R]]
) -> AsyncIterator[tuple[str, L | None, R | None]]:
    """Yield (key, left, right) for every key of either stream; None if one does not have it.

    Both streams are in the ascending order of their keys, and have each key once.
    """
    left_item, right_item = await anext(left, None), await anext(right, None)
    while left_item is not None or right_item is not None:
        if right_item is None or (left_item is not None and left_item[0] < right_item[0]):
            assert left_item is not None
            yield left_item[0], left_item[1], None
            left_item = await anext(left, None)
        elif left_item is None or right_item[0] < left_item[0]:
            yield right_item[0], None, right_item[1]
            right_item = await anext(right, None)
        else:
            yield left_item[0], left_item[1], right_item[1]
            left_item, right_item = await anext(left, None), await anext(right, None)


async def for_each(
    items: AsyncIterator[T], work: Callable[[T], Awaitable[None]], width: int
) -> None:
    """Run `work` on every item, `width` at a time; the first failure stops it and is raised."""
    turn = asyncio.Lock()

    async def go_on() -> None:
        while True:
            async with turn:
                try:
                    item = await anext(items)
                except StopAsyncIteration:
                    return
            await work(item)

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(width):
                group.create_task(go_on())
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from failed
