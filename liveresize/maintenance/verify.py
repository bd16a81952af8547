"""Read every original, here and in the mirror, and compare it with its row."""

import asyncio
import contextlib
import errno
import hashlib
import os
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

from liveresize import errors
from liveresize.core import ports, streams
from liveresize.core.originals import Original
from liveresize.maintenance.reconcile.findings import Kind, Report
from liveresize.maintenance.reconcile.parts import PAGE
from liveresize.observe.progress import Progress, bar

_ABSENT = (errno.ENOENT, errno.ENOTDIR)

_CHUNK = 1 << 20
"""Bytes that are read at a time: enough to keep a disk busy, and little memory."""

ELSEWHERE = (
    "Instances share this database: what is missing here may lie on the disk of another. "
    "--here leaves out what is not on this disk."
)

Row = tuple[Original, bool]
"""An original, and whether its row says that the mirror has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The options of a verification.

    `repair`: fetch damaged originals from the mirror, and missing ones that are not recorded as
    mirrored, and upload damaged or missing copies to the mirror. `mirror`: read the copies in
    the mirror, too. `here`: skip originals that are not on this disk. `shared`: other instances
    use the same database. `width` originals are read at a time.
    """

    repair: bool = False
    mirror: bool = False
    here: bool = False
    shared: bool = False
    width: int = 1


class Verification:
    """One run over all rows."""

    def __init__(
        self,
        *,
        rows: ports.OriginalRows,
        originals: ports.Originals,
        mirror: ports.Mirror | None,
        options: Options,
        report: Report,
        progress: Callable[[str, int | None], Progress] = bar,
    ) -> None:
        self._rows = rows
        self._originals = originals
        self._mirror = mirror
        self._options = options
        self._report = report
        self._progress = progress

    async def run(self) -> None:
        """Check every original, and add the findings to the report.

        Raises IndexUnavailable, ObjectStoreUnavailable and DiskFull; the report then has the
        findings so far.
        """
        total = 0
        async for original, _ in self._every_row():
            total += original.bytes
        with self._progress("verifying", total) as progress:

            async def look(row: Row) -> None:
                await self.verify(*row)
                progress.update(row[0].bytes)

            await streams.for_each(self._every_row(), look, self._options.width)

    async def _every_row(self) -> AsyncIterator[Row]:
        generation = ""
        while True:
            page = await self._rows.after(generation, PAGE)
            for row in page:
                yield row
            if len(page) < PAGE:
                return
            generation = page[-1][0].generation

    async def verify(self, original: Original, noted: bool) -> None:
        """Check one original; `noted`: its row says that the mirror has it."""
        path = self._originals.path(original)
        kind = await asyncio.to_thread(_state, path, original)
        self._report.looked["originals"] += 1
        if kind is Kind.MISSING and self._options.here:
            self._report.looked["not on this disk"] += 1
            return
        if kind is Kind.MISSING and noted and not self._options.mirror:
            # Mirrored originals leave a disk that is full, and come back when asked for.
            self._report.looked["in the mirror alone"] += 1
            return
        mirrored = noted or (kind is not None and self._options.repair)
        if self._mirrors(original) and mirrored and (kind or self._options.mirror):
            await self._compare(original, noted, kind)
        elif kind is not None:
            await self._add(kind, original, repaired=False)

    def _mirrors(self, original: Original) -> bool:
        return self._mirror is not None and self._mirror.takes(original.image)

    async def _compare(self, original: Original, noted: bool, kind: Kind | None) -> None:
        """Read the copy in the mirror, and repair the original or the copy."""
        copy = self._originals.staging(f"verify-{original.generation}")
        assert self._mirror is not None
        repair = self._options.repair
        try:
            intact = await self._mirror.fetch(original, copy)
            self._report.looked["copies in the mirror"] += 1
            if kind is Kind.MISSING and intact and noted:
                self._report.looked["in the mirror alone"] += 1
            elif kind is not None:
                restored = repair and intact and await self._restore(copy, original)
                await self._add(kind, original, repaired=restored)
            if not intact and noted:
                await self._renew(original, healthy=kind is None)
        finally:
            await asyncio.to_thread(copy.unlink, missing_ok=True)

    async def _restore(self, copy: Path, original: Original) -> bool:
        """Replace the original with the copy; return False if the picture was deleted meanwhile."""
        if await self._rows.of(original.generation) is None:
            return False
        await self._originals.restore(copy, original)
        return True

    async def _renew(self, original: Original, *, healthy: bool) -> None:
        """Report a damaged or missing copy in the mirror, and upload it again with `repair`."""
        assert self._mirror is not None
        kind = Kind.COPY if await self._mirror.exists(original) else Kind.UNMIRRORED
        renewed = False
        if self._options.repair and healthy:
            with contextlib.suppress(errors.OriginalMissing):  # it was deleted meanwhile
                await self._mirror.put(self._originals.path(original), original)
                renewed = True
        await self._add(kind, original, repaired=renewed)

    async def _add(self, kind: Kind, original: Original, *, repaired: bool) -> None:
        """Add a finding, unless the picture was deleted or replaced meanwhile."""
        if not repaired and await self._rows.of(original.generation) is None:
            return
        if kind is Kind.MISSING and self._options.shared and not repaired:
            self._report.remark(ELSEWHERE)
        self._report.add(kind, f"{original.image.key} ({original.generation})", repaired=repaired)


def _state(path: Path, original: Original) -> Kind | None:
    """Read the file, and return what is wrong with it; None if it is as recorded."""
    try:
        with path.open("rb", buffering=0) as file:
            if os.fstat(file.fileno()).st_size != original.bytes:
                return Kind.CORRUPT
            digest = hashlib.sha256()
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
            return None if digest.hexdigest() == original.sha256 else Kind.CORRUPT
    except OSError as error:
        # What is there and cannot be read is damage as well: a dying disk says EIO.
        return Kind.MISSING if error.errno in _ABSENT else Kind.CORRUPT
