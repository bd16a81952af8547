"""A liveresize to measure: started, asked, watched, stopped."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


class Running:
    """A server process and what it is reached by."""

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self.process = process
        self.url = f"http://127.0.0.1:{port}"
        self.peak_kib = 0
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

    def workers(self) -> list[int]:
        """The process ids of the workers."""
        return [pid for pid in tree(self.process.pid) if _is_worker(pid)]

    def memory_kib(self) -> int:
        """Proportional set size of the whole process tree."""
        return sum(pss_kib(pid) for pid in tree(self.process.pid))

    def _watch(self) -> None:
        while self._watching:
            self.peak_kib = max(self.peak_kib, self.memory_kib())
            time.sleep(0.2)

    def stop(self) -> None:
        """End the process as an operator would."""
        self._watching = False
        self._thread.join()
        self.process.send_signal(signal.SIGINT)
        self.process.wait(30)


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: object) -> None:  # type: ignore[override]
        return None


@contextlib.contextmanager
def server(folder: Path, *, port: int = 13370, cpus: str = "", **extra: str) -> Iterator[Running]:
    """A server on `folder`, its data included; `cpus` as taskset takes them."""
    (folder / "config").mkdir(exist_ok=True)
    environment = {
        **os.environ,
        "PORT": str(port),
        "NODE_CONFIG_DIR": str(folder / "config"),
        "LIVERESIZE_DATA_DIR": str(folder / "data"),
        "LIVERESIZE_LOG__OUTPUT": str(folder / "log"),
        "LIVERESIZE_LIMITS__CLIENT_RENDERS": "0",
        "LIVERESIZE_CACHE__MAX_VARIANTS": "1000000",
        **extra,
    }
    command = [sys.executable, "-m", "liveresize", "serve"]
    if cpus:
        command = ["taskset", "-c", cpus, *command]
    process = subprocess.Popen(command, env=environment, cwd=ROOT)
    running = Running(process, port)
    try:
        _await_ready(running)
        yield running
    finally:
        running.stop()


def _await_ready(running: Running) -> None:
    until = time.monotonic() + 30
    while time.monotonic() < until:
        with contextlib.suppress(OSError):
            if running.get("/_ready")[0] == 200:
                return
        time.sleep(0.05)
    raise SystemExit("the server did not become ready")


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
