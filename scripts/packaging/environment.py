"""A Python environment with the wheel and all that it was tried with."""

import subprocess
import sys
from pathlib import Path

from . import wheel
from .requirements import FILE


def install(folder: Path, python: str = sys.executable) -> Path:
    """Make a virtual environment without pip; returns its site-packages."""
    subprocess.run([python, "-m", "venv", "--without-pip", str(folder)], check=True)
    inside = str(folder / "bin" / "python")
    pip = [sys.executable, "-m", "pip", "--python", inside, "install", "--quiet"]
    pip += ["--disable-pip-version-check", "--no-compile"]
    hashed = ["--require-hashes", "--only-binary", ":all:", "-r", str(FILE)]
    subprocess.run([*pip, *hashed], check=True)
    subprocess.run([*pip, "--no-deps", str(wheel.found())], check=True)
    return next((folder / "lib").glob("python3*/site-packages"))
