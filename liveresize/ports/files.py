"""The seams to the local disk: originals, and renditions on their way."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from liveresize.domain.names import ImageId
from liveresize.domain.originals import Original


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A file of the originals on this disk; `used_at` is Unix seconds of its last read."""

    path: Path
    generation: str
    bytes: int
    used_at: float


class Originals(Protocol):
    """Originals on the local disk. Methods that are not `async` cost one system call."""

    def path(self, original: Original) -> Path:
        """Where the bytes of this generation lie, whether or not they are there."""

    def exists(self, original: Original) -> bool:
        """Whether those bytes are on this disk."""

    def find(self, image: ImageId) -> tuple[str, Path] | None:
        """The newest generation of `image` on this disk, without asking the index."""

    def foreign(self, generation: str) -> bool:
        """Whether that generation is a file that lay here before us, read through."""

    def staging(self, token_digest: str) -> Path:
        """A path for the body of one upload, in the file system of the originals.

        Raises DiskFull when storing it would eat into the reserve.
        """

    async def keep(self, staged: Path, original: Original) -> None:
        """Move a staged, fsynced file to its place, durably. Raises DiskFull."""

    async def restore(self, staged: Path, original: Original) -> None:
        """Move a copy that can be had again to its place. Raises DiskFull."""

    async def kept(self) -> list[Kept]:
        """The files here that are ours, those first that were read longest ago."""

    async def discard(self, kept: Kept) -> None:
        """Remove one of them; that it is gone already is no error."""

    def settle(self, generation: str) -> None:
        """Forget the note that `keep` leaves: the row is committed, or the file gone."""

    async def unsettled(self, older_than: float) -> list[tuple[ImageId, str, Path]]:
        """(image, generation, path) of what was kept more than `older_than` seconds ago
        and never settled."""

    async def sweep(self, older_than: float) -> int:
        """Remove staged bodies untouched for `older_than` seconds; returns how many."""

    async def remove(self, original: Original) -> None:
        """Remove the bytes of this generation; that they are gone already is no error."""


class Spool(Protocol):
    """Renditions that are not yet where they are kept for good; a queue on disk."""

    async def put(self, generation: str, variant: str, extension: str, data: bytes) -> Path:
        """Store whole or not at all. Raises DiskFull."""

    async def read(self, generation: str, variant: str) -> bytes | None:
        """The bytes of a spooled rendition."""

    async def entries(self) -> list[Path]:
        """Everything spooled, oldest first."""

    def parse(self, path: Path) -> tuple[str, str, str]:
        """(generation, variant, extension) of a spooled file; raises ValueError."""

    async def remove(self, path: Path) -> None:
        """Take one out; that it is gone already is no error."""

    async def remove_generation(self, generation: str) -> None:
        """Take out every rendition of one generation."""
