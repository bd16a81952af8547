"""The interfaces of the local disk: originals, and renditions in the spool."""

import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from liveresize.core import originals
from liveresize.core.names import ImageId
from liveresize.core.originals import Original
from liveresize.core.ports.news import Purged
from liveresize.core.tokens import Claim


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """An original on this disk; `used_at` is Unix seconds of its last read."""

    path: Path
    generation: str
    bytes: int
    used_at: float


class Originals(Protocol):
    """Originals on the local disk. Methods that are not `async` make one system call."""

    def path(self, original: Original) -> Path:
        """Return the path of this generation, whether or not the file exists."""

    def exists(self, original: Original) -> bool:
        """Whether the file is on this disk."""

    def find(self, image: ImageId) -> tuple[str, Path] | None:
        """Return the newest generation of `image` on this disk, without a query of the index.

        Generations that are noted as unsettled, or as without a row, are ignored. None if the
        newest is noted as hidden.
        """

    def foreign(self, generation: str) -> bool:
        """Whether that generation is a file of the published service."""

    def staging(self, name: str, *, need: int = 0, share: float = 1.0) -> Path:
        """Return a path for a temporary file, in the file system of the originals.

        Raises DiskFull if `need` more bytes would leave less than `share` times the reserve.
        """

    async def keep(self, staged: Path, original: Original) -> None:
        """Move a staged, fsynced file to its place, durably. Raises DiskFull."""

    async def restore(self, staged: Path, original: Original) -> None:
        """Move a copy that can be fetched again to its place, noted if it is hidden. Raises
        DiskFull."""

    async def hide(self, generation: str) -> None:
        """Note durably that a generation is hidden. Raises DiskFull."""

    def show(self, generation: str) -> None:
        """Remove the note of `hide`."""

    def is_hidden(self, generation: str) -> bool:
        """Whether a generation is noted as hidden."""

    async def hidden(self, older_than: float) -> list[str]:
        """Return the generations that were noted as hidden more than `older_than` seconds ago, and
        are settled."""

    async def kept(self) -> list[Kept]:
        """Return our own files, the least recently read ones first."""

    async def discard(self, file: Kept) -> None:
        """Remove a file; a missing one is not an error."""

    def settle(self, generation: str) -> None:
        """Remove the notes of `keep` and of a stray: the row is committed, or the file is
        gone."""

    async def unsettled(self, older_than: float) -> list[tuple[ImageId, str, Path]]:
        """Return (image, generation, path) of files that were kept more than `older_than` seconds
        ago and are not settled."""

    async def sweep(self, older_than: float) -> int:
        """Remove staged files unchanged for `older_than` seconds; return how many."""

    async def remove(self, original: Original) -> None:
        """Remove the file of this generation, and its note of `hide`; a missing one is not an
        error."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StrayNote:
    """A note that an original on this disk has no row; `noted_at` is Unix seconds."""

    generation: str
    path: Path
    noted_at: float


class StrayOriginals(Protocol):
    """Originals on this disk without a row, and the notes of when that was first noticed.

    `Originals.find` ignores noted originals, and `Originals.settle` removes the note.
    """

    def files(self) -> AsyncIterator[tuple[str, Path]]:
        """Yield (generation, path) of every original here that is not set aside.

        Raises SettingsError if a folder cannot be read.
        """

    def notes(self) -> AsyncIterator[list[StrayNote]]:
        """Yield all notes, some at a time."""

    async def note(self, originals: Sequence[tuple[str, Path]], now: float) -> int:
        """Note these (generation, path), except those of unsettled uploads; return how many notes
        are new. Raises DiskFull."""

    async def withdraw(self, generations: Sequence[str]) -> None:
        """Remove the notes of these generations."""

    async def set_aside(self, note: StrayNote) -> Path | None:
        """Set a noted original aside, and remove its note; return its new path.

        None if the file is gone. Raises DiskFull.
        """

    async def forget(self) -> None:
        """Remove every note."""


@dataclass(frozen=True, slots=True)
class Heard:
    """The last deletion that an instance has processed (None: there was none), and the identity of
    its index."""

    identity: str
    last: Purged | None = None


class HeardRecord(Protocol):
    """The storage of `Heard`, across restarts."""

    async def read(self) -> Heard | None:
        """Return the last record; None if there is none.

        An unreadable record becomes one that matches no index.
        """

    async def write(self, heard: Heard) -> None:
        """Write the record atomically; if that fails, the old one stays."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RenditionFile:
    """A file in the embedded store of renditions; `modified_at` is Unix seconds."""

    path: Path
    generation: str
    modified_at: float

    @property
    def variant(self) -> str:
        """The variant in the file name, also of a half-written file; empty if there is none."""
        name = self.path.name
        if name.endswith(".part"):
            name = name.removesuffix(".part").rpartition(".")[0]
        with contextlib.suppress(ValueError):
            return originals.parse_file_name(name)[0]
        return ""


