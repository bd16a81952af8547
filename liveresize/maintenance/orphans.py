"""Files in the embedded store of renditions without a link.

Causes: a server that was killed between storing and linking, or between dropping a link and
removing its object; a removal that failed; a half-written file. In S3 only `reconcile` removes
them, because finding them needs a listing of the whole bucket, which costs money.
"""

import structlog

from liveresize.core import ports
from liveresize.core.ports import RenditionFile
from liveresize.delivery.publisher import Publisher

_log = structlog.get_logger("liveresize.renditions")

_GRACE = 3600.0
"""The age in seconds below which a file is never removed."""

_REST = 3600.0
"""Seconds between two passes through the store."""

_AT_ONCE = 1000
"""The number of files that one round checks."""

_BATCH = 20
"""Generations in one query; each may have hundreds of links."""


class Orphans:
    """Removes orphans, a part of the store at a time; `files` None: there is no such store."""

    def __init__(
        self,
        *,
        files: ports.RenditionFiles | None,
        links: ports.Links,
        publisher: Publisher,
        clock: ports.Clock,
    ) -> None:
        self._files = files
        self._links = links
        self._publisher = publisher
        self._clock = clock
        self._part = 0
        self._rests_until = 0.0
        self.removed = 0

    async def sweep(self) -> None:
        """Compare some files with their links.

        Raises IndexUnavailable, and SettingsError if a folder cannot be read.
        """
        if self._files is None or self._clock.monotonic() < self._rests_until:
            return
        looked = removed = 0
        while looked < _AT_ONCE and self._part < self._files.parts:
            files = await self._files.part(self._part)
            looked += len(files)
            removed += await self._compare(self._files, files)
            self._part += 1
        if self._part == self._files.parts:
            self._part = 0
            self._rests_until = self._clock.monotonic() + _REST
        if removed:
            self.removed += removed
            _log.info("orphans_removed", count=removed)

    async def _compare(self, files: ports.RenditionFiles, candidates: list[RenditionFile]) -> int:
        by_generation: dict[str, list[RenditionFile]] = {}
        before = self._clock.time() - _GRACE
        for file in candidates:
            # Check before the links are read: what was published since then has its link.
            if file.modified_at <= before and not self._on_its_way(file):
                by_generation.setdefault(file.generation, []).append(file)
        removed = 0
        generations = list(by_generation)
        for start in range(0, len(generations), _BATCH):
            batch = generations[start : start + _BATCH]
            keys = await self._links.keys_of(batch)
            linked = {tuple(key.split("/")[-2:]) for key in keys}
            orphans = [
                file
                for generation in batch
                for file in by_generation[generation]
                if (generation, file.path.name) not in linked and not self._on_its_way(file)
            ]
            if orphans:
                await files.discard(orphans)
                removed += len(orphans)
        return removed

    def _on_its_way(self, file: RenditionFile) -> bool:
        return self._publisher.on_its_way(file.generation, file.variant)
