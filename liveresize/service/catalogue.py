"""What is known about originals: from memory, the index, or the file itself."""

import contextlib

from liveresize import errors, ports
from liveresize.domain.jobs import ProbeJob
from liveresize.domain.names import ImageId
from liveresize.domain.originals import Original, described
from liveresize.service.inflight import Inflight
from liveresize.service.mirroring import Mirroring
from liveresize.service.takeover import TakeOver


class Catalogue:
    """Finds out about originals, once for all who ask at the same time."""

    def __init__(
        self,
        *,
        originals: ports.Originals,
        index: ports.Index,
        renderer: ports.Renderer,
        memory: ports.Memory,
        mirroring: Mirroring,
        take_over: TakeOver,
    ) -> None:
        self._originals = originals
        self._index = index
        self._renderer = renderer
        self._memory = memory
        self._mirroring = mirroring
        self._take_over = take_over
        self._inflight: Inflight[Original] = Inflight()

    async def facts(self, image: ImageId) -> Original:
        """What is known about an original whose bytes are here, or have been fetched.

        Raises OriginalMissing, OriginalElsewhere, IndexUnavailable where only the index
        could tell, and ImageError where what it does not know cannot be read.
        """
        fetched = ""
        # The second time is for a generation that ended while it was being found out.
        for _ in range(2):
            original = self._memory.original(image)
            if original is None or not original.uploaded_at:
                original = await self._inflight.run(image.key, lambda _: self._learn(image))
            if self._originals.exists(original):
                return original
            if original.generation != fetched and await self._mirroring.fetch(original):
                return original
            fetched = original.generation
            self._memory.drop(image, original.generation)
        raise errors.OriginalElsewhere

    async def _learn(self, image: ImageId) -> Original:
        """What the index says; what memory or the disk say, while it does not answer.

        They do not know `uploaded_at`: by that they are told apart, and asked after again.
        """
        try:
            original, reachable = await self._index.original(image), True
        except errors.IndexUnavailable:
            original, reachable = self._memory.original(image), False
        if original is None:
            self._memory.forget(image)
            original = await self._discover(image, adopt=reachable)
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
            return await self._take_over.find(image)
        generation, path = found
        facts = await self._renderer.run(ProbeJob(path=str(path)))
        original = described(image, generation, facts)
        return await self._index.adopt(original) if adopt else original


async def adopt_foreign(
    image: ImageId,
    *,
    originals: ports.Originals,
    index: ports.Index,
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
        await index.adopt(described(image, found[0], facts))
        return True
    return False
