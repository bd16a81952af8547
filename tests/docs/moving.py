"""A machine for the transcript of a move: Live Image Resize beside PostgreSQL and S3.

The folders of the page lie below a folder of the test, and what only root may do is left out:
`chgrp`, `systemd-sysusers` and units. `systemctl` starts and stops the server as a process.
"""

import contextlib
import json
import os
import signal
import socket
import stat
import sys
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from iaas import published
from iaas.published import Published
from sqlalchemy.engine import make_url
from storage import s3worlds, worlds
from web import pictures, servers

from docs import transcripts
from liveresize.app import iaas_places

DATABASE = "postgresql://imageresizer:rogierisgaaf@db.internal/imageresizer"
SHOWN = "postgresql://imageresizer@db.internal/imageresizer"
CDN = "https://s3-eu-west-1.amazonaws.com/pictures"
SECRET = "1234hvhv1234hvp"

STUBS = {
    "chgrp": "",
    "systemd-sysusers": "",
    "python3": """
        mkdir -p "$3/bin"
        printf '#!/bin/sh\\n' > "$3/bin/pip"
        chmod +x "$3/bin/pip"
    """,
    "install": """
        keep=
        while [ $# -gt 0 ]; do
            case "$1" in -o|-g) shift ;; *) keep="$keep $1" ;; esac
            shift
        done
        exec /usr/bin/install $keep
    """,
    "liveresize": """
        exec PYTHON -m liveresize "$@"
    """,
    "systemctl": """
        echo "$*" >> "$STATE/units"
        case "$*" in
        "enable --now liveresize.socket liveresize.service")
            liveresize serve > "$STATE/log" 2>&1 &
            echo $! > "$STATE/pid"
            until curl -sf -o /dev/null "http://localhost:$PORT/_ready"; do sleep 0.1; done ;;
        "stop liveresize.socket liveresize.service")
            kill "$(cat "$STATE/pid")"
            while kill -0 "$(cat "$STATE/pid")" 2> /dev/null; do sleep 0.1; done
            rm "$STATE/pid" ;;
        esac
    """,
}


class Machine:
    """Where the transcript runs."""

    def __init__(self, root: Path, old: Published, store: s3worlds.Place) -> None:
        self.root, self.old = root, old
        self._state = root / "state"
        programs = root / "programs"
        for folder in (self._state, programs):
            folder.mkdir(parents=True)
        for folder in ("opt", "usr/lib/sysusers.d", "usr/local/sbin", "etc/systemd/system"):
            (root / folder).mkdir(parents=True, exist_ok=True)
        (root / "var" / "lib").mkdir(parents=True)
        (root / "home").mkdir()
        for name in ("deploy", "docs"):
            (root / "home" / name).symlink_to(servers.ROOT / name)
        for name, body in STUBS.items():
            script = programs / name
            text = textwrap.dedent(body).replace("PYTHON", sys.executable)
            script.write_text(f"#!/bin/sh\n{text}")
            script.chmod(script.stat().st_mode | stat.S_IXUSR)
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]
        self.environ = {
            "PATH": f"{programs}:{os.environ['PATH']}",
            "PYTHONPATH": str(servers.ROOT),
            "STATE": str(self._state),
            "PORT": str(self.port),
            "LIVERESIZE_AWS__ENDPOINT_URL": store.server.address,
            "LIVERESIZE_WORKERS__SLOTS": "1",
            "LIVERESIZE_DISK__RESERVE": str(1 << 20),
            "LIVERESIZE_DISK__RESERVE_INODES": "0",
            "LIVERESIZE_DRAIN__DELAY": "0",
        }
        self._configure(store)

    def _configure(self, store: s3worlds.Place) -> None:
        """Write the two files of the published service."""
        url = make_url(self.old.url)
        self._host = str(url.host or url.query["host"])
        self._database = url.database or ""
        if port := url.port or url.query.get("port"):
            self.environ["LIVERESIZE_POSTGRESQL__PORT"] = str(port)
        default: dict[str, Any] = {
            "aws": {
                "access_key": s3worlds.ACCESS_KEY,
                "secret_key": s3worlds.SECRET_KEY,
                "region": "us-east-1",
                "bucket": store.bucket,
                "cache_host": f"{store.server.address}/{store.bucket}",
            },
            "originals_dir": str(self.old.folder),
            "listen_address": "",
            "postgresql": {
                "user": url.username or "",
                "password": url.password or "",
                "host": self._host,
                "database": self._database,
            },
            "constraints": {"max_width": 2000, "max_height": 2000},
            "secret": SECRET,
        }
        config = self.root / "opt" / "iaas" / "config"
        config.mkdir(parents=True)
        (config / "default.json").write_text(json.dumps(default))
        (config / "production.json").write_text(json.dumps({"log": {"info": True}}))
        self.bucket = f"{store.server.address}/{store.bucket}"

    @property
    def shown(self) -> Mapping[str, str]:
        """What the page shows → what it is here."""
        tops = {f"/{top}/": f"{self.root}/{top}/" for top in ("opt", "usr", "etc", "var")}
        return {
            DATABASE: self.old.url,
            SHOWN: iaas_places.shown(self.old.url),
            CDN: self.bucket,
            '"db.internal"': json.dumps(self._host),
            '"imageresizer"': json.dumps(self._database),
            **tops,
            "localhost:1337": f"localhost:{self.port}",
        }

    @property
    def units(self) -> list[str]:
        """What `systemctl` was told."""
        return (self._state / "units").read_text().splitlines()

    def close(self) -> None:
        """End the server, if it runs."""
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            os.kill(int((self._state / "pid").read_text()), signal.SIGKILL)


def fill(old: Published, cdn: str) -> None:
    """A small installation: what it has, and what it cannot have here."""
    old.indexes = published.UNIQUE
    for number in range(3):
        old.original(f"cat{number}", pictures.png(320, 240, shade=number))
        for size in (100, 200):
            old.link(f"cat{number}", size, size, url=f"{cdn}/2018-05-04_cat{number}_{size}.jpg")
        old.token(f"spent-{number}", f"cat{number}", used=1, uploaded_at=published.RENDERED)
    old.link("cat0", -5, 100, url=f"{cdn}/odd.jpg")
    old.link("cat0", 100, 100, quality=-5, url=f"{cdn}/odd.jpg")
    old.original("scan", pictures.encoded(pictures.gradient(64, 48), "TIFF"))
    old.link("scan", url=f"{cdn}/2018-05-04_scan_100.jpg")
    (old.folder / ".keep").touch()
    old.token("of-a-phone", "phone")
    old.save()


def run(machine: Machine, page: str) -> Iterator[tuple[transcripts.Command, str, int]]:
    """Run the transcript of a page; yield each command, what it printed and its status."""
    with transcripts.Shell(machine.root / "home", machine.shown, machine.environ) as shell:
        for command in transcripts.commands(page):
            printed = shell.run(command)
            yield command, printed, shell.status


@contextlib.contextmanager
def machine(root: Path) -> Iterator[Machine]:
    """A machine with a small installation."""
    with worlds.postgresql_url() as url, s3worlds.World("moto").place() as store:
        folder = root / "opt" / "images"
        folder.mkdir(parents=True)
        old = Published(published.AGES["2019"], url, None, folder)
        fill(old, CDN)
        made = Machine(root, old, store)
        try:
            yield made
        finally:
            made.close()
