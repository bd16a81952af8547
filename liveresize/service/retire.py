"""The end of a generation: its files, its objects and everything that remembers it."""

import contextlib

from liveresize import errors, ports
from liveresize.domain.originals import Original


class Retirement:
    """Removes what is left of a generation whose row is gone already."""

    def __init__(
        self,
        *,
        originals: ports.Originals,
        store: ports.RenditionStore,
        spool: ports.Spool,
        memory: ports.Memory,
    ) -> None:
        self._originals = originals
        self._store = store
        self._spool = spool
        self._memory = memory

    async def remove(self, original: Original) -> None:
        """Remove the original, its renditions and its place in memory and spool.

        That some of it is gone already is no error, so that it may be done again.
        """
        self._memory.drop(original.image, original.generation)
        await self._originals.remove(original)
        await self._spool.remove_generation(original.generation)
        with contextlib.suppress(errors.ObjectStoreUnavailable):
            await self._store.remove_generation(original)
        # What was found out before the row went may have been kept since the first time.
        self._memory.drop(original.image, original.generation)
