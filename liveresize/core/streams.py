"""Streams of any length: two joined into one, and one worked off by several."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar

L = TypeVar("L")
R = TypeVar("R")
T = TypeVar("T")


async def joined(
    left: AsyncIterator[tuple[str, L]], right: AsyncIterator[tuple[str, R]]
) -> AsyncIterator[tuple[str, L | None, R | None]]:
    """(key, left, right) of every key that either has; None where one lacks it.

    Both come in the ascending order of their keys, and have each key once.
    """
    one, other = await anext(left, None), await anext(right, None)
    while one is not None or other is not None:
        if other is None or (one is not None and one[0] < other[0]):
            assert one is not None
            yield one[0], one[1], None
            one = await anext(left, None)
        elif one is None or other[0] < one[0]:
            yield other[0], None, other[1]
            other = await anext(right, None)
        else:
            yield one[0], one[1], other[1]
            one, other = await anext(left, None), await anext(right, None)


async def each(items: AsyncIterator[T], work: Callable[[T], Awaitable[None]], width: int) -> None:
    """Do `work` on every item, `width` at a time; the first failure ends it and is raised."""
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
