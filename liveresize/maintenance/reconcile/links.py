"""Compare links with objects, generation by generation."""

from liveresize.core.names import ImageId
from liveresize.core.originals import Link
from liveresize.maintenance.reconcile.findings import Kind, Report
from liveresize.maintenance.reconcile.parts import PAGE, Options, Parts
from liveresize.maintenance.reconcile.places import Entry, Objects

Row = tuple[Link, bool]
"""A link, and whether it is in use: the object of a purged one is removed in time."""


class Links:
    """Compares generations, also several at once.

    The listing is older than the links, so that every difference is checked again before it
    counts. Servers cache a link for `cache.link_ttl` after it is dropped.
    """

    def __init__(self, parts: Parts, objects: Objects, options: Options, report: Report) -> None:
        self._parts = parts
        self._objects = objects
        self._options = options
        self._report = report

    async def compare(self, item: tuple[str, list[Row] | None, list[Entry] | None]) -> None:
        """Compare the links of a generation with its objects."""
        generation, rows, entries = item
        unmatched = {file_of(entry.key): entry for entry in entries or []}
        for link, used in rows or []:
            if foreign(link) or (self._parts.apart and link.image.bucket):
                continue
            entry = unmatched.pop(file_of(link.key), None)
            if used and (entry is None or entry.bytes != link.size):
                await self._check_link(link)
        old = [entry for entry in unmatched.values() if self._old(entry)]
        self._report.young += len(unmatched) - len(old)
        if old:
            await self._check_objects(generation, old)

    def _old(self, entry: Entry) -> bool:
        return self._parts.clock.time() - entry.modified_at >= self._options.grace

    async def _check_link(self, link: Link) -> None:
        size = await self._objects.size(link)
        if size == link.size:
            return
        current = await self._parts.links.find(link.generation, link.variant)
        if current is None or current.rendered_at != link.rendered_at:
            return
        if self._options.repair:
            await self._take_out(link)
            if size is not None:
                await self._parts.store.remove([link])
        what = f"{link.image.key} {link.variant} ({link.generation})"
        self._report.add(Kind.LINK, what, repaired=self._options.repair)

    async def _take_out(self, link: Link) -> None:
        """Purge a link without an object.

        Browsers may have redirects to objects that this server serves: such a link stays as
        evicted, so that they are rendered again.
        """
        if self._parts.store.shared or link.image.bucket:
            await self._parts.links.forget([link])
        else:
            await self._parts.links.evict([link], PAGE)

    async def _check_objects(self, generation: str, entries: list[Entry]) -> None:
        linked = await self._linked(generation)
        idle = [
            entry
            for entry in entries
            if file_of(entry.key) not in linked
            and await self._objects.size(_link_to(entry)) is not None
        ]
        if self._options.repair and idle:
            await self._parts.store.remove([_link_to(entry) for entry in idle])
            await self._undo(generation, {file_of(entry.key) for entry in idle})
        for entry in idle:
            self._report.add(Kind.OBJECT, entry.key, repaired=self._options.repair)

    async def _undo(self, generation: str, removed: set[str]) -> None:
        """Drop links to removed objects that were added at the same moment."""
        for file, link in (await self._linked(generation)).items():
            if file in removed and await self._objects.size(link) is None:
                await self._parts.links.forget([link])

    async def _linked(self, generation: str) -> dict[str, Link]:
        """Return the links of a generation, by the names of their files."""
        links: dict[str, Link] = {}
        variant = ""
        while True:
            page = await self._parts.links.after(generation, variant, PAGE)
            current = [link for link, _ in page if link.generation == generation]
            links.update((file_of(link.key), link) for link in current)
            if len(current) < PAGE:
                return links
            variant = current[-1].variant


def file_of(key: str) -> str:
    """Return the file name of an object: its variant and extension."""
    return key.rpartition("/")[2]


def foreign(link: Link) -> bool:
    """Whether a link was imported, and leads to an object of another service."""
    return "://" in link.key


def _link_to(entry: Entry) -> Link:
    """Return a link for an object without one, which stores need to remove it."""
    return Link(
        image=ImageId(""),
        generation=entry.generation,
        variant=file_of(entry.key).rpartition(".")[0],
        key=entry.key,
        mime="",
        etag="",
        size=entry.bytes,
        engine="",
    )
