"""The cache in memory: bytes of renditions, links, and originals."""

import math
from collections import OrderedDict
from collections.abc import Callable
from itertools import islice
from typing import TypeVar

from liveresize.core.names import ImageId
from liveresize.core.originals import Link, Original
from liveresize.core.ports import CachedImage, LinkList
from liveresize.settings.server import Cache

_MAX_ORIGINALS = 50_000

LINK_LIST_TTL = 5.0
"""Seconds for which the list of all links of a generation is valid."""

_MISSING = 10_000
"""Missing pictures that are known at most; the oldest are forgotten first."""

MISSING_TTL = 2.0
"""Seconds for which a picture is known to be missing. Another instance may have it sooner."""

_LINK_LISTS = 256
"""Generations with a list of all their links."""

Key = tuple[str, str]
"""(generation, variant)"""

K = TypeVar("K")
V = TypeVar("V")


class Memory:
    """ports.Memory: LRU caches that are invalidated together. Used only by the event loop.

    `stale_for`: seconds for which an expired link may still be used while the index is away.
    """

    def __init__(
        self,
        cache: Cache,
        monotonic: Callable[[], float],
        *,
        max_originals: int = _MAX_ORIGINALS,
        stale_for: float = math.inf,
    ) -> None:
        self._cache = cache
        self._stale_for = stale_for
        self._max_originals = max_originals
        self._now = monotonic
        self._originals: OrderedDict[str, Original] = OrderedDict()
        self._images: OrderedDict[Key, CachedImage] = OrderedDict()
        self._links: OrderedDict[Key, tuple[Link, float]] = OrderedDict()
        self._link_lists: OrderedDict[str, tuple[LinkList, float]] = OrderedDict()
        self._variants: dict[str, set[str]] = {}
        self._assumed: dict[str, None] = {}
        self._missing: dict[str, float] = {}
        self.bytes = 0
        self.evictions = 0
        self.drops = 0

    @property
    def entries(self) -> int:
        """The number of renditions."""
        return len(self._images)

    @property
    def links(self) -> int:
        """The number of links, including expired ones."""
        return len(self._links)

    def original(self, image: ImageId) -> Original | None:
        """Return the original, if it is cached."""
        return _touched(self._originals, image.key)

    def keep_original(self, original: Original) -> None:
        """Cache an original; another generation of the same picture is dropped completely.

        A hidden one is dropped, too: known from memory, it would be missing faster than others.
        """
        if original.record.hidden:
            self._drop_known(original.image)  # it stays missing, as others do
            return
        key = original.image.key
        before = self._originals.pop(key, None)
        if before is not None and before.generation != original.generation:
            self.drop(before.image, before.generation)
        self._originals[key] = original
        self._missing.pop(key, None)
        self._assumed.pop(key, None)
        if not original.uploaded_at:
            self._assumed[key] = None
        if len(self._originals) > self._max_originals:
            oldest, _ = self._originals.popitem(last=False)
            self._assumed.pop(oldest, None)

    def assumed(self, limit: int) -> list[Original]:
        """Return up to `limit` originals that the index has not confirmed."""
        return [self._originals[key] for key in islice(self._assumed, limit)]

    def confirm(self, original: Original) -> None:
        """Mark an original as confirmed by the index."""
        current = self._originals.get(original.image.key)
        if current is not None and current.generation == original.generation:
            self._assumed.pop(original.image.key, None)

    def keep_missing(self, image: ImageId) -> None:
        """Remember for a moment that there is no such picture."""
        self._missing.pop(image.key, None)
        self._missing[image.key] = self._now() + MISSING_TTL
        if len(self._missing) > _MISSING:
            del self._missing[next(iter(self._missing))]

    def is_missing(self, image: ImageId) -> bool:
        """Whether there was no such picture a moment ago."""
        return self._now() < self._missing.get(image.key, 0.0)

    def held(self, generation: str, variant: str) -> CachedImage | None:
        """Return a rendition, if it is cached."""
        return _touched(self._images, (generation, variant))

    def put(self, generation: str, variant: str, image: CachedImage) -> None:
        """Keep the bytes, unless they alone would take more than an eighth of the room."""
        if len(image.data) * 8 > self._cache.memory_bytes:
            return
        self._release((generation, variant))
        self._images[generation, variant] = image
        self.bytes += len(image.data)
        self._note(generation, variant)
        while self.bytes > self._cache.memory_bytes:
            self._release(next(iter(self._images)))
            self.evictions += 1

    def link(self, generation: str, variant: str, *, stale: bool = False) -> Link | None:
        """Return the link of a rendition, if it is cached; an expired one only with `stale`."""
        entry = _touched(self._links, (generation, variant))
        if entry is not None and self._now() < entry[1] + (self._stale_for if stale else 0.0):
            return entry[0]
        listed = self.link_list(generation)
        link = listed.links.get(variant) if listed is not None else None
        if link is not None:
            self.keep_link(link)
        return link

    def keep_link(self, link: Link) -> None:
        """Cache a link for its time."""
        key = (link.generation, link.variant)
        listed = self.link_list(link.generation)
        if listed is not None:
            listed.links[link.variant] = link
        self._links.pop(key, None)
        self._links[key] = (link, self._now() + self._cache.link_ttl)
        self._note(*key)
        if len(self._links) > self._cache.links:
            old, _ = self._links.popitem(last=False)
            self._unnote(old)

    def link_list(self, generation: str) -> LinkList | None:
        """Return the list of all links of a generation, if it is cached and valid."""
        entry = self._link_lists.get(generation)
        return entry[0] if entry is not None and self._now() < entry[1] else None

    def keep_link_list(self, generation: str, found: LinkList) -> None:
        """Cache the list of all links of a generation for a few seconds."""
        now = self._now()
        self._link_lists.pop(generation, None)
        self._link_lists[generation] = (found, now + LINK_LIST_TTL)
        oldest = next(iter(self._link_lists))
        while len(self._link_lists) > _LINK_LISTS or self._link_lists[oldest][1] <= now:
            del self._link_lists[oldest]
            oldest = next(iter(self._link_lists))

    def drop_link_list(self, generation: str) -> None:
        """Drop the list of all links of a generation."""
        self._link_lists.pop(generation, None)

    def drop(self, image: ImageId, generation: str, variant: str = "") -> None:
        """Drop one rendition, or without a variant the whole generation."""
        self.drop_link_list(generation)
        if variant:
            self._links.pop((generation, variant), None)
            self._release((generation, variant))
            self._unnote((generation, variant))
            return
        self.drops += 1
        self._missing.pop(image.key, None)
        current = self._originals.get(image.key)
        if current is not None and current.generation == generation:
            del self._originals[image.key]
            self._assumed.pop(image.key, None)
        for each in tuple(self._variants.get(generation, ())):
            self.drop(image, generation, each)

    def forget(self, image: ImageId) -> None:
        """Drop everything about a picture."""
        self._missing.pop(image.key, None)
        self._drop_known(image)

    def _drop_known(self, image: ImageId) -> None:
        current = self._originals.get(image.key)
        if current is not None:
            self.drop(image, current.generation)

    def clear(self) -> None:
        """Drop everything."""
        for entries in (self._originals, self._images, self._links, self._variants, self._assumed):
            entries.clear()
        self._link_lists.clear()
        self._missing.clear()
        self.bytes = 0
        self.drops += 1

    def _release(self, key: Key) -> None:
        image = self._images.pop(key, None)
        if image is not None:
            self.bytes -= len(image.data)
            self._unnote(key)

    def _note(self, generation: str, variant: str) -> None:
        self._variants.setdefault(generation, set()).add(variant)

    def _unnote(self, key: Key) -> None:
        if key in self._images or key in self._links:
            return
        variants = self._variants.get(key[0])
        if variants is not None:
            variants.discard(key[1])
            if not variants:
                del self._variants[key[0]]


def _touched(entries: OrderedDict[K, V], key: K) -> V | None:
    """Return the entry, and mark it as the one used last."""
    value = entries.get(key)
    if value is not None:
        entries.move_to_end(key)
    return value
