"""What is known about originals: from memory, the index, or the file itself.

What is known does not say that the bytes are on this disk: whoever needs those asks
`Mirroring.bring`. Hidden pictures are missing here, except for requests that may see them; this is
the only place where that is decided for pictures that memory alone does not answer.
"""

import contextlib
from collections.abc import Awaitable, Callable
from typing import TypeVar

from liveresize import errors
from liveresize.compat.vip.importer import BucketImporter
from liveresize.core import ports
from liveresize.core.jobs import ProbeJob
from liveresize.core.names import ImageId
from liveresize.core.originals import Original, described
from liveresize.core.single_flight import SingleFlight

T = TypeVar("T")


class OriginalLookup:
    """Finds out about originals, once for all who ask at the same time."""

    def __init__(
        self,
        *,
        originals: ports.Originals,
        rows: ports.OriginalRows,
        renderer: ports.Renderer,
        memory: ports.Memory,
        importer: BucketImporter,
    ) -> None:
        self._originals = originals
        self._rows = rows
        self._renderer = renderer
        self._memory = memory
        self._importer = importer
        self._inflight: SingleFlight[Original] = SingleFlight()

    async def get(self, image: ImageId, *, hidden: bool = False) -> Original:
        """What is known about an original; about a hidden one only with `hidden`.

        Raises OriginalMissing, IndexUnavailable where only the index could tell,
        OriginalElsewhere where only a bucket could, and ImageError where what the index
        does not know cannot be read.
        """
        original = self._memory.original(image)
        if original is None or not original.uploaded_at:
            original = await self._current(image)
        return _shown(original, hidden=hidden)

    async def refresh(self, image: ImageId) -> Original:
        """What the index knows now about an original, whatever memory says. Raises as `get`."""
        return _shown(await self._current(image), hidden=False)

    async def with_original(
        self, image: ImageId, answer: Callable[[Original], Awaitable[T]], *, hidden: bool = False
    ) -> T:
        """What `answer` makes of the original; of its successor where it has ended since.

        Raises what `get` and `answer` raise.
        """
        original = await self.get(image, hidden=hidden)
        try:
            return await answer(original)
        except (errors.OriginalMissing, errors.OriginalElsewhere) as error:
            # Its bytes are gone. It may have been deleted, replaced or evicted since memory
            # heard of it; the index knows.
            current = _shown(await self._current(image), hidden=hidden)
            same = current.generation == original.generation
            if same and isinstance(error, errors.OriginalElsewhere):
                raise
        return await answer(current)

    async def _current(self, image: ImageId) -> Original:
        """What is known now, whatever memory says; found out once for all who ask."""
        return await self._inflight.run(image.key, lambda _: self._learn(image))

    async def _learn(self, image: ImageId) -> Original:
        """What the index says; what memory or the disk say, while it does not answer.

        They do not know `uploaded_at`: by that they are told apart, and asked after again.
        """
        settled = True
        try:
            drops, original = self._memory.drops, await self._rows.find(image)
            if drops != self._memory.drops:  # perhaps this picture: it may be hidden since
                drops, original = self._memory.drops, await self._rows.find(image)
                settled = drops == self._memory.drops
            reachable = True
        except errors.IndexUnavailable:
            original, reachable = self._memory.original(image), False
        gone = original is None or original.record.hidden
        if gone and self._memory.original(image) is not None:
            self._memory.forget(image)
        if original is None:
            original = await self._discover(image, adopt=reachable)
        if settled:
            self._memory.keep_original(original)
        return original

    async def _discover(self, image: ImageId, *, adopt: bool) -> Original:
        """An original that is there, although the index does not say so.

        While the index answers, that is only what another service has left, a file here or
        an object in its bucket, which is adopted; while it does not, any file.
        """
        found = self._originals.find(image)
        if found is None and not adopt:
            # Without the index nobody can say that there is no such picture.
            raise errors.IndexUnavailable
        if found is None or (adopt and not self._originals.foreign(found[0])):
            return await self._importer.find(image)
        generation, path = found
        facts = await self._renderer.run(ProbeJob(path=str(path)))
        original = described(image, generation, facts)
        if adopt:
            # A database that cannot be written, on a full disk for one, is as good as away.
            with contextlib.suppress(errors.IndexUnavailable):
                return await self._rows.adopt(original)
        return original


def _shown(original: Original, *, hidden: bool) -> Original:
    """Return the original. Raises OriginalMissing if it is hidden, and not asked for with
    `hidden`."""
    if original.record.hidden and not hidden:
        raise errors.OriginalMissing
    return original


async def adopt_foreign(
    image: ImageId,
    *,
    originals: ports.Originals,
    rows: ports.OriginalRows,
    renderer: ports.Renderer,
) -> bool:
    """Record a file of the published service that nobody has asked for yet, if there is one.

    Raises IndexUnavailable, and Overload and its kin; a file that is no picture does not
    count.
    """
    found = originals.find(image)
    if found is None or not originals.foreign(found[0]):
        return False
    with contextlib.suppress(errors.ImageError):
        facts = await renderer.run(ProbeJob(path=str(found[1])))
        await rows.adopt(described(image, found[0], facts))
        return True
    return False
