"""The index: tokens and originals, the only shared state of instances, with `links` and `news`.

Every method raises IndexUnavailable if the database does not answer. Methods that write raise
IndexFull, a subclass of it, if the disk of the database is full; nothing was written then.
`OriginalRows.end` and `delete`, `Links.purge`, `evict` and `forget` free space, and work on a
full disk with SQLite. All times are those of the database.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from liveresize.core.names import ImageId
from liveresize.core.originals import Original
from liveresize.core.records import Change
from liveresize.core.tokens import Claim, Grant, Spent, Token
from liveresize.core.values import Quality


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """A picture before and after a change of its record."""

    before: Original
    after: Original


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """Which originals of a bucket are listed; `""` is the main namespace.

    `uploaded_since` is in Unix seconds. `held` and `expiring` are None for all, and `format` is
    empty.
    """

    bucket: str = ""
    prefix: str = ""
    uploaded_since: float | None = None
    held: bool | None = None
    expiring: bool | None = None
    format: str = ""

    @property
    def filters(self) -> bool:
        """Whether rows are left out that are in order of their names."""
        asked = (self.uploaded_since, self.held, self.expiring)
        return any(each is not None for each in asked) or bool(self.format)


SCANNED = 1000
"""Originals of which one page of a list is chosen, however few of them are in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page of a list: originals by name, and the name to go on after; None at the end."""

    originals: list[Original]
    after: str | None


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

    async def keep_visual(self, generation: str, quality: Quality) -> Quality | None:
        """Record the quality for `quality=visual`, unless there is one for the same target; return
        the one that is recorded, and None if the generation has ended."""

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


@dataclass(frozen=True, slots=True)
class Use:
    """What the pictures of an application take; None while that is yet to be counted."""

    pictures: int | None
    bytes: int | None


@dataclass(frozen=True, slots=True)
class Counted:
    """The result of a count: what the index said before it, and what there is."""

    before: Use
    after: Use


class ApplicationUse(Protocol):
    """What the pictures of each application take, by the prefix of their names."""

    async def keep(self, prefixes: Collection[str]) -> None:
        """Have exactly these prefixes counted from now on; what is known of others is dropped."""

    async def totals(self) -> dict[str, Use]:
        """Return what the pictures with each prefix take."""

    async def restart(self, prefix: str) -> None:
        """Have the next `count` begin with the first picture."""

    async def count(self, prefix: str, limit: int, *, repair: bool = True) -> Counted | None:
        """Count the next `limit` pictures; return None until all of them are counted.

        The next call begins again then. Without `repair`, totals that are known stay.
        """


class Peers(Protocol):
    """The other instances that are connected to the same database."""

    async def older(self) -> bool:
        """Whether one of them is of 1.0.0, which shows hidden pictures."""


class ExpiryPause(Protocol):
    """The pause of expiry, which goes for all instances."""

    async def since(self) -> float | None:
        """Return when it began; None if expiry is not paused."""

    async def begin(self) -> None:
        """Pause expiry, if it is not paused."""

    async def end(self) -> bool:
        """End the pause; return whether there was one."""
