"""A stand-in for systemd: it hands over sockets, and listens to what the service says."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Self

import httpx
from web import servers

_HAND_OVER = """
import fcntl, os, sys
descriptors = [fcntl.fcntl(int(each), fcntl.F_DUPFD, 100) for each in sys.argv[1].split(",")]
for place, descriptor in enumerate(descriptors, 3):
    os.dup2(descriptor, place)
os.closerange(3 + len(descriptors), 1024)
os.environ["LISTEN_PID"] = str(os.getpid())
os.execv(sys.executable, [sys.executable, "-W", "error", *sys.argv[2:]])
"""
"""Puts sockets where a service looks for them, and becomes that service."""


def handed_over(
    sockets: list[socket.socket], *arguments: str, **options: object
) -> "subprocess.Popen[bytes]":
    """`python …` with these sockets, as systemd would start it; `options` are Popen's."""
    numbers = [each.fileno() for each in sockets]
    environ = {**os.environ, "PYTHONPATH": str(servers.ROOT), "LISTEN_FDS": str(len(numbers))}
    environ |= options.pop("env", {})  # type: ignore[call-overload]
    return subprocess.Popen(  # type: ignore[call-overload, no-any-return]
        [sys.executable, "-c", _HAND_OVER, ",".join(map(str, numbers)), *arguments],
        env=environ,
        pass_fds=numbers,
        **options,
    )


def listening(port: int = 0) -> socket.socket:
    """A listening socket of 127.0.0.1."""
    return socket.create_server(("127.0.0.1", port), backlog=1024)


class Notes:
    """Where a service tells how it is: `NOTIFY_SOCKET`."""

    def __init__(self) -> None:
        self.address = f"@liveresize-{uuid.uuid4()}"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind("\0" + self.address[1:])
        self._socket.setblocking(False)
        self.told: list[dict[str, str]] = []

    def read(self) -> list[dict[str, str]]:
        """Every note so far, the oldest first: each the values by their names."""
        with contextlib.suppress(BlockingIOError):
            while True:
                lines = self._socket.recv(65_536).decode().split("\n")
                self.told.append(dict(line.split("=", 1) for line in lines))
        return self.told

    def forget(self) -> None:
        """Drop what has been told."""
        self.read()
        self.told.clear()

    def having(self, name: str) -> list[dict[str, str]]:
        """The notes that tell of `name`."""
        return [note for note in self.read() if name in note]

    def close(self) -> None:
        """Listen no more."""
        self._socket.close()


class Service:
    """The server as systemd runs it: on sockets that outlive it."""

    def __init__(self, folder: Path, **keys: object) -> None:
        """`keys` are settings, as `servers.environ` takes them."""
        self.folder = folder
        self.socket = listening()
        self.sockets = [self.socket]
        self.port: int = self.socket.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.client = servers.Client(self.url)
        self.notes = Notes()
        self.environ = {
            "NOTIFY_SOCKET": self.notes.address,
            "NODE_CONFIG_DIR": str(folder),
            # What it must not bind: the port is taken, by ourselves.
            **servers.environ(folder, **{"listen_port": self.port, **keys}),
        }
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> "subprocess.Popen[bytes]":
        """Start it; returns at once."""
        with (self.folder / "output").open("ab") as output:
            self.process = handed_over(
                self.sockets,
                *("-m", "liveresize", "serve"),
                env=self.environ,
                cwd=self.folder,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        return self.process

    def up(self) -> None:
        """Start it; returns when it has said that it is ready."""
        self.notes.forget()
        self.start()
        self.until(lambda: self.notes.having("READY"))

    def restart(self) -> None:
        """SIGTERM, its end, and the next one, as `systemctl restart` does it."""
        assert self.process is not None
        self.process.terminate()
        assert self.process.wait(2 * servers.PATIENCE) == 0, self.output
        self.up()

    def until(self, condition: Callable[[], object]) -> None:
        """Return when `condition` holds; fails at once if it has ended instead."""

        def met() -> object:
            assert self.process is not None
            assert self.process.poll() is None, self.output
            return condition()

        servers.until(met, 3 * servers.PATIENCE)

    @property
    def output(self) -> str:
        """What it has said on stdout and stderr."""
        return (self.folder / "output").read_text()

    def ready(self) -> int:
        """The status of /_ready, asked on a connection of its own."""
        return httpx.get(f"{self.url}/_ready", timeout=3.0).status_code

    @property
    def family(self) -> list[int]:
        """It and its workers."""
        assert self.process is not None
        mine = []
        for entry in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError, IndexError):
                fields = (entry / "stat").read_text().rsplit(")", 1)[1].split()
                if int(fields[3]) == self.process.pid:
                    mine.append(int(entry.name))
        return mine

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()
        if self.process is not None:
            for pid in self.family:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self.process.wait(servers.PATIENCE)
        self.notes.close()
        for each in self.sockets:
            each.close()
