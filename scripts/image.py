"""Build the Dockerfile and try what comes of it; see scripts/try_dockerfile."""

import argparse
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from scripts.packaging import sbom

ROOT = Path(__file__).parent.parent

NAME = "liveresize:tried"

PATIENCE = 60.0
"""Seconds that a server may take to be ready, or to stop."""

INSIDE = """
set -e
mount --make-rprivate /
mount --bind "$1" "$1"
mount -t proc proc "$1/proc"
mount --rbind /dev "$1/dev"
mount -t tmpfs tmpfs "$1/tmp"
mount --bind "$2" "$1$3"
mount -o remount,bind,ro "$1"
cd /
exec chroot --userspec "$4" "$1" env -i -C "$5" "${@:6}"
"""
"""Goes into the image: root $1, read-only but for /tmp and the folder $2 at $3; as user $4
in the working directory $5, with the variables and the command of the rest."""


def buildah(*arguments: str, store: Path, quiet: bool = True) -> str:
    """What `buildah …` says, with images of its own in `store`."""
    kept = ["--root", str(store / "root"), "--runroot", str(store / "run")]
    environ = {**os.environ, "STORAGE_DRIVER": "vfs", "BUILDAH_ISOLATION": "chroot"}
    ran = subprocess.run(
        ["buildah", *kept, *arguments],  # noqa: S607
        cwd=ROOT,
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT if quiet else None,
        text=True,
        check=False,
    )
    if ran.returncode:
        sys.exit(f"buildah {arguments[0]} failed:\n{ran.stdout}")
    return ran.stdout.strip()


def stand_in(base: str, store: Path) -> None:
    """An image called `base`: Debian's smallest system with Debian's Python."""
    folder = store / "debian"
    subprocess.run(
        [  # noqa: S607
            "debootstrap",
            "--variant=minbase",
            "--include=ca-certificates,python3,python3-venv",
            "stable",
            str(folder),
            *mirror(),
        ],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    (folder / "usr/local/bin/python").symlink_to("/usr/bin/python3")
    for name in ("etc/ssl/certs/ca-certificates.crt", "etc/pip.conf"):
        if (Path("/") / name).exists():  # the authorities that this machine trusts
            shutil.copy(Path("/") / name, folder / name)
    container = buildah("from", "scratch", store=store)
    buildah("add", container, str(folder), "/", store=store)
    path = "/usr/local/bin:/usr/local/sbin:/usr/bin:/usr/sbin:/bin:/sbin"
    buildah("config", "--env", f"PATH={path}", container, store=store)
    buildah("commit", container, base, store=store)


def mirror() -> list[str]:
    """Where this machine has its Debian packages from, if it is a Debian."""
    for path in sorted(Path("/etc/apt").glob("sources.list.d/*.sources")):
        found = re.search(r"^URIs: *(\S+)", path.read_text(), re.MULTILINE)
        if found:
            return [found[1]]
    return []


@contextmanager
def mounted(image: str, store: Path) -> Iterator[Path]:
    """Where the files of an image can be seen."""
    container = buildah("from", "--pull-never", image, store=store)
    yield Path(buildah("mount", container, store=store))
    buildah("rm", container, store=store)


class Container:
    """The image's own command, as its own user, on a root that cannot be written."""

    def __init__(self, root: Path, config: dict[str, Any], data: Path) -> None:
        self._config, self._root, self._data = config, root, data
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        user, group = (int(number) for number in config["User"].split(":"))
        os.chown(data, user, group)
        self.process = self.started([*config["Entrypoint"], *config["Cmd"]])

    def started(self, command: list[str], **options: Any) -> "subprocess.Popen[str]":
        """`command` in it; `options` are Popen's."""
        config = self._config
        volume = next(iter(name for name in config["Volumes"] if name.endswith("/data")))
        where = [str(self._root), str(self._data), volume, config["User"], config["WorkingDir"]]
        environ = [*config["Env"], f"PORT={self.port}", "LIVERESIZE_DISK__RESERVE=0"]
        return subprocess.Popen(
            ["unshare", "--mount", "bash", "-c", INSIDE, "-", *where, *environ, *command],  # noqa: S607
            text=True,
            **options,
        )

    def says(self, *command: str) -> tuple[int, str]:
        """The exit code of `command` in it, and what it printed."""
        process = self.started(
            list(command), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd="/"
        )
        output, _ = process.communicate(timeout=PATIENCE)
        return process.returncode, output

    def healthy(self) -> bool:
        """Whether the health check of the image says so."""
        kind, *command = self._config["Healthcheck"]["Test"]
        assert kind == "CMD"
        return self.says(*command)[0] == 0


def trial(container: Container) -> None:
    """Health check, upload, picture, what must not be written, SIGTERM."""
    began = time.monotonic()
    while not container.healthy():
        if time.monotonic() > began + PATIENCE or container.process.poll() is not None:
            sys.exit("The server did not become healthy.")
        time.sleep(0.2)
    print(f"healthy after {time.monotonic() - began:.1f} s")
    url = f"http://127.0.0.1:{container.port}"
    code, output = container.says(
        "liveresize", "upload", "data/sample.jpg", "--id", "sample", "--url", url
    )
    print(output.splitlines()[0])
    assert code == 0, output
    with urllib.request.urlopen(f"{url}/sample_400_0.jpg") as answer:
        print(f"GET /sample_400_0.jpg: {answer.status}, {len(answer.read())} bytes")
    for place in ("/", "/opt/liveresize", "/etc/liveresize", "/srv/liveresize", "/usr"):
        code, output = container.says("touch", f"{place}/x")
        assert code != 0, f"{place} can be written"
    print("nothing but data and /tmp can be written:", output.strip().rsplit(": ", 1)[-1])
    print("uid, gid:", container.says("sh", "-c", "id -u; id -g")[1].split())
    container.process.send_signal(signal.SIGTERM)
    assert container.process.wait(PATIENCE) == 0
    print("SIGTERM: exit code 0")


def materials(root: Path) -> Path:
    """Write the bill of what the image is made of, in CycloneDX, into dist/."""
    (python,) = (ROOT / "dist").glob("liveresize-*.cdx.json")
    bill = sbom.with_debian(json.loads(python.read_text()), root)
    path = ROOT / "dist" / "image.cdx.json"
    path.write_text(json.dumps(bill, indent=1) + "\n")
    return path


def main() -> None:
    """Build, mount, try."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stand-in", action="store_true", help="make the base image here")
    asked = parser.parse_args()
    base = re.findall(r"^FROM (\S+)", (ROOT / "Dockerfile").read_text(), re.MULTILINE)[0]
    with tempfile.TemporaryDirectory(prefix="liveresize-image-") as folder:
        store = Path(folder)
        if asked.stand_in:
            began = time.monotonic()
            stand_in(f"docker.io/library/{base}", store)
            print(f"stand-in for {base}: {time.monotonic() - began:.0f} s")
        began = time.monotonic()
        pull = "--pull-never" if asked.stand_in else "--pull"
        buildah("build", pull, "--format", "docker", "-t", NAME, ".", store=store)
        print(f"built in {time.monotonic() - began:.0f} s")
        inspected = buildah("inspect", "--type", "image", NAME, store=store)
        config = json.loads(inspected)["Docker"]["config"]
        with mounted(NAME, store) as root:
            print("bill of materials:", materials(root))
            data = store / "data"
            data.mkdir()
            shutil.copy(ROOT / "docs/sample.jpg", data)
            container = Container(root, config, data)
            try:
                trial(container)
            finally:
                container.process.kill()
                container.process.wait()


if __name__ == "__main__":
    main()
