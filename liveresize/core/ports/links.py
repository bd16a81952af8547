"""The part of the index about links to stored renditions, and what they take in the bucket.

For the errors of all methods see `index`.
"""

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from liveresize.core.names import ImageId
from liveresize.core.originals import Link


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """A selection of links to purge; exactly one field is set. Times are Unix seconds."""

    image: ImageId | None = None
    prefix: str = ""
    rendered_before: float | None = None
    engine_before: str = ""


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
