"""What /_metrics asks the components for: states, and what they count themselves."""

import asyncio
import platform
import time
from importlib import metadata
from pathlib import Path

from prometheus_client.core import Metric

from liveresize import __version__
from liveresize.app import application_metrics
from liveresize.app.container import Container
from liveresize.http.transport.listener import Listener
from liveresize.imaging.settings import ENGINE
from liveresize.observe import log
from liveresize.observe.metrics import machine
from liveresize.observe.metrics.exposition import (
    counter,
    counters,
    described,
    gauge,
    gauges,
)


class MetricsCollector:
    """Reads all components and the listener."""

    def __init__(self, components: Container, listener: Listener) -> None:
        self._components = components
        self._listener = listener
        self._facts = {
            "version": __version__,
            "engine": ENGINE,
            "python": platform.python_version(),
            "pillow": metadata.version("Pillow"),
        }

    async def read(self) -> list[Metric]:
        """Everything that is not in the registry; what has to be read from disk or system
        is read in a thread."""
        parts = self._components
        known = [
            described("liveresize_build_info", "What is running.", self._facts),
            *self._service(),
            *self._unsent(),
            *self._pool(),
            *self._memory(),
            *self._publishing(),
            *self._owed(),
            *self._compared(),
            *self._resumable(),
            *self._caches(),
            *self._bucket(),
            *application_metrics.read(parts.applications, parts.application_counts),
        ]
        data, pids = Path(parts.settings.data_dir), parts.workers.stats.pids
        return known + await asyncio.to_thread(_from_system, data, parts.spool.oldest, pids)

    def _service(self) -> list[Metric]:
        parts = self._components
        connections = self._listener.connections
        refused = self._listener.refused
        most = self._listener.max_connections
        return [
            gauge("liveresize_ready", "Whether requests are welcome.", parts.site.ready),
            gauge("liveresize_connections_open", "Open connections of clients.", connections),
            gauge("liveresize_connections_limit", "Connections there is room for.", most),
            counter(
                "liveresize_connections_refused",
                "Connections closed at once: their client had too many.",
                refused,
            ),
            gauges(
                "liveresize_breaker_open",
                "Whether a store is not asked for now, because it did not answer.",
                "part",
                {
                    "index": not (parts.migrated and parts.index.healthy),
                    "store": not parts.buckets.healthy,
                },
            ),
            gauge(
                "liveresize_index_writable",
                "Whether the database takes writes, as the last attempt has shown.",
                parts.migrated and not parts.index.not_writable,
            ),
            gauges(
                "liveresize_disk_short",
                "Whether the disk of a folder is below its reserve, so that nothing is stored.",
                "folder",
                parts.disks.short,
            ),
            counter(
                "liveresize_log_lines_dropped",
                "Lines of the log that were dropped: its output was too slow.",
                log.dropped(),
            ),
        ]

    def _unsent(self) -> list[Metric]:
        unsent = self._components.unsent
        return [
            gauge(
                "liveresize_unsent_bytes",
                "Bytes held for answers that clients have yet to take.",
                unsent.bytes,
            ),
            gauge(
                "liveresize_unsent_bytes_limit",
                "Bytes there is room for; 0 is no limit.",
                unsent.limit,
            ),
            counter(
                "liveresize_answers_refused",
                "Pictures refused: too much was unsent.",
                unsent.refused,
            ),
            counter(
                "liveresize_answers_broken_off",
                "Answers broken off to make room: their clients took too little.",
                unsent.broken_off,
            ),
        ]

    def _pool(self) -> list[Metric]:
        stats, pending = self._components.workers.stats, self._components.warmup.pending
        return [
            gauge("liveresize_slots", "Workers that there should be.", stats.slots),
            gauge("liveresize_slots_busy", "Workers with a job.", stats.busy),
            gauge("liveresize_workers_alive", "Workers that there are.", len(stats.pids)),
            gauge("liveresize_jobs_queued", "Jobs that wait for a worker.", stats.queued),
            gauge("liveresize_jobs_quarantined", "Jobs refused for now.", stats.quarantined),
            gauge("liveresize_warmups_pending", "Warm-ups queued or under way.", pending),
            counter("liveresize_worker_starts", "Workers started.", stats.started),
            counter(
                "liveresize_worker_start_failures",
                "Workers that could not be started.",
                stats.start_failures,
            ),
            counter("liveresize_worker_deaths", "Workers that died.", stats.died),
            counter(
                "liveresize_worker_kills", "Workers killed for a missed deadline.", stats.killed
            ),
            counter("liveresize_worker_retries", "Jobs tried again after a death.", stats.retried),
            counter(
                "liveresize_worker_quarantines",
                "Jobs put into quarantine after two crashes.",
                stats.quarantines,
            ),
            counter(
                "liveresize_worker_recycles",
                "Workers replaced because they had done their share.",
                stats.recycled,
            ),
        ]

    def _memory(self) -> list[Metric]:
        memory, pictures = self._components.memory, self._components.site.pictures
        return [
            gauge("liveresize_memory_cache_bytes", "Bytes of pictures in memory.", memory.bytes),
            gauge("liveresize_memory_cache_entries", "Pictures in memory.", memory.entries),
            gauge("liveresize_memory_cache_links", "Links in memory.", memory.links),
            counter(
                "liveresize_memory_cache_hits",
                "Pictures asked for that memory alone could answer.",
                pictures.recalled,
            ),
            counter(
                "liveresize_memory_cache_misses",
                "Pictures asked for that it could not.",
                pictures.missed,
            ),
            counter(
                "liveresize_memory_cache_evictions",
                "Pictures that had to leave memory for others.",
                memory.evictions,
            ),
        ]

    def _publishing(self) -> list[Metric]:
        publisher, spool = self._components.publisher, self._components.spool
        return [
            gauge(
                "liveresize_publish_backlog",
                "Renditions on their way to where they are kept.",
                publisher.backlog,
            ),
            counter(
                "liveresize_publish_attempts",
                "Attempts to store a rendition.",
                publisher.attempts,
            ),
            counter(
                "liveresize_publish_failures",
                "Attempts that the store did not take; each is made again.",
                publisher.failures,
            ),
            counter(
                "liveresize_publish_refused",
                "Renditions not kept: no room, or too many of one picture.",
                publisher.refused,
            ),
            counter("liveresize_published", "Renditions stored and linked.", publisher.published),
            gauge("liveresize_spool_bytes", "Bytes of renditions in the spool.", spool.bytes),
            gauge("liveresize_spool_files", "Renditions in the spool.", spool.files),
            counter(
                "liveresize_spool_dropped",
                "Renditions dropped from a spool that was full.",
                spool.dropped,
            ),
        ]

    def _owed(self) -> list[Metric]:
        mirroring, cleanup = self._components.mirroring, self._components.cleanup
        since = mirroring.oldest
        return [
            gauge(
                "liveresize_mirror_backlog",
                "Originals of this disk that the mirror lacks.",
                mirroring.backlog,
            ),
            gauge(
                "liveresize_mirror_backlog_oldest_seconds",
                "Age of the oldest of them; 0 where there is none.",
                max(0.0, time.time() - since) if since else 0.0,
            ),
            gauge(
                "liveresize_retirement_owed",
                "Deleted pictures whose objects could not be removed yet.",
                cleanup.owed,
            ),
            gauge(
                "liveresize_webhook_backlog",
                "Uploads that the webhook was yet to be told of.",
                self._components.dispatcher.backlog,
            ),
        ]

    def _resumable(self) -> list[Metric]:
        resumable = self._components.resumable
        return [
            gauge(
                "liveresize_unfinished_uploads",
                "Uploads that can be resumed and are not stored yet.",
                resumable.unfinished,
            ),
            gauge(
                "liveresize_unfinished_uploads_bytes",
                "Bytes that they will have when they are whole.",
                resumable.unfinished_bytes,
            ),
        ]

    def _caches(self) -> list[Metric]:
        """How far the caches of `cdn.purge` are told; nothing without any."""
        caches = {cache.label: cache for cache in self._components.dispatcher.caches}
        if not caches:
            return []
        return [
            gauges(
                "liveresize_cdn_purge_backlog",
                "Changes of pictures that a cache in front was yet to be told of, or once more.",
                "cdn",
                {name: cache.backlog for name, cache in caches.items()},
            ),
            gauges(
                "liveresize_cdn_purge_failing",
                "Whether the last attempt to tell a cache in front failed.",
                "cdn",
                {name: cache.failing for name, cache in caches.items()},
            ),
            counters(
                "liveresize_cdn_purge_failures",
                "Attempts to tell a cache in front that failed; each is made again.",
                "cdn",
                {name: cache.failed for name, cache in caches.items()},
            ),
        ]

    def _compared(self) -> list[Metric]:
        """What comparing disk and index has found."""
        parts = self._components
        return [
            gauge(
                "liveresize_originals_without_row",
                "Originals on this disk that have no row; none is deleted for that.",
                parts.strays.noted,
            ),
            counter(
                "liveresize_index_restores",
                "Times that the database was found restored or replaced.",
                parts.deletions.restores,
            ),
            gauge(
                "liveresize_expiry_paused",
                "1 while expiry is paused: after a restore of the database, or by an operator.",
                parts.expiry.paused,
            ),
            counter(
                "liveresize_pictures_expired",
                "Pictures that this instance has hidden because their time was over.",
                parts.expiry.hidden,
            ),
            counter(
                "liveresize_expired_pictures_deleted",
                "Pictures that this instance has deleted a day after that.",
                parts.expiry.deleted,
            ),
            counter(
                "liveresize_orphans_removed",
                "Renditions on this disk that were removed since no link led to them.",
                parts.orphans.removed,
            ),
        ]

    def _bucket(self) -> list[Metric]:
        bounds = self._components.bucket_bounds
        return [
            gauge(
                "liveresize_bucket_bytes",
                "Bytes of the bucket's renditions that have a link, as last counted; 0 without "
                "`cache.object_bytes`.",
                bounds.totals.total or 0,
            ),
            gauge(
                "liveresize_bucket_bytes_limit",
                "Bytes they may have (`cache.object_bytes`); 0 is no limit.",
                bounds.max_bytes,
            ),
            gauge(
                "liveresize_bucket_excess_bytes",
                "Bytes above the limit that stay, since no link was unused for long enough.",
                bounds.totals.excess,
            ),
            counter(
                "liveresize_links_ended",
                "Links that this instance has ended because they were unused.",
                bounds.ended,
            ),
        ]


def _from_system(data: Path, spooled: Path | None, pids: tuple[int, ...]) -> list[Metric]:
    """What has to be read from disk or system."""
    age = gauge(
        "liveresize_publish_backlog_oldest_seconds",
        "Age of the oldest rendition in the spool; 0 where there is none.",
        _age(spooled),
    )
    return [age, *machine.disk(data), *machine.workers(pids)]


def _age(path: Path | None) -> float:
    """Seconds since a file was written; 0 where it is gone."""
    try:
        return max(0.0, time.time() - path.stat().st_mtime) if path else 0.0
    except OSError:
        return 0.0
