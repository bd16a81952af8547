"""The index: tokens, originals and links, the only state that instances share.

Every method raises IndexUnavailable when the database does not answer, and those that
write raise IndexFull, which is one, when its disk takes no more; nothing was written then.
`OriginalRows.end` and `delete`, `Links.purge`, `evict` and `forget` make room, and work on a
full disk with SQLite. All times are the database's.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from liveresize.core.names import ImageId
from liveresize.core.originals import Link, Original
from liveresize.core.tokens import Claim, Grant, Spent, Token


@dataclass(frozen=True, slots=True)
class Purged:
    """One deletion that every instance must hear of.

    `variant` is empty when the whole generation is gone. `at` is the time of the database
    in Unix seconds; it does not count in comparisons, see `is_row`.
    """

    serial: int
    image: ImageId
    generation: str
    variant: str = ""
    at: float = field(default=0.0, compare=False)

    def is_row(self, other: "Purged") -> bool:
        """Whether both are the same row: a restored database gives serials out again."""
        return self == other and self.at == other.at


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


class Tokens(Protocol):
    """Tokens for uploads, from issue to commit."""

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


class OriginalRows(Protocol):
    """What is known of the originals; `Originals` has their files."""

    async def find(self, image: ImageId) -> Original | None:
        """The current original of that name."""

    async def of(self, generation: str) -> Original | None:
        """The original of that generation, if it is still current."""

    async def known(self, generations: Sequence[str]) -> set[str]:
        """Those of these generations that have a row."""

    async def after(self, generation: str, limit: int) -> list[tuple[Original, bool]]:
        """Originals by generation, those above `generation` first, and whether each is said
        to be in the mirror."""

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


class MirrorQueue(Protocol):
    """Which originals the mirror has, and which are yet to be copied there."""

    async def waiting(self, after: str, limit: int, *, main: bool = True) -> list[Original]:
        """Originals that are not in the mirror, by generation, those above `after` first.

        Without `main`, those of buckets alone.
        """

    async def done(self, generation: str) -> bool:
        """Note that the mirror has it; False when the generation has ended."""

    async def done_of(self, generations: Sequence[str]) -> set[str]:
        """Those of these generations that the mirror has."""

    async def again(self, generation: str) -> None:
        """Note that the mirror lacks it, so that it is supplied again."""


class Announcements(Protocol):
    """Uploads that the webhook is yet to be told of."""

    async def take(self, limit: int, lease: float) -> list[Announcement]:
        """Take up to `limit` uploads that the webhook is to be told of by now, those first
        that wait longest. Nobody else gets them for `lease` seconds."""

    async def told(self, generation: str) -> None:
        """Note that the webhook need not be told of it (again)."""

    async def again(self, announcement: Announcement, delay: float) -> None:
        """Have it told of in `delay` seconds, unless it was taken anew, told, or ended."""

    async def count(self) -> int:
        """How many uploads the webhook is yet to be told of, now or later; what is beyond
        ten thousand may not count."""


class Links(Protocol):
    """Which renditions are stored, and where."""

    async def find(self, generation: str, variant: str) -> Link | None:
        """The link of one rendition, unless it was purged."""

    async def was_purged(self, generation: str, variant: str) -> bool | None:
        """Whether the link of a rendition is purged or evicted, and not forgotten yet; None
        where there is no link at all."""

    async def add(self, link: Link) -> bool:
        """Insert or replace a link; False when its generation has ended."""

    async def count(self, generation: str) -> int:
        """How many links one generation has in use."""

    async def purge(self, selection: Selection, limit: int) -> list[Link]:
        """Take up to `limit` links out of use, oldest first; tell every instance.

        Their rows stay, marked, until `forget`.
        """

    async def evict(self, links: Sequence[Link], keep: int) -> None:
        """Take links out of use whose objects are about to make room.

        Their rows stay, marked as purged and with a size of 0, until `forget`; of one
        generation the last `keep` of them. Links rendered again since they were read are
        left alone.
        """

    async def purged(self, older_than: float, limit: int) -> list[Link]:
        """Links purged or evicted more than `older_than` seconds ago, whose objects may now
        go."""

    async def forget(self, links: Sequence[Link]) -> None:
        """Drop the rows of links that are still purged or unused."""

    async def touch(self, links: Sequence[tuple[str, str]]) -> None:
        """Note that these (generation, variant) were used just now."""

    async def least_used(self, limit: int, *, buckets: bool = True) -> list[Link]:
        """The links used longest ago, of those whose objects take up room.

        Without `buckets`, those of the main namespace alone.
        """

    async def after(self, generation: str, variant: str, limit: int) -> list[tuple[Link, bool]]:
        """Links by generation and variant, those above these first, and whether each is in
        use, which purged ones are not."""

    async def keys_of(self, generations: Sequence[str]) -> set[str]:
        """The keys of the links of these generations, purged ones included; evicted ones,
        which have no object, left out."""

    async def stored_bytes(self, *, buckets: bool = True) -> int:
        """The sum of the sizes of all links' objects, purged ones included; without
        `buckets`, of the main namespace alone."""


class Purges(Protocol):
    """Deletions that every instance must hear of."""

    async def identity(self) -> str:
        """A text that changes when the tables are restored from a dump, or when another
        database answers; empty where the database has nothing like that."""

    async def since(self, serial: int, limit: int = 1000) -> list[Purged]:
        """Up to `limit` deletions with a serial above `serial`, oldest first."""

    async def ended(self, generation: str) -> ImageId | None:
        """The picture of a generation whose end is recorded."""

    async def forget(self, older_than: float) -> None:
        """Forget some of the deletions that are older than `older_than` seconds, and of the
        purged renditions that are older than a day.

        The last deletion of that age stays, and the last row that is older than a day:
        whoever has asked since then finds the last row that it heard of.
        """
