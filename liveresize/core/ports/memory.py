"""The interface of the cache in memory."""

from dataclasses import dataclass
from typing import Protocol

from liveresize.core.names import ImageId
from liveresize.core.originals import Link, Original


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkList:
    """Links of one generation by variant. `complete`: it has no others, except purged ones."""

    links: dict[str, Link]
    complete: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CachedImage:
    """A rendition in memory. `etag` is the SHA-256 of the bytes in hex.

    `notes` are the engine's remarks, see jobs.Rendered. `engine` is the version of the engine;
    empty for an original, and for a rendition from the spool. `quality` as for a Link.
    """

    data: bytes
    mime: str
    etag: str
    notes: tuple[str, ...] = ()
    engine: str = ""
    quality: int | None = None


class Memory(Protocol):
    """The cache of this process; methods do not block and never fail."""

    drops: int
    """How often a whole generation was dropped."""

    def original(self, image: ImageId) -> Original | None:
        """Return the original, if it is cached."""

    def keep_original(self, original: Original) -> None:
        """Cache an original; another generation of the same picture is dropped completely, as is
        everything of a hidden one."""

    def assumed(self, limit: int) -> list[Original]:
        """Return up to `limit` originals without `uploaded_at`: they were found on the disk, and
        the index has not confirmed them."""

    def confirm(self, original: Original) -> None:
        """Mark an original as confirmed by the index, and no longer `assumed`."""

    def keep_missing(self, image: ImageId) -> None:
        """Remember for a moment that there is no such picture, until it is cached or dropped."""

    def is_missing(self, image: ImageId) -> bool:
        """Whether there was no such picture a moment ago."""

    def held(self, generation: str, variant: str) -> CachedImage | None:
        """Return a rendition, if it is cached."""

    def put(self, generation: str, variant: str, image: CachedImage) -> None:
        """Cache a rendition while there is room."""

    def link(self, generation: str, variant: str, *, stale: bool = False) -> Link | None:
        """Return the link of a rendition, if it is cached; an expired one only with `stale`."""

    def keep_link(self, link: Link) -> None:
        """Cache a link for its time."""

    def link_list(self, generation: str) -> LinkList | None:
        """Return the list of all links of a generation, if it is cached and valid."""

    def keep_link_list(self, generation: str, found: LinkList) -> None:
        """Cache the list of all links of a generation for a few seconds."""

    def drop_link_list(self, generation: str) -> None:
        """Drop the list of all links of a generation."""

    def drop(self, image: ImageId, generation: str, variant: str = "") -> None:
        """Drop one rendition, or without a variant the whole generation."""

    def forget(self, image: ImageId) -> None:
        """Drop everything about a picture."""

    def clear(self) -> None:
        """Drop everything."""
