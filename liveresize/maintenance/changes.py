"""Change what is recorded of pictures: focus, meta, holds, and when they end.

A hold in the order of its steps, and what a crash after each leaves behind:

1. note beside the original that it is hidden: `review` removes the note where it was not;
2. the transaction: links end, and all instances are told, this one included after a restart;
3. memory, spool and objects: done again by whoever hears of it.
"""

from collections.abc import Collection

import structlog

from liveresize import errors
from liveresize.core import ports
from liveresize.core.names import ImageId
from liveresize.core.originals import Link, Original, version_of
from liveresize.core.ports import Changed
from liveresize.core.records import Change
from liveresize.uploads.generation_cleanup import GenerationCleanup

_log = structlog.get_logger("liveresize.changes")

_BATCH = 100
"""Rows in one query."""

_GRACE = 3600.0
"""Seconds after which a note is not that of a hold under way."""


class Changes:
    """Changes records, and does here what other instances do when they hear of it."""

    def __init__(
        self,
        *,
        originals: ports.Originals,
        rows: ports.OriginalRows,
        peers: ports.Peers,
        links: ports.Links,
        store: ports.RenditionStore,
        memory: ports.Memory,
        cleanup: GenerationCleanup,
    ) -> None:
        self._originals = originals
        self._rows = rows
        self._peers = peers
        self._links = links
        self._store = store
        self._memory = memory
        self._cleanup = cleanup

    async def change(
        self, image: ImageId, change: Change, versions: Collection[str] | None = None
    ) -> Original:
        """Change the record of a picture; return what it is afterwards.

        Raises OriginalMissing, IndexUnavailable, OlderInstance if a hold would have no effect, and
        VersionMismatch if `versions` does not have the version of the picture.
        """
        standing = await self._rows.find(image)
        if standing is None:
            raise errors.OriginalMissing
        version = version_of(standing.generation)
        if versions is not None and version not in versions:
            raise errors.VersionMismatch(
                f"The version of the picture is `{version}`: `If-Match` must name it, in quotes."
            )
        foreign: list[Link] = []
        if change.held is True and await self._peers.older():
            raise errors.OlderInstance
        if change.held is True and not standing.record.hidden:
            foreign = await links_taken_over(self._links, standing)
            await self.note(standing)
        changed = await self._rows.change(
            image, change, version="" if versions is None else version
        )
        await self.settle(changed)
        if foreign:
            await self._remove(foreign)
        return changed.after

    async def expire(self, original: Original) -> bool:
        """Hide a picture whose time is over; return False if it is not, or another did it.

        Raises IndexUnavailable.
        """
        foreign = await links_taken_over(self._links, original)
        await self.note(original)
        changed = await self._rows.expire(original)
        if changed is None:
            if not await self._rows.hidden([original.generation]):
                self._originals.show(original.generation)
            return False
        await self.settle(changed)
        if foreign:
            await self._remove(foreign)
        return True

    async def note(self, original: Original) -> None:
        """Note that a picture is about to be hidden; a full disk does not stop that."""
        try:
            await self._originals.hide(original.generation)
        except errors.DiskFull as error:
            _log.error("hidden_not_noted", image_id=original.image.key, error=error.detail)

    async def settle(self, changed: Changed) -> None:
        """Do what follows from a change that is committed."""
        before, after = changed.before, changed.after
        if after.record.hidden and not before.record.hidden:
            await self._cleanup.hide(after)
        elif before.record.hidden and not after.record.hidden:
            self._cleanup.show(after)
        else:
            self._memory.drop(after.image, after.generation)
        if before.record.state != after.record.state:
            _log.info(
                "picture_state",
                image_id=after.image.key,
                generation=after.generation,
                state=after.record.state.value,
            )

    async def _remove(self, links: list[Link]) -> None:
        try:
            await self._store.remove(links)
        except errors.ObjectStoreUnavailable as error:
            _log.error("objects_not_removed", image_id=links[0].image.key, error=error.detail)

    async def review(self) -> None:
        """Remove notes of pictures that are not hidden: a crash left them, or nobody heard of the
        release. Raises IndexUnavailable."""
        noted = await self._originals.hidden(_GRACE)
        for start in range(0, len(noted), _BATCH):
            batch = noted[start : start + _BATCH]
            shown = await self._rows.known(batch) - await self._rows.hidden(batch)
            for generation in shown:
                self._originals.show(generation)


async def links_taken_over(links: ports.Links, original: Original) -> list[Link]:
    """Return the links of a picture that were imported from another service.

    Their keys are URLs outside our prefix, and they are deleted with the picture's row, or when it
    is hidden.
    """
    foreign: list[Link] = []
    variant = ""
    while True:
        page = await links.after(original.generation, variant, _BATCH)
        own = [link for link, _ in page if link.generation == original.generation]
        foreign += [link for link in own if "://" in link.key]
        if len(own) < _BATCH:
            return foreign
        variant = own[-1].variant
