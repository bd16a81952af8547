"""The log file of a server in the hands of a real logrotate."""

import functools
import getpass
import grp
import gzip
import json
import os
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest
from web import pictures, servers

SHIPPED = servers.ROOT / "deploy" / "logrotate" / "liveresize"

PROGRAM = shutil.which("logrotate", path=os.environ["PATH"] + ":/usr/sbin")

SIGNAL = "systemctl kill --signal=HUP --kill-whom=main 'liveresize*.service' || true"


class Rotated(servers.Process):
    """A server whose log file is rotated; its lines are those of all the files."""

    def __init__(self, folder: Path) -> None:
        self.current = folder / "log"
        self._configuration, self._state = folder / "logrotate", folder / "state"
        super().__init__(folder)
        text = SHIPPED.read_text()
        for piece, instead in {
            "/var/log/liveresize/*.log": str(self.current),
            "su liveresize liveresize": f"su {getpass.getuser()} {grp.getgrgid(os.getgid())[0]}",
            SIGNAL: f"kill -HUP {self.process.pid}",
        }.items():
            assert text.count(piece) == 1, f"{piece} should stand in deploy/logrotate once"
            text = text.replace(piece, instead)
        self._configuration.write_text(text)
        self._configuration.chmod(0o644)

    def rotate(self) -> None:
        """As the timer of the day does; names tell the second, which must be another one."""
        servers.until(self._rotate)

    def _rotate(self) -> bool:
        assert PROGRAM is not None
        command = [PROGRAM, "--force", "--state", str(self._state), str(self._configuration)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0 or "already exists" in done.stderr, done.stderr
        return done.returncode == 0

    @property
    def files(self) -> list[Path]:
        """All of them, the oldest first."""
        return [*sorted(self.folder.glob("log-*")), self.current]

    def lines(self, event: str = "") -> list[dict[str, Any]]:
        """What stands in all of them."""
        text = b""
        for path in self.files:
            if path.exists():
                data = path.read_bytes()
                text += gzip.decompress(data) if path.suffix == ".gz" else data
        found = [json.loads(line) for line in text.split(b"\n")[:-1]]
        return [line for line in found if not event or line["event"] == event]

    def ask(self, name: str) -> None:
        """One request of that id, and its line."""
        self.client.get("/cat_20_0.jpg", headers={"X-Request-Id": name})


@pytest.mark.skipif(PROGRAM is None, reason="logrotate is not installed")
def test_no_line_is_lost_or_torn_when_the_file_is_rotated(tmp_path: Path) -> None:
    """The server goes on in a new file, and every request has its line in one of them."""
    with Rotated(tmp_path) as process:
        process.client.put_in("cat", pictures.jpeg())
        names = [f"r{turn}-{number}" for turn in range(2) for number in range(30)]
        for number, name in enumerate(names):
            process.ask(name)
            if number % 30 == 15:
                # Lines of this moment may go to either file.
                before = process.current.stat().st_ino
                process.rotate()
                process.ask(f"after-{name}")
                servers.until(functools.partial(_reopened, process.current, before))
        process.line_of(names[-1])
        asked = [line["request_id"] for line in process.lines("access")]
        assert [name for name in asked if name in names] == names
        oldest, newer, _ = process.files
        assert (oldest.suffix == ".gz", newer.suffix == ".gz") == (True, False)
        assert process.current.stat().st_mode & 0o777 == 0o640


def _reopened(path: Path, before: int) -> bool:
    return path.exists() and path.stat().st_ino != before


def test_the_signal_alone_opens_the_file_again(tmp_path: Path) -> None:
    """For rotation by others, who move the file away and signal."""
    with servers.Process(tmp_path) as process:
        process.log.rename(tmp_path / "old")
        process.process.send_signal(signal.SIGHUP)
        process.client.get("/robots.txt", headers={"X-Request-Id": "after"})
        servers.until(lambda: process.log.exists() and '"after"' in process.log.read_text())
        assert '"after"' not in (tmp_path / "old").read_text()
