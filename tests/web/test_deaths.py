"""What the design promises when processes die and disks fill, under load."""

import contextlib
import os
import signal
import subprocess
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from . import pictures, servers

pytestmark = pytest.mark.long

Spawn = Callable[..., servers.Process]

CYCLES = 6

DYING = {"upload__lease": 1, "token__lifetime": 2, "workers__slots": 2}
"""What a dead server held is free again after this many seconds."""


class Crowd:
    """Clients that upload and look at pictures until the server is gone."""

    def __init__(self) -> None:
        self.acknowledged: dict[str, bytes] = {}
        self.asked: list[str] = []
        self.redirects: dict[str, str] = {}
        self.statuses: Counter[int] = Counter()

    @contextlib.contextmanager
    def at(self, url: str, turn: int) -> Iterator[None]:
        """Two of each kind are at it inside; they leave when the server has."""
        doing = [lambda: self._upload(url, f"{turn}-a"), lambda: self._upload(url, f"{turn}-b")]
        doing += [lambda: self._look(url, 20 * turn + 20), lambda: self._look(url, 20 * turn + 30)]
        threads = [threading.Thread(target=each) for each in doing]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            for thread in threads:
                thread.join()

    def _upload(self, url: str, prefix: str) -> None:
        with servers.Client(url) as client, contextlib.suppress(httpx.HTTPError):
            for number in range(10_000):
                name = f"{prefix}-{number}"
                data = pictures.jpeg(200 + number % 5, 150, number)
                self.asked.append(name)
                answer = client.upload(name, data, client.token(name), "image/jpeg")
                self.statuses[answer.status_code] += 1
                if answer.status_code == 200:
                    self.acknowledged[name] = data

    def _look(self, url: str, width: int) -> None:
        with servers.Client(url) as client, contextlib.suppress(httpx.HTTPError):
            for number in range(10_000):
                names = list(self.acknowledged) or ["none-yet"]
                path = f"/{names[-1 - number % 5 % len(names)]}_{width + number % 9}_0.jpg"
                answer = client.get(path)
                if names != ["none-yet"]:
                    self.statuses[answer.status_code] += 1
                if answer.status_code == 303:
                    self.redirects[path] = answer.headers["Location"]


def workers(process: servers.Process) -> list[int]:
    """The workers that are alive."""
    started = {line["worker_pid"] for line in process.lines("worker_started")}
    return [pid for pid in process.family if pid in started]


def is_settled(client: servers.Client, name: str) -> bool:
    """Whether a picture is there, or its id free."""
    if client.get(f"/{name}.jpg").status_code == 200:
        return True
    return client.post("/token", json={"id": name}).status_code == 200


def test_kill_9_again_and_again(spawn: Spawn) -> None:
    """Acknowledged uploads are whole, redirects lead somewhere, ids are free, nothing is left."""
    crowd = Crowd()
    for turn in range(CYCLES):
        process = spawn(**DYING)
        enough = len(crowd.acknowledged) + 1 + turn % 4
        with crowd.at(process.url, turn):
            try:
                servers.until(lambda enough=enough: len(crowd.acknowledged) >= enough)
            finally:
                process.kill()
        servers.until(lambda process=process: not process.family)
    last = spawn(**DYING)
    for name, data in crowd.acknowledged.items():
        assert last.client.get(f"/{name}.jpg").content == data
    for place in crowd.redirects.values():
        assert pictures.opened(last.client.get(place).content).width >= 20
    for name in crowd.asked:
        servers.until(lambda name=name: is_settled(last.client, name))
    assert set(crowd.statuses) <= {200, 303}
    data = last.folder / "data"
    servers.until(lambda: not list((data / "spool").iterdir()))
    assert list(data.rglob("*.part")) == []
    assert last.lines("rendition_gone") == []


def test_workers_that_die_under_load_are_no_news_to_clients(spawn: Spawn) -> None:
    """Each job is tried again, and the loop answers all the while."""
    process = spawn(workers__slots=2)
    crowd = Crowd()
    with crowd.at(process.url, 0):
        try:
            for kind in (signal.SIGKILL, signal.SIGKILL, signal.SIGSEGV) * 3:
                # A job that is hit twice is given up, and rightly so.
                answered = crowd.statuses.total() + 20
                servers.until(lambda answered=answered: crowd.statuses.total() >= answered)
                victim = servers.until(lambda: workers(process))[0]
                os.kill(victim, kind)
                assert process.client.get("/_live").status_code == 200
                servers.until(lambda victim=victim: victim not in workers(process))
            servers.until(lambda: len(workers(process)) == 2)
        finally:
            process.kill()
    assert set(crowd.statuses) <= {200, 303}
    assert [line for line in process.lines() if line["level"] == "error"] == []


@pytest.fixture(params=["size=24m", "size=200m,nr_inodes=120"])
def small_disk(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """A file system with room for a few pictures, or for a few files."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", request.param, "tmpfs", str(folder)]
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    if made.returncode:
        pytest.skip(f"a file system cannot be mounted here: {made.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a small file system")
def test_a_full_disk_still_answers(spawn: Spawn, small_disk: Path) -> None:
    """Uploads are 507 and leave nothing, GETs go on, and so does a start."""
    keys = {"data_dir": str(small_disk / "data"), "disk__reserve": 0}
    process = spawn(**keys)
    data = pictures.noise(1000, 1000)
    taken = []
    for number in range(200):
        name = f"cat{number}"
        answer = process.client.upload(name, data, process.client.token(name))
        assert process.client.get(f"/cat0_{20 + number}_0.png").status_code == 200
        if answer.status_code == 507:
            break
        assert answer.status_code == 200
        taken.append(name)
    assert answer.json()["code"] == "disk_full"
    assert list((small_disk / "data" / "originals" / "_staging").iterdir()) == []
    process.kill()
    again = spawn(**keys)
    assert [again.client.get(f"/{name}.jpg").content for name in taken] == [data] * len(taken)
    assert again.client.get("/cat0_777_0.jpg").status_code == 200
