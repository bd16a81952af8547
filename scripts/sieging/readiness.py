"""Writes that fail while pictures are answered: what /_ready, the metrics and the log say of it."""

import contextlib
import json
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from scripts.benchmarks.process import Running, server
from scripts.sieging import _disks

_MEGABYTES = 48
_RESERVE = 16 << 20

_PATIENCE = 13.0
"""Seconds that /_ready is given to notice anything."""

_KEYS = {
    "LIVERESIZE_DISK__RESERVE": str(_RESERVE),
    "LIVERESIZE_DISK__RESERVE_INODES": "0",
    "LIVERESIZE_WORKERS__SLOTS": "1",
    "LIVERESIZE_LOG__FORMAT": "logstash",
}

_METRICS = ("liveresize_index_writable", "liveresize_disk_short")


def run() -> list[tuple[str, object]]:
    """One trouble after the other, each ended before the next."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        with (
            _disks.small(place / "data", _MEGABYTES) as disk,
            server(place, LIVERESIZE_DATA_DIR=str(disk), **_KEYS) as running,
        ):
            _disks.put(running, "cat", _disks.picture())
            rows = []
            for name, trouble in (
                ("locked database", lambda: _locked(disk / "liveresize.sqlite")),
                ("disk below its reserve", lambda: _filled(disk, _RESERVE // 2)),
                ("full disk", lambda: _filled(disk, 0)),
            ):
                rows += _look(running, name, trouble)
            lines = [json.loads(line) for line in (place / "log").read_text().splitlines()]
    events = [line["event"] for line in lines if line["logger_name"].rpartition(".")[2] in _LOGGERS]
    return [*rows, ("events", " ".join(events) or "none")]


_LOGGERS = ("index", "disk")


def _look(
    running: Running, name: str, trouble: Callable[[], contextlib.AbstractContextManager[None]]
) -> Iterator[tuple[str, object]]:
    with trouble():
        refused, headers, _ = _disks.token(running, f"dog-{len(name)}")
        yield f"{name}: POST /token", f"{refused}, Retry-After {headers.get('Retry-After')}"
        taken = _until(running, degraded=True)
        said = _ready(running)
        yield f"{name}: /_ready", f"{said['status']}, degraded {said['degraded']}, after {taken}"
        yield f"{name}: metrics", _metrics(running)
        yield f"{name}: a picture", running.get("/cat_100_0.jpg")[0]
    yield f"{name}: ready again", _until(running, degraded=False)


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Another process writes and does not come to an end."""
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")
    finally:
        connection.close()


@contextlib.contextmanager
def _filled(disk: Path, leave: int) -> Iterator[None]:
    """So many bytes are left."""
    filling = _disks.fill(disk, leave=leave)
    try:
        yield
    finally:
        filling.unlink()


def _ready(running: Running) -> dict[str, object]:
    said: dict[str, object] = json.loads(_disks.ask(running, "GET", "/_ready")[2])
    return said


def _until(running: Running, *, degraded: bool) -> str:
    begun = time.monotonic()
    while time.monotonic() - begun < _PATIENCE:
        if bool(_ready(running)["degraded"]) is degraded:
            return f"{time.monotonic() - begun:.1f} s"
        time.sleep(0.1)
    return f"never, in {_PATIENCE:g} s"


def _metrics(running: Running) -> str:
    text = _disks.ask(running, "GET", "/_metrics")[2].decode()
    found = [line for line in text.splitlines() if line.startswith(_METRICS)]
    return ", ".join(line.removeprefix("liveresize_") for line in found) or "none"