class RenditionFiles(Protocol):
    """The files of the embedded store of renditions, in parts."""

    parts: int
    """The number of parts."""

    async def part(self, number: int) -> list[RenditionFile]:
        """Return the files of one part, including half-written ones.

        Raises SettingsError if a folder cannot be read.
        """

    async def discard(self, files: Sequence[RenditionFile]) -> None:
        """Remove files that have not changed since."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartialNote:
    """What is known of an upload that arrives in parts; it lies beside its bytes.

    `key` is the SHA-256 of its id, which is nowhere written down. `name` is what its URL calls the
    picture, `length` the bytes that it will have, `client` the key of its client, `metadata` the
    header of its creation without the token. `ends_at` is Unix seconds. Bytes from `unchecked` on
    are of a part whose checksum was not compared.
    """

    key: str
    name: str
    claim: Claim
    length: int
    client: str
    metadata: str
    crop: tuple[int, int, int, int] | None
    ends_at: float
    unchecked: int | None = None


class PartialFiles(Protocol):
    """The bytes of uploads that arrive in parts, and their notes, on the local disk."""

    def prepare(self) -> None:
        """Create the folder. Raises DiskFull if that fails."""

    def path(self, key: str) -> Path:
        """Return the path of the bytes, whether or not they exist."""

    def check(self, need: int) -> None:
        """Raise DiskFull if `need` more bytes would leave less than the reserve."""

    async def load(self) -> list[tuple[PartialNote, int | None]]:
        """Return every note with the number of its durable bytes; None if they are gone.

        Bytes that were not checked are cut off, and what has no readable note is removed.
        """

    async def create(self, note: PartialNote) -> None:
        """Write a note and an empty file, durably. Raises DiskFull."""

    async def write_note(self, note: PartialNote) -> None:
        """Replace a note, durably. Raises DiskFull."""

    async def append(self, key: str, offset: int, data: bytes) -> None:
        """Write `data` from `offset` on. Raises DiskFull; part of it may have been written."""

    async def sync(self, key: str) -> int:
        """Make the bytes durable, and return their number. Raises DiskFull."""

    async def truncate(self, key: str, size: int) -> None:
        """Cut the bytes off behind `size`, durably. Raises DiskFull."""

    async def sha256(self, key: str) -> str:
        """Return the SHA-256 of the bytes in hex. Raises DiskFull if they cannot be read."""

    async def remove_bytes(self, key: str) -> None:
        """Remove the bytes, and leave the note; missing ones are not an error."""

    async def remove(self, key: str) -> None:
        """Remove note and bytes; missing ones are not an error."""


class Spool(Protocol):
    """The queue on disk of renditions that are not in the store yet."""

    def holds(self, generation: str, variant: str) -> bool:
        """Whether a rendition is in the spool: its link may follow."""

    async def put(
        self,
        generation: str,
        variant: str,
        engine: str,
        extension: str,
        data: bytes,
        quality: int | None = None,
    ) -> Path:
        """Store a rendition completely, or not at all. Raises DiskFull."""

    def quality(self, generation: str, variant: str) -> int | None:
        """Return the quality of a spooled rendition, if the engine has chosen it."""

    async def read(self, generation: str, variant: str) -> bytes | None:
        """Return the bytes of a spooled rendition; None if it is not there."""

    async def entries(self) -> list[Path]:
        """Return all files, the oldest first."""

    def parse(self, path: Path) -> tuple[str, str, str, str]:
        """Return (generation, variant, engine, extension) of a spooled file. Raises ValueError."""

    async def remove(self, path: Path) -> None:
        """Remove a file; a missing one is not an error."""

    async def remove_generation(self, generation: str) -> None:
        """Remove every rendition of one generation."""
