"""An installation whose places are put at odds by hand: a database, a disk, a mirror."""

import contextlib
import dataclasses
import hashlib
import os
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

from service.doubles import NO_RESERVE, Clock, FakeRenderer, picture, run
from service.mirrors import FakeMirror
from storage import worlds

from liveresize.core.jobs import ProbeJob
from liveresize.core.names import ImageId
from liveresize.core.originals import Link, Original, described, new_generation
from liveresize.maintenance.reconcile.findings import Report
from liveresize.maintenance.reconcile.parts import Options, OrphanPolicy, Parts
from liveresize.maintenance.reconcile.reconciliation import Reconciliation
from liveresize.storage.disk import DiskRenditions
from liveresize.storage.index.sql_index import DatabaseIndex
from liveresize.storage.listings import OriginalFiles, RenditionFiles
from liveresize.storage.originals import DiskOriginals

CAT, DOG = ImageId("cat"), ImageId("dog")
DAY = 86_400.0
Database = Callable[[], contextlib.AbstractContextManager[str]]
"""Makes an empty database; `worlds.databases` gives each kind."""

BUDGET = 120.0
"""Seconds for a scenario; none takes a second on an idle machine."""

REPAIR: dict[str, Any] = {"repair": True, "this_is_all": True}
ADOPT: dict[str, Any] = {**REPAIR, "strays": OrphanPolicy.ADOPT}
REMOVE: dict[str, Any] = {**REPAIR, "strays": OrphanPolicy.REMOVE}


class TellingMirror(FakeMirror):
    """A mirror that knows the SHA-256 of what it holds, as S3's metadata do."""

    async def facts(self, original: Original) -> tuple[int, str] | None:
        await self._enter("facts")
        data = self.objects.get(self.key(original))
        return None if data is None else (len(data), hashlib.sha256(data).hexdigest())


class Scene:
    """One installation. Its clock stands still; what is put in is a day old, and older
    than what is put in after it."""

    def __init__(self, folder: Path, index: DatabaseIndex, mirror: FakeMirror | None) -> None:
        self.folder = folder
        self.index = index
        self.mirror = mirror
        self.clock = Clock()
        self.births = self.clock.now - DAY
        self.renderer = FakeRenderer()
        self.originals = DiskOriginals(folder / "originals", NO_RESERVE)
        self.store = DiskRenditions(folder / "renditions", NO_RESERVE)
        self.originals.prepare()
        self.store.prepare()
        self.parts = Parts(
            rows=index.rows,
            mirror_queue=index.mirror_queue,
            links=index.links,
            purges=index.purges,
            originals=self.originals,
            files=OriginalFiles(folder / "originals"),
            aside=OriginalFiles(folder / "originals" / "_lost"),
            store=self.store,
            objects=RenditionFiles(folder / "renditions"),
            mirror=mirror,
            renderer=self.renderer,
            clock=self.clock,
        )

    async def original(self, image: ImageId = CAT, soul: str = "") -> Original:
        """An original of a generation of its own, stored nowhere yet; `staged` has its bytes."""
        self.births += 1.0
        self.staged = self.originals.staging("body")
        self.staged.write_bytes(picture(soul=soul or f"{self.births}"))
        facts = await self.renderer.run(ProbeJob(path=str(self.staged)))
        return described(image, new_generation(self.births), facts)

    async def file(self, image: ImageId = CAT, soul: str = "") -> Original:
        """An original on this disk, without a row."""
        original = await self.original(image, soul)
        await self.originals.keep(self.staged, original)
        self.originals.settle(original.generation)
        return original

    async def upload(self, image: ImageId = CAT, *, mirrored: bool = False) -> Original:
        """An original with file and row, and a copy in the mirror if `mirrored`."""
        original = await self.file(image)
        await self.index.rows.adopt(original)
        if mirrored:
            assert self.mirror is not None
            await self.mirror.put(self.path(original), original)
            await self.index.mirror_queue.done(original.generation)
        return original

    async def mirror_only(self, image: ImageId = CAT, *, row: bool = False) -> Original:
        """An original in the mirror and not on this disk."""
        original = await self.file(image)
        assert self.mirror is not None
        await self.mirror.put(self.path(original), original)
        if row:
            await self.index.rows.adopt(original)
            await self.index.mirror_queue.done(original.generation)
        self.path(original).unlink()
        return original

    def path(self, original: Original) -> Path:
        """Where its file lies, or should."""
        return self.originals.path(original)

    async def row(self, image: ImageId = CAT) -> str:
        """The generation that is recorded; empty where none is."""
        standing = await self.index.rows.find(image)
        return standing.generation if standing else ""

    async def rendition(
        self, original: Original, variant: str = "1x1-jpeg", *, linked: bool = True
    ) -> Link:
        """A rendition in the store, a day old; with its link unless that is to be missing."""
        data = variant.encode()
        spooled = self.folder / "spooled"
        spooled.write_bytes(data)
        link = Link(
            image=original.image,
            generation=original.generation,
            variant=variant,
            key=self.store.key(original, variant, "1", "jpg"),
            mime="image/jpeg",
            etag=hashlib.sha256(data).hexdigest(),
            size=len(data),
            engine="1",
        )
        await self.store.publish(spooled, link)
        spooled.unlink()
        born = self.clock.now - DAY
        os.utime(self.object(link), (born, born))
        if linked:
            assert await self.index.links.add(link)
        return link

    def object(self, link: Link) -> Path:
        """Where the object of a link lies."""
        generation = link.generation
        folder = self.folder / "renditions" / generation[-2:] / generation
        return folder / link.key.rpartition("/")[2]

    async def linked(self, link: Link) -> bool:
        """Whether the link is in use."""
        return await self.index.links.find(link.generation, link.variant) is not None

    async def said_mirrored(self, original: Original) -> bool:
        """What its row says of the mirror."""
        return bool(await self.index.mirror_queue.done_of([original.generation]))

    async def reconcile(self, parts: Parts | None = None, **options: Any) -> dict[str, str]:
        """Compare; what was found, as `found/repaired` of each kind. `report` has it all."""
        self.report = Report()
        run = Reconciliation(parts or self.parts, Options(**options), self.report)
        await run.run()
        return {
            kind.value: f"{tally.found}/{tally.repaired}"
            for kind, tally in self.report.tallies.items()
        }

    async def clean(self, **options: Any) -> None:
        """Fail unless everything agrees."""
        assert await self.reconcile(**options) == {}
        assert self.report.left == 0

    def with_parts(self, **changes: Any) -> Parts:
        """The parts, some of them replaced."""
        return dataclasses.replace(self.parts, **changes)


@contextlib.asynccontextmanager
async def scene(url: str, mirror: FakeMirror | None = None) -> AsyncIterator[Scene]:
    """An empty installation on the database at `url`."""
    index = await DatabaseIndex.open(worlds.patient_database(url))
    try:
        with tempfile.TemporaryDirectory(prefix="liveresize-upkeep-") as folder:
            yield Scene(Path(folder), index, mirror)
    finally:
        await index.close()


def play(
    database: Database,
    scenario: Callable[[Scene], Awaitable[None]],
    mirror: FakeMirror | None = None,
) -> None:
    """Run the scenario in an installation of its own; its failures are the test's."""

    async def main() -> None:
        async with scene(url, mirror) as made:
            await scenario(made)

    with database() as url:
        run(main, BUDGET)
