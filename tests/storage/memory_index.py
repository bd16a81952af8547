"""The index in memory: what the tests of everything above the index run on."""

import dataclasses
import json
import math
import time
import uuid
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from liveresize import errors
from liveresize.core import tokens
from liveresize.core.erasures import Erasure, Instance, Progress, Telling
from liveresize.core.events import Event, Kind, describe
from liveresize.core.names import ImageId
from liveresize.core.originals import Link, Original, version_of
from liveresize.core.ports import (
    FACTS,
    HIDDEN,
    RECORD,
    SCANNED,
    Added,
    BucketTotals,
    Changed,
    Delivery,
    Ended,
    Listing,
    Page,
    Position,
    Purged,
    Selection,
)
from liveresize.core.records import Change, differences
from liveresize.core.tokens import TIMES_GIVEN_BACK, Claim, Grant, Spent, Token
from liveresize.core.values import Quality
from liveresize.storage.index import versions
from liveresize.storage.index.links import CLAIM
from liveresize.storage.index.schema import State

LATELY = 86_400.0
"""Seconds, as in the database."""

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
    given_back: int = 0
    usable: bool = True
    resumable: bool = False

    def spent(self, now: float) -> Spent:
        """What a used token says."""
        return Spent(
            image=self.grant.image,
            received_sha256=self.received_sha256,
            receipt=self.receipt,
            ends_in=self.expires_at - now,
        )

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
    claimed: bool = False


@dataclass(slots=True)
class _Queued:
    """What the table `deliveries` holds of an event for one receiver."""

    event: Event
    next_at: float
    queued_at: float
    tries: int = 0


