"""The wheel, of what is committed."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from .requirements import ROOT

DIST = ROOT / "dist"


def exported(folder: Path) -> None:
    """Write the files of the last commit into a folder."""
    archive = subprocess.run(["git", "archive", "HEAD"], cwd=ROOT, check=True, capture_output=True)  # noqa: S607
    subprocess.run(["tar", "-x", "-C", str(folder)], input=archive.stdout, check=True)  # noqa: S607


def epoch() -> str:
    """Return the seconds of the last commit, which is when all files in packages are from."""
    command = ["git", "log", "-1", "--format=%ct"]
    return subprocess.run(
        command, cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.strip()


def make() -> Path:
    """Build it into dist/."""
    DIST.mkdir(exist_ok=True)
    for old in DIST.glob("liveresize-*.whl"):
        old.unlink()
    with tempfile.TemporaryDirectory() as source:
        exported(Path(source))
        pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check"]
        subprocess.run(
            [*pip, "--no-deps", "--no-build-isolation", "--wheel-dir", str(DIST), source],
            env={**os.environ, "SOURCE_DATE_EPOCH": epoch()},
            check=True,
        )
    return found()


def found() -> Path:
    """Return the wheel in dist/; builds it where there is none."""
    return next(DIST.glob("liveresize-*.whl"), None) or make()
