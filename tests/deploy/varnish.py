"""A real Varnish with the VCL of deploy/varnish, in front of one server."""

import os
import shutil
import socket
import subprocess
from pathlib import Path
from typing import Self

import httpx
import pytest
from web import servers

SHIPPED = servers.ROOT / "deploy" / "varnish" / "liveresize.vcl"

PROGRAM = shutil.which("varnishd", path=os.environ["PATH"] + ":/usr/sbin:/usr/local/sbin")

needs_varnish = pytest.mark.skipif(PROGRAM is None, reason="varnish is not installed")


class Varnish:
    """Varnish on the shipped VCL; `port` is that of the server behind it, once it is known."""

    def __init__(self, folder: Path, port: int = 0) -> None:
        assert PROGRAM is not None
        folder.mkdir()
        self._folder = folder
        with socket.create_server(("127.0.0.1", 0)) as reserved:
            self.port = reserved.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.backend = port

    def __enter__(self) -> Self:
        text = SHIPPED.read_text()
        assert text.count('"1337"') == 1
        vcl = self._folder / "liveresize.vcl"
        vcl.write_text(text.replace('"1337"', f'"{self.backend}"'))
        command = [
            *(str(PROGRAM), "-F", "-j", "none", "-n", str(self._folder / "work")),
            *("-a", f"127.0.0.1:{self.port}", "-f", str(vcl), "-s", "malloc,32m", "-T", "none"),
        ]
        with (self._folder / "log").open("wb") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            servers.until(self._up)
        except BaseException:
            self._stop()
            raise
        self.client = httpx.Client(base_url=self.url, timeout=servers.PATIENCE)
        return self

    def _up(self) -> bool:
        assert self._process.poll() is None, (self._folder / "log").read_text()
        try:
            return httpx.get(f"{self.url}/_live").status_code in (200, 503)
        except httpx.TransportError:
            return False

    def __exit__(self, *_: object) -> None:
        self.client.close()
        self._stop()

    def _stop(self) -> None:
        self._process.terminate()
        self._process.wait(servers.PATIENCE)
