"""One server for many minutes, used well and badly, while what it stands on comes and goes."""

import contextlib
import itertools
import os
import random
import signal
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from failures.cluster import Cluster
from storage import s3worlds
from web import pictures, servers

from scripts.benchmarks.process import pss_kib, tree
from scripts.soaking.backends import Backends
from scripts.soaking.crowd import Crowd
from scripts.soaking.reckoning import ADMIN, PATIENCE, SECRET, Reckoning, Tally

KEYS: dict[str, object] = {
    "secret": SECRET,
    "admin__secrets": [ADMIN],
    "upload__lease": 5,
    "token__lifetime": 10,
    "workers__slots": 2,
    "originals__mirror_wait": 1,
    "timeout__conversion": 20_000,
    "cache__memory_bytes": 8 << 20,
}
"""A cache that is full within a minute: what grows after that is no cache."""

STATUSES = {200, 204, 303, 503}
"""What clients that do everything right may be answered: 503 while a store is away."""

_UNDER_WAY = (".part", ".cleaned")
"""How files end that an upload or a rendition has only while it is being made."""

_GARBAGE = (
    b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"POST /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"GET /%ff%00_1_1.jpg HTTP/1.1\r\nHost: x\r\n\r\n",
)


@dataclass(kw_only=True)
class Sample:
    """How much the server has at one moment: MB of the process tree, open descriptors and
    threads of the main process, files that only work under way leaves."""

    megabytes: float
    descriptors: int
    threads: int
    temporary: int

    def __str__(self) -> str:
        return (
            f"{self.megabytes:.0f} MB, {self.descriptors} descriptors, {self.threads} threads, "
            f"{self.temporary} temporary files"
        )


