"""The composition root: settings become options, options become components, in order."""

import asyncio
import resource
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from urllib.parse import quote

import structlog

from liveresize import errors
from liveresize.domain.geometry import Bounds
from liveresize.domain.parameters import UrlRules, check_presets
from liveresize.domain.rendition import Quality
from liveresize.imaging.options import (
    ENGINE,
    Effort,
    EncoderOptions,
    ImagingOptions,
    Metadata,
)
from liveresize.service.catalogue import Catalogue
from liveresize.service.pictures import Pictures, PicturesOptions
from liveresize.service.publisher import Publisher, PublisherOptions
from liveresize.service.purge import Purge, PurgeOptions
from liveresize.service.rates import RateOptions, Rates
from liveresize.service.renditions import Renditions, RenditionsOptions
from liveresize.service.retire import Retirement
from liveresize.service.uploads import Uploads, UploadsOptions
from liveresize.settings import Settings
from liveresize.settings.backends import Postgresql
from liveresize.stores import engines
from liveresize.stores.database import IndexOptions
from liveresize.stores.disk import DiskOptions, DiskRenditions
from liveresize.stores.index import DatabaseIndex
from liveresize.stores.memory import Memory, MemoryOptions
from liveresize.stores.originals import DiskOriginals, OriginalsOptions
from liveresize.stores.spool import DiskSpool, SpoolOptions
from liveresize.web.clients import Networks
from liveresize.web.listener import ListenerOptions
from liveresize.web.responses import ResponseOptions
from liveresize.web.site import Part, Site, SiteOptions
from liveresize.workers import WorkerOptions, WorkerPool

_log = structlog.get_logger("liveresize.wiring")

_MEGAPIXEL = 1_000_000

_LISTEN_EVERY = 5.0
_TIDY_EVERY = 30.0
"""Seconds between hearing of deletions elsewhere, and between rounds of housekeeping."""

_DATABASE_PATIENCE = 3.0
"""Seconds that a start waits for PostgreSQL before it serves what goes without."""

_OWN_DESCRIPTORS = 96
"""Descriptors that are not connections: workers, database, files being read, the log."""

_FILE_BUDGET = 2.0
"""Seconds that a GET waits for a database that is a file of our own."""

BUILT_IN_DEADLINE = 30.0
"""Seconds of a conversion where `timeout.conversion` is 0."""


def imaging_options(settings: Settings) -> ImagingOptions:
    """What the engine is told."""
    limits, encoder = settings.constraints, settings.encoder
    return ImagingOptions(
        formats=settings.formats.input,
        max_pixels=int(limits.max_decode * _MEGAPIXEL),
        max_input_pixels=int(limits.max_input * _MEGAPIXEL),
        max_disk_pixels=int(limits.max_on_disk * _MEGAPIXEL),
        max_frames=limits.max_frames,
        max_animation_pixels=int(limits.max_animation * _MEGAPIXEL),
        metadata=Metadata(settings.originals.metadata),
        encoder=EncoderOptions(
            effort=Effort(settings.effort),
            jpeg_progressive=encoder.jpeg_progressive,
            jpeg_optimize=encoder.jpeg_optimize,
            png_run_length=encoder.png_run_length,
            png_level=encoder.png_level,
            webp_method=encoder.webp_method,
            avif_speed=encoder.avif_speed,
            avif_max_pixels=encoder.avif_max_pixels,
        ),
    )


def worker_options(settings: Settings) -> WorkerOptions:
    """What the pool is told."""
    workers = settings.workers
    return WorkerOptions(
        slots=workers.slots,
        memory_bytes=workers.memory_bytes,
        nice=workers.nice,
        recycle_after=workers.recycle,
        queue_limit=workers.queue,
        max_wait=workers.max_wait,
        deadline=settings.timeout.conversion / 1000 or BUILT_IN_DEADLINE,
        imaging=imaging_options(settings),
    )


