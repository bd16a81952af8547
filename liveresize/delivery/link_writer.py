"""Writes links in groups: one transaction for what has come together in a moment."""

import asyncio
from collections.abc import Sequence

from liveresize.core import ports
from liveresize.core.originals import Link
from liveresize.core.ports import Added
from liveresize.delivery.gathering import Gathering
from liveresize.observe.tracing import spans


class LinkWriter:
    """Gathers links and writes each group in one transaction."""

    def __init__(self, links: ports.Links, max_variants: int) -> None:
        self._links = links
        self._max_variants = max_variants
        self._gathering: Gathering[tuple[Link, asyncio.Future[Added]]] = Gathering(self._send)
        self._writes: set[asyncio.Task[None]] = set()

    async def add(self, link: Link) -> Added:
        """Add a link with the next group; returns what became of it.

        Raises IndexUnavailable; then nobody knows whether the link was written.
        """
        outcome: asyncio.Future[Added] = asyncio.get_running_loop().create_future()
        with spans.measured("index"):
            self._gathering.add((link, outcome))
            return await outcome

    async def add_all(self, links: Sequence[Link]) -> list[Added]:
        """Add links in one transaction; returns what became of each.

        Raises IndexUnavailable; then nobody knows whether they were written.
        """
        return await self._links.add_all(links, self._max_variants)

    async def add_alone(self, link: Link) -> Added:
        """Add a link again whose write has failed, unless it was written nevertheless.

        It is in no group any more, so that it cannot fail others. Raises IndexUnavailable.
        """
        standing = await self._links.find(link.generation, link.variant)
        if standing is not None and (standing.key, standing.etag) == (link.key, link.etag):
            return Added.ADDED
        (outcome,) = await self.add_all([link])
        return outcome

    def hurry(self) -> None:
        """Write what has been gathered, and from now on gather no longer."""
        self._gathering.hurry()

    async def close(self) -> None:
        """Give up what is being written."""
        for write in self._writes:
            write.cancel()
        await asyncio.gather(*self._writes, return_exceptions=True)

    def _send(self, gathered: list[tuple[Link, "asyncio.Future[Added]"]]) -> None:
        group = [(link, outcome) for link, outcome in gathered if not outcome.done()]
        if group:
            task = asyncio.create_task(self._write(group))
            self._writes.add(task)
            task.add_done_callback(self._writes.discard)

    async def _write(self, group: list[tuple[Link, "asyncio.Future[Added]"]]) -> None:
        waiting = [outcome for _, outcome in group]
        try:
            outcomes = await self.add_all([link for link, _ in group])
        except Exception as error:  # noqa: BLE001 (whoever waits for the link gets it)
            for outcome in waiting:
                if not outcome.done():
                    outcome.set_exception(error)
            return
        for outcome, added in zip(waiting, outcomes, strict=True):
            if not outcome.done():
                outcome.set_result(added)
