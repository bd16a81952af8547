"""The end of a generation: its files, its objects and everything that remembers it."""

from liveresize import errors
from liveresize.core import ports
from liveresize.core.originals import Original
from liveresize.storage.mirroring import Mirroring


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
        store: ports.RenditionStore,
        spool: ports.Spool,
        memory: ports.Memory,
        mirroring: Mirroring,
    ) -> None:
        self._originals = originals
        self._rows = rows
        self._store = store
        self._spool = spool
        self._memory = memory
        self._mirroring = mirroring
        self._owed: dict[str, Original] = {}

    @property
    def owed(self) -> int:
        """How many generations have objects that could not be removed yet."""
        return len(self._owed)

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

    def forget(self) -> None:
        """Owe nothing any more: what is to be removed was said by another database."""
        self._owed.clear()

    def defer(self, original: Original) -> None:
        """Have `settle` remove what the generation has in shared stores."""
        self._owed[original.generation] = original

    async def retry(self) -> None:
        """Remove what could not be removed before, until a store does not answer."""
        for original in list(self._owed.values()):
            if not await self.clear(original):
                self._owed.pop(original.generation, None)
                self.defer(original)  # behind the others, so that one refusal does not hold them up
                return

    async def clear(self, original: Original) -> bool:
        """Remove what the generation has in shared stores; whether they answered.

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
        except errors.StoreError:
            return False
        self._owed.pop(original.generation, None)
        return True

    async def _remove_here(self, original: Original) -> None:
        self._memory.drop(original.image, original.generation)
        await self._originals.remove(original)
        await self._spool.remove_generation(original.generation)
