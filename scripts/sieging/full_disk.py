"""A disk without one free block, the SQLite database on it: what is refused, and how it ends."""

import json
import tempfile
from pathlib import Path

from scripts.benchmarks.process import Running, server
from scripts.sieging import _disks

_MEGABYTES = 32
_PICTURES = 12

_KEYS = {
    "LIVERESIZE_DISK__RESERVE": "0",
    "LIVERESIZE_DISK__RESERVE_INODES": "0",
    "LIVERESIZE_WORKERS__SLOTS": "1",
    "LIVERESIZE_ADMIN__SECRETS": json.dumps([_disks.SECRET]),
}


def run() -> list[tuple[str, object]]:
    """Fill the disk, ask for everything, delete, and ask again."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        with (
            _disks.small(place / "data", _MEGABYTES) as disk,
            server(place, LIVERESIZE_DATA_DIR=str(disk), **_KEYS) as running,
        ):
            return _attack(running, disk)


def _attack(running: Running, disk: Path) -> list[tuple[str, object]]:
    data = _disks.picture()
    for number in range(_PICTURES):
        _disks.put(running, f"cat{number}", data)
        running.get(f"/cat{number}_100_0.jpg")
    dog = json.loads(_disks.token(running, "dog")[2])["token"]
    _disks.fill(disk)
    refused, headers, _ = _disks.token(running, "cow")
    rows: list[tuple[str, object]] = [
        ("free bytes of the disk", _disks.free(disk)),
        ("POST /token", f"{refused}, Retry-After {headers.get('Retry-After')}"),
        ("an upload with a token from before", _disks.upload(running, "dog", data, dog)[0]),
    ]
    seen = {
        running.get(f"/cat{number}_{size}_0.jpg")[0] for number in range(3) for size in (100, 90)
    }
    rows.append(("GETs, known and new", sorted(seen)))
    purged, _, _ = _disks.ask(
        running, "POST", "/purge", {"id": "cat0"}, **_disks.HEADERS, Content_Type="application/json"
    )
    rows.append(("POST /purge", purged))
    statuses = [
        _disks.ask(running, "DELETE", f"/cat{number}", **_disks.HEADERS)[0]
        for number in range(_PICTURES - 1)
    ]
    last = f"cat{_PICTURES - 1}"
    return [
        *rows,
        (f"DELETE of {len(statuses)} pictures: 204", f"{statuses.count(204)}, first {statuses[0]}"),
        ("POST /token afterwards", _disks.token(running, "bird")[0]),
        ("the picture that was left", running.get(f"/{last}.jpg")[0]),
    ]
