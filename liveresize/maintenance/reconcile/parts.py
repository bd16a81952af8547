"""What a reconciliation is told, and the parts of this installation that it works on."""

import asyncio
import contextlib
import enum
from dataclasses import dataclass

from liveresize import errors
from liveresize.core import ports
from liveresize.core.names import ImageId
from liveresize.core.originals import Original
from liveresize.maintenance.reconcile.places import Described, Files, Objects

WIDTH = 16
"""Questions to stores that are under way at once; the client of S3 has a bound of its own."""

PAGE = 1_000
"""Rows that are read at once."""


class OrphanPolicy(enum.Enum):
    """What becomes of originals that are stored without a row."""

    REPORT = enum.auto()
    ADOPT = enum.auto()
    REMOVE = enum.auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What to do about what is found.

    `this_is_all`: no other disk has originals. `alone` says so too, as far as the kind of
    the database tells, and is not believed while nothing at all is found. What is younger
    than `grace` seconds and has no row or link may be on its way, and is left alone.
    `slots`: pictures that the renderer takes at a time.
    """

    repair: bool = False
    strays: OrphanPolicy = OrphanPolicy.REPORT
    this_is_all: bool = False
    alone: bool = False
    grace: float = 3600.0
    slots: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """This installation. `aside` lists originals that servers have set aside, since they had
    no row for long. `objects` is None where the store cannot be listed.

    `apart`: pictures of buckets have stores of their own, where another service may keep
    what it knows of, so that nothing there is compared or taken for a stray.
    """

    rows: ports.OriginalRows
    mirror_queue: ports.MirrorQueue
    links: ports.Links
    purges: ports.Purges
    originals: ports.Originals
    files: Files
    aside: Files
    store: ports.RenditionStore
    objects: Objects | None
    mirror: ports.Mirror | None
    renderer: ports.Renderer
    clock: ports.Clock
    apart: bool = False

    def mirrors(self, image: ImageId) -> bool:
        """Whether there is a mirror for originals of that namespace."""
        return self.mirror is not None and self.mirror.takes(image)

    def borrowed(self, image: ImageId) -> bool:
        """Whether a picture lies where another service may have put it."""
        return self.apart and bool(image.bucket)

    async def mirror_has(self, original: Original) -> bool:
        """Whether the mirror has that very original. Raises ObjectStoreUnavailable."""
        if self.mirror is None or not self.mirror.takes(original.image):
            return False
        if isinstance(self.mirror, Described):
            return await self.mirror.facts(original) == (original.bytes, original.sha256)
        return await self.mirror.exists(original)

    async def occupied(self, original: Original) -> bool:
        """Whether another picture lies under the id of this one in its bucket, which is not
        ours to replace. Raises ObjectStoreUnavailable."""
        if not self.borrowed(original.image) or not isinstance(self.mirror, Described):
            return False
        expected = (original.bytes, original.sha256)
        return await self.mirror.facts(original) not in (None, expected)

    async def size_here(self, original: Original) -> int | None:
        """The bytes of the file of `original` on this disk; None where there is none."""
        path = self.originals.path(original)
        with contextlib.suppress(OSError):
            return (await asyncio.to_thread(path.stat)).st_size
        return None

    async def retire(self, original: Original) -> None:
        """Remove what is left of a generation that has no row.

        In buckets that another service uses nothing is touched: that a row is missing here
        says nothing of what is there. Raises ObjectStoreUnavailable.
        """
        await self.originals.remove(original)
        if self.borrowed(original.image):
            return  # and the note of an upload leads `Uploads.recover` to what it left there
        self.originals.settle(original.generation)
        await self.store.remove_generation(original)
        if self.mirror is not None and self.mirror.takes(original.image):
            await self.mirror.remove(original)


def age_order(generation: str) -> str:
    """What to sort generations of one picture by, so that older ones come first."""
    return generation[1:]


NOT_ADOPTABLE = (
    errors.ImageError,
    errors.WorkerDied,
    errors.OriginalMissing,
)
"""What a worker says of a file that cannot become an original."""
