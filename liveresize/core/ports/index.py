"""The index: tokens, originals and links, the only shared state of instances.

Every method raises IndexUnavailable if the database does not answer. Methods that write raise
IndexFull, a subclass of it, if the disk of the database is full; nothing was written then.
`OriginalRows.end` and `delete`, `Links.purge`, `evict` and `forget` free space, and work on a
full disk with SQLite. All times are those of the database.
"""

import enum
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from liveresize.core.erasures import Progress
from liveresize.core.events import Event, Kind
from liveresize.core.names import ImageId
from liveresize.core.originals import Link, Original
from liveresize.core.records import Change
from liveresize.core.tokens import Claim, Grant, Spent, Token

FACTS = "~facts"
"""The `variant` of Purged if the original has other facts than before."""

RECORD = "~record"
"""The `variant` of Purged if the record of the picture has changed."""

HIDDEN = "~hidden"
"""The `variant` of Purged if the picture was hidden, so that its renditions are to be removed."""


@dataclass(frozen=True, slots=True)
class Purged:
    """One deletion, or change, that every instance must process.

    `variant` is empty if the whole generation has ended. FACTS, RECORD and HIDDEN stand for changes
    of the picture. `at` is the time of the database in Unix
    seconds; it is not compared, see `is_row`.
    """

    serial: int
    image: ImageId
    generation: str
    variant: str = ""
    at: float = field(default=0.0, compare=False)

    def is_row(self, other: "Purged") -> bool:
        """Whether both are the same row: a restored database reuses serials."""
        return self == other and self.at == other.at


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """A picture before and after a change of its record."""

    before: Original
    after: Original


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """A selection of links to purge; exactly one field is set. Times are Unix seconds."""

    image: ImageId | None = None
    prefix: str = ""
    rendered_before: float | None = None
    engine_before: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """Which originals of a bucket are listed; `""` is the main namespace.

    `uploaded_since` is in Unix seconds. `held` is None for all, and `format` empty.
    """

    bucket: str = ""
    prefix: str = ""
    uploaded_since: float | None = None
    held: bool | None = None
    format: str = ""

    @property
    def filters(self) -> bool:
        """Whether rows are left out that are in order of their names."""
        return self.uploaded_since is not None or self.held is not None or bool(self.format)


SCANNED = 1000
"""Originals of which one page of a list is chosen, however few of them are in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page of a list: originals by name, and the name to go on after; None at the end."""

    originals: list[Original]
    after: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """An event to tell a receiver of. `tries` is the number of attempts, including the current one;
    `age` is the seconds since the event, or since its replay."""

    event: Event
    tries: int
    age: float


class Tokens(Protocol):
    """Tokens for uploads, from issue to commit."""

    async def issue(self, grant: Grant) -> Token:
        """Issue a token.

        Raises IdTaken if the id has an original (unless the grant overwrites), a valid token, or
        an upload in progress.
        """

    async def issue_all(self, grants: Sequence[Grant]) -> list[Token]:
        """Issue a token for each, or none at all.

        Raises IdTaken as `issue` does, which names all ids that are taken.
        """

    async def claim(
        self, token: str, candidates: Sequence[ImageId], lease: float, *, resumable: bool = False
    ) -> Claim | Spent:
        """Claim the token for one upload, for `lease` seconds.

        `candidates` are the possible ids in the upload's URL. Only one of several concurrent
        claims succeeds; the others raise TokenRefused, as do unknown and expired tokens and those
        for other ids. For a used token that has not expired the result is Spent. A token that
        was given back can be claimed again.

        If the upload will replace a picture that is held, the grant says `held`, too.

        A `resumable` claim lasts until the token expires, whatever `lease` is, and the next one
        takes it over: the earlier upload has lost its claim.
        """

    async def renew(self, claim: Claim, lease: float) -> None:
        """Extend the lease. Raises TokenRefused if the claim was lost meanwhile."""

    async def extend(self, claim: Claim, max_age: float) -> float | Spent:
        """Extend a resumable claim by the lifetime of its token; return the seconds that it lasts.

        It ends `max_age` seconds after the token was issued, or with the token if that is later.
        The result is Spent if an upload with this token was committed. Raises TokenRefused if
        the claim has ended or was lost.
        """

    async def release(self, claim: Claim, *, give_back: bool = False) -> None:
        """Release the claim: its id is free, and the token cannot be used again.

        With `give_back` it can, up to `TIMES_GIVEN_BACK` times, until it expires or another
        token is issued for the id.
        """

    async def complete(
        self,
        claim: Claim,
        original: Original,
        received_sha256: str,
        receipt: str,
        *,
        mirrored: bool = False,
    ) -> Original | None:
        """Commit an upload: insert the original and mark the token as used, in one transaction.

        `mirrored`: the bytes are in the mirror already. Returns the original that was replaced, if
        any. Raises TokenRefused if the claim was lost, and IdTaken if the id has an original
        meanwhile.
        """


