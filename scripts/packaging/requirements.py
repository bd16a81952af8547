"""deploy/requirements.txt: all that liveresize runs with, pinned, with hashes."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]

FILE = ROOT / "deploy" / "requirements.txt"

HEAD = """\
# What liveresize {version} was tried with, for every Python and system that it runs on; written by
# `scripts/packages requirements`. Installs exactly these files:
#   pip install --require-hashes -r requirements.txt && pip install --no-deps liveresize-*.whl
"""


def version() -> str:
    """Return the version of the project."""
    text = (ROOT / "liveresize" / "__init__.py").read_text()
    found = re.search(r'__version__ = "(.+)"', text)
    assert found is not None
    return found[1]


def write() -> Path:
    """Resolve what pyproject.toml asks for, anew."""
    command = [
        str(Path(sys.executable).with_name("uv")),
        *("pip", "compile", "--quiet", "--universal", "--python-version", "3.11"),
        *("--generate-hashes", "--no-header", "--no-annotate", "pyproject.toml"),
    ]
    pinned = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    FILE.write_text(HEAD.format(version=version()) + pinned)
    return FILE
