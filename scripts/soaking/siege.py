"""A server that is killed again and again, and the reckoning in the end."""

import os
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path

from web import servers

from scripts.soaking.backends import Backends
from scripts.soaking.crowd import Crowd
from scripts.soaking.reckoning import ADMIN, PATIENCE, SECRET, Reckoning, Tally

LEASE = 2.0

KEYS: dict[str, object] = {
    "secret": SECRET,
    "admin__secrets": [ADMIN],
    "upload__lease": LEASE,
    "token__lifetime": 3,
    "workers__slots": 2,
}
"""What a dead server held is free again after a few seconds."""

VICTIMS = ("server", "worker", "both")


class Siege:
    """One installation, whose server in `folder` is killed while a crowd uses it."""

    def __init__(self, backends: Backends, folder: Path, seed: int) -> None:
        self._backends = backends
        self._folder = folder
        self._dice = random.Random(seed)  # noqa: S311 (repeats a run)
        self._crowd = Crowd(secret=SECRET, admin=ADMIN)
        self.tally = Tally()

    def run(self, cycles: int, seconds: float, say: Callable[[str], None]) -> Tally:
        """Kill until so many cycles or, unless 0, seconds are over; then look at everything."""
        end = time.monotonic() + seconds if seconds else float("inf")
        turn = 0
        while turn < cycles and time.monotonic() < end:
            turn = self._life(turn, cycles, end)
            say(f"{turn} kills, {len(self._crowd.acknowledged)} uploads acknowledged")
        self._reckon()
        return self.tally

    def _start(self) -> servers.Process:
        self.tally.starts += 1
        return servers.Process(self._folder, **KEYS, **self._backends.keys)

    def _life(self, turn: int, cycles: int, end: float) -> int:
        """One server, from its start to its end; returns how many kills there were by then."""
        with self._start() as process:
            with self._crowd.at(process.url, turn):
                try:
                    while True:
                        self._bide()
                        victim = self._dice.choice(VICTIMS)
                        if turn + 1 >= cycles or time.monotonic() >= end:
                            victim = "server"
                        self._strike(process, victim)
                        turn += 1
                        if victim != "worker":
                            break
                finally:
                    process.kill()
            self._bury(process)
        return turn

    def _bide(self) -> None:
        """Let the crowd have a few uploads acknowledged, and then some time."""
        enough = len(self._crowd.acknowledged) + self._dice.randint(1, 4)
        servers.until(lambda: len(self._crowd.acknowledged) >= enough, PATIENCE)
        time.sleep(self._dice.uniform(0.0, 0.3))

    def _strike(self, process: servers.Process, victim: str) -> None:
        self.tally.kills[victim] += 1
        if victim != "server":
            started = {line["worker_pid"] for line in process.lines("worker_started")}
            workers = [pid for pid in process.family if pid in started]
            if workers:
                _kill(self._dice.choice(workers))
        if victim != "worker":
            process.kill()

    def _bury(self, process: servers.Process) -> None:
        """Count what the dead server left running, and note what it complained of."""
        try:
            servers.until(lambda: not process.family)
        except AssertionError:
            self.tally.orphans += len(process.family)
        for line in process.lines():
            if line["level"] == "error":
                self.tally.errors[line["event"]] += 1
        process.log.unlink()

    def _reckon(self) -> None:
        tally = self.tally
        if tally.orphans:
            tally.wrong.append(f"{tally.orphans} processes outlived their server")
        # What was stored and never linked is removed an hour later: let that have passed.
        for path in (self._folder / "data" / "renditions").rglob("*.*"):
            os.utime(path, (0, 0))
        with self._start() as last:
            Reckoning(tally, self._crowd, self._backends, [self._folder]).run(last.client)


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return  # it was being replaced anyway
