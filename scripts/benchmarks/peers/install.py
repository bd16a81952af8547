"""Installs the peers, pinned, in `scratch/peers`; nginx alone comes from Debian, as root.

A peer that cannot be installed is no failure: `Missing` says why, and the table repeats it.
"""

import functools
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from scripts.benchmarks import process

PEERS = process.ROOT / "scratch" / "peers"

SHARP = "0.35.5"
IPX = "3.1.1"
THUMBOR = "7.8.0"
PYVIPS = "3.2.0"
LIBVIPS = "8.18.7"

PACKAGES = {"sharp": SHARP, "ipx": IPX}

TOOLS = (
    f"pyvips[binary]=={PYVIPS}",
    f"pyvips-binary=={LIBVIPS}",
    "numpy==2.2.6",
    "scikit-image==0.25.2",
    "matplotlib==3.10.7",
    "pillow>=12",
)
"""pyvips is measured; the others compare pictures and draw the charts."""

IMAGE_FILTER = Path("/usr/lib/nginx/modules/ngx_http_image_filter_module.so")


class Missing(Exception):
    """A peer cannot be installed here; the argument is the reason, in a few words."""


@functools.cache
def node() -> Path:
    """The folder whose `node_modules` holds sharp and ipx."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        raise Missing("node and npm are not installed")
    folder = PEERS / "node"
    wanted = json.dumps({"private": True, "type": "module", "dependencies": PACKAGES}, indent=2)
    if _stamped(folder, wanted):
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "package.json").write_text(wanted)
    _run("npm", "install", "--no-fund", "--no-audit", "--loglevel=error", cwd=folder)
    _stamp(folder, wanted)
    return folder


@functools.cache
def tools() -> Path:
    """The Python that has pyvips, and what compares and draws."""
    return _environment("tools", TOOLS)


@functools.cache
def thumbor() -> Path:
    """The Python that has thumbor, in an environment of its own."""
    # thumbor imports pkg_resources, which later releases of setuptools take away.
    return _environment("thumbor", (f"thumbor=={THUMBOR}", "setuptools<81"))


@functools.cache
def nginx() -> Path:
    """The nginx binary, which has image_filter as a module."""
    if not IMAGE_FILTER.exists():
        if os.geteuid() != 0 or shutil.which("apt-get") is None:
            raise Missing("no Debian, or not root")
        # Run level 1 keeps the package from starting a server on port 80.
        environment = {"DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
        packages = ("nginx", "libnginx-mod-http-image-filter")
        _run("apt-get", "-qq", "update", env=environment)
        _run("apt-get", "-qq", "install", "--no-install-recommends", *packages, env=environment)
    found = shutil.which("nginx")
    if found is None:
        raise Missing("the Debian package brings no nginx")
    return Path(found)


def _environment(name: str, packages: tuple[str, ...]) -> Path:
    """The Python of a virtual environment that has `packages`."""
    folder = PEERS / name
    python, wanted = folder / "bin" / "python", "\n".join(packages)
    if _stamped(folder, wanted):
        return python
    _run(sys.executable, "-m", "venv", str(folder))
    _run(str(python), "-m", "pip", "install", "--quiet", *packages)
    _stamp(folder, wanted)
    return python


def _stamped(folder: Path, wanted: str) -> bool:
    stamp = folder / ".installed"
    return stamp.exists() and stamp.read_text() == wanted


def _stamp(folder: Path, wanted: str) -> None:
    (folder / ".installed").write_text(wanted)


def _run(*command: str, cwd: Path | None = None, env: dict[str, str] | None = None) -> None:
    """Run a command that installs something; raises Missing with its last words."""
    print(f"Installing: {' '.join(command)}", file=sys.stderr)
    done = subprocess.run(
        command,
        cwd=cwd,
        env={**os.environ, **(env or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        lines = done.stderr.strip().splitlines()
        raise Missing(f"{command[0]}: {lines[-1] if lines else done.returncode}")
