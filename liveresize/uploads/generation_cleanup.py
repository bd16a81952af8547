"""The end of a generation: its files, its objects and everything that remembers it.

Of a picture that is hidden all of that goes, too, but for its original.
"""

import structlog

from liveresize import errors
from liveresize.core import ports
from liveresize.core.originals import Original
from liveresize.storage.mirroring import Mirroring

_log = structlog.get_logger("liveresize.cleanup")

_LINKS = 10_000
"""Links of one picture that are purged at once."""


class GenerationCleanup:
    """Removes what is left of a generation whose row is gone already.

    What is shared is removed by the instance that ended it, at once if that can be done.
    What cannot be removed now is owed, as is what others ended, who may not even know that
    they did: `settle` comes back to it.
    """

    def __init__(
        self,
        *,
        originals: ports.Originals,
        rows: ports.OriginalRows,
        links: ports.Links,
        store: ports.RenditionStore,
        spool: ports.Spool,
        memory: ports.Memory,
        mirroring: Mirroring,
        erasures: ports.Erasures,
    ) -> None:
        self._originals = originals
        self._rows = rows
        self._links = links
        self._store = store
        self._spool = spool
        self._memory = memory
        self._mirroring = mirroring
        self._erasures = erasures
        self._owed: dict[str, Original] = {}
        self._hidden: dict[str, Original] = {}

    @property
    def owed(self) -> int:
        """How many generations have objects that could not be removed yet."""
        return len(self._owed) + len(self._hidden)

    async def remove(self, original: Original) -> None:
        """Remove the original, its renditions and its place in memory and spool.

        That some of it is gone already is no error, so that it may be done again.
        """
        await self._remove_here(original)
        self.defer(original)
        await self.clear(original)
        # What was found out before the row went may have been kept since the first time.
        self._memory.drop(original.image, original.generation)

    async def on_remote_delete(self, original: Original) -> None:
        """Remove what this instance has of a generation that another one ended."""
        await self._remove_here(original)
        if not self._store.shared and not original.image.bucket:
            await self._store.remove_generation(original)

    async def hide(self, original: Original) -> None:
        """Remove the renditions of a picture that was hidden, and note that beside the original.

        What a store does not remove now is owed.
        """
        await self.hide_here(original, owed=True)
        await self._clear_hidden(original)

    async def hide_here(self, original: Original, *, owed: bool) -> None:
        """Remove what this instance has of a picture that was hidden, and with `owed` the rest
        later."""
        self._memory.drop(original.image, original.generation)
        if owed or not self._store.shared:
            self._hidden[original.generation] = original
        try:
            await self._originals.hide(original.generation)
        except errors.DiskFull as error:  # needed only while the index is away
            _log.error("hidden_not_noted", image_id=original.image.key, error=error.detail)
        await self._spool.remove_generation(original.generation)

    def show(self, original: Original) -> None:
        """Undo the note of a picture that is hidden no longer, and forget what memory has of it:
        links, for one, of before it was hidden."""
        self._hidden.pop(original.generation, None)
        self._originals.show(original.generation)
        self._memory.drop(original.image, original.generation)

    async def _clear_hidden(self, original: Original) -> bool:
        """Remove the renditions of a hidden picture from the store; whether it answered.

        It may be released meanwhile, by anybody. Then links to objects that went are purged.
        """
        try:
            if await self._rows.hidden([original.generation]):
                await self._store.remove_generation(original)
                if not await self._rows.hidden([original.generation]):
                    await self._links.purge(ports.Selection(image=original.image), _LINKS)
                    self._memory.drop(original.image, original.generation)
        except errors.StoreError:
            return False
        self._hidden.pop(original.generation, None)
        return True

    def forget(self) -> None:
        """Owe nothing any more: what is to be removed was said by another database."""
        self._owed.clear()
        self._hidden.clear()

    def defer(self, original: Original) -> None:
        """Have `settle` remove what the generation has in shared stores."""
        self._owed[original.generation] = original

    async def retry(self) -> None:
        """Remove what could not be removed before, until a store does not answer."""
        for original in list(self._hidden.values()):
            if not await self._clear_hidden(original):
                break
        for original in list(self._owed.values()):
            if not await self.clear(original):
                self._owed.pop(original.generation, None)
                self.defer(original)  # behind the others, so that one refusal does not hold them up
                return

    async def clear(self, original: Original) -> bool:
        """Remove what the generation has in shared stores; whether they and the index answered.

        In buckets things lie under the name of the picture, and stay while it has a row.
        """
        try:
            if not original.image.bucket:
                await self._store.remove_generation(original)
                await self._mirroring.remove(original)
            elif await self._rows.find(original.image) is None:
                # The original first, which would be taken over again one day.
                await self._mirroring.remove(original)
                await self._store.remove_generation(original)
            await self._erasures.removed_from_stores(original.generation)
        except errors.StoreError:
            return False
        self._owed.pop(original.generation, None)
        return True

    async def _remove_here(self, original: Original) -> None:
        self._memory.drop(original.image, original.generation)
        await self._originals.remove(original)
        await self._spool.remove_generation(original.generation)
