"""The seams to the local disk: originals, and renditions on their way."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from liveresize.core.names import ImageId
from liveresize.core.originals import Original
from liveresize.core.ports.index import Purged


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
        """The newest generation of `image` on this disk, without asking the index.

        One that is noted as unsettled, or as without a row, does not count.
        """

    def foreign(self, generation: str) -> bool:
        """Whether that generation is a file that lay here before us, read through."""

    def staging(self, name: str, *, need: int = 0, share: float = 1.0) -> Path:
        """A path for a file on its way, in the file system of the originals.

        Raises DiskFull when `need` bytes more would leave less than `share` times the
        reserve.
        """

    async def keep(self, staged: Path, original: Original) -> None:
        """Move a staged, fsynced file to its place, durably. Raises DiskFull."""

    async def restore(self, staged: Path, original: Original) -> None:
        """Move a copy that can be had again to its place. Raises DiskFull."""

    async def kept(self) -> list[Kept]:
        """The files here that are ours, those first that were read longest ago."""

    async def discard(self, file: Kept) -> None:
        """Remove one of them; that it is gone already is no error."""

    def settle(self, generation: str) -> None:
        """Forget the note that `keep` leaves, and that of a stray: the row is committed, or
        the file gone."""

    async def unsettled(self, older_than: float) -> list[tuple[ImageId, str, Path]]:
        """(image, generation, path) of what was kept more than `older_than` seconds ago
        and never settled."""

    async def sweep(self, older_than: float) -> int:
        """Remove staged bodies untouched for `older_than` seconds; returns how many."""

    async def remove(self, original: Original) -> None:
        """Remove the bytes of this generation; that they are gone already is no error."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StrayNote:
    """A note that an original on this disk has no row; `noted_at` is Unix seconds."""

    generation: str
    path: Path
    noted_at: float


class StrayOriginals(Protocol):
    """Originals on this disk without a row, and the notes of when that was first seen.

    `Originals.find` passes over what is noted, and `Originals.settle` drops the note.
    """

    def files(self) -> AsyncIterator[tuple[str, Path]]:
        """(generation, path) of every original here, those set aside left out.

        Raises SettingsError where a folder cannot be read.
        """

    def notes(self) -> AsyncIterator[list[StrayNote]]:
        """Every note, some at a time."""

    async def note(self, originals: Sequence[tuple[str, Path]], now: float) -> int:
        """Note these (generation, path) unless they are noted already, or are of uploads
        that are not settled; returns how many are new. Raises DiskFull."""

    async def withdraw(self, generations: Sequence[str]) -> None:
        """Drop the notes of these."""

    async def set_aside(self, note: StrayNote) -> Path | None:
        """Move a noted original out of the way, and drop its note; returns where it is.

        None where it is gone. Raises DiskFull.
        """

    async def forget(self) -> None:
        """Drop every note."""


@dataclass(frozen=True, slots=True)
class Heard:
    """Up to where an instance has heard of deletions, and done what they ask for: the
    identity of the index, and the last deletion (None: it had none)."""

    identity: str
    last: Purged | None = None


class HeardRecord(Protocol):
    """Where `Heard` outlives this process."""

    async def read(self) -> Heard | None:
        """What was written last; None where nothing was. What cannot be read is a `Heard`
        that fits no index."""

    async def write(self, heard: Heard) -> None:
        """Write it whole; where that fails, what was there stays."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RenditionFile:
    """A file in the embedded store of renditions; `modified_at` is Unix seconds."""

    path: Path
    generation: str
    modified_at: float

    @property
    def variant(self) -> str:
        """The variant that its name tells, of a half-written one too."""
        return self.path.name.removesuffix(".part").rpartition(".")[0]


class RenditionFiles(Protocol):
    """The files of the embedded store of renditions, part by part."""

    parts: int
    """How many parts there are."""

    async def part(self, number: int) -> list[RenditionFile]:
        """The files of one part, half-written ones included.

        Raises SettingsError where a folder cannot be read.
        """

    async def discard(self, files: Sequence[RenditionFile]) -> None:
        """Remove those that have not changed since."""


class Spool(Protocol):
    """Renditions that are not yet where they are kept for good; a queue on disk."""

    def holds(self, generation: str, variant: str) -> bool:
        """Whether a rendition is on its way: stored or not, its link may come yet."""

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
