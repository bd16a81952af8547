"""Jobs and results cross a pipe: they come out equal, and they are small."""

import pickle

from hypothesis import given

from liveresize.core import jobs
from liveresize.core.formats import Format
from liveresize.core.rendition import Rendition

from . import strategies

FACTS = jobs.Facts(
    format="jpeg",
    width=4,
    height=3,
    bytes=99,
    sha256="0" * 64,
    frames=1,
    has_alpha=False,
    clean=True,
    dominant_color="102030",
    thumbhash="1QcSHQRnh493V4dIh4eXh1h4kJUI",
)


@given(strategies.renditions())
def test_a_job_is_a_path_and_a_rendition_and_little_more(rendition: Rendition) -> None:
    """Whatever the rendition, the pickle is the same value and under a kilobyte."""
    job = jobs.RenderJob(path="originals/ab/cd/cat", rendition=rendition)
    pickled = pickle.dumps(job)
    assert pickle.loads(pickled) == job
    assert len(pickled) < 1024


def test_every_other_job_and_result_survives_the_pipe() -> None:
    """Probe, intake, facts and a finished rendition come out as they went in."""
    intake = jobs.IntakeJob(source="a", target="b", crop=(1, 2, 3, 4), formats=("png",))
    rendered = jobs.Rendered(data=b"bytes", etag="0" * 64, format=Format.WEBP, notes=("note",))
    for value in (jobs.ProbeJob(path="a"), intake, FACTS, rendered):
        assert pickle.loads(pickle.dumps(value)) == value
