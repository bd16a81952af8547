"""Writes links in groups: one transaction for what has come together in a moment."""

import asyncio

from liveresize.core import ports
from liveresize.core.originals import Link
from liveresize.core.ports import Added

GATHERING = 0.05
"""Seconds for which a link waits for others."""

MOST = 64
"""Links after which a group is written at once."""


class LinkWriter:
    """Gathers links and writes each group in one transaction."""

    def __init__(self, links: ports.Links, max_variants: int) -> None:
        self._links = links
        self._max_variants = max_variants
        self._group: list[tuple[Link, asyncio.Future[Added]]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._writes: set[asyncio.Task[None]] = set()
        self._gathering = GATHERING

    async def add(self, link: Link) -> Added:
        """Add a link with the next group; returns what became of it.

        Raises IndexUnavailable; then nobody knows whether the link was written.
        """
        loop = asyncio.get_running_loop()
        outcome: asyncio.Future[Added] = loop.create_future()
        self._group.append((link, outcome))
        if len(self._group) >= MOST:
            self._send()
        elif self._timer is None:
            self._timer = loop.call_later(self._gathering, self._send)
        return await outcome

    async def add_alone(self, link: Link) -> Added:
        """Add a link again whose write has failed, unless it was written nevertheless.

        It is in no group any more, so that it cannot fail others. Raises IndexUnavailable.
        """
        standing = await self._links.find(link.generation, link.variant)
        if standing is not None and (standing.key, standing.etag) == (link.key, link.etag):
            return Added.ADDED
        (outcome,) = await self._links.add_all([link], self._max_variants)
        return outcome

    def hurry(self) -> None:
        """Write what has been gathered, and from now on gather no longer."""
        self._gathering = 0.0
        self._send()

    async def close(self) -> None:
        """Give up what is being written."""
        for write in self._writes:
            write.cancel()
        await asyncio.gather(*self._writes, return_exceptions=True)

    def _send(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        group = [(link, outcome) for link, outcome in self._group if not outcome.done()]
        self._group = []
        if group:
            task = asyncio.create_task(self._write(group))
            self._writes.add(task)
            task.add_done_callback(self._writes.discard)

    async def _write(self, group: list[tuple[Link, "asyncio.Future[Added]"]]) -> None:
        waiting = [outcome for _, outcome in group]
        try:
            outcomes = await self._links.add_all([link for link, _ in group], self._max_variants)
        except Exception as error:  # noqa: BLE001 (whoever waits for the link gets it)
            for outcome in waiting:
                if not outcome.done():
                    outcome.set_exception(error)
            return
        for outcome, added in zip(waiting, outcomes, strict=True):
            if not outcome.done():
                outcome.set_result(added)
