"""No process outlives the server, however that ends."""

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from . import pools, server

ROOT = Path(server.__file__).parents[2]


class Server:
    """A server in a session of its own, with a worker busy at `deed`."""

    def __init__(self, deed: str, then: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, server.__file__, deed, then],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"},
        )
        assert self.process.stdout is not None
        self.workers = json.loads(next(line for line in self.process.stdout if line[:1] == b"["))

    @property
    def family(self) -> list[int]:
        """Every process of the server's session, its own included, zombies excluded."""
        members = []
        for entry in os.listdir("/proc"):
            try:
                fields = Path(f"/proc/{entry}/stat").read_text().rsplit(")", 1)[1].split()
            except (OSError, IndexError):
                continue
            if int(fields[3]) == self.process.pid and fields[0] != "Z":
                members.append(int(entry))
        return members


@pytest.fixture
def started() -> Iterator[list[Server]]:
    """Servers that a test starts, ended with all of theirs when it fails."""
    servers: list[Server] = []
    yield servers
    for one in servers:
        for pid in one.family:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        one.process.communicate()


def test_kill_9_leaves_no_process_behind(started: list[Server]) -> None:
    """Idle and busy worker, fork server and resource tracker go with the server."""
    started.append(one := Server("hang", "stay"))
    assert len(one.workers) == 2
    assert {*one.workers, one.process.pid} < set(one.family)
    one.process.kill()
    one.process.wait()
    asyncio.run(pools.until(lambda: not one.family))


def test_a_closed_pool_lets_everything_go(started: list[Server]) -> None:
    """After `close` all its processes end by themselves, and nothing was left to tidy up."""
    started.append(one := Server("hang", "leave"))
    _, complaints = one.process.communicate(timeout=pools.PATIENCE)
    assert (one.process.returncode, complaints) == (0, b"")
    asyncio.run(pools.until(lambda: not one.family))


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_workers_are_deaf_to_the_signals_of_a_terminal(started: list[Server], name: str) -> None:
    """Signals meant for the whole group leave workers and fork server to the server."""
    started.append(one := Server("hang", "stay"))
    family = set(one.family) - {one.process.pid}
    for pid in family:
        os.kill(pid, signal.Signals[name])
    for pid in family:
        status = Path(f"/proc/{pid}/status").read_text()
        fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
        held = int(fields["SigBlk"], 16) | int(fields["SigIgn"], 16)
        assert held >> (signal.Signals[name] - 1) & 1
    assert set(one.family) == family | {one.process.pid}
