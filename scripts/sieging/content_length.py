"""Uploads with a right token and a `Content-Length` of 5,000 digits: what is left of each."""

import contextlib
import json
import os
import socket
import sqlite3
import statistics
import tempfile
import time
import urllib.request
from collections import Counter
from pathlib import Path

from liveresize.storage.index import schema
from scripts.benchmarks import process

UPLOADS = 300
"""Far below where descriptors run out."""

ASKED = 200

PATIENCE = 5.0


def run() -> list[tuple[str, object]]:
    """Send the uploads, and look at the descriptors, files and latency before and after."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with process.server(folder, LIVERESIZE_DISK__RESERVE="0") as server:
            pid, port = server.process.pid, int(server.url.rpartition(":")[2])
            before, calm = _descriptors(pid), _latency(server)
            statuses = Counter(_attack(server, port, f"attack-{n}") for n in range(UPLOADS))
            server.settle()
            return [
                ("uploads with 5,000 digits of Content-Length", UPLOADS),
                ("answers", dict(statuses)),
                ("descriptors that stay open", _descriptors(pid) - before),
                ("staged files that stay", len(list((folder / "data").rglob("_staging/*")))),
                ("ids that uploads hold", _held(folder)),
                ("/_live before, ms (median)", f"{calm:.2f}"),
                ("/_live after, ms (median)", f"{_latency(server):.2f}"),
            ]


def _attack(server: process.Running, port: int, image: str) -> str:
    """The status of one such upload."""
    head = (
        f"POST /{image} HTTP/1.1\r\nHost: a\r\nX-Token: {_token(server, image)}\r\n"
        f"Content-Type: image/jpeg\r\nContent-Length: {'1' * 5000}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as connection:
        connection.sendall(head.encode())
        try:
            said = connection.recv(65_536)
        except OSError:
            return "none"
    return said[9:12].decode() or "none"


def _token(server: process.Running, image: str) -> str:
    request = urllib.request.Request(
        f"{server.url}/token", json.dumps({"id": image}).encode(), method="POST"
    )
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        token: str = json.load(answer)["token"]
    return token


def _held(folder: Path) -> int:
    """How many ids uploads hold."""
    with contextlib.closing(sqlite3.connect(folder / "data" / "liveresize.sqlite")) as database:
        found: int = database.execute(
            "SELECT count(*) FROM upload_tokens WHERE state = ?", (schema.State.UPLOADING,)
        ).fetchone()[0]
    return found


def _descriptors(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/fd"))


def _latency(server: process.Running) -> float:
    """Milliseconds that an answer takes, the median of many."""
    times = []
    for _ in range(ASKED):
        began = time.perf_counter()
        server.get("/_live")
        times.append((time.perf_counter() - began) * 1000)
    return statistics.median(times)