class OriginalRows(Protocol):
    """The rows of originals; `Originals` has their files."""

    async def find(self, image: ImageId) -> Original | None:
        """Return the current original of that name."""

    async def of(self, generation: str) -> Original | None:
        """Return the original of that generation, if it is still current."""

    async def known(self, generations: Sequence[str]) -> set[str]:
        """Return those of the generations that have a row."""

    async def hidden(self, generations: Sequence[str]) -> set[str]:
        """Return those of the generations that are hidden now."""

    async def after(self, generation: str, limit: int) -> list[tuple[Original, bool]]:
        """Return the next originals after `generation`, in the order of generations, and whether
        each is recorded as mirrored."""

    async def page(self, listing: Listing, after: str, limit: int) -> Page:
        """Return up to `limit` originals with names after `after`, in the order of their bytes.

        No more than SCANNED rows are looked at: a page may be short, or empty, before the end.
        """

    async def outdated(self, generation: str, limit: int) -> tuple[list[Original], str]:
        """Return up to `limit` of the next originals after `generation` with facts of an older
        version than FACTS_VERSION, and the generation where to go on; empty at the end.

        They are in the order of generations. There may be none before the end: each call reads a
        limited number of rows.
        """

    async def update_facts(self, original: Original) -> bool:
        """Record facts that were found again; return whether they have changed.

        Changes are announced to all instances. Nothing happens if the generation has ended.
        """

    async def adopt(
        self, original: Original, *, mirrored: bool = False, uploaded: bool = False
    ) -> Original:
        """Record an original on disk, unless there is a current one; return the current one.

        `mirrored`: the bytes are in the mirror already. `uploaded`: recording it is an upload, of
        which there is an event.
        """

    async def take_over(self, original: Original) -> Original | None:
        """Record an original that was found in the mirror; return the current one.

        None if the picture was deleted recently: the copy in the mirror is about to be
        removed.
        """

    async def supersede(self, original: Original, older: str = "") -> Original:
        """Replace the generation `older` with an original that is on disk; return the current one.

        It is another one if `older` was not current. The links of `older` are deleted, and the
        deletion is recorded for all instances.
        """

    async def end(self, original: Original) -> bool:
        """Delete an original of exactly that generation, its links and its used token.

        The deletion is recorded for all instances. Returns False if it has ended already.
        """

    async def change(self, image: ImageId, change: Change, *, version: str = "") -> Changed:
        """Change the record of a picture; tell all instances and the readers of events.

        A picture that is hidden by it loses its links. Raises OriginalMissing, and VersionMismatch
        if `version` is given and not that of the current generation.
        """

    async def due(self, limit: int) -> list[Original]:
        """Return up to `limit` originals of which a step of their expiry is due, the longest
        overdue first."""

    async def expire(self, original: Original) -> Changed | None:
        """Hide a picture that is due, as `change` does.

        None if it is not due any more, has another generation, or expiry is paused.
        """

    async def end_expired(self, original: Original, *, redirects: float = 0.0) -> bool:
        """Delete an original that has been hidden for EXPIRED_FOR, as `end` does: an erasure, with
        `redirects` as in `delete`.

        Returns False if that is not so any more, or expiry is paused.
        """

    async def delete(self, image: ImageId, *, redirects: float | None = None) -> Original | None:
        """Delete the original, its links and its token; record that for all instances.

        With `redirects`, the seconds after which redirects to it end, it is an erasure.
        """


class MirrorQueue(Protocol):
    """The queue of originals for the mirror."""

    async def waiting(self, after: str, limit: int, *, main: bool = True) -> list[Original]:
        """Return originals after the generation `after` that are not in the mirror.

        Without `main`, only those of buckets.
        """

    async def done(self, generation: str) -> bool:
        """Record that the mirror has a generation; return False if the generation has ended."""

    async def done_of(self, generations: Sequence[str]) -> set[str]:
        """Return those of the generations that are recorded as mirrored."""

    async def requeue(self, generation: str) -> None:
        """Record that the mirror lacks a generation, so that it is uploaded again."""