def url_rules(settings: Settings) -> UrlRules:
    """How URLs are read. Raises SettingsError for a preset that could never be used."""
    quality = settings.quality
    rules = UrlRules(
        quality=Quality(quality.jpeg, quality.webp, quality.avif, match=True),
        blur=round(settings.blur.sigma * 10),
        enlarge=settings.enlarge,
        presets={name: tuple(preset.items()) for name, preset in settings.presets.items()},
        webp_opt_in=settings.webp.allow_opt_in,
        webp_always=settings.webp.allow_dynamic_switch,
    )
    try:
        check_presets(settings.presets, rules)
    except errors.BadParameter as error:
        raise errors.SettingsError(f"The key presets is wrong: {error.public}") from None
    return rules


def index_options(settings: Settings) -> IndexOptions:
    """Where the index is: PostgreSQL where one is configured, else a file of our own."""
    postgresql = settings.postgresql
    if postgresql.url:
        url = postgresql.url
    elif postgresql.host:
        url = _postgresql_url(postgresql)
    else:
        path = Path(settings.database.path or Path(settings.data_dir, "liveresize.sqlite"))
        # A file does not hang as a network does: a lookup that is late waits for a busy disk.
        return IndexOptions(url=f"sqlite:///{path.absolute()}", lookup_budget=_FILE_BUDGET)
    return IndexOptions(url=url, pool=postgresql.pool)


def _postgresql_url(keys: Postgresql) -> str:
    """The URL of single keys. The host is a name, an address, or the folder of a socket."""
    account = f"{quote(keys.user, safe='')}:{quote(keys.password, safe='')}"
    database, options = quote(keys.database, safe=""), f"sslmode={keys.sslmode}"
    if keys.host.startswith("/"):
        place = f"host={quote(keys.host, safe='')}&port={keys.port}"
        return f"postgresql://{account}@/{database}?{place}&{options}"
    host = f"[{keys.host}]" if ":" in keys.host else keys.host
    return f"postgresql://{account}@{host}:{keys.port}/{database}?{options}"


