"""The composition root: components are made of the settings, in order."""

import math
import time
from pathlib import Path

from liveresize.app import intake, tls, tracing, webhook
from liveresize.app.buckets import Buckets
from liveresize.app.database import database_url, make_database
from liveresize.app.disks import Disks, reserves
from liveresize.app.rules import (
    bounds,
    client_rate,
    fallbacks,
    overlay_rules,
    redirect_life,
    redirects_held,
    response_options,
    size_rules_of,
    url_rules,
    vip_rules,
)
from liveresize.app.workers import make_pool
from liveresize.compat.vip.importer import BucketImporter
from liveresize.compat.vip.uploads import VipUploads
from liveresize.config import Settings
from liveresize.core.rates import Rates
from liveresize.core.unsigned import Unsigned
from liveresize.delivery.fallback_pictures import FallbackPictures
from liveresize.delivery.objects import StoredObjects
from liveresize.delivery.orientations import Orientations
from liveresize.delivery.original_lookup import OriginalLookup
from liveresize.delivery.overlays import Overlays
from liveresize.delivery.pictures import Pictures
from liveresize.delivery.publisher import LINKED_WITHIN, Publisher
from liveresize.delivery.render_rates import RenderRates
from liveresize.delivery.rendition_loader import RenditionLoader
from liveresize.delivery.renditions import Renditions
from liveresize.delivery.two_speed import TwoSpeed
from liveresize.delivery.visual_qualities import VisualQualities
from liveresize.delivery.warmup import Warmup
from liveresize.http.context import AppContext, ComponentHealth
from liveresize.http.receipts import Receipts
from liveresize.http.transport.unsent import Unsent
from liveresize.imaging.settings import ENGINE
from liveresize.maintenance.application_counts import ApplicationCounts
from liveresize.maintenance.bucket_bounds import LAG, BucketBounds
from liveresize.maintenance.changes import Changes
from liveresize.maintenance.deletions import Deletions
from liveresize.maintenance.expiry import Expiry
from liveresize.maintenance.orphans import Orphans
from liveresize.maintenance.outdated_facts import OutdatedFacts
from liveresize.maintenance.purge import Purge
from liveresize.maintenance.strays import Strays
from liveresize.observe.tracing.incoming import IncomingTraces
from liveresize.storage.heard import HeardFile
from liveresize.storage.index import engines
from liveresize.storage.index.sql_index import DatabaseIndex
from liveresize.storage.instance import InstanceFile
from liveresize.storage.listings import RenditionFiles
from liveresize.storage.memory import Memory
from liveresize.storage.mirroring import Mirroring
from liveresize.storage.originals import DiskOriginals
from liveresize.storage.partials import DiskPartials
from liveresize.storage.spool import DiskSpool
from liveresize.storage.strays import StrayFiles
from liveresize.uploads.generation_cleanup import GenerationCleanup
from liveresize.uploads.pipeline import UploadPipeline
from liveresize.uploads.resumable import ResumableUploads
from liveresize.uploads.token_uploads import Uploads


def check(settings: Settings) -> None:
    """Raise SettingsError for what single values do not show, but the first start would."""
    url_rules(settings)
    fallbacks(settings)
    overlay_rules(settings)
    engines.parse_url(database_url(settings))
    tls.check(settings)


async def migrate(settings: Settings) -> None:
    """Bring the database to the schema of this release. Raises IndexUnavailable."""
    index = await DatabaseIndex.open(make_database(settings))
    await index.close()