class Tables:
    """The rows of the index, and its clock, which gives Unix seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.available = True
        self.name = "memory"
        """What `identity` says."""
        self.clock = clock
        self.ahead = 0.0
        self.tokens: dict[ImageId, _TokenRow] = {}
        self.originals: dict[ImageId, Original] = {}
        self.mirrored: set[str] = set()
        self.outdated: set[str] = set()
        """Generations with facts of an older release; a test adds to them."""
        self.queued: dict[tuple[str, int], _Queued] = {}
        self.readers: dict[str, int] = {}
        self.links: dict[tuple[str, str], _LinkRow] = {}
        self.purges: list[Purged] = []
        self.serial = 0
        self.expiry_paused_at: float | None = None
        self.events: list[Event] = []
        self.erasures: dict[str, Erasure] = {}
        self.steps: dict[tuple[str, str], Telling] = {}
        self.instances: dict[str, float] = {}
        self.older = False
        """Whether an instance of 1.0.0 is connected, too; a test sets it."""

    def now(self) -> float:
        """The clock of an index that answers; raises IndexUnavailable while it does not."""
        if not self.available:
            raise errors.IndexUnavailable("", "taken away by a test")
        return self.clock() + self.ahead

    def of(self, generation: str) -> Original | None:
        """The original of that generation."""
        self.now()
        same = (one for one in self.originals.values() if one.generation == generation)
        return next(same, None)

    def write(
        self, kind: Kind, original: Original, more: Mapping[str, object] | None = None
    ) -> None:
        """Add an event."""
        self.events.append(
            Event(
                serial=self.events[-1].serial + 1 if self.events else 1,
                at=self.now(),
                kind=kind,
                image=original.image,
                generation=original.generation,
                document=json.loads(json.dumps({**describe(original), **(more or {})})),
            )
        )

    def end(self, original: Original) -> None:
        """End a generation and its links, and tell every instance."""
        del self.originals[original.image]
        self.mirrored.discard(original.generation)
        for key in [key for key in self.links if key[0] == original.generation]:
            del self.links[key]
        self.announce((original.image, original.generation, ""))

    def erase(self, original: Original, redirects: float) -> None:
        """Add an erasure."""
        now = self.now()
        for key in [key for key in self.steps if key[0] == original.generation]:
            del self.steps[key]
        self.erasures[original.generation] = Erasure(
            image=original.image,
            generation=original.generation,
            at=now,
            redirects_end=now + redirects,
        )

    def announce(self, *ended: tuple[ImageId, str, str]) -> None:
        """Tell every instance of ended (image, generation, variant)."""
        now = self.now()
        for news in ended:
            self.serial += 1
            self.purges.append(Purged(self.serial, *news, now))


class _Repository:
    def __init__(self, tables: Tables) -> None:
        self._tables = tables


class MemoryTokens(_Repository):
    """The twin of SqlTokens."""

    async def issue(self, grant: Grant) -> Token:
        now = self._tables.now()
        if grant.image in self._tables.originals and not grant.overwrite:
            raise errors.IdTaken()
        standing = self._tables.tokens.get(grant.image)
        if standing is not None and not standing.dead(now):
            raise errors.IdTaken()
        token = tokens.new_token()
        expires_at = now + grant.lifetime
        self._tables.tokens[grant.image] = _TokenRow(grant, tokens.digest(token), expires_at)
        return Token(token=token, image=grant.image, expires_at=expires_at)

    async def issue_all(self, grants: Sequence[Grant]) -> list[Token]:
        before, issued, taken = dict(self._tables.tokens), [], []
        for grant in grants:
            try:
                issued.append(await self.issue(grant))
            except errors.IdTaken:
                taken.append(grant.image.name)
        if taken:
            self._tables.tokens = before
            raise errors.IdTaken("", "", taken)
        return issued

    async def claim(
        self, token: str, candidates: Sequence[ImageId], lease: float, *, resumable: bool = False
    ) -> Claim | Spent:
        now, digest = self._tables.now(), tokens.digest(token)
        same = (row for row in self._tables.tokens.values() if row.digest == digest)
        row = next(same, None)
        if row is None:
            raise errors.TokenRefused("", "", "unknown")
        image, expired = row.grant.image, row.expires_at <= now
        if image not in candidates:
            raise errors.TokenRefused("", "", "other_id")
        if row.state is State.DONE and not expired:
            return row.spent(now)
        if resumable and row.state is State.UPLOADING and row.resumable and row.lease_until > now:
            row.nonce = uuid.uuid4().hex
            return Claim(
                grant=row.grant, digest=digest, nonce=row.nonce, ends_in=row.lease_until - now
            )
        if not row.usable or row.state not in (State.ISSUED, State.FAILED):
            raise errors.TokenRefused("", "", "used")
        if expired:
            raise errors.TokenRefused("", "", "expired")
        row.state, row.resumable, row.nonce = State.UPLOADING, resumable, uuid.uuid4().hex
        row.lease_until = row.expires_at if resumable else now + lease
        grant, standing = row.grant, self._tables.originals.get(image)
        if grant.overwrite and standing is not None and standing.record.held_at is not None:
            grant = dataclasses.replace(grant, given=dataclasses.replace(grant.given, held=True))
        return Claim(grant=grant, digest=digest, nonce=row.nonce, ends_in=row.lease_until - now)

    async def renew(self, claim: Claim, lease: float) -> None:
        now = self._tables.now()
        self._held(claim).lease_until = now + lease

    async def extend(self, claim: Claim, max_age: float) -> float | Spent:
        now = self._tables.now()
        row = self._tables.tokens.get(claim.grant.image)
        if row is not None and row.digest == claim.digest and row.state is State.DONE:
            return row.spent(now)
        row = self._held(claim)
        if row.lease_until <= now:
            raise errors.TokenRefused("", "the lease is lost", "expired")
        lifetime = row.grant.lifetime
        reach = min(now + lifetime, row.expires_at - lifetime + max_age)
        row.lease_until = max(row.lease_until, reach)
        return row.lease_until - now

    async def release(self, claim: Claim, *, give_back: bool = False) -> None:
        self._tables.now()
        try:
            row = self._held(claim)
        except errors.TokenRefused:
            return
        row.usable = give_back and row.given_back < TIMES_GIVEN_BACK
        row.given_back += 1
        row.state = State.FAILED

    def _held(self, claim: Claim) -> _TokenRow:
        """The row that `claim` still holds; raises TokenRefused when it lost it."""
        row = self._tables.tokens.get(claim.grant.image)
        if (
            row is None
            or (row.digest, row.nonce) != (claim.digest, claim.nonce)
            or row.state is not State.UPLOADING
        ):
            raise errors.TokenRefused("", "the lease is lost", "expired")
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
        now, row = self._tables.now(), self._held(claim)
        if original.image != claim.grant.image:
            raise errors.TokenRefused()
        replaced = self._tables.originals.get(original.image)
        if replaced is not None:
            if not row.grant.overwrite:
                raise errors.IdTaken()
            self._tables.end(replaced)
        row.state, row.received_sha256, row.receipt = State.DONE, received_sha256, receipt
        record = row.grant.given.at(now)
        held = (original, *([replaced] if replaced else []))
        if any(one.record.held_at is not None for one in held):
            record = dataclasses.replace(record, held_at=now)
        original = dataclasses.replace(original, uploaded_at=now, record=record)
        self._tables.originals[original.image] = original
        self._tables.write(Kind.REPLACED if replaced else Kind.UPLOADED, original)
        if mirrored:
            self._tables.mirrored.add(original.generation)
        return replaced


class MemoryOriginalRows(_Repository):
    """The twin of SqlOriginalRows."""

    async def find(self, image: ImageId) -> Original | None:
        self._tables.now()
        return self._tables.originals.get(image)

    async def of(self, generation: str) -> Original | None:
        return self._tables.of(generation)

    async def known(self, generations: Sequence[str]) -> set[str]:
        self._tables.now()
        return {one.generation for one in self._tables.originals.values()}.intersection(generations)

    async def hidden(self, generations: Sequence[str]) -> set[str]:
        known = await self.known(generations)
        return {
            one.generation
            for one in self._tables.originals.values()
            if one.generation in known and one.record.hidden
        }

    async def after(self, generation: str, limit: int) -> list[tuple[Original, bool]]:
        self._tables.now()
        above = [one for one in self._tables.originals.values() if one.generation > generation]
        above.sort(key=lambda one: one.generation)
        return [(one, one.generation in self._tables.mirrored) for one in above[:limit]]

    async def adopt(
        self, original: Original, *, mirrored: bool = False, uploaded: bool = False
    ) -> Original:
        now = self._tables.now()
        uploaded_at = original.uploaded_at or now
        if uploaded and original.image not in self._tables.originals:
            self._tables.write(
                Kind.UPLOADED, dataclasses.replace(original, uploaded_at=uploaded_at)
            )
        standing = self._tables.originals.setdefault(
            original.image, dataclasses.replace(original, uploaded_at=uploaded_at)
        )
        if mirrored and standing.generation == original.generation:
            self._tables.mirrored.add(original.generation)
        return standing

    async def page(self, listing: Listing, after: str, limit: int) -> Page:
        self._tables.now()
        scanned = sorted(
            (
                one
                for one in self._tables.originals.values()
                if one.image.bucket == listing.bucket
                and one.image.name > after
                and one.image.name.startswith(listing.prefix)
            ),
            key=lambda one: one.image.name,
        )
        some, since = scanned[:SCANNED], listing.uploaded_since
        found = [
            one
            for one in some
            if (since is None or one.uploaded_at >= since)
            and listing.held in (None, one.record.held_at is not None)
            and listing.expiring in (None, one.record.due_at is not None)
            and listing.format in ("", one.format)
        ]
        if len(found) > limit:
            return Page(originals=found[:limit], after=found[limit - 1].image.name)
        return Page(originals=found, after=some[-1].image.name if len(scanned) > SCANNED else None)

    async def outdated(self, generation: str, limit: int) -> tuple[list[Original], str]:
        above = await self.after(generation, len(self._tables.originals))
        found = [one for one, _ in above if one.generation in self._tables.outdated][:limit]
        if len(found) == limit:
            return found, found[-1].generation
        return found, above[-1][0].generation if above else ""

    async def update_facts(self, original: Original) -> bool:
        standing = self._tables.of(original.generation)
        if standing is None:
            return False
        self._tables.outdated.discard(original.generation)
        self._tables.originals[original.image] = original
        if original != standing:
            self._tables.announce((original.image, original.generation, FACTS))
        return original != standing

    async def keep_visual(self, generation: str, quality: Quality) -> Quality | None:
        self._tables.now()
        standing = self._tables.of(generation)
        if standing is None:
            return None
        if standing.visual is None or standing.visual.target != quality.target:
            standing = dataclasses.replace(standing, visual=quality)
            self._tables.originals[standing.image] = standing
        return standing.visual

    async def take_over(self, original: Original) -> Original | None:
        since = self._tables.now() - LATELY
        ended = (told for told in self._tables.purges if not told.variant and told.at >= since)
        if any(told.image == original.image for told in ended):
            return self._tables.originals.get(original.image)
        return await self.adopt(original, mirrored=True)

    async def supersede(self, original: Original, older: str = "") -> Original:
        standing = await self.find(original.image)
        if standing is not None and standing.generation == older:
            self._tables.end(standing)
            self._tables.write(Kind.REPLACED, original, {"imported": True})
        return await self.adopt(original)

    async def change(self, image: ImageId, change: Change, *, version: str = "") -> Changed:
        now = self._tables.now()
        before = self._tables.originals.get(image)
        if before is None:
            raise errors.OriginalMissing
        if version and version != version_of(before.generation):
            raise errors.VersionMismatch
        after = dataclasses.replace(before, record=change.applied(before.record, now))
        self._write_record(before, after)
        return Changed(before=before, after=after)

    def _write_record(self, before: Original, after: Original) -> None:
        image = after.image
        self._tables.originals[image] = after
        changed = differences(before.record, after.record)
        if changed:
            hides = after.record.hidden and not before.record.hidden
            shows = before.record.hidden and not after.record.hidden
            if hides:
                for key in [key for key in self._tables.links if key[0] == after.generation]:
                    del self._tables.links[key]
            self._tables.announce((image, after.generation, HIDDEN if hides else RECORD))
            kind = Kind.RELEASED if shows else Kind.CHANGED
            self._tables.write(kind, after, {"changed": changed})

    async def due(self, limit: int) -> list[Original]:
        now = self._tables.now()
        due = [(one.record.due_at or now, one) for one in self._tables.originals.values()]
        passed = [one for at, one in due if one.record.due_at is not None and at <= now]
        return sorted(passed, key=lambda one: one.record.due_at or 0.0)[:limit]

    def _due(self, original: Original) -> Original | None:
        now, standing = self._tables.now(), self._tables.of(original.generation)
        if standing is None or self._tables.expiry_paused_at is not None:
            return None
        at = standing.record.due_at
        return standing if at is not None and at <= now else None

    async def expire(self, original: Original) -> Changed | None:
        before = self._due(original)
        if before is None or before.record.expired_at is not None:
            return None
        record = dataclasses.replace(before.record, expired_at=self._tables.now())
        after = dataclasses.replace(before, record=record)
        self._write_record(before, after)
        return Changed(before=before, after=after)

    async def end_expired(self, original: Original, *, redirects: float = 0.0) -> bool:
        standing = self._due(original)
        if standing is None or standing.record.expired_at is None:
            return False
        self._tables.erase(standing, redirects)
        self._end(standing, Kind.EXPIRED)
        return True

    async def end(self, original: Original) -> bool:
        self._tables.now()
        standing = self._tables.originals.get(original.image)
        if standing is None or standing.generation != original.generation:
            return False
        self._end(standing, Kind.DELETED)
        return True

    def _end(self, standing: Original, kind: Kind) -> None:
        token = self._tables.tokens.get(standing.image)
        if token is not None and token.state is State.DONE:
            del self._tables.tokens[standing.image]
        self._tables.end(standing)
        self._tables.write(kind, standing)

    async def delete(self, image: ImageId, *, redirects: float | None = None) -> Original | None:
        self._tables.now()
        self._tables.tokens.pop(image, None)
        original = self._tables.originals.get(image)
        if original is not None:
            self._tables.end(original)
            if redirects is not None:
                self._tables.erase(original, redirects)
            self._tables.write(Kind.DELETED, original)
        return original


class MemoryMirrorQueue(_Repository):
    """The twin of SqlMirrorQueue."""

    async def waiting(self, after: str, limit: int, *, main: bool = True) -> list[Original]:
        self._tables.now()
        missing = [
            one
            for one in self._tables.originals.values()
            if one.generation not in self._tables.mirrored
            and one.generation > after
            and (main or one.image.bucket)
        ]
        return sorted(missing, key=lambda one: one.generation)[:limit]

    async def done(self, generation: str) -> bool:
        current = self._tables.of(generation) is not None
        if current:
            self._tables.mirrored.add(generation)
        return current

    async def done_of(self, generations: Sequence[str]) -> set[str]:
        self._tables.now()
        return self._tables.mirrored.intersection(generations)

    async def requeue(self, generation: str) -> None:
        self._tables.now()
        self._tables.mirrored.discard(generation)


class MemoryDeliveries(_Repository):
    """The twin of SqlDeliveries."""

    async def take(
        self, reader: str, kinds: Collection[Kind], limit: int, lease: float, *, prefix: str = ""
    ) -> list[Delivery]:
        self._read_on(reader, kinds, prefix)
        now = self._tables.now()
        due = [one for one in self._of(reader) if one.next_at <= now]
        due.sort(key=lambda one: (one.next_at, one.event.serial))
        for one in due[:limit]:
            one.next_at, one.tries = now + lease, one.tries + 1
        return [
            Delivery(event=one.event, tries=one.tries, age=now - one.queued_at)
            for one in due[:limit]
        ]

    def _read_on(self, reader: str, kinds: Collection[Kind], prefix: str) -> None:
        tables = self._tables
        tables.readers.setdefault(reader, self._beginning())
        if len(self._of(reader)) >= 1000:
            return
        for event in [one for one in tables.events if one.serial > tables.readers[reader]][:200]:
            tables.readers[reader] = event.serial
            if _is_told(event, kinds, prefix):
                self._queue(reader, event, event.at)

    def _beginning(self) -> int:
        before = self._tables.now() - 60.0
        return max((one.serial for one in self._tables.events if one.at < before), default=0)

    def _queue(self, reader: str, event: Event, since: float) -> None:
        before = self._tables.queued.get((reader, event.serial))
        tries = before.tries if before else 0
        now = self._tables.now()
        self._tables.queued[reader, event.serial] = _Queued(event, now, since, tries)

    def _of(self, reader: str) -> list[_Queued]:
        return [one for (name, _), one in self._tables.queued.items() if name == reader]

    async def remove(self, reader: str, serial: int, *, failed: bool = False) -> None:
        now = self._tables.now()
        for event in self._tables.events:
            ended = event.serial == serial and event.kind in (Kind.DELETED, Kind.EXPIRED)
            if ended and event.generation in self._tables.erasures:
                telling = Telling(at=now, failed=failed)
                self._tables.steps.setdefault((event.generation, reader), telling)
        self._tables.queued.pop((reader, serial), None)

    async def postpone(self, reader: str, delivery: Delivery, delay: float) -> None:
        now = self._tables.now()
        queued = self._tables.queued.get((reader, delivery.event.serial))
        if queued is not None and queued.tries == delivery.tries:
            queued.next_at = now + delay

    async def count(self, reader: str, kinds: Collection[Kind], *, prefix: str = "") -> int:
        self._tables.now()
        position = self._tables.readers.get(reader, self._beginning())
        unread = [
            one
            for one in self._tables.events
            if one.serial > position and _is_told(one, kinds, prefix)
        ]
        return len(unread) + len(self._of(reader))

    async def replay(
        self,
        reader: str,
        kinds: Collection[Kind],
        since: float,
        after: int,
        limit: int,
        *,
        prefix: str = "",
    ) -> list[int]:
        self._tables.now()
        if reader not in self._tables.readers:
            return []
        chosen = [
            one
            for one in self._tables.events
            if one.serial > after and one.at >= since and _is_told(one, kinds, prefix)
        ][:limit]
        for event in chosen:
            self._queue(reader, event, self._tables.now())
        return [event.serial for event in chosen]

    async def inherit(self, limit: int) -> int:
        self._tables.now()
        return 0  # an instance of 1.0.0 has no index in memory

    async def forget(self) -> None:
        self._tables.now()
        oldest = min((one.serial for one in self._tables.events), default=0)
        for key in [key for key in self._tables.queued if key[1] < oldest]:
            del self._tables.queued[key]
        for name in [name for name, at in self._tables.readers.items() if at < oldest - 1]:
            del self._tables.readers[name]


def _is_told(event: Event, kinds: Collection[Kind], prefix: str) -> bool:
    """Whether a receiver of these kinds, and of names with that prefix, is told of an event."""
    named = not prefix or (not event.image.bucket and event.image.name.startswith(prefix))
    return event.kind in kinds and named


class MemoryLinks(_Repository):
    """The twin of SqlLinks."""

    async def find(self, generation: str, variant: str) -> Link | None:
        self._tables.now()
        row = self._tables.links.get((generation, variant))
        return None if row is None or row.purged_at is not None else row.link

    async def of(self, generation: str, limit: int) -> list[Link]:
        self._tables.now()
        return [row.link for row in self._in_use() if row.link.generation == generation][:limit]

    async def was_purged(self, generation: str, variant: str) -> bool | None:
        self._tables.now()
        row = self._tables.links.get((generation, variant))
        return None if row is None else row.purged_at is not None

    async def add(self, link: Link) -> bool:
        now = self._tables.now()
        original = self._tables.of(link.generation)
        if original is None or original.record.hidden:
            return False
        key = (link.generation, link.variant)
        older = self._tables.links.get(key)
        replaced = older is not None and older.link.size and older.link.key != link.key
        if older and replaced and "://" not in older.link.key:
            self._set_aside(older, now)
        younger = older.link.rendered_at + _TICK if older else now
        link = dataclasses.replace(link, image=original.image, rendered_at=max(now, younger))
        self._tables.links[key] = _LinkRow(link, used_at=now)
        return True

    def _set_aside(self, row: _LinkRow, now: float) -> None:
        aside = f"{row.link.variant}~{row.link.engine}"
        self._tables.links[row.link.generation, aside] = _LinkRow(
            dataclasses.replace(row.link, variant=aside),
            row.used_at,
            row.purged_at or now,
            row.claimed,
        )

    async def add_all(self, links: Sequence[Link], max_variants: int) -> list[Added]:
        outcomes = []
        for link in links:
            in_use = len(await self.of(link.generation, len(self._tables.links)))
            row = self._tables.links.get((link.generation, link.variant))
            new = row is None or row.purged_at is not None
            original = self._tables.of(link.generation)
            if original is None or original.record.hidden:
                outcomes.append(Added.ENDED)
            elif new and in_use >= max_variants:
                outcomes.append(Added.FULL)
            else:
                await self.add(link)
                outcomes.append(Added.ADDED)
        return outcomes

    async def purge(self, selection: Selection, limit: int) -> list[Link]:
        now = self._tables.now()
        chosen = [row for row in self._in_use() if _selects(selection, row.link)]
        chosen.sort(key=lambda row: (row.link.rendered_at, row.link.generation, row.link.variant))
        for row in chosen[:limit]:
            row.purged_at = now
        purged = [row.link for row in chosen[:limit]]
        self._tables.announce(*((link.image, link.generation, link.variant) for link in purged))
        return purged

    async def evict(self, links: Sequence[Link], keep: int) -> None:
        now = self._tables.now()
        for link in links:
            row = self._tables.links.get((link.generation, link.variant))
            if row is not None and row.link.rendered_at == link.rendered_at:
                row.link = dataclasses.replace(row.link, size=0)
                row.purged_at = now if row.purged_at is None else row.purged_at
                row.used_at = math.inf
        for generation in {link.generation for link in links}:
            evicted = [
                (-(row.purged_at or 0.0), key)
                for key, row in self._tables.links.items()
                if key[0] == generation and row.used_at == math.inf
            ]
            for _, key in sorted(evicted)[keep:]:
                del self._tables.links[key]

    async def purged(self, older_than: float, limit: int) -> list[Link]:
        now = self._tables.now()
        purged = [
            (row.claimed, row.purged_at, row.link)
            for row in self._tables.links.values()
            if row.purged_at is not None and self._due(row, older_than, now)
        ]
        purged.sort(key=lambda entry: entry[:2])
        return [link for _, _, link in purged[:limit]]

    def _due(self, row: _LinkRow, older_than: float, now: float) -> bool:
        if row.purged_at is None:
            return False
        if "~" in row.link.variant and row.link.key in {one.link.key for one in self._in_use()}:
            return False
        return row.purged_at < now - (CLAIM if row.claimed else older_than)

    async def claim(self, links: Sequence[Link], older_than: float) -> list[Link]:
        now = self._tables.now()
        claimed = []
        for link in links:
            row = self._tables.links.get((link.generation, link.variant))
            same = row is not None and row.link.rendered_at == link.rendered_at
            if row is not None and same and self._due(row, older_than, now):
                row.claimed, row.purged_at = True, now
                claimed.append(link)
        return claimed

    def _leaving(self, generation: str, key: str) -> list[_LinkRow]:
        return [
            row
            for row in self._tables.links.values()
            if (row.link.generation, row.link.key) == (generation, key)
            and row.purged_at is not None
        ]

    async def is_leaving(self, generation: str, key: str) -> bool:
        self._tables.now()
        return bool(self._leaving(generation, key))

    async def postpone(self, generation: str, key: str) -> bool:
        now = self._tables.now()
        rows = self._leaving(generation, key)
        for row in rows:
            if not row.claimed:
                row.purged_at = max(now, row.purged_at or now)
        return not any(row.claimed for row in rows)

    async def forget(self, links: Sequence[Link]) -> None:
        self._tables.now()
        for link in links:
            row = self._tables.links.get((link.generation, link.variant))
            if row is not None and row.link.rendered_at == link.rendered_at:
                del self._tables.links[link.generation, link.variant]

    async def touch(self, links: Sequence[tuple[str, str]]) -> None:
        now = self._tables.now()
        for key in links:
            if key in self._tables.links and self._tables.links[key].used_at != math.inf:
                self._tables.links[key].used_at = now

    async def least_used(self, limit: int, *, buckets: bool = True) -> list[Link]:
        self._tables.now()
        rows = [row for row in self._counted(buckets) if row.link.size]
        return [row.link for row in sorted(rows, key=lambda row: row.used_at)[:limit]]

    async def after(self, generation: str, variant: str, limit: int) -> list[tuple[Link, bool]]:
        self._tables.now()
        above = sorted(key for key in self._tables.links if key > (generation, variant))
        rows = [self._tables.links[key] for key in above[:limit]]
        return [(row.link, row.purged_at is None) for row in rows]

    async def keys_of(self, generations: Sequence[str]) -> set[str]:
        self._tables.now()
        return {
            row.link.key
            for key, row in self._tables.links.items()
            if key[0] in generations and row.used_at != math.inf and not row.claimed
        }

    async def stored_bytes(self, *, buckets: bool = True) -> int:
        self._tables.now()
        return sum(row.link.size for row in self._counted(buckets))

    def _counted(self, buckets: bool) -> list[_LinkRow]:
        return [row for row in self._tables.links.values() if buckets or not row.link.image.bucket]

    def _in_use(self) -> Iterator[_LinkRow]:
        return (row for row in self._tables.links.values() if row.purged_at is None)


class MemoryEvents(_Repository):
    """The twin of SqlEvents."""

    async def since(self, serial: int, limit: int) -> list[Event]:
        self._tables.now()
        return [event for event in self._tables.events if event.serial > serial][:limit]

    async def add(self, kind: Kind, original: Original, more: Mapping[str, object]) -> None:
        self._tables.write(kind, original, more)

    async def forget(self, older_than: float) -> None:
        before = self._tables.now() - older_than
        self._tables.events = [event for event in self._tables.events if event.at >= before]


class MemoryErasures(_Repository):
    """The twin of SqlErasures."""

    async def find(self, generation: str) -> Progress | None:
        tables, now = self._tables, self._tables.now()
        if generation not in tables.erasures:
            return None
        steps = {place: step for (of, place), step in tables.steps.items() if of == generation}
        serials = [
            one.serial
            for one in tables.events
            if one.generation == generation and one.kind in (Kind.DELETED, Kind.EXPIRED)
        ]
        waiting = {
            reader: Telling(waits=position < max(serials)) if serials else Telling(failed=True)
            for reader, position in tables.readers.items()
        }
        for (reader, serial), row in tables.queued.items():
            if serial in serials:
                waiting[reader] = Telling(waits=True, tries=row.tries)
        return Progress(
            erasure=tables.erasures[generation],
            now=now,
            instances=tuple(
                Instance(
                    name=name,
                    seen_at=seen_at,
                    gone_at=steps[f"instance:{name}"].at if f"instance:{name}" in steps else None,
                )
                for name, seen_at in sorted(tables.instances.items())
            ),
            tellings={
                **waiting,
                **{name: step for name, step in steps.items() if not name.startswith("instance:")},
            },
        )

    async def removed_here(self, instance: str, generations: Sequence[str]) -> None:
        now = self._tables.now()
        for generation in self._tables.erasures.keys() & set(generations):
            self._tables.steps.setdefault((generation, f"instance:{instance}"), Telling(at=now))

    async def removed_from_stores(self, generation: str) -> None:
        now = self._tables.now()
        erasure = self._tables.erasures.get(generation)
        if erasure is not None and erasure.stores_at is None:
            self._tables.erasures[generation] = dataclasses.replace(erasure, stores_at=now)

    async def unfinished(self, older_than: float, limit: int) -> list[tuple[ImageId, str]]:
        before = self._tables.now() - older_than
        found = [
            (one.image, one.generation)
            for one in sorted(self._tables.erasures.values(), key=lambda one: one.at)
            if one.stores_at is None and one.at < before
        ]
        return found[:limit]

    async def see(self, instance: str) -> None:
        self._tables.instances[instance] = self._tables.now()

    async def forget(self, older_than: float, unseen_for: float) -> None:
        tables, now = self._tables, self._tables.now()
        for one in list(tables.erasures.values()):
            if one.at < now - older_than:
                del tables.erasures[one.generation]
                for key in [key for key in tables.steps if key[0] == one.generation]:
                    del tables.steps[key]
        for name in [name for name, at in tables.instances.items() if at < now - unseen_for]:
            del tables.instances[name]


class MemoryPeers(_Repository):
    """The twin of SqlPeers."""

    async def older(self) -> bool:
        self._tables.now()
        return self._tables.older


class MemoryBucketUse(_Repository):
    """The twin of SqlBucketUse; all links are counted at once."""

    def __init__(self, tables: Tables) -> None:
        super().__init__(tables)
        self._holder, self._held_until = "", 0.0
        self._totals = BucketTotals()

    async def totals(self) -> BucketTotals:
        self._tables.now()
        return self._totals

    async def take(self, holder: str, lease: float) -> bool:
        now = self._tables.now()
        if holder != self._holder and now <= self._held_until:
            return False
        self._holder, self._held_until = holder, now + lease
        return True

    async def count(self, limit: int) -> bool:
        self._tables.now()
        total = sum(row.link.size for row in self._stored())
        self._totals = dataclasses.replace(self._totals, total=total)
        return True

    async def note_excess(self, excess: int) -> None:
        self._tables.now()
        self._totals = dataclasses.replace(self._totals, excess=excess)

    def _stored(self) -> list[_LinkRow]:
        return [
            row
            for row in self._tables.links.values()
            if row.purged_at is None and row.link.size and not row.link.image.bucket
        ]

    async def end_unused(
        self, after: Position | None, unused_for: float, longer: float, limit: int
    ) -> Ended:
        now = self._tables.now()
        unused = sorted(
            (row.used_at, row.link.generation, row.link.variant)
            for row in self._stored()
            if row.used_at < now - unused_for
        )
        chosen = [key for key in unused if after is None or key > after][:limit]
        links = []
        for _, generation, variant in chosen:
            row = self._tables.links[generation, variant]
            row.purged_at, row.used_at = now + longer, now
            links.append(row.link)
        self._tables.announce(*((link.image, link.generation, link.variant) for link in links))
        if self._totals.total is not None:
            total = self._totals.total - sum(link.size for link in links)
            self._totals = dataclasses.replace(self._totals, total=total)
        return Ended(links, chosen[-1] if chosen else None)


class MemoryPurges(_Repository):
    """The twin of SqlPurges."""

    async def identity(self) -> str:
        self._tables.now()
        return self._tables.name

    async def since(self, serial: int, limit: int = 1000) -> list[Purged]:
        self._tables.now()
        return [purged for purged in self._tables.purges if purged.serial > serial][:limit]

    async def ended(self, generation: str) -> ImageId | None:
        self._tables.now()
        for purged in self._tables.purges:
            if purged.generation == generation and not purged.variant:
                return purged.image
        return None

    async def forget(self, older_than: float) -> None:
        now = self._tables.now()
        kept = ("", HIDDEN)
        deletions = [told for told in self._tables.purges if told.variant in kept]
        oldest, lately = (
            _last(deletions, now - older_than),
            _last(self._tables.purges, now - LATELY),
        )
        self._tables.purges = [
            told
            for told in self._tables.purges
            if told.serial >= (oldest if told.variant in kept else lately)
        ]


class MemoryExpiryPause(_Repository):
    """The twin of SqlExpiryPause."""

    async def since(self) -> float | None:
        self._tables.now()
        return self._tables.expiry_paused_at

    async def begin(self) -> None:
        now = self._tables.now()
        if self._tables.expiry_paused_at is None:
            self._tables.expiry_paused_at = now

    async def end(self) -> bool:
        self._tables.now()
        ended = self._tables.expiry_paused_at is not None
        self._tables.expiry_paused_at = None
        return ended


class MemoryIndex:
    """The twin of DatabaseIndex.

    `clock` gives Unix seconds and stands for the database's. Tests move time with
    `advance`, and set `available` to False to take the database away: every method then
    raises IndexUnavailable.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self.tables = Tables(clock)
        self.tokens = MemoryTokens(self.tables)
        self.rows = MemoryOriginalRows(self.tables)
        self.mirror_queue = MemoryMirrorQueue(self.tables)
        self.deliveries = MemoryDeliveries(self.tables)
        self.links = MemoryLinks(self.tables)
        self.purges = MemoryPurges(self.tables)
        self.events = MemoryEvents(self.tables)
        self.expiry_pause = MemoryExpiryPause(self.tables)
        self.erasures = MemoryErasures(self.tables)
        self.peers = MemoryPeers(self.tables)
        self.bucket_use = MemoryBucketUse(self.tables)

    def advance(self, seconds: float) -> None:
        """Let `seconds` pass."""
        self.tables.ahead += seconds

    @property
    def available(self) -> bool:
        return self.tables.available

    @available.setter
    def available(self, available: bool) -> None:
        self.tables.available = available

    @property
    def name(self) -> str:
        """What `identity` says."""
        return self.tables.name

    @name.setter
    def name(self, name: str) -> None:
        self.tables.name = name

    async def migrate(self) -> None:
        """Do nothing, as a schema that is up to date does."""
        self.tables.now()

    async def close(self) -> None:
        """Do nothing."""

    @property
    def healthy(self) -> bool:
        """Whether lookups are being answered."""
        return self.available

    async def ping(self) -> None:
        self.tables.now()


def _last(purges: Sequence[Purged], before: float) -> int:
    """The serial of the last one that was before that moment."""
    return max((told.serial for told in purges if told.at < before), default=0)


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
