"""The imaging engine, which runs in worker processes; `perform` is its one door."""

from liveresize import errors
from liveresize.core.jobs import IntakeJob, Job, OrientationJob, RenderJob, Result, VisualJob
from liveresize.imaging import decode, decoded, ingest, render, visual
from liveresize.imaging.settings import EngineSettings

__all__ = ["perform"]


def perform(job: Job, settings: EngineSettings) -> Result:
    """Do one job: Rendered for a RenderJob, Facts for a ProbeJob or an IntakeJob, the EXIF
    orientation for an OrientationJob, and the Quality for a VisualJob.

    Raises ImageError and its kin, OriginalMissing, OverlayUnavailable, BadCrop, DiskFull or
    StoreError.
    """
    # Codecs and threads are loaded first: they take memory that no job has.
    decode.accepted(settings.formats.input)
    decoded.kept()
    if isinstance(job, IntakeJob):
        return ingest.ingest(job, settings)
    try:
        if isinstance(job, RenderJob):
            return render.render(
                job.path, job.rendition, settings, again=job.then is not None, overlay=job.overlay
            )
        if isinstance(job, OrientationJob):
            return ingest.orientation_of(job.path, settings)
        if isinstance(job, VisualJob):
            return visual.quality(job.path, job.target, settings)
        return ingest.probe(job.path, settings)
    except errors.UnsupportedImage as error:
        # Only an upload can be of the wrong format; an original that is has gone bad.
        raise errors.UnreadableImage("", error.detail) from error
