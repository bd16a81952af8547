"""Does one job under a memory limit and prints what came of it, as JSON.

`python -m scripts.benchmarks.one_job JOB FILE [ROOM]`. JOB is `intake`, `crop` (an upload of which
a part is kept), `turn` (one that is stored upright), `probe`, `visual`, a format, a fit and a
size as `webp-clip-2000x2000`, with `-50` for at most 50 KiB, or with `-overlay` or `-tile` where
the picture is drawn over itself, in full width or a tenth, or a variant.
ROOM is what the job may take in bytes, 0 for no limit; without it, what a worker has by default.
"""

import json
import pathlib
import resource
import sys
import tempfile
import threading
import time
from dataclasses import asdict, dataclass, replace
from typing import Any

from liveresize import errors, imaging
from liveresize.config import Settings
from liveresize.core.formats import Format
from liveresize.core.jobs import IntakeJob, Job, OverlayJob, ProbeJob, RenderJob, VisualJob
from liveresize.core.operation import UrlRules
from liveresize.core.overlay import Overlay
from liveresize.core.rendition import Rendition
from liveresize.core.values import KIB, Fit, Quality
from liveresize.imaging import decode, decoded, memory
from liveresize.imaging.settings import EngineSettings
from liveresize.settings.pictures import Constraints, Formats
from liveresize.settings.server import IDLE_WORKER

FORMATS = ("jpeg", "png", "webp", "gif", "avif", "heif", "jxl", "tiff", "bmp")


@dataclass(frozen=True)
class Outcome:
    """`done` or the name of the error and its sentence; what was computed and what was taken of
    the address space, the most that was resident (all in bytes), and the seconds it took.

    Less than `floor` cannot be told from nothing: starting the process took more.
    """

    outcome: str
    message: str
    computed: int
    taken: int
    floor: int
    resident: int
    seconds: float


def job(kind: str, path: str, folder: str) -> Job:
    """The job that the command line asks for."""
    target = str(pathlib.Path(folder, "stored"))
    if kind == "intake":
        return IntakeJob(source=path, target=target)
    if kind.startswith("crop"):
        width, height = map(int, kind.partition("-")[2].split("x"))
        return IntakeJob(source=path, target=target, crop=(0, 0, width, height))
    if kind == "probe":
        return ProbeJob(path=path)
    if kind == "visual":
        return VisualJob(path=path, target=UrlRules().visual)
    if kind[0].isdecimal():
        return RenderJob(path=path, rendition=Rendition.from_variant(kind))
    output, fit, size, *more = kind.split("-")
    drawn = more in (["overlay"], ["tile"])
    width, height = map(int, size.split("x"))
    rendition = Rendition(
        format=Format(output),
        width=width,
        height=height,
        fit=Fit(fit),
        quality=Quality.of(95),
        max_bytes=KIB * int(more[0]) if more and not drawn else 0,
    )
    if not drawn:
        return RenderJob(path=path, rendition=rendition.canonical())
    tile = more == ["tile"]
    overlay = Overlay(name="logo", picture="", scale=100 if tile else 1000, margin=0, tile=tile)
    return RenderJob(
        path=path,
        rendition=replace(rendition, overlay=overlay.mark("")).canonical(),
        overlay=OverlayJob(path=path, overlay=overlay),
    )


def status(name: str) -> int:
    """A number of /proc/self/status, in bytes."""
    lines = pathlib.Path("/proc/self/status").read_text().splitlines()
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith(name + ":"))


def recorded() -> list[int]:
    """The bytes of every need that is checked from now on."""
    needs: list[int] = []
    check = memory.Need.check

    def recording(need: memory.Need) -> None:
        needs.append(need.bytes)
        check(need)

    memory.Need.check = recording  # type: ignore[method-assign]
    return needs


def done(kind: str, path: str, room: int, settings: EngineSettings) -> Outcome:
    """Do it within `room` bytes, or without a limit where that is 0."""
    decode.accepted(settings.formats.input)
    # A worker has a second arena of malloc, too, and a thread for pixels that are kept.
    other = threading.Thread(target=bytes, args=(4096,))
    other.start()
    other.join()
    decoded.kept()
    needs, before = recorded(), status("VmSize")
    if room:
        resource.setrlimit(resource.RLIMIT_AS, (before + room, before + room))
        memory.address_space.cache_clear()
        decoded.kept().room = memory.room()
    floor = status("VmPeak") - before
    began = time.perf_counter()
    message = ""
    with tempfile.TemporaryDirectory() as folder:
        try:
            imaging.perform(job(kind, path, folder), settings)
            outcome = "done"
        except errors.LiveResizeError as error:
            outcome, message = type(error).__name__, error.public
    return Outcome(
        outcome,
        message,
        max(needs, default=0),
        status("VmPeak") - before,
        floor,
        status("VmHWM"),
        time.perf_counter() - began,
    )


def main(kind: str, path: str, room: str = "") -> None:
    """Do it and print the outcome."""
    settings = EngineSettings(constraints=Constraints(), formats=Formats(input=FORMATS))
    usual = Settings().workers.memory_bytes - IDLE_WORKER
    outcome = done(kind, path, int(room) if room else usual, settings)
    fields: dict[str, Any] = asdict(outcome)
    sys.stdout.write(json.dumps(fields) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
