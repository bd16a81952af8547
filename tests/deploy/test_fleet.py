"""nginx in front of real instances: where requests go, and what holds when one dies."""

import functools
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote

import pytest
from storage import worlds
from web import pictures, servers

from . import fleet
from .nginx import LIFE, OUTSIDE, Client, Nginx, needs_nginx

pytestmark = [pytest.mark.long, needs_nginx, worlds.needs_postgresql]

ADMIN = {"Authorization": f"Bearer {servers.ADMIN}"}

AFFIXES = ("", " two", "+plus", "%41", ".v2", "-Zoë", "_9", "?", "猫", "&a=b")

ENDINGS = [f"_{8 + n}_{6 + n}.{ext}" for n, ext in enumerate(("jpg", "png", "webp", "JPEG", "gif"))]
ENDINGS += ["_5_0.jpg", "_0_5_2x.png", "_05_05.auto", "_7_7.jpg?fit=crop", "_7_7.jpg?proxy=true"]
ENDINGS += ["", ".png", ".json"]


@pytest.fixture
def one(tmp_path: Path) -> Iterator[tuple[Client, Nginx]]:
    """nginx in front of a single instance, and a client."""
    with (
        servers.Process(
            tmp_path / "instance", trusted_proxies=["127.0.0.0/8"], admin__secrets=[servers.ADMIN]
        ) as process,
        Nginx(_folder(tmp_path), [process.port]) as nginx,
        nginx.client() as client,
    ):
        yield client, nginx


def _folder(above: Path) -> Path:
    folder = above / "nginx"
    folder.mkdir()
    return folder


def live(client: Client, name: str, number: int) -> None:
    """A picture's whole life, each request with an id that begins with its number."""
    path = "/" + quote(name, safe="")
    picture = pictures.png(16, 12, number)
    own = {"X-Request-Id": f"{number}-upload"}
    token = {"X-Token": client.token(name), "Content-Type": "image/png"}
    assert client.post(path, content=picture, headers=token | own).status_code == 200
    for ending in ENDINGS:
        own["X-Request-Id"] = f"{number}-get"
        answer = client.get(path + ending, headers=own)
        assert answer.status_code in (200, 303), (name, ending, answer.text)
    assert client.get(path, headers=own).content == picture

    def stored() -> str:
        location: str = client.get(path + ENDINGS[0], headers=own).headers.get("Location", "")
        return location

    assert client.get(servers.until(stored), headers=own).status_code == 200
    own["X-Request-Id"] = f"{number}-delete"
    assert client.delete(path, headers=ADMIN | own).status_code == 204


def test_a_picture_lives_on_one_instance(tmp_path: Path) -> None:
    """Upload, renditions, original, facts and deletion of each of 80 pictures meet on one
    of three instances, however its name is encoded; the pictures are spread over all."""
    names = [f"picture-{n}{AFFIXES[n % len(AFFIXES)]}" for n in range(80)]
    with (
        fleet.instances(tmp_path, 3) as instances,
        Nginx(_folder(tmp_path), [each.port for each in instances]) as nginx,
    ):

        def work(part: Sequence[int]) -> None:
            with nginx.client() as client:
                for number in part:
                    live(client, names[number], number)

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(work, [range(start, 80, 4) for start in range(4)]))
        homes: dict[str, set[str]] = defaultdict(set)
        for line in nginx.lines():
            number, _, deed = line["request_id"].partition("-")
            if deed and line["instance"]:  # none for what comes from the cache
                homes[number].add(line["instance"])
        assert len(homes) == 80
        assert {len(each) for each in homes.values()} == {1}
        shares = Counter(home for each in homes.values() for home in each)
        assert len(shares) == 3
        assert min(shares.values()) > 8