@dataclass(kw_only=True)
class Guests:
    """Clients beside the crowd, and what they were answered."""

    crowd: Crowd
    hostile: list[bytes]
    answers: Counter[tuple[str, int]] = field(default_factory=Counter)
    broken: Counter[str] = field(default_factory=Counter)

    @contextlib.contextmanager
    def at(self, url: str) -> Iterator[None]:
        """They are at it inside."""
        over = threading.Event()
        turns = (self._hit, self._hit, self._cold, self._cold, self._harm, self._leave)
        threads = [
            threading.Thread(target=self._come, args=(url, over, turn, number))
            for number, turn in enumerate(turns)
        ]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            over.set()
            for thread in threads:
                thread.join()

    def _come(
        self,
        url: str,
        over: threading.Event,
        turn: Callable[[servers.Client, int], None],
        offset: int,
    ) -> None:
        with servers.Client(url, SECRET) as client:
            for number in itertools.count(offset):
                if over.is_set():
                    return
                try:
                    turn(client, number)
                except (httpx.TransportError, OSError) as error:
                    self.broken[type(error).__name__] += 1

    def _name(self, number: int) -> str:
        names = list(self.crowd.standing)[-40:]
        return names[number * 7 % len(names)] if names else "none-yet"

    def _ask(self, client: servers.Client, kind: str, path: str, name: str) -> None:
        answer = client.get(path)
        if name in self.crowd.standing:  # it may have been deleted meanwhile
            self.answers[kind, answer.status_code] += 1

    def _hit(self, client: servers.Client, number: int) -> None:
        name = self._name(number)
        self._ask(client, "hit", f"/{name}_64_0.jpg{'?proxy=true' if number % 2 else ''}", name)

    def _cold(self, client: servers.Client, number: int) -> None:
        name, kind = self._name(number), ("jpg", "webp", "png", "avif")[number % 4]
        self._ask(client, "cold", f"/{name}_{20 + number % 900}_0.{kind}?fit=crop", name)

    def _harm(self, client: servers.Client, number: int) -> None:
        """An upload of something hostile; it may be refused in any way but one."""
        name = f"hostile-{number}"
        token = client.post("/token", json={"id": name, "secret": SECRET})
        if token.status_code != 200:
            return
        data = self.hostile[number % len(self.hostile)]
        answer = client.upload(name, data, token.json()["token"], "image/jpeg")
        self.answers["hostile", answer.status_code] += 1
        if answer.status_code == 200:
            for path in (f"/{name}_100_100.jpg?fit=crop", f"/{name}_200_0.webp"):
                self.answers["hostile", client.get(path).status_code] += 1
            client.delete(f"/{name}", headers={"Authorization": f"Bearer {ADMIN}"})

    def _leave(self, client: servers.Client, number: int) -> None:
        """Begin something, and go."""
        host, port = client.base_url.host, client.base_url.port or 80
        with socket.create_connection((host, port), timeout=servers.PATIENCE) as there:
            if number % 3 == 0:
                there.sendall(_GARBAGE[number // 3 % len(_GARBAGE)])
            elif number % 3 == 1:
                name = self._name(number)
                there.sendall(f"GET /{name}_{300 + number % 500}_0.png HTTP/1.1\r\n".encode())
                there.sendall(b"Host: x\r\n\r\n")
            else:
                name = f"left-{number}"
                token = client.post("/token", json={"id": name, "secret": SECRET})
                sent = token.json().get("token", "") if token.status_code == 200 else ""
                there.sendall(
                    f"POST /{name} HTTP/1.1\r\nHost: x\r\nX-Token: {sent}\r\n"
                    "Content-Type: image/jpeg\r\nContent-Length: 500000\r\n\r\n".encode()
                )
                there.sendall(pictures.noise(300, 200)[: 1000 + number % 4000])


class Endurance:
    """One installation on a PostgreSQL and an S3 of its own, both of which are struck too."""

    def __init__(self, folder: Path, seed: int, hostile: list[bytes]) -> None:
        self._folder = folder
        self._dice = random.Random(seed)  # noqa: S311 (repeats a run)
        self._crowd = Crowd(secret=SECRET, admin=ADMIN, insistent=True)
        self._guests = Guests(crowd=self._crowd, hostile=hostile)
        self.tally = Tally()

    def run(self, seconds: float, say: Callable[[str], None]) -> Tally:
        """Endure that long; then look at everything."""
        with Cluster() as cluster, s3worlds.Server("rclone") as store:
            cluster.start()
            with s3worlds.place_on(store) as renditions, s3worlds.place_on(store) as originals:
                backends = Backends(
                    database=cluster.url,
                    renditions=renditions,
                    originals=originals,
                    endpoint=store.address,
                )
                keys = {**KEYS, **backends.keys, "delivery": "presign"}
                with servers.Process(self._folder, **keys) as process:
                    self._endure(process, cluster, store, seconds, say)
                    reckoning = Reckoning(self.tally, self._crowd, backends, [self._folder])
                    reckoning.run(process.client)
                    self._part(process)
        return self.tally

    def _endure(
        self,
        process: servers.Process,
        cluster: Cluster,
        store: s3worlds.Server,
        seconds: float,
        say: Callable[[str], None],
    ) -> None:
        tally, began = self.tally, time.monotonic()
        tally.starts = 1
        first: Sample | None = None
        strikes = {
            "worker": lambda: self._kill_worker(process),
            "S3 away": lambda: self._away(store.kill, store.start),
            "PostgreSQL stopped": lambda: self._away(cluster.stop, cluster.start),
            "PostgreSQL frozen": lambda: self._away(cluster.freeze, cluster.thaw),
        }
        with self._crowd.at(process.url, 0), self._guests.at(process.url):
            while (spent := time.monotonic() - began) < seconds:
                time.sleep(self._dice.uniform(1.0, 4.0))
                if first is None and spent > min(60.0, seconds / 4):
                    first = self._sample(process)
                kind = self._dice.choice(["worker"] * 5 + list(strikes)[1:])
                tally.kills[kind] += 1
                strikes[kind]()
                say(f"{spent:.0f} s, {len(self._crowd.acknowledged)} uploads, {kind}")
                if process.process.poll() is not None:
                    tally.wrong.append("the server ended")
                    return
        self._settle(process)
        self._tell(first or self._sample(process), self._sample(process))

    def _away(self, go: Callable[[], None], come: Callable[[], None]) -> None:
        go()
        try:
            time.sleep(self._dice.uniform(2.0, 6.0))
        finally:
            come()

    def _kill_worker(self, process: servers.Process) -> None:
        started = {line["worker_pid"] for line in process.lines("worker_started")}
        workers = [pid for pid in process.family if pid in started]
        if workers:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._dice.choice(workers), signal.SIGKILL)

    def _sample(self, process: servers.Process) -> Sample:
        pid = process.process.pid
        data = self._folder / "data"
        return Sample(
            megabytes=sum(pss_kib(each) for each in tree(pid)) / 1024,
            descriptors=len(os.listdir(f"/proc/{pid}/fd")),
            threads=len(os.listdir(f"/proc/{pid}/task")),
            temporary=sum(path.suffix in _UNDER_WAY for path in data.rglob("*")),
        )

    def _settle(self, process: servers.Process) -> None:
        """Return when nothing suffers and nothing waits any more."""

        def well() -> bool:
            parts = process.client.get("/_ready").json()["parts"]
            store = parts["store"]
            waiting = [store[key] for key in ("publishing", "mirroring", "removing")]
            return all(part["ok"] for part in parts.values()) and not any(waiting)

        try:
            servers.until(well, PATIENCE)
        except AssertionError:
            self.tally.wrong.append(f"not well: {process.client.get('/_ready').text}")

    def _tell(self, first: Sample, last: Sample) -> None:
        tally, guests = self.tally, self._guests
        said = ", ".join(
            f"{kind} {code}: {n}" for (kind, code), n in sorted(guests.answers.items())
        )
        broken = self._crowd.broken + guests.broken
        tally.seen = [
            ("after a while", str(first)),
            ("in the end", str(last)),
            ("guests", said),
            ("connections broken", ", ".join(f"{k} {n}" for k, n in broken.items()) or "none"),
        ]
        if last.megabytes > first.megabytes * 1.25 + 30:
            tally.wrong.append(f"memory grew: {first} → {last}")
        if last.descriptors > first.descriptors + 10 or last.temporary:
            tally.wrong.append(f"something leaks: {first} → {last}")
        right = {(kind, code) for kind, code in guests.answers if kind != "hostile"}
        wrong = {f"{kind}: {code}" for kind, code in right if code not in STATUSES}
        wrong |= {
            f"hostile: {code}"
            for kind, code in guests.answers
            if kind == "hostile" and code >= 500 and code not in (503, 504)
        }
        wrong |= {f"crowd: {code}" for code in self._crowd.statuses if code not in STATUSES}
        if self._crowd.broken:
            wrong.add(f"connections of the crowd: {dict(self._crowd.broken)}")
        tally.wrong += sorted(wrong)

    def _part(self, process: servers.Process) -> None:
        """End it as an operator would; nothing may be left."""
        for line in process.lines():
            if line["level"] == "error":
                self.tally.errors[line["event"]] += 1
        process.process.send_signal(signal.SIGTERM)
        code = process.process.wait(PATIENCE)
        if code:
            self.tally.wrong.append(f"exit code {code}")
        try:
            servers.until(lambda: not process.family)
        except AssertionError:
            self.tally.orphans = len(process.family)
            self.tally.wrong.append(f"{self.tally.orphans} processes outlived their server")
