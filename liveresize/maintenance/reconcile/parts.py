"""The options of a reconciliation, and the components that it works on."""

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
"""Concurrent requests to stores; the S3 client has a limit of its own."""

PAGE = 1_000
"""Rows that are read at once."""


class OrphanPolicy(enum.Enum):
    """The action for originals without a row."""

    REPORT = enum.auto()
    ADOPT = enum.auto()
    REMOVE = enum.auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The options of a run.

    `this_is_all`: no other disk has originals. `alone` is the same, derived from the kind of
    the database; it is ignored if no file is found at all. Files without a row or link are
    skipped if they are younger than `grace` seconds, because it may follow. `slots`: pictures
    that the renderer processes at a time. `keep_lost`: rows of lost pictures stay.
    """

    repair: bool = False
    strays: OrphanPolicy = OrphanPolicy.REPORT
    this_is_all: bool = False
    alone: bool = False
    grace: float = 3600.0
    slots: int = 1
    keep_lost: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The components of this installation. `aside` lists originals that servers have set aside,
    because they had no row for a long time. `objects` is None if the store cannot be listed.

    `apart`: pictures of buckets have stores of their own, which another service may use, too,
    so that nothing there is compared or counts as an original without a row.
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
        """Whether a picture is in a bucket that another service may use."""
        return self.apart and bool(image.bucket)

    async def mirror_has(self, original: Original) -> bool:
        """Whether the mirror has exactly this original. Raises ObjectStoreUnavailable."""
        if self.mirror is None or not self.mirror.takes(original.image):
            return False
        if isinstance(self.mirror, Described):
            return await self.mirror.facts(original) == (original.bytes, original.sha256)
        return await self.mirror.exists(original)

    async def occupied(self, original: Original) -> bool:
        """Whether the bucket has another picture with the same id, which must not be replaced.

        Raises ObjectStoreUnavailable.
        """
        if not self.borrowed(original.image) or not isinstance(self.mirror, Described):
            return False
        expected = (original.bytes, original.sha256)
        return await self.mirror.facts(original) not in (None, expected)

    async def size_here(self, original: Original) -> int | None:
        """Return the size of the file of `original` on this disk; None if there is none."""
        path = self.originals.path(original)
        with contextlib.suppress(OSError):
            return (await asyncio.to_thread(path.stat)).st_size
        return None

    async def retire(self, original: Original) -> None:
        """Remove the remains of a generation without a row.

        Nothing is removed from buckets that another service uses: it may have objects without a
        row here. Raises ObjectStoreUnavailable.
        """
        await self.originals.remove(original)
        if self.borrowed(original.image):
            return  # and the note of an upload leads `Uploads.recover` to what it left there
        self.originals.settle(original.generation)
        await self.store.remove_generation(original)
        if self.mirror is not None and self.mirror.takes(original.image):
            await self.mirror.remove(original)


def age_order(generation: str) -> str:
    """Return the sort key that puts older generations of one picture first."""
    return generation[1:]


NOT_ADOPTABLE = (
    errors.ImageError,
    errors.WorkerDied,
    errors.OriginalMissing,
)
"""Errors of workers for a file that cannot become an original."""
