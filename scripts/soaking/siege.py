"""A server that is killed again and again, and the reckoning in the end."""

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from scripts.soaking import audit
from scripts.soaking.backends import Backends
from scripts.soaking.crowd import Crowd
from tests.web import pictures, servers

PATIENCE = 120.0
"""Seconds for everything to be in order in the end: housekeeping comes every half minute."""

LEASE = 2.0

_SECRET = "open sesame"  # noqa: S105 (of servers that live for seconds)
_ADMIN = "the very admin"

KEYS: dict[str, object] = {
    "secret": _SECRET,
    "admin__secrets": [_ADMIN],
    "upload__lease": LEASE,
    "token__lifetime": 3,
    "workers__slots": 2,
}
"""What a dead server held is free again after a few seconds."""

VICTIMS = ("server", "worker", "both")


@dataclass(kw_only=True)
class Tally:
    """What came of it. Everything in `wrong` must not happen."""

    kills: Counter[str] = field(default_factory=Counter)
    starts: int = 0
    orphans: int = 0
    sent: int = 0
    acknowledged: int = 0
    deleted: int = 0
    whole: int = 0
    done: int = 0
    free: int = 0
    redirects: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def lines(self) -> list[tuple[str, str]]:
        """The table, as (what, how many)."""
        kills = ", ".join(f"{kind} {count}" for kind, count in sorted(self.kills.items()))
        statuses = ", ".join(f"{status}: {n}" for status, n in sorted(self.statuses.items()))
        errors = ", ".join(f"{event} {n}" for event, n in sorted(self.errors.items()))
        return [
            ("kill -9", f"{self.kills.total()} ({kills})"),
            ("servers started", str(self.starts)),
            ("processes that outlived their server", str(self.orphans)),
            (
                "uploads sent / acknowledged / deleted again",
                f"{self.sent} / {self.acknowledged} / {self.deleted}",
            ),
            (
                "acknowledged, to be there / whole",
                f"{self.acknowledged - self.deleted} / {self.whole}",
            ),
            ("ids not acknowledged: uploaded / free", f"{self.done} / {self.free}"),
            ("redirects followed to a picture", str(self.redirects)),
            ("answers by status", statuses or "none"),
            ("errors logged", errors or "none"),
            ("wrong", str(len(self.wrong))),
        ]


class Siege:
    """One installation, whose server in `folder` is killed while a crowd uses it."""

    def __init__(self, backends: Backends, folder: Path, seed: int) -> None:
        self._backends = backends
        self._folder = folder
        self._dice = random.Random(seed)  # noqa: S311 (repeats a run)
        self._crowd = Crowd(secret=_SECRET, admin=_ADMIN)
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
        tally, crowd = self.tally, self._crowd
        tally.sent, tally.acknowledged = crowd.sent, len(crowd.acknowledged)
        tally.deleted, tally.statuses = len(crowd.deleting), crowd.statuses
        if tally.orphans:
            tally.wrong.append(f"{tally.orphans} processes outlived their server")
        with self._start() as last:
            self._check_pictures(last.client)
            self._check_ids(last.client)
            self._check_redirects(last.client)
            self._check_order()

    def _check_pictures(self, client: servers.Client) -> None:
        for name, data in self._crowd.standing.items():
            answer = _asked(client, f"/{name}.jpg")
            if answer.status_code == 200 and answer.content == data:
                self.tally.whole += 1
            else:
                self.tally.wrong.append(f"acknowledged and not whole: {name}, {answer.status_code}")
        for name in self._crowd.deleted:
            answer = _asked(client, f"/{name}.jpg")
            if answer.status_code != 404:
                self.tally.wrong.append(f"deleted and still there: {name}")

    def _check_ids(self, client: servers.Client) -> None:
        """Every id that was asked for has its picture, or is free again."""
        for name in self._crowd.asked:
            if name in self._crowd.acknowledged:
                continue
            try:
                done = servers.until(lambda name=name: _settled(client, name))  # type: ignore[misc]
            except AssertionError:
                self.tally.wrong.append(f"neither free nor uploaded: {name}")
                continue
            if done == "done":
                self.tally.done += 1
            else:
                self.tally.free += 1

    def _check_redirects(self, client: servers.Client) -> None:
        """Where a client was sent to, and where it is sent to now."""
        for path, place in self._crowd.redirects.items():
            name = path[1:].rpartition("_")[0].rpartition("_")[0]
            if name in self._crowd.deleting:
                continue
            for target in (place, path):
                answer = _asked(client, target)
                width = int(path.rpartition("_")[0].rpartition("_")[2])
                if answer.status_code == 200 and pictures.opened(answer.content).width == width:
                    self.tally.redirects += 1
                else:
                    said = f"{target}, {answer.status_code}"
                    self.tally.wrong.append(f"a redirect to nothing: {said}")

    def _check_order(self) -> None:
        """Nothing is left over once the house has been kept."""
        end = time.monotonic() + PATIENCE
        while found := audit.findings(self._backends, [self._folder]):
            if time.monotonic() > end:
                self.tally.wrong += found
                return
            time.sleep(0.5)


def _asked(client: servers.Client, path: str) -> httpx.Response:
    """The answer after every redirect; of a server that has just begun, the first that is
    not 503."""
    end = time.monotonic() + servers.PATIENCE
    while True:
        answer = client.get(path, follow_redirects=True)
        if answer.status_code != 503 or time.monotonic() > end:
            return answer
        time.sleep(0.05)


def _settled(client: servers.Client, name: str) -> str:
    """`done` or `free`; empty while it is neither."""
    if _asked(client, f"/{name}.jpg").status_code == 200:
        return "done"
    answer = client.post("/token", json={"id": name, "secret": _SECRET})
    return "free" if answer.status_code == 200 else ""


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return  # it was being replaced anyway