def listener_options(settings: Settings) -> ListenerOptions:
    """How many connections there is room for, below the descriptors allowed."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    room = max(16, soft - max(_OWN_DESCRIPTORS, soft // 8))
    wanted = settings.limits.max_connections or 16_384
    return ListenerOptions(
        max_connections=min(wanted, room), write_stall=settings.limits.write_stall
    )


def site_options(settings: Settings) -> SiteOptions:
    """What the web decides by."""
    return SiteOptions(
        responses=ResponseOptions(
            redirect_max_age=settings.redirect_cache_timeout,
            render_max_age=settings.render_cache_timeout,
            varies_on_accept=settings.cdn.varies_on_accept,
        ),
        secret=settings.secret,
        freshness=settings.freshness,
        admin_secrets=settings.admin.secrets,
        token_networks=Networks(settings.token.networks),
        admin_networks=Networks(settings.admin.networks),
        trusted_proxies=Networks(settings.trusted_proxies),
        token_lifetime=settings.token.lifetime,
        formats=settings.formats.input,
        allow_indexing=settings.allow_indexing,
        body_rate=settings.limits.body_rate,
        body_grace=settings.limits.body_grace,
        ready_strict=settings.ready.strict,
    )


def check(settings: Settings) -> None:
    """Raise SettingsError for what single values do not show, but the first start would."""
    url_rules(settings)
    engines.parse_url(index_options(settings).url)


async def migrate(settings: Settings) -> None:
    """Bring the database to the schema of this release. Raises IndexUnavailable."""
    index = await DatabaseIndex.open(index_options(settings))
    await index.close()


class Components:
    """Everything between the settings and the web, built but not started."""

    def __init__(self, settings: Settings) -> None:
        """Raises SettingsError for what only shows when it is put together."""
        data = Path(settings.data_dir)
        self.settings = settings
        self.migrated = False
        self.rules = url_rules(settings)
        self.index = DatabaseIndex(index_options(settings))
        self.workers = WorkerPool(worker_options(settings))
        self.originals = DiskOriginals(
            OriginalsOptions(
                directory=Path(settings.originals_dir or data / "originals"),
                reserve=settings.disk.reserve,
                reserve_inodes=settings.disk.reserve_inodes,
            )
        )
        self.spool = DiskSpool(
            SpoolOptions(
                directory=data / "spool",
                max_bytes=settings.cache.spool_bytes,
                reserve=settings.disk.reserve,
                reserve_inodes=settings.disk.reserve_inodes,
            )
        )
        self.store = DiskRenditions(
            DiskOptions(
                directory=data / "renditions",
                reserve=settings.disk.reserve,
                reserve_inodes=settings.disk.reserve_inodes,
            )
        )
        self.memory = Memory(
            MemoryOptions(
                max_bytes=settings.cache.memory_bytes,
                max_links=settings.cache.links,
                link_ttl=settings.cache.link_ttl,
            ),
            time.monotonic,
        )
        self.publisher = Publisher(
            PublisherOptions(max_variants=settings.cache.max_variants, engine=ENGINE),
            index=self.index,
            store=self.store,
            spool=self.spool,
            memory=self.memory,
        )
        self._assemble()

    def _assemble(self) -> None:
        settings = self.settings
        catalogue = Catalogue(
            originals=self.originals,
            index=self.index,
            renderer=self.workers,
            memory=self.memory,
        )
        retirement = Retirement(
            originals=self.originals, store=self.store, spool=self.spool, memory=self.memory
        )
        self.uploads = Uploads(
            UploadsOptions(
                lease=settings.upload.lease, max_bytes=settings.constraints.max_upload_bytes
            ),
            originals=self.originals,
            index=self.index,
            renderer=self.workers,
            memory=self.memory,
            retirement=retirement,
            clock=time,
        )
        self.renditions = Renditions(
            RenditionsOptions(
                bounds=Bounds(settings.constraints.max_width, settings.constraints.max_height),
                redirect=settings.delivery == "redirect",
            ),
            catalogue=catalogue,
            originals=self.originals,
            index=self.index,
            renderer=self.workers,
            store=self.store,
            spool=self.spool,
            memory=self.memory,
            publisher=self.publisher,
            rates=Rates(
                RateOptions(
                    per_second=settings.limits.client_renders, burst=settings.limits.client_burst
                ),
                time.monotonic,
            ),
        )
        self.purge = Purge(
            PurgeOptions(
                object_delay=settings.redirect_cache_timeout, disk_bytes=settings.cache.disk_bytes
            ),
            index=self.index,
            store=self.store,
            memory=self.memory,
            retirement=retirement,
            publisher=self.publisher,
            uploads=self.uploads,
        )
        self.site = Site(
            site_options(settings),
            rules=self.rules,
            pictures=Pictures(
                PicturesOptions(
                    public_originals=settings.originals.public,
                    keep_metadata=settings.originals.metadata == "keep",
                ),
                renditions=self.renditions,
                catalogue=catalogue,
                originals=self.originals,
                store=self.store,
                memory=self.memory,
            ),
            uploads=self.uploads,
            purge=self.purge,
            ping=self.index.ping,
            parts=self.parts,
        )

    async def parts(self) -> dict[str, Part]:
        """How each part is, for /_ready."""
        stats = self.workers.stats
        return {
            "database": Part(self.migrated and self.index.healthy),
            "store": Part(self.store.healthy, {"publishing": self.publisher.backlog}),
            "workers": Part(
                len(stats.pids) > 0,
                {"slots": stats.slots, "busy": stats.busy, "queued": stats.queued},
            ),
        }


class Life:
    """Starts the components, keeps house while they run, and stops them."""

    def __init__(self, components: Components) -> None:
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
        await parts.workers.start()
        try:
            await self._prepare_index()
        except errors.LiveResizeError:
            await self.stop()
            raise
        resumed = await parts.publisher.resume()
        if resumed:
            _log.info("spool_resumed", count=resumed)
        self._chores += [
            asyncio.create_task(self._every(_LISTEN_EVERY, parts.purge.listen)),
            asyncio.create_task(self._every(_TIDY_EVERY, parts.purge.tidy)),
        ]
        parts.site.ready = True

    def _prepare_folders(self) -> None:
        parts = self._components
        try:
            for store in (parts.originals, parts.spool, parts.store):
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

    async def _every(self, seconds: float, chore: Callable[[], Awaitable[None]]) -> None:
        """Do `chore` now and again; what it raises is logged, and it goes on."""
        while True:
            try:
                await chore()
            except errors.IndexUnavailable:
                pass  # the breaker has said so already
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
        await parts.workers.close(drain.finish)
        await parts.uploads.finished(drain.flush)
        left = await parts.publisher.flush(drain.flush)
        await parts.index.close()
        return left
