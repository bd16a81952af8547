"""What is known about originals: from memory, the index, or the file itself."""

from liveresize import errors, ports
from liveresize.domain.jobs import Facts, ProbeJob
from liveresize.domain.names import ImageId
from liveresize.domain.originals import Original
from liveresize.service.inflight import Inflight


class Catalogue:
    """Finds out about originals, once for all who ask at the same time."""

    def __init__(
        self,
        *,
        originals: ports.Originals,
        index: ports.Index,
        renderer: ports.Renderer,
        memory: ports.Memory,
    ) -> None:
        self._originals = originals
        self._index = index
        self._renderer = renderer
        self._memory = memory
        self._inflight: Inflight[Original] = Inflight()

    async def facts(self, image: ImageId) -> Original:
        """What is known about an original whose bytes are here.

        Raises OriginalMissing, OriginalElsewhere, and ImageError where a file that the
        index does not know cannot be read.
        """
        original = self._memory.original(image)
        if original is None:
            original = await self._inflight.run(image.key, lambda _: self._learn(image))
        if not self._originals.exists(original):
            self._memory.drop(image, original.generation)
            raise errors.OriginalElsewhere
        return original

    async def _learn(self, image: ImageId) -> Original:
        try:
            original = await self._index.original(image)
            reachable = True
        except errors.IndexUnavailable:
            original, reachable = None, False
        if original is None:
            original = await self._discover(image, adopt=reachable)
        self._memory.keep_original(original)
        return original

    async def _discover(self, image: ImageId, *, adopt: bool) -> Original:
        """An original that is on disk, although the index does not say so.

        While the index answers, that is only a file of the published service, which is
        adopted; while it does not, any.
        """
        found = self._originals.find(image)
        if found is None:
            raise errors.OriginalMissing
        generation, path = found
        if adopt and not self._originals.foreign(generation):
            raise errors.OriginalMissing
        facts = await self._renderer.run(ProbeJob(path=str(path)))
        original = described(image, generation, facts)
        return await self._index.adopt(original) if adopt else original


def described(image: ImageId, generation: str, facts: Facts) -> Original:
    """What a worker found out, as an original of that name and generation."""
    return Original(
        image=image,
        generation=generation,
        format=facts.format,
        width=facts.width,
        height=facts.height,
        bytes=facts.bytes,
        sha256=facts.sha256,
        frames=facts.frames,
        has_alpha=facts.has_alpha,
        clean=facts.clean,
        dominant_color=facts.dominant_color,
        thumbhash=facts.thumbhash,
    )
