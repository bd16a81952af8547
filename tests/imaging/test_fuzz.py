"""`scripts/fuzz` itself: it runs, it finds what is there, and it repeats itself."""

import pathlib
import random
import subprocess
import sys

import pytest

from . import samples


def fuzzed(*arguments: str) -> subprocess.CompletedProcess[str]:
    """`scripts/fuzz` with these arguments."""
    return subprocess.run(
        [sys.executable, "-m", "scripts.fuzzing", *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=samples.ROOT,
    )


@pytest.mark.long
def test_a_short_run_finds_nothing(tmp_path: pathlib.Path) -> None:
    """Five seconds of broken pictures, URLs, forms and settings raise only our errors."""
    done = fuzzed("--seconds", "5", "--seed", "1", "--into", str(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "nothing found" in done.stdout


def test_a_kept_case_runs_again(tmp_path: pathlib.Path) -> None:
    """A case is repeated by its file, whose name says what it is for."""
    path = tmp_path / "render-0123456789ab"
    path.write_bytes(random.Random(1).randbytes(200))
    assert fuzzed("--repeat", str(path)).returncode == 0
