"""Starting the components in order, keeping house, and stopping them."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from liveresize import errors
from liveresize.app.container import Container
from liveresize.app.stats import Stats

_log = structlog.get_logger("liveresize.wiring")

_PROBE_EVERY = 2.0
"""Seconds between looks at the bucket: until two have failed, clients are sent there."""

_LISTEN_EVERY = 5.0
"""Seconds between looks at what happens elsewhere: deletions, the mirror."""

_LOOK_EVERY = 5.0
"""Seconds between looks at the disks, and at whether the database takes writes after one has
failed; see stores.writes for when none has."""

_ANNOUNCE_EVERY = 2.0
"""Seconds between looks at what the webhook is yet to be told of: retries, and uploads whose
instance is gone."""

_TIDY_EVERY = 30.0
"""Seconds between rounds of housekeeping."""

_STRAYS_EVERY = 300.0
"""Seconds between looks at originals without a row; a walk through all is a day apart."""

_STATS_EVERY = 300.0
"""Seconds between lines of `stats`, as with the published service."""

_DATABASE_PATIENCE = 3.0
"""Seconds that a start waits for PostgreSQL before it serves what goes without."""


class Lifecycle:
    """Starts the components, keeps house while they run, and stops them."""

    def __init__(self, components: Container) -> None:
        self._components = components
        self._chores: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Bring everything up; the site is ready afterwards.

        A PostgreSQL that does not answer yet is tried until it does, while pictures are
        served as far as that goes. Raises WorkerDied, SettingsError, and IndexUnavailable
        for a database file that cannot be used; nothing is left running then.
        """
        parts = self._components
        self._prepare_folders()
        if parts.recorder is not None:
            parts.recorder.start()
        await parts.resumable.load()
        await parts.workers.start()
        try:
            await parts.buckets.start()
            await self._prepare_index()
        except errors.LiveResizeError:
            await self.stop()
            raise
        resumed = await parts.publisher.resume()
        if resumed:
            _log.info("spool_resumed", count=resumed)
        self._chores += [
            asyncio.create_task(self._every(seconds, chore))
            for seconds, chore in (
                (_PROBE_EVERY, parts.buckets.probe),
                (_LOOK_EVERY, parts.disks.look),
                (_LOOK_EVERY, self._look_after_index),
                (_LISTEN_EVERY, parts.purge.listen),
                (_LISTEN_EVERY, parts.mirroring.catch_up),
                (_ANNOUNCE_EVERY, parts.dispatcher.catch_up),
                (_TIDY_EVERY, parts.purge.tidy),
                (_TIDY_EVERY, parts.resumable.tidy),
                (_TIDY_EVERY, parts.bucket_bounds.keep),
                (_TIDY_EVERY, parts.application_counts.look),
                (_TIDY_EVERY, parts.mirroring.make_room),
                (_STRAYS_EVERY, parts.strays.look),
                (_TIDY_EVERY, parts.outdated_facts.refresh),
            )
        ]
        if parts.settings.log.stats:
            stats = Stats()
            self._chores.append(
                asyncio.create_task(self._every(_STATS_EVERY, stats.write, after=_STATS_EVERY))
            )
        parts.site.ready = True

    def _prepare_folders(self) -> None:
        parts = self._components
        try:
            folders = (parts.originals, parts.spool, parts.resumable.files, parts.buckets.main)
            for store in folders:
                store.prepare()
        except errors.DiskFull as error:
            raise errors.SettingsError(
                "A folder of data_dir or originals_dir cannot be made or written.", error.detail
            ) from error

    async def _prepare_index(self) -> None:
        """Migrate; a PostgreSQL that refuses or hangs goes on being tried behind."""
        settings = self._components.settings.postgresql
        if not (settings.host or settings.url):
            await self._components.index.migrate()
            self._components.migrated = True
            return
        migration = asyncio.create_task(self._migrate_insistently())
        self._chores.append(migration)
        await asyncio.wait({migration}, timeout=_DATABASE_PATIENCE)
        if migration.done():
            await migration
        else:
            _log.error("database_unavailable", waited_s=_DATABASE_PATIENCE)

    async def _migrate_insistently(self) -> None:
        said = ""
        while not self._components.migrated:
            try:
                await self._components.index.migrate()
            except errors.IndexUnavailable as error:
                if error.detail != said:
                    said = error.detail
                    _log.error("database_migration_failed", error=said)
                await asyncio.sleep(1.0)
                continue
            self._components.migrated = True
            _log.info("database_available")

    async def _look_after_index(self) -> None:
        if self._components.migrated:
            await self._components.index.look_after()

    async def _every(
        self, seconds: float, chore: Callable[[], Awaitable[None]], *, after: float = 0.0
    ) -> None:
        """Do `chore` now and again, first `after` seconds; what it raises is logged, and it
        goes on."""
        await asyncio.sleep(after)
        while True:
            try:
                await chore()
            except errors.IndexUnavailable:
                pass  # the index has said so already
            except Exception:  # noqa: BLE001 (the house is kept whatever breaks in it)
                _log.exception("housekeeping_failed")
            await asyncio.sleep(seconds)

    async def stop(self) -> int:
        """Stop everything; returns how many renditions wait in the spool for a next start."""
        parts, drain = self._components, self._components.settings.drain
        parts.site.ready = False
        for chore in self._chores:
            chore.cancel()
        await asyncio.gather(*self._chores, return_exceptions=True)
        await parts.warmup.close()
        await parts.workers.close(drain.finish)
        await parts.pipeline.finished(drain.flush)
        left, _ = await asyncio.gather(
            parts.publisher.flush(drain.flush), parts.dispatcher.close(drain.flush)
        )
        await parts.checks.close()
        await parts.buckets.close()
        await parts.index.close()
        if parts.recorder is not None:
            await asyncio.to_thread(parts.recorder.close)
        return left
