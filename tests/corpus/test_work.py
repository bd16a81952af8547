"""What hostile files cost a worker: processor time, against what their bytes may cost."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from liveresize import errors
from liveresize.core.formats import Format
from liveresize.core.jobs import IntakeJob, Job, ProbeJob, RenderJob
from liveresize.core.rendition import Rendition
from liveresize.core.values import SMART, Fit
from liveresize.imaging import perform
from liveresize.imaging.settings import EngineSettings
from liveresize.settings.pictures import Formats
from scripts.sieging import _bombs as bombs

from . import table

pytestmark = pytest.mark.long

MOST = 3.0
"""Seconds of a processor for any job: twice what the largest pictures that are taken cost."""

PER_KILOBYTE = 0.002
"""Seconds more for each kilobyte. A photograph takes 0.00003, a progressive one 0.00006."""

SETTINGS = EngineSettings(formats=Formats(input=("jpeg", "png", "webp", "gif", "avif", "heif")))

AT_THE_BOUND: dict[str, Callable[[], bytes]] = {
    "scans": lambda: bombs.jpeg_scans(85, (3300, 2500)),
    "arithmetic coding": lambda: bombs.jpeg_arithmetic(24, (6000, 5000)),
    "hidden frames": lambda: bombs.avif_hidden(8, (2400, 1800)),
    "profiles": lambda: bombs.png_profiles(100),
    "chunks": lambda: bombs.png_pieces(60_000),
    "a canvas with a pixel that moves": lambda: bombs.apng(500, (316, 316)),
    "frames outside": lambda: bombs.gif_outside(2, 4_990),
}
"""The most that is taken: the bounds are no higher than what all pictures may cost."""


def jobs(path: Path, stored: Path) -> list[Job]:
    """What is asked of a worker about an upload, and of the original that it becomes."""
    moving = Rendition(width=200, format=Format.WEBP)
    cut = Rendition(width=100, height=100, fit=Fit.CROP, gravity=SMART, blur=30, format=Format.JPEG)
    return [
        IntakeJob(source=str(path), target=str(stored)),
        ProbeJob(path=str(path)),
        *(RenderJob(path=str(path), rendition=each) for each in (moving, cut)),
    ]


def dearest(path: Path, stored: Path) -> tuple[float, bool]:
    """The processor time of the job that takes longest, in seconds; and whether one was done."""
    worst, done = 0.0, False
    for job in jobs(path, stored):
        begun = time.process_time()
        try:
            perform(job, SETTINGS)
            done = True
        except errors.ImageError:
            pass
        worst = max(worst, time.process_time() - begun)
    return worst, done


def allowed(path: Path) -> float:
    """Seconds that a job with this file may take."""
    return MOST + PER_KILOBYTE * path.stat().st_size / 1024


@pytest.mark.parametrize(
    "name", [each.path for each in table.EXPECTED if each.path.startswith("hostile/")]
)
@table.needs_corpus
def test_no_hostile_file_costs_more_than_its_bytes_may(tmp_path: Path, name: str) -> None:
    """Every file of the hostile corpus, at its intake, when it is looked at and when rendered."""
    path = table.CORPUS / name
    assert dearest(path, tmp_path / "stored")[0] <= allowed(path)


@pytest.mark.parametrize("what", bombs.BOMBS)
def test_no_bomb_costs_more_than_its_bytes_may(tmp_path: Path, what: str) -> None:
    """The files that `scripts/siege` sends."""
    path = tmp_path / "bomb"
    path.write_bytes(bombs.BOMBS[what]())
    assert dearest(path, tmp_path / "stored")[0] <= allowed(path)


@pytest.mark.parametrize("what", AT_THE_BOUND)
def test_what_is_just_accepted_costs_no_more_either(tmp_path: Path, what: str) -> None:
    """Files made to stay below each bound, of the sizes that cost most."""
    path = tmp_path / "bomb"
    path.write_bytes(AT_THE_BOUND[what]())
    worst, done = dearest(path, tmp_path / "stored")
    assert done
    assert worst <= allowed(path)
