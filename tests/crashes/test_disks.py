"""Disks and inode tables that are full: the room runs out, the answers do not."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from web import pictures, servers

from scripts.soaking.backends import Backends

from .disks import small, stuff
from .scenes import ADMIN, Scene, half_sent, picture

pytestmark = pytest.mark.long

DATA = pictures.noise(1200, 900)

MANY = 400
"""Uploads after which a disk that is not full is not going to be."""


@dataclass(frozen=True)
class Limit:
    """Options of a file system, and settings that keep a part of it free."""

    options: str
    reserve: int
    reserve_inodes: float


BYTES = Limit("size=24m", 4 << 20, 0)
INODES = Limit("size=300m,nr_inodes=160", 0, 10)
NO_BYTES = Limit("size=16m", 0, 0)
NO_INODES = Limit("size=300m,nr_inodes=120", 0, 0)


@pytest.fixture
def stack() -> Iterator[contextlib.ExitStack]:
    """Ends servers before it unmounts what they use."""
    with contextlib.ExitStack() as one:
        yield one


def installation(stack: contextlib.ExitStack, folder: Path, limit: Limit, *, index: bool) -> Scene:
    """One whose data lie on a small disk, the index with them or not."""
    place = Scene(stack, folder, shared=False)
    stack.enter_context(small(place.folders[0] / "data", limit.options))
    if not index:
        place.backends = Backends(database=f"sqlite:///{folder}/index.sqlite")
    return place


def start(place: Scene, limit: Limit) -> servers.Process:
    """A server on it, that keeps its reserve."""
    path = place.backends.database.removeprefix("sqlite:///")
    return place.server(
        disk__reserve=limit.reserve,
        disk__reserve_inodes=limit.reserve_inodes,
        database__path=path,
    )


def files(place: Scene) -> set[Path]:
    """What uploads have left on the disk."""
    below = place.folders[0] / "data" / "originals"
    return {path for path in below.rglob("*") if path.is_file()}


def rendered(client: servers.Client, number: int) -> None:
    """Ask for a size that nobody has asked for; it is right, and then kept or given up."""
    small = picture(client, f"/cat0_{40 + number}_0.jpg")
    assert pictures.opened(small.content).width == 40 + number
    servers.until(lambda: not client.get("/_ready").json()["parts"]["store"]["publishing"])


def fill(place: Scene, client: servers.Client) -> tuple[int, int]:
    """Upload and render until there is no room; (uploads taken, uploads taken by the time
    that a rendition was not kept, or all of them)."""
    unkept = 0
    for number in range(MANY):
        name, before = f"cat{number}", files(place)
        answer = client.upload(name, DATA, client.token(name), "image/jpeg")
        if answer.status_code != 200:
            assert (answer.status_code, answer.json()["code"]) == (507, "disk_full")
            assert files(place) == before
            assert client.get(f"/{name}.jpg").status_code == 404
            rendered(client, MANY)
            return number, unkept or number
        rendered(client, number)
        if not unkept and len(place.rows.links) <= number:
            unkept = number + 1
    raise AssertionError("it does not get full")


def all_there(client: servers.Client, taken: int) -> None:
    """Every picture that was taken is whole."""
    for number in range(taken):
        assert picture(client, f"/cat{number}.jpg").content == DATA


@pytest.mark.parametrize("limit", [BYTES, INODES], ids=["bytes", "inodes"])
def test_renditions_give_way_first(
    tmp_path: Path, stack: contextlib.ExitStack, limit: Limit
) -> None:
    """Above the reserve they are no longer kept, at it uploads are refused, and below it
    every GET is answered; once pictures are deleted both are taken again."""
    place = installation(stack, tmp_path, limit, index=False)
    process = start(place, limit)
    client = process.client
    taken, unkept = fill(place, client)
    assert unkept < taken
    assert process.lines("rendition_not_kept")
    all_there(client, taken)
    place.in_order()
    for number in range(1, taken):
        assert client.delete(f"/cat{number}", headers=ADMIN).status_code == 204
    kept = len(place.rows.links)
    client.put_in("cat1", DATA)
    rendered(client, MANY + 1)
    assert len(place.rows.links) == kept + 1
    place.in_order()


@pytest.mark.parametrize("limit", [NO_BYTES, NO_INODES], ids=["bytes", "inodes"])
def test_nothing_is_in_reserve(tmp_path: Path, stack: contextlib.ExitStack, limit: Limit) -> None:
    """Whatever call meets the end of the disk, uploads are refused and leave nothing, and
    GETs are answered; so are those of a server that is started then."""
    place = installation(stack, tmp_path, limit, index=False)
    process = start(place, limit)
    taken, _ = fill(place, process.client)
    all_there(process.client, taken)
    place.in_order()
    process.kill()
    client = start(place, limit).client
    all_there(client, taken)
    rendered(client, MANY + 1)
    for number in range(taken - 3, taken):
        assert client.delete(f"/cat{number}", headers=ADMIN).status_code == 204
    client.put_in(f"cat{taken - 1}", DATA)
    assert picture(client, f"/cat{taken - 1}.jpg").content == DATA
    place.in_order()


def test_the_index_is_on_the_full_disk_too(tmp_path: Path, stack: contextlib.ExitStack) -> None:
    """Without one byte of room uploads are refused, also those under way, and GETs are
    answered, by the next server too; with room again everything works, and nothing is left."""
    place = installation(stack, tmp_path, NO_BYTES, index=True)
    process = start(place, NO_BYTES)
    client = process.client
    client.put_in("cat0", DATA)
    rendered(client, 1)
    tokens = {f"dog{number}": client.token(f"dog{number}") for number in range(3)}
    with half_sent(process, "dog0", DATA, tokens["dog0"]) as connection:
        ballast = stuff(place.folders[0] / "data")
        connection.send(DATA[len(DATA) // 2 :])
        assert connection.reply().status == 507
    asked = (
        client.post("/token", json={"id": f"cow{number}", "secret": servers.SECRET})
        for number in range(MANY)
    )
    # What the log of the database has room for is taken.
    refused = next(answer for answer in asked if answer.status_code != 200)
    assert (refused.status_code, refused.json()["code"]) == (507, "disk_full")
    assert refused.headers["Retry-After"] == "60"
    for number, (name, token) in enumerate(tokens.items()):
        assert client.upload(name, DATA, token, "image/jpeg").status_code in (403, 507)
        rendered(client, 10 + number)
        assert picture(client, "/cat0.jpg").content == DATA
        assert picture(client, "/cat0_41_0.jpg").content
    assert client.get("/_live").status_code == 200
    process.kill()
    client = start(place, NO_BYTES).client
    assert picture(client, "/cat0.jpg").content == DATA
    rendered(client, 20)
    ballast.unlink()
    for name, token in tokens.items():
        servers.until(lambda name=name, token=token: taken_at_last(client, name, token))  # type: ignore[misc]
        assert picture(client, f"/{name}.jpg").content == DATA
    place.in_order()


def test_deleting_makes_room_on_a_full_disk(tmp_path: Path, stack: contextlib.ExitStack) -> None:
    """With the index on it, and not one block free: every DELETE and purge is taken, and then
    uploads are."""
    place = installation(stack, tmp_path, NO_BYTES, index=True)
    process = start(place, NO_BYTES)
    client = process.client
    for number in range(8):
        client.put_in(f"cat{number}", DATA)
        rendered(client, number)
    stuff(place.folders[0] / "data")
    purged = client.post("/purge", json={"id": "cat0"}, headers=ADMIN)
    assert (purged.status_code, purged.json()["purged"]) == (200, 8)
    for number in range(1, 8):
        assert client.delete(f"/cat{number}", headers=ADMIN).status_code == 204
        assert client.get(f"/cat{number}.jpg").status_code == 404
    assert picture(client, "/cat0.jpg").content == DATA
    client.put_in("cat1", DATA)
    assert picture(client, "/cat1.jpg").content == DATA
    place.in_order()


def taken_at_last(client: servers.Client, name: str, token: str) -> bool:
    """Whether the picture is taken now, with its old token or with a new one."""
    if client.upload(name, DATA, token, "image/jpeg").status_code == 200:
        return True
    answer = client.post("/token", json={"id": name, "secret": servers.SECRET})
    if answer.status_code != 200:
        return False
    return client.upload(name, DATA, answer.json()["token"], "image/jpeg").status_code == 200
