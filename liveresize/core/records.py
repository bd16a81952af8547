"""What an application says of its picture: focus, meta, whether it is held, and how long it stays.

A picture is `public`, `held` or `expired`. What is not public is hidden: only an administrator, or
a signature that covers `held=true`, opens it.
"""

import enum
from dataclasses import dataclass, replace
from typing import Final

MAX_META = 1024
"""Bytes of the JSON text of `meta`."""

EXPIRED_FOR = 86_400.0
"""Seconds for which an expired picture is kept hidden, before it is deleted."""

Focus = tuple[int, int]
"""x and y in thousandths of the upright picture."""


class State(enum.StrEnum):
    """The state of a picture."""

    PUBLIC = "public"
    HELD = "held"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What is recorded of a picture beside the facts of its original. Times are Unix seconds.

    `focus` is (x, y) in thousandths, `meta` JSON text (empty: none). `keep_until` and
    `claim_until` are the times at which it expires. `held_at` and `expired_at` say since when it
    is hidden.
    """

    focus: Focus | None = None
    meta: str = ""
    keep_until: float | None = None
    claim_until: float | None = None
    held_at: float | None = None
    expired_at: float | None = None

    @property
    def state(self) -> State:
        """The state of the picture."""
        if self.expired_at is not None:
            return State.EXPIRED
        return State.PUBLIC if self.held_at is None else State.HELD

    @property
    def hidden(self) -> bool:
        """Whether the public gets no picture."""
        return self.held_at is not None or self.expired_at is not None

    @property
    def ends_at(self) -> float | None:
        """The time at which the picture expires; None is never."""
        return min(
            (end for end in (self.keep_until, self.claim_until) if end is not None), default=None
        )

    @property
    def due_at(self) -> float | None:
        """The time at which the next step of its expiry is due; None if there is none."""
        return self.ends_at if self.expired_at is None else self.expired_at + EXPIRED_FOR


NOTHING = Record()
"""The record of a picture of which nothing is said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What a token says of the picture that will be uploaded with it.

    `claim_within` is in seconds from the upload; for the others see Record.
    """

    focus: Focus | None = None
    meta: str = ""
    held: bool = False
    keep_until: float | None = None
    claim_within: float | None = None

    def at(self, now: float) -> Record:
        """Return the record of a picture that is uploaded at `now`."""
        return Record(
            focus=self.focus,
            meta=self.meta,
            keep_until=self.keep_until,
            claim_until=None if self.claim_within is None else now + self.claim_within,
            held_at=now if self.held else None,
        )


class Unchanged(enum.Enum):
    """Stands for a field that a change leaves as it is."""

    UNCHANGED = enum.auto()


UNCHANGED: Final = Unchanged.UNCHANGED


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A change of a record; fields that are not given stay. `claimed` ends `claim_until`.

    An expired picture whose end is in the future again, or gone, is not expired any more.
    """

    focus: Focus | Unchanged | None = UNCHANGED
    meta: str | Unchanged = UNCHANGED
    held: bool | Unchanged = UNCHANGED
    keep_until: float | Unchanged | None = UNCHANGED
    claimed: bool = False

    def applied(self, record: Record, now: float) -> Record:
        """Return the record after the change, at `now`."""
        if not isinstance(self.focus, Unchanged):
            record = replace(record, focus=self.focus)
        if not isinstance(self.meta, Unchanged):
            record = replace(record, meta=self.meta)
        if self.held is True and record.held_at is None:
            record = replace(record, held_at=now)
        if self.held is False:
            record = replace(record, held_at=None)
        if not isinstance(self.keep_until, Unchanged):
            record = replace(record, keep_until=self.keep_until)
        if self.claimed:
            record = replace(record, claim_until=None)
        if record.expired_at is not None and (record.ends_at is None or record.ends_at > now):
            record = replace(record, expired_at=None)
        return record


def differences(before: Record, after: Record) -> tuple[str, ...]:
    """Return the names of what has changed, as applications call it."""
    named = {
        "focus": before.focus != after.focus,
        "meta": before.meta != after.meta,
        "held": (before.held_at is None) != (after.held_at is None),
        "keep_until": before.keep_until != after.keep_until,
        "claimed": before.claim_until != after.claim_until,
        "expired": (before.expired_at is None) != (after.expired_at is None),
    }
    return tuple(name for name, changed in named.items() if changed)
