"""Export to Live Image Resize: originals, ids and links that it does not have.

Each step compares both sides, batch by batch, and adds what is missing. No other state is stored,
so that a run that was killed can be started again.
"""

import asyncio
import contextlib
import os
import re
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from liveresize import errors
from liveresize.compat.iaas import target
from liveresize.compat.iaas.originals import digest
from liveresize.compat.iaas.sink import LONGEST, Row, Sink
from liveresize.compat.iaas.source import Shape
from liveresize.compat.iaas.summary import Summary
from liveresize.compat.iaas.variants import Named, Variants
from liveresize.core import ports
from liveresize.core.formats import TITLES, Format
from liveresize.core.jobs import IntakeJob
from liveresize.core.operation import UrlRules
from liveresize.core.originals import Link, Original
from liveresize.core.rendition import Rendition
from liveresize.core.streams import for_each
from liveresize.observe.progress import Progress, bar
from liveresize.storage import files
from liveresize.storage.index.database import Database
from liveresize.storage.index.originals import SqlOriginalRows
from liveresize.storage.mirroring import Mirroring

STAGING = "_export"
"""The folder of files on their way; a name that begins with `_` is no original."""

_ROWS = 500
_SECOND = 1.0
"""Difference of times that means nothing: file systems and databases round them."""

_SERVED = re.compile(r"[^_./*\x80-\U0010ffff]+")
"""Ids that Live Image Resize has URLs for."""

