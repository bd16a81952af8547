"""ports.Index in memory: what the tests of everything above the index run on."""

import dataclasses
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from liveresize import errors
from liveresize.domain import tokens
from liveresize.domain.names import ImageId
from liveresize.domain.originals import Link, Original
from liveresize.domain.tokens import Claim, Grant, Spent, Token
from liveresize.ports import Purged, Selection
from liveresize.stores import versions
from liveresize.stores.schema import State

REMEMBERED = 86_400.0
"""Seconds for which deletions are told, as in the database."""

_TICK = 0.001


@dataclass(slots=True)
class _TokenRow:
    """What the table `tokens` holds of one image; times in Unix seconds."""

    grant: Grant
    digest: str
    expires_at: float
    state: State = State.ISSUED
    lease_until: float = 0.0
    nonce: str = ""
    received_sha256: str = ""
    receipt: str = ""

    def dead(self, now: float) -> bool:
        """Whether it may give way to the next token."""
        if self.state is State.ISSUED:
            return self.expires_at <= now
        return self.state is not State.UPLOADING or self.lease_until <= now


@dataclass(slots=True)
class _LinkRow:
    """What the table `renditions` holds of one link."""

    link: Link
    used_at: float
    purged_at: float | None = None


class MemoryIndex:
    """The twin of DatabaseIndex; the methods are those of ports.Index.

    `clock` gives Unix seconds and stands for the database's. Tests move time with
    `advance`, and set `available` to False to take the database away: every method then
    raises IndexUnavailable.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self.available = True
        self._clock = clock
        self._ahead = 0.0
        self._tokens: dict[ImageId, _TokenRow] = {}
        self._originals: dict[ImageId, Original] = {}
        self._mirrored: set[str] = set()
        self._links: dict[tuple[str, str], _LinkRow] = {}
        self._purges: list[tuple[float, Purged]] = []
        self._serial = 0

    def advance(self, seconds: float) -> None:
        """Let `seconds` pass."""
        self._ahead += seconds

    async def migrate(self) -> None:
        """Do nothing, as a schema that is up to date does."""
        self._now()

    async def close(self) -> None:
        """Do nothing."""

    @property
    def healthy(self) -> bool:
        """Whether lookups are being answered."""
        return self.available

    async def ping(self) -> None:
        self._now()

    async def issue(self, grant: Grant) -> Token:
        now = self._now()
        if grant.image in self._originals and not grant.overwrite:
            raise errors.IdTaken()
        standing = self._tokens.get(grant.image)
        if standing is not None and not standing.dead(now):
            raise errors.IdTaken()
        token = tokens.new_token()
        expires_at = now + grant.lifetime
        self._tokens[grant.image] = _TokenRow(grant, tokens.digest(token), expires_at)
        return Token(token=token, image=grant.image, expires_at=expires_at)

    async def claim(self, token: str, candidates: Sequence[ImageId], lease: float) -> Claim | Spent:
        now, digest = self._now(), tokens.digest(token)
        for image in candidates:
            row = self._tokens.get(image)
            if row is None or row.digest != digest or row.expires_at <= now:
                continue
            if row.state is State.DONE:
                return Spent(image=image, received_sha256=row.received_sha256, receipt=row.receipt)
            if row.state is State.ISSUED:
                row.state, row.lease_until = State.UPLOADING, now + lease
                row.nonce = uuid.uuid4().hex
                return Claim(grant=row.grant, digest=digest, nonce=row.nonce)
        raise errors.TokenRefused()

    async def renew(self, claim: Claim, lease: float) -> None:
        now = self._now()
        self._held(claim).lease_until = now + lease

    async def release(self, claim: Claim) -> None:
        self._now()
        try:
            self._held(claim).state = State.FAILED
        except errors.TokenRefused:
            return

    def _held(self, claim: Claim) -> _TokenRow:
        """The row that `claim` still holds; raises TokenRefused when it lost it."""
        row = self._tokens.get(claim.grant.image)
        if (
            row is None
            or (row.digest, row.nonce) != (claim.digest, claim.nonce)
            or row.state is not State.UPLOADING
        ):
            raise errors.TokenRefused()
        return row

    async def complete(
        self,
        claim: Claim,
        original: Original,
        received_sha256: str,
        receipt: str,
        *,
        mirrored: bool = False,
    ) -> Original | None:
        now, row = self._now(), self._held(claim)
        if original.image != claim.grant.image:
            raise errors.TokenRefused()
        replaced = self._originals.get(original.image)
        if replaced is not None:
            if not row.grant.overwrite:
                raise errors.IdTaken()
            self._end(replaced)
        row.state, row.received_sha256, row.receipt = State.DONE, received_sha256, receipt
        self._originals[original.image] = dataclasses.replace(original, uploaded_at=now)
        if mirrored:
            self._mirrored.add(original.generation)
        return replaced

    async def adopt(self, original: Original) -> Original:
        now = self._now()
        uploaded_at = original.uploaded_at or now
        return self._originals.setdefault(
            original.image, dataclasses.replace(original, uploaded_at=uploaded_at)
        )

    async def original(self, image: ImageId) -> Original | None:
        self._now()
        return self._originals.get(image)

    async def original_of(self, generation: str) -> Original | None:
        self._now()
        same = (one for one in self._originals.values() if one.generation == generation)
        return next(same, None)

    async def unmirrored(self, after: str, limit: int) -> list[Original]:
        self._now()
        missing = [
            one
            for one in self._originals.values()
            if one.generation not in self._mirrored and one.generation > after
        ]
        return sorted(missing, key=lambda one: one.generation)[:limit]

    async def mirrored(self, generation: str) -> bool:
        current = await self.original_of(generation) is not None
        if current:
            self._mirrored.add(generation)
        return current

    async def mirrored_of(self, generations: Sequence[str]) -> set[str]:
        self._now()
        return self._mirrored.intersection(generations)

    async def unmirror(self, generation: str) -> None:
        self._now()
        self._mirrored.discard(generation)

    async def originals_after(self, generation: str, limit: int) -> list[tuple[Original, bool]]:
        self._now()
        above = [one for one in self._originals.values() if one.generation > generation]
        above.sort(key=lambda one: one.generation)
        return [(one, one.generation in self._mirrored) for one in above[:limit]]

    async def supersede(self, original: Original, older: str = "") -> Original:
        standing = await self.original(original.image)
        if standing is not None and standing.generation == older:
            self._end(standing)
        return await self.adopt(original)

    async def end(self, original: Original) -> bool:
        self._now()
        standing = self._originals.get(original.image)
        if standing is None or standing.generation != original.generation:
            return False
        token = self._tokens.get(original.image)
        if token is not None and token.state is State.DONE:
            del self._tokens[original.image]
        self._end(standing)
        return True

    async def delete(self, image: ImageId) -> Original | None:
        self._now()
        self._tokens.pop(image, None)
        original = self._originals.get(image)
        if original is not None:
            self._end(original)
        return original

    def _end(self, original: Original) -> None:
        """End a generation and its links, and tell every instance."""
        del self._originals[original.image]
        self._mirrored.discard(original.generation)
        for key in [key for key in self._links if key[0] == original.generation]:
            del self._links[key]
        self._announce((original.image, original.generation, ""))

    async def link(self, generation: str, variant: str) -> Link | None:
        self._now()
        row = self._links.get((generation, variant))
        return None if row is None or row.purged_at is not None else row.link

    async def add_link(self, link: Link) -> bool:
        now = self._now()
        original = await self.original_of(link.generation)
        if original is None:
            return False
        key = (link.generation, link.variant)
        older = self._links.get(key)
        younger = older.link.rendered_at + _TICK if older else now
        link = dataclasses.replace(link, image=original.image, rendered_at=max(now, younger))
        self._links[key] = _LinkRow(link, used_at=now)
        return True

    async def count_links(self, generation: str) -> int:
        self._now()
        return sum(row.link.generation == generation for row in self._in_use())

    async def purge(self, selection: Selection, limit: int) -> list[Link]:
        now = self._now()
        chosen = [row for row in self._in_use() if _selects(selection, row.link)]
        chosen.sort(key=lambda row: (row.link.rendered_at, row.link.generation, row.link.variant))
        for row in chosen[:limit]:
            row.purged_at = now
        purged = [row.link for row in chosen[:limit]]
        self._announce(*((link.image, link.generation, link.variant) for link in purged))
        return purged

    async def purged_links(self, older_than: float, limit: int) -> list[Link]:
        now = self._now()
        purged = [
            (row.purged_at, row.link)
            for row in self._links.values()
            if row.purged_at is not None and row.purged_at < now - older_than
        ]
        purged.sort(key=lambda pair: pair[0])
        return [link for _, link in purged[:limit]]

    async def forget(self, links: Sequence[Link]) -> None:
        self._now()
        for link in links:
            row = self._links.get((link.generation, link.variant))
            if row is not None and row.link.rendered_at == link.rendered_at:
                del self._links[link.generation, link.variant]

    async def touch(self, links: Sequence[tuple[str, str]]) -> None:
        now = self._now()
        for key in links:
            if key in self._links:
                self._links[key].used_at = now

    async def least_used(self, limit: int) -> list[Link]:
        self._now()
        rows = [row for row in self._links.values() if row.link.size]
        return [row.link for row in sorted(rows, key=lambda row: row.used_at)[:limit]]

    async def links_after(
        self, generation: str, variant: str, limit: int
    ) -> list[tuple[Link, bool]]:
        self._now()
        above = sorted(key for key in self._links if key > (generation, variant))
        rows = [self._links[key] for key in above[:limit]]
        return [(row.link, row.purged_at is None) for row in rows]

    async def stored_bytes(self) -> int:
        self._now()
        return sum(row.link.size for row in self._links.values())

    async def purges_since(self, serial: int) -> list[Purged]:
        self._now()
        return [purged for _, purged in self._purges if purged.serial > serial]

    def _now(self) -> float:
        """The clock of an index that answers; raises IndexUnavailable while it does not."""
        if not self.available:
            raise errors.IndexUnavailable("", "taken away by a test")
        return self._clock() + self._ahead

    def _in_use(self) -> Iterator[_LinkRow]:
        return (row for row in self._links.values() if row.purged_at is None)

    def _announce(self, *ended: tuple[ImageId, str, str]) -> None:
        """Tell every instance of ended (image, generation, variant); forget old news."""
        now = self._now()
        self._purges = [told for told in self._purges if told[0] >= now - REMEMBERED]
        for news in ended:
            self._serial += 1
            self._purges.append((now, Purged(self._serial, *news)))


def _selects(selection: Selection, link: Link) -> bool:
    """Whether a link is one of those to purge."""
    if selection.image is not None:
        return link.image == selection.image
    if selection.prefix:
        bucket, _, name = selection.prefix.rpartition("/")
        return link.image.bucket == bucket and link.image.name.startswith(name)
    if selection.rendered_before is not None:
        return link.rendered_at < selection.rendered_before
    return versions.parse(link.engine) < versions.parse(selection.engine_before)
