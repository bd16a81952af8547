"""The offline bundle: all wheels and an installer, for machines without a network."""

import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

from . import wheel
from .requirements import FILE, ROOT, version


def downloaded(folder: Path) -> None:
    """Fetch every wheel of deploy/requirements.txt that this Python takes."""
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    subprocess.run(
        [*pip, "--require-hashes", "--only-binary", ":all:", "-r", str(FILE), "-d", str(folder)],
        check=True,
    )


def make() -> Path:
    """Write dist/liveresize-VERSION-PYTHON-PLATFORM.tar.gz."""
    python = f"python3.{sys.version_info.minor}"
    platform = sysconfig.get_platform().replace("linux-", "linux_").replace("-", "_")
    name = f"liveresize-{version()}-{python}-{platform}"
    with tempfile.TemporaryDirectory() as folder:
        top = Path(folder) / name
        (top / "wheels").mkdir(parents=True)
        downloaded(top / "wheels")
        shutil.copy(wheel.found(), top)
        shutil.copy(FILE, top)
        shutil.copy(ROOT / "deploy/bundle/install", top)
        (top / "python").write_text(f"{python}\n")
        for part in ("deploy", "docs", "LICENSE", "README.md", "CHANGELOG.md"):
            source = ROOT / part
            (shutil.copytree if source.is_dir() else shutil.copy)(source, top / part)
        packed = wheel.DIST / f"{name}.tar.gz"
        tar = ["tar", "--owner=0", "--group=0", "--numeric-owner", "--sort=name"]
        tar += [f"--mtime=@{wheel.epoch()}", "-C", folder, "-czf", str(packed), name]
        subprocess.run(tar, check=True)
    return packed