class Deliveries(Protocol):
    """The events that each receiver is yet to be told of.

    A receiver has a name, by which its position in the events is known, and is told of some kinds.
    One with a new name is told of what happens from now on.
    """

    async def take(
        self, reader: str, kinds: Collection[Kind], limit: int, lease: float
    ) -> list[Delivery]:
        """Take up to `limit` events whose time has come, those first that wait longest; nobody else
        gets them for `lease` seconds."""

    async def remove(self, reader: str, serial: int, *, failed: bool = False) -> None:
        """Remove an event that was delivered, or, with `failed`, that nobody will deliver.

        If it is the end of an erased picture, that is recorded with the erasure.
        """

    async def postpone(self, reader: str, delivery: Delivery, delay: float) -> None:
        """Postpone by `delay` seconds, unless it was taken again or removed."""

    async def count(self, reader: str, kinds: Collection[Kind]) -> int:
        """Return how many events wait for the receiver; it may be limited to ten thousand."""

    async def replay(
        self, reader: str, kinds: Collection[Kind], since: float, after: int, limit: int
    ) -> list[int]:
        """Queue up to `limit` events since `since` (Unix seconds) once more, beginning after the
        serial `after`; return their serials. None for a receiver that has read nothing yet."""

    async def inherit(self, limit: int) -> int:
        """Make events of up to `limit` uploads that an instance of 1.0.0 has not announced yet;
        return how many."""

    async def forget(self) -> None:
        """Remove what belongs to events that were forgotten."""


class Added(enum.Enum):
    """The outcome of adding a link."""

    ADDED = enum.auto()
    ENDED = enum.auto()
    """Its generation has ended."""
    FULL = enum.auto()
    """Its generation already has the maximum number of variants."""


class Links(Protocol):
    """The links to stored renditions."""

    async def find(self, generation: str, variant: str) -> Link | None:
        """Return the link of a rendition, unless it was purged."""

    async def of(self, generation: str, limit: int) -> list[Link]:
        """Return up to `limit` links of a generation, without purged ones."""

    async def was_purged(self, generation: str, variant: str) -> bool | None:
        """Whether the link of a rendition is purged or evicted; None if there is no link."""

    async def add(self, link: Link) -> bool:
        """Insert or replace a link; return False if its generation has ended."""

    async def add_all(self, links: Sequence[Link], max_variants: int) -> list[Added]:
        """Insert or replace links in one transaction; return the outcome of each.

        The object of a replaced link is removed like that of a purged one, if it has another key.
        A generation gets no new variant if it has `max_variants`, without purged ones.
        """

    async def purge(self, selection: Selection, limit: int) -> list[Link]:
        """Purge up to `limit` links, the oldest first; record that for all instances.

        Their rows stay, marked as purged, until `forget`.
        """

    async def evict(self, links: Sequence[Link], keep: int) -> None:
        """Purge links of objects that are about to be removed to free space.

        The rows of the last `keep` of each generation stay until `forget`, marked as purged and
        with a size of 0. Links that were rendered again meanwhile are not changed.
        """

    async def purged(self, older_than: float, limit: int) -> list[Link]:
        """Return links that were purged or evicted more than `older_than` seconds ago: their
        objects may be removed. Those that were claimed and not forgotten come up again."""

    async def claim(self, links: Sequence[Link], older_than: float) -> list[Link]:
        """Claim the removal of objects that `purged` returned; return those that are still due.

        No other instance removes them for some minutes, and none can postpone it any more.
        """

    async def is_leaving(self, generation: str, key: str) -> bool:
        """Whether an object of that key may be removed one day: its link is purged."""

    async def postpone(self, generation: str, key: str) -> bool:
        """Restart the time until the removal of an object; return False if it has begun."""

    async def forget(self, links: Sequence[Link]) -> None:
        """Delete the rows of links that were not rendered again."""

    async def touch(self, links: Sequence[tuple[str, str]]) -> None:
        """Record that these (generation, variant) were used just now."""

    async def least_used(self, limit: int, *, buckets: bool = True) -> list[Link]:
        """Return the least recently used links with objects.

        Without `buckets`, only those of the main namespace.
        """

    async def after(self, generation: str, variant: str, limit: int) -> list[tuple[Link, bool]]:
        """Return the next links after these generation and variant, in this order, and whether each
        is in use, that is, not purged."""

    async def keys_of(self, generations: Sequence[str]) -> set[str]:
        """Return the keys of the links of these generations, including purged ones, but not evicted
        ones, which have no object."""

    async def stored_bytes(self, *, buckets: bool = True) -> int:
        """Return the total size of all objects, including purged ones; without `buckets`, only of
        the main namespace."""


