"""Reconciling and verifying this installation, put together from the settings."""

import contextlib
import dataclasses
import os
import time
from collections.abc import AsyncIterator, Callable

from liveresize.app.buckets import Buckets
from liveresize.app.database import make_database
from liveresize.app.workers import make_pool
from liveresize.config import Settings
from liveresize.maintenance import verify as verification
from liveresize.maintenance.reconcile import applications as counts
from liveresize.maintenance.reconcile.findings import Report
from liveresize.maintenance.reconcile.parts import Options, OrphanPolicy, Parts
from liveresize.maintenance.reconcile.places import Objects
from liveresize.maintenance.reconcile.reconciliation import Reconciliation
from liveresize.observe.progress import Progress, bar
from liveresize.storage.disk import DiskRenditions
from liveresize.storage.index.sql_index import DatabaseIndex
from liveresize.storage.listings import OriginalFiles, RenditionFiles
from liveresize.storage.originals import DiskOriginals
from liveresize.storage.strays import LOST
from liveresize.workers import WorkerPool

_PATIENCE = 60.0
"""Seconds for one statement; nobody waits for a picture here."""

_GRACE = 1.0
"""Seconds that a job has to finish when the run ends early: it is done again anyway."""


async def reconcile(
    settings: Settings,
    options: Options,
    report: Report,
    progress: Callable[[str, int | None], Progress] = bar,
) -> None:
    """Compare rows, files, mirror and links, and enter into `report` what was found.

    Raises SettingsError, IndexUnavailable, ObjectStoreUnavailable, DiskFull and WorkerDied;
    the report then tells how far it came.
    """
    index = await DatabaseIndex.open(
        make_database(settings, lookup_budget=_PATIENCE, budget=_PATIENCE)
    )
    buckets = Buckets(settings)
    pool = make_pool(settings)
    try:
        await buckets.start()
        adopting = options.strays is OrphanPolicy.ADOPT
        if adopting:
            await pool.start()
        parts = _parts(settings, index, buckets, pool, adopting=adopting)
        # Instances share a PostgreSQL; a file of SQLite is this machine's.
        alone = not (settings.postgresql.host or settings.postgresql.url)
        told = dataclasses.replace(options, alone=alone, slots=max(1, pool.stats.slots))
        await Reconciliation(parts, told, report, progress).run()
        await counts.compare(
            settings.shared_by, index.application_use, report, repair=options.repair
        )
    finally:
        await pool.close(_GRACE)
        await buckets.close()
        await index.close()


def _parts(
    settings: Settings, index: DatabaseIndex, buckets: Buckets, pool: WorkerPool, *, adopting: bool
) -> Parts:
    folder = settings.originals_folder
    originals = DiskOriginals(folder, settings.disk)
    if adopting:  # what is in the mirror alone is looked at here
        originals.prepare()
    return Parts(
        rows=index.rows,
        mirror_queue=index.mirror_queue,
        links=index.links,
        purges=index.purges,
        originals=originals,
        files=OriginalFiles(folder),
        aside=OriginalFiles(folder / LOST),
        store=buckets.store,
        objects=_listed(settings, buckets),
        apart=buckets.vip,
        mirror=buckets.mirror,
        renderer=pool,
        clock=time,
    )


def _listed(settings: Settings, buckets: Buckets) -> Objects | None:
    """The rendition store as something that can be listed; None where it cannot."""
    if isinstance(buckets.main, DiskRenditions):
        return RenditionFiles(settings.renditions_folder)
    store: object = buckets.main
    return store if isinstance(store, Objects) else None


async def verify(
    settings: Settings,
    options: verification.Options,
    report: Report,
    progress: Callable[[str, int | None], Progress] = bar,
) -> None:
    """Compare the bytes of every original with its row, and enter into `report` what is wrong.

    Raises SettingsError, IndexUnavailable, ObjectStoreUnavailable and DiskFull; the report
    then tells how far it came.
    """
    index = await DatabaseIndex.open(
        make_database(settings, lookup_budget=_PATIENCE, budget=_PATIENCE)
    )
    buckets = Buckets(settings)
    originals = DiskOriginals(settings.originals_folder, settings.disk)
    if (options.mirror or options.repair) and buckets.mirror is None:
        report.remark("There is no mirror: see aws.originals_bucket.")
    try:
        await buckets.start()
        if options.mirror or options.repair:
            originals.prepare()  # what comes from the mirror is looked at here
        shared = bool(settings.postgresql.host or settings.postgresql.url)
        cores = len(os.sched_getaffinity(0))
        await verification.Verification(
            rows=index.rows,
            originals=originals,
            mirror=buckets.mirror,
            options=dataclasses.replace(options, shared=shared, width=cores),
            report=report,
            progress=progress,
        ).run()
    finally:
        await buckets.close()
        await index.close()


async def expiry_paused_at(settings: Settings) -> float | None:
    """Return since when expiry is paused. Raises SettingsError and IndexUnavailable."""
    async with _opened(settings) as index:
        return await index.expiry_pause.since()


async def pause_expiry(settings: Settings) -> None:
    """Pause expiry, for all instances. Raises SettingsError and IndexUnavailable."""
    async with _opened(settings) as index:
        await index.expiry_pause.begin()


async def resume_expiry(settings: Settings) -> bool:
    """End the pause of expiry; return whether there was one. Raises SettingsError and
    IndexUnavailable."""
    async with _opened(settings) as index:
        return await index.expiry_pause.end()


@contextlib.asynccontextmanager
async def _opened(settings: Settings) -> AsyncIterator[DatabaseIndex]:
    index = await DatabaseIndex.open(make_database(settings))
    try:
        yield index
    finally:
        await index.close()
