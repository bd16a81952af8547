"""A server to measure: started, asked, watched, stopped."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

TICKS = os.sysconf("SC_CLK_TCK")
"""Ticks of the kernel's clock a second."""

LIFTED = {
    "LIVERESIZE_LIMITS__CLIENT_RENDERS": "0",
    "LIVERESIZE_LIMITS__CLIENT_CONNECTIONS": "0",
    "LIVERESIZE_CACHE__MAX_VARIANTS": "1000000",
}
"""Limits that servers are measured without: the load comes from one address, and asks for more
than one client may."""


def lifted() -> str:
    """LIFTED as settings: `limits.client_renders=0` and so on."""
    named = ((key.removeprefix("LIVERESIZE_").lower(), value) for key, value in LIFTED.items())
    return ", ".join(f"{key.replace('__', '.')}={value}" for key, value in named)


class Running:
    """A server process and what it is reached by."""

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self.process = process
        self.url = f"http://127.0.0.1:{port}"
        self.peak_kib = 0
        self.watched = True
        """Whether its memory is looked at, which costs some ms of processor time."""
        self._watching = True
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def upload(self, name: str, path: Path) -> dict[str, object]:
        """Put a picture in; returns the receipt."""
        asked = urllib.request.Request(
            f"{self.url}/token", json.dumps({"id": name}).encode(), method="POST"
        )
        with urllib.request.urlopen(asked) as answer:
            token = json.load(answer)["token"]
        sent = urllib.request.Request(
            f"{self.url}/{name}",
            path.read_bytes(),
            {"X-Token": token, "Content-Type": "image/jpeg"},
            method="POST",
        )
        with urllib.request.urlopen(sent) as answer:
            receipt: dict[str, object] = json.load(answer)
        return receipt

    def get(self, path: str) -> tuple[int, int]:
        """(status, bytes) of one request; redirects are not followed."""
        opener = urllib.request.build_opener(_Stay)
        try:
            with opener.open(self.url + path) as answer:
                return answer.status, len(answer.read())
        except urllib.error.HTTPError as error:
            return error.code, 0

    def fetch(self, path: str) -> bytes:
        """The body of what `path` leads to; raises OSError unless it is 200."""
        with urllib.request.urlopen(self.url + path) as answer:
            data: bytes = answer.read()
        return data

    def workers(self) -> list[int]:
        """The process ids of the workers."""
        return [pid for pid in tree(self.process.pid) if _is_worker(pid)]

    def memory_kib(self) -> int:
        """Proportional set size of the whole process tree."""
        return sum(pss_kib(pid) for pid in tree(self.process.pid))

    def ticks(self) -> int:
        """Processor time of the process tree so far, in ticks of the kernel's clock."""
        return tree_ticks(self.process.pid)

    def cpu_ms(self) -> float:
        """The same in ms."""
        return self.ticks() * 1000 / TICKS

    def settle(self) -> None:
        """Wait until it rests, 10 s at most: what a load leaves behind is not the next one's."""
        until = time.monotonic() + 10
        before = -2
        while time.monotonic() < until:
            now = self.ticks()
            if now - before <= 1:
                return
            before = now
            time.sleep(0.2)

    def _watch(self) -> None:
        while self._watching:
            if self.watched:
                self.peak_kib = max(self.peak_kib, self.memory_kib())
            time.sleep(0.2)

    def stop(self) -> None:
        """End the process as an operator would."""
        self._watching = False
        self._thread.join()
        below = tree(self.process.pid)
        self.process.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(30)
        # Not every peer takes its own children along.
        for pid in below:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait(30)


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: object) -> None:
        return None


@contextlib.contextmanager
def server(folder: Path, *, cpus: str = "", root: Path = ROOT, **extra: str) -> Iterator[Running]:
    """A server on `folder`, its data included; `cpus` as taskset takes them.

    Its code is that of the checkout at `root`.
    """
    port = free_port()
    (folder / "config").mkdir(exist_ok=True)
    environment = {
        **os.environ,
        "PORT": str(port),
        "NODE_CONFIG_DIR": str(folder / "config"),
        "LIVERESIZE_DATA_DIR": str(folder / "data"),
        "LIVERESIZE_LOG__OUTPUT": str(folder / "log"),
        **LIFTED,
        **extra,
    }
    command = [sys.executable, "-m", "liveresize", "serve"]
    if cpus:
        command = ["taskset", "-c", cpus, *command]
    with serving(command, port, root, environment, ready="/_ready") as running:
        yield running


@contextlib.contextmanager
def serving(
    command: list[str],
    port: int,
    folder: Path,
    environment: dict[str, str] | None = None,
    ready: str | None = None,
) -> Iterator[Running]:
    """Any server that `command`, run in `folder`, puts on `port`.

    It counts as ready when `ready` answers 200, or without one when it answers at all.
    """
    process = subprocess.Popen(command, env=environment, cwd=folder)
    running = Running(process, port)
    try:
        _await_ready(running, ready)
        yield running
    finally:
        running.stop()


def free_port() -> int:
    """A port of this machine that nobody listens on just now."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def _await_ready(running: Running, path: str | None) -> None:
    until = time.monotonic() + 30
    while time.monotonic() < until:
        with contextlib.suppress(OSError):
            if running.get(path or "/")[0] == 200 or path is None:
                return
        time.sleep(0.05)
    raise SystemExit(f"{running.process.args!r} did not become ready")


def tree(pid: int) -> list[int]:
    """`pid` and everything below it."""
    below: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                stat = (entry / "stat").read_text()
                below.setdefault(int(stat.rpartition(")")[2].split()[1]), []).append(
                    int(entry.name)
                )
    found, ahead = [], [pid]
    while ahead:
        each = ahead.pop()
        found.append(each)
        ahead += below.get(each, [])
    return found


def tree_ticks(pid: int) -> int:
    """Processor time of `pid` and everything below it, in ticks of the kernel's clock.

    A process that has ended counts with the one that has waited for it, so that workers may be
    replaced meanwhile. It is read again if one ends between the reads of both.
    """
    while True:
        pids = tree(pid)
        total = sum(sum(times(each)) for each in pids)
        if tree(pid) == pids:
            return total


def ticks(pid: int) -> int:
    """Processor time of one process, in ticks of the kernel's clock; 0 once it is gone."""
    return sum(times(pid)[:2])


def times(pid: int) -> list[int]:
    """Processor time of one process in ticks: as a user, in the kernel, and both once more
    for the children that it has waited for; zeros once it is gone."""
    with contextlib.suppress(OSError):
        return times_of(Path(f"/proc/{pid}/stat").read_text())
    return [0, 0, 0, 0]


def times_of(stat: str) -> list[int]:
    """The same from the `stat` of a process in /proc, whose name may have spaces and brackets."""
    return [int(each) for each in stat.rpartition(")")[2].split()[11:15]]


def pss_kib(pid: int) -> int:
    """Proportional set size of one process; 0 once it is gone."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1])
    return 0


def _is_worker(pid: int) -> bool:
    """Whether a process below the server turns pictures: forked off the fork server."""
    with contextlib.suppress(OSError):
        parent = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
        return b"forkserver" in Path(f"/proc/{parent}/cmdline").read_bytes()
    return False
