"""Backups of a database, taken and put back as docs/operations.md says."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

from .cluster import Cluster

Restore = Callable[[], None]


def of_cluster(cluster: Cluster, target: Path) -> Restore:
    """A dump of PostgreSQL; what comes back restores it, servers running or not."""
    cluster.run("pg_dump", "--format=custom", f"--file={target}", cluster.url)

    def restore() -> None:
        options = ("--clean", "--if-exists", f"--dbname={cluster.url}")
        cluster.run("pg_restore", *options, str(target))

    return restore


def of_file(path: Path, target: Path) -> Restore:
    """A copy of an SQLite file; what comes back puts it in place while no server runs."""
    connection = sqlite3.connect(path)
    connection.execute("VACUUM INTO ?", (str(target),))
    connection.close()

    def restore() -> None:
        for suffix in ("", "-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        path.write_bytes(target.read_bytes())

    return restore
