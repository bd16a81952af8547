"""Connections that ask for large pictures and read nothing, or little, of them."""

import contextlib
import os
import socket
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from PIL import Image

from scripts.benchmarks import process

SIDE = 1500
CONNECTIONS = 260
ADDRESSES = 8
DISTINCT = 16
"""Different renditions, of 4 to 7 MB each: more than may be unsent at once."""

SLOWLY = 16 << 10
"""Bytes that a connection reads each quarter of a second where it reads at all."""

PATIENCE = 6.0
"""Seconds that an attack lasts once every connection has asked."""

AS_SHIPPED = {
    "LIVERESIZE_LIMITS__CLIENT_RENDERS": "100",
    "LIVERESIZE_LIMITS__CLIENT_CONNECTIONS": "256",
}
"""What servers that are measured do without, and this one does not."""

Row = tuple[str, object]


def run() -> list[Row]:
    """One address, then several, all for one rendition; then a rendition each, and then the
    same from one address that reads slowly."""
    rows: list[Row] = []
    with (
        tempfile.TemporaryDirectory() as folder,
        process.server(Path(folder), **AS_SHIPPED) as server,
    ):
        picture = Path(folder) / "noise.png"
        noise = Image.frombytes("RGB", (SIDE, SIDE), os.urandom(SIDE * SIDE * 3))
        noise.save(picture, compress_level=0)
        server.upload("noise", picture)
        size = server.get(_target(0))[1]
        rows.append(("size of a rendition", f"{size / 1e6:.2f} MB"))
        for title, addresses, first, renditions, slowly in (
            ("one address, one rendition", 1, 0, 1, 0),
            (f"{ADDRESSES} addresses, one rendition", ADDRESSES, 0, 1, 0),
            (f"{ADDRESSES} addresses, {DISTINCT} new renditions", ADDRESSES, 1, DISTINCT, 0),
            (f"one address, {DISTINCT} more, read slowly", 1, 1 + DISTINCT, DISTINCT, SLOWLY),
        ):
            targets = [_target(first + each) for each in range(renditions)]
            found = _attack(server, addresses, targets, slowly)
            rows += [(f"{title}: {what}", value) for what, value in found]
    return rows


def _attack(
    server: process.Running, addresses: int, targets: list[str], slowly: int
) -> Iterator[Row]:
    server.settle()
    server.peak_kib = idle = server.memory_kib()
    kernel = _kernel_kib()
    with Probe(server.url) as probe, contextlib.ExitStack() as stack:
        idlers = [
            stack.enter_context(_idler(server.url, f"127.0.1.{1 + each % addresses}", 4 * slowly))
            for each in range(CONNECTIONS)
        ]
        for each, idler in enumerate(idlers):
            with contextlib.suppress(OSError):
                idler.sendall(_request(targets[each % len(targets)]))
            time.sleep(0.002)
        heads = [b""] * len(idlers)
        ends = time.monotonic() + PATIENCE
        while time.monotonic() < ends:
            time.sleep(0.25)
            if slowly:
                arrived = [_read(idler, slowly) for idler in idlers]
                heads = [head or first for head, first in zip(heads, arrived, strict=True)]
        kernel = _kernel_kib() - kernel
        status, took = _honest(server.url, _target(100 + addresses + len(targets)))
        heads = [head or _read(idler, 64) for head, idler in zip(heads, idlers, strict=True)]
    yield "memory of the process tree, before", f"{idle / 1024:.0f} MB"
    yield "memory of the process tree, at most", f"{server.peak_kib / 1024:.0f} MB"
    yield "memory of the kernel's sockets", f"{kernel / 1024:.0f} MB"
    yield "longest wait of another client for /_live", f"{probe.longest * 1000:.0f} ms"
    yield "probes without an answer", probe.failed
    yield "connections answered 200", sum(b" 200 " in head for head in heads)
    yield "connections answered 503", sum(b" 503 " in head for head in heads)
    yield "connections closed without an answer", sum(head == b"" for head in heads)
    yield "another client's large picture meanwhile", f"{status} in {took * 1000:.0f} ms"


@contextlib.contextmanager
def _idler(url: str, address: str, room: int = 0) -> Iterator[socket.socket]:
    """A connection from `address` with `room` for what arrives, or hardly any."""
    host, _, port = url.removeprefix("http://").partition(":")
    with socket.socket() as idler:
        idler.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, room or 4096)
        idler.bind((address, 0))
        idler.connect((host, int(port)))
        yield idler


def _target(number: int) -> str:
    """The address of a large rendition, another one for each number."""
    return f"/noise_{SIDE - number}_0.jpg?quality=100&proxy=true"


def _request(target: str) -> bytes:
    return f"GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()


def _read(idler: socket.socket, size: int) -> bytes:
    """Read as much of what has arrived; the first line, empty where nothing has."""
    idler.setblocking(False)
    with contextlib.suppress(OSError):
        return idler.recv(size).partition(b"\r\n")[0]
    return b""


def _honest(url: str, target: str) -> tuple[int, float]:
    """(status, seconds) of a client that reads what it asks for."""
    began = time.monotonic()
    try:
        with urllib.request.urlopen(url + target, timeout=20) as answer:
            answer.read()
            return answer.status, time.monotonic() - began
    except OSError as error:
        return getattr(error, "code", 0), time.monotonic() - began


def _kernel_kib() -> int:
    """Memory of all TCP sockets of this machine, of clients and servers alike."""
    for line in Path("/proc/net/sockstat").read_text().splitlines():
        if line.startswith("TCP:"):
            return int(line.split()[-1]) * os.sysconf("SC_PAGE_SIZE") >> 10
    return 0


class Probe:
    """Asks for /_live each 50 ms, from an address of its own."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._going = True
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.longest = 0.0
        self.failed = 0

    def __enter__(self) -> "Probe":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._going = False
        self._thread.join()

    def _run(self) -> None:
        while self._going:
            began = time.monotonic()
            try:
                self._ask()
            except OSError:
                self.failed += 1
            self.longest = max(self.longest, time.monotonic() - began)
            time.sleep(0.05)

    def _ask(self) -> None:
        with _idler(self._url, "127.0.2.1") as connection:
            connection.settimeout(20)
            connection.sendall(_request("/_live"))
            if b" 200 " not in connection.recv(64):
                raise OSError