class Container:
    """Everything between the settings and the web, built but not started."""

    def __init__(self, settings: Settings) -> None:
        """Raises SettingsError for what only shows when it is put together."""
        self.settings = settings
        self.migrated = False
        self.applications = settings.shared_by
        self.rules = url_rules(settings)
        self.index = DatabaseIndex(make_database(settings))
        self.workers = make_pool(settings)
        self.originals = DiskOriginals(settings.originals_folder, settings.disk)
        self.spool = DiskSpool(
            settings.spool_folder, settings.disk, max_bytes=settings.cache.spool_bytes
        )
        self.buckets = Buckets(settings)
        self.disks = Disks(reserves(settings))
        self.store = self.buckets.store
        shared = self.store.shared or self.buckets.vip
        bounded = bool(settings.cache.object_bytes or settings.cache.object_age)
        self.memory = Memory(
            settings.cache,
            time.monotonic,
            # Where links end, the object of an older one may be gone.
            stale_for=redirect_life(settings) if bounded else math.inf,
        )
        self.publisher = Publisher(
            concurrency=settings.aws.concurrency if shared else 4,
            max_variants=settings.cache.max_variants,
            engine=ENGINE,
            rows=self.index.rows,
            links=self.index.links,
            purges=self.index.purges,
            store=self.store,
            spool=self.spool,
            memory=self.memory,
            monotonic=time.monotonic,
        )
        self.mirroring = Mirroring(
            settings.originals,
            mirror=self.buckets.mirror,
            originals=self.originals,
            rows=self.index.rows,
            mirror_queue=self.index.mirror_queue,
        )
        self.unsent = Unsent(settings.limits.unsent_bytes)
        self.recorder = tracing.recorder(settings.tracing)
        self.traces = IncomingTraces(self.recorder, settings.tracing.ratio)
        self._assemble()

    def _assemble(self) -> None:
        settings = self.settings
        original_lookup = OriginalLookup(
            originals=self.originals,
            rows=self.index.rows,
            renderer=self.workers,
            memory=self.memory,
            importer=BucketImporter(
                settings.constraints,
                settings.formats,
                taken=self.buckets.taken,
                originals=self.originals,
                rows=self.index.rows,
                renderer=self.workers,
                clock=time,
            ),
        )
        self.cleanup = GenerationCleanup(
            originals=self.originals,
            rows=self.index.rows,
            links=self.index.links,
            store=self.store,
            spool=self.spool,
            memory=self.memory,
            mirroring=self.mirroring,
            erasures=self.index.erasures,
        )
        self.dispatcher = webhook.dispatcher(
            settings.webhook,
            settings.cdn,
            self.index.deliveries,
            self.index.rows,
            self.traces,
            self.applications,
        )
        self.checks = intake.checks(settings.intake, self.index, self.workers)
        self.pipeline = UploadPipeline(
            originals=self.originals,
            tokens=self.index.tokens,
            rows=self.index.rows,
            peers=self.index.peers,
            renderer=self.workers,
            memory=self.memory,
            cleanup=self.cleanup,
            mirroring=self.mirroring,
            dispatcher=self.dispatcher,
            checks=self.checks,
            clock=time,
            lease=settings.upload.lease,
        )
        self.uploads = Uploads(self.pipeline, max_bytes=settings.constraints.max_upload_bytes)
        self.resumable = ResumableUploads(
            self.pipeline,
            DiskPartials(settings.uploads_folder, settings.disk),
            settings.uploads,
            max_bytes=settings.constraints.max_upload_bytes,
        )
        rates = RenderRates(
            Rates(client_rate(settings.limits, self.workers.stats.slots), time.monotonic),
            time.monotonic,
            self.applications,
        )
        overlays = Overlays(
            overlay_rules(settings),
            original_lookup=original_lookup,
            originals=self.originals,
            mirroring=self.mirroring,
            memory=self.memory,
            monotonic=time.monotonic,
            public=bool(self.store.shared) and settings.delivery == "redirect",
        )
        loader = RenditionLoader(
            originals=self.originals,
            links=self.index.links,
            mirroring=self.mirroring,
            renderer=self.workers,
            store=self.store,
            spool=self.spool,
            memory=self.memory,
            publisher=self.publisher,
            rates=rates,
            overlays=overlays,
            engine=ENGINE,
            monotonic=time.monotonic,
        )
        self.renditions = Renditions(
            bounds=bounds(settings),
            redirect=settings.delivery != "proxy",
            original_lookup=original_lookup,
            loader=loader,
            store=self.store,
            memory=self.memory,
            publisher=self.publisher,
            two_speed=TwoSpeed(
                settings.auto, settings.encoder.avif_max_pixels, settings.jxl.max_pixels
            ),
            visual=VisualQualities(
                originals=self.originals,
                rows=self.index.rows,
                mirroring=self.mirroring,
                renderer=self.workers,
                memory=self.memory,
                rates=rates,
            ),
            overlays=overlays,
        )
        self._assemble_upkeep()
        self.application_counts = ApplicationCounts(self.applications, self.index.application_use)
        self.changes = Changes(
            originals=self.originals,
            rows=self.index.rows,
            peers=self.index.peers,
            links=self.index.links,
            store=self.store,
            memory=self.memory,
            cleanup=self.cleanup,
        )
        self._assemble_bounds()
        self.expiry = Expiry(
            rows=self.index.rows,
            pause=self.index.expiry_pause,
            changes=self.changes,
            cleanup=self.cleanup,
            clock=time,
            redirects=redirects_held(settings),
        )
        self.purge = Purge(
            object_delay=self._object_delay,
            disk_bytes=0 if self.store.shared else settings.cache.disk_bytes,
            buckets=not self.buckets.vip,
            evicted=settings.cache.max_variants,
            remembered=settings.originals.lost_seconds,
            events_kept=settings.webhook.keep_seconds,
            redirects=redirects_held(settings),
            clock=time,
            instance=self.instance.name,
            rows=self.index.rows,
            links=self.index.links,
            purges=self.index.purges,
            events=self.index.events,
            deliveries=self.index.deliveries,
            erasures=self.index.erasures,
            store=self.store,
            memory=self.memory,
            cleanup=self.cleanup,
            publisher=self.publisher,
            uploads=self.uploads,
            changes=self.changes,
            expiry=self.expiry,
            deletions=self.deletions,
            strays=self.strays,
            orphans=self.orphans,
        )
        pictures = Pictures(
            settings.originals,
            overlays=overlays.rules,
            renditions=self.renditions,
            original_lookup=original_lookup,
            orientations=Orientations(
                originals=self.originals, mirroring=self.mirroring, renderer=self.workers
            ),
            originals=self.originals,
            mirroring=self.mirroring,
            memory=self.memory,
        )
        objects = StoredObjects(
            settings.originals,
            overlays=overlays.rules,
            unsigned=Unsigned(self.rules, vip_rules(settings), size_rules_of(settings)),
            renditions=self.renditions,
            original_lookup=original_lookup,
            store=self.store,
            memory=self.memory,
        )
        slots = self.workers.stats.slots
        self.warmup = Warmup(pictures, concurrency=max(1, slots - 1))
        self.site = AppContext(
            secret=settings.secret,
            freshness=settings.freshness,
            trusted_proxies=settings.trusted_proxies,
            allow_indexing=settings.allow_indexing,
            formats=settings.formats.readable,
            public_originals=settings.originals.public,
            ready_strict=settings.ready.strict,
            studio=settings.studio,
            forces_overlays=overlays.rules.above is not None,
            docs_url=settings.docs_url,
            constraints=settings.constraints,
            limits=settings.limits,
            token=settings.token,
            admin=settings.admin,
            signing=settings.signing,
            vip=settings.vip,
            responses=response_options(settings),
            rules=self.rules,
            vip_rules=vip_rules(settings),
            size_rules=size_rules_of(settings),
            fallbacks=FallbackPictures(fallbacks(settings), pictures=pictures, memory=self.memory),
            clock=time,
            pictures=pictures,
            objects=objects,
            uploads=self.uploads,
            resumable=self.resumable,
            vip_uploads=VipUploads(self.pipeline, max_bytes=settings.vip.max_bytes),
            warmup=self.warmup,
            purge=self.purge,
            receipts=Receipts(
                bucket=self.store.shared or bool(self.buckets.vip),
                mirror=self.buckets.mirror is not None,
                caches=tuple(cache.label for cache in self.dispatcher.caches),
                readers=tuple(cache.name for cache in self.dispatcher.caches),
            ),
            changes=self.changes,
            bucket_bounds=self.bucket_bounds,
            page=self.index.rows.page,
            ping=self.index.ping,
            parts=self.parts,
            unsent=self.unsent,
            traces=self.traces,
            applications=self.applications,
        )

    def _assemble_bounds(self) -> None:
        settings = self.settings
        shared = self.store.shared
        # A rendition that is made again must have its link before the old object may go.
        self._object_delay = max(settings.redirect_cache_timeout, 2 * LINKED_WITHIN)
        self.bucket_bounds = BucketBounds(
            max_bytes=settings.cache.object_bytes if shared else 0,
            max_age=settings.cache.object_age if shared else 0,
            grace=redirect_life(settings) + settings.cache.link_ttl + LAG,
            object_delay=self._object_delay,
            use=self.index.bucket_use,
            memory=self.memory,
        )

    def _assemble_upkeep(self) -> None:
        """What compares this disk with the index."""
        stray_files = StrayFiles(self.settings.originals_folder, self.settings.disk)
        self.instance = InstanceFile(Path(self.settings.data_dir, "instance"))
        self.deletions = Deletions(
            rows=self.index.rows,
            purges=self.index.purges,
            erasures=self.index.erasures,
            instance=self.instance.name,
            memory=self.memory,
            strays=stray_files,
            cleanup=self.cleanup,
            uploads=self.uploads,
            pause=self.index.expiry_pause,
            record=HeardFile(Path(self.settings.data_dir, "heard.json")),
            clock=time,
        )
        self.strays = Strays(
            lost_after=self.settings.originals.lost_seconds,
            files=stray_files,
            originals=self.originals,
            rows=self.index.rows,
            memory=self.memory,
            deletions=self.deletions,
            clock=time,
        )
        self.outdated_facts = OutdatedFacts(
            originals=self.originals,
            rows=self.index.rows,
            renderer=self.workers,
            clock=time,
        )
        self.orphans = Orphans(
            files=None if self.store.shared else RenditionFiles(self.settings.renditions_folder),
            links=self.index.links,
            publisher=self.publisher,
            clock=time,
        )

    async def parts(self) -> dict[str, ComponentHealth]:
        """How each part is, for /_ready: what is known already, nothing is asked."""
        stats = self.workers.stats
        not_writable = self.index.not_writable if self.migrated else "The database is not there."
        parts = {
            "database": ComponentHealth(self.migrated and self.index.healthy),
            "writes": ComponentHealth(
                not not_writable, {"error": not_writable} if not_writable else {}
            ),
            "disk": ComponentHealth(
                not any(self.disks.short.values()), {"folders": self.disks.detail}
            ),
            "store": ComponentHealth(
                self.buckets.healthy,
                {
                    "publishing": self.publisher.backlog,
                    "mirroring": self.mirroring.backlog,
                    "removing": self.cleanup.owed,
                },
            ),
            "workers": ComponentHealth(
                len(stats.pids) > 0,
                {
                    "slots": stats.slots,
                    "busy": stats.busy,
                    "queued": stats.queued,
                    "warming": self.warmup.pending,
                },
            ),
        }
        if self.dispatcher.on:  # never a reason to call this server degraded
            parts["webhook"] = ComponentHealth(
                True, {"backlog": self.dispatcher.backlog, "failing": self.dispatcher.failing}
            )
        if self.dispatcher.caches:  # nor is this
            parts["cdn"] = ComponentHealth(
                True,
                {
                    cache.label: {"backlog": cache.backlog, "failing": cache.failing}
                    for cache in self.dispatcher.caches
                },
            )
        return parts
