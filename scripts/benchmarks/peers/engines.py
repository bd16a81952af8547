"""The engines as processes that are kept, asked one after another, all on one core."""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from scripts.benchmarks import process
from scripts.benchmarks.peers import install

OURS, SHARP, VIPS, PILLOW = "liveresize", "sharp", "pyvips", "Pillow"
FLOOR = "floor"

THREADS = {"VIPS_CONCURRENCY": "1", "OMP_NUM_THREADS": "1"}


class Child:
    """A program that answers one JSON line with another."""

    def __init__(
        self, command: list[str], core: int, environment: dict[str, str] | None = None
    ) -> None:
        wrapped = ["taskset", "-c", str(core), *command]
        self._process = subprocess.Popen(
            wrapped,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=process.ROOT,
            env={**os.environ, **THREADS, **(environment or {})},
        )

    def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        """Send a request and wait for the answer; an end is told as an error too."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            return {"error": f"ended with status {self._process.wait()}"}
        answer: dict[str, Any] = json.loads(line)
        return answer

    def memory_kib(self) -> int:
        """Proportional set size, now."""
        return process.pss_kib(self._process.pid)

    def close(self) -> None:
        """End it, and wait."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(30)


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0))


def core() -> int:
    """The core that engines run on: the last one, as the first answers interrupts."""
    return max(os.sched_getaffinity(0))


@contextlib.contextmanager
def started(*names: str) -> Iterator[tuple[dict[str, Child], dict[str, str]]]:
    """Those of the engines that can be installed, and why the others cannot."""
    children: dict[str, Child] = {}
    missing: dict[str, str] = {}
    with contextlib.ExitStack() as stack:
        for name in names:
            try:
                children[name] = Child(command(name), core())
            except install.Missing as reason:
                missing[name] = str(reason)
            else:
                stack.callback(children[name].close)
        yield children, missing


@contextlib.contextmanager
def scorer() -> Iterator[Child]:
    """What compares results with references; on the other cores while engines rest."""
    child = Child([str(install.tools()), "-m", "scripts.benchmarks.tools.score"], core())
    with contextlib.closing(child):
        yield child


def command(name: str) -> list[str]:
    """How an engine is started; raises install.Missing."""
    if name == SHARP:
        script = Path(__file__).with_name("sharp_engine.mjs")
        return ["node", str(script), str(install.node())]
    if name == VIPS:
        return [str(install.tools()), "-m", "scripts.benchmarks.peers.vips"]
    module = {OURS: "ours", PILLOW: "pillow", FLOOR: "floor"}[name]
    return [sys.executable, "-m", f"scripts.benchmarks.peers.{module}"]
