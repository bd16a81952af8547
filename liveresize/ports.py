"""The seams: what the service asks of the world, as Protocols.

Every method may raise what it names and nothing else; adapters translate whatever their
driver raises into `errors`.
"""

import enum
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, overload

from liveresize.domain.jobs import Facts, IntakeJob, ProbeJob, Rendered, RenderJob
from liveresize.domain.names import ImageId
from liveresize.domain.originals import Link, Original
from liveresize.domain.tokens import Claim, Grant, Spent, Token


class Clock(Protocol):
    """Time as this process sees it."""

    def time(self) -> float:
        """Unix seconds."""

    def monotonic(self) -> float:
        """Seconds that never go back."""


class Priority(enum.IntEnum):
    """Who goes first when jobs wait for a slot; lower is sooner."""

    INTERACTIVE = 0
    BACKGROUND = 10


class Errand:
    """One job on its way to a slot, in the hands of whoever sends it.

    `begun_at` is None until it has left the queue, then `time.perf_counter()`.
    """

    def __init__(self, priority: Priority = Priority.INTERACTIVE) -> None:
        self.priority = priority
        self.begun_at: float | None = None

    @property
    def begun(self) -> bool:
        """Whether it has left the queue: from then on it may not be dropped."""
        return self.begun_at is not None

    def hurry(self) -> None:
        """Let it go as if it had been interactive all along, wherever it is by now."""
        self.priority = Priority.INTERACTIVE

    def begin(self) -> None:
        """It has left the queue; for the Renderer to say."""
        self.begun_at = time.perf_counter()


class Renderer(Protocol):
    """Runs jobs in worker processes."""

    @overload
    async def run(self, job: RenderJob, *, errand: Errand | None = ...) -> Rendered: ...
    @overload
    async def run(self, job: ProbeJob | IntakeJob, *, errand: Errand | None = ...) -> Facts: ...
    async def run(
        self, job: RenderJob | ProbeJob | IntakeJob, *, errand: Errand | None = None
    ) -> Rendered | Facts:
        """Do `job` in a free slot, when it is the turn of `errand` (None: an interactive one).

        Cancelling before it has begun takes the job out of the queue; cancelling later
        leaves the worker to finish it. Raises ImageError and its kin as the job does,
        QueueFull at once, RenderTimeout when the deadline killed it, WorkerDied when
        the worker died under it for the second time, ShuttingDown after `close`.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A rendition whose bytes are at hand. `etag` is their SHA-256 in hex.

    `width` and `height` are 0 where only the bytes are known. `notes` are the
    engine's remarks, see jobs.Rendered.
    """

    data: bytes
    mime: str
    etag: str
    width: int = 0
    height: int = 0
    notes: tuple[str, ...] = ()


class Memory(Protocol):
    """What this process remembers; answers at once and never fails."""

    def original(self, image: ImageId) -> Original | None:
        """The facts about an original."""

    def keep_original(self, original: Original) -> None:
        """Keep the facts; another generation of the same picture is dropped whole."""

    def held(self, generation: str, variant: str) -> Held | None:
        """The bytes of a rendition."""

    def hold(self, generation: str, variant: str, held: Held) -> None:
        """Keep the bytes while there is room."""

    def link(self, generation: str, variant: str, *, stale: bool = False) -> Link | None:
        """The link of a rendition; one past its time only if `stale` will do."""

    def keep_link(self, link: Link) -> None:
        """Keep a link for its time."""

    def drop(self, image: ImageId, generation: str, variant: str = "") -> None:
        """Forget one rendition, or with no variant the whole generation."""

    def forget(self, image: ImageId) -> None:
        """Forget everything about a picture."""


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


