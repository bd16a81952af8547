"""The stores that a reconciliation compares with the index."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from liveresize.core import ports
from liveresize.core.names import ImageId
from liveresize.core.originals import GENERATION, Link, Original, ended


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A stored file or object, or a row without one.

    `key` is its name in the store: a path on this disk, or the key of an object; the last part
    is the file name. `image` is None if the key does not contain the name of the picture.
    `modified_at` is Unix seconds, 0 if unknown. `place` is the place of an original: on this
    disk, set aside on it, in the mirror, or only in a row.
    """

    key: str
    generation: str
    bytes: int
    modified_at: float = 0.0
    image: ImageId | None = None
    place: str = ""


HERE, ASIDE, MIRROR, LOST = "here", "aside", "mirror", "lost"
ON_DISK = (HERE, ASIDE)


class Files(Protocol):
    """The originals on this disk, except those that belong to another service."""

    def entries(self) -> AsyncIterator[tuple[Path, str, int, ImageId | None]]:
        """Yield (path, generation, bytes, image) of every file, in any order.

        The image is None if the path does not contain its name. Raises SettingsError if a
        folder cannot be read.
        """


@runtime_checkable
class Objects(Protocol):
    """A store of renditions that can list its objects, see ports.RenditionStore."""

    def entries(self) -> AsyncIterator[tuple[str, int, float]]:
        """Yield (key, bytes, Unix seconds of the last change) of every object, in any order.

        Raises ObjectStoreUnavailable, or SettingsError if a folder cannot be read.
        """

    async def size(self, link: Link) -> int | None:
        """Return the size of the object of `link`; None if there is none.

        Raises ObjectStoreUnavailable.
        """


@runtime_checkable
class Described(Protocol):
    """A mirror that knows size and SHA-256 of its copies, see ports.Mirror."""

    async def facts(self, original: Original) -> tuple[int, str] | None:
        """Return (bytes, SHA-256 in hex) of the copy of that generation; None if there is none.

        Raises ObjectStoreUnavailable.
        """


async def files(listing: Files, place: str = HERE) -> AsyncIterator[Entry]:
    """Yield the originals on this disk, those in use or those set aside."""
    async for path, generation, size, image in listing.entries():
        yield Entry(key=str(path), generation=generation, bytes=size, image=image, place=place)


async def mirrored(mirror: ports.Mirror) -> AsyncIterator[Entry]:
    """Yield the originals in the mirror."""
    sample = ended(ImageId("x"), "0" * 28)
    prefix = mirror.key(sample).removesuffix(f"{sample.image.key}/{sample.generation}")
    async for key, size in mirror.entries():
        path, _, generation = key.removeprefix(prefix).rpartition("/")
        bucket, _, name = path.rpartition("/")
        image = ImageId(name, bucket)
        if GENERATION.fullmatch(generation) and key == mirror.key(ended(image, generation)):
            yield Entry(key=key, generation=generation, bytes=size, image=image, place=MIRROR)


async def renditions(objects: Objects) -> AsyncIterator[Entry]:
    """Yield the objects of renditions: those with a generation at the right position of the key."""
    async for key, size, modified_at in objects.entries():
        _, generation, _ = ("", "", *key.split("/"))[-3:]
        if GENERATION.fullmatch(generation):
            yield Entry(key=key, generation=generation, bytes=size, modified_at=modified_at)
