"""Moving in from the published service, put together from the settings."""

import asyncio
import contextlib
import functools
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from liveresize import errors
from liveresize.app import iaas_places as places
from liveresize.app.database import make_database
from liveresize.app.rules import url_rules
from liveresize.app.workers import make_pool
from liveresize.compat.iaas.moving import MoveIn, MoveOptions
from liveresize.compat.iaas.originals import Taking
from liveresize.compat.iaas.source import PATIENCE, Source
from liveresize.config import Settings
from liveresize.config.merge import BUILT_IN
from liveresize.observe import log
from liveresize.storage.index.database import Database
from liveresize.storage.originals import DiskOriginals
from liveresize.workers import WorkerPool

_GRACE = 1.0
"""Seconds that a job has to finish when the run ends early: it is done again anyway."""

_LOOPBACK = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportRequest:
    """The options of `liveresize import iaas`; `taking` None depends on the folder.

    `settings_file` is where settings are written that keep old behaviour; None only says them.
    `left_out` gets a line for every item that was left out.
    """

    url: str
    directory: Path
    taking: Taking | None = None
    dry_run: bool = False
    settings_file: Path | None = None
    left_out: TextIO | None = None


def main(settings: Settings, request: ImportRequest, say: Callable[[str], None]) -> bool:
    """Do it as a command does, with warnings on stderr; see `import_iaas`."""
    with log.warnings_only():
        return asyncio.run(import_iaas(settings, request, say))


async def import_iaas(
    settings: Settings, request: ImportRequest, say: Callable[[str], None]
) -> bool:
    """Say where it reads and writes, move in and say what was done; whether nothing was left out.

    Raises SettingsError, IndexUnavailable, DiskFull and WorkerDied, having said how far
    it came.
    """
    taking = _taking(request, settings.originals_folder)
    for line in places.plan(settings, request.url, request.directory, taking):
        say(line)
    source = await Source.open(request.url)
    try:
        async with _target(settings, start=not request.dry_run) as (database, originals, pool):
            slots = pool.stats.slots
            move = MoveIn(
                MoveOptions(
                    directory=request.directory,
                    taking=taking,
                    slots=slots,
                    dry_run=request.dry_run,
                    formats=settings.formats.readable,
                ),
                source=source,
                database=database,
                originals=originals,
                renderer=pool,
                rules=url_rules(settings),
                clock=time,
            )
            if request.left_out is not None:
                move.summary.record_to(functools.partial(print, file=request.left_out))
            try:
                summary = await move.run()
            finally:
                for line in move.summary.lines():
                    say(line)
                for line in _notes(settings):
                    say(f"note: {line}")
    finally:
        await source.close()
    for line in _keep_behaviour(settings, request, taking):
        say(line)
    return summary.complete


def _keep_behaviour(settings: Settings, request: ImportRequest, taking: Taking) -> Iterator[str]:
    """Write the settings that keep old behaviour, or say them."""
    own = taking is Taking.IN_PLACE or places.same_database(settings, request.url)
    keys = places.old_behaviour(settings, own=own)
    if not keys:
        return
    file = request.settings_file
    if file is None or request.dry_run:
        yield "settings that keep what clients know:"
    elif reason := places.write_settings(file, keys):
        yield f"settings that keep what clients know; add them to {file} ({reason}):"
    else:
        yield f"settings that keep what clients know, written to {file}:"
    yield from places.nested(keys).splitlines()
    if "compat.lenient" in keys:
        yield (
            "warning: compat.lenient ignores junk in URLs, as Live Image Resize does, where "
            "liveresize answers 400. Remove it when no client needs it."
        )


def _notes(settings: Settings) -> Iterator[str]:
    """What a configuration of the published service means here, and did not there."""
    address = settings.listen_address
    source = settings.sources.get("listen_address", BUILT_IN)
    if source != BUILT_IN and address in _LOOPBACK:
        yield (
            f"listen_address is {address} in {source}. Live Image Resize listened on every "
            "address whatever it said; liveresize listens there alone."
        )


@contextlib.asynccontextmanager
async def _target(
    settings: Settings, *, start: bool
) -> AsyncIterator[tuple[Database, DiskOriginals, WorkerPool]]:
    """This installation's index, originals and workers, ready for use if `start`."""
    database = make_database(settings, budget=PATIENCE)
    originals = DiskOriginals(settings.originals_folder, settings.disk)
    pool = make_pool(settings)
    try:
        if start:
            originals.prepare()
            await database.migrate()
            await pool.start()
        yield database, originals, pool
    finally:
        await pool.close(_GRACE)
        await database.close()


def _taking(request: ImportRequest, own: Path) -> Taking:
    """How originals come here. Raises SettingsError for what would not end well."""
    same = own.exists() and own.samefile(request.directory)
    if request.taking is None:
        return Taking.IN_PLACE if same else Taking.COPY
    if same and request.taking is not Taking.IN_PLACE:
        # The file that stays would be read through once its copy is deleted.
        raise errors.SettingsError(
            "The originals lie in originals_dir already: take them in place."
        )
    if not same and request.taking is Taking.IN_PLACE:
        raise errors.SettingsError(
            f"Originals can only stay in place where originals_dir is their folder; it is {own}."
        )
    return request.taking
