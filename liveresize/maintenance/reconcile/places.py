"""The places that are compared with the index, as far as a reconciliation needs to know them."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from liveresize.core import ports
from liveresize.core.names import ImageId
from liveresize.core.originals import GENERATION, Link, Original, ended


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """Something that lies in one of the places, or that a row says should.

    `key` is what its place calls it: a path on this disk, or the key of an object; its last
    part is the name of its file. `image` is None where it does not tell of which picture
    it is. `modified_at` is Unix seconds, 0 where nobody knows. `place` tells originals
    apart: on this disk, set aside on it, in the mirror, or in a row alone.
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
    """The originals on this disk, those aside that are read through from another service."""

    def entries(self) -> AsyncIterator[tuple[Path, str, int, ImageId | None]]:
        """(path, generation, bytes, image) of every file, in any order; the image is None
        where the path does not tell it. Raises SettingsError where a folder cannot be read."""


@runtime_checkable
class Objects(Protocol):
    """The renditions in their store, beyond what ports.RenditionStore asks of it."""

    def entries(self) -> AsyncIterator[tuple[str, int, float]]:
        """(key, bytes, Unix seconds of its last change) of every object, in any order.

        Raises ObjectStoreUnavailable, or SettingsError where a folder cannot be read.
        """

    async def size(self, link: Link) -> int | None:
        """How many bytes the object of `link` has; None where there is none.

        Raises ObjectStoreUnavailable.
        """


@runtime_checkable
class Described(Protocol):
    """A mirror that knows what it holds, beyond what ports.Mirror asks of it."""

    async def facts(self, original: Original) -> tuple[int, str] | None:
        """(bytes, SHA-256 in hex) of the copy of that generation; None where there is none.

        Raises ObjectStoreUnavailable.
        """


async def files(listing: Files, place: str = HERE) -> AsyncIterator[Entry]:
    """The originals on this disk: where they belong, or set aside."""
    async for path, generation, size, image in listing.entries():
        yield Entry(key=str(path), generation=generation, bytes=size, image=image, place=place)


async def mirrored(mirror: ports.Mirror) -> AsyncIterator[Entry]:
    """The originals in the mirror."""
    sample = ended(ImageId("x"), "0" * 28)
    prefix = mirror.key(sample).removesuffix(f"{sample.image.key}/{sample.generation}")
    async for key, size in mirror.entries():
        path, _, generation = key.removeprefix(prefix).rpartition("/")
        bucket, _, name = path.rpartition("/")
        image = ImageId(name, bucket)
        if GENERATION.fullmatch(generation) and key == mirror.key(ended(image, generation)):
            yield Entry(key=key, generation=generation, bytes=size, image=image, place=MIRROR)


async def renditions(objects: Objects) -> AsyncIterator[Entry]:
    """The objects of renditions, which are those with a generation in the right place."""
    async for key, size, modified_at in objects.entries():
        _, generation, _ = ("", "", *key.split("/"))[-3:]
        if GENERATION.fullmatch(generation):
            yield Entry(key=key, generation=generation, bytes=size, modified_at=modified_at)
