"""Does one job under a worker's memory limit and prints what came of it.

`python -m tests.imaging.memory JOB FILE`, where JOB is `intake`, `probe`, or a format and a
width as `webp-2000`. Prints the outcome and the most memory that was resident, in MiB.
"""

import pathlib
import resource
import sys
import tempfile

from liveresize import errors, imaging
from liveresize.config import Settings
from liveresize.core.formats import Format
from liveresize.core.jobs import IntakeJob, Job, ProbeJob, RenderJob
from liveresize.core.rendition import Rendition
from liveresize.core.values import Quality
from liveresize.imaging.settings import EngineSettings

IDLE = 136 * 2**20
"""What a worker takes of its limit before any job, as WorkerPool says."""


def job(kind: str, path: str, folder: str) -> Job:
    """The job that the command line asks for."""
    if kind == "intake":
        return IntakeJob(source=path, target=str(pathlib.Path(folder, "stored")))
    if kind == "probe":
        return ProbeJob(path=path)
    output, _, width = kind.partition("-")
    rendition = Rendition(format=Format(output), width=int(width), quality=Quality.of(80))
    return RenderJob(path=path, rendition=rendition.canonical())


def status(name: str) -> int:
    """A number of /proc/self/status, in bytes."""
    lines = pathlib.Path("/proc/self/status").read_text().splitlines()
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith(name + ":"))


def main(kind: str, path: str) -> None:
    """Do it, with as much room as a worker has left."""
    room = Settings().workers.memory_bytes - IDLE + status("VmSize")
    resource.setrlimit(resource.RLIMIT_AS, (room, room))
    with tempfile.TemporaryDirectory() as folder:
        try:
            imaging.perform(job(kind, path, folder), EngineSettings())
            outcome = "done"
        except errors.LiveResizeError as error:
            outcome = type(error).__name__
    sys.stdout.write(f"{outcome} {status('VmHWM') // 2**20}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