@dataclass(frozen=True, slots=True)
class Purged:
    """One deletion that every instance must hear of.

    `variant` is empty when the whole generation is gone.
    """

    serial: int
    image: ImageId
    generation: str
    variant: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which links to purge; exactly one field is set. Times are Unix seconds."""

    image: ImageId | None = None
    prefix: str = ""
    rendered_before: float | None = None
    engine_before: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """An upload that the webhook is to be told of. `tries` counts the attempts, the one that
    it was taken for included; `age` is the seconds since the upload."""

    original: Original
    tries: int
    age: float


class Index(Protocol):
    """Tokens, originals and links: the only state that instances share.

    Every method raises IndexUnavailable when the database does not answer. All times
    are the database's.
    """

    async def ping(self) -> None:
        """Return when the database answers."""

    async def issue(self, grant: Grant) -> Token:
        """Issue a token. Raises IdTaken while the id is uploaded (unless the grant
        overwrites), has a live token, or is being uploaded."""

    async def claim(self, token: str, candidates: Sequence[ImageId], lease: float) -> Claim | Spent:
        """Take the token for one upload, for `lease` seconds.

        `candidates` are the ids that the upload's URL may mean. Exactly one of any
        number of simultaneous claims wins; the others raise TokenRefused, as do unknown
        and expired tokens and those for other ids. A token that was completed and is
        within its life comes back as Spent.
        """

    async def renew(self, claim: Claim, lease: float) -> None:
        """Extend the lease. Raises TokenRefused when it was lost meanwhile."""

    async def release(self, claim: Claim) -> None:
        """Give the claim up: the token is spent, its id is free."""

    async def complete(
        self,
        claim: Claim,
        original: Original,
        received_sha256: str,
        receipt: str,
        *,
        mirrored: bool = False,
        announce: bool = False,
    ) -> Original | None:
        """Commit an upload: original and spent token in one transaction.

        `mirrored` says that the bytes are in the mirror already, `announce` that the webhook
        is to be told.
        Returns the original that was replaced, if any. Raises TokenRefused when the
        lease was lost and IdTaken when the id has been uploaded since.
        """

    async def adopt(
        self, original: Original, *, mirrored: bool = False, announce: bool = False
    ) -> Original:
        """Record an original that is on disk already; returns the row that stands.

        `mirrored` says that the bytes are in the mirror already, `announce` that the webhook
        is to be told, unless another row stands.
        """

    async def take_over(self, original: Original) -> Original | None:
        """Record an original that was found in the mirror; returns the row that stands.

        None where the picture was deleted lately: what was found is what is yet to be
        removed.
        """

    async def original(self, image: ImageId) -> Original | None:
        """The current original of that name."""

    async def original_of(self, generation: str) -> Original | None:
        """The original of that generation, if it is still current."""

    async def unmirrored(self, after: str, limit: int, *, main: bool = True) -> list[Original]:
        """Originals that are not in the mirror, by generation, those above `after` first.

        Without `main`, those of buckets alone.
        """

    async def mirrored(self, generation: str) -> bool:
        """Note that the mirror has it; False when the generation has ended."""

    async def mirrored_of(self, generations: Sequence[str]) -> set[str]:
        """Those of these generations that the mirror has."""

    async def unmirror(self, generation: str) -> None:
        """Note that the mirror lacks it, so that it is supplied again."""

    async def originals_after(self, generation: str, limit: int) -> list[tuple[Original, bool]]:
        """Originals by generation, those above `generation` first, and whether each is said
        to be in the mirror."""

    async def supersede(self, original: Original, older: str = "") -> Original:
        """Record an original that is on disk already, in place of the generation `older`.

        Returns the row that stands, which is another where `older` did not. Links of the
        older one go with it, and every instance is told.
        """

    async def end(self, original: Original) -> bool:
        """Delete an original of that very generation, its links and the token that was spent
        for it; tell every instance. False where it has ended already."""

    async def delete(self, image: ImageId) -> Original | None:
        """Delete the original, its links and its token; tell every instance."""

    async def announcements(self, limit: int, lease: float) -> list[Announcement]:
        """Take up to `limit` uploads that the webhook is to be told of by now, those first
        that wait longest. Nobody else gets them for `lease` seconds."""

    async def announced(self, generation: str) -> None:
        """Note that the webhook need not be told of it (again)."""

    async def announce_again(self, announcement: Announcement, delay: float) -> None:
        """Have it told of in `delay` seconds, unless it was taken anew, told, or ended."""

    async def unannounced(self) -> int:
        """How many uploads the webhook is yet to be told of, now or later; what is beyond
        ten thousand may not count."""

    async def link(self, generation: str, variant: str) -> Link | None:
        """The link of one rendition, unless it was purged."""

    async def was_purged(self, generation: str, variant: str) -> bool:
        """Whether a rendition was purged, and its object is yet to be removed."""

    async def add_link(self, link: Link) -> bool:
        """Insert or replace a link; False when its generation has ended."""

    async def count_links(self, generation: str) -> int:
        """How many links one generation has."""

    async def purge(self, selection: Selection, limit: int) -> list[Link]:
        """Take up to `limit` links out of use, oldest first; tell every instance.

        Their rows stay, marked, until `forget`.
        """

    async def purged_links(self, older_than: float, limit: int) -> list[Link]:
        """Links purged more than `older_than` seconds ago, whose objects may now go."""

    async def forget(self, links: Sequence[Link]) -> None:
        """Drop the rows of links that are still purged or unused."""

    async def touch(self, links: Sequence[tuple[str, str]]) -> None:
        """Note that these (generation, variant) were used just now."""

    async def least_used(self, limit: int, *, buckets: bool = True) -> list[Link]:
        """The links used longest ago, of those whose objects take up room.

        Without `buckets`, those of the main namespace alone.
        """

    async def links_after(
        self, generation: str, variant: str, limit: int
    ) -> list[tuple[Link, bool]]:
        """Links by generation and variant, those above these first, and whether each is in
        use, which purged ones are not."""

    async def stored_bytes(self, *, buckets: bool = True) -> int:
        """The sum of the sizes of all links' objects, purged ones included; without
        `buckets`, of the main namespace alone."""

    async def purges_since(self, serial: int) -> list[Purged]:
        """Deletions with a serial above `serial`, oldest first."""


class Courier(Protocol):
    """Takes messages to the receiver of the webhook."""

    async def deliver(self, body: bytes, headers: Mapping[str, str]) -> None:
        """Deliver one, and return once the receiver has confirmed it.

        Raises WebhookUnavailable, whose detail says why, and never the address in full.
        """

    async def close(self) -> None:
        """Close every connection."""


class ObjectBody(Protocol):
    """The bytes of an object on their way; `close` must be called, read to the end or not."""

    size: int

    def chunks(self) -> AsyncIterator[bytes]:
        """The bytes, all `size` of them. Raises ObjectStoreUnavailable."""

    async def close(self) -> None:
        """Let go of the store."""


class Taken(Protocol):
    """Where pictures lie that another service stored, and that can be taken over."""

    async def take(self, image: ImageId, target: Path, max_bytes: int) -> bool:
        """Write the bytes of a picture to `target`, durably; False where there is none.

        Raises BucketMissing, UploadTooLarge, ObjectStoreUnavailable and DiskFull.
        """


class RenditionStore(Protocol):
    """Where finished renditions are kept for good: the disk here, or S3."""

    def url(self, link: Link) -> str:
        """Where a client is redirected to: relative for ourselves."""

    def key(self, original: Original, variant: str, extension: str) -> str:
        """The key of an object."""

    def local_path(self, key: str) -> Path | None:
        """Where we serve the object of `key` from; None where we do not."""

    async def publish(self, spooled: Path, link: Link) -> None:
        """Store the spooled bytes durably under `link.key`; the spooled file stays.

        Raises DiskFull or ObjectStoreUnavailable.
        """

    async def read(self, link: Link) -> bytes | None:
        """The bytes of a link, or None when they are gone. Raises ObjectStoreUnavailable."""

    async def open(self, link: Link, first: int = 0, last: int | None = None) -> ObjectBody | None:
        """Bytes `first` to `last` of a link, or to its end; None when they are gone.

        Raises ObjectStoreUnavailable.
        """

    async def find_foreign(self, original: Original, variant: str) -> tuple[str, bytes] | None:
        """The key and the bytes of a rendition that another service left there.

        Raises ObjectStoreUnavailable.
        """

    async def remove(self, links: Sequence[Link]) -> None:
        """Remove objects; that one is gone already is no error.

        Raises ObjectStoreUnavailable.
        """

    async def remove_generation(self, original: Original) -> None:
        """Remove every object of one generation. Raises ObjectStoreUnavailable."""

    @property
    def healthy(self) -> bool:
        """Whether clients may be redirected there now."""

    @property
    def shared(self) -> bool:
        """Whether other instances see the same objects."""


class Mirror(Protocol):
    """A second place for originals, which every instance reads."""

    def takes(self, image: ImageId) -> bool:
        """Whether originals of that namespace belong there."""

    def key(self, original: Original) -> str:
        """The key of the bytes of this generation."""

    async def put(self, path: Path, original: Original) -> None:
        """Store the bytes at `path`; that they are there already is no error.

        Raises ObjectStoreUnavailable, OriginalMissing where there is no such file, and
        BucketMissing where there is no such bucket.
        """

    async def fetch(self, original: Original, target: Path) -> bool:
        """Write the bytes to `target`, durably; False where they are not there.

        Bytes of another size or SHA-256 count as not there. Raises
        ObjectStoreUnavailable and DiskFull.
        """

    async def remove(self, original: Original) -> None:
        """Remove the bytes of this generation; that they are gone already is no error.

        Raises ObjectStoreUnavailable.
        """

    async def exists(self, original: Original) -> bool:
        """Whether the bytes are there, as far as their size tells.

        Raises ObjectStoreUnavailable.
        """

    def entries(self) -> AsyncIterator[tuple[str, int]]:
        """(key, bytes) of everything there. Raises ObjectStoreUnavailable."""

    @property
    def healthy(self) -> bool:
        """Whether it answers."""
