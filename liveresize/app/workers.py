"""The workers of an installation, and the settings of the engine in them."""

from liveresize.config import Settings
from liveresize.imaging.settings import EngineSettings
from liveresize.workers import WorkerPool


def engine_settings(settings: Settings) -> EngineSettings:
    """The sections and keys that the engine reads."""
    return EngineSettings(
        constraints=settings.constraints,
        formats=settings.formats,
        encoder=settings.encoder,
        jxl=settings.jxl,
        effort=settings.effort,
        metadata=settings.originals.metadata,
        decoded_bytes=settings.workers.decoded_bytes,
    )


def make_pool(settings: Settings) -> WorkerPool:
    """The worker pool, not started."""
    return WorkerPool(
        settings.workers,
        engine_settings(settings),
        client_queue=settings.limits.client_queue,
        deadline=settings.timeout.conversion_seconds,
    )