def test_nothing_fails_when_an_instance_is_killed(tmp_path: Path) -> None:
    """GETs under load, redirects followed: every single one ends in the picture."""
    shared = {"originals_dir": str(tmp_path / "originals")}
    with (
        fleet.instances(tmp_path, 2, **shared) as instances,
        Nginx(_folder(tmp_path), [each.port for each in instances]) as nginx,
    ):
        with nginx.client() as client:
            for number in range(20):
                client.put_in(f"picture-{number}", pictures.png(64, 48, number))
        ended, asked, wrong = threading.Event(), Counter[int](), []

        def load(thread: int) -> None:
            with nginx.client() as client:
                while not ended.is_set():
                    turn = asked[thread]
                    path = f"/picture-{turn % 20}_{20 + turn // 20 % 40}_0.png"
                    answer = client.get(path, follow_redirects=True)
                    if answer.status_code != 200 or not answer.content.startswith(b"\x89PNG"):
                        wrong.append((path, answer.status_code, answer.text[:200]))
                    asked[thread] += 1

        with ThreadPoolExecutor(4) as pool:
            jobs = [pool.submit(load, thread) for thread in range(4)]
            try:
                _answered(asked, 25)
                instances[0].kill()
                _answered(asked, 100)
            finally:
                ended.set()
            for job in jobs:
                job.result()
        assert wrong == []
        moved = f"127.0.0.1:{instances[0].port}, 127.0.0.1:{instances[1].port}"
        assert moved in {line["instance"] for line in nginx.lines()}


def _answered(asked: Counter[int], more: int) -> None:
    """Return when each of the four threads has had so many more answers."""
    aims = {thread: asked[thread] + more for thread in range(4)}
    servers.until(
        lambda: all(asked[thread] >= aim for thread, aim in aims.items()), 6 * servers.PATIENCE
    )


def test_nothing_of_a_deleted_picture_stays_in_the_cache(one: tuple[Client, Nginx]) -> None:
    """Redirect, object, original and facts come from the cache; soon after a DELETE each is
    a 404, and stays one."""
    client, _ = one
    client.put_in("cat", pictures.png(64, 48))

    def stored() -> str:
        location: str = client.get("/cat_8_6.jpg").headers.get("Location", "")
        return location

    targets = ["/cat_8_6.jpg", servers.until(stored), "/cat", "/cat.json"]
    for target in targets:
        servers.until(functools.partial(_cached, client, target))
    assert client.delete("/cat", headers=ADMIN).status_code == 204
    deleted = time.monotonic()
    for target in targets:
        while True:
            began = time.monotonic()
            if client.get(target).status_code == 404:
                break
            assert began < deleted + LIFE, target
    assert {client.get(target).status_code for target in targets * 3} == {404}


def _cached(client: Client, target: str) -> bool:
    said: str = client.get(target).headers.get("X-Cache", "")
    return said == "HIT-PROXY"


def test_an_instance_refuses_an_upload_in_its_own_words(one: tuple[Client, Nginx]) -> None:
    """What it says of a wrong token and of one byte too many comes through."""
    client, _ = one
    refused = client.upload("cat", bytes(45 << 20), "no-token")
    assert (refused.status_code, refused.json()["code"]) == (403, "token_refused")
    refused = client.upload("cat", bytes((50 << 20) + 1), client.token("cat"))
    assert (refused.status_code, refused.json()["code"]) == (413, "upload_too_large")
    assert client.put_in("cat", pictures.png())["status"] == "OK"


def test_an_instance_sees_the_address_of_the_client(tmp_path: Path) -> None:
    """With `trusted_proxies` set, what it logs is the client and not nginx; a client that
    claims another address changes nothing."""
    with (
        servers.Process(tmp_path / "instance", trusted_proxies=["127.0.0.1/32"]) as process,
        Nginx(_folder(tmp_path), [process.port]) as nginx,
        nginx.client(address=OUTSIDE) as outside,
    ):
        answer = outside.get("/nothing_8_6.jpg", headers={"X-Forwarded-For": "10.1.1.1"})
        assert answer.status_code == 404
        line = process.line_of(answer.headers["X-Request-Id"])
    assert line["client.ip"] == OUTSIDE


def test_a_range_and_a_condition_are_answered(one: tuple[Client, Nginx]) -> None:
    """206 and 304 as without nginx, cached or not."""
    client, _ = one
    client.put_in("cat", pictures.png(64, 48))
    whole = client.get("/cat")
    for _ in range(4):
        part = client.get("/cat", headers={"Range": "bytes=1-3"})
        assert (part.status_code, part.content) == (206, whole.content[1:4])
        known = client.get("/cat", headers={"If-None-Match": whole.headers["ETag"]})
        assert (known.status_code, known.content) == (304, b"")
        assert client.get("/cat").content == whole.content
