"""Jobs that have crashed their worker twice, and are not tried for a while."""

from liveresize import errors
from liveresize.core.jobs import IntakeJob, Job, RenderJob, VisualJob
from liveresize.core.ports import Clock


class Quarantine:
    """Refuses jobs for `seconds` after `add`.

    Nothing bounds its size but time: every entry has cost two worker processes.
    """

    def __init__(self, seconds: float, clock: Clock) -> None:
        self._seconds = seconds
        self._clock = clock
        self._until: dict[tuple[str, str], float] = {}
        self.added = 0

    def __len__(self) -> int:
        self._expire()
        return len(self._until)

    def check(self, job: Job) -> None:
        """Raise Quarantined when `job` is not to be tried now."""
        if not self._until:
            return
        self._expire()
        if identity(job) in self._until:
            raise errors.Quarantined

    def add(self, job: Job) -> errors.ImageError:
        """Refuse `job` from now on; the error that says so.

        An upload is never seen again under the same path, so it is unreadable instead.
        """
        if isinstance(job, IntakeJob):
            return errors.UnreadableImage("", "crashed two workers")
        key = identity(job)
        self.added += 1
        self._until.pop(key, None)
        self._until[key] = self._clock.monotonic() + self._seconds
        return errors.Quarantined()

    def _expire(self) -> None:
        """Let go of the oldest; entries lie in the order in which they end."""
        now = self._clock.monotonic()
        while self._until:
            key = next(iter(self._until))
            if self._until[key] > now:
                return
            del self._until[key]


def identity(job: Job) -> tuple[str, str]:
    """The path and variant of a job, `""` where it has none.

    A path holds the generation, so that what replaces a picture starts with a clean slate.
    """
    if isinstance(job, RenderJob):
        return job.path, job.rendition.variant
    if isinstance(job, VisualJob):
        return job.path, "visual"
    return (job.source if isinstance(job, IntakeJob) else job.path), ""