_READ = frozenset({"jpeg", "png", "gif", "webp", "tiff", "bmp"})
"""Formats that ImageMagick always reads; others depend on how it was built."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportOptions:
    """The folder of the originals of the published service, and what to do there.

    `slots` is how many originals the renderer processes at a time. With `delete`, files of
    pictures that were deleted here are removed there.
    """

    directory: Path
    slots: int = 1
    dry_run: bool = False
    delete: bool = False


class MoveOut:
    """One run of the export."""

    def __init__(
        self,
        options: ExportOptions,
        *,
        sink: Sink,
        database: Database,
        originals: ports.Originals,
        mirroring: Mirroring,
        renderer: ports.Renderer,
        store: ports.RenditionStore,
        rules: UrlRules,
        permanent: bool,
        progress: Callable[[str, int | None], Progress] = bar,
    ) -> None:
        """`permanent` says that the URLs of the store do not expire."""
        self._options = options
        self._sink = sink
        self._database = database
        self._rows = SqlOriginalRows(database)
        self._originals = originals
        self._mirroring = mirroring
        self._renderer = renderer
        self._store = store
        self._variants = Variants(rules)
        self._permanent = permanent
        self._progress = progress
        self.summary = Summary(done="written")
        self.odd: dict[str, list[str]] = {}
        """What Live Image Resize may not serve: a sentence → names."""

    async def run(self) -> Summary:
        """Export everything; `summary` has the results so far if it raises.

        Raises IndexUnavailable, DiskFull, and SettingsError for a folder that cannot be read.
        """
        with self._progress("originals", None) as progress:
            async for batch in self._batches():
                await self._export(batch)
                progress.update(len(batch))
        await self._end_deleted()
        with contextlib.suppress(OSError):
            (self._options.directory / STAGING).rmdir()
        return self.summary

    async def _batches(self) -> AsyncIterator[list[Original]]:
        after = ""
        while rows := await self._rows.after(after, _ROWS):
            after = rows[-1][0].generation
            yield [original for original, _ in rows if not original.image.bucket]

    async def _export(self, batch: Sequence[Original]) -> None:
        """Export originals, then their ids, then their links: whatever has a row has a file."""
        there: list[Original] = []
        uploaded = await self._sink.uploaded_at([each.image.name for each in batch])

        async def export(original: Original) -> None:
            if original.record.hidden:
                reason = "It is hidden here, and the old service would show it."
                self.summary.originals.leave_out(reason, original.image.name)
                return
            try:
                await self._export_file(original, uploaded.get(original.image.name, 0.0))
            except (errors.ImageError, errors.WorkerDied, errors.OriginalElsewhere) as error:
                self.summary.originals.leave_out(error.public, original.image.name)
            else:
                there.append(original)
                self._remark(original)

        await for_each(_each(batch), export, self._options.slots)
        await self._export_ids(there, uploaded)
        await self._export_links(there)

    async def _export_file(self, original: Original, uploaded_at: float) -> None:
        """Write the file of one original, unless it is there."""
        path = self._options.directory / original.image.name
        own = self._originals.path(original)
        if await asyncio.to_thread(_is_there, path, own, original, uploaded_at):
            self.summary.originals.present += 1
            return
        if not self._options.dry_run:
            await self._write(path, original)
        self.summary.originals.taken += 1

    async def _write(self, path: Path, original: Original) -> None:
        """Write the file upright: the published service strips the orientation and ignores it."""
        await self._mirroring.bring(original)
        staging = self._options.directory / STAGING
        try:
            await asyncio.to_thread(staging.mkdir, exist_ok=True)
            staged = staging / original.generation
            job = IntakeJob(
                source=str(self._originals.path(original)), target=str(staged), upright=True
            )
            await self._renderer.run(job, handle=ports.JobHandle(ports.Priority.BACKGROUND))
            # Of a picture that was replaced, or deleted and uploaded again.
            await self._sink.forget(original.image.name, original.uploaded_at)
            await asyncio.to_thread(_place, staged, path, original.uploaded_at)
        except OSError as error:
            raise files.full(error) from error

    async def _export_ids(self, there: Sequence[Original], used: dict[str, float]) -> None:
        tally = self.summary.tokens
        new = [(each.image.name, each.uploaded_at) for each in there if each.image.name not in used]
        taken = len(new) if self._options.dry_run else await self._sink.take_ids(new)
        tally.taken += taken
        tally.present += len(there) - taken

    async def _export_links(self, there: Sequence[Original]) -> None:
        tally = self.summary.links
        by_generation = {each.generation: each for each in there}
        rows = []
        links = await self._database.read(target.links_of, list(by_generation))
        for found in links:
            link = found.of(by_generation[found.generation].image)
            rows += self._rows_of(link)
        if self._options.dry_run:
            known = await self._sink.known([each.image.name for each in there])
            added = sum((row.image, row.shape) not in known for row in rows)
        else:
            added = await self._sink.add(rows)
        tally.taken += added
        tally.present += len(rows) - added

    def _rows_of(self, link: Link) -> list[Row]:
        """Return the rows of a link; one that has none is counted."""
        tally, name = self.summary.links, link.image.name
        shapes = self._shapes(link.variant)
        if not shapes:
            tally.leave_out("Live Image Resize has no URL for it.", link.variant, harmless=True)
            return []
        url = self._store.url(link) if self._permanent else ""
        if not url.startswith(("http://", "https://")):
            tally.leave_out("It has no lasting URL in a bucket.", name, harmless=True)
            return []
        if len(url) > LONGEST:
            tally.leave_out(f"Its URL is longer than {LONGEST} characters.", name, harmless=True)
            return []
        return [
            Row(image=name, shape=shape, url=url, rendered_at=link.rendered_at) for shape in shapes
        ]

    def _shapes(self, variant: str) -> list[Shape]:
        """Return what Live Image Resize calls a rendition: what the import names `variant`."""
        try:
            rendition = Rendition.from_variant(variant)
        except ValueError:
            return []
        output = rendition.format
        if not (isinstance(output, Format) and rendition.width and rendition.height):
            return []
        qualities = [-1]
        if rendition.quality is not None and not rendition.quality.match:
            qualities.append(rendition.quality.level(output))
        shapes = [
            Shape(
                rendition.width,
                rendition.height,
                rendition.fit.value,
                output.mime,
                rendition.blur > 0,
                quality,
            )
            for quality in qualities
        ]
        return [each for each in shapes if self._variants.of(each) == Named(variant, output.mime)]

    def _remark(self, original: Original) -> None:
        name = original.image.name
        if not _SERVED.fullmatch(name):
            self.odd.setdefault("Live Image Resize has no URL for such an id", []).append(name)
        if original.decoded and original.format not in _READ:
            title = TITLES.get(original.format, original.format)
            self.odd.setdefault(
                f"its ImageMagick reads {title} only if it was built with it", []
            ).append(name)

    async def _end_deleted(self) -> None:
        """Remove the files of pictures that were deleted here, or name them."""
        for name in await self._database.read(target.deleted):
            path = self._options.directory / name
            if not await asyncio.to_thread(path.is_file):
                continue
            if not self._options.delete:
                self.summary.originals.leave_out(
                    "It was deleted here, and is still there (--delete removes it).", name
                )
            elif not self._options.dry_run:
                await self._sink.forget(name)
                await asyncio.to_thread(path.unlink, missing_ok=True)


async def _each(batch: Sequence[Original]) -> AsyncIterator[Original]:
    for original in batch:
        yield original


def _is_there(path: Path, own: Path, original: Original, uploaded_at: float) -> bool:
    """Whether the file at `path` is that picture, and not one that was replaced here.

    `own` is where its file is here.
    """
    try:
        written = path.stat().st_mtime
        if own.exists() and own.samefile(path):
            return True
    except FileNotFoundError:
        return False
    except OSError as error:
        raise errors.SettingsError(
            "The folder of the originals cannot be read.", str(error)
        ) from error
    if original.uploaded_at <= max(written, uploaded_at) + _SECOND:
        return True
    return digest(path) == (original.bytes, original.sha256)


def _place(staged: Path, path: Path, uploaded_at: float) -> None:
    """Give a finished file its name, its time, and permission to be read. Raises OSError."""
    staged.chmod(0o644)
    os.utime(staged, (uploaded_at, uploaded_at))
    staged.rename(path)
    files.sync_directory(path.parent)
