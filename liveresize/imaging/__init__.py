"""The imaging engine, which runs in worker processes; `perform` is its one door."""

from typing import assert_never

from liveresize.domain.jobs import IntakeJob, Job, ProbeJob, RenderJob, Result
from liveresize.imaging import intake, render
from liveresize.imaging.options import ImagingOptions

__all__ = ["perform"]


def perform(job: Job, options: ImagingOptions) -> Result:
    """Do one job: Rendered for a RenderJob, Facts for a ProbeJob or an IntakeJob.

    Raises ImageError and its kin, OriginalMissing, BadCrop, DiskFull or StoreError.
    """
    match job:
        case RenderJob(path=path, rendition=rendition):
            return render.render(path, rendition, options)
        case ProbeJob(path=path):
            return intake.probe(path, options)
        case IntakeJob():
            return intake.intake(job, options)
        case _:
            assert_never(job)
