"""The seam to what this process remembers."""

from dataclasses import dataclass
from typing import Protocol

from liveresize.core.names import ImageId
from liveresize.core.originals import Link, Original


@dataclass(frozen=True, slots=True, kw_only=True)
class CachedImage:
    """A rendition whose bytes are at hand. `etag` is their SHA-256 in hex.

    `notes` are the engine's remarks, see jobs.Rendered.
    """

    data: bytes
    mime: str
    etag: str
    notes: tuple[str, ...] = ()


class Memory(Protocol):
    """What this process remembers; answers at once and never fails."""

    def original(self, image: ImageId) -> Original | None:
        """The facts about an original."""

    def keep_original(self, original: Original) -> None:
        """Keep the facts; another generation of the same picture is dropped whole."""

    def assumed(self, limit: int) -> list[Original]:
        """Up to `limit` originals without `uploaded_at`: they were found on the disk, and
        the index has not confirmed them."""

    def confirm(self, original: Original) -> None:
        """The index has a row of that generation: it is not `assumed` any more."""

    def held(self, generation: str, variant: str) -> CachedImage | None:
        """The bytes of a rendition."""

    def put(self, generation: str, variant: str, image: CachedImage) -> None:
        """Keep the bytes while there is room."""

    def link(self, generation: str, variant: str, *, stale: bool = False) -> Link | None:
        """The link of a rendition; one past its time only if `stale` will do."""

    def keep_link(self, link: Link) -> None:
        """Keep a link for its time."""

    def drop(self, image: ImageId, generation: str, variant: str = "") -> None:
        """Forget one rendition, or with no variant the whole generation."""

    def forget(self, image: ImageId) -> None:
        """Forget everything about a picture."""

    def clear(self) -> None:
        """Forget everything."""
