"""Probe originals again if their stored facts were found by an older release.

Frames, transparency, colours and sizes of some pictures were wrong. Each instance probes the files
on its own disk, behind all other work.
"""

import dataclasses

import structlog

from liveresize import errors
from liveresize.core import ports
from liveresize.core.jobs import ProbeJob
from liveresize.core.originals import Original, described

_log = structlog.get_logger("liveresize.facts")

_PAGE = 100
"""Rows in one query."""

_PAGES = 10
"""The number of queries in a round: most rows may be of files on other instances, or up to date."""

_AT_ONCE = 50
"""The number of originals that a round probes, one after the other."""

_REST = 86_400.0
"""Seconds from the end of one walk to the next, which finds what another release has added."""


class OutdatedFacts:
    """Walks through the rows with outdated facts, in the order of their generations."""

    def __init__(
        self,
        *,
        originals: ports.Originals,
        rows: ports.OriginalRows,
        renderer: ports.Renderer,
        clock: ports.Clock,
    ) -> None:
        self._originals = originals
        self._rows = rows
        self._renderer = renderer
        self._clock = clock
        self._after = ""
        self._rests_until = 0.0

    async def refresh(self) -> None:
        """Probe the next originals. Raises IndexUnavailable."""
        if self._clock.monotonic() < self._rests_until:
            return
        probed = changed = pages = 0
        while probed < _AT_ONCE and pages < _PAGES:
            pages += 1
            outdated, last = await self._rows.outdated(self._after, _PAGE)
            for original in outdated:
                if self._originals.exists(original):
                    if probed == _AT_ONCE:
                        break
                    try:
                        changed += await self._probe(original)
                    except errors.Overload:
                        return  # the next round begins with this one
                    probed += 1
                self._after = original.generation
            else:
                self._after = last
            if not self._after:
                self._rests_until = self._clock.monotonic() + _REST
                break
        if probed:
            _log.info("facts_probed", count=probed, changed=changed)

    async def _probe(self, original: Original) -> bool:
        """Probe one original; return whether its facts have changed.

        One that cannot be read keeps its facts, and so does one whose bytes are not those of its
        row: `verify` reports it.
        """
        job = ProbeJob(path=str(self._originals.path(original)))
        handle = ports.JobHandle(ports.Priority.BACKGROUND)
        try:
            facts = await self._renderer.run(job, handle=handle)
        except (errors.ImageError, errors.OriginalMissing, errors.WorkerDied) as error:
            _log.warning("facts_not_probed", image_id=original.image.key, reason=error.code)
            return False
        found = described(original.image, original.generation, facts)
        if found.sha256 != original.sha256:
            return False
        return await self._rows.update_facts(
            dataclasses.replace(found, uploaded_at=original.uploaded_at)
        )
