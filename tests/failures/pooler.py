"""A real PgBouncer in front of a cluster, pooling transactions."""

import asyncio
import os
import shutil
import signal
import subprocess
from typing import Self

import asyncpg
import pytest
from web import servers

from .cluster import Cluster, free_port

PROGRAM = shutil.which("pgbouncer", path=os.environ["PATH"] + ":/usr/sbin:/usr/local/sbin")

needs_pgbouncer = pytest.mark.skipif(PROGRAM is None, reason="pgbouncer is not installed")


class Pooler:
    """PgBouncer on a port of its own; a context manager. `stop` and `start` keep the port.

    Many more clients than server connections: each transaction gets whichever is free.
    """

    def __init__(self, cluster: Cluster, servers_at_most: int = 5) -> None:
        self._cluster = cluster
        self._folder = cluster.folder / "pooler"
        self._folder.mkdir()
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        accounts = self._folder / "accounts"
        accounts.write_text('"postgres" ""\n')
        self._settings = self._folder / "pgbouncer.ini"
        self._settings.write_text(
            f"""[databases]
postgres = host=127.0.0.1 port={cluster.port} dbname=postgres
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {self._port}
unix_socket_dir =
auth_type = trust
auth_file = {accounts}
pool_mode = transaction
default_pool_size = {servers_at_most}
max_client_conn = 1000
server_login_retry = 1
"""
        )
        self._settings.chmod(0o644)

    @property
    def url(self) -> str:
        """Where liveresize finds it."""
        return f"postgresql://postgres@127.0.0.1:{self._port}/postgres?sslmode=disable"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Return when it answers."""
        assert PROGRAM is not None
        self._process = subprocess.Popen(
            [PROGRAM, "--quiet", str(self._settings)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            user=self._cluster.user,
        )
        servers.until(self._answers, 60)

    def _answers(self) -> bool:
        async def ask() -> None:
            connection = await asyncpg.connect(self.url, timeout=30, statement_cache_size=0)
            await connection.close()

        try:
            asyncio.run(ask())
        except (OSError, asyncpg.PostgresError):
            return False
        return True

    def stop(self) -> None:
        """End it at once, transactions or none."""
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait()
            self._process = None
