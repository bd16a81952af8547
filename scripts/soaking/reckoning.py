"""The reckoning in the end: is everything there that was acknowledged, and nothing else?"""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from web import pictures, servers

from scripts.soaking import audit
from scripts.soaking.backends import Backends
from scripts.soaking.crowd import Crowd

PATIENCE = 120.0
"""Seconds for everything to be in order in the end: housekeeping comes every half minute."""

SECRET = "open sesame"  # noqa: S105 (of servers that live for minutes)
ADMIN = "the very admin"


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
    seen: list[tuple[str, str]] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def lines(self) -> list[tuple[str, str]]:
        """The table, as (what, how many); what was `seen` besides comes first."""
        kills = ", ".join(f"{kind} {count}" for kind, count in sorted(self.kills.items()))
        statuses = ", ".join(f"{status}: {n}" for status, n in sorted(self.statuses.items()))
        errors = ", ".join(f"{event} {n}" for event, n in sorted(self.errors.items()))
        return [
            *self.seen,
            ("struck", f"{self.kills.total()} ({kills})"),
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


class Reckoning:
    """Looks at everything that a crowd was told, and at all that lies in `folders`."""

    def __init__(
        self, tally: Tally, crowd: Crowd, backends: Backends, folders: Sequence[Path]
    ) -> None:
        self._tally = tally
        self._crowd = crowd
        self._backends = backends
        self._folders = folders

    def run(self, client: servers.Client) -> None:
        """Ask a server for everything, and enter into the tally what is wrong."""
        tally, crowd = self._tally, self._crowd
        tally.sent, tally.acknowledged = crowd.sent, len(crowd.acknowledged)
        tally.deleted, tally.statuses = len(crowd.deleting), crowd.statuses
        self._check_pictures(client)
        self._check_ids(client)
        self._check_redirects(client)
        self._check_order()

    def _check_pictures(self, client: servers.Client) -> None:
        for name, data in self._crowd.standing.items():
            answer = _asked(client, f"/{name}.jpg")
            if answer.status_code == 200 and answer.content == data:
                self._tally.whole += 1
            else:
                self._tally.wrong.append(
                    f"acknowledged and not whole: {name}, {answer.status_code}"
                )
        for name in self._crowd.deleted:
            answer = _asked(client, f"/{name}.jpg")
            if answer.status_code != 404:
                self._tally.wrong.append(f"deleted and still there: {name}")

    def _check_ids(self, client: servers.Client) -> None:
        """Every id that was asked for has its picture, or is free again."""
        for name in self._crowd.asked:
            if name in self._crowd.acknowledged:
                continue
            try:
                done = servers.until(lambda name=name: _settled(client, name))  # type: ignore[misc]
            except AssertionError:
                self._tally.wrong.append(f"neither free nor uploaded: {name}")
                continue
            if done == "done":
                self._tally.done += 1
            else:
                self._tally.free += 1

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
                    self._tally.redirects += 1
                else:
                    said = f"{target}, {answer.status_code}"
                    self._tally.wrong.append(f"a redirect to nothing: {said}")

    def _check_order(self) -> None:
        """Nothing is left over once the house has been kept."""
        end = time.monotonic() + PATIENCE
        while found := audit.findings(self._backends, self._folders):
            if time.monotonic() > end:
                self._tally.wrong += found
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
    answer = client.post("/token", json={"id": name, "secret": SECRET})
    return "free" if answer.status_code == 200 else ""
