"""`scripts/bench memory`: what pictures of 12, 48 and 108 megapixels take of a worker."""

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scripts.benchmarks import large, process, report

MEGAPIXELS = (12, 48, 108)

JOBS = {
    "upload": "intake",
    "crop of 4 MP at upload": "crop-2000x2000",
    "JPEG of 800 px": "jpeg-clip-800x800",
    "AVIF of 2000×2000": "avif-crop-2000x2000",
}
"""What is measured → the job as `one_job` takes it."""

NAMES = (
    "rgb.jpeg",
    "full.jpeg",
    "progressive.jpeg",
    "full-progressive.jpeg",
    "scans.jpeg",
    "rgb.png",
    "deep.png",
    "interlaced.png",
    "rgb.webp",
    "rgba.webp",
    "lossless.webp",
    "rgb.avif",
    "full.avif",
    "still.gif",
    "deflate.tiff",
)

TITLES = {
    "rgb": "4:2:0 or RGB",
    "full": "4:4:4",
    "full-progressive": "4:4:4, progressive",
    "scans": "4:2:0, a scan for each component",
    "rgba": "with alpha",
    "deep": "16 bits, with alpha",
}


@dataclass(frozen=True)
class Taken:
    """The cells of one picture of one size: what each of JOBS took."""

    name: str
    megapixels: int
    cells: tuple[str, ...]


def measure(seconds: int) -> list[report.Row]:
    """Memory and time of uploads and renditions of 12, 48 and 108 megapixels."""
    found: list[report.Row] = []
    with tempfile.TemporaryDirectory() as folder:
        for name in NAMES:
            for megapixels in MEGAPIXELS:
                taken = _measured(Path(folder), name, megapixels)
                jobs = zip(JOBS, taken.cells, strict=True)
                told = "; ".join(f"{job}: {cell}" for job, cell in jobs)
                found.append((f"{_title(name)}, {megapixels} MP", told))
    return found


def worked(kind: str, path: Path, room: str = "") -> dict[str, Any]:
    """The outcome of a job in a process of its own, as `one_job` says it."""
    command = [sys.executable, "-m", "scripts.benchmarks.one_job", kind, str(path)]
    done = subprocess.run(
        [*command, *([room] if room else [])],
        capture_output=True,
        text=True,
        check=True,
        cwd=process.ROOT,
        env=os.environ | {"MALLOC_ARENA_MAX": "2"},
    )
    outcome: dict[str, Any] = json.loads(done.stdout)
    return outcome


def _measured(folder: Path, name: str, megapixels: int) -> Taken:
    """The picture is made for this, and removed."""
    if max(large.SIZES[megapixels]) > 16_383 and name.endswith("webp"):
        return Taken(name, megapixels, tuple("too wide" for _ in JOBS))
    path = large.made(folder, name, megapixels)
    try:
        return Taken(name, megapixels, tuple(_cell(worked(job, path)) for job in JOBS.values()))
    finally:
        path.unlink()


def _cell(outcome: dict[str, Any]) -> str:
    """What one job took; what it would need where it is refused."""
    if outcome["outcome"] != "done":
        return f"refused (needs {outcome['computed'] / 1e6:.0f} MB)"
    return f"{outcome['resident'] / 1e6:.0f} MB, {outcome['seconds']:.1f} s"


def _title(name: str) -> str:
    kind, _, suffix = name.partition(".")
    return f"{suffix.upper()} {TITLES.get(kind, kind)}"
