"""Which originals are stored turned or mirrored, as EXIF says: no row tells."""

from liveresize import errors
from liveresize.core import ports
from liveresize.core.jobs import OrientationJob
from liveresize.core.originals import Original
from liveresize.core.single_flight import Call, SingleFlight
from liveresize.storage.mirroring import Mirroring

_KNOWN = 50_000
"""Originals whose orientation is remembered, as many as memory has facts of."""

_WITHOUT = frozenset({"gif", "bmp", "tiff", "heif", "jxl"})
"""Formats that carry no orientation, or whose decoder has applied it."""


class Orientations:
    """Finds out about the orientation of originals, once for all who ask."""

    def __init__(
        self, *, originals: ports.Originals, mirroring: Mirroring, renderer: ports.Renderer
    ) -> None:
        self._originals = originals
        self._mirroring = mirroring
        self._renderer = renderer
        self._turned: dict[str, bool] = {}
        self._looks: SingleFlight[bool] = SingleFlight()

    def recall(self, original: Original) -> bool | None:
        """Whether the original is not stored upright; None where nobody has looked yet."""
        if original.format in _WITHOUT:
            return False
        return self._turned.get(original.generation)

    async def is_turned(self, original: Original) -> bool:
        """Whether the original is not stored upright; not so where its file cannot be read.

        Raises OriginalMissing, OriginalElsewhere, Overload and its kin.
        """
        known = self.recall(original)
        if known is not None:
            return known

        async def look(call: Call[bool]) -> bool:
            await self._mirroring.bring(original)
            job = OrientationJob(path=str(self._originals.path(original)))
            try:
                turned = await self._renderer.run(job, handle=call) != 1
            except errors.ImageError:
                turned = False
            if len(self._turned) >= _KNOWN:
                del self._turned[next(iter(self._turned))]
            self._turned[original.generation] = turned
            return turned

        return await self._looks.run(original.generation, look)
