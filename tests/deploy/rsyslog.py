"""A real rsyslog with the configuration of deploy/elk, on a port and in a folder of its own."""

import contextlib
import json
import os
import shutil
import socket
import subprocess
from pathlib import Path
from typing import Any, Self

import pytest
from web import certificates, servers

SHIPPED = servers.ROOT / "deploy" / "elk" / "rsyslog.conf"

PROGRAM = shutil.which("rsyslogd", path=os.environ["PATH"] + ":/usr/sbin")

needs_rsyslog = pytest.mark.skipif(PROGRAM is None, reason="rsyslog is not installed")


class Rsyslog:
    """rsyslogd with the shipped file; only its port and its folder are changed."""

    def __init__(self, folder: Path, port: int = 0) -> None:
        assert PROGRAM is not None
        self.folder = folder
        self._closing = contextlib.ExitStack()
        # Held, or another test may have it before rsyslog does, who would not say so.
        self.port = port or self._closing.enter_context(certificates.reserved_port())
        self.url = f"tcp://127.0.0.1:{self.port}"
        text = SHIPPED.read_text()
        for piece, instead in {
            'port="5514"': f'port="{self.port}"',
            "/var/log/liveresize/collected-": f"{folder}/collected-",
            "/var/log/liveresize/not-json.log": f"{folder}/not-json.log",
            "global(": f'global(workDirectory="{folder}" ',
        }.items():
            assert text.count(piece) == 1, f"{piece} should stand in rsyslog.conf once"
            text = text.replace(piece, instead)
        configuration = folder / "rsyslog.conf"
        configuration.write_text(text)
        command = [PROGRAM, "-f", str(configuration), "-i", str(folder / "pid")]
        checked = subprocess.run([*command, "-N1"], capture_output=True, text=True, check=False)
        assert checked.returncode == 0, checked.stderr
        self.process = subprocess.Popen(
            [*command, "-n"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            servers.until(self._up)
        except BaseException:
            self.__exit__()
            raise

    def _up(self) -> bool:
        assert self.process.poll() is None
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port)):
            return True
        return False

    def lines(self) -> list[dict[str, Any]]:
        """What it understood."""
        texts = [path.read_bytes() for path in sorted(self.folder.glob("collected-*.json"))]
        return [json.loads(line) for text in texts for line in text.split(b"\n")[:-1]]

    @property
    def odd(self) -> bytes:
        """What it did not."""
        path = self.folder / "not-json.log"
        return path.read_bytes() if path.exists() else b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        try:
            self.process.wait(servers.PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._closing.close()
