"""The part of the index about what has happened: deletions and changes that instances hear of,
events that receivers are told of, and receipts of erasures.

For the errors of all methods see `index`.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from liveresize.core.erasures import Progress
from liveresize.core.events import Event, Kind
from liveresize.core.names import ImageId
from liveresize.core.originals import Original

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
class Delivery:
    """An event to tell a receiver of. `tries` is the number of attempts, including the current one;
    `age` is the seconds since the event, or since its replay."""

    event: Event
    tries: int
    age: float


class Deliveries(Protocol):
    """The events that each receiver is yet to be told of.

    A receiver has a name, by which its position in the events is known, and is told of some kinds.
    One with a new name is told of what happens from now on. With a `prefix` it is told of pictures
    whose names begin with that, and that are in no bucket.
    """

    async def take(
        self, reader: str, kinds: Collection[Kind], limit: int, lease: float, *, prefix: str = ""
    ) -> list[Delivery]:
        """Take up to `limit` events whose time has come, those first that wait longest; nobody else
        gets them for `lease` seconds."""

    async def remove(self, reader: str, serial: int, *, failed: bool = False) -> None:
        """Remove an event that was delivered, or, with `failed`, that nobody will deliver.

        If it is the end of an erased picture, that is recorded with the erasure.
        """

    async def postpone(self, reader: str, delivery: Delivery, delay: float) -> None:
        """Postpone by `delay` seconds, unless it was taken again or removed."""

    async def count(self, reader: str, kinds: Collection[Kind], *, prefix: str = "") -> int:
        """Return how many events wait for the receiver; it may be limited to ten thousand."""

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
        """Queue up to `limit` events since `since` (Unix seconds) once more, beginning after the
        serial `after`; return their serials. None for a receiver that has read nothing yet."""

    async def inherit(self, limit: int) -> int:
        """Make events of up to `limit` uploads that an instance of 1.0.0 has not announced yet;
        return how many."""

    async def forget(self) -> None:
        """Remove what belongs to events that were forgotten."""


class Events(Protocol):
    """The events, one for each change of a picture."""

    async def since(self, serial: int, limit: int) -> list[Event]:
        """Return up to `limit` events with a serial above `serial`, the oldest first."""

    async def add(self, kind: Kind, original: Original, more: Mapping[str, object]) -> None:
        """Record an event that belongs to no change of a row, with `more` in its document."""

    async def forget(self, older_than: float) -> None:
        """Delete some of the events that are older than `older_than` seconds."""


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