class Events(Protocol):
    """The events, one for each change of a picture."""

    async def since(self, serial: int, limit: int) -> list[Event]:
        """Return up to `limit` events with a serial above `serial`, the oldest first."""

    async def add(self, kind: Kind, original: Original, more: Mapping[str, object]) -> None:
        """Record an event that belongs to no change of a row, with `more` in its document."""

    async def forget(self, older_than: float) -> None:
        """Delete some of the events that are older than `older_than` seconds."""


class Peers(Protocol):
    """The other instances that are connected to the same database."""

    async def older(self) -> bool:
        """Whether one of them is of 1.0.0, which shows hidden pictures."""


Position = tuple[float, str, str]
"""A place among links in the order of their last use: (time, generation, variant)."""


@dataclass(frozen=True, slots=True)
class BucketTotals:
    """What is known of the bucket: `total` bytes of all objects with a link (None: not counted
    yet), and the `excess` over the bound because no link may end."""

    total: int | None = None
    excess: int = 0


@dataclass(frozen=True, slots=True)
class Ended:
    """Links that have ended, and the place from which to go on; None if that was the last."""

    links: Sequence[Link]
    position: Position | None


class BucketUse(Protocol):
    """What the renditions in the bucket take, shared by all instances.

    Pictures of buckets do not count: their renditions may be those of vip.
    """

    async def totals(self) -> BucketTotals:
        """Return what was counted last."""

    async def take(self, holder: str, lease: float) -> bool:
        """Take or keep the turn to bound the bucket for `lease` seconds; return False if another
        instance has it."""

    async def count(self, limit: int) -> bool:
        """Count the bytes of the next `limit` links; return whether all links are counted now, so
        that `totals` has the sum, and the next call begins again."""

    async def note_excess(self, excess: int) -> None:
        """Record by how many bytes the bucket is too large although no link may end."""

    async def end_unused(
        self, after: Position | None, unused_for: float, longer: float, limit: int
    ) -> Ended:
        """End up to `limit` links that were not used for `unused_for` seconds; those used longest
        ago first, from `after` on. The end is recorded for all instances.

        The links are purged; their objects stay `longer` seconds than those of other purges. One
        call looks at a limited number of links.
        """


class ExpiryPause(Protocol):
    """The pause of expiry, which goes for all instances."""

    async def since(self) -> float | None:
        """Return when it began; None if expiry is not paused."""

    async def begin(self) -> None:
        """Pause expiry, if it is not paused."""

    async def end(self) -> bool:
        """End the pause; return whether there was one."""


class Erasures(Protocol):
    """What was erased, and what is gone where."""

    async def find(self, generation: str) -> Progress | None:
        """Return how far an erasure is; None if there was none, or it is forgotten."""

    async def removed_here(self, instance: str, generations: Sequence[str]) -> None:
        """Record that an instance has nothing of these generations on its disk any more; those
        that were not erased are ignored."""

    async def removed_from_stores(self, generation: str) -> None:
        """Record that bucket and mirror have nothing of a generation any more."""

    async def unfinished(self, older_than: float, limit: int) -> list[tuple[ImageId, str]]:
        """Return (image, generation) of erasures of more than `older_than` seconds ago of which
        bucket or mirror may still have something, the oldest first."""

    async def see(self, instance: str) -> None:
        """Record that an instance is alive."""

    async def forget(self, older_than: float, unseen_for: float) -> None:
        """Delete some of the erasures that are older than `older_than` seconds, and the instances
        that were not seen for `unseen_for` seconds."""


class Purges(Protocol):
    """The deletions that every instance must process."""

    async def identity(self) -> str:
        """Return a text that changes if the tables are restored from a dump, or with another
        database; empty if the database has no such identity."""

    async def since(self, serial: int, limit: int = 1000) -> list[Purged]:
        """Return up to `limit` deletions with a serial above `serial`, the oldest first."""

    async def ended(self, generation: str) -> ImageId | None:
        """Return the picture of a generation with a recorded deletion; None without one."""

    async def forget(self, older_than: float) -> None:
        """Delete some of the deletions that are older than `older_than` seconds, and of the
        purges of renditions that are older than a day.

        The last deletion of that age stays, and the last row that is older than a day, so that
        an instance that has polled since then finds the last row that it has processed.
        """
