"""The way back to the published service, put together from the settings."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from liveresize.app import iaas_places as places
from liveresize.app.buckets import Buckets
from liveresize.app.database import make_database
from liveresize.app.rules import url_rules
from liveresize.app.workers import make_pool
from liveresize.compat.iaas.moving_out import ExportOptions, MoveOut
from liveresize.compat.iaas.sink import Sink
from liveresize.compat.iaas.source import PATIENCE
from liveresize.compat.iaas.summary import EXAMPLES
from liveresize.config import Settings
from liveresize.core import names
from liveresize.observe import log
from liveresize.storage.index.mirror_queue import SqlMirrorQueue
from liveresize.storage.index.originals import SqlOriginalRows
from liveresize.storage.mirroring import Mirroring
from liveresize.storage.originals import DiskOriginals

_GRACE = 1.0
"""Seconds that a job has to finish when the run ends early: it is done again anyway."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportRequest:
    """The options of `liveresize export iaas`."""

    url: str
    directory: Path
    dry_run: bool = False
    delete: bool = False


def main(settings: Settings, request: ExportRequest, say: Callable[[str], None]) -> bool:
    """Do it as a command does, with warnings on stderr; see `export_iaas`."""
    with log.warnings_only():
        return asyncio.run(export_iaas(settings, request, say))


async def export_iaas(
    settings: Settings, request: ExportRequest, say: Callable[[str], None]
) -> bool:
    """Say where it reads and writes, move out and say what was done; whether all is there.

    Raises SettingsError, IndexUnavailable, DiskFull and WorkerDied, having said how far it came.
    """
    for line in places.way_back(settings, request.url, request.directory):
        say(line)
    sink = await Sink.open(request.url)
    database = make_database(settings, lookup_budget=PATIENCE, budget=PATIENCE)
    originals = DiskOriginals(settings.originals_folder, settings.disk)
    buckets = Buckets(settings)
    pool = make_pool(settings)
    move = MoveOut(
        ExportOptions(
            directory=request.directory,
            slots=pool.stats.slots,
            dry_run=request.dry_run,
            delete=request.delete,
        ),
        sink=sink,
        database=database,
        originals=originals,
        mirroring=Mirroring(
            settings.originals,
            mirror=buckets.mirror,
            originals=originals,
            rows=SqlOriginalRows(database),
            mirror_queue=SqlMirrorQueue(database),
        ),
        renderer=pool,
        store=buckets.store,
        rules=url_rules(settings),
        permanent=settings.delivery != "presign",
    )
    try:
        await buckets.start()
        if not request.dry_run:
            await pool.start()
        try:
            summary = await move.run()
        finally:
            for line in (*move.summary.lines(), *_remarks(move.odd)):
                say(line)
    finally:
        await pool.close(_GRACE)
        await buckets.close()
        await database.close()
        await sink.close()
    return summary.complete


def _remarks(odd: dict[str, list[str]]) -> Iterator[str]:
    for sentence, found in odd.items():
        some = ", ".join(names.printable(name) for name in found[:EXAMPLES])
        more = ", …" if len(found) > EXAMPLES else ""
        yield f"note: {len(found)} × {sentence}: {some}{more}"
