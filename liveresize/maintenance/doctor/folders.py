"""Check of the folders: durable writes, free space and file system."""

import os
import re
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from liveresize.maintenance.doctor.findings import Finding, amount, ok, problem, user, warning
from liveresize.settings.server import Disk

_REMOTE = re.compile(
    r"nfs4?|cifs|smb[23]?|ncpfs|afs|9p|ceph|lustre|gluster\w*|ocfs2|gfs2|fuse\.(?!ext|ntfs|portal).*"
)
"""Network file systems. A hit does one `stat` in the event loop."""

_PASSING = ("tmpfs", "ramfs", "overlay")
"""File systems that lose their files with the next boot, or with the container."""

_SLOW = 0.05
"""Seconds of a sync above which uploads become noticeably slower."""

_SYNCS = 5

_OURS = (
    *("originals", "originals/_main", "originals/_staging", "_main", "_staging"),
    *("renditions", "spool", "running", "heard.json"),
)
"""What a server makes in `data_dir`, and in a folder of originals."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """A folder of ours: the key that names it, and what of its disk must stay free."""

    key: str
    path: Path
    disk: Disk


def look(folder: Folder, mounts: Path = Path("/proc/self/mounts")) -> Iterator[Finding]:
    """Check a folder; blocks for a few syncs. `mounts` lists file systems."""
    part, path = folder.key, folder.path.absolute()
    standing = path
    while not os.path.exists(standing) and standing != standing.parent:
        standing = standing.parent
    if closed := _closed(part, path, standing):
        yield closed
        return
    if standing != path:
        yield ok(part, f"{path} is not there yet, and can be made.")
    try:
        took = _sync(standing)
    except OSError as error:
        yield problem(
            part,
            f"Nothing can be written to {standing}: {error.strerror}.",
            "Free or repair that disk, or choose another.",
        )
        return
    if took > _SLOW:
        yield warning(
            part,
            f"A file in {standing} takes {took * 1000:.0f} ms to become durable.",
            "Keep originals and the database on a disk with a faster sync.",
        )
    else:
        yield ok(part, f"{standing} is writable, and syncs in {took * 1000:.1f} ms.")
    yield from _foreign(part, path)
    yield from _room(folder, standing)
    yield from _kind(folder, standing, mounts)


def _closed(part: str, path: Path, standing: Path) -> Finding | None:
    """Return why `path`, of which `standing` exists, cannot be written to."""
    if not os.path.isdir(standing):
        return problem(part, f"{standing} is no folder.", f"Set {part} to a folder.")
    if not os.access(standing, os.X_OK):
        return problem(
            part,
            f"{path} is out of reach: the user {user()} may not enter {standing}.",
            f"Set {part} to another folder, or let that user enter {standing}.",
        )
    if os.access(standing, os.W_OK):
        return None
    if standing == path:
        do = f"As root: chown -R {user()}: {path}"
    else:
        do = (
            f"As root: install -d -o {user()} -m 750 {path}; under systemd, name it in "
            "ReadWritePaths= as well"
        )
    return problem(
        part,
        f"{path} cannot be {'written to' if standing == path else 'made'} by the user {user()}.",
        f"{do}. Or set {part} to another folder.",
    )


def _foreign(part: str, path: Path) -> Iterator[Finding]:
    """Find what root has left in the folder after a command that root ran as itself."""
    rights = os.R_OK | os.W_OK
    closed = [
        name
        for name in _OURS
        if os.path.exists(path / name)
        and not os.access(path / name, rights | (os.X_OK if os.path.isdir(path / name) else 0))
    ]
    if closed:
        yield problem(
            part,
            f"{', '.join(closed)} in {path} cannot be written to by the user {user()}.",
            f"As root: chown -R {user()}: {path}",
        )


def _sync(folder: Path) -> float:
    """Return the median time in seconds of a durable write. Raises OSError."""
    times = []
    with tempfile.TemporaryFile(dir=folder, prefix="liveresize-doctor-") as file:
        for _ in range(_SYNCS):
            began = time.perf_counter()
            file.write(b"\0" * 4096)
            file.flush()
            os.fsync(file.fileno())
            times.append(time.perf_counter() - began)
    return sorted(times)[_SYNCS // 2]


def _room(folder: Folder, standing: Path) -> Iterator[Finding]:
    usage = os.statvfs(standing)
    free = usage.f_bavail * usage.f_frsize
    sentence = f"{amount(free)} are free, of which disk.reserve keeps {amount(folder.disk.reserve)}"
    yield from _against(folder.key, free, folder.disk.reserve, sentence, "space")
    if usage.f_files:
        share = 100 * usage.f_favail / usage.f_files
        sentence = (
            f"{share:.0f} % of the inodes are free, of which disk.reserve_inodes keeps "
            f"{folder.disk.reserve_inodes:g} %"
        )
        yield from _against(folder.key, share, folder.disk.reserve_inodes, sentence, "inodes")


def _against(part: str, free: float, reserve: float, sentence: str, what: str) -> Iterator[Finding]:
    """Compare the free space with the reserve: uploads stop at it, renditions at twice as much."""
    do = f"Free {what} on that disk, or lower its reserve."
    if free < reserve or not free:
        yield problem(part, f"{sentence}: uploads are refused.", do)
    elif free < 2 * reserve:
        yield warning(part, f"{sentence}: renditions are no longer kept.", do)
    else:
        yield ok(part, f"{sentence}.")


def _kind(folder: Folder, standing: Path, mounts: Path) -> Iterator[Finding]:
    kind = _file_system(standing.resolve(), mounts)
    if _REMOTE.fullmatch(kind):
        yield warning(
            folder.key,
            f"{standing} lies on {kind}, which is served by another machine or program.",
            "Use a local disk: every request that is no hit waits there for a look at a file.",
        )
    elif kind in _PASSING:
        yield warning(
            folder.key,
            f"{standing} lies on {kind}, whose files go with the container or the next start.",
            "Mount a disk or a volume there.",
        )
    elif kind:
        yield ok(folder.key, f"{standing} lies on {kind}.")


def _file_system(path: Path, mounts: Path) -> str:
    """Return the type of the file system of `path`; empty if it is unknown."""
    best, kind = "", ""
    try:
        lines = mounts.read_text(errors="replace").splitlines()
    except OSError:
        return ""
    for line in lines:
        _, point, name, *_ = line.split(" ")
        point = re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), point)
        inside = path == Path(point) or Path(point) in path.parents
        if inside and len(point) >= len(best):  # what is mounted later lies on top
            best, kind = point, name
    return kind
