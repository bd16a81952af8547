"""Try the packages: the Debian one in an empty Debian, the bundle without a network.

Needs root and Debian's debootstrap. Prints what it saw; ends with an error where something is not
as it must be.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scripts.image import mirror

from . import bundle, debian, wheel
from .requirements import ROOT, version

BASE = ROOT / "scratch" / "debian"

SUITE = "bookworm"
"""Debian 12, whose Python the package is made for."""

PATIENCE = 60.0

NEXT = "+next"
"""What is added to the version for the upgrade."""


def main() -> None:
    """Try both."""
    try_debian()
    try_bundle()


def base() -> Path:
    """Return an empty Debian with Python and systemd, made once."""
    if not (BASE / "etc/debian_version").exists():
        shutil.rmtree(BASE, ignore_errors=True)
        include = "--include=ca-certificates,logrotate,python3,systemd"
        command = ["debootstrap", "--variant=minbase", include, SUITE, str(BASE), *mirror()]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return BASE


INSIDE = """
mount -t proc proc "$1/proc"
mkdir -p "$1/dev/shm"
mount -t tmpfs -o mode=1777 tmpfs "$1/dev/shm"
exec chroot "$@"
"""
"""Runs the command after the folder $1 in it, with a /proc and a /dev/shm that end with it."""

ENTER = ("/usr/bin/unshare", "--mount", "sh", "-c", INSIDE, "-")


class Debian:
    """A Debian of its own in a folder, which commands run in."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def run(self, *command: str, fails: bool = False) -> str:
        """Run a command as root; return what it said."""
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND": "noninteractive"}
        ran = subprocess.run(
            [*ENTER, str(self.root), *command],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if (ran.returncode != 0) != fails:
            sys.exit(f"{command} ended with {ran.returncode}:\n{ran.stdout}")
        return ran.stdout

    def owner(self, path: str) -> str:
        """Return mode, user and group of a file."""
        return self.run("stat", "-c", "%a %U %G", path).strip()

    @contextmanager
    def serving(self) -> Iterator[str]:
        """Run the server as the unit does; yields its URL."""
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        script = (
            "cd /var/lib/liveresize && set -a && . /etc/liveresize/environment &&"
            " exec setpriv --reuid liveresize --regid liveresize --init-groups"
            f" env NODE_ENV=production NODE_CONFIG_DIR=/etc/liveresize PORT={port}"
            " LIVERESIZE_DISK__RESERVE=0"
            f" /{debian.HOME}/bin/liveresize serve"
        )
        server = subprocess.Popen([*ENTER, str(self.root), "sh", "-c", script])
        url = f"http://127.0.0.1:{port}"
        try:
            until_live(url, server)
            yield url
            server.send_signal(signal.SIGTERM)
            assert server.wait(PATIENCE) == 0
        finally:
            server.kill()
            server.wait()


def until_live(url: str, server: "subprocess.Popen[bytes]") -> None:
    """Return when a server answers."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            urllib.request.urlopen(f"{url}/_live").close()
        except (urllib.error.URLError, ConnectionError):
            assert server.poll() is None, "the server ended"
            assert time.monotonic() < end, "the server does not answer"
            time.sleep(0.1)
        else:
            return


def fetched(url: str) -> int:
    """Return how many bytes come from a URL."""
    with urllib.request.urlopen(url) as answer:
        return len(answer.read())


def try_debian() -> None:
    """Install, use, upgrade, remove and purge the package."""
    first = debian.make()
    second = debian.make(f"{version()}{NEXT}")
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "root"
        subprocess.run(["/usr/bin/cp", "-a", str(base()), str(root)], check=True)
        (root / "usr/sbin/policy-rc.d").write_text("#!/bin/sh\nexit 101\n")
        system = Debian(root)
        for package in (first, second):
            shutil.copy(package, root / "root")
        shutil.copy(ROOT / "docs/sample.jpg", root / "srv")
        began = time.monotonic()
        system.run("dpkg", "-i", f"/root/{first.name}")
        print(f"installed in {time.monotonic() - began:.0f} s")
        _installed(system)
        with system.serving() as url:
            _upload(system, url)
            print("a rendition of", fetched(f"{url}/sample_400_0.webp"), "bytes")
        settings, secrets = root / debian.CONFIGURATION, root / "etc/liveresize/environment"
        settings.write_text(json.dumps({"quality": {"jpeg": 71}}))
        secrets.write_text("LIVERESIZE_SECRET=changed\n")
        system.run("dpkg", "-i", f"/root/{second.name}")
        assert NEXT in system.run("dpkg-query", "-W", "liveresize")
        assert "71" in settings.read_text()
        assert secrets.read_text() == "LIVERESIZE_SECRET=changed\n"
        _installed(system)
        with system.serving() as url:
            assert fetched(f"{url}/sample_300_0.jpg")
        print("upgraded: settings, secrets and pictures are kept")
        system.run("dpkg", "-r", "liveresize")
        for gone in ("usr/bin/liveresize", debian.HOME, debian.UNITS + "/liveresize.service"):
            assert not (root / gone).exists(), gone
        assert settings.exists()
        assert secrets.exists()
        print("removed: settings and pictures are kept")
        said = system.run("dpkg", "-P", "liveresize")
        assert not (root / "etc/liveresize").exists()
        assert not (root / "var/log/liveresize").exists()
        assert (root / "var/lib/liveresize/data").exists()
        assert "still there" in said
        left = list((root / "etc/systemd/system").rglob("liveresize*"))
        assert left == [], left
        print("purged: settings, secrets and logs are gone; of the pictures it says:", said[-120:])


def _installed(system: Debian) -> None:
    """Check owners and modes, units, and that the command works."""
    assert system.owner("/etc/liveresize/environment") == "640 root liveresize"
    assert system.owner("/var/lib/liveresize") == "750 liveresize liveresize"
    wants = system.root / "etc/systemd/system/sockets.target.wants/liveresize.socket"
    assert wants.is_symlink()
    system.run("systemd-analyze", "verify", f"/{debian.UNITS}/liveresize.service")
    assert version() in system.run("liveresize", "--version")
    system.run("liveresize", "check-config")
    system.run("logrotate", "--debug", "/etc/logrotate.d/liveresize")


def _upload(system: Debian, url: str) -> None:
    system.run("liveresize", "upload", "/srv/sample.jpg", "--id", "sample", "--url", url)


def try_bundle() -> None:
    """Install the bundle in a network namespace with nothing in it, not even a loopback."""
    packed = bundle.make()
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["/usr/bin/tar", "-xzf", str(packed), "-C", folder], check=True)
        top = Path(folder) / packed.name.removesuffix(".tar.gz")
        target = Path(folder) / "installed"
        command = ["unshare", "--net", str(top / "install"), str(target)]
        environment = {"PATH": os.environ["PATH"], "HOME": folder, "PIP_CONFIG_FILE": os.devnull}
        began = time.monotonic()
        said = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
        assert version() in said.stdout
        size = packed.stat().st_size / 2**20
        took = time.monotonic() - began
        print(f"the bundle ({size:.0f} MiB): installed in {took:.0f} s, offline")


if __name__ == "__main__":
    wheel.make()
    main()
