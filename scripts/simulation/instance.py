"""What one instance answers from memory, and what it asks the database and the store for.

The rules are those of liveresize/storage/memory.py and liveresize/delivery/rendition_loader.py.
"""

import enum
from collections import Counter, OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

ORIGINALS = 50_000
LIST_TTL = 5.0
LISTS = 256
ASK_EVERY = 5.0

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Answer(enum.StrEnum):
    """Where an answer came from."""

    LINK = "link in memory"
    MEMORY = "bytes in memory"
    INDEX = "link in the database"
    MISS = "render"


@dataclass(frozen=True)
class Caches:
    """Limits of an instance; `links` and the others as in its configuration.

    `redirect`: answers are redirects (`delivery: redirect`), else bytes (`proxy`). `bucket`: all
    instances read one store, else each has the renditions on a disk of its own.
    """

    memory_bytes: int = 64 << 20
    links: int = 50_000
    link_ttl: float = 60.0
    originals: int = ORIGINALS
    lists: int = LISTS
    largest: int = 8 << 20
    redirect: bool = True
    bucket: bool = True
    publish: float = 0.2
    """Seconds from a render to its link."""

    def sampled(self, sample: int) -> "Caches":
        """The limits for one in `sample` pictures; an image of the same size still fits in."""
        return Caches(
            memory_bytes=self.memory_bytes // sample,
            links=max(1, self.links // sample),
            link_ttl=self.link_ttl,
            originals=max(1, self.originals // sample),
            lists=max(1, self.lists // sample),
            largest=self.memory_bytes // 8,
            redirect=self.redirect,
            bucket=self.bucket,
            publish=self.publish,
        )


class Recent(Generic[K, V]):
    """The entries used last, up to `room`; each takes `weight` of it."""

    def __init__(self, room: int) -> None:
        self._room = room
        self._left = room
        self._entries: OrderedDict[K, tuple[V, int]] = OrderedDict()

    def get(self, key: K) -> V | None:
        entry = self._entries.get(key)
        if entry is None:
            return None
        self._entries.move_to_end(key)
        return entry[0]

    def put(self, key: K, value: V, weight: int = 1) -> None:
        before = self._entries.pop(key, None)
        self._left += (before[1] if before is not None else 0) - weight
        self._entries[key] = value, weight
        while self._left < 0:
            _, (_, freed) = self._entries.popitem(last=False)
            self._left += freed


class Stored:
    """Which renditions have a link, and since when: what all instances read in PostgreSQL.

    Renditions of generation 0 have one from the beginning if `made`.
    """

    def __init__(self, *, made: bool) -> None:
        self._made = made
        self._since: dict[tuple[int, int], dict[int, float]] = {}

    def add(self, original: tuple[int, int], variant: int, at: float) -> None:
        self._since.setdefault(original, {}).setdefault(variant, at)

    def has(self, original: tuple[int, int], variant: int, now: float) -> bool:
        if self._made and not original[1]:
            return True
        return self._since.get(original, {}).get(variant, now + 1) <= now

    def when(self, original: tuple[int, int], variant: int) -> float:
        """When it had or will have its link; infinity if it never was made."""
        if self._made and not original[1]:
            return 0.0
        return self._since.get(original, {}).get(variant, float("inf"))


class Instance:
    """One server. `asked` counts what a request waits for or causes elsewhere."""

    def __init__(self, caches: Caches, stored: Stored) -> None:
        self._caches = caches
        self._stored = stored
        self._originals: Recent[tuple[int, int], bool] = Recent(caches.originals)
        self._links: Recent[tuple[int, int, int], float] = Recent(caches.links)
        self._images: Recent[tuple[int, int, int], bool] = Recent(caches.memory_bytes)
        self._lists: Recent[tuple[int, int], float] = Recent(caches.lists)
        self._behind: dict[tuple[int, int], float] = {}
        self._disk: set[tuple[int, int, int]] = set()
        self.asked: Counter[str] = Counter()

    def get(self, now: float, original: tuple[int, int], variant: int, size: int) -> Answer:
        """Answer one request for a rendition of `size` bytes."""
        key = (*original, variant)
        if self._originals.get(original) is None:
            self.asked["lookups"] += 1
            self._originals.put(original, True)
        if self._caches.redirect and self._link(now, original, variant):
            return Answer.LINK
        if self._images.get(key) is not None:
            if self._caches.redirect:
                self._ask_behind(now, original, variant)
            return Answer.MEMORY
        if self._listed(now, original, variant):
            if not self._caches.bucket and key not in self._disk:
                return self._render(now, original, variant, size)
            self._keep_link(now, key)
            if not self._caches.redirect:
                self.asked["reads"] += 1
                self._keep(key, size)
            return Answer.INDEX
        return self._render(now, original, variant, size)

    def _link(self, now: float, original: tuple[int, int], variant: int) -> bool:
        key = (*original, variant)
        since = self._links.get(key)
        if since is not None and since <= now < since + self._caches.link_ttl:
            return True
        if self._in_list(now, original, variant):
            self._keep_link(now, key)
            return True
        return False

    def _in_list(self, now: float, original: tuple[int, int], variant: int) -> bool:
        """Whether a list that was read a moment ago has it: links since then are added to it."""
        read = self._lists.get(original)
        if read is None or now >= read + LIST_TTL:
            return False
        return self._stored.has(original, variant, now)

    def _listed(self, now: float, original: tuple[int, int], variant: int) -> bool:
        """Whether the database has the link; all links of the original are read at once."""
        read = self._lists.get(original)
        if read is None or now >= read + LIST_TTL:
            self.asked["lookups"] += 1
            self._lists.put(original, now)
        return self._stored.has(original, variant, now)

    def _ask_behind(self, now: float, original: tuple[int, int], variant: int) -> None:
        """The bytes are the answer; the link is asked for, so that the next one is a redirect."""
        if now < self._behind.get(original, 0.0):
            return
        self._behind[original] = now + ASK_EVERY
        if self._listed(now, original, variant):
            self._keep_link(now, (*original, variant))

    def _render(self, now: float, original: tuple[int, int], variant: int, size: int) -> Answer:
        key = (*original, variant)
        linked = now + self._caches.publish
        self._stored.add(original, variant, linked)
        self._disk.add(key)
        self.asked["writes"] += 1
        self._keep(key, size)
        self._keep_link(linked, key)
        return Answer.MISS

    def _keep_link(self, since: float, key: tuple[int, int, int]) -> None:
        self._links.put(key, since)

    def _keep(self, key: tuple[int, int, int], size: int) -> None:
        if size <= self._caches.largest:
            self._images.put(key, True, size)
