"""Refused uploads of 8 MB that arrive at 1 KB/s: for how long each holds its connection."""

import socket
import tempfile
import time
from pathlib import Path

from scripts.benchmarks import process

SIZE = 8 << 20

RATE = 1 << 10
"""Bytes a second, just above the default of `limits.body_rate`."""

STEP = 0.1

WATCHED = 20.0
"""Seconds after which what is still read is taken to be read to its end."""

ASKED = {
    "POST of an upload without a token": b"POST /cat HTTP/1.1\r\nX-Token: none\r\n",
    "POST /purge without a secret": b"POST /purge HTTP/1.1\r\n",
    "POST to no route": b"POST /_nothing HTTP/1.1\r\n",
    "GET of a picture that is not there": b"GET /nobody.jpg HTTP/1.1\r\n",
}


def run() -> list[tuple[str, object]]:
    """Send each until the server ends it, or for `WATCHED` seconds."""
    with tempfile.TemporaryDirectory() as name, process.server(Path(name)) as server:
        port = int(server.url.rpartition(":")[2])
        rows: list[tuple[str, object]] = [("seconds that an 8 MB body would take", SIZE // RATE)]
        rows += [(what, _dawdle(port, head)) for what, head in ASKED.items()]
        return rows


def _dawdle(port: int, head: bytes) -> str:
    """How it ended."""
    fields = b"Host: a\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % SIZE
    began = time.monotonic()
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.settimeout(STEP)
        connection.sendall(head + fields)
        said = b""
        while (elapsed := time.monotonic() - began) < WATCHED:
            try:
                connection.sendall(bytes(int(STEP * RATE) * 2))
                data = connection.recv(65_536)
            except TimeoutError:
                continue
            except OSError:
                return f"broken off after {elapsed:.1f} s"
            said += data
            if not data:
                break
    status = said[9:12].decode() or "no answer"
    if elapsed >= WATCHED:
        return f"held for more than {WATCHED:.0f} s, {SIZE // RATE} s at this rate ({status})"
    return f"{status}, ended after {elapsed:.1f} s"
