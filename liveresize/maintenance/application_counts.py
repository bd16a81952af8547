"""What the pictures of each application take, as the index has counted it."""

import structlog

from liveresize.core import ports
from liveresize.settings.applications import Applications

_log = structlog.get_logger("liveresize.applications")

SLICE = 5_000
"""Pictures that one transaction counts."""


class ApplicationCounts:
    """Has applications counted that are new here, and knows what all of them take.

    The counts of others are dropped: nobody keeps them right from now on.
    """

    def __init__(self, applications: Applications, use: ports.ApplicationUse) -> None:
        self._applications = applications
        self._use = use
        self._begun = False
        self.totals: dict[str, ports.Use] = {}
        """By the name of the application; only those that are counted."""

    async def look(self) -> None:
        """Count what is not counted yet, and read the totals. Raises IndexUnavailable."""
        if not self._begun:
            await self._use.keep([each.prefix for each in self._applications])
            self._begun = True
        if not self._applications:
            return
        found = await self._use.totals()
        for each in self._applications:
            use = found.get(each.prefix)
            if use is None or use.pictures is None:
                await self._count(each.prefix, each.name)
        found = await self._use.totals()
        self.totals = {
            each.name: found[each.prefix]
            for each in self._applications
            if each.prefix in found and found[each.prefix].pictures is not None
        }

    async def _count(self, prefix: str, name: str) -> None:
        while (counted := await self._use.count(prefix, SLICE)) is None:
            pass
        after = counted.after
        _log.info("application_counted", application=name, count=after.pictures, bytes=after.bytes)
