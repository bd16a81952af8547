"""Import originals, then the links to their renditions, then tokens.

Each step queries what is here already, batch by batch, and adds what is missing. No other state is
stored, so that a run that was killed can be started again.
"""

import asyncio
import itertools
import os
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from liveresize import errors
from liveresize.compat.iaas import target
from liveresize.compat.iaas.originals import (
    NoFile,
    NotDecoded,
    NotTaken,
    OriginalImporter,
    Taking,
    check_name,
)
from liveresize.compat.iaas.source import ImageRow, Source
from liveresize.compat.iaas.summary import Summary
from liveresize.compat.iaas.target import NewLink
from liveresize.compat.iaas.variants import Unknown, Variants, address
from liveresize.core import names, ports
from liveresize.core.names import ImageId
from liveresize.core.operation import UrlRules
from liveresize.core.streams import for_each
from liveresize.observe.progress import Progress, bar
from liveresize.storage.index.database import Database

NO_ORIGINAL = "Its original is not here."
TWICE = "The same rendition twice, and the first is kept."
HELD = "its id stays taken, and its links redirect as before"

_FILES = 500
_ROWS = 2_000
"""Files and rows in one batch: constant memory use, and few round trips."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveOptions:
    """The folder of the originals of the published service, and how to import them.

    `slots` is how many originals the renderer processes at a time, and `formats` are those that
    it accepts. With `dry_run` nothing is changed or decoded, and our own index is not queried: it
    only counts.
    """

    directory: Path
    taking: Taking = Taking.COPY
    slots: int = 1
    dry_run: bool = False
    formats: Sequence[str] = ()


class MoveIn:
    """One run of the import."""

    def __init__(
        self,
        options: MoveOptions,
        *,
        source: Source,
        database: Database,
        originals: ports.Originals,
        renderer: ports.Renderer,
        rules: UrlRules,
        clock: ports.Clock,
        progress: Callable[[str, int], Progress] = bar,
    ) -> None:
        self._options = options
        self._source = source
        self._database = database
        self._importer = OriginalImporter(
            options.taking,
            formats=options.formats,
            originals=originals,
            renderer=renderer,
            database=database,
            clock=clock,
        )
        self._variants = Variants(rules)
        self._progress = progress
        self.summary = Summary()

    async def run(self) -> Summary:
        """Import everything; `summary` has the results so far if it raises.

        Raises IndexUnavailable, DiskFull, and SettingsError for a folder that cannot be
        read or linked from.
        """
        await self._take_originals()
        await self._take_links()
        await self._take_tokens()
        return self.summary

    async def _take_originals(self) -> None:
        total = await asyncio.to_thread(_count, self._options.directory)
        with self._progress("originals", total) as progress:
            files = _files(self._options.directory)
            while batch := await asyncio.to_thread(lambda: list(itertools.islice(files, _FILES))):
                await self._take_batch(batch, progress)

    async def _take_batch(self, batch: list[os.DirEntry[str]], progress: Progress) -> None:
        fit = [entry for entry in batch if self._fit(entry)]
        progress.update(len(batch) - len(fit))
        ids = [entry.name for entry in fit]
        if self._options.dry_run or not fit:
            self.summary.originals.taken += len(fit)
            progress.update(len(fit))
            return
        known = await self._database.read(target.known, ids)
        present = {name for name, held in known.items() if not held}
        self.summary.originals.present += len(present)
        progress.update(len(present))
        times = await self._source.uploaded_at(ids)

        async def take(entry: os.DirEntry[str]) -> None:
            held = known.get(entry.name, "")
            await self._take_file(Path(entry.path), times.get(entry.name), held)
            progress.update(1)

        missing = _one_by_one(entry for entry in fit if entry.name not in present)
        await for_each(missing, take, self._options.slots)

    async def _take_file(self, path: Path, uploaded_at: float | None, held: str) -> None:
        """Import one file; `held` is its generation if an earlier run could not decode it."""
        tally = self.summary.originals
        try:
            await self._importer.take(path, uploaded_at, held)
            tally.taken += 1
        except NotDecoded as refusal:
            reason = str(refusal)
            if held or await self._hold(path, uploaded_at, refusal.kind):
                reason = f"{reason.rstrip('.')} ({HELD})"
            tally.leave_out(reason, path.name)
        except NotTaken as refusal:
            tally.leave_out(str(refusal), path.name, harmless=refusal.harmless)

    async def _hold(self, path: Path, uploaded_at: float | None, kind: str) -> bool:
        """Record an image that cannot be decoded; return whether it is one."""
        if not kind and not await self._source.linked(path.name):
            return False
        await self._importer.hold(path, uploaded_at, kind)
        return True

    def _fit(self, entry: os.DirEntry[str]) -> bool:
        """Whether it is a file with a valid name; otherwise it is counted as left out."""
        try:
            check_name(entry.name)
            if not entry.is_file():
                raise NoFile("It is no file, and folders are not looked into.")
        except NotTaken as refusal:
            self.summary.originals.leave_out(str(refusal), entry.name, harmless=refusal.harmless)
            return False
        return True

    async def _take_links(self) -> None:
        with self._progress("links", await self._source.count()) as progress:
            async for batch in self._source.rows(_ROWS):
                # Reading on while these are written would gain little: the database that
                # they are written to is the slower one.
                await self._take_rows(batch)
                progress.update(len(batch))

    async def _take_rows(self, batch: list[ImageRow]) -> None:
        links = self._once(link for row in batch if (link := self._link(row)) is not None)
        tally = self.summary.links
        if self._options.dry_run:
            ids = {link.name for link in links}
            lost = await asyncio.to_thread(_lost, self._options.directory, ids)
            added = sum(link.name not in lost for link in links)
        else:
            added, lost = await self._database.write(target.add_links, links)
        for link in links:
            if link.name in lost:
                tally.leave_out(NO_ORIGINAL, link.name)
        tally.taken += added
        tally.present += sum(link.name not in lost for link in links) - added

    def _once(self, links: Iterable[NewLink]) -> list[NewLink]:
        """Return the first link of each rendition; rows of one picture are in one batch.

        What told the others apart means nothing here.
        """
        first: dict[tuple[str, str], NewLink] = {}
        for link in links:
            if (link.name, link.variant) in first:
                self.summary.links.leave_out(TWICE, link.name, harmless=True)
            else:
                first[link.name, link.variant] = link
        return list(first.values())

    def _link(self, row: ImageRow) -> NewLink | None:
        """Return the link for a row; None if there is none, which is counted."""
        tally = self.summary.links
        variant = self._variants.of(row.shape)
        if isinstance(variant, Unknown):
            shape = row.shape
            kind = f"{row.id} {shape.x}x{shape.y} {shape.fit} {shape.file_type} {shape.quality}"
            tally.leave_out(variant.reason, kind)
            return None
        key = address(row.url)
        if key is None:
            tally.leave_out("Its URL is no absolute one.", row.id)
            return None
        try:
            check_name(row.id)
        except NotTaken as refusal:
            tally.leave_out(str(refusal), row.id)
            return None
        return NewLink(
            name=row.id,
            variant=variant.variant,
            mime=variant.mime,
            key=key,
            rendered_at=row.rendered_at,
        )

    async def _take_tokens(self) -> None:
        tally = self.summary.tokens
        async for batch in self._source.tokens(_ROWS):
            for row in batch:
                if row.remaining <= 0:
                    tally.leave_out("It has expired.", row.image_id, harmless=True)
                    continue
                try:
                    image = ImageId(names.check_id(row.image_id))
                except errors.InvalidId as error:
                    tally.leave_out(error.public, row.image_id)
                    continue
                added = self._options.dry_run or await self._database.write(
                    target.add_token, row.token, image, row.remaining
                )
                tally.taken += added
                tally.present += not added


async def _one_by_one(entries: Iterable[os.DirEntry[str]]) -> AsyncIterator[os.DirEntry[str]]:
    for entry in entries:
        yield entry


def _files(directory: Path) -> Iterator[os.DirEntry[str]]:
    """Yield the entries of the folder, except our own. Raises SettingsError."""
    try:
        with os.scandir(directory) as entries:
            for entry in entries:
                internal = entry.name.startswith("_") and entry.is_dir()
                if not internal:
                    yield entry
    except OSError as error:
        raise errors.SettingsError(
            "The folder of the originals cannot be read.", str(error)
        ) from error


def _count(directory: Path) -> int:
    return sum(1 for _ in _files(directory))


def _lost(directory: Path, ids: set[str]) -> set[str]:
    return {name for name in ids if not (directory / name).is_file()}
